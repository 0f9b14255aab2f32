//! Who sees which applications, and the note about whoever tries to see others.

use super::RequestError;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::{Organisation, Side};
use domain::request::{RequestKind, ResourceRequest};
use kernel::OrganisationCode;
use std::collections::BTreeSet;
use store::{Connection, Sight, StoreError};

/// What whoever acts may see: a unit its own and those below it, a provider what is ordered from it or offered to it,
/// the others all that was handed in.
pub(super) async fn sight(ctx: &OpContext) -> Result<Sight, AppError> {
    let who = ctx.who()?;
    Ok(match who.side {
        Side::Unit => {
            let mut read = ctx.store().read().await?;
            let units = below(ctx, &mut read, &who.organisation).await?;
            Sight::Units(units.iter().map(ToString::to_string).collect(), who.account)
        }
        Side::Provider => Sight::Provider(who.organisation.to_string()),
        _ => Sight::HandedIn(who.account),
    })
}

/// An organisation and all below it, now.
pub(super) async fn below(
    ctx: &OpContext,
    read: &mut Connection,
    top: &OrganisationCode,
) -> Result<BTreeSet<OrganisationCode>, AppError> {
    let organisations = read.history::<Organisation>().await?;
    let mut found = BTreeSet::from([top.clone()]);
    loop {
        let before = found.len();
        for organisation in organisations.all_at(ctx.now()) {
            if organisation
                .parent
                .as_ref()
                .is_some_and(|parent| found.contains(parent))
            {
                found.insert(organisation.code.clone());
            }
        }
        if found.len() == before {
            return Ok(found);
        }
    }
}

/// An application that whoever acts may see. An attempt on one that is there and may not be seen is written down.
pub(super) async fn visible(ctx: &OpContext, number: &str) -> Result<ResourceRequest, AppError> {
    let sight = sight(ctx).await?;
    let there = {
        let mut read = ctx.store().read().await?;
        match read.request(number, &sight).await? {
            Some(request) => return Ok(request),
            None => read.request(number, &Sight::All).await?.is_some(),
        }
    };
    if there {
        let what = (ctx.actor(), "access.refused", format!("request:{number}"));
        note(ctx, what, serde_json::json!({ "action": "request.read" })).await?;
    }
    Err(RequestError::NotFound(number.to_owned()).into())
}

/// An application inside a transaction, if it is still the version that was read.
pub(super) async fn at_version(work: &mut Connection, number: &str, version: i64) -> Result<ResourceRequest, AppError> {
    let request = work.request(number, &Sight::All).await?;
    let request = request.ok_or_else(|| RequestError::NotFound(number.to_owned()))?;
    same_version(&request, version)?;
    Ok(request)
}

/// Errors: somebody else changed it meanwhile.
pub(super) fn same_version(request: &ResourceRequest, version: i64) -> Result<(), AppError> {
    if request.version == version {
        Ok(())
    } else {
        Err(StoreError::Conflict(format!("申请 {}", request.number)).into())
    }
}

/// What an application is to the policies.
pub(super) fn target(request: &ResourceRequest) -> Target {
    Target {
        kind: "request",
        id: request.number.clone(),
        unit: Some(request.unit.clone()),
        provider: request.place.as_ref().map(|place| place.provider.clone()),
        owner: Some(request.applicant),
    }
}

/// The action that a reclaim needs in place of the one other applications need: it comes from the authority.
pub(super) const fn of_kind(kind: RequestKind, action: Action) -> Action {
    match kind {
        RequestKind::Reclaim => Action::ReclaimPropose,
        _ => action,
    }
}

/// Writes down an attempt that was refused by the rules, the flow or the separation of duties.
pub(super) async fn noted<T>(
    ctx: &OpContext,
    (action, number): (&str, &str),
    result: Result<T, AppError>,
) -> Result<T, AppError> {
    if let Err(AppError::Request(error)) = &result
        && error.is_refusal()
    {
        let what = (ctx.actor(), "request.refused", number.to_owned());
        let why = error.to_string();
        note(ctx, what, serde_json::json!({ "action": action, "why": why })).await?;
    }
    result
}

async fn note(
    ctx: &OpContext,
    (actor, action, object): (&str, &str, String),
    detail: serde_json::Value,
) -> Result<(), AppError> {
    let mut work = ctx.store().begin().await?;
    work.audit(ctx.now(), (actor, action, &object), detail.to_string())
        .await?;
    Ok(work.commit().await?)
}
