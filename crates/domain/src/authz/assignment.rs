//! Roles given to accounts.

use super::Role;
use crate::registry::{Side, words};
use kernel::{AccountId, Instant, OrganisationCode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// Where a role assignment stands.
    RoleState {
        /// Somebody proposed it.
        Proposed = "proposed", "待批准";
        /// It holds.
        InForce = "in_force", "生效";
        /// It was refused.
        Refused = "refused", "不予批准";
        /// It was taken back.
        Ended = "ended", "已收回";
    }
}

/// A role of an account in an organisation, from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub organisation: OrganisationCode,
    /// What.
    pub role: Role,
    /// From when.
    pub from: Instant,
    /// Until when; none while it holds.
    pub to: Option<Instant>,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it: never the one who proposed it, nor the one who gets it.
    pub approved_by: String,
}

impl RoleAssignment {
    /// Whether it holds at a moment.
    pub fn holds(&self, at: Instant) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// Why a role cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AssignmentError {
    /// An administrator with a second role.
    #[error("「{0}」属三员，不能与「{1}」由同一账号担任；请为后者另设账号")]
    Separate(&'static str, &'static str),
    /// A role of another side.
    #[error("「{role}」只能授予{expected}的账号，该账号所在组织属于{actual}")]
    WrongSide {
        /// The role.
        role: &'static str,
        /// Whose it is.
        expected: &'static str,
        /// Where the account is.
        actual: &'static str,
    },
}

/// Checks the roles that one account would hold at the same moment in an organisation of `side`: an administrator
/// holds one role only, and every other role belongs to the side.
pub fn check_roles(side: Side, roles: &[Role]) -> Result<(), AssignmentError> {
    for (place, role) in roles.iter().enumerate() {
        if let Some(expected) = role.side().filter(|expected| *expected != side) {
            return Err(AssignmentError::WrongSide {
                role: role.zh(),
                expected: expected.zh(),
                actual: side.zh(),
            });
        }
        let other = roles.iter().enumerate().find(|(n, r)| *n != place && *r != role);
        if let (true, Some((_, other))) = (role.is_administrator(), other) {
            return Err(AssignmentError::Separate(role.zh(), other.zh()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_account_is_two_administrators_or_one_with_business() {
        for one in Role::ALL.iter().filter(|role| role.is_administrator()) {
            assert_eq!(check_roles(Side::Authority, &[*one]), Ok(()));
            for other in Role::ALL.iter().filter(|other| *other != one) {
                assert!(check_roles(Side::Authority, &[*one, *other]).is_err(), "{one} {other}");
                assert!(check_roles(Side::Authority, &[*other, *one]).is_err(), "{other} {one}");
            }
        }
    }

    #[test]
    fn a_role_belongs_to_its_side() {
        let both = [Role::UnitApplicant, Role::UnitAcceptor];
        assert_eq!(check_roles(Side::Unit, &both), Ok(()));
        let error = check_roles(Side::Provider, &both).unwrap_err();
        assert_eq!(
            error.to_string(),
            "「使用单位经办人」只能授予使用单位的账号，该账号所在组织属于云服务商"
        );
    }
}
