//! The trial: three parties confirm, and the third confirmation starts the meter (R14, R16).
//!
//! Source: `pingdingshan-process`, `pingdingshan-contract` in docs/sources.md.

use super::OrderError;
use super::matter::{advance, in_use, log, paper, read_request, request_of, same_version, take_duty, target};
use super::release::being_deleted;
use crate::messages::moment;
use crate::requests::sight::noted;
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty};
use domain::budget::HoldState;
use domain::meter::{Allocation, check_allocations};
use domain::registry::Side;
use domain::request::{Confirmation, RequestEvent, RequestKind, RequestStatus, ResourceRequest, Trial, confirm};
use domain::work::{OrderState, WorkOrder};
use kernel::{Instant, Period};
use std::collections::BTreeMap;
use store::{Connection, UnitOfWork};

/// The trial of an application, if it has begun.
pub async fn trial_of(ctx: &OpContext, number: &str) -> Result<Option<Trial>, AppError> {
    let request = read_request(ctx, number).await?;
    ctx.authorise(Action::RequestRead, &target(&request, None)).await?;
    let mut read = ctx.store().read().await?;
    Ok(read
        .paper::<Trial>((number, paper::TRIAL))
        .await?
        .map(|(trial, _)| trial))
}

/// Confirms a trial for the side of whoever acts. The third confirmation puts the resources in force: they are metered
/// from its moment. Returns the trial, and that moment.
pub async fn confirm_trial(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    words: &str,
) -> Result<(Trial, Option<Instant>), AppError> {
    let done = confirmed(ctx, (number, version), words).await;
    noted(ctx, ("trial.confirm", number), done).await
}

async fn confirmed(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    words: &str,
) -> Result<(Trial, Option<Instant>), AppError> {
    let before = read_request(ctx, number).await?;
    let permit = ctx.authorise(Action::TrialConfirm, &target(&before, None)).await?;
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    let on_trial = matches!(request.status, RequestStatus::OnTrial | RequestStatus::Noticed) && !request.kind.ends();
    let found = work.paper::<Trial>((number, paper::TRIAL)).await?;
    let (Some((trial, trial_version)), true) = (found, on_trial) else {
        let text = format!("申请 {number} 当前为「{}」，没有待确认的试运行", request.status.zh());
        return Err(OrderError::NotNow(text).into());
    };
    let actor = permit.actor();
    let new = Confirmation {
        side: actor.side,
        account: actor.account,
        login: actor.login.clone(),
        at: ctx.now(),
        words: words.to_owned(),
    };
    let (trial, start) = confirm(&trial, new).map_err(OrderError::Confirmation)?;
    take_duty(&mut work, &request, (Duty::Accept, actor.account)).await?;
    work.set_paper((number, paper::TRIAL), &trial, trial_version).await?;
    let detail = serde_json::json!({ "side": actor.side, "words": words, "metered_from": start });
    if let Some(start) = start {
        let request = advance(&mut work, request, RequestEvent::Confirmed).await?;
        start_meter(ctx, &mut work, &request, start).await?;
        work.set_to_dos(("confirm", number), &[]).await?;
        work.set_to_dos(("ending", number), &[]).await?;
    } else {
        leave_to_others(ctx, &mut work, (number, actor.side)).await?;
    }
    log(ctx, &mut work, ("trial.confirm", number), detail).await?;
    work.commit().await?;
    Ok((trial, start))
}

/// Takes the task to confirm a trial off the lists of the side that has done it.
async fn leave_to_others(ctx: &OpContext, work: &mut Connection, (number, done): (&str, Side)) -> Result<(), AppError> {
    let organisations = ctx.organisations(work).await?;
    let mut left = Vec::new();
    for task in work.to_dos_about(("confirm", number)).await? {
        let account = work.account(task.account).await?;
        let organisation = account.and_then(|account| organisations.at(account.organisation.as_str(), ctx.now()));
        if organisation.is_none_or(|organisation| organisation.side != done) {
            left.push(task);
        }
    }
    Ok(work.set_to_dos(("confirm", number), &left).await?)
}

/// Adds the intervals that begin with the confirmation; a change ends those before.
async fn start_meter(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    start: Instant,
) -> Result<(), AppError> {
    let orders = work.orders_of(&request.number).await?;
    let done = orders.into_iter().rfind(|order| order.state == OrderState::Done);
    let order = done.ok_or_else(|| OrderError::NotFound("已完成的工单，申请", request.number.clone()))?;
    let new = match request.kind {
        RequestKind::Change => changed(work, request, start).await?,
        _ => opened(ctx, request, (&order, start))?,
    };
    let mut all = work.open_allocations(order.node.as_str(), start).await?;
    all.extend(new.iter().cloned());
    if let Some(first) = check_allocations(&all).first() {
        return Err(OrderError::Invalid(format!("不能开始计量：{first}；请核对云资源标识")).into());
    }
    work.add_allocations(&new, None).await?;
    work.turn_hold(&request.number, HoldState::Used, ctx.now()).await?;
    Ok(())
}

/// The intervals of new resources: each as it was asked for, with the id under which it was opened, and in the pool of
/// the order if it lives in one.
fn opened(
    ctx: &OpContext,
    request: &ResourceRequest,
    (order, start): (&WorkOrder, Instant),
) -> Result<Vec<Allocation>, AppError> {
    let in_pools = ctx.policies()?.rules.kinds_in_pools(start);
    let native: BTreeMap<&str, Option<&String>> = order
        .steps
        .iter()
        .map(|step| (step.allocation.as_str(), step.native_id.as_ref()))
        .collect();
    let mut intervals = Vec::new();
    for line in request.cloud_lines() {
        let lives_in_one = line.pool.is_some() || in_pools.contains(&line.kind);
        let pool = order.pool.as_ref().filter(|_| lives_in_one);
        let codes = line.codes(&request.number);
        for code in codes.map_err(|why| OrderError::Plan(why.into()))? {
            let native_id = native.get(code.as_str()).copied().flatten().cloned();
            intervals.push(Allocation {
                code,
                system: request.system.clone(),
                form: line.form,
                kind: line.kind,
                class: line.class.clone(),
                spec: line.spec.clone(),
                node: order.node.clone(),
                pool: pool.cloned(),
                native_id,
                contract: Some(order.contract.clone()),
                parent: None,
                period: lasting(start, None)?,
            });
        }
    }
    Ok(intervals)
}

fn lasting(start: Instant, end: Option<Instant>) -> Result<Period, AppError> {
    Period::open(start, end).map_err(|why| OrderError::Invalid(why.to_string()).into())
}

/// Ends the intervals before a change, and gives those that follow: an end that was approved stays. Errors: a resource is
/// not in use, or being deleted.
async fn changed(
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    start: Instant,
) -> Result<Vec<Allocation>, AppError> {
    let mut intervals = Vec::new();
    for line in request.cloud_lines() {
        let Some(code) = &line.allocation else { continue };
        if let Some(number) = being_deleted(work, code).await? {
            let text = format!("资源 {code} 正由申请 {number} 下线，变更不能再确认");
            return Err(OrderError::NotNow(text).into());
        }
        let open = in_use(work, code, start).await?;
        if start <= open.period.from() {
            let text = format!(
                "资源 {code} 自 {} 起计量，变更不能早于该时刻",
                moment(open.period.from())
            );
            return Err(OrderError::NotNow(text).into());
        }
        work.end_allocation(&open, start).await?;
        let period = lasting(start, open.period.end())?;
        let class = match line.class.is_empty() {
            true => open.class.clone(),
            false => line.class.clone(),
        };
        intervals.push(Allocation {
            spec: line.spec.over(&open.spec),
            class,
            period,
            ..open
        });
    }
    Ok(intervals)
}
