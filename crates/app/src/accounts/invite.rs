//! Accounts are made by a system administrator and come alive by a one-time link.

use super::AccountError;
use super::known::side_of;
use super::record::{LOGIN_MAX, change, fields, mail_of, name_of, refuse_taken, refused, shut_out, subject_of, target};
use super::secret::{hash, new_secret};
use crate::{AppError, OpContext};
use domain::audit::changes;
use domain::authz::{Account, AccountSort, AccountState, Action, Target};
use domain::registry::Organisation;
use kernel::{AccountId, Digest, Instant, OrganisationCode};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Invitation, UnitOfWork};

/// An account to be made.
#[derive(Debug, Clone, Deserialize)]
pub struct NewAccount {
    /// The name it logs in with: letters, digits, `.`, `_`, `-`.
    pub login: String,
    /// The person's or machine's name.
    pub name: String,
    /// Where to write to.
    pub mail: Option<String>,
    /// The organisation it belongs to.
    pub organisation: OrganisationCode,
    /// Person or machine.
    pub sort: AccountSort,
    /// The subject at the city's identity provider, if it logs in there.
    pub oidc_subject: Option<String>,
}

/// Makes an account. Returns it, and for a person the secret of the one-time link to hand over.
pub async fn invite(ctx: &OpContext, new: NewAccount) -> Result<(Account, Option<String>), AppError> {
    let id = ctx.new_id();
    ctx.authorise(Action::AccountWrite, &target(id)).await?;
    let login = new.login.trim().to_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if login.is_empty() || login.len() > LOGIN_MAX || !login.chars().all(plain) {
        let text = format!("登录名只能包含英文字母、数字和 . _ -，长度 1 至 {LOGIN_MAX} 个字符");
        return Err(AccountError::Invalid(text).into());
    }
    let name = name_of(&new.name)?;
    let subject = subject_of(new.oidc_subject.as_deref())?;
    let now = ctx.now();
    let account = Account {
        mail: mail_of(new.mail),
        state: match new.sort {
            AccountSort::Person => AccountState::Invited,
            AccountSort::Service => AccountState::Active,
        },
        sort: new.sort,
        oidc_subject: subject.map(str::to_owned),
        ..Account::invited(id, (&login, &name), new.organisation, now)
    };
    let mut work = ctx.store().begin().await?;
    if work
        .versions_of::<Organisation>(account.organisation.as_str())
        .await?
        .is_empty()
    {
        let text = format!("组织 {} 未登记，请先导入组织机构", account.organisation);
        return Err(AccountError::Invalid(text).into());
    }
    refuse_taken(&mut work, subject, id).await?;
    work.add_account(&account).await?;
    let link = match account.sort {
        AccountSort::Person => Some(add_link(ctx, &mut work, id, false).await?),
        AccountSort::Service => None,
    };
    let detail = json!({ "login": account.login, "fields": changes(&Value::Null, &fields(&account)) });
    work.audit(now, (ctx.actor(), "account.make", &id.to_string()), detail.to_string())
        .await?;
    work.commit().await?;
    Ok((account, link))
}

/// Makes another one-time link for an account, for one that was lost or a password that was forgotten. Older links,
/// sessions and tokens of the account end. Returns what it ends in, and whether it waits for its release: whoever makes a
/// link could use it, so the one of an account that was in use takes two persons.
pub async fn invite_again(ctx: &OpContext, id: AccountId) -> Result<(String, bool), AppError> {
    ctx.authorise(Action::AccountWrite, &target(id)).await?;
    let mut work = ctx.store().begin().await?;
    let account = work.account(id).await?.ok_or(AccountError::NotFound("账号"))?;
    if account.sort == AccountSort::Service {
        return Err(AccountError::Invalid("服务账号没有密码，请为其生成令牌".to_owned()).into());
    }
    let waits = account.was_in_use();
    let link = add_link(ctx, &mut work, id, waits).await?;
    shut_out(ctx, &mut work, id).await?;
    let detail = json!({ "login": account.login, "needs_release": waits });
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.link", &id.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok((link, waits))
}

/// Makes a one-time link for an account, which may have to wait for its release; those it had and nobody used are spent.
pub(super) async fn add_link(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    id: AccountId,
    waits: bool,
) -> Result<String, AppError> {
    let (secret, digest) = new_secret(ctx, "yhi");
    let until = ctx.now().plus_s(ctx.account_policy()?.invitation_s);
    work.spend_invitations(id, ctx.now()).await?;
    work.add_invitation(digest, id, (ctx.now(), until)).await?;
    if waits {
        work.hold_invitation(digest, ctx.actor()).await?;
    }
    Ok(secret)
}

/// Errors: a link, with the account it is for, is good for nothing now.
fn check_link(link: Option<&Invitation>, account: Option<&Account>, now: Instant) -> Result<(), AccountError> {
    let link = link.filter(|link| link.used.is_none() && now < link.expires);
    let account = account.filter(|account| account.state != AccountState::Disabled);
    match (link, account) {
        (Some(link), Some(_)) if link.waiting => Err(AccountError::LinkWaits),
        (Some(_), Some(_)) => Ok(()),
        _ => Err(AccountError::BadLink),
    }
}

/// Sets a password by a one-time link, and brings the account alive. Whoever came by the old password is out. Where
/// somebody comes from is noted with a link that is not good, before anything is hashed.
pub async fn accept_invitation(
    ctx: &OpContext,
    (secret, password): (&str, &str),
    address: &str,
) -> Result<Account, AppError> {
    let now = ctx.now();
    let digest = Digest::of(secret.as_bytes());
    let mut read = ctx.store().read().await?;
    let link = read.invitation(digest).await?;
    let known = match &link {
        Some(link) => read.account(link.account).await?,
        None => None,
    };
    drop(read);
    if let Err(error) = check_link(link.as_ref(), known.as_ref(), now) {
        let id = known
            .as_ref()
            .map_or_else(|| "link".to_owned(), |known| known.id.to_string());
        let login = known.as_ref().map_or("一次性链接", |known| known.login.as_str());
        return refused(ctx, (login, &id), ("link", address), error).await;
    }
    let login = known.map(|known| known.login).unwrap_or_default();
    let faults = ctx.account_policy()?.check_password(&login, password);
    if !faults.is_empty() {
        return Err(AccountError::Password(faults).into());
    }
    let hashed = hash(password).await?;
    let mut work = ctx.store().begin().await?;
    // Asked again: somebody may have used it meanwhile, or taken the account out of use.
    let id = work.use_invitation(digest, now).await?.ok_or(AccountError::BadLink)?;
    let account = work.account(id).await?.ok_or(AccountError::BadLink)?;
    if account.state == AccountState::Disabled {
        return Err(AccountError::BadLink.into());
    }
    let before = account.clone();
    let account = Account {
        state: AccountState::Active,
        password: Some(hashed),
        failed: 0,
        locked_until: None,
        ..account
    };
    work.save_account(&account).await?;
    shut_out(ctx, &mut work, id).await?;
    work.audit(
        now,
        (&account.login, "account.password", &id.to_string()),
        change(&before, &account),
    )
    .await?;
    work.commit().await?;
    Ok(account)
}

/// Takes an account out of use, or back into use. Sessions and tokens of one taken out end at once.
pub async fn change_state(ctx: &OpContext, id: AccountId, active: bool) -> Result<(), AppError> {
    ctx.authorise(Action::AccountWrite, &target(id)).await?;
    let mut work = ctx.store().begin().await?;
    let account = work.account(id).await?.ok_or(AccountError::NotFound("账号"))?;
    let state = match (
        active,
        account.password.is_some() || account.sort == AccountSort::Service,
    ) {
        (false, _) => AccountState::Disabled,
        (true, true) => AccountState::Active,
        (true, false) => AccountState::Invited,
    };
    let after = Account {
        state,
        ..account.clone()
    };
    work.save_account(&after).await?;
    if !active {
        shut_out(ctx, &mut work, id).await?;
    }
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.state", &id.to_string()),
        change(&account, &after),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// Ends the lock of an account before its time.
pub async fn unlock(ctx: &OpContext, id: AccountId) -> Result<(), AppError> {
    ctx.authorise(Action::AccountWrite, &target(id)).await?;
    let mut work = ctx.store().begin().await?;
    let account = work.account(id).await?.ok_or(AccountError::NotFound("账号"))?;
    let after = Account {
        failed: 0,
        locked_until: None,
        ..account.clone()
    };
    work.save_account(&after).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "account.unlock", &id.to_string()),
        change(&account, &after),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// An account, and what is asked about it.
#[derive(Debug, Clone)]
pub struct KnownAccount {
    /// The account.
    pub account: Account,
    /// Who asked for the one-time link that waits for its release; none if none does.
    pub link_asked_by: Option<String>,
}

/// All accounts, by login name.
pub async fn list(ctx: &OpContext) -> Result<Vec<KnownAccount>, AppError> {
    let all = Target {
        kind: "account",
        ..Target::default()
    };
    ctx.authorise(Action::AccountRead, &all).await?;
    let mut read = ctx.store().read().await?;
    let mut links = read.waiting_links(ctx.now()).await?;
    let accounts = read.accounts().await?.into_iter().map(|account| KnownAccount {
        link_asked_by: links.remove(&account.id),
        account,
    });
    Ok(accounts.collect())
}

/// The side of the organisation an account belongs to.
pub(super) async fn side_of_account(
    read: &mut store::Connection,
    account: &Account,
) -> Result<domain::registry::Side, AppError> {
    side_of(read, account.organisation.as_str()).await
}
