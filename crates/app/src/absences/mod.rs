//! Being away: from when to when, and who acts meanwhile.
//!
//! Owns what somebody says about their own absence. Does not own what a deputy may decide: flows look at the absences of
//! the moment, and the policies judge the deputy by their own roles. Invariants: only oneself says it; a deputy is of the
//! same organisation, is there meanwhile, and could decide by their own roles; what was said stays readable.

mod error;

pub use error::AbsenceError;

use crate::accounts::actor_of;
use crate::{AppError, OpContext};
use domain::authz::{Account, AccountSort, AccountState, Action, Actor, Role, Target};
use domain::registry::Side;
use error::REASON_MAX;
use kernel::{AbsenceId, AccountId, Instant};
use store::{AbsenceRecord, Connection};

/// The longest absence. Units: seconds.
const LONGEST_S: i64 = 366 * 86_400;

/// An absence to note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAbsence {
    /// From when; now if that has passed.
    pub from: Instant,
    /// Until when, this moment not included.
    pub to: Instant,
    /// Who acts meanwhile.
    pub deputy: AccountId,
    /// Why; may be empty.
    pub reason: String,
}

/// An absence, with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsenceView {
    /// What was said.
    pub absence: AbsenceRecord,
    /// Who is away.
    pub name: String,
    /// Who acts meanwhile.
    pub deputy_name: String,
}

fn own(account: AccountId, id: &str) -> Target {
    Target {
        kind: "absence",
        id: id.to_owned(),
        owner: Some(account),
        ..Target::default()
    }
}

/// The absences of whoever asks, and those in which they act for somebody, the newest first.
pub async fn list(ctx: &OpContext) -> Result<Vec<AbsenceView>, AppError> {
    let account = ctx.who()?.account;
    ctx.authorise(Action::AbsenceWrite, &own(account, "")).await?;
    let mut read = ctx.store().read().await?;
    let mut views = Vec::new();
    for absence in read.absences_of(account).await? {
        views.push(view(&mut read, absence).await?);
    }
    Ok(views)
}

async fn view(read: &mut Connection, absence: AbsenceRecord) -> Result<AbsenceView, AppError> {
    let name = |account: Option<Account>| account.map_or_else(String::new, |account| account.name);
    Ok(AbsenceView {
        name: name(read.account(absence.account).await?),
        deputy_name: name(read.account(absence.deputy).await?),
        absence,
    })
}

/// Somebody of one's own organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// The account.
    pub account: AccountId,
    /// The name.
    pub name: String,
    /// The roles they hold now.
    pub roles: Vec<Role>,
}

/// The people of one's own organisation who hold a role and can act, whoever asks among them: whom one may name as
/// deputy. By name.
pub async fn colleagues(ctx: &OpContext) -> Result<Vec<Colleague>, AppError> {
    let who = ctx.who()?;
    ctx.authorise(Action::AbsenceWrite, &own(who.account, "")).await?;
    let mut read = ctx.store().read().await?;
    let mut found: Vec<Colleague> = Vec::new();
    for (account, role) in read.staff(who.organisation.as_str()).await? {
        match found.last_mut().filter(|last| last.account == account.id) {
            Some(last) => last.roles.push(role),
            None => found.push(Colleague {
                account: account.id,
                name: account.name,
                roles: vec![role],
            }),
        }
    }
    Ok(found)
}

/// Notes that whoever asks is away. Errors: times that do not fit, a deputy who could not decide, a time that overlaps.
pub async fn declare(ctx: &OpContext, new: NewAbsence) -> Result<AbsenceView, AppError> {
    let who = ctx.who()?.clone();
    ctx.authorise(Action::AbsenceWrite, &own(who.account, "")).await?;
    let now = ctx.now();
    let from = new.from.max(now);
    if new.to <= from {
        return Err(AbsenceError::Times("结束时间应晚于开始时间和当前时间").into());
    }
    if new.to.unix_s() - from.unix_s() > LONGEST_S {
        return Err(AbsenceError::Times("一次外出不能超过一年").into());
    }
    if new.reason.chars().count() > REASON_MAX {
        return Err(AbsenceError::Reason.into());
    }
    let mut work = ctx.store().begin().await?;
    check_deputy(ctx, &mut work, (&who, new.deputy), (from, new.to)).await?;
    let absence = AbsenceRecord {
        id: ctx.new_id(),
        account: who.account,
        deputy: new.deputy,
        from,
        to: new.to,
        reason: new.reason.trim().to_owned(),
        created: now,
        ended: None,
    };
    work.add_absence(&absence).await?;
    let detail = serde_json::json!({ "deputy": absence.deputy, "from": absence.from, "to": absence.to });
    let id = absence.id.to_string();
    work.audit(now, (ctx.actor(), "absence.declare", &id), detail.to_string())
        .await?;
    let view = view(&mut work, absence).await?;
    work.commit().await?;
    Ok(view)
}

/// Errors: the deputy could not decide in that time, or one of the two is away then already.
async fn check_deputy(
    ctx: &OpContext,
    read: &mut Connection,
    (who, deputy): (&Actor, AccountId),
    (from, to): (Instant, Instant),
) -> Result<(), AppError> {
    let refused = |why| AppError::from(AbsenceError::Deputy(why));
    if deputy == who.account {
        return Err(refused("代办人不能是本人"));
    }
    let account = read.account(deputy).await?;
    // Whether accounts of other organisations exist is none of the asker's business.
    let account = account.filter(|account| account.organisation == who.organisation);
    let account = account.ok_or_else(|| refused("本单位没有这个账号"))?;
    if account.state != AccountState::Active || account.sort != AccountSort::Person {
        return Err(refused("账号未启用，或不是个人账号"));
    }
    for absence in read.absences_of(who.account).await? {
        let lies_in = absence.ended.is_none() && absence.from < to && from < absence.to;
        if lies_in && absence.account == who.account {
            return Err(AbsenceError::Overlaps(absence.from, absence.to).into());
        }
    }
    for absence in read.absences_of(deputy).await? {
        let lies_in = absence.ended.is_none() && absence.from < to && from < absence.to;
        if lies_in && absence.account == deputy {
            return Err(refused("代办人在此期间也外出，委托不转托"));
        }
    }
    let actor = actor_of(ctx, read, account).await?;
    let own = Actor {
        scope: None,
        ..who.clone()
    };
    if may_decide(ctx, read, &own).await? && !may_decide(ctx, read, &actor).await? {
        return Err(refused("该账号没有审批权限，请选择有审批角色的同事"));
    }
    if actor.roles.is_empty() {
        return Err(refused("该账号没有任何角色"));
    }
    Ok(())
}

/// Whether the policies let somebody decide on applications of their own house.
async fn may_decide(ctx: &OpContext, read: &mut Connection, actor: &Actor) -> Result<bool, AppError> {
    let house = |side| (actor.side == side).then(|| actor.organisation.clone());
    let target = Target {
        kind: "request",
        unit: house(Side::Unit),
        provider: house(Side::Provider),
        ..Target::default()
    };
    ctx.would_let(read, actor, (Action::RequestDecide, &target)).await
}

/// Takes an absence back, from now on. Errors: it is not one's own, or it is over.
pub async fn take_back(ctx: &OpContext, id: AbsenceId) -> Result<(), AppError> {
    let account = ctx.who()?.account;
    let object = id.to_string();
    ctx.authorise(Action::AbsenceWrite, &own(account, &object)).await?;
    let mut work = ctx.store().begin().await?;
    let own = work.absences_of(account).await?;
    let open = |absence: &AbsenceRecord| {
        absence.id == id && absence.account == account && absence.ended.is_none() && absence.to > ctx.now()
    };
    if !own.iter().any(open) {
        return Err(AbsenceError::NotFound(object).into());
    }
    work.end_absence(account, id, ctx.now()).await?;
    work.audit(ctx.now(), (ctx.actor(), "absence.take_back", &object), "{}".to_owned())
        .await?;
    Ok(work.commit().await?)
}
