//! Everything that is done with an application on its way: deciding, returning, adding signers, handing on, urging,
//! taking back.

use super::RequestError;
use super::chosen::{check_chosen, chosen_by, deciding};
use super::draft::saved;
use super::people::{due_by, flow_of, people};
use super::publish::{Turn, publish};
use super::sight::{noted, of_kind, same_version, target, visible};
use super::submit::{follow, gives_back};
use crate::{AppError, OpContext};
use domain::authz::{Action, Actor, Duty, keep_apart};
use domain::budget::HoldState;
use domain::flow::{Act, Deed, FlowRun, FlowState, act};
use domain::registry::Side;
use domain::request::{RequestEvent, RequestKind, ResourceRequest};
use kernel::AccountId;
use serde_json::json;

/// Does one act of the flow: claim, agree, disagree, return, add a signer, hand on, urge, take back. The same decision
/// sent again by the same person changes nothing and gives the same answer. What was returned is handed in again by
/// [`super::submit()`].
pub async fn decide(ctx: &OpContext, number: &str, version: i64, what: Act) -> Result<ResourceRequest, AppError> {
    let name = audited_as(&what);
    let result = carry_out(ctx, (number, version), what).await;
    noted(ctx, (name, number), result).await
}

/// Takes an application back; after its approval too, as long as nothing came of it. Room it held is free again.
pub async fn withdraw(ctx: &OpContext, number: &str, version: i64, opinion: &str) -> Result<ResourceRequest, AppError> {
    let opinion = opinion.to_owned();
    decide(ctx, number, version, Act::Withdraw { opinion }).await
}

/// Urges whoever has a task, once a day.
pub async fn urge(ctx: &OpContext, number: &str, version: i64, task: u32) -> Result<ResourceRequest, AppError> {
    decide(ctx, number, version, Act::Urge { task }).await
}

const fn audited_as(what: &Act) -> &'static str {
    match what {
        Act::Claim { .. } => "request.claim",
        Act::Agree { .. } => "request.agree",
        Act::Disagree { .. } => "request.disagree",
        Act::Return { .. } => "request.return",
        Act::AddSigner { .. } => "request.add_signer",
        Act::Transfer { .. } => "request.transfer",
        Act::Urge { .. } => "request.urge",
        Act::Withdraw { .. } => "request.withdraw",
        Act::Resubmit { .. } => "request.submit",
    }
}

/// What somebody must be allowed.
fn action(what: &Act, kind: RequestKind, side: Side) -> Action {
    match what {
        Act::Withdraw { .. } | Act::Resubmit { .. } => of_kind(kind, Action::RequestSubmit),
        Act::Urge { .. } => of_kind(kind, Action::RequestUrge),
        _ => deciding(kind, side),
    }
}

async fn carry_out(ctx: &OpContext, (number, version): (&str, i64), what: Act) -> Result<ResourceRequest, AppError> {
    if matches!(what, Act::Resubmit { .. }) {
        let text = "退回的申请请修改后用「提交」重新提交".to_owned();
        return Err(RequestError::Invalid(text).into());
    }
    let seen = visible(ctx, number).await?;
    let wanted = action(&what, seen.kind, ctx.who()?.side);
    let permit = ctx.authorise(wanted, &target(&seen)).await?;
    let who = permit.actor();
    let people = people(ctx, &mut ctx.store().read().await?, Some(&seen.unit)).await?;

    let mut work = ctx.store().begin().await?;
    let found = work.request_and_flow::<FlowRun>(number).await?;
    let (mut request, flow) = found.ok_or_else(|| RequestError::NotFound(number.to_owned()))?;
    let (run, run_version) = flow.ok_or_else(|| RequestError::NotInFlow(number.to_owned()))?;
    if is_repeated(&run, &what, who.account) {
        return Ok(request);
    }
    same_version(&request, version)?;
    apart(&run, &what, who)?;
    let definition = flow_of(ctx, &run)?;
    let due = due_by(ctx)?;
    let now = ctx.now();
    let name = audited_as(&what);
    let (said, chosen) = (said(&what), chosen_by(&what));
    let turned = act(&run, definition, &people.directory, what, who.account, now, &due);
    let (after, events) = turned.map_err(RequestError::Flow)?;
    if let Some(chosen) = chosen {
        check_chosen(ctx, &mut work, (chosen, &request)).await?;
    }

    let from = request.status;
    if let Some(event) = event_of(after.state).filter(|_| after.state != run.state) {
        follow(&mut work, &mut request, event).await?;
    }
    let freed = if gives_back(request.status) {
        work.turn_hold(number, HoldState::Freed, now).await?
    } else {
        0
    };
    work.save_request(&request, None).await?;
    let turn = Turn {
        definition,
        run: &after,
        version: Some(run_version),
        events: &events,
    };
    publish(ctx, &mut work, (&request, &people), turn).await?;
    let mut request = saved(request);
    if run.state == FlowState::Approved {
        crate::orders::call_off(ctx, &mut work, &request).await?;
    }
    if after.state == FlowState::Approved && run.state != after.state {
        request = crate::orders::take_effect(ctx, &mut work, &request).await?;
    }
    let detail = json!({
        "version": version, "said": said, "status": [from, request.status], "flow": [run.state, after.state],
        "at": [run.current, after.current], "policies": permit.policies(), "freed": freed,
    });
    work.audit(now, (ctx.actor(), name, number), detail.to_string()).await?;
    work.commit().await?;
    Ok(request)
}

/// Errors: somebody decides on what they applied for.
fn apart(run: &FlowRun, what: &Act, who: &Actor) -> Result<(), RequestError> {
    if matches!(what, Act::Withdraw { .. } | Act::Urge { .. } | Act::Resubmit { .. }) {
        return Ok(());
    }
    let done: Vec<(Duty, AccountId)> = run.applicants.iter().map(|by| (Duty::Apply, *by)).collect();
    Ok(keep_apart(who.account, Duty::Approve, &done)?)
}

/// Whether somebody has done this very thing before: a second click.
fn is_repeated(run: &FlowRun, what: &Act, by: AccountId) -> bool {
    let (task, deed) = match what {
        Act::Agree { task, .. } => (Some(*task), Deed::Agree),
        Act::Disagree { task, .. } => (Some(*task), Deed::Disagree),
        Act::Return { task, .. } => (Some(*task), Deed::Return),
        Act::Withdraw { .. } => (None, Deed::Withdraw),
        Act::Claim { task } => return run.task(*task).is_some_and(|t| t.claimed_by == Some(by)),
        Act::AddSigner { .. } | Act::Transfer { .. } | Act::Urge { .. } | Act::Resubmit { .. } => return false,
    };
    let over = task.map_or_else(
        || run.state == FlowState::Withdrawn,
        |id| run.task(id).is_some_and(|task| !task.state.is_live()),
    );
    let mine =
        |r: &domain::flow::FlowRecord| r.actor == Some(by) && r.deed == deed && (task.is_none() || r.task == task);
    over && run.history.iter().any(mine)
}

/// What somebody said, for the audit chain.
fn said(what: &Act) -> serde_json::Value {
    match what {
        Act::Claim { task } | Act::Urge { task } => json!({ "task": task }),
        Act::Agree { task, opinion } => json!({ "task": task, "opinion": opinion }),
        Act::Disagree { task, reason, advice } => json!({ "task": task, "reason": reason, "advice": advice }),
        Act::Return { task, to, reason } => {
            let to = match to {
                domain::flow::ReturnTo::Applicant => domain::flow::APPLICANT.to_owned(),
                domain::flow::ReturnTo::Node(node) => node.to_string(),
            };
            json!({ "task": task, "to": to, "reason": reason })
        }
        Act::AddSigner {
            task,
            signer,
            position,
            opinion,
        } => json!({ "task": task, "signer": signer, "position": position, "opinion": opinion }),
        Act::Transfer { task, to, opinion } => json!({ "task": task, "to": to, "opinion": opinion }),
        Act::Withdraw { opinion } | Act::Resubmit { opinion, .. } => json!({ "opinion": opinion }),
    }
}

const fn event_of(state: FlowState) -> Option<RequestEvent> {
    match state {
        FlowState::Open => None,
        FlowState::Returned => Some(RequestEvent::Return),
        FlowState::Approved => Some(RequestEvent::Approve),
        FlowState::Refused => Some(RequestEvent::Refuse),
        FlowState::Withdrawn => Some(RequestEvent::Withdraw),
    }
}
