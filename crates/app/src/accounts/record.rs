//! What every change of an account has in common: its entry in the audit, who is shut out or turned away, what its fields
//! may be, who it is elsewhere.

use super::AccountError;
use crate::{AppError, OpContext, audit};
use domain::audit::changes;
use domain::authz::{Account, Duty, Refusal, Target};
use kernel::AccountId;
use serde_json::{Value, json};
use store::UnitOfWork;

/// The longest login name. Units: characters.
pub(super) const LOGIN_MAX: usize = 64;
/// The longest subject. Units: bytes.
const SUBJECT_MAX: usize = 255;

/// A login name as anybody wrote it. One that is too long for any account is cut, with a sign that no login name has: it
/// is nobody's, and stands in the audit as long as a name may be.
pub(super) fn login_of(text: &str) -> String {
    let login = text.trim().to_lowercase();
    if login.chars().nth(LOGIN_MAX).is_none() {
        return login;
    }
    login.chars().take(LOGIN_MAX - 1).chain(['…']).collect()
}

/// A name as it is kept. Errors: there is none.
pub(super) fn name_of(text: &str) -> Result<String, AccountError> {
    match text.trim() {
        "" => Err(AccountError::Invalid("请填写姓名".to_owned())),
        name => Ok(name.to_owned()),
    }
}

/// An address as it is kept; none if it is empty.
pub(super) fn mail_of(text: Option<String>) -> Option<String> {
    text.map(|mail| mail.trim().to_owned()).filter(|mail| !mail.is_empty())
}

/// An account field by field; what is secret in it is never shown by [`changes`].
pub(super) fn fields(account: &Account) -> Value {
    json!({
        "login": account.login, "name": account.name, "mail": account.mail, "organisation": account.organisation,
        "sort": account.sort, "state": account.state, "password": account.password, "failed": account.failed,
        "locked_until": account.locked_until, "totp": account.totp, "oidc_subject": account.oidc_subject,
        "asked_subject": account.asked_subject.as_ref().map(|asked| &asked.subject),
        "asked_subject_by": account.asked_subject.as_ref().map(|asked| &asked.by),
    })
}

/// What a change does to an account, for its audit entry.
pub(super) fn change(before: &Account, after: &Account) -> String {
    json!({ "login": after.login, "fields": changes(&fields(before), &fields(after)) }).to_string()
}

/// What an account is to the policies.
pub(super) fn target(account: AccountId) -> Target {
    Target {
        kind: "account",
        id: account.to_string(),
        ..Target::default()
    }
}

/// Ends the sessions and tokens of an account: whoever came by what no longer counts is out.
pub(super) async fn shut_out(ctx: &OpContext, work: &mut UnitOfWork, id: AccountId) -> Result<(), AppError> {
    work.end_sessions(id).await?;
    work.revoke_tokens(id, ctx.now()).await?;
    Ok(())
}

/// Errors, noted: whoever acts did what must be apart from deciding.
pub(super) async fn keep_apart(
    ctx: &OpContext,
    object: (&str, &str),
    done: impl IntoIterator<Item = (Duty, &str)>,
    why: AccountError,
) -> Result<(), AppError> {
    for done in done {
        match ctx.keep_apart(object, Duty::Authorise, done).await {
            Err(AppError::Duty(_)) => return Err(why.into()),
            other => other?,
        }
    }
    Ok(())
}

/// Notes that somebody was not let in: by name and object, with what they came, from where. Gives back why.
pub(super) async fn refused<T>(
    ctx: &OpContext,
    who: (&str, &str),
    (by, address): (&str, &str),
    error: impl Into<AppError>,
) -> Result<T, AppError> {
    let error = error.into();
    let detail = json!({ "address": address, "by": by, "why": error.to_string() });
    audit::note(&ctx.named(who.0), ("session.refused", who.1), &detail).await?;
    Err(error)
}

/// Turns away somebody who did not prove that the account is theirs: a wrong proof is counted, and it is noted with what
/// they came, and from where if they were not logged in already. Commits, and gives back why.
pub(super) async fn turn_away<T>(
    ctx: &OpContext,
    mut work: UnitOfWork,
    account: Account,
    refusal: Refusal,
    (by, address): (&str, Option<&str>),
) -> Result<T, AppError> {
    let account = match refusal {
        Refusal::Wrong => account.after_failure(ctx.account_policy()?, ctx.now()),
        Refusal::Locked(_) => account,
    };
    work.save_account(&account).await?;
    let detail = json!({ "address": address, "by": by, "why": refusal.to_string() });
    let object = account.id.to_string();
    work.audit(
        ctx.now(),
        (account.login.as_str(), "session.refused", &object),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Err(AccountError::Refused(refusal).into())
}

/// A subject as it is bound; none if it is empty. Errors: it is too long.
pub(super) fn subject_of(text: Option<&str>) -> Result<Option<&str>, AccountError> {
    let subject = text.map(str::trim).filter(|subject| !subject.is_empty());
    if subject.is_some_and(|subject| subject.len() > SUBJECT_MAX) {
        let text = format!("身份标识不能超过 {SUBJECT_MAX} 个字节");
        return Err(AccountError::Invalid(text));
    }
    Ok(subject)
}

/// Errors: a subject is bound to another account.
pub(super) async fn refuse_taken(
    work: &mut UnitOfWork,
    subject: Option<&str>,
    account: AccountId,
) -> Result<(), AppError> {
    let Some(subject) = subject else { return Ok(()) };
    let known = work.account_by_subject(subject).await?;
    if known.is_some_and(|other| other != account) {
        let text = "该身份已绑定另一个账号，请先解除原来的绑定";
        return Err(AppError::Contradiction(text.to_owned()));
    }
    Ok(())
}
