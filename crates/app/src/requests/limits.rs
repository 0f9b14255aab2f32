//! Quotas, budgets and ceilings: set by those whose duty it is, read by those they concern.

use super::RequestError;
use crate::{AppError, OpContext};
use domain::audit::changes;
use domain::authz::{Action, Target};
use domain::budget::{Balance, Purse};
use kernel::{Instant, OrganisationCode};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use store::{LimitRecord, StoreError};

/// A limit in force, and what is held and used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitView {
    /// Of what.
    pub purse: Purse,
    /// In words.
    pub name: String,
    /// How often it was set; 0 for never.
    pub version: i64,
    /// Where it comes from.
    pub source: String,
    /// Who set it.
    pub set_by: String,
    /// When; none if it was never set.
    pub at: Option<Instant>,
    /// Limit, held, used. Units: as the purse says.
    pub balance: Balance,
    /// What is left, in words.
    pub left: String,
}

const fn unit_of(purse: &Purse) -> Option<&OrganisationCode> {
    match purse {
        Purse::Quota { unit, .. } | Purse::Budget { unit, .. } => Some(unit),
        Purse::Ceiling { .. } => None,
    }
}

fn about(purse: &Purse) -> Target {
    Target {
        kind: "limit",
        id: purse.to_string(),
        unit: unit_of(purse).cloned(),
        ..Target::default()
    }
}

/// Sets a limit that was read as `version`; 0 where none was set before. What is held and used stays so, even if the new
/// limit is lower; nothing more fits then. Units: as the purse says. Errors: somebody set it meanwhile.
pub async fn set_limit(
    ctx: &OpContext,
    (purse, version): (&Purse, i64),
    amount: i64,
    source: &str,
) -> Result<LimitView, AppError> {
    ctx.authorise(Action::LimitWrite, &about(purse)).await?;
    if amount < 0 {
        return Err(RequestError::Invalid("额度不能为负数".to_owned()).into());
    }
    if source.trim().is_empty() {
        return Err(RequestError::Invalid("请填写额度的依据，例如批复或通知的文号".to_owned()).into());
    }
    let now = ctx.now();
    let mut work = ctx.store().begin().await?;
    let known = work.limits().await?.into_iter().rfind(|limit| limit.purse == *purse);
    let known = known.as_ref();
    if known.map_or(0, |limit| limit.version) != version {
        return Err(StoreError::Conflict(purse.to_string()).into());
    }
    let was = json!({ "amount": known.map(|limit| limit.amount), "source": known.map(|limit| &limit.source) });
    let fields = changes(&was, &json!({ "amount": amount, "source": source }));
    work.set_limit(purse, amount, (source, ctx.actor(), now)).await?;
    let detail = json!({ "purse": purse, "fields": fields });
    work.audit(now, (ctx.actor(), "limit.set", &purse.to_string()), detail.to_string())
        .await?;
    let balance = work.balance(purse, "").await?;
    work.commit().await?;
    let set = LimitRecord {
        purse: purse.clone(),
        version: known.map_or(0, |limit| limit.version) + 1,
        amount,
        source: source.to_owned(),
        set_by: ctx.actor().to_owned(),
        at: now,
    };
    Ok(view(set, balance))
}

fn view(limit: LimitRecord, balance: Balance) -> LimitView {
    LimitView {
        name: limit.purse.to_string(),
        left: balance.left().map_or_else(String::new, |left| limit.purse.show(left)),
        purse: limit.purse,
        version: limit.version,
        source: limit.source,
        set_by: limit.set_by,
        at: Some(limit.at),
        balance,
    }
}

/// One limit, if whoever asks may see it; as version 0 and without an amount if it was never set.
pub async fn limit(ctx: &OpContext, purse: &Purse) -> Result<LimitView, AppError> {
    ctx.authorise(Action::LimitRead, &about(purse)).await?;
    let mut read = ctx.store().read().await?;
    let set = read.limits().await?.into_iter().rfind(|limit| limit.purse == *purse);
    let balance = read.balance(purse, "").await?;
    Ok(match set {
        Some(set) => view(set, balance),
        None => LimitView {
            purse: purse.clone(),
            name: purse.to_string(),
            version: 0,
            source: String::new(),
            set_by: String::new(),
            at: None,
            balance,
            left: String::new(),
        },
    })
}

/// The limits in force that whoever asks may see, by purse: a unit those of its own and of those below it.
pub async fn limits(ctx: &OpContext) -> Result<Vec<LimitView>, AppError> {
    let reach = ctx.reach(Action::LimitRead, "limit").await?;
    let mut read = ctx.store().read().await?;
    let mut in_force: BTreeMap<Purse, LimitRecord> = BTreeMap::new();
    for limit in read.limits().await? {
        in_force.insert(limit.purse.clone(), limit);
    }
    in_force.retain(|purse, _| reach.holds(unit_of(purse).map(OrganisationCode::as_str), None));
    let mut found = Vec::new();
    for (purse, limit) in in_force {
        let balance = read.balance(&purse, "").await?;
        found.push(view(limit, balance));
    }
    Ok(found)
}
