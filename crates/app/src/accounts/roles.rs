//! Roles: proposed by one person, approved by another, never by whoever gets them.

use super::AccountError;
use super::invite::side_of_account;
use super::record::keep_apart;
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty, Role, RoleAssignment, RoleState, Target, check_roles};
use kernel::AccountId;
use serde_json::json;
use store::RoleRecord;

fn target(number: i64, account: AccountId) -> Target {
    Target {
        kind: "role",
        id: number.to_string(),
        owner: Some(account),
        ..Target::default()
    }
}

/// Proposes a role for an account in its organisation. Returns the number of the proposal.
pub async fn propose_role(ctx: &OpContext, account: AccountId, role: Role) -> Result<i64, AppError> {
    let permit = ctx.authorise(Action::RolePropose, &target(0, account)).await?;
    let mut work = ctx.store().begin().await?;
    let holder = work.account(account).await?.ok_or(AccountError::NotFound("账号"))?;
    let mut roles: Vec<Role> = work
        .roles_of(account)
        .await?
        .iter()
        .map(|known| known.assignment.role)
        .collect();
    roles.push(role);
    let side = side_of_account(&mut work, &holder).await?;
    check_roles(side, &roles).map_err(AccountError::Role)?;
    let proposal = RoleAssignment {
        account,
        organisation: holder.organisation,
        role,
        from: ctx.now(),
        to: None,
        proposed_by: permit.actor().login.clone(),
        approved_by: String::new(),
    };
    let number = work.propose_role(&proposal).await?;
    let detail = json!({
        "account": holder.login, "role": role, "organisation": proposal.organisation,
        "fields": { "state": [null, RoleState::Proposed] },
    });
    work.audit(
        ctx.now(),
        (ctx.actor(), "role.propose", &number.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(number)
}

/// Puts a proposed role in force, or refuses it.
pub async fn approve_role(ctx: &OpContext, number: i64, granted: bool) -> Result<(), AppError> {
    let mut read = ctx.store().read().await?;
    let proposal = read.role(number).await?;
    let proposal = proposal.filter(|known| known.state == RoleState::Proposed);
    let proposal = proposal.ok_or(AccountError::NotFound("待批准的角色"))?.assignment;
    let holder = read.account(proposal.account).await?;
    let holder = holder.ok_or(AccountError::NotFound("账号"))?.login;
    drop(read);
    let permit = ctx
        .authorise(Action::RoleApprove, &target(number, proposal.account))
        .await?;
    let object = number.to_string();
    let done = [
        (Duty::Prepare, proposal.proposed_by.as_str()),
        (Duty::Apply, holder.as_str()),
    ];
    keep_apart(ctx, ("role", &object), done, AccountError::OwnRole).await?;
    let actor = permit.actor();
    let state = if granted {
        RoleState::InForce
    } else {
        RoleState::Refused
    };
    let mut work = ctx.store().begin().await?;
    work.decide_role(number, state, (&actor.login, ctx.now())).await?;
    let detail = json!({
        "granted": granted, "role": proposal.role, "account": proposal.account,
        "fields": { "state": [RoleState::Proposed, state], "decided_by": [null, actor.login] },
    });
    work.audit(
        ctx.now(),
        (ctx.actor(), "role.decide", &number.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// Takes a role back, by a security administrator. It needs nobody's approval: taking rights away is always safe.
pub async fn end_role(ctx: &OpContext, number: i64) -> Result<(), AppError> {
    let held = ctx.store().read().await?.role(number).await?;
    let held = held.filter(|known| known.state == RoleState::InForce);
    let held = held.ok_or(AccountError::NotFound("生效的角色"))?.assignment;
    ctx.authorise(Action::RoleApprove, &target(number, held.account))
        .await?;
    let mut work = ctx.store().begin().await?;
    work.end_role(number, ctx.now()).await?;
    let detail = json!({
        "role": held.role, "account": held.account, "fields": { "state": [RoleState::InForce, RoleState::Ended] },
    });
    work.audit(
        ctx.now(),
        (ctx.actor(), "role.end", &number.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// All roles there ever were, by number.
pub async fn roles(ctx: &OpContext) -> Result<Vec<RoleRecord>, AppError> {
    let all = Target {
        kind: "role",
        ..Target::default()
    };
    ctx.authorise(Action::AccountRead, &all).await?;
    Ok(ctx.store().read().await?.roles().await?)
}
