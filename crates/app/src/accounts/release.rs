//! What a security administrator does about an account that has a holder: lets a new way into it count, which a system
//! administrator asked for, and clears the one-time codes of a phone that was lost.
//!
//! Duties that must differ: nobody releases what they asked for, and nobody does either for their own account.

use super::AccountError;
use super::record::{change, keep_apart, refuse_taken, shut_out, target};
use crate::{AppError, OpContext};
use domain::authz::{Account, Action, Duty};
use kernel::AccountId;
use serde_json::json;

/// The account, for whoever may release what concerns it.
async fn judged(ctx: &OpContext, id: AccountId) -> Result<Account, AppError> {
    ctx.authorise(Action::AccountRelease, &target(id)).await?;
    let account = ctx.store().read().await?.account(id).await?;
    account.ok_or_else(|| AccountError::NotFound("账号").into())
}

/// Errors, noted: whoever acts asked for it, or it is their own account.
async fn apart(ctx: &OpContext, account: &Account, asked_by: Option<&str>) -> Result<(), AppError> {
    let id = account.id.to_string();
    let own = Some((Duty::Apply, account.login.as_str()));
    let done = [asked_by.map(|by| (Duty::Prepare, by)), own].into_iter().flatten();
    keep_apart(ctx, ("account", &id), done, AccountError::OwnRelease).await
}

/// Releases the one-time link of an account that waits. Errors: none waits, or whoever acts asked for it or is its holder.
pub async fn release_link(ctx: &OpContext, id: AccountId) -> Result<(), AppError> {
    let account = judged(ctx, id).await?;
    let asked_by = ctx.store().read().await?.waiting_links(ctx.now()).await?.remove(&id);
    let asked_by = asked_by.ok_or(AccountError::NotFound("待放行的链接"))?;
    apart(ctx, &account, Some(&asked_by)).await?;
    let mut work = ctx.store().begin().await?;
    work.release_invitation(id, &asked_by, ctx.now()).await?;
    let detail = json!({ "login": account.login, "what": "link", "asked_by": asked_by });
    let object = id.to_string();
    work.audit(ctx.now(), (ctx.actor(), "account.release", &object), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(())
}

/// Binds the identity that waits to its account, whose sessions and tokens end. Errors: none waits, whoever acts asked
/// for it or is its holder, or it is bound to another account by now.
pub async fn release_subject(ctx: &OpContext, id: AccountId) -> Result<(), AppError> {
    let before = judged(ctx, id).await?;
    let asked = before.asked_subject.clone();
    let asked = asked.ok_or(AccountError::NotFound("待放行的身份"))?;
    apart(ctx, &before, Some(&asked.by)).await?;
    let after = Account {
        oidc_subject: Some(asked.subject.clone()),
        asked_subject: None,
        ..before.clone()
    };
    let mut work = ctx.store().begin().await?;
    refuse_taken(&mut work, Some(&asked.subject), id).await?;
    work.save_account(&after).await?;
    shut_out(ctx, &mut work, id).await?;
    let object = id.to_string();
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.release", &object),
        change(&before, &after),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// Clears the one-time codes of somebody who lost what makes them; sessions and tokens of the account end. Errors: the
/// account has none, or it is that of whoever acts.
pub async fn clear_totp(ctx: &OpContext, id: AccountId) -> Result<(), AppError> {
    let before = judged(ctx, id).await?;
    apart(ctx, &before, None).await?;
    if before.totp.is_none() {
        return Err(AccountError::NotFound("该账号的动态口令").into());
    }
    let after = before.clone().without_codes();
    let mut work = ctx.store().begin().await?;
    work.save_account(&after).await?;
    shut_out(ctx, &mut work, id).await?;
    let object = id.to_string();
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.totp", &object),
        change(&before, &after),
    )
    .await?;
    work.commit().await?;
    Ok(())
}
