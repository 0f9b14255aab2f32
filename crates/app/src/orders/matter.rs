//! What every operation here begins with: the application, who did what in it, and how it goes on.

use super::OrderError;
use crate::{AppError, OpContext};
use domain::authz::{Duty, Role, Target, keep_apart};
use domain::flow::{Deed, FlowRun};
use domain::meter::Allocation;
use domain::request::{RequestEvent, ResourceRequest, next};
use domain::work::OrderState;
use kernel::{AccountId, AllocationCode, Instant, OrganisationCode};
use serde::de::DeserializeOwned;
use store::{Connection, Message, Sight, ToDo, UnitOfWork};

/// Kinds of paper that an application gathers here.
pub(super) mod paper {
    pub(crate) const CHOICE: &str = "choice";
    pub(crate) const DUTIES: &str = "duties";
    pub(crate) const ENDING: &str = "ending";
    pub(crate) const GONE: &str = "gone";
    pub(crate) const HAND: &str = "hand";
    pub(crate) const PROOFS: &str = "proofs";
    pub(crate) const TRIAL: &str = "trial";
}

/// An application by its number.
pub(super) async fn request_of(read: &mut Connection, number: &str) -> Result<ResourceRequest, AppError> {
    let found = read.request(number, &Sight::All).await?;
    Ok(found.ok_or_else(|| OrderError::NotFound("申请", number.to_owned()))?)
}

/// The same, outside of a unit of work.
pub(super) async fn read_request(ctx: &OpContext, number: &str) -> Result<ResourceRequest, AppError> {
    request_of(&mut ctx.store().read().await?, number).await
}

/// Refuses what was decided on an older version than the one that is there.
pub(super) fn same_version(what: &str, there: i64, expected: Option<i64>) -> Result<(), AppError> {
    match expected {
        Some(expected) if expected != there => Err(OrderError::Changed(what.to_owned()).into()),
        _ => Ok(()),
    }
}

/// What an application is to the policies, seen with a provider that has not been chosen yet, if there is one.
pub(super) fn target(request: &ResourceRequest, provider: Option<&OrganisationCode>) -> Target {
    let target = crate::requests::sight::target(request);
    Target {
        provider: provider.cloned().or(target.provider),
        ..target
    }
}

/// Who did what so far: the applicants, whoever agreed to it, and what was noted since.
pub(super) async fn duties(
    read: &mut Connection,
    request: &ResourceRequest,
) -> Result<Vec<(Duty, AccountId)>, AppError> {
    let mut done = vec![(Duty::Apply, request.applicant)];
    if let Some((run, _)) = read.flow::<FlowRun>(&request.number).await? {
        done.extend(run.applicants.iter().map(|who| (Duty::Apply, *who)));
        let agreed = run.history.iter().filter(|record| record.deed == Deed::Agree);
        done.extend(agreed.filter_map(|record| Some((Duty::Approve, record.actor?))));
    }
    done.extend(
        papers::<Vec<(Duty, AccountId)>>(read, &request.number, paper::DUTIES)
            .await?
            .0,
    );
    Ok(done)
}

/// Refuses somebody who has another duty in the matter, else notes that they take on this one.
pub(super) async fn take_duty(
    work: &mut Connection,
    request: &ResourceRequest,
    (duty, who): (Duty, AccountId),
) -> Result<(), AppError> {
    let done = duties(work, request).await?;
    keep_apart(who, duty, &done).map_err(OrderError::Duty)?;
    if done.contains(&(duty, who)) {
        return Ok(());
    }
    let (mut noted, version) = papers::<Vec<(Duty, AccountId)>>(work, &request.number, paper::DUTIES).await?;
    noted.push((duty, who));
    Ok(work
        .set_paper((&request.number, paper::DUTIES), &noted, version)
        .await?)
}

/// A paper of an application and its version, or an empty one.
pub(super) async fn papers<T: DeserializeOwned + Default>(
    read: &mut Connection,
    number: &str,
    kind: &str,
) -> Result<(T, i64), AppError> {
    Ok(read.paper((number, kind)).await?.unwrap_or_default())
}

/// The last interval of a resource, if it has not ended by a moment: it has no end, or was approved up to a later one.
pub(super) async fn open_interval(
    read: &mut Connection,
    code: &AllocationCode,
    at: Instant,
) -> Result<Option<Allocation>, AppError> {
    let last = read.allocations_of(code.as_str()).await?.into_iter().next_back();
    Ok(last.filter(|last| last.period.end().is_none_or(|end| end > at)))
}

/// The last interval of a resource that is in use at a moment. Errors: it is not.
pub(super) async fn in_use(read: &mut Connection, code: &AllocationCode, at: Instant) -> Result<Allocation, AppError> {
    let open = open_interval(read, code, at).await?;
    Ok(open.ok_or_else(|| OrderError::NotFound("在用资源", code.to_string()))?)
}

/// Moves an application on and saves it. Errors: it cannot go on like this.
pub(super) async fn advance(
    work: &mut Connection,
    mut request: ResourceRequest,
    event: RequestEvent,
) -> Result<ResourceRequest, AppError> {
    request.status = next(request.kind, request.status, event).map_err(OrderError::Status)?;
    work.save_request(&request, None).await?;
    request.version += 1;
    Ok(request)
}

/// Writes an entry to the audit chain.
pub(super) async fn log(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    (action, object): (&str, &str),
    detail: serde_json::Value,
) -> Result<(), AppError> {
    work.audit(ctx.now(), (ctx.actor(), action, object), detail.to_string())
        .await?;
    Ok(())
}

/// Who has a task, and what it says.
pub(super) struct Task<'a> {
    pub(super) kind: &'static str,
    pub(super) subject: &'a str,
    pub(super) task: &'a str,
    pub(super) title: String,
    pub(super) due: Option<Instant>,
    pub(super) who: &'a [(&'a OrganisationCode, Role)],
}

/// The order before, of which nothing came; none at the first choice. `then` is what is wanted now. Errors: it is not
/// over, or something of it is there.
pub(super) async fn nothing_came_of(
    work: &mut Connection,
    request: &ResourceRequest,
    then: &str,
) -> Result<Option<String>, AppError> {
    let Some(last) = work.orders_of(&request.number).await?.into_iter().next_back() else {
        return Ok(None);
    };
    if last.state != OrderState::Undone {
        let text = format!("工单 {} 为「{}」，回退之后才能{then}", last.number, last.state.zh());
        return Err(OrderError::NotNow(text).into());
    }
    Ok(Some(last.number))
}

/// Whoever has one of these roles now, each once.
pub(super) async fn holders(
    read: &mut Connection,
    who: &[(&OrganisationCode, Role)],
) -> Result<Vec<AccountId>, AppError> {
    let mut accounts: Vec<AccountId> = Vec::new();
    for (organisation, role) in who {
        let holders = read.holders(organisation.as_str(), *role).await?;
        accounts.extend(holders.iter().map(|holder| holder.id));
    }
    accounts.sort_unstable();
    accounts.dedup();
    Ok(accounts)
}

/// Puts a task on the lists of everybody who may do it, in place of what they had in this matter, and tells them.
pub(super) async fn assign(ctx: &OpContext, work: &mut Connection, task: Task<'_>) -> Result<(), AppError> {
    let accounts = holders(work, task.who).await?;
    put(ctx, work, task, accounts).await
}

/// The same for a task that is a duty in an application: whoever has another duty in that does not get it.
pub(super) async fn assign_apart(
    ctx: &OpContext,
    work: &mut Connection,
    (request, duty): (&ResourceRequest, Duty),
    task: Task<'_>,
) -> Result<(), AppError> {
    let done = duties(work, request).await?;
    let mut accounts = holders(work, task.who).await?;
    accounts.retain(|account| keep_apart(*account, duty, &done).is_ok());
    put(ctx, work, task, accounts).await
}

async fn put(ctx: &OpContext, work: &mut Connection, task: Task<'_>, accounts: Vec<AccountId>) -> Result<(), AppError> {
    let to_dos: Vec<ToDo> = accounts
        .iter()
        .map(|account| ToDo {
            account: *account,
            kind: task.kind.to_owned(),
            subject: task.subject.to_owned(),
            task: task.task.to_owned(),
            title: task.title.clone(),
            opened: ctx.now(),
            due: task.due,
        })
        .collect();
    work.set_to_dos((task.kind, task.subject), &to_dos).await?;
    tell(ctx, work, &accounts, (task.kind, task.subject, &task.title)).await
}

/// Sends the same message to several accounts.
pub(super) async fn tell(
    ctx: &OpContext,
    work: &mut Connection,
    accounts: &[AccountId],
    (kind, subject, title): (&str, &str, &str),
) -> Result<(), AppError> {
    let message = |account: &AccountId| Message {
        id: ctx.new_id(),
        account: *account,
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        title: title.to_owned(),
        text: String::new(),
        at: ctx.now(),
        read: None,
    };
    let messages: Vec<Message> = accounts.iter().map(message).collect();
    Ok(work.add_messages(&messages).await?)
}

/// The organisations of the authority, for tasks of its roles.
pub(super) async fn authorities(ctx: &OpContext, read: &mut Connection) -> Result<Vec<OrganisationCode>, AppError> {
    let organisations = ctx.organisations(read).await?;
    let there = organisations.all_at(ctx.now());
    Ok(there
        .filter(|organisation| organisation.side == domain::registry::Side::Authority)
        .map(|organisation| organisation.code.clone())
        .collect())
}
