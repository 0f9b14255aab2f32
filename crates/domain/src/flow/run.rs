//! An application on its way: tasks, history, and what others must be told.

use super::definition::{Fact, FlowNodeCode};
use crate::authz::Role;
use crate::registry::words;
use kernel::{AccountId, Day, Instant, OrganisationCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// Where a run stands.
    FlowState {
        /// Somebody decides.
        Open = "open", "审批中";
        /// Returned to the applicant.
        Returned = "returned", "已退回申请人";
        /// Everybody agreed. An end.
        Approved = "approved", "已通过";
        /// Somebody disagreed. An end.
        Refused = "refused", "未通过";
        /// The applicant took it back. An end.
        Withdrawn = "withdrawn", "已撤回";
    }
}

impl FlowState {
    /// Whether nothing happens any more.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Approved | Self::Refused | Self::Withdrawn)
    }
}

words! {
    /// Where a task stands.
    TaskState {
        /// Another signature comes first.
        Waiting = "waiting", "等待前序签署";
        /// Somebody can act on it.
        Open = "open", "待办";
        /// Nobody with the right is left.
        Stuck = "stuck", "需要管理员处理";
        /// Agreed; or resubmitted, if the applicant's.
        Agreed = "agreed", "已同意";
        /// Disagreed.
        Disagreed = "disagreed", "不同意";
        /// Returned.
        Returned = "returned", "已退回";
        /// Ended without a decision, as it is needed no more.
        Dropped = "dropped", "已终止";
    }
}

impl TaskState {
    /// Whether it is still to be decided.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Waiting | Self::Open | Self::Stuck)
    }
}

words! {
    /// When an added signer signs.
    SignPosition {
        /// Before whoever added them.
        Before = "before", "前加签";
        /// After whoever added them has agreed.
        After = "after", "后加签";
        /// At the same time.
        Parallel = "parallel", "并加签";
    }
}

/// By which right an account has a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// It has a role in an organisation. Looked up again at every act.
    Role {
        /// The role.
        role: Role,
        /// The organisation.
        organisation: OrganisationCode,
    },
    /// Somebody with the right added it as a signer.
    Added,
    /// It is the applicant.
    Applicant,
}

/// Somebody who may decide a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    /// Who.
    pub account: AccountId,
    /// By which right.
    pub right: Right,
}

/// One signature that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTask {
    /// Its number within the run, from 1.
    pub id: u32,
    /// The node; [`super::APPLICANT`] for what is returned to the applicant.
    pub node: FlowNodeCode,
    /// Which entering of a stage made it.
    pub visit: u32,
    /// Which entry of the node's `who` it is about, in a sequence; else 0.
    pub slot: u32,
    /// Whether it belongs to one account, not to whoever has the role.
    pub fixed: bool,
    /// Who may decide it.
    pub assignees: Vec<Assignee>,
    /// Who of them has claimed it.
    pub claimed_by: Option<AccountId>,
    /// The task whose holder added this one.
    pub added_by: Option<u32>,
    /// Tasks that come first.
    pub waits_for: Vec<u32>,
    /// Since when it can be decided; made, if waiting.
    pub opened: Instant,
    /// When its term is over; none if the node has no term.
    pub due: Option<Instant>,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was urged.
    pub urged: u32,
    /// When last.
    pub urged_on: Option<Day>,
    /// Whether its holders were reminded of its end.
    pub reminded: bool,
    /// Whether its term went by and those above were told.
    pub escalated: bool,
}

impl FlowTask {
    /// The accounts that may decide it.
    pub fn accounts(&self) -> Vec<AccountId> {
        self.assignees.iter().map(|a| a.account).collect()
    }
}

words! {
    /// What was done.
    Deed {
        /// The applicant handed it in.
        Submit = "submit", "提交";
        /// A node took no part.
        Skip = "skip", "跳过";
        /// A node began.
        Enter = "enter", "进入";
        /// Everybody asked for has signed.
        Leave = "leave", "完成";
        /// Claimed a task.
        Claim = "claim", "签收";
        /// Agreed.
        Agree = "agree", "同意";
        /// Disagreed.
        Disagree = "disagree", "不同意";
        /// Returned.
        Return = "return", "退回";
        /// Added a signer.
        AddSigner = "add_signer", "加签";
        /// Handed a task on.
        Transfer = "transfer", "转办";
        /// Urged.
        Urge = "urge", "催办";
        /// Took the application back.
        Withdraw = "withdraw", "撤回";
        /// Handed it in again.
        Resubmit = "resubmit", "重新提交";
        /// Reminded of a deadline: of a task if it names one, else of the whole approval.
        Remind = "remind", "到期提醒";
        /// Told those above that a deadline went by: of a task if it names one, else of the whole approval.
        Escalate = "escalate", "超期升级";
        /// Gave a task to others, as nobody who had it may decide it any more.
        Reassign = "reassign", "改派";
        /// Found nobody to decide a task.
        GetStuck = "get_stuck", "需要管理员处理";
        /// Came to an end.
        End = "end", "结束";
    }
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRecord {
    /// When.
    pub at: Instant,
    /// Who; none for the platform itself.
    pub actor: Option<AccountId>,
    /// For whom, if somebody who is away.
    pub on_behalf_of: Option<AccountId>,
    /// What.
    pub deed: Deed,
    /// At which node.
    pub node: Option<FlowNodeCode>,
    /// In which visit.
    pub visit: u32,
    /// About which task.
    pub task: Option<u32>,
    /// In their words: opinion or reason. Of the platform's own deeds, what they are about.
    pub opinion: String,
    /// Advice on what to mend, of a disagreement (R15).
    pub advice: String,
    /// To whom it went: the target of a return, a new signer, a new holder.
    pub to: Option<String>,
}

/// What an application brings into its flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowApplication {
    /// What it is about, opaque here.
    pub subject: String,
    /// Its kind.
    pub kind: String,
    /// Who applies.
    pub applicant: AccountId,
    /// The organisation it is about: the applicant's own, as a rule.
    pub organisation: OrganisationCode,
    /// The provider it is about, if known.
    pub provider: Option<OrganisationCode>,
    /// What is true and false of it.
    pub facts: BTreeMap<Fact, bool>,
    /// When its whole approval is due if it begins now; none if that is not configured.
    pub due: Option<Instant>,
}

/// The term of the whole approval of an application since it was last handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeApproval {
    /// The first moment that is too late. Frozen when it was handed in.
    pub due: Instant,
    /// Since when the approvers have it no more: it went back to the applicant, or came to an end. None: they have it.
    pub stopped: Option<Instant>,
    /// Whether those who had a task were reminded of its end.
    pub reminded: bool,
    /// Whether it went by and those who must know were told.
    pub escalated: bool,
}

impl WholeApproval {
    /// Whether the approvers take, or took, longer than they had.
    pub fn is_over(&self, now: Instant) -> bool {
        self.due <= self.stopped.unwrap_or(now)
    }
}

/// An application on its way through a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRun {
    /// Code of the flow.
    pub definition: String,
    /// The version it began with and keeps.
    pub version: u32,
    /// What it is about, opaque here.
    pub subject: String,
    /// The applicant, and whoever stood in for them. None of them ever decides.
    pub applicants: Vec<AccountId>,
    /// The organisation it is about.
    pub organisation: OrganisationCode,
    /// The provider it is about, if known.
    pub provider: Option<OrganisationCode>,
    /// The facts, frozen at submission.
    pub facts: BTreeMap<Fact, bool>,
    /// The term of the whole approval; none if it has none, as those that began before there was one.
    #[serde(default)]
    pub whole: Option<WholeApproval>,
    /// Where it stands.
    pub state: FlowState,
    /// Which stage it is in, from 0.
    pub stage: usize,
    /// Nodes that are being decided.
    pub current: Vec<FlowNodeCode>,
    /// How many stages were entered.
    pub visit: u32,
    /// All tasks there ever were.
    pub tasks: Vec<FlowTask>,
    /// All that ever happened.
    pub history: Vec<FlowRecord>,
}

impl FlowRun {
    /// A task by its number.
    pub fn task(&self, id: u32) -> Option<&FlowTask> {
        self.tasks.iter().find(|t| t.id == id)
    }

    /// Tasks that are still to be decided.
    pub fn live(&self) -> impl Iterator<Item = &FlowTask> {
        self.tasks.iter().filter(|t| t.state.is_live())
    }

    /// Tasks that nobody can decide: an administrator must give somebody the role. Empty if all is well.
    pub fn stuck(&self) -> Vec<&FlowTask> {
        self.tasks.iter().filter(|t| t.state == TaskState::Stuck).collect()
    }
}

words! {
    /// Why somebody is told.
    Notice {
        /// A task is theirs to decide.
        ToDecide = "to_decide", "待办";
        /// The end of the term is near.
        Reminder = "reminder", "即将到期";
        /// The term is over.
        Overdue = "overdue", "已超期";
        /// The applicant urges.
        Urged = "urged", "催办";
        /// It came back to the applicant.
        Returned = "returned", "退回";
        /// It came to an end.
        Ended = "ended", "办结";
    }
}

/// What others must do or know after an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowEvent {
    /// A task can be decided, or by others than before.
    TaskOpened {
        /// The task.
        task: u32,
        /// Who may decide it.
        accounts: Vec<AccountId>,
    },
    /// A task is over.
    TaskClosed {
        /// The task.
        task: u32,
        /// How.
        state: TaskState,
    },
    /// Nobody may decide a task: an administrator must help.
    TaskStuck {
        /// The task.
        task: u32,
        /// Its node.
        node: FlowNodeCode,
    },
    /// Tell these accounts.
    Notify {
        /// Whom.
        accounts: Vec<AccountId>,
        /// Why.
        notice: Notice,
        /// About which task.
        task: Option<u32>,
    },
    /// The run is at its end.
    Ended {
        /// How.
        state: FlowState,
    },
}
