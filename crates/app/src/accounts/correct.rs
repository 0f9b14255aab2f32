//! Name and address of an account, put right.

use super::AccountError;
use super::record::{change, mail_of, name_of, target};
use crate::{AppError, OpContext};
use domain::authz::{Account, Action};
use kernel::AccountId;

/// What is right now; what is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Correction {
    /// The person's or machine's name.
    pub name: Option<String>,
    /// Where to write to; empty to write to nobody.
    pub mail: Option<String>,
}

/// Corrects name and address of an account that was read as `version`.
pub async fn correct(ctx: &OpContext, (id, version): (AccountId, i64), right: Correction) -> Result<(), AppError> {
    ctx.authorise(Action::AccountWrite, &target(id)).await?;
    let mut work = ctx.store().begin().await?;
    let before = work.account(id).await?.ok_or(AccountError::NotFound("账号"))?;
    let after = Account {
        name: match &right.name {
            Some(name) => name_of(name)?,
            None => before.name.clone(),
        },
        mail: match right.mail {
            Some(mail) => mail_of(Some(mail)),
            None => before.mail.clone(),
        },
        version,
        ..before.clone()
    };
    work.save_account(&after).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.correct", &id.to_string()),
        change(&before, &after),
    )
    .await?;
    work.commit().await?;
    Ok(())
}
