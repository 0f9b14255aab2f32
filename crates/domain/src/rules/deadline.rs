//! How long each step of an application may take, as versioned data.

use super::RuleCode;
use crate::calendar::Term;
use crate::registry::words;
use kernel::Day;
use serde::{Deserialize, Serialize};

words! {
    /// A kind of deadline.
    DeadlineKind {
        /// From submission to accepting or refusing to take it on.
        Acceptance = "acceptance", "受理";
        /// From acceptance to the review's opinion.
        Review = "review", "审核意见";
        /// From submission to the end of the approval.
        WholeApproval = "whole_approval", "全部审批";
        /// From approval to the opening of test resources.
        TestOpened = "test_opened", "测试资源开通";
        /// From approval to the provider's delivery.
        Delivery = "delivery", "云服务商交付";
        /// From the opening of the test to its end.
        Trial = "trial", "测试期";
        /// From the notice that a temporary resource is past its date to its reclaim.
        ReclaimNotice = "reclaim_notice", "到期回收前通知";
        /// From the proposal of a reclaim to the end of the unit's time to answer.
        ReplyWindow = "reply_window", "回收意见答复";
    }
}

/// Another term that is published for the same thing somewhere else; it can be chosen in a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// The term.
    pub term: Term,
    /// Key of its source.
    pub source: String,
}

/// One version of one deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// What it is for.
    pub kind: DeadlineKind,
    /// The rule it belongs to.
    pub rule: RuleCode,
    /// Its version, from 1.
    pub version: u32,
    /// How long.
    pub term: Term,
    /// Whether the provider's contract may say otherwise; then the contract counts.
    #[serde(default)]
    pub by_contract: bool,
    /// First day in force.
    pub from: Day,
    /// First day no longer in force; none: until the next version begins.
    pub to: Option<Day>,
    /// Key of its source.
    pub source: String,
    /// Who put it into force; 示例 where no published rule of this place says so.
    pub approver: String,
    /// What other places have published.
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
}
