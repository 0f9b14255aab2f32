//! Personal tokens for programs: with a scope and an end.

use super::AccountError;
use super::secret::new_secret;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
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
    let days_max = ctx.account_policy()?.token_days_max;
    if new.scope.is_empty() || new.name.trim().is_empty() || !(1..=days_max).contains(&new.days) {
        let text = format!("令牌须有名称、至少一项权限，有效期 1 至 {days_max} 天");
        return Err(AccountError::Invalid(text).into());
    }
    if new.scope.contains(&Action::TokenWrite) {
        return Err(AccountError::Invalid("令牌不能用来维护令牌".to_owned()).into());
    }
    let (secret, digest) = new_secret(ctx, "yht");
    let token = ApiToken {
        id: ctx.new_id(),
        secret: digest,
        account: who.account,
        name: new.name.trim().to_owned(),
        scope: new
            .scope
            .iter()
            .map(|action| action.word())
            .collect::<Vec<_>>()
            .join(" "),
        created: ctx.now(),
        expires: ctx.now().plus_s(new.days * 86_400),
        revoked: None,
    };
    let mut work = ctx.store().begin().await?;
    work.add_token(&token).await?;
    let detail = serde_json::json!({ "name": token.name, "scope": token.scope, "expires": token.expires });
    work.audit(
        ctx.now(),
        (ctx.actor(), "token.make", &token.id.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok((token, secret))
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
    let mut work = ctx.store().begin().await?;
    work.revoke_token(who.account, id, ctx.now()).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "token.revoke", &id.to_string()),
        "{}".to_owned(),
    )
    .await?;
    work.commit().await?;
    Ok(())
}
