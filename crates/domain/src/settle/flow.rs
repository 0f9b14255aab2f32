//! The way of a statement: draft, confirmed by whose figures it states, reviewed by supervisor and cost assessor,
//! decided by the authority. A final statement never changes.
//!
//! A department's statement is confirmed by the unit, for it is its use. A provider's own statement is no unit's to
//! confirm: the provider that is paid by it does. The order of the middle steps is a design of ours
//! (settlement-flow in docs/sources.md), not a published rule.

use crate::registry::{Side, words};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// Where a statement stands.
    StatementStatus {
        /// Made when the month was closed.
        Draft = "draft", "待确认";
        /// The department confirmed its usage.
        UnitConfirmed = "unit_confirmed", "使用单位已确认，待监理审核";
        /// The provider confirmed its own statement.
        ProviderConfirmed = "provider_confirmed", "云服务商已确认，待监理审核";
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
    /// Somebody speaks for another side than their own.
    #[error("您的账号属于{own}，不能代表{wanted}办理")]
    NotTheirSide {
        /// Their side.
        own: &'static str,
        /// The one they spoke for.
        wanted: &'static str,
    },
    /// Nothing before a draft.
    #[error("草稿没有上一环节可退")]
    NothingBefore,
    /// A return needs a reason.
    #[error("退回必须说明理由")]
    ReasonMissing,
}

impl StatementStatus {
    /// Whose turn it is; none when final. `confirmed_by` is who confirms this statement first.
    pub const fn awaited(self, confirmed_by: Side) -> Option<Side> {
        match self {
            Self::Draft => Some(confirmed_by),
            Self::UnitConfirmed | Self::ProviderConfirmed => Some(Side::Supervisor),
            Self::SupervisorReviewed => Some(Side::CostAssessor),
            Self::CostReviewed => Some(Side::Authority),
            Self::Final => None,
        }
    }

    /// Where a statement stands, for people: whose turn it is.
    pub const fn stage(self, confirmed_by: Side) -> &'static str {
        match (self, confirmed_by) {
            (Self::Draft, Side::Provider) => "待云服务商确认",
            (Self::Draft, _) => "待使用单位确认",
            (Self::UnitConfirmed | Self::ProviderConfirmed, _) => "待监理审核",
            _ => self.zh(),
        }
    }

    const fn confirmed(confirmed_by: Side) -> Self {
        match confirmed_by {
            Side::Provider => Self::ProviderConfirmed,
            _ => Self::UnitConfirmed,
        }
    }

    const fn next(self, confirmed_by: Side) -> Self {
        match self {
            Self::Draft => Self::confirmed(confirmed_by),
            Self::UnitConfirmed | Self::ProviderConfirmed => Self::SupervisorReviewed,
            Self::SupervisorReviewed => Self::CostReviewed,
            Self::CostReviewed | Self::Final => Self::Final,
        }
    }

    const fn before(self, confirmed_by: Side) -> Option<Self> {
        match self {
            Self::Draft | Self::Final => None,
            Self::UnitConfirmed | Self::ProviderConfirmed => Some(Self::Draft),
            Self::SupervisorReviewed => Some(Self::confirmed(confirmed_by)),
            Self::CostReviewed => Some(Self::SupervisorReviewed),
        }
    }
}

/// Where a statement stands after an opinion. `confirmed_by` is who confirms it first
/// ([`StatementScope::confirmed_by`](super::StatementScope::confirmed_by)).
pub fn advance(status: StatementStatus, confirmed_by: Side, opinion: &Opinion) -> Result<StatementStatus, FlowError> {
    let expected = status.awaited(confirmed_by).ok_or(FlowError::Final)?;
    if expected != opinion.side {
        return Err(FlowError::WrongSide {
            status: status.stage(confirmed_by),
            expected: expected.zh(),
            actual: opinion.side.zh(),
        });
    }
    match opinion.step {
        Step::Agree => Ok(status.next(confirmed_by)),
        Step::Return if opinion.text.trim().is_empty() => Err(FlowError::ReasonMissing),
        Step::Return => status.before(confirmed_by).ok_or(FlowError::NothingBefore),
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

    /// Every move there is from the draft on, by who confirms first.
    fn moves(confirmed_by: Side) -> Vec<String> {
        let mut reached = vec![StatementStatus::Draft];
        let mut allowed = Vec::new();
        let mut place = 0;
        while let Some(status) = reached.get(place).copied() {
            place += 1;
            for side in Side::ALL {
                for step in Step::ALL {
                    if let Ok(next) = advance(status, confirmed_by, &opinion(*side, *step, "理由")) {
                        allowed.push(format!("{status} {side} {step} -> {next}"));
                        if !reached.contains(&next) {
                            reached.push(next);
                        }
                    }
                }
            }
        }
        assert_eq!(
            reached.len(),
            StatementStatus::ALL.len() - 1,
            "all but what another side confirmed"
        );
        allowed
    }

    #[test]
    fn every_status_side_and_step() {
        let by = |side: &str| {
            [
                format!("draft {side} agree -> {side}_confirmed"),
                format!("{side}_confirmed supervisor agree -> supervisor_reviewed"),
                format!("{side}_confirmed supervisor return -> draft"),
                "supervisor_reviewed cost_assessor agree -> cost_reviewed".to_owned(),
                format!("supervisor_reviewed cost_assessor return -> {side}_confirmed"),
                "cost_reviewed authority agree -> final".to_owned(),
                "cost_reviewed authority return -> supervisor_reviewed".to_owned(),
            ]
        };
        assert_eq!(moves(Side::Unit), by("unit"));
        assert_eq!(moves(Side::Provider), by("provider"));
        let silent = opinion(Side::Supervisor, Step::Return, " ");
        assert_eq!(
            advance(StatementStatus::UnitConfirmed, Side::Unit, &silent),
            Err(FlowError::ReasonMissing)
        );
    }

    #[test]
    fn a_providers_own_statement_is_no_units_to_confirm() {
        let refused = advance(
            StatementStatus::Draft,
            Side::Provider,
            &opinion(Side::Unit, Step::Agree, ""),
        );
        let expected = "当前环节为「待云服务商确认」，应由云服务商办理，不能由使用单位办理";
        assert_eq!(refused.unwrap_err().to_string(), expected);
        // One that a unit confirmed before providers did goes on its way.
        let next = advance(
            StatementStatus::UnitConfirmed,
            Side::Provider,
            &opinion(Side::Supervisor, Step::Agree, ""),
        );
        assert_eq!(next, Ok(StatementStatus::SupervisorReviewed));
    }
}
