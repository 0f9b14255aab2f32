//! Errors of use cases. Each variant is a rule that was broken, and says what to do.

use domain::meter::BrokenInvariant;
use domain::rate::RateError;
use kernel::{ErrorKind, Faults, Kinded, MoneyError, Month};
use thiserror::Error;

/// Why an operation was not carried out. Nothing of it was stored, unless the text says so.
#[derive(Debug, Error)]
pub enum AppError {
    /// The store.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// A file could not be read as a table.
    #[error(transparent)]
    Tabular(#[from] sources::tabular::TabularError),
    /// A numbered file.
    #[error(transparent)]
    Numbered(#[from] sources::numbered::NumberedError),
    /// An OpenStack node.
    #[error(transparent)]
    OpenStack(#[from] sources::openstack::OpenStackError),
    /// A document could not be made.
    #[error(transparent)]
    Document(#[from] documents::DocumentError),
    /// A file has faults; none of it was taken in.
    #[error("文件有 {count} 处错误，未导入任何内容:\n{list}", count = .0.len(), list = .0)]
    Faults(Faults),
    /// A folder or file cannot be read or written.
    #[error("无法读写 {path}: {why}", why = kernel::io_reason(source))]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no such thing.
    #[error("没有找到{what}「{key}」；{advice}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// What was asked for.
        key: String,
        /// What to do.
        advice: &'static str,
    },
    /// The month is closed.
    #[error("{0} 已关账，不能再变动；请说明理由后重算，差额在未关账月份中以更正行处理")]
    MonthClosed(Month),
    /// An earlier step is missing.
    #[error("{month} 还不能{what}: {why}")]
    NotYet {
        /// The month.
        month: Month,
        /// What was asked for.
        what: &'static str,
        /// What is missing, and what to do.
        why: String,
    },
    /// Metering broke an invariant; nothing was published.
    #[error("计量结果违反不变量，未发布任何结果: {list}", list = .0.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("；"))]
    Invariant(Vec<BrokenInvariant>),
    /// Rating stopped.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A sum is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A statement does not advance.
    #[error(transparent)]
    Flow(#[from] domain::settle::FlowError),
    /// A case is not settled.
    #[error(transparent)]
    Case(#[from] crate::cases::CaseError),
    /// What was withheld and released does not add up.
    #[error(transparent)]
    Ledger(#[from] domain::settle::LedgerError),
    /// An availability is out of range.
    #[error(transparent)]
    Availability(#[from] domain::settle::AvailabilityError),
    /// Something was handed in again under the same number, with other content.
    #[error("{0}")]
    Contradiction(String),
    /// A node showed nothing after it had shown something.
    #[error("云节点 {0} 这次返回空清单，而此前有 {1} 个资源；如确属清空，请确认清空后重新采集")]
    EmptyLook(String, usize),
    /// A rule about the input.
    #[error("{0}")]
    Invalid(String),
    /// Accounts, logins, roles and tokens.
    #[error(transparent)]
    Account(#[from] crate::accounts::AccountError),
    /// Applications.
    #[error(transparent)]
    Request(#[from] crate::requests::RequestError),
    /// Orders, trials, ends.
    #[error(transparent)]
    Order(#[from] crate::orders::OrderError),
    /// Evidence.
    #[error(transparent)]
    Evidence(#[from] crate::evidence::EvidenceError),
    /// Background work.
    #[error(transparent)]
    Job(#[from] crate::jobs::JobError),
    /// Messages, webhooks, deliveries.
    #[error(transparent)]
    Message(#[from] crate::messages::MessageError),
    /// Absences.
    #[error(transparent)]
    Absence(#[from] crate::absences::AbsenceError),
    /// Two duties of one matter in one person.
    #[error(transparent)]
    Duty(#[from] domain::authz::DutyError),
    /// The identity provider.
    #[error(transparent)]
    Identity(#[from] identity::IdentityError),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] policy::Denied),
    /// Policies that cannot be used.
    #[error(transparent)]
    Policy(#[from] policy::PolicyError),
    /// The audit chain is broken.
    #[error(transparent)]
    Chain(#[from] domain::audit::ChainError),
    /// A file of the audit chain is not whole.
    #[error(transparent)]
    WrittenChain(#[from] domain::audit::FileError),
    /// A body that is no JSON, or cannot be written as JSON. A fault of ours.
    #[error("数据无法写成 JSON，未保存任何内容: {0}；请联系运维人员")]
    Json(#[from] serde_json::Error),
}

impl AppError {
    /// For a folder or file.
    pub fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |source| Self::Io { path, source }
    }
}

impl Kinded for AppError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Lake(error) => error.kind(),
            Self::Tabular(error) => error.kind(),
            Self::Numbered(error) => error.kind(),
            Self::OpenStack(error) => error.kind(),
            Self::Document(error) => error.kind(),
            Self::Case(error) => error.kind(),
            Self::Account(error) => error.kind(),
            Self::Request(error) => error.kind(),
            Self::Denied(error) => error.kind(),
            Self::Order(error) => error.kind(),
            Self::Evidence(error) => error.kind(),
            Self::Job(error) => error.kind(),
            Self::Message(error) => error.kind(),
            Self::Absence(error) => error.kind(),
            Self::Policy(error) => error.kind(),
            Self::Identity(error) => error.kind(),
            Self::Duty(_) => ErrorKind::Forbidden,
            Self::Faults(_) | Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::MonthClosed(_) | Self::NotYet { .. } | Self::EmptyLook(..) | Self::Flow(_) => {
                ErrorKind::FailedPrecondition
            }
            Self::Contradiction(_) => ErrorKind::AlreadyExists,
            Self::Rate(RateError::NoPrices { .. }) => ErrorKind::FailedPrecondition,
            Self::Invariant(_)
            | Self::Rate(_)
            | Self::Money(_)
            | Self::Availability(_)
            | Self::Ledger(_)
            | Self::Chain(_)
            | Self::WrittenChain(_)
            | Self::Json(_) => ErrorKind::Internal,
        }
    }
}
