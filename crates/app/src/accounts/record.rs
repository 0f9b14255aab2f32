//! What every change of an account has in common: its entry in the audit, who is shut out, who it is elsewhere.

use super::AccountError;
use crate::{AppError, OpContext};
use domain::audit::changes;
use domain::authz::{Account, Target};
use kernel::AccountId;
use serde_json::{Value, json};
use store::UnitOfWork;

/// The longest subject. Units: bytes.
const SUBJECT_MAX: usize = 255;

/// An account field by field; what is secret in it is never shown by [`changes`].
pub(super) fn fields(account: &Account) -> Value {
    json!({
        "login": account.login, "name": account.name, "mail": account.mail, "organisation": account.organisation,
        "sort": account.sort, "state": account.state, "password": account.password, "failed": account.failed,
        "locked_until": account.locked_until, "totp": account.totp, "oidc_subject": account.oidc_subject,
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
