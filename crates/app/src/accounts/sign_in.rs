//! Signing in at the city's identity provider.
//!
//! An identity opens an account only if it was bound to it before: by a system administrator, or by the account itself
//! when it was logged in. Accounts are never made by a login. A login is begun in one browser and ends there, once; a
//! locked or disabled account stays out, and one that has one-time codes is asked for its code here too.

use super::login::begin_session;
use super::record::{change, refuse_taken, refused, shut_out, subject_of, target, turn_away};
use super::secret::{new_secret, totp_step};
use super::{AccountError, LoginOutcome};
use crate::{AppError, OpContext};
use domain::authz::{Account, Action, AskedSubject, Refusal};
use identity::{Challenge, IdentityError};
use kernel::{AccountId, Digest, SessionId};
use serde_json::json;
use store::SignIn;

/// How long somebody may take at the provider. Units: seconds.
const LASTS_S: i64 = 600;
/// A login that was begun.
#[derive(Debug, Clone)]
pub struct SignInBegun {
    /// Where the browser goes.
    pub address: String,
    /// What the browser keeps, and nobody else knows.
    pub browser: String,
    /// How long it is good for. Units: seconds.
    pub lasts_s: i64,
}

/// What a browser comes back with.
#[derive(Debug, Clone)]
pub struct Returned {
    /// What the provider repeats.
    pub state: String,
    /// The code; none if the provider refused.
    pub code: Option<String>,
    /// What the browser kept.
    pub browser: String,
    /// From where.
    pub address: String,
    /// With what.
    pub agent: String,
}

/// How a login at the provider ends.
#[derive(Debug, Clone)]
pub enum SignedIn {
    /// Logged in.
    In(Box<LoginOutcome>),
    /// The one-time code is asked for, in the same browser.
    CodeNeeded,
    /// The identity is bound to the account with this login name.
    Bound(String),
}

/// Begins a login; with a session, the binding of its account.
pub async fn begin_sign_in(ctx: &OpContext, session: Option<SessionId>) -> Result<SignInBegun, AppError> {
    let provider = ctx.identity_provider()?;
    let (state, state_digest) = new_secret(ctx, "yho");
    let (browser, browser_digest) = new_secret(ctx, "yhb");
    let ((nonce, _), (verifier, _)) = (new_secret(ctx, "n"), new_secret(ctx, "v"));
    let challenge = Challenge {
        state: &state,
        nonce: &nonce,
        verifier: &verifier,
    };
    let address = provider.login_address(challenge).await?;
    let now = ctx.now();
    let new = SignIn {
        state: state_digest,
        browser: browser_digest,
        nonce,
        verifier,
        session,
        begun: now,
        expires: now.plus_s(LASTS_S),
    };
    ctx.store().begin_sign_in(&new).await?;
    let lasts_s = LASTS_S;
    Ok(SignInBegun {
        address,
        browser,
        lasts_s,
    })
}

/// Ends a login that comes back from the provider. Every failure is noted.
pub async fn finish_sign_in(ctx: &OpContext, given: Returned) -> Result<SignedIn, AppError> {
    let provider = ctx.identity_provider()?;
    let nobody = ("统一身份认证", "oidc");
    let from = ("oidc", given.address.as_str());
    let digests = (Digest::of(given.state.as_bytes()), Digest::of(given.browser.as_bytes()));
    let Some(begun) = ctx.store().take_sign_in(digests, ctx.now()).await? else {
        return refused(ctx, nobody, from, AccountError::BadSignIn).await;
    };
    let Some(code) = given.code else {
        let error = IdentityError::Refused("access_denied".to_owned());
        return refused(ctx, nobody, from, error).await;
    };
    let challenge = Challenge {
        state: &given.state,
        nonce: &begun.nonce,
        verifier: &begun.verifier,
    };
    let subject = match provider.identify(&code, challenge, ctx.now()).await {
        Ok(identified) => identified.subject,
        Err(error) => return refused(ctx, nobody, from, error).await,
    };
    if let Some(session) = begun.session {
        return match bind_own(ctx, session, &subject).await {
            Ok(login) => Ok(SignedIn::Bound(login)),
            Err(error) => refused(ctx, (&subject, "oidc"), from, error).await,
        };
    }
    let mut work = ctx.store().begin().await?;
    let known = match work.account_by_subject(&subject).await? {
        Some(id) => work.account(id).await?,
        None => None,
    };
    let Some(account) = known else {
        drop(work);
        return refused(ctx, (&subject, "oidc"), from, AccountError::NotBound).await;
    };
    match account.admit(ctx.now()) {
        Ok(()) => {}
        Err(refusal) => {
            drop(work);
            let who = (account.login.as_str(), account.id.to_string());
            let error = match refusal {
                Refusal::Wrong => AccountError::NotBound,
                locked @ Refusal::Locked(_) => AccountError::Refused(locked),
            };
            return refused(ctx, (who.0, &who.1), from, error).await;
        }
    }
    if account.totp.is_some() {
        work.prove_sign_in(begun.state, account.id).await?;
        let detail = json!({ "address": given.address, "by": "oidc" });
        let id = account.id.to_string();
        let words = (account.login.as_str(), "session.code_needed", id.as_str());
        work.audit(ctx.now(), words, detail.to_string()).await?;
        work.commit().await?;
        return Ok(SignedIn::CodeNeeded);
    }
    let account = account.after_login(None);
    work.save_account(&account).await?;
    let from = (given.address, given.agent);
    let outcome = begin_session(ctx, work, account, from, true).await?;
    Ok(SignedIn::In(Box::new(outcome)))
}

/// Ends a login that waited for the one-time code. A wrong code counts as a failed login.
pub async fn finish_with_code(
    ctx: &OpContext,
    browser: &str,
    code: &str,
    from: (String, String),
) -> Result<LoginOutcome, AppError> {
    let now = ctx.now();
    let mut work = ctx.store().begin().await?;
    let proven = work.proven_sign_in(Digest::of(browser.as_bytes()), now).await?;
    let (state, id) = proven.ok_or(AccountError::BadSignIn)?;
    let account = work.account(id).await?.ok_or(AccountError::BadSignIn)?;
    let step = account
        .totp
        .as_ref()
        .and_then(|secret| totp_step(secret, code, now, account.totp_step));
    let verdict = match (account.admit(now), step) {
        (Err(refusal), _) => Err(refusal),
        (Ok(()), None) => Err(Refusal::Wrong),
        (Ok(()), Some(step)) => Ok(step),
    };
    match verdict {
        Ok(step) => {
            work.end_sign_in(state, now).await?;
            let account = account.after_login(Some(step));
            work.save_account(&account).await?;
            begin_session(ctx, work, account, from, true).await
        }
        Err(refusal) => turn_away(ctx, work, account, refusal, ("oidc", Some(&from.0))).await,
    }
}

/// Binds an identity to the account of a session that still goes on. Returns the login name.
async fn bind_own(ctx: &OpContext, session: SessionId, subject: &str) -> Result<String, AppError> {
    let now = ctx.now();
    let mut work = ctx.store().begin().await?;
    let session = work
        .session_by_id(session)
        .await?
        .filter(|session| now < session.expires);
    let session = session.ok_or(AccountError::NotLoggedIn)?;
    let account = work.account(session.account).await?.ok_or(AccountError::NotLoggedIn)?;
    account.admit(now).map_err(|_| AccountError::NotLoggedIn)?;
    let login = account.login.clone();
    save_subject(&ctx.named(&login), work, account, Some(subject)).await?;
    Ok(login)
}

/// Binds an identity to an account, or takes it away, by a system administrator. Sessions and tokens of the account end:
/// whoever came by another identity is out. An identity for an account that was in use waits for its release, and changes
/// nothing before: whoever binds one could be the one who comes by it.
pub async fn bind_subject(ctx: &OpContext, id: AccountId, subject: Option<&str>) -> Result<(), AppError> {
    ctx.authorise(Action::AccountWrite, &target(id)).await?;
    let subject = subject_of(subject)?;
    let mut work = ctx.store().begin().await?;
    let account = work.account(id).await?.ok_or(AccountError::NotFound("账号"))?;
    let (Some(subject), true) = (subject, account.was_in_use()) else {
        shut_out(ctx, &mut work, id).await?;
        return save_subject(ctx, work, account, subject).await;
    };
    refuse_taken(&mut work, Some(subject), id).await?;
    let asked = AskedSubject {
        subject: subject.to_owned(),
        by: ctx.actor().to_owned(),
    };
    let after = Account {
        asked_subject: Some(asked),
        ..account.clone()
    };
    save(ctx, work, (&account, &after)).await
}

/// Takes the identity away from one's own account, which needs a password to get in by.
pub async fn unbind_own(ctx: &OpContext) -> Result<(), AppError> {
    let id = ctx.who()?.account;
    let mut work = ctx.store().begin().await?;
    let account = work.account(id).await?.ok_or(AccountError::NotLoggedIn)?;
    if account.password.is_none() {
        let text = "该账号没有设置密码，解除绑定后将无法登录；请先设置密码";
        return Err(AccountError::Invalid(text.to_owned()).into());
    }
    save_subject(ctx, work, account, None).await
}

async fn save_subject(
    ctx: &OpContext,
    mut work: store::UnitOfWork,
    before: Account,
    subject: Option<&str>,
) -> Result<(), AppError> {
    refuse_taken(&mut work, subject, before.id).await?;
    let after = Account {
        oidc_subject: subject.map(str::to_owned),
        asked_subject: None,
        ..before.clone()
    };
    save(ctx, work, (&before, &after)).await
}

async fn save(
    ctx: &OpContext,
    mut work: store::UnitOfWork,
    (before, after): (&Account, &Account),
) -> Result<(), AppError> {
    work.save_account(after).await?;
    let id = after.id.to_string();
    work.audit(ctx.now(), (ctx.actor(), "account.oidc", &id), change(before, after))
        .await?;
    work.commit().await?;
    Ok(())
}
