//! Who asks, what about, and the proof that it was allowed.

use super::{Action, Role};
use crate::registry::Side;
use kernel::{AccountId, OrganisationCode};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub account: AccountId,
    /// Its login name, which stands in the audit chain.
    pub login: String,
    /// The organisation it belongs to.
    pub organisation: OrganisationCode,
    /// The side of that organisation.
    pub side: Side,
    /// The roles it holds now.
    pub roles: Vec<Role>,
    /// The only actions it may ask for, if it came by a token; none if it logged in.
    pub scope: Option<Vec<Action>>,
}

/// What an action is about. A field that does not apply is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// What kind of thing: `request`, `statement`, `audit` ...
    pub kind: &'static str,
    /// Which one, for the audit entry and the error.
    pub id: String,
    /// The unit it belongs to.
    pub unit: Option<OrganisationCode>,
    /// The provider it concerns.
    pub provider: Option<OrganisationCode>,
    /// Whose own it is: the applicant of an application, the owner of a token.
    pub owner: Option<AccountId>,
}

impl Target {
    /// A thing that belongs to nobody in particular; an empty id is all of its kind.
    pub fn of(kind: &'static str, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            ..Self::default()
        }
    }
}

/// Proof that an action on a target was judged and allowed. Only [`Permit::given`] makes one, and only the judge of
/// policies calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    actor: Actor,
    policies: Vec<String>,
}

impl Permit {
    /// For an action that the named policies allowed.
    pub const fn given(actor: Actor, policies: Vec<String>) -> Self {
        Self { actor, policies }
    }

    /// Who may.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// By which policies.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}
