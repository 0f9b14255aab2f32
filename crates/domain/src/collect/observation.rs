//! One look at one node, and what it showed.

use crate::registry::{ResourceKind, Spec, words};
use kernel::{Instant, Quantity};
use serde::{Deserialize, Serialize};

words! {
    /// What a node says about a resource, in the few states that matter to a meter.
    ObservedState {
        /// It exists and can be used.
        Live = "live", "运行";
        /// It exists and is switched off, paused or suspended; its capacity stays reserved.
        Stopped = "stopped", "停止";
        /// It exists on paper only; its compute capacity was given back (shelved and offloaded).
        Shelved = "shelved", "归档";
        /// It was never delivered, or is broken (still building, in error).
        Failed = "failed", "故障";
        /// It is gone.
        Deleted = "deleted", "已删除";
    }
}

/// One resource as one look at a node showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The node's own id of the resource; unique on the node for ever.
    pub native_id: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Kind within the kind: volume type, flavor family, product; empty if there is none.
    #[serde(default)]
    pub class: String,
    /// The name people gave it. Never used to match anything.
    #[serde(default)]
    pub name: String,
    /// The node's project (tenant) it belongs to; maps to an information system.
    pub project: String,
    /// Availability zone; maps to a pool. Empty if the node did not say.
    #[serde(default)]
    pub zone: String,
    /// State.
    pub state: ObservedState,
    /// The node's own word for the state, for the record.
    #[serde(default)]
    pub native_state: String,
    /// How big it is.
    pub spec: Spec,
    /// When it was made, as the node says.
    pub created_at: Option<Instant>,
    /// When it was last changed, as the node says; bounds the moment of a resize between two looks.
    pub changed_at: Option<Instant>,
    /// When it was deleted, as the node says.
    pub deleted_at: Option<Instant>,
    /// The resource it hangs on (the server of a volume, the volume of a snapshot).
    pub parent: Option<String>,
    /// The information system named in its tags or metadata, if any; beats the project's mapping.
    pub system_tag: Option<String>,
}

words! {
    /// How much of the node a look covers.
    LookKind {
        /// Everything that exists. What is not in it does not exist.
        Full = "full", "全量";
        /// What changed since the look before. What is not in it is as it was.
        Changes = "changes", "增量";
    }
}

/// One look at a node: everything it showed at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The moment that the look speaks of.
    pub taken_at: Instant,
    /// Everything, or changes only.
    pub kind: LookKind,
    /// What was seen, each native id once.
    pub observations: Vec<Observation>,
    /// What was measured since the look before.
    pub samples: Vec<Sample>,
}

/// One measured value of a resource, for meters that need one (mean GiB of an object store, 95th percentile Mbps).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The node's own id of the resource.
    pub native_id: String,
    /// What was measured; the unit is part of the name.
    pub measure: crate::registry::Measure,
    /// The moment of the sample.
    pub at: Instant,
    /// The value, in millionths of the measure's unit.
    pub value: Quantity,
}
