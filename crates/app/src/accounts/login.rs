//! Logging in and out, sessions, passwords and one-time codes.

use super::AccountError;
use super::record::{change, login_of, shut_out, target, turn_away};
use super::secret::{hash, new_secret, new_totp, totp_step, verify};
use crate::{AppError, OpContext};
use domain::authz::{Account, Action, Refusal};
use kernel::{AccountId, Instant, SessionId};
use serde::Deserialize;
use store::{Session, UnitOfWork};

/// What somebody hands over to log in.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// The login name.
    pub login: String,
    /// The password.
    pub password: String,
    /// The one-time code, if the account has them.
    pub code: Option<String>,
    /// From where.
    #[serde(skip)]
    pub address: String,
    /// With what.
    #[serde(skip)]
    pub agent: String,
}

/// A login.
#[derive(Debug, Clone)]
pub struct LoginOutcome {
    /// The secret of the session, given out once.
    pub secret: String,
    /// Who logged in.
    pub account: Account,
    /// When the session ends at the latest.
    pub expires: Instant,
}

/// How far somebody is logged out. Here they are, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedOut {
    /// They were logged in here only.
    Everywhere,
    /// They are still logged in at the identity provider, until their browser goes to this address.
    GoingOn(String),
    /// The same, and the provider has no address to log out at.
    NoPlace,
    /// The same, and the provider's address to log out at is not known now.
    Unknown,
}

/// Logs somebody in. A failure is counted and audited, and says no more than it must.
pub async fn log_in(ctx: &OpContext, given: Credentials) -> Result<LoginOutcome, AppError> {
    let now = ctx.now();
    let login = login_of(&given.login);
    let known = ctx.store().read().await?.account_by_login(&login).await?;
    let right = verify(
        &given.password,
        known.as_ref().and_then(|account| account.password.as_deref()),
    )
    .await?;
    let mut work = ctx.store().begin().await?;
    // Read again: what counts failures must not miss those of the meantime.
    let Some(account) = work.account_by_login(&login).await? else {
        let detail = serde_json::json!({ "address": given.address, "why": "没有这个账号" });
        work.audit(now, (&login, "session.refused", &login), detail.to_string())
            .await?;
        work.commit().await?;
        return Err(AccountError::Refused(Refusal::Wrong).into());
    };
    let unchanged = known.is_some_and(|before| before.password == account.password);
    let step = match (&account.totp, &given.code) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(AccountError::CodeNeeded),
        (Some(secret), Some(code)) => totp_step(secret, code, now, account.totp_step)
            .map(Some)
            .ok_or(AccountError::Refused(Refusal::Wrong)),
    };
    let verdict = match account.admit(now) {
        Err(refusal) => Err(AccountError::Refused(refusal)),
        Ok(()) if !right || !unchanged => Err(AccountError::Refused(Refusal::Wrong)),
        Ok(()) => step,
    };
    let account = match verdict {
        Ok(step) => account.after_login(step),
        Err(AccountError::Refused(refusal)) => {
            return turn_away(ctx, work, account, refusal, ("password", Some(&given.address))).await;
        }
        // Asking for the code is no failure: the password was right, and nothing was tried.
        Err(error) => return Err(error.into()),
    };
    work.save_account(&account).await?;
    begin_session(ctx, work, account, (given.address, given.agent), false).await
}

/// Begins a session of an account that was let in and saved, here or at the identity provider, and commits.
pub(super) async fn begin_session(
    ctx: &OpContext,
    mut work: UnitOfWork,
    account: Account,
    (address, agent): (String, String),
    at_provider: bool,
) -> Result<LoginOutcome, AppError> {
    let now = ctx.now();
    let (secret, digest) = new_secret(ctx, "yhs");
    let expires = now.plus_s(ctx.account_policy()?.session_s);
    let session = Session {
        id: ctx.new_id(),
        secret: digest,
        account: account.id,
        created: now,
        seen: now,
        expires,
        address,
        agent: agent.chars().take(200).collect(),
        at_provider,
    };
    work.forget_sessions(now).await?;
    work.add_session(&session).await?;
    let detail = serde_json::json!({ "session": session.id, "address": session.address });
    let object = account.id.to_string();
    work.audit(
        now,
        (account.login.as_str(), "session.begin", &object),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(LoginOutcome {
        secret,
        account,
        expires,
    })
}

/// Ends the session of whoever asks. Whatever the provider answers, or does not, the session here is over.
pub async fn log_out(ctx: &OpContext, session: SessionId) -> Result<LoggedOut, AppError> {
    let mut work = ctx.store().begin().await?;
    let at_provider = work
        .session_by_id(session)
        .await?
        .is_some_and(|session| session.at_provider);
    work.end_session(session).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "session.end", &session.to_string()),
        "{}".to_owned(),
    )
    .await?;
    work.commit().await?;
    if !at_provider {
        return Ok(LoggedOut::Everywhere);
    }
    // One that is not configured any more is as one that has no such place.
    let Ok(provider) = ctx.identity_provider() else {
        return Ok(LoggedOut::NoPlace);
    };
    Ok(match provider.logout_address().await {
        Ok(Some(address)) => LoggedOut::GoingOn(address),
        Ok(None) => LoggedOut::NoPlace,
        Err(why) => {
            tracing::warn!(cause = %why, "where to log out at the identity provider is not known");
            LoggedOut::Unknown
        }
    })
}

/// The sessions of an account: one's own, or another's by a security administrator.
pub async fn sessions(ctx: &OpContext, account: AccountId) -> Result<Vec<Session>, AppError> {
    if ctx.who()?.account != account {
        ctx.authorise(Action::SessionRevoke, &target(account)).await?;
    }
    Ok(ctx.store().read().await?.sessions_of(account).await?)
}

/// Ends one session of an account, or all of them, and with all of them its tokens.
pub async fn end_sessions(ctx: &OpContext, account: AccountId, only: Option<SessionId>) -> Result<(), AppError> {
    if ctx.who()?.account != account {
        ctx.authorise(Action::SessionRevoke, &target(account)).await?;
    }
    let mut work = ctx.store().begin().await?;
    match only {
        Some(session) => {
            let its_own = work.sessions_of(account).await?.iter().any(|known| known.id == session);
            if !its_own {
                return Err(AccountError::NotFound("会话").into());
            }
            work.end_session(session).await?;
        }
        None => {
            shut_out(ctx, &mut work, account).await?;
        }
    }
    let detail = serde_json::json!({ "session": only });
    work.audit(
        ctx.now(),
        (ctx.actor(), "session.revoke", &account.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// Changes one's own password. All other sessions end. A wrong old one counts as a failed login.
pub async fn change_password(ctx: &OpContext, old: &str, new: &str, keep: Option<SessionId>) -> Result<(), AppError> {
    let id = ctx.who()?.account;
    let known = ctx
        .store()
        .read()
        .await?
        .account(id)
        .await?
        .ok_or(AccountError::NotLoggedIn)?;
    let faults = ctx.account_policy()?.check_password(&known.login, new);
    let right = verify(old, known.password.as_deref()).await?;
    let hashed = match right && faults.is_empty() {
        true => Some(hash(new).await?),
        false => None,
    };
    let mut work = ctx.store().begin().await?;
    // Read again: what counts failures must not miss those of the meantime.
    let before = work.account(id).await?.ok_or(AccountError::NotLoggedIn)?;
    let right = right && before.password == known.password;
    let by = ("old_password", None);
    match before.admit(ctx.now()) {
        Err(refusal) => return turn_away(ctx, work, before, refusal, by).await,
        Ok(()) if !right => return turn_away(ctx, work, before, Refusal::Wrong, by).await,
        Ok(()) => {}
    }
    // Told last: whoever does not know the old password, or is locked out, learns nothing by it.
    let Some(hashed) = hashed else {
        return Err(AccountError::Password(faults).into());
    };
    let account = Account {
        password: Some(hashed),
        ..before.clone()
    };
    work.save_account(&account).await?;
    for session in work.sessions_of(id).await? {
        if Some(session.id) != keep {
            work.end_session(session.id).await?;
        }
    }
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.password", &id.to_string()),
        change(&before, &account),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// One-time codes as somebody confirms them.
#[derive(Debug, Clone, Copy)]
pub struct NewCodes<'a> {
    /// The secret that was given out.
    pub secret: &'a str,
    /// A code made from it.
    pub code: &'a str,
    /// A code of those that are asked for so far, if there are.
    pub old_code: Option<&'a str>,
}

/// Sets up one-time codes for whoever asks. Without a code it returns a new secret and stores nothing; with the secret
/// and a code of it, the codes are asked for from then on. Whoever has codes already needs one of them: a session alone
/// takes nobody's codes away. A wrong one counts as a failed login.
pub async fn set_up_totp(ctx: &OpContext, confirmed: Option<NewCodes<'_>>) -> Result<String, AppError> {
    let (id, now) = (ctx.who()?.account, ctx.now());
    let Some(NewCodes { secret, code, old_code }) = confirmed else {
        return Ok(new_totp(ctx));
    };
    let step = totp_step(secret, code, now, None);
    let step = step.ok_or_else(|| AccountError::Invalid("动态口令不正确，请核对手机时间后重试".to_owned()))?;
    let mut work = ctx.store().begin().await?;
    let before = work.account(id).await?.ok_or(AccountError::NotLoggedIn)?;
    if let Some(old) = &before.totp {
        let Some(given) = old_code else {
            let text = "更换动态口令须同时填写原来的动态口令；手机遗失的，请联系安全管理员清除后重新设置";
            return Err(AccountError::Invalid(text.to_owned()).into());
        };
        let right = totp_step(old, given, now, before.totp_step).is_some();
        match before.admit(now) {
            Err(refusal) => return turn_away(ctx, work, before, refusal, ("old_code", None)).await,
            Ok(()) if !right => return turn_away(ctx, work, before, Refusal::Wrong, ("old_code", None)).await,
            Ok(()) => {}
        }
    }
    let account = Account {
        totp: Some(secret.to_owned()),
        totp_step: Some(step),
        ..before.clone()
    };
    work.save_account(&account).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.totp", &id.to_string()),
        change(&before, &account),
    )
    .await?;
    work.commit().await?;
    Ok(secret.to_owned())
}
