//! Who sees which applications, and the note about whoever tries to see others.

use super::RequestError;
use crate::{AppError, OpContext, audit};
use domain::authz::{Action, Target};
use domain::registry::Side;
use domain::request::{RequestKind, ResourceRequest};
use serde_json::json;
use store::{Connection, Sight, StoreError};

/// What whoever acts may see: a unit its own and those below it, a provider what is ordered from it or offered to it,
/// the others all that was handed in.
pub(crate) async fn sight(ctx: &OpContext, read: &mut Connection) -> Result<Sight, AppError> {
    let who = ctx.who()?;
    Ok(match who.side {
        Side::Unit => {
            let units = ctx.own_and_below(read, &who.organisation).await?;
            Sight::Units(units.into_iter().collect(), who.account)
        }
        Side::Provider => Sight::Provider(who.organisation.to_string()),
        _ => Sight::HandedIn(who.account),
    })
}

/// An application that whoever acts may see. An attempt on one that is there and may not be seen is written down.
pub(super) async fn visible(ctx: &OpContext, number: &str) -> Result<ResourceRequest, AppError> {
    let there = {
        let mut read = ctx.store().read().await?;
        let sight = sight(ctx, &mut read).await?;
        match read.request(number, &sight).await? {
            Some(request) => return Ok(request),
            None => read.request(number, &Sight::All).await?.is_some(),
        }
    };
    if there {
        let object = format!("request:{number}");
        audit::note(ctx, ("access.refused", &object), &json!({ "action": "request.read" })).await?;
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
pub(crate) fn target(request: &ResourceRequest) -> Target {
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

/// Writes down an attempt that was refused by the rules, the flow or the separation of duties. What the policies refuse
/// stands in the chain already.
pub(crate) async fn noted<T>(
    ctx: &OpContext,
    (action, number): (&str, &str),
    result: Result<T, AppError>,
) -> Result<T, AppError> {
    let refused = match &result {
        Err(AppError::Request(error)) if error.is_refusal() => Some(("request.refused", error.to_string())),
        Err(AppError::Order(error)) if error.is_refusal() => Some(("access.refused", error.to_string())),
        _ => None,
    };
    if let Some((refused, why)) = refused {
        let detail = json!({ "action": action, "why": why });
        audit::note(ctx, (refused, number), &detail).await?;
    }
    result
}
