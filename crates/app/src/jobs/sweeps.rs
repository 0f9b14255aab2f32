//! Recurring work that looks at the whole state and does what is missing. Done again at once, it finds nothing to do.

use super::queue::{NewJob, enqueue, kind};
use super::swept::{Swept, swept};
use super::work::{Doing, Ended, Handler, Working};
use crate::messages::{deadline, notify};
use crate::{AppError, OpContext, requests};
use domain::authz::Role;
use domain::budget::HoldState;
use domain::calendar::Term;
use domain::flow::{Deed, FlowRun};
use domain::registry::Side;
use domain::request::{RequestStatus, ResourceRequest};
use domain::work::{JobState, Manner, OrderState, WorkOrder};
use kernel::AccountId;
use store::{Connection, JobFilter, RequestFilter, Sight};

/// An order whose job failed is taken up again after this long. Units: seconds.
const FAILED_REST_S: i64 = 3_600;

/// Reminders and escalations of flows.
#[derive(Debug, Clone, Copy)]
pub struct Flows;

impl Handler for Flows {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            if !at.go_on(0, 0, "流程期限").await? {
                return Ok(Ended::Stopped);
            }
            let outcome = requests::tick(&at.ctx).await?;
            let words = format!("在办 {} 件，推进 {} 件", outcome.looked_at, outcome.moved);
            Ok(swept(words, outcome.failed))
        })
    }
}

/// Takes up orders at the interface of a node that nobody carries on: whose job was never queued, ended without them, or
/// failed a while ago. One whose job somebody cancelled stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct Resume;

impl Handler for Resume {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let orders = at.ctx.store().read().await?.open_orders(None).await?;
            let mut taken = Swept::default();
            for order in orders.iter().filter(|order| order.manner == Manner::Interface) {
                if order.state != OrderState::NeedsPerson {
                    let done = take_up(&at.ctx, order).await;
                    taken.note_if(&order.number, done)?;
                }
            }
            Ok(swept(format!("续办 {} 件", taken.done.len()), taken.failed))
        })
    }
}

async fn take_up(ctx: &OpContext, order: &WorkOrder) -> Result<bool, AppError> {
    let mut work = ctx.store().begin().await?;
    let filter = JobFilter {
        kind: Some(kind::ORDER.to_owned()),
        subject: Some(order.number.clone()),
        ..JobFilter::default()
    };
    let last = work.jobs(&filter, 1).await?.pop();
    let rested = ctx.now().plus_s(-FAILED_REST_S);
    let idle = match last.as_ref().map(|job| (job.state, job.ended)) {
        None | Some((JobState::Done, _)) => true,
        Some((JobState::Failed, ended)) => ended.is_none_or(|ended| ended <= rested),
        Some((JobState::Queued | JobState::Running | JobState::Cancelled, _)) => false,
    };
    let new = NewJob {
        attempts_max: last.map_or(NewJob::about(kind::ORDER, "").attempts_max, |job| job.attempts_max),
        ..NewJob::about(kind::ORDER, &order.number)
    };
    if !idle || enqueue(ctx, &mut work, new).await?.is_none() {
        return Ok(false);
    }
    work.audit(ctx.now(), (ctx.actor(), "order.resume", &order.number), "{}".to_owned())
        .await?;
    work.commit().await?;
    Ok(true)
}

/// Tells the authority's operations and the provider of orders that are open for too long or wait for a person, each
/// once a day.
#[derive(Debug, Clone, Copy)]
pub struct Alarm;

impl Handler for Alarm {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let ctx = &at.ctx;
            let orders = ctx.store().read().await?.open_orders(None).await?;
            let mut told = Swept::default();
            for order in orders {
                if let Some(why) = order.why_stuck(ctx.now()) {
                    let done = tell_of(ctx, &order, &why).await;
                    told.note_if(&order.number, done)?;
                }
            }
            Ok(swept(format!("告警 {} 件", told.done.len()), told.failed))
        })
    }
}

async fn tell_of(ctx: &OpContext, order: &WorkOrder, why: &str) -> Result<bool, AppError> {
    let (about, today) = (("order.stuck", order.number.as_str()), ctx.now().day().start());
    if ctx.store().read().await?.is_reminded(about, today).await? {
        return Ok(false);
    }
    let mut work = ctx.store().begin().await?;
    if !work.note_reminder(about, today, ctx.now()).await? {
        return Ok(false);
    }
    let mut told = holders_of_side(ctx, &mut work, (Side::Authority, Role::AuthorityOperations)).await?;
    let operators = work.holders(order.provider.as_str(), Role::ProviderOperator).await?;
    told.extend(operators.iter().map(|account| account.id));
    let due = order
        .due
        .map_or_else(|| "未定期限".to_owned(), |due| format!("办理期限 {}", deadline(due)));
    let days = (ctx.now().unix_s() - order.opened.unix_s()).div_euclid(86_400);
    let text = format!(
        "{}工单 {}（申请 {}，云节点 {}）当前为「{}」，已开 {days} 天，{due}：{why}",
        order.kind.zh(),
        order.number,
        order.request,
        order.node,
        order.state.zh()
    );
    let title = format!("滞留工单：{}", order.number);
    notify(ctx, &mut work, &told, about, (&title, &text)).await?;
    let detail = serde_json::json!({ "state": order.state, "due": order.due, "why": why });
    work.audit(
        ctx.now(),
        (ctx.actor(), "order.alarm", &order.number),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(true)
}

/// Whoever has a role in an organisation of a side, now.
pub(super) async fn holders_of_side(
    ctx: &OpContext,
    read: &mut Connection,
    (side, role): (Side, Role),
) -> Result<Vec<AccountId>, AppError> {
    let organisations = ctx.organisations(read).await?;
    let mut found = Vec::new();
    for organisation in organisations.all_at(ctx.now()).filter(|o| o.side == side) {
        let holders = read.holders(organisation.code.as_str(), role).await?;
        found.extend(holders.iter().map(|account| account.id));
    }
    Ok(found)
}

/// Frees what an application holds that was returned and not handed in again within a term. It stays returned; handed
/// in again, it asks for room anew.
#[derive(Debug, Clone, Copy)]
pub struct ExpireRoom {
    /// How long a returned application keeps its room.
    pub after: Term,
}

impl Handler for ExpireRoom {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let filter = RequestFilter {
                status: Some(RequestStatus::Returned),
                ..RequestFilter::default()
            };
            let mut read = at.ctx.store().read().await?;
            let returned = read.all_requests(&filter).await?;
            drop(read);
            let mut freed = Swept::default();
            for request in &returned {
                let done = self.expire(&at.ctx, request).await;
                freed.note_if(&request.number, done)?;
            }
            Ok(swept(format!("释放 {} 件", freed.done.len()), freed.failed))
        })
    }
}

impl ExpireRoom {
    async fn expire(&self, ctx: &OpContext, seen: &ResourceRequest) -> Result<bool, AppError> {
        let number = seen.number.as_str();
        let mut work = ctx.store().begin().await?;
        let now = work.request(number, &Sight::All).await?;
        if now.is_none_or(|request| request.status != RequestStatus::Returned) {
            return Ok(false);
        }
        let run = work.flow::<FlowRun>(number).await?;
        let returned = run.and_then(|(run, _)| {
            let last = run.history.iter().rev().find(|record| record.deed == Deed::Return);
            last.map(|record| record.at)
        });
        let due = returned.map(|at| ctx.policies().map(|policies| policies.calendar.due(at, self.after).at));
        let over = due.transpose()?.is_some_and(|due| due <= ctx.now());
        let held = work.holds_of(number).await?;
        if !over || held.iter().all(|(_, _, state)| *state != HoldState::Held) {
            return Ok(false);
        }
        let freed = work.turn_hold(number, HoldState::Freed, ctx.now()).await?;
        let title = format!("占用已释放：{number}");
        let text = format!(
            "申请 {number} 退回后 {} 未重新提交，其占用的配额和预算已释放；重新提交时按当时余量重新占用",
            self.after.zh()
        );
        let about = ("request.room_freed", number);
        notify(ctx, &mut work, &[seen.applicant], about, (&title, &text)).await?;
        let detail = serde_json::json!({ "freed": freed, "after": self.after });
        work.audit(ctx.now(), (ctx.actor(), "room.expire", number), detail.to_string())
            .await?;
        work.commit().await?;
        Ok(true)
    }
}
