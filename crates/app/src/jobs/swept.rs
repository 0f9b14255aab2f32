//! What a sweep did with one matter after another.

use super::work::Ended;
use crate::AppError;
use kernel::{ErrorKind, Kinded};

/// What a sweep did. One matter that fails keeps no other waiting: it is noted, and looked at again by the next sweep.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// The matters in which something was done.
    pub done: Vec<String>,
    /// How many failed; the log says why.
    pub failed: u64,
}

impl Swept {
    /// Notes how one matter went: what was done, `None` if there was nothing to do. Errors: the store does not answer, so nothing of the
    /// rest would be done either.
    pub(crate) fn note(&mut self, matter: &str, done: Result<Option<String>, AppError>) -> Result<(), AppError> {
        match done {
            Ok(done) => self.done.extend(done),
            Err(AppError::Store(why)) if why.kind() == ErrorKind::Unavailable => return Err(why.into()),
            Err(why) => {
                tracing::error!(matter, cause = %why, "a matter was not swept");
                self.failed += 1;
            }
        }
        Ok(())
    }

    /// The same, where a matter is either done or was not to be.
    pub(crate) fn note_if(&mut self, matter: &str, done: Result<bool, AppError>) -> Result<(), AppError> {
        self.note(matter, done.map(|done| done.then(|| matter.to_owned())))
    }

    /// With what another sweep did.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.done.extend(other.done);
        self.failed += other.failed;
        self
    }
}

/// How a job ended that swept: in words, and not as wanted if matters failed.
pub(crate) fn swept(words: String, failed: u64) -> Ended {
    match failed {
        0 => Ended::Done(words),
        _ => Ended::Failed(format!("{words}，{failed} 件未能处理，原因见日志")),
    }
}
