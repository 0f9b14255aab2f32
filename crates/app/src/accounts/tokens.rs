//! Personal tokens for programs: with a scope and an end.

use super::secret::new_secret;
use super::{AccountError, Credentials, actor_of_session, log_in, log_out};
use crate::{AppError, OpContext};
use domain::authz::{Account, AccountSort, AccountState, Action, Target};
use kernel::{AccountId, TokenId};
use serde::Deserialize;
use store::ApiToken;

/// A token to be made.
#[derive(Debug, Clone, Deserialize)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// The actions it may ask for, as far as its holder may.
    pub scope: Vec<Action>,
    /// How long it is good for. Units: days.
    pub days: i64,
}

fn own(account: AccountId) -> Target {
    Target {
        kind: "token",
        owner: Some(account),
        ..Target::default()
    }
}

/// Makes a token for whoever asks. Returns it, and its secret, which is given out once. A token never makes tokens.
pub async fn make_token(ctx: &OpContext, new: NewToken) -> Result<(ApiToken, String), AppError> {
    let who = ctx.who()?;
    ctx.authorise(Action::TokenWrite, &own(who.account)).await?;
    store_token(ctx, who.account, new).await
}

/// What a service account is to the policies: a thing of its organisation.
async fn service(ctx: &OpContext, id: AccountId) -> Result<Account, AppError> {
    let account = ctx.store().read().await?.account(id).await?;
    let account = account.filter(|account| account.sort == AccountSort::Service);
    let account = account.ok_or(AccountError::NotFound("服务账号"))?;
    let target = Target {
        kind: "service",
        id: id.to_string(),
        provider: Some(account.organisation.clone()),
        ..Target::default()
    };
    ctx.authorise(Action::TokenWrite, &target).await?;
    Ok(account)
}

/// Makes a token for a service account, by whoever speaks for its organisation: who keeps the accounts never holds a
/// secret that does business.
pub async fn make_service_token(ctx: &OpContext, id: AccountId, new: NewToken) -> Result<(ApiToken, String), AppError> {
    let account = service(ctx, id).await?;
    if account.state != AccountState::Active {
        return Err(AccountError::Invalid("该服务账号已停用，不能生成令牌".to_owned()).into());
    }
    store_token(ctx, id, new).await
}

/// The tokens of a service account.
pub async fn service_tokens(ctx: &OpContext, id: AccountId) -> Result<Vec<ApiToken>, AppError> {
    service(ctx, id).await?;
    Ok(ctx.store().read().await?.tokens_of(id).await?)
}

/// Takes a token of a service account back.
pub async fn revoke_service_token(ctx: &OpContext, id: AccountId, token: TokenId) -> Result<(), AppError> {
    service(ctx, id).await?;
    take_back(ctx, id, token).await
}

async fn store_token(ctx: &OpContext, account: AccountId, new: NewToken) -> Result<(ApiToken, String), AppError> {
    let days_max = ctx.account_policy()?.token_days_max;
    if new.scope.is_empty() || new.name.trim().is_empty() || !(1..=days_max).contains(&new.days) {
        let text = format!("令牌须有名称、至少一项权限，有效期 1 至 {days_max} 天");
        return Err(AccountError::Invalid(text).into());
    }
    if new.scope.contains(&Action::TokenWrite) {
        return Err(AccountError::Invalid("令牌不能用来维护令牌".to_owned()).into());
    }
    let (secret, digest) = new_secret(ctx, "yht");
    let words: Vec<_> = new.scope.iter().map(|action| action.word()).collect();
    let token = ApiToken {
        id: ctx.new_id(),
        secret: digest,
        account,
        name: new.name.trim().to_owned(),
        scope: words.join(" "),
        created: ctx.now(),
        expires: ctx.now().plus_s(new.days * 86_400),
        revoked: None,
    };
    let mut work = ctx.store().begin().await?;
    work.add_token(&token).await?;
    let detail = serde_json::json!({
        "account": account, "name": token.name, "scope": token.scope, "expires": token.expires,
    });
    let words = (ctx.actor(), "token.make", token.id.to_string());
    work.audit(ctx.now(), (words.0, words.1, &words.2), detail.to_string())
        .await?;
    work.commit().await?;
    Ok((token, secret))
}

/// Makes a token for somebody who logs in for that alone: the session ends with it.
pub async fn token_by_login(
    ctx: &OpContext,
    given: Credentials,
    new: NewToken,
) -> Result<(ApiToken, String), AppError> {
    let login = log_in(ctx, given).await?;
    let (who, session) = actor_of_session(ctx, &login.secret).await?;
    let own = ctx.acting(who);
    let made = make_token(&own, new).await;
    log_out(&own, session).await?;
    made
}

/// The tokens of whoever asks.
pub async fn tokens(ctx: &OpContext) -> Result<Vec<ApiToken>, AppError> {
    let who = ctx.who()?;
    ctx.authorise(Action::TokenWrite, &own(who.account)).await?;
    Ok(ctx.store().read().await?.tokens_of(who.account).await?)
}

/// Takes a token of whoever asks back.
pub async fn revoke_token(ctx: &OpContext, id: TokenId) -> Result<(), AppError> {
    let who = ctx.who()?;
    ctx.authorise(Action::TokenWrite, &own(who.account)).await?;
    take_back(ctx, who.account, id).await
}

async fn take_back(ctx: &OpContext, account: AccountId, id: TokenId) -> Result<(), AppError> {
    let mut work = ctx.store().begin().await?;
    work.revoke_token(account, id, ctx.now()).await?;
    let detail = serde_json::json!({ "account": account });
    let words = (ctx.actor(), "token.revoke", id.to_string());
    work.audit(ctx.now(), (words.0, words.1, &words.2), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(())
}
