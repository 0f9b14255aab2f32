//! Asking the judge. What is refused is written down.

use crate::{AppError, OpContext};
use domain::authz::{Action, Permit, Target};
use domain::registry::Organisation;
use kernel::{Instant, OrganisationCode};
use std::collections::BTreeMap;

impl OpContext {
    /// Judges an action of whoever acts on a target (I7, I8). It opens a unit of work of its own for what is refused, so
    /// it is called before one is begun. Errors: nobody has logged in, or no policy allows it.
    pub async fn authorise(&self, action: Action, target: &Target) -> Result<Permit, AppError> {
        let who = self.who()?;
        let others = [&target.unit, &target.provider].into_iter().flatten();
        let parents = if others.clone().any(|code| *code != who.organisation) {
            parents(self).await?
        } else {
            BTreeMap::new()
        };
        let above = |code: &OrganisationCode| chain(&parents, code);
        match self.policies()?.judge.decide(who, action, target, &above) {
            Ok(permit) => Ok(permit),
            Err(denied) => {
                let object = format!("{}:{}", target.kind, target.id);
                let detail = serde_json::json!({ "action": action, "unit": target.unit, "provider": target.provider });
                let mut work = self.store().begin().await?;
                work.audit(
                    self.now(),
                    (self.actor(), "access.refused", &object),
                    detail.to_string(),
                )
                .await?;
                work.commit().await?;
                Err(denied.into())
            }
        }
    }
}

/// Each organisation's parent, now.
pub(crate) async fn parents(ctx: &OpContext) -> Result<BTreeMap<OrganisationCode, OrganisationCode>, AppError> {
    let organisations = ctx.store().read().await?.history::<Organisation>().await?;
    let now: Instant = ctx.now();
    let current = organisations.all_at(now);
    Ok(current
        .filter_map(|o| Some((o.code.clone(), o.parent.clone()?)))
        .collect())
}

/// The organisations above one, the nearest first. A circle, which imports refuse, ends where it begins.
pub(crate) fn chain(
    parents: &BTreeMap<OrganisationCode, OrganisationCode>,
    code: &OrganisationCode,
) -> Vec<OrganisationCode> {
    let mut chain: Vec<OrganisationCode> = Vec::new();
    let mut next = parents.get(code);
    while let Some(parent) = next.filter(|parent| !chain.contains(parent) && *parent != code) {
        chain.push(parent.clone());
        next = parents.get(parent);
    }
    chain
}
