//! The way back for an administrator who cannot get in and has nobody to ask: at the machine, and for the three
//! administrators only. It opens no account that does business.

use super::AccountError;
use super::invite::add_link;
use super::known::actor_of;
use super::record::{change, login_of, shut_out};
use crate::{AppError, OpContext};
use domain::authz::{Account, AccountState, Role};

/// Clears the one-time codes and the lock of an administrator, ends their sessions and tokens, and makes a one-time link
/// that is good at once. Returns what it ends in.
pub async fn rescue(ctx: &OpContext, login: &str) -> Result<String, AppError> {
    let login = login_of(login);
    let mut work = ctx.store().begin().await?;
    let Some(before) = work.account_by_login(&login).await? else {
        return Err(AppError::NotFound {
            what: "账号",
            key: login,
            advice: "请核对登录名",
        });
    };
    let holder = actor_of(ctx, &mut work, before.clone()).await?;
    if !holder.roles.iter().copied().any(Role::is_administrator) {
        let text = "只能为系统、安全、审计管理员的账号补救；其他账号请由系统管理员重发链接、安全管理员放行";
        return Err(AccountError::Invalid(text.to_owned()).into());
    }
    if before.state == AccountState::Disabled {
        let text = "该账号已停用，请先由系统管理员恢复";
        return Err(AccountError::Invalid(text.to_owned()).into());
    }
    let after = Account {
        failed: 0,
        locked_until: None,
        ..before.clone().without_codes()
    };
    work.save_account(&after).await?;
    let link = add_link(ctx, &mut work, before.id, false).await?;
    shut_out(ctx, &mut work, before.id).await?;
    let object = before.id.to_string();
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.rescue", &object),
        change(&before, &after),
    )
    .await?;
    work.commit().await?;
    Ok(link)
}
