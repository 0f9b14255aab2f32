//! Drafts: made, edited and thrown away by whoever writes them. What was returned is edited the same way.

use super::RequestError;
use super::sight::{at_version, of_kind, target, visible};
use crate::audit::changes_of;
use crate::series::number_of;
use crate::{AppError, OpContext};
use domain::authz::{Action, Permit, Target};
use domain::registry::InformationSystem;
use domain::request::{Declaration, RequestEvent, RequestKind, RequestLine, RequestStatus, ResourceRequest, next};
use kernel::{AccountId, Instant, OrganisationCode, Period, SystemCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use store::{Connection, UnitOfWork};

/// What somebody writes into an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What is asked for.
    pub kind: RequestKind,
    /// For which system. The unit is the one that answers for the system.
    pub system: SystemCode,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The basis: letter, project approval, contract, with its number.
    #[serde(default)]
    pub basis: String,
    /// Whom to ask, and how to reach them.
    #[serde(default)]
    pub contact: String,
    /// Its lines; they are numbered anew from 1 in this order.
    #[serde(default)]
    pub lines: Vec<RequestLine>,
    /// What the unit declares about the system.
    #[serde(default)]
    pub declared: Declaration,
}

impl Draft {
    /// As an application of `applicant` that is stored nowhere yet.
    pub(super) fn into_request(self, (unit, applicant): (OrganisationCode, AccountId), at: Instant) -> ResourceRequest {
        ResourceRequest {
            number: String::new(),
            kind: self.kind,
            unit,
            system: self.system,
            applicant,
            reason: self.reason,
            basis: self.basis,
            contact: self.contact,
            lines: numbered(self.lines),
            // What an accepted reduction rests on falls with what was written before it.
            declared: Declaration {
                takes_up: BTreeSet::new(),
                ..self.declared
            },
            status: RequestStatus::Draft,
            created: at,
            place: None,
            version: 1,
        }
    }
}

/// Lines numbered from 1.
pub(super) fn numbered(lines: Vec<RequestLine>) -> Vec<RequestLine> {
    let number = |(line, number)| RequestLine { line: number, ..line };
    lines.into_iter().zip(1..).map(number).collect()
}

/// The unit that answers for a system now. Errors: nobody registered it.
async fn unit_of(
    ctx: &OpContext,
    read: &mut Connection,
    system: &SystemCode,
    at: Instant,
) -> Result<OrganisationCode, AppError> {
    let versions = read.versions_of::<InformationSystem>(system.as_str()).await?;
    let body = versions.into_iter().rfind(|version| version.valid_from <= at);
    let body = body
        .ok_or_else(|| RequestError::UnknownSystem(system.to_string()))?
        .body;
    let organisations = ctx.organisations(read).await?;
    let now = Period::new(at, at.plus_s(1)).ok();
    let heir = now.and_then(|now| organisations.answering(&body.organisation, now).pop());
    Ok(heir.map_or(body.organisation, |(_, code)| code))
}

/// Makes a draft. It gets its number now; numbers have no gaps.
pub async fn make_draft(ctx: &OpContext, draft: Draft) -> Result<ResourceRequest, AppError> {
    let now = ctx.now();
    let (unit, permit) = writer(ctx, &draft).await?;
    let mut request = draft.into_request((unit, permit.actor().account), now);
    let mut work = ctx.store().begin().await?;
    request.number = number_of(ctx, &mut work, "SQ").await?;
    work.add_request(&request).await?;
    let detail =
        json!({ "kind": request.kind, "unit": request.unit, "system": request.system, "lines": request.lines });
    work.audit(now, (ctx.actor(), "request.draft", &request.number), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(request)
}

/// Whoever may write this application, and the unit it is of.
pub(super) async fn writer(ctx: &OpContext, draft: &Draft) -> Result<(OrganisationCode, Permit), AppError> {
    ctx.who()?;
    let unit = {
        let mut read = ctx.store().read().await?;
        unit_of(ctx, &mut read, &draft.system, ctx.now()).await?
    };
    let about = Target {
        kind: "request",
        unit: Some(unit.clone()),
        ..Target::default()
    };
    let permit = ctx.authorise(of_kind(draft.kind, Action::RequestWrite), &about).await?;
    Ok((unit, permit))
}

/// Puts what somebody writes in place of what a draft, or an application that was returned, says. What was asked for
/// keeps its kind.
pub async fn edit_draft(
    ctx: &OpContext,
    number: &str,
    version: i64,
    draft: Draft,
) -> Result<ResourceRequest, AppError> {
    let seen = writable(ctx, number).await?;
    if draft.kind != seen.kind {
        let text = "申请的类型不能更改，请另写一份申请".to_owned();
        return Err(RequestError::Invalid(text).into());
    }
    let (unit, _) = writer(ctx, &draft).await?;
    if seen.status == RequestStatus::Returned && (unit != seen.unit || draft.system != seen.system) {
        let text = "已提交过的申请不能改换系统，请撤回后另写一份申请".to_owned();
        return Err(RequestError::Invalid(text).into());
    }
    let change = |request: &ResourceRequest| ResourceRequest {
        number: request.number.clone(),
        status: request.status,
        version: request.version,
        place: request.place.clone(),
        ..draft
            .clone()
            .into_request((unit.clone(), request.applicant), request.created)
    };
    rewrite(ctx, (number, version), "request.edit", change).await
}

/// An application that whoever acts may write on: their own draft, or one of their unit that was returned.
pub(super) async fn writable(ctx: &OpContext, number: &str) -> Result<ResourceRequest, AppError> {
    let seen = visible(ctx, number).await?;
    ctx.authorise(of_kind(seen.kind, Action::RequestWrite), &target(&seen))
        .await?;
    match seen.status {
        RequestStatus::Draft | RequestStatus::Returned => Ok(seen),
        status => Err(RequestError::NotWritable(status.zh()).into()),
    }
}

/// Saves a changed application with the fields that changed, before and after.
pub(super) async fn rewrite(
    ctx: &OpContext,
    (number, version): (&str, i64),
    action: &str,
    change: impl FnOnce(&ResourceRequest) -> ResourceRequest,
) -> Result<ResourceRequest, AppError> {
    let mut work = ctx.store().begin().await?;
    let before = at_version(&mut work, number, version).await?;
    let after = change(&before);
    work.save_request(&after, None).await?;
    audit_change(ctx, &mut work, action, (&before, &after)).await?;
    work.commit().await?;
    Ok(saved(after))
}

/// An application as it stands after a save.
pub(super) fn saved(request: ResourceRequest) -> ResourceRequest {
    ResourceRequest {
        version: request.version + 1,
        ..request
    }
}

async fn audit_change(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    action: &str,
    (before, after): (&ResourceRequest, &ResourceRequest),
) -> Result<(), AppError> {
    let detail = json!({ "version": before.version, "fields": changes_of(before, after)? });
    work.audit(ctx.now(), (ctx.actor(), action, &after.number), detail.to_string())
        .await?;
    Ok(())
}

/// Throws a draft away. Its number is not given out again, and what it said stays readable.
pub async fn delete_draft(ctx: &OpContext, number: &str, version: i64) -> Result<(), AppError> {
    let seen = writable(ctx, number).await?;
    if seen.status != RequestStatus::Draft {
        return Err(RequestError::NotWritable(seen.status.zh()).into());
    }
    let status = next(seen.kind, seen.status, RequestEvent::Withdraw).map_err(RequestError::Status)?;
    let change = |request: &ResourceRequest| ResourceRequest {
        status,
        ..request.clone()
    };
    rewrite(ctx, (number, version), "request.delete_draft", change).await?;
    Ok(())
}
