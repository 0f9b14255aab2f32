//! Why an act does not count.

use super::run::{FlowState, TaskState};
use kernel::{AccountId, ErrorKind, Kinded};
use thiserror::Error;

/// Why an act does not count. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FlowRefusal {
    /// The definition is not the one the run began with.
    #[error("该申请按流程「{code}」第 {version} 版办理，请用该版本继续")]
    WrongVersion {
        /// The flow it began with.
        code: String,
        /// And its version.
        version: u32,
    },
    /// The flow is not in force.
    #[error("流程「{0}」当前不在有效期内，请选用现行版本")]
    NotEffective(String),
    /// The flow is for other kinds.
    #[error("流程「{flow}」不适用于「{kind}」类申请，请选用对应的流程")]
    WrongKind {
        /// The flow.
        flow: String,
        /// The kind that came.
        kind: String,
    },
    /// Facts that the flow asks for are not given.
    #[error("缺少判定事实：{0}；请补充后再提交")]
    FactsMissing(String),
    /// No node takes part.
    #[error("按所给事实，流程「{0}」没有任何审批环节，不能提交；请管理员检查流程条件")]
    NobodyDecides(String),
    /// The clock went back.
    #[error("当前时间早于上一条办理记录，请检查服务器时钟后重试")]
    ClockWentBack,
    /// It is over.
    #[error("申请{}，不能再办理", .0.zh())]
    Ended(FlowState),
    /// There is no such task.
    #[error("没有编号为 {0} 的任务，请刷新待办列表")]
    NoSuchTask(u32),
    /// The task was decided or dropped.
    #[error("该任务{}，无需再次办理", .0.zh())]
    TaskOver(TaskState),
    /// Another signature comes first.
    #[error("须等待前序加签人签署后才能办理")]
    TaskWaits,
    /// The account is disabled or unknown.
    #[error("账号已停用或没有任何角色，请联系管理员")]
    Inactive,
    /// The task is another's.
    #[error("您不是环节「{0}」的办理人，不能办理；如系受托代办，请确认委托期间有效")]
    NotYours(String),
    /// The applicant may not decide.
    #[error("申请人不能审批自己的申请，请由他人办理")]
    OwnApplication,
    /// Two duties in one person.
    #[error("您已办理环节「{other}」，按职责分离要求不能再办理「{node}」，请由他人办理")]
    DutiesClash {
        /// The node that was wanted.
        node: String,
        /// The node that was decided.
        other: String,
    },
    /// The same person would sign the node twice.
    #[error("您在本环节已签署或另有签署任务，同一人不能签署两次")]
    SignsTwice,
    /// Somebody else has claimed it.
    #[error("该任务已由其他办理人签收，如需接手请其转办")]
    Claimed(AccountId),
    /// It belongs to one account anyway.
    #[error("该任务指定由一人办理，无需签收")]
    NothingToClaim,
    /// A reason is missing (R15).
    #[error("{0}必须说明理由")]
    ReasonMissing(&'static str),
    /// The advice is missing (R15).
    #[error("不同意必须给出改进建议，以便申请人修改后重新申请")]
    AdviceMissing,
    /// It may not be returned there.
    #[error("环节「{node}」不能退回到「{to}」，可退回：{allowed}")]
    MayNotReturn {
        /// Where it stands.
        node: String,
        /// The target.
        to: String,
        /// Where it may go.
        allowed: String,
    },
    /// The target of a return took no part.
    #[error("环节「{0}」本次未参与办理，请选择其他退回环节")]
    TargetSkipped(String),
    /// The node adds no signers.
    #[error("环节「{0}」不允许加签")]
    MayNotAddSigner(String),
    /// The node hands nothing on.
    #[error("环节「{0}」不允许转办")]
    MayNotTransfer(String),
    /// An added signer only signs.
    #[error("加签人只能表示同意或不同意，退回、转办、再加签请由环节办理人进行")]
    AddedOnlySigns,
    /// The chosen account may not have the task.
    #[error("所选账号不能办理：{0}")]
    UnfitTarget(String),
    /// Only the applicant may.
    #[error("只有申请人可以{0}")]
    OnlyApplicant(&'static str),
    /// It was not returned.
    #[error("申请当前{}，未被退回，不能重新提交", .0.zh())]
    NotReturned(FlowState),
    /// The applicant answers a return by handing it in again.
    #[error("退回给申请人的任务只能重新提交或撤回")]
    ResubmitInstead,
    /// Once a day is enough.
    #[error("今天已催办过该任务，请明天再催")]
    UrgedToday,
}

impl Kinded for FlowRefusal {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::FactsMissing(_)
            | Self::WrongKind { .. }
            | Self::ReasonMissing(_)
            | Self::AdviceMissing
            | Self::MayNotReturn { .. }
            | Self::UnfitTarget(_) => ErrorKind::InvalidInput,
            Self::Inactive
            | Self::NotYours(_)
            | Self::OwnApplication
            | Self::DutiesClash { .. }
            | Self::SignsTwice
            | Self::OnlyApplicant(_)
            | Self::AddedOnlySigns => ErrorKind::Forbidden,
            Self::NoSuchTask(_) => ErrorKind::NotFound,
            Self::TaskOver(_) | Self::Claimed(_) | Self::WrongVersion { .. } => ErrorKind::Conflict,
            Self::NotEffective(_)
            | Self::NobodyDecides(_)
            | Self::ClockWentBack
            | Self::Ended(_)
            | Self::TaskWaits
            | Self::NothingToClaim
            | Self::TargetSkipped(_)
            | Self::MayNotAddSigner(_)
            | Self::MayNotTransfer(_)
            | Self::NotReturned(_)
            | Self::ResubmitInstead
            | Self::UrgedToday => ErrorKind::FailedPrecondition,
        }
    }
}
