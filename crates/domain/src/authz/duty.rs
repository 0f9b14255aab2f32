//! Duties of one matter that must not meet in one person.

use crate::registry::words;
use kernel::AccountId;
use thiserror::Error;

words! {
    /// What somebody did, or is about to do, in one matter.
    Duty {
        /// Applied for it.
        Apply = "apply", "申请";
        /// Approved it.
        Approve = "approve", "审批";
        /// Opened, changed or released it at the provider.
        Open = "open", "开通";
        /// Accepted the result.
        Accept = "accept", "验收";
        /// Prepared a price, a settlement, a role, a rule.
        Prepare = "prepare", "编制";
        /// Put what somebody prepared in force.
        Authorise = "authorise", "批准";
    }
}

/// One person in two duties.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("同一事项中，已办理「{done}」的人员不能再办理「{wanted}」，请由其他人员办理")]
pub struct DutyError {
    /// What was done.
    pub done: &'static str,
    /// What was wanted.
    pub wanted: &'static str,
}

/// Whether `who` may take on `wanted` in a matter in which `done` was done. Taking on the same duty again is left to
/// the flow of the matter.
pub fn keep_apart(who: AccountId, wanted: Duty, done: &[(Duty, AccountId)]) -> Result<(), DutyError> {
    match done.iter().find(|(duty, by)| *by == who && *duty != wanted) {
        Some((duty, _)) => Err(DutyError {
            done: duty.zh(),
            wanted: wanted.zh(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_duties_are_two_people() {
        let (one, other) = (AccountId::from_parts(1, &[1; 10]), AccountId::from_parts(1, &[2; 10]));
        for done in Duty::ALL {
            for wanted in Duty::ALL {
                let result = keep_apart(one, *wanted, &[(*done, one)]);
                assert_eq!(result.is_ok(), done == wanted, "{done} then {wanted}");
                assert_eq!(keep_apart(other, *wanted, &[(*done, one)]), Ok(()));
            }
        }
    }
}
