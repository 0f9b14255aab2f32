//! What keeps an order, a trial or an end from going on.

use domain::authz::DutyError;
use domain::budget::NoRoom;
use domain::request::{ConfirmationError, ErasureProofError, StatusError};
use domain::work::PlanError;
use kernel::{ErrorKind, Kinded};
use std::fmt::Display;
use thiserror::Error;

/// Why an operation on orders was not carried out.
#[derive(Debug, Error)]
pub enum OrderError {
    /// No such application, order or resource.
    #[error("没有找到{0}「{1}」；请刷新列表后重试")]
    NotFound(&'static str, String),
    /// Somebody saved it meanwhile.
    #[error("{0} 已被他人改动，请刷新后重试")]
    Changed(String),
    /// It cannot happen where the application stands.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The application gives no order.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Two duties in one person.
    #[error(transparent)]
    Duty(#[from] DutyError),
    /// A confirmation that is not accepted.
    #[error(transparent)]
    Confirmation(#[from] ConfirmationError),
    /// Erasure is not proven.
    #[error("数据清除尚未证明：{list}", list = listed(.0))]
    Erasure(Vec<ErasureProofError>),
    /// No room.
    #[error("{list}", list = listed(.0))]
    NoRoom(Vec<NoRoom>),
    /// An offer with faults, all of them.
    #[error("报价有误：{list}", list = listed(.0))]
    Offer(Vec<String>),
    /// A choice that a rule does not allow.
    #[error("不能选定该云服务商：{0}")]
    Choice(String),
    /// An order that cannot be carried out like this, with every reason.
    #[error("工单 {0} 不能这样办理：{list}", list = listed(.1))]
    Work(String, Vec<String>),
    /// A field of the input.
    #[error("{0}")]
    Invalid(String),
    /// It is not the time, or not the place, for it.
    #[error("{0}")]
    NotNow(String),
}

fn listed<T: Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("；")
}

impl OrderError {
    /// Whether somebody tried what is not theirs to do: that is written down.
    pub(crate) fn is_refusal(&self) -> bool {
        let own_work = |fault: &ErasureProofError| matches!(fault, ErasureProofError::OwnWork(_));
        self.kind() == ErrorKind::Forbidden || matches!(self, Self::Erasure(faults) if faults.iter().any(own_work))
    }
}

impl Kinded for OrderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(..) => ErrorKind::NotFound,
            Self::Changed(_) => ErrorKind::Conflict,
            Self::Duty(_) => ErrorKind::Forbidden,
            Self::Confirmation(
                ConfirmationError::NotAParty(_) | ConfirmationError::SamePerson(_) | ConfirmationError::OwnWork,
            ) => ErrorKind::Forbidden,
            Self::Status(_)
            | Self::Plan(_)
            | Self::Confirmation(_)
            | Self::Erasure(_)
            | Self::NoRoom(_)
            | Self::Choice(_)
            | Self::NotNow(_) => ErrorKind::FailedPrecondition,
            Self::Offer(_) | Self::Work(..) | Self::Invalid(_) => ErrorKind::InvalidInput,
        }
    }
}
