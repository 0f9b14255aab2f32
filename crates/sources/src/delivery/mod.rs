//! What leaves the house: letters over SMTP, signed calls to webhooks.
//!
//! Owns the two protocols. Does not own what is said, to whom, how often it is tried, or when it is given up. Invariants:
//! neither an address nor a secret is in an error or a log; a redirect is not followed; what a receiver answers is never
//! read beyond its status.

mod hook;
mod mail;

pub use hook::{Call, Hooks, HooksConfig, check_address};
pub use mail::{Letter, MailConfig, MailSecurity, Mailer};

use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Why something did not arrive, or cannot be sent at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeliveryError {
    /// The configuration cannot be used.
    #[error("{field} 配置有误：{why}")]
    Config {
        /// The key.
        field: &'static str,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The receiver says that it never will; trying again does not help.
    #[error("{0}")]
    Refused(String),
    /// It did not arrive, or it is not known whether it did; trying again may help.
    #[error("{0}")]
    Again(String),
}

impl Kinded for DeliveryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } => ErrorKind::InvalidInput,
            Self::Refused(_) => ErrorKind::FailedPrecondition,
            Self::Again(_) => ErrorKind::Unavailable,
        }
    }
}
