//! The first start: the three administrators, each by a one-time link. Nothing has a default password.

use super::AccountError;
use super::invite::add_link;
use crate::{AppError, OpContext};
use domain::authz::{Account, Role, RoleAssignment, RoleState};
use domain::registry::Organisation;
use kernel::OrganisationCode;
use serde::Serialize;

/// Who stands behind what the platform did by itself at its first start.
const FIRST_START: &str = "首次启用";

/// A link for one of the first administrators. The secret is shown once and stored as a digest.
#[derive(Debug, Clone, Serialize)]
pub struct FirstLink {
    /// The login name.
    pub login: String,
    /// The role.
    pub role: Role,
    /// What the link ends in.
    pub secret: String,
}

/// Makes the three administrators in the organisation that runs the platform, and a one-time link for each.
/// Errors: there are accounts already, or no such organisation.
pub async fn first_administrators(
    ctx: &OpContext,
    organisation: &OrganisationCode,
) -> Result<Vec<FirstLink>, AppError> {
    let mut work = ctx.store().begin().await?;
    if !work.accounts().await?.is_empty() {
        return Err(AccountError::NotFirst.into());
    }
    if work
        .versions_of::<Organisation>(organisation.as_str())
        .await?
        .is_empty()
    {
        let text = format!("组织 {organisation} 未登记，请先导入组织机构");
        return Err(AccountError::Invalid(text).into());
    }
    let now = ctx.now();
    let mut links = Vec::new();
    for (login, name, role) in [
        ("sysadmin", "系统管理员", Role::SystemAdmin),
        ("secadmin", "安全管理员", Role::SecurityAdmin),
        ("auditadmin", "审计管理员", Role::AuditAdmin),
    ] {
        let account = Account::invited(ctx.new_id(), (login, name), organisation.clone(), now);
        work.add_account(&account).await?;
        let proposal = RoleAssignment {
            account: account.id,
            organisation: organisation.clone(),
            role,
            from: now,
            to: None,
            proposed_by: FIRST_START.to_owned(),
            approved_by: String::new(),
        };
        let number = work.propose_role(&proposal).await?;
        work.decide_role(number, RoleState::InForce, (FIRST_START, now)).await?;
        links.push(FirstLink {
            secret: add_link(ctx, &mut work, account.id, false).await?,
            login: account.login,
            role,
        });
    }
    let detail = serde_json::json!({ "accounts": links.iter().map(|l| (&l.login, l.role)).collect::<Vec<_>>() });
    work.audit(
        now,
        (ctx.actor(), "account.first", organisation.as_str()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(links)
}
