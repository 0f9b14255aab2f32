//! The trial: three parties confirm, and the third confirmation starts the meter (R14, R16).
//!
//! Source: `pingdingshan-process`, `pingdingshan-contract` in docs/sources.md.

use super::OrderError;
use super::matter::{advance, log, open_interval, paper, read_request, request_of, same_version, take_duty, target};
use crate::messages::moment;
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty};
use domain::budget::HoldState;
use domain::meter::{Allocation, check_allocations};
use domain::request::{
    Confirmation, RequestEvent, RequestKind, RequestLine, RequestStatus, ResourceRequest, Trial, confirm,
};
use domain::work::{OrderState, WorkOrder};
use kernel::{AllocationCode, Instant, Period};
use std::collections::BTreeMap;
use store::UnitOfWork;

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
    }
    log(ctx, &mut work, ("trial.confirm", number), detail).await?;
    work.commit().await?;
    Ok((trial, start))
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
        _ => opened(request, &order, start)?,
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

/// The intervals of new resources: each as it was asked for, with the id under which it was opened.
fn opened(request: &ResourceRequest, order: &WorkOrder, start: Instant) -> Result<Vec<Allocation>, AppError> {
    let native: BTreeMap<&str, Option<&String>> = order
        .steps
        .iter()
        .map(|step| (step.allocation.as_str(), step.native_id.as_ref()))
        .collect();
    let mut intervals = Vec::new();
    for line in request.cloud_lines() {
        let codes = line.codes(&request.number);
        for code in codes.map_err(|why| OrderError::Plan(why.into()))? {
            let native_id = native.get(code.as_str()).copied().flatten().cloned();
            intervals.push(interval(request, (line, code, native_id), order, start)?);
        }
    }
    Ok(intervals)
}

fn interval(
    request: &ResourceRequest,
    (line, code, native_id): (&RequestLine, AllocationCode, Option<String>),
    order: &WorkOrder,
    start: Instant,
) -> Result<Allocation, AppError> {
    Ok(Allocation {
        code,
        system: request.system.clone(),
        form: line.form,
        kind: line.kind,
        class: line.class.clone(),
        spec: line.spec.clone(),
        node: order.node.clone(),
        pool: line.pool.and(order.pool.clone()),
        native_id,
        contract: Some(order.contract.clone()),
        parent: None,
        period: open_from(start)?,
    })
}

fn open_from(start: Instant) -> Result<Period, AppError> {
    Period::open(start, None).map_err(|why| OrderError::Invalid(why.to_string()).into())
}

/// Ends the intervals before a change, and gives those that follow.
async fn changed(
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    start: Instant,
) -> Result<Vec<Allocation>, AppError> {
    let mut intervals = Vec::new();
    for line in request.cloud_lines() {
        let Some(code) = &line.allocation else { continue };
        let open = open_interval(work, code).await?;
        let open = open.ok_or_else(|| OrderError::NotFound("在用资源", code.to_string()))?;
        if start <= open.period.from() {
            let text = format!(
                "资源 {code} 自 {} 起计量，变更不能早于该时刻",
                moment(open.period.from())
            );
            return Err(OrderError::NotNow(text).into());
        }
        work.end_allocation(&open, start).await?;
        let period = open_from(start)?;
        let class = match line.class.is_empty() {
            true => open.class.clone(),
            false => line.class.clone(),
        };
        intervals.push(Allocation {
            spec: line.spec.clone(),
            class,
            period,
            ..open
        });
    }
    Ok(intervals)
}
