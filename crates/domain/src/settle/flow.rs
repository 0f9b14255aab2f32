//! The way of a statement: draft, confirmed by the unit, reviewed by supervisor and cost assessor, decided by the
//! authority. A final statement never changes.
//!
//! The order of the middle steps is a design of ours (settlement-flow in docs/sources.md), not a published rule.

use crate::registry::{Side, words};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// Where a statement stands.
    StatementStatus {
        /// Made when the month was closed.
        Draft = "draft", "待使用单位确认";
        /// The department confirmed its usage.
        UnitConfirmed = "unit_confirmed", "待监理审核";
        /// The supervisor reviewed it.
        SupervisorReviewed = "supervisor_reviewed", "待造价审核";
        /// The cost assessor reviewed it.
        CostReviewed = "cost_reviewed", "待主管部门审定";
        /// The authority decided. Nothing changes any more.
        Final = "final", "已审定";
    }
}

words! {
    /// What somebody does with a statement.
    Step {
        /// Agree, and hand on to the next side.
        Agree = "agree", "同意";
        /// Return to the side before, with a reason.
        Return = "return", "退回";
    }
}

/// What somebody said when advancing a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Who.
    pub actor: String,
    /// For which side they speak.
    pub side: Side,
    /// Agree or return.
    pub step: Step,
    /// In their words; required when returning.
    pub text: String,
    /// When.
    pub at: Instant,
}

/// Why a statement does not advance.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FlowError {
    /// It is final.
    #[error("结算单已审定，不能再变动；如有差错，请在未关账月份以更正行处理")]
    Final,
    /// It is another side's turn.
    #[error("当前环节为「{status}」，应由{expected}办理，不能由{actual}办理")]
    WrongSide {
        /// Where it stands.
        status: &'static str,
        /// Whose turn it is.
        expected: &'static str,
        /// Who came.
        actual: &'static str,
    },
    /// Nothing before a draft.
    #[error("草稿没有上一环节可退")]
    NothingBefore,
    /// A return needs a reason.
    #[error("退回必须说明理由")]
    ReasonMissing,
}

impl StatementStatus {
    /// Whose turn it is; none when final.
    pub const fn awaited(self) -> Option<Side> {
        match self {
            Self::Draft => Some(Side::Unit),
            Self::UnitConfirmed => Some(Side::Supervisor),
            Self::SupervisorReviewed => Some(Side::CostAssessor),
            Self::CostReviewed => Some(Side::Authority),
            Self::Final => None,
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Draft => Self::UnitConfirmed,
            Self::UnitConfirmed => Self::SupervisorReviewed,
            Self::SupervisorReviewed => Self::CostReviewed,
            Self::CostReviewed | Self::Final => Self::Final,
        }
    }

    const fn before(self) -> Option<Self> {
        match self {
            Self::Draft | Self::Final => None,
            Self::UnitConfirmed => Some(Self::Draft),
            Self::SupervisorReviewed => Some(Self::UnitConfirmed),
            Self::CostReviewed => Some(Self::SupervisorReviewed),
        }
    }
}

/// Where a statement stands after an opinion.
pub fn advance(status: StatementStatus, opinion: &Opinion) -> Result<StatementStatus, FlowError> {
    let expected = status.awaited().ok_or(FlowError::Final)?;
    if expected != opinion.side {
        return Err(FlowError::WrongSide {
            status: status.zh(),
            expected: expected.zh(),
            actual: opinion.side.zh(),
        });
    }
    match opinion.step {
        Step::Agree => Ok(status.next()),
        Step::Return if opinion.text.trim().is_empty() => Err(FlowError::ReasonMissing),
        Step::Return => status.before().ok_or(FlowError::NothingBefore),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(side: Side, step: Step, text: &str) -> Opinion {
        Opinion {
            actor: "张三".into(),
            side,
            step,
            text: text.into(),
            at: Instant::from_unix_s(0),
        }
    }

    #[test]
    fn every_status_side_and_step() {
        let mut allowed = Vec::new();
        for status in StatementStatus::ALL {
            for side in Side::ALL {
                for step in Step::ALL {
                    if let Ok(next) = advance(*status, &opinion(*side, *step, "理由")) {
                        allowed.push(format!("{status} {side} {step} -> {next}"));
                    }
                }
            }
        }
        assert_eq!(
            allowed,
            [
                "draft unit agree -> unit_confirmed",
                "unit_confirmed supervisor agree -> supervisor_reviewed",
                "unit_confirmed supervisor return -> draft",
                "supervisor_reviewed cost_assessor agree -> cost_reviewed",
                "supervisor_reviewed cost_assessor return -> unit_confirmed",
                "cost_reviewed authority agree -> final",
                "cost_reviewed authority return -> supervisor_reviewed",
            ]
        );
        let silent = opinion(Side::Supervisor, Step::Return, " ");
        assert_eq!(
            advance(StatementStatus::UnitConfirmed, &silent),
            Err(FlowError::ReasonMissing)
        );
    }
}
