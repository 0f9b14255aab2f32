//! What a meter cannot decide alone: cases with a subject, an owner and a deadline.

use crate::registry::words;
use kernel::{Day, Instant};
use serde::{Deserialize, Serialize};

words! {
    /// What a case is about.
    CaseKind {
        /// A resource exists that nobody approved.
        NotApproved = "not_approved", "存在但未批准";
        /// A resource was approved and is not seen.
        NotObserved = "not_observed", "已批准但未见存在";
        /// A resource is smaller than approved.
        SmallerThanApproved = "smaller_than_approved", "实际小于批准";
        /// A resource is larger than approved.
        LargerThanApproved = "larger_than_approved", "实际大于批准";
        /// A project of a node belongs to no system.
        UnmappedProject = "unmapped_project", "项目未对应信息系统";
        /// The resource is in a project of another system than it was approved for.
        WrongSystem = "wrong_system", "所在项目与批准系统不符";
        /// Nothing in the catalogue or the price book charges it.
        Unpriced = "unpriced", "无可用价格";
        /// The node could not be looked at for a while.
        NodeGap = "node_gap", "云节点采集中断";
        /// Measured values are missing.
        MissingSamples = "missing_samples", "计量数据缺失";
        /// A numbered file is missing.
        SequenceGap = "sequence_gap", "数据文件缺号";
        /// Something arrived that belongs to a closed month.
        LateData = "late_data", "迟到数据";
        /// A price was entered for days that are already rated and closed.
        BackdatedPrice = "backdated_price", "追溯调价";
        /// The same file number came with other content.
        ContradictingFile = "contradicting_file", "同号异文";
        /// The provider bills a resource that we do not charge, or not in that way.
        BillDifference = "bill_difference", "账单差异";
    }
}

impl CaseKind {
    /// Calendar days that whoever owns the case has for it. An example default of ours, not law; a deployment
    /// configures its own.
    pub const fn days_to_answer(self) -> i64 {
        match self {
            Self::NotApproved | Self::WrongSystem | Self::ContradictingFile => 5,
            Self::NodeGap | Self::SequenceGap | Self::MissingSamples => 3,
            _ => 14,
        }
    }
}

/// Something a run found that a person must look at.
///
/// Invariant: the same finding of a later run has the same `kind` and `subject`, so that it is not opened twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub kind: CaseKind,
    /// The thing it is about: `node/native id`, allocation, project ...
    pub subject: String,
    /// Who has to look: code of an organisation (the provider, the department, the bureau).
    pub owner: String,
    /// What was found, in one Chinese sentence.
    pub detail: String,
    /// Since when it is so.
    pub since: Instant,
}

impl Finding {
    /// The day by which it has to be answered, when it is opened at `now`.
    pub fn deadline(&self, now: Instant) -> Day {
        now.day().plus(self.kind.days_to_answer())
    }
}
