//! From a secret to who is asking.

use super::AccountError;
use crate::{AppError, OpContext};
use domain::authz::{Account, AccountState, Action, Actor, RoleState};
use domain::registry::{Organisation, Side};
use kernel::{Digest, SessionId};
use store::Connection;

/// Uses of a session are noted no more often than this. Units: seconds.
const SEEN_EVERY_S: i64 = 60;

/// Who logged in with a session. Errors: it is over, or the account can no longer be used.
pub async fn actor_of_session(ctx: &OpContext, secret: &str) -> Result<(Actor, SessionId), AppError> {
    let now = ctx.now();
    let mut read = ctx.store().read().await?;
    let session = read
        .session(Digest::of(secret.as_bytes()))
        .await?
        .ok_or(AccountError::NotLoggedIn)?;
    let idle_until = session.seen.plus_s(ctx.account_policy()?.session_idle_s);
    let account = read.account(session.account).await?;
    let account = account.filter(|account| account.state == AccountState::Active);
    let (Some(account), true) = (account, now < session.expires && now < idle_until) else {
        return Err(AccountError::NotLoggedIn.into());
    };
    let actor = actor(&mut read, account, None, ctx).await?;
    drop(read);
    if session.seen.plus_s(SEEN_EVERY_S) <= now {
        ctx.store().touch_session(session.id, now).await?;
    }
    Ok((actor, session.id))
}

/// Whose token this is, and what it may ask for. Errors: it is over, or the account can no longer be used.
pub async fn actor_of_token(ctx: &OpContext, secret: &str) -> Result<Actor, AppError> {
    let now = ctx.now();
    let mut read = ctx.store().read().await?;
    let token = read
        .token(Digest::of(secret.as_bytes()))
        .await?
        .ok_or(AccountError::BadToken)?;
    let account = read.account(token.account).await?;
    let account = account.filter(|account| account.state == AccountState::Active);
    let (Some(account), true) = (account, token.revoked.is_none() && now < token.expires) else {
        return Err(AccountError::BadToken.into());
    };
    let scope = token
        .scope
        .split_whitespace()
        .filter_map(|word| word.parse::<Action>().ok());
    let scope = scope.collect();
    actor(&mut read, account, Some(scope), ctx).await
}

/// An account as it would act now if it logged in.
pub(crate) async fn actor_of(ctx: &OpContext, read: &mut Connection, account: Account) -> Result<Actor, AppError> {
    actor(read, account, None, ctx).await
}

/// An account with the roles it holds now.
pub(super) async fn actor(
    read: &mut Connection,
    account: Account,
    scope: Option<Vec<Action>>,
    ctx: &OpContext,
) -> Result<Actor, AppError> {
    let roles = read.roles_of(account.id).await?;
    let held = roles
        .iter()
        .filter(|role| role.state == RoleState::InForce && role.assignment.holds(ctx.now()));
    let roles = held.map(|role| role.assignment.role).collect();
    Ok(Actor {
        account: account.id,
        login: account.login,
        side: side_of(read, account.organisation.as_str()).await?,
        organisation: account.organisation,
        roles,
        scope,
    })
}

/// The side of an organisation; the authority's if the register does not know it, as before the first import.
pub(super) async fn side_of(read: &mut Connection, organisation: &str) -> Result<Side, AppError> {
    let register = read.versions_of::<Organisation>(organisation).await?;
    Ok(register.last().map_or(Side::Authority, |version| version.body.side))
}
