//! Exit codes, as documented in `--help`, and how an error is told.

use kernel::{ErrorKind, Kinded};
use std::process::ExitCode;

/// A fault of ours, something unexpected, an audit chain that was altered, or a recorded file that is missing.
pub(crate) const INTERNAL: u8 = 1;
/// What was given is wrong. Clap uses 2 for the command line itself.
pub(crate) const INVALID: u8 = 3;
/// There is no such thing.
pub(crate) const NOT_FOUND: u8 = 4;
/// It is there already, or somebody else changed it.
pub(crate) const CONFLICT: u8 = 5;
/// Whoever asks may not, or the state does not allow it yet or no longer.
pub(crate) const PRECONDITION: u8 = 6;
/// A database, disk or node does not answer.
pub(crate) const UNAVAILABLE: u8 = 7;

/// Why a command failed: a sentence and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// With a code of its own.
    pub(crate) fn new(code: u8, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code,
        }
    }

    /// The same, with what went wrong before it told first.
    pub(crate) fn after(mut self, before: &impl std::fmt::Display) -> Self {
        self.text = format!("{before}\n{}", self.text);
        self
    }

    /// Tells it on stderr.
    pub(crate) fn report(self) -> ExitCode {
        report(&self.text, self.code)
    }
}

/// Tells an error on stderr.
#[expect(clippy::print_stderr, reason = "this is where errors are told")]
pub(crate) fn report(text: &str, code: u8) -> ExitCode {
    eprintln!("错误: {text}");
    ExitCode::from(code)
}

impl<E: Kinded + std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        let code = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::TooLarge => INVALID,
            ErrorKind::NotFound => NOT_FOUND,
            ErrorKind::AlreadyExists | ErrorKind::Conflict => CONFLICT,
            ErrorKind::FailedPrecondition | ErrorKind::Unauthenticated | ErrorKind::Forbidden => PRECONDITION,
            ErrorKind::Unavailable => UNAVAILABLE,
            ErrorKind::Internal => INTERNAL,
        };
        Self {
            text: error.to_string(),
            code,
        }
    }
}
