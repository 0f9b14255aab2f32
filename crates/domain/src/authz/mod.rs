//! Who may do what: roles on the organisation tree, actions, and duties that must not meet in one person.
//!
//! Owns the words (roles, actions) and the rules that hold whatever the policies say: the three administrators are
//! separate and do no business, a role fits the side of its organisation, and two duties of one matter are two people.
//! Which role may do what to which thing is data (`policies/authority`), judged outside; an action that was judged and
//! allowed carries a [`Permit`].

mod account;
mod action;
mod assignment;
mod duty;
mod permit;
mod role;

pub use account::{
    Account, AccountPolicy, AccountSort, AccountState, AskedSubject, PLATFORM_NAME, PasswordFault, Refusal,
    platform_account,
};
pub use action::{Action, ActionGroup};
pub use assignment::{AssignmentError, RoleAssignment, RoleState, check_roles};
pub use duty::{Duty, DutyError, keep_apart};
pub use permit::{Actor, Permit, Target};
pub use role::Role;
