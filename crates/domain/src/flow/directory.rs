//! Who has which role in which organisation, at the moment of an act.

use super::definition::{FlowNode, Holder, Place};
use crate::authz::Role;
use crate::registry::Side;
use kernel::{AccountId, Instant, OrganisationCode, Period};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody is away, and somebody else acts for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// Who is away.
    pub account: AccountId,
    /// Who acts for them. Their own deputies are not asked: delegation is not passed on.
    pub delegate: AccountId,
    /// How long.
    pub period: Period,
}

/// Organisations, roles, disabled accounts and absences, as they are at the moment of an act. The caller makes it from
/// what is stored.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    organisations: BTreeMap<OrganisationCode, (Side, Option<OrganisationCode>)>,
    roles: BTreeMap<(Role, OrganisationCode), BTreeSet<AccountId>>,
    disabled: BTreeSet<AccountId>,
    absences: Vec<Absence>,
}

impl Directory {
    /// Notes an organisation and the one above it.
    pub fn add_organisation(&mut self, code: OrganisationCode, side: Side, parent: Option<OrganisationCode>) {
        self.organisations.insert(code, (side, parent));
    }

    /// Gives a role.
    pub fn grant(&mut self, account: AccountId, role: Role, organisation: OrganisationCode) {
        self.roles.entry((role, organisation)).or_default().insert(account);
    }

    /// Takes a role.
    pub fn revoke(&mut self, account: AccountId, role: Role, organisation: &OrganisationCode) {
        if let Some(holders) = self.roles.get_mut(&(role, organisation.clone())) {
            holders.remove(&account);
        }
    }

    /// Disables an account.
    pub fn disable(&mut self, account: AccountId) {
        self.disabled.insert(account);
    }

    /// Enables an account again.
    pub fn enable(&mut self, account: AccountId) {
        self.disabled.remove(&account);
    }

    /// Notes an absence.
    pub fn add_absence(&mut self, absence: Absence) {
        self.absences.push(absence);
    }

    /// Whether an account has any role and is not disabled.
    pub fn is_active(&self, account: AccountId) -> bool {
        !self.disabled.contains(&account) && self.roles.values().any(|holders| holders.contains(&account))
    }

    /// Everybody who has any role and is not disabled, in the order of accounts.
    pub fn accounts(&self) -> BTreeSet<AccountId> {
        let all = self.roles.values().flatten().copied();
        all.filter(|account| !self.disabled.contains(account)).collect()
    }

    /// Whether an account has a role somewhere, now.
    pub fn has(&self, account: AccountId, role: Role, organisation: &OrganisationCode) -> bool {
        !self.disabled.contains(&account)
            && self
                .roles
                .get(&(role, organisation.clone()))
                .is_some_and(|holders| holders.contains(&account))
    }

    /// Whoever has a role in an organisation and is not disabled, in the order of accounts.
    pub fn holders(&self, role: Role, organisation: &OrganisationCode) -> Vec<AccountId> {
        let holders = self.roles.get(&(role, organisation.clone()));
        let all = holders.into_iter().flatten().copied();
        all.filter(|a| !self.disabled.contains(a)).collect()
    }

    /// Organisations of a side, in the order of codes.
    pub fn of_side(&self, side: Side) -> Vec<&OrganisationCode> {
        let all = self.organisations.iter();
        all.filter(|(_, (s, _))| *s == side).map(|(code, _)| code).collect()
    }

    /// All organisations, in the order of codes.
    pub fn organisations(&self) -> impl Iterator<Item = &OrganisationCode> {
        self.organisations.keys()
    }

    /// Whether an organisation is known.
    pub fn knows(&self, organisation: &OrganisationCode) -> bool {
        self.organisations.contains_key(organisation)
    }

    /// The organisations a place means for an applicant's organisation and the provider of the application.
    pub fn organisations_at(
        &self,
        place: &Place,
        applicant: &OrganisationCode,
        provider: Option<&OrganisationCode>,
    ) -> Vec<OrganisationCode> {
        let side = |side| self.of_side(side).into_iter().cloned().collect();
        match place {
            Place::Applicant => vec![applicant.clone()],
            Place::Parent => {
                let above = self.organisations.get(applicant).and_then(|(_, above)| above.clone());
                above.into_iter().collect()
            }
            Place::Authority => side(Side::Authority),
            Place::Provider => provider.cloned().into_iter().collect(),
            Place::Supervisor => side(Side::Supervisor),
            Place::CostAssessor => side(Side::CostAssessor),
            Place::Finance => side(Side::Finance),
            Place::Evaluator => side(Side::Evaluator),
            Place::Named(code) => vec![code.clone()],
        }
    }

    /// Everybody who fills a holder, with the organisation they fill it in.
    pub fn filling(
        &self,
        holder: &Holder,
        applicant: &OrganisationCode,
        provider: Option<&OrganisationCode>,
    ) -> Vec<(AccountId, OrganisationCode)> {
        let organisations = self.organisations_at(&holder.at, applicant, provider);
        let of = |code: OrganisationCode| {
            let accounts = self.holders(holder.role, &code);
            accounts.into_iter().map(move |account| (account, code.clone()))
        };
        organisations.into_iter().flat_map(of).collect()
    }

    /// Who would get a node if `applicant` applied now: its holders, else the fallback, else those above; never who
    /// applies.
    pub fn would_get(
        &self,
        node: &FlowNode,
        (unit, provider): (&OrganisationCode, Option<&OrganisationCode>),
        applicant: AccountId,
    ) -> BTreeSet<AccountId> {
        let fill = |holders: Vec<&Holder>| -> BTreeSet<AccountId> {
            let all = holders.into_iter().flat_map(|h| self.filling(h, unit, provider));
            all.map(|(account, _)| account).filter(|a| *a != applicant).collect()
        };
        let (who, fallback, above) = (node.who.iter(), node.fallback.iter(), node.escalate_to.iter());
        let mut found = [who.collect(), fallback.collect(), above.collect()]
            .into_iter()
            .map(fill);
        found.find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// Whether `delegate` acts for `account` at a moment: it is named for it, both are active, and both have a role in
    /// the same organisation, so that a decision never leaves the house it belongs to.
    pub fn acts_for(&self, delegate: AccountId, account: AccountId, at: Instant) -> bool {
        let named = |a: &Absence| a.account == account && a.delegate == delegate && a.period.contains(at);
        let together = || {
            let mut pairs = self.roles.iter().filter(|(_, holders)| holders.contains(&account));
            pairs.any(|((_, house), _)| {
                let mut there = self.roles.iter().filter(|((_, other), _)| other == house);
                there.any(|(_, holders)| holders.contains(&delegate))
            })
        };
        self.absences.iter().any(named) && self.is_active(delegate) && self.is_active(account) && together()
    }
}
