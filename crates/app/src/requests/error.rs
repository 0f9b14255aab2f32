//! What keeps an operation on applications from being carried out.

use domain::authz::DutyError;
use domain::budget::NoRoom;
use domain::flow::FlowRefusal;
use domain::request::{RequestFault, StatusError};
use domain::rules::{Check, Outcome, ReviewFault};
use kernel::{ErrorKind, Kinded};
use std::fmt::Display;
use thiserror::Error;

/// Why an operation on an application was not carried out. Nothing of it was stored but the note that it was refused.
#[derive(Debug, Error)]
pub enum RequestError {
    /// There is none, or it may not be known.
    #[error("没有找到申请「{0}」；请核对编号，或确认您有查看权限")]
    NotFound(String),
    /// Nobody registered the system.
    #[error("信息系统「{0}」没有登记，请先登记系统再申请")]
    UnknownSystem(String),
    /// There is no such resource, or it is not the system's.
    #[error("没有找到系统 {system} 正在使用的资源「{code}」；请核对分配单号")]
    UnknownResource {
        /// The resource.
        code: String,
        /// The system.
        system: String,
    },
    /// Resources of several places in one application.
    #[error("一份申请中的已有资源应在同一云服务商的同一云节点，请按云节点分开申请")]
    SeveralPlaces,
    /// What it holds cannot be handed in.
    #[error("申请有 {count} 处需要改正：{list}", count = .0.len(), list = joined(.0))]
    Faulty(Vec<RequestFault>),
    /// Only drafts and what was returned can be written on.
    #[error("申请当前为「{0}」，不能修改；只有草稿和退回待补正的申请可以修改")]
    NotWritable(&'static str),
    /// Rules that are not met.
    #[error("按现行规则不能提交：{list}", list = reasons(.0, &Outcome::Block))]
    Blocked(Vec<Check>),
    /// Something is missing.
    #[error("材料不全，请补充后再提交：{list}", list = reasons(.0, &Outcome::Supplement))]
    Incomplete(Vec<Check>),
    /// Less would do.
    #[error("申请数量须核减：{list}。可一键接受核减后提交", list = reductions(.0))]
    Reduced(Vec<Check>),
    /// Nothing is to be reduced.
    #[error("该申请没有需要核减的数量")]
    NothingToReduce,
    /// No room in a quota or budget.
    #[error("{list}", list = joined(.0))]
    NoRoom(Vec<NoRoom>),
    /// Another application on its way changes or ends the same resource.
    #[error("资源 {code} 已有办理中的申请 {number}，待其办结或撤回后才能提交")]
    Rival {
        /// The resource.
        code: String,
        /// The other application.
        number: String,
    },
    /// No flow is in force for it, or the one it began with is gone.
    #[error("没有可用于{0}的审批流程，请联系主管部门配置")]
    NoFlow(String),
    /// It is not in its approval.
    #[error("申请「{0}」不在审批中，没有可办理的任务")]
    NotInFlow(String),
    /// It cannot happen here.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The flow does not allow it.
    #[error(transparent)]
    Flow(#[from] FlowRefusal),
    /// One person in two duties.
    #[error(transparent)]
    Duty(#[from] DutyError),
    /// A review that is not complete.
    #[error("论证记录不完整：{list}", list = joined(.0))]
    Review(Vec<ReviewFault>),
    /// A rule about the input.
    #[error("{0}")]
    Invalid(String),
}

fn joined<T: Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("；")
}

fn reasons(checks: &[Check], outcome: &Outcome) -> String {
    let those = checks.iter().filter(|check| check.outcome == *outcome);
    let lines = those.map(|check| format!("{}（{}）{}", check.rule, check.title, check.reason));
    lines.collect::<Vec<_>>().join("；")
}

fn reductions(checks: &[Check]) -> String {
    let those = checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Reduce { .. }));
    let lines = those.map(|check| format!("{} {}", check.rule, check.reason));
    lines.collect::<Vec<_>>().join("；")
}

impl RequestError {
    /// Whether somebody tried what they may not do, or what the rules forbid: that is written down.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Blocked(_) | Self::Incomplete(_) | Self::Reduced(_) | Self::NoRoom(_) | Self::Duty(_)
        ) || matches!(self, Self::Flow(refusal) if refusal.kind() == ErrorKind::Forbidden)
    }
}

impl Kinded for RequestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::UnknownSystem(_)
            | Self::UnknownResource { .. }
            | Self::SeveralPlaces
            | Self::Faulty(_)
            | Self::Review(_)
            | Self::Invalid(_) => ErrorKind::InvalidInput,
            Self::Flow(refusal) => refusal.kind(),
            Self::Duty(_) => ErrorKind::Forbidden,
            Self::NotWritable(_)
            | Self::Blocked(_)
            | Self::Incomplete(_)
            | Self::Reduced(_)
            | Self::NothingToReduce
            | Self::NoRoom(_)
            | Self::Rival { .. }
            | Self::NoFlow(_)
            | Self::NotInFlow(_)
            | Self::Status(_) => ErrorKind::FailedPrecondition,
        }
    }
}
