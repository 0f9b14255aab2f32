//! How far somebody sees: everything, or what belongs to organisations.

use crate::{AppError, OpContext};
use domain::authz::{Action, Actor, Target};
use domain::registry::Side;
use kernel::OrganisationCode;
use std::collections::BTreeSet;
use store::Connection;

/// What of a list somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everything.
    All,
    /// What belongs to these units.
    Units(BTreeSet<String>),
    /// What concerns these providers.
    Providers(BTreeSet<String>),
}

impl Reach {
    /// Whether something of a unit and a provider is in it.
    pub fn holds(&self, unit: Option<&str>, provider: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Units(units) => unit.is_some_and(|unit| units.contains(unit)),
            Self::Providers(providers) => provider.is_some_and(|provider| providers.contains(provider)),
        }
    }

    /// The organisation, if there is but one.
    pub fn only(&self) -> Option<&str> {
        match self {
            Self::Units(codes) | Self::Providers(codes) if codes.len() == 1 => codes.first().map(String::as_str),
            _ => None,
        }
    }
}

impl OpContext {
    /// Judges whether whoever acts may read things of a kind at all, and how many of them: a unit sees its own and
    /// those of the units below it, a provider likewise, everybody else all (I8).
    pub async fn reach(&self, action: Action, kind: &'static str) -> Result<Reach, AppError> {
        let who = self.authorise_list(action, kind).await?;
        let reach = match who.side {
            Side::Unit => Reach::Units,
            Side::Provider => Reach::Providers,
            _ => return Ok(Reach::All),
        };
        let mut read = self.store().read().await?;
        Ok(reach(self.own_and_below(&mut read, &who.organisation).await?))
    }

    /// Judges whether whoever acts may read things of a kind at all, those of the own organisation if it is a unit or a
    /// provider. Returns who acts.
    pub(crate) async fn authorise_list(&self, action: Action, kind: &'static str) -> Result<&Actor, AppError> {
        let who = self.who()?;
        let own = |side| (who.side == side).then(|| who.organisation.clone());
        let target = Target {
            kind,
            unit: own(Side::Unit),
            provider: own(Side::Provider),
            ..Target::default()
        };
        self.authorise(action, &target).await?;
        Ok(who)
    }

    /// The codes of an organisation and of all below it, now.
    pub(crate) async fn own_and_below(
        &self,
        read: &mut Connection,
        own: &OrganisationCode,
    ) -> Result<BTreeSet<String>, AppError> {
        let organisations = self.organisations(read).await?;
        let codes = organisations.own_and_below(own, self.now());
        Ok(codes.iter().map(ToString::to_string).collect())
    }
}
