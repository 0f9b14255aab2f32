//! Whom the holder of a task may choose: to decide in their place, or to sign too.
//!
//! The flow says who may have the task by its roles and duties; the policies say who may decide the application at all.
//! Whoever is chosen must pass both, else the application would stand still in their hands.

use super::RequestError;
use super::people::{due_by, flow_of, names, people};
use super::sight::{target, visible};
use crate::accounts::actor_of;
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::flow::{Act, FlowRefusal, FlowRun, choices};
use domain::registry::Side;
use domain::request::{RequestKind, ResourceRequest};
use kernel::AccountId;
use std::collections::BTreeSet;
use store::Connection;

/// Somebody whom one may choose for a task of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The task.
    pub task: u32,
    /// Who.
    pub account: AccountId,
    /// The name.
    pub name: String,
    /// Whether the task may be handed on to them.
    pub transfer: bool,
    /// Whether they may be asked to sign too.
    pub add_signer: bool,
}

/// What somebody must be allowed to decide. A unit answers a reclaim; it does not approve it.
pub(super) fn deciding(kind: RequestKind, side: Side) -> Action {
    match kind {
        RequestKind::Reclaim if side == Side::Unit => Action::ReclaimReply,
        _ => Action::RequestDecide,
    }
}

/// Whom an act puts at a task.
pub(super) const fn chosen_by(what: &Act) -> Option<AccountId> {
    match what {
        Act::AddSigner { signer, .. } => Some(*signer),
        Act::Transfer { to, .. } => Some(*to),
        _ => None,
    }
}

/// Errors: whoever was chosen may not decide the application.
pub(super) async fn check_chosen(
    ctx: &OpContext,
    read: &mut Connection,
    (chosen, request): (AccountId, &ResourceRequest),
) -> Result<(), AppError> {
    if may_decide(ctx, read, chosen, request).await? {
        return Ok(());
    }
    let why = "没有审批该申请的权限".to_owned();
    Err(RequestError::Flow(FlowRefusal::UnfitTarget(why)).into())
}

/// Whether the policies let an account decide an application by the roles it holds now.
async fn may_decide(
    ctx: &OpContext,
    read: &mut Connection,
    account: AccountId,
    request: &ResourceRequest,
) -> Result<bool, AppError> {
    let Some(account) = read.account(account).await? else {
        return Ok(false);
    };
    let actor = actor_of(ctx, read, account).await?;
    let wanted = deciding(request.kind, actor.side);
    ctx.would_let(read, &actor, (wanted, &target(request))).await
}

/// Whom one may choose for the tasks that one holds in an application now, by task. Nobody is named to whoever holds no
/// task of it. Errors: it is not seen, not under approval, or not one's to decide.
pub async fn candidates(ctx: &OpContext, number: &str) -> Result<Vec<Candidate>, AppError> {
    let seen = visible(ctx, number).await?;
    let wanted = deciding(seen.kind, ctx.who()?.side);
    let permit = ctx.authorise(wanted, &target(&seen)).await?;
    let mut read = ctx.store().read().await?;
    let people = people(ctx, &mut read, Some(&seen.unit)).await?;
    let flow = read.flow::<FlowRun>(number).await?;
    let (run, _) = flow.ok_or_else(|| RequestError::NotInFlow(number.to_owned()))?;
    let (definition, due) = (flow_of(ctx, &run)?, due_by(ctx)?);
    let by = permit.actor().account;
    let found = choices(&run, definition, &people.directory, by, ctx.now(), &due).map_err(RequestError::Flow)?;
    let accounts: BTreeSet<AccountId> = found.iter().map(|choice| choice.account).collect();
    let mut able = BTreeSet::new();
    for account in accounts {
        if may_decide(ctx, &mut read, account, &seen).await? {
            able.insert(account);
        }
    }
    let names = names(&mut read, &able).await?;
    let named = found.into_iter().filter_map(|choice| {
        Some(Candidate {
            task: choice.task,
            account: choice.account,
            name: names.get(&choice.account)?.clone(),
            transfer: choice.transfer,
            add_signer: choice.add_signer,
        })
    });
    Ok(named.collect())
}
