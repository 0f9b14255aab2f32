//! Why something about a job was not done.

use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Why something about a job was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// No such job.
    #[error("没有找到后台任务「{0}」；请刷新列表后重试")]
    NotFound(String),
    /// It is over, or not over yet.
    #[error("后台任务当前为「{0}」，不能这样操作；请刷新后重试")]
    NotNow(&'static str),
    /// Somebody wanted it to stop before its next step.
    #[error("任务已按要求停止，此前完成的步骤有效，其后的步骤没有执行")]
    Stopped,
    /// Other work of the same kind on the same matter waits or runs.
    #[error("{1} 已有内容不同的「{0}」任务正在排队或执行，请待其结束后再提交，或先取消该任务")]
    Other(&'static str, String),
}

impl Kinded for JobError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::NotNow(_) | Self::Stopped | Self::Other(..) => ErrorKind::FailedPrecondition,
        }
    }
}
