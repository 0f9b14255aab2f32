//! What keeps something about messages from being done.

use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Why something about messages, webhooks or deliveries was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// No such webhook or delivery.
    #[error("没有找到{0}「{1}」；请刷新列表后重试")]
    NotFound(&'static str, String),
    /// Its state does not allow it.
    #[error("该投递当前为「{0}」，只有投递失败的可以重新投递；请刷新后重试")]
    NotDead(&'static str),
    /// The webhook ended.
    #[error("该回调地址已停用，不能重新投递；请另建回调地址")]
    Ended,
    /// A field of the input.
    #[error("{0}")]
    Invalid(String),
}

impl Kinded for MessageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(..) => ErrorKind::NotFound,
            Self::NotDead(_) | Self::Ended => ErrorKind::FailedPrecondition,
            Self::Invalid(_) => ErrorKind::InvalidInput,
        }
    }
}
