//! Why an absence was not noted or taken back.

use crate::messages::{deadline, moment};
use kernel::{ErrorKind, Instant, Kinded};
use thiserror::Error;

/// Longest reason. Units: characters.
pub(super) const REASON_MAX: usize = 500;

/// Why an absence was not noted or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AbsenceError {
    /// The times do not fit.
    #[error("起止时间不正确：{0}")]
    Times(&'static str),
    /// The reason is too long.
    #[error("事由不能超过 {REASON_MAX} 个字符")]
    Reason,
    /// The deputy is nobody who could.
    #[error("不能由该账号代办：{0}")]
    Deputy(&'static str),
    /// Another absence lies in that time.
    #[error("{from} 至 {to} 已登记外出，时间重叠；请先撤销原登记或调整起止时间", from = moment(*.0), to = deadline(*.1))]
    Overlaps(Instant, Instant),
    /// No such absence, or it is over.
    #[error("没有找到可撤销的外出登记「{0}」；请刷新列表后重试")]
    NotFound(String),
}

impl Kinded for AbsenceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Times(_) | Self::Reason | Self::Deputy(_) => ErrorKind::InvalidInput,
            Self::Overlaps(..) => ErrorKind::FailedPrecondition,
            Self::NotFound(_) => ErrorKind::NotFound,
        }
    }
}
