//! What a work order holds.

use crate::registry::{ResourceKind, Spec, words};
use kernel::{AllocationCode, ContractCode, Instant, NodeCode, OrganisationCode, PoolCode};
use serde::{Deserialize, Serialize};

words! {
    /// Where a background job stands.
    JobState {
        /// Waiting for a worker.
        Queued = "queued", "排队";
        /// With a worker.
        Running = "running", "执行中";
        /// Over, as wanted.
        Done = "done", "完成";
        /// Over, not as wanted; it is not tried again by itself.
        Failed = "failed", "失败";
        /// Stopped because somebody wanted it.
        Cancelled = "cancelled", "已取消";
    }
}

words! {
    /// What an order is for.
    OrderKind {
        /// New resources.
        Open = "open", "开通";
        /// Another specification.
        Change = "change", "变更";
        /// The end of resources.
        End = "end", "下线";
    }
}

words! {
    /// Who carries an order out.
    Manner {
        /// The platform, at the node's interface.
        Interface = "interface", "接口办理";
        /// A person at the provider, with evidence.
        ByHand = "by_hand", "人工办理";
    }
}

words! {
    /// Where an order stands.
    OrderState {
        /// Not begun.
        Waiting = "waiting", "待办理";
        /// Steps are being carried out.
        Running = "running", "办理中";
        /// A step failed; what was done is being undone.
        Undoing = "undoing", "回退中";
        /// Everything is done.
        Done = "done", "已完成";
        /// Everything was undone.
        Undone = "undone", "已回退";
        /// A person must look.
        NeedsPerson = "needs_person", "需人工处理";
    }
}

impl OrderState {
    /// Whether somebody still has to do something.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Undone)
    }
}

words! {
    /// One effect on a node.
    StepKind {
        /// A network for the system on the node, or the one that is there.
        Network = "network", "准备网络";
        /// A volume.
        Volume = "volume", "创建云硬盘";
        /// A server.
        Server = "server", "创建云主机";
        /// A public address.
        Address = "address", "分配公网地址";
        /// Another specification for a server.
        Resize = "resize", "调整规格";
        /// A larger volume.
        Extend = "extend", "扩容云硬盘";
        /// Stop a server.
        Stop = "stop", "停止云主机";
        /// Take a snapshot before the end.
        Snapshot = "snapshot", "创建快照";
        /// Delete the resource.
        Delete = "delete", "删除资源";
        /// Make sure that it is gone.
        VerifyGone = "verify_gone", "核实已删除";
        /// Something a person does.
        ByHand = "by_hand", "人工办理";
    }
}

words! {
    /// Where a step stands.
    StepState {
        /// Nothing happened.
        Waiting = "waiting", "待执行";
        /// It may have had its effect.
        Begun = "begun", "执行中";
        /// It had its effect.
        Done = "done", "已完成";
        /// It is being undone.
        Undoing = "undoing", "回退中";
        /// It was undone.
        Undone = "undone", "已回退";
        /// It failed and had no effect.
        Failed = "failed", "失败";
    }
}

impl StepKind {
    /// Whether what it does can be undone. What made something is undone by deleting that; nothing brings back what was
    /// deleted.
    pub const fn can_be_undone(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Volume | Self::Server | Self::Address | Self::Resize | Self::Stop | Self::Snapshot
        )
    }
}

/// One step of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub kind: StepKind,
    /// For which resource.
    pub allocation: AllocationCode,
    /// Kind of that resource.
    pub resource: ResourceKind,
    /// Its class.
    pub class: String,
    /// What it shall have.
    pub spec: Spec,
    /// What it had, for a change.
    pub before: Option<Spec>,
    /// Where it stands.
    pub state: StepState,
    /// How often it was begun since it last succeeded or failed for good.
    pub attempts: u32,
    /// The node's id of what it made or acts on.
    pub native_id: Option<String>,
    /// What the node said last.
    pub answer: String,
    /// What it changed on the node besides, and no undo takes back; in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Step {
    /// What the node said last, and what was changed on it besides.
    pub fn said(&self) -> String {
        let answer = Some(self.answer.as_str()).filter(|answer| !answer.is_empty());
        let all: Vec<&str> = answer
            .into_iter()
            .chain(self.remarks.iter().map(String::as_str))
            .collect();
        all.join("；")
    }
}

/// A work order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkOrder {
    /// Its number.
    pub number: String,
    /// The application it is for.
    pub request: String,
    /// What for.
    pub kind: OrderKind,
    /// Who carries it out.
    pub manner: Manner,
    /// The provider.
    pub provider: OrganisationCode,
    /// The node.
    pub node: NodeCode,
    /// The pool.
    pub pool: Option<PoolCode>,
    /// The contract.
    pub contract: ContractCode,
    /// Where it stands.
    pub state: OrderState,
    /// When it was given.
    pub opened: Instant,
    /// By when it is to be done.
    pub due: Option<Instant>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Why a person must look, or why it was undone.
    pub trouble: Option<String>,
    /// Times it was saved. A save names the version it read.
    pub version: i64,
}

impl WorkOrder {
    /// Why a person should look at it, in words; none if nobody has to.
    pub fn why_stuck(&self, now: Instant) -> Option<String> {
        let trouble = self.trouble.as_deref().filter(|trouble| !trouble.is_empty());
        match self.state {
            OrderState::Done | OrderState::Undone => None,
            OrderState::NeedsPerson => Some(trouble.unwrap_or("需要人工处理").to_owned()),
            OrderState::Waiting | OrderState::Running | OrderState::Undoing => {
                let late = self.due.is_some_and(|due| due <= now);
                let why = trouble.map_or_else(String::new, |trouble| format!("：{trouble}"));
                late.then(|| format!("已超过办理期限{why}"))
            }
        }
    }
}
