//! Orders that a person at the provider carries out. Every step needs evidence.

use super::OrderError;
use super::anew::give_anew;
use super::consequences::{end_interval, order_over};
use super::give::hand_over;
use super::matter::{advance, log, paper, papers, read_request, request_of, same_version, take_duty, target};
use crate::messages::moment;
use crate::requests::sight::noted;
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty, Permit};
use domain::registry::ResourceKind;
use domain::request::{RequestEvent, RequestStatus, ResourceRequest};
use domain::work::{Manner, OrderKind, OrderState, StepKind, StepState, WorkOrder};
use kernel::{AccountId, AllocationCode, EvidenceId, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Connection, UnitOfWork};

/// What was done for one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandStep {
    /// The place of the step in the order, from 1.
    pub step: usize,
    /// The node's id of the resource; needed for what a node lists.
    pub native_id: Option<String>,
    /// The file that shows it.
    pub evidence: EvidenceId,
    /// When it was done, by the evidence.
    pub done_at: Instant,
    /// What they say; may be empty.
    #[serde(default)]
    pub words: String,
}

/// What was noted of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandNote {
    /// What was done.
    #[serde(flatten)]
    pub done: HandStep,
    /// By whom.
    pub by: AccountId,
    /// When it was noted.
    pub at: Instant,
}

type Notes = BTreeMap<usize, HandNote>;

/// The permit to carry an order out.
pub(super) async fn permitted(ctx: &OpContext, number: &str) -> Result<Permit, AppError> {
    let found = ctx.store().read().await?.order(number).await?;
    let found = found.ok_or_else(|| OrderError::NotFound("工单", number.to_owned()))?;
    let request = read_request(ctx, &found.request).await?;
    ctx.authorise(Action::OrderCarryOut, &target(&request, Some(&found.provider)))
        .await
}

/// The order as it is now, if it is the version that was decided on, and its application.
pub(super) async fn current(
    work: &mut Connection,
    (number, version): (&str, Option<i64>),
) -> Result<(WorkOrder, ResourceRequest), AppError> {
    let order = work.order(number).await?;
    let order = order.ok_or_else(|| OrderError::NotFound("工单", number.to_owned()))?;
    same_version(number, order.version, version)?;
    let request = request_of(work, &order.request).await?;
    Ok((order, request))
}

fn refused(order: &WorkOrder, why: impl Into<String>) -> AppError {
    OrderError::Work(order.number.clone(), vec![why.into()]).into()
}

/// Saves an order that was changed, and gives it its new version.
pub(super) async fn keep(work: &mut Connection, order: &mut WorkOrder) -> Result<(), AppError> {
    work.save_order(order).await?;
    order.version += 1;
    Ok(())
}

/// Begins an order by hand. Whoever does is its opener, and accepts nothing of it.
pub async fn begin_by_hand(ctx: &OpContext, (number, version): (&str, Option<i64>)) -> Result<WorkOrder, AppError> {
    let done = begun(ctx, (number, version)).await;
    noted(ctx, ("order.begin", number), done).await
}

async fn begun(ctx: &OpContext, (number, version): (&str, Option<i64>)) -> Result<WorkOrder, AppError> {
    let permit = permitted(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let (mut order, request) = current(&mut work, (number, version)).await?;
    if order.manner != Manner::ByHand || order.state != OrderState::Waiting {
        let why = format!(
            "该工单为{}，当前「{}」，不能人工开始",
            order.manner.zh(),
            order.state.zh()
        );
        return Err(refused(&order, why));
    }
    take_duty(&mut work, &request, (Duty::Open, permit.actor().account)).await?;
    order.state = OrderState::Running;
    keep(&mut work, &mut order).await?;
    begin_request(&mut work, request, &order).await?;
    log(ctx, &mut work, ("order.begin", number), serde_json::json!({})).await?;
    work.commit().await?;
    Ok(order)
}

/// Moves the application on when its order is begun, or begun again.
pub(super) async fn begin_request(
    work: &mut Connection,
    request: ResourceRequest,
    order: &WorkOrder,
) -> Result<ResourceRequest, AppError> {
    match request.status {
        RequestStatus::Ordered => advance(work, request, RequestEvent::Begin).await,
        RequestStatus::Stuck if request.kind.ends() || order.kind != OrderKind::End => {
            advance(work, request, RequestEvent::Begin).await
        }
        _ => Ok(request),
    }
}

/// Takes an order over that the platform could not carry out at the interface: what it made stays noted, the rest is
/// done by hand. Of one that was undone nothing is there: it is given anew, by hand. Returns the order that goes on.
pub async fn take_over_by_hand(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    why: &str,
) -> Result<WorkOrder, AppError> {
    let done = taken_over(ctx, (number, version), why).await;
    noted(ctx, ("order.take_over", number), done).await
}

async fn taken_over(ctx: &OpContext, (number, version): (&str, Option<i64>), why: &str) -> Result<WorkOrder, AppError> {
    let permit = permitted(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let (mut order, request) = current(&mut work, (number, version)).await?;
    if !matches!(order.state, OrderState::NeedsPerson | OrderState::Undone) || why.trim().is_empty() {
        return Err(refused(
            &order,
            "只有「需人工处理」或「已回退」的工单可以转为人工办理，并须说明原因",
        ));
    }
    take_duty(&mut work, &request, (Duty::Open, permit.actor().account)).await?;
    work.set_to_dos(("order", number), &[]).await?;
    let (before, trouble) = (order.manner, order.trouble.clone());
    let goes_on = if order.state == OrderState::Undone {
        give_anew(ctx, &mut work, &order, Manner::ByHand).await?
    } else {
        // What the trouble was stands in the chain; a person is at it now.
        (order.manner, order.state, order.trouble) = (Manner::ByHand, OrderState::Running, None);
        keep(&mut work, &mut order).await?;
        begin_request(&mut work, request, &order).await?;
        hand_over(ctx, &mut work, &order).await?;
        order
    };
    let detail = serde_json::json!({ "why": why, "trouble": trouble, "order": goes_on.number,
        "manner": { "before": before, "after": Manner::ByHand } });
    log(ctx, &mut work, ("order.take_over", number), detail).await?;
    work.commit().await?;
    Ok(goes_on)
}

/// Kinds that no node lists, so that there is no id to note.
const fn is_listed(kind: ResourceKind) -> bool {
    !matches!(kind, ResourceKind::Cabinet | ResourceKind::Line | ResourceKind::Work)
}

fn faults(ctx: &OpContext, order: &WorkOrder, done: &HandStep, there: &[EvidenceId]) -> Vec<String> {
    let place = done.step;
    let mut faults = Vec::new();
    let Some(step) = place.checked_sub(1).and_then(|n| order.steps.get(n)) else {
        return vec![format!("没有第 {place} 步")];
    };
    if !there.contains(&done.evidence) {
        faults.push(format!("第 {place} 步没有凭证，请先为本工单上传凭证"));
    }
    let named = |id: &Option<String>| id.as_ref().is_some_and(|id| !id.trim().is_empty());
    if is_listed(step.resource) && step.kind != StepKind::Network && !named(&done.native_id) && !named(&step.native_id)
    {
        faults.push(format!("第 {place} 步没有填写云资源标识"));
    }
    if done.done_at > ctx.now() || done.done_at < order.opened {
        faults.push(format!(
            "第 {place} 步的完成时间应在派单时间 {} 与现在之间",
            moment(order.opened)
        ));
    }
    faults
}

/// Notes what was done for steps of an order that was begun, each with its evidence. Errors: every fault of every step.
pub async fn record_by_hand(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    steps: Vec<HandStep>,
) -> Result<WorkOrder, AppError> {
    let done = recorded(ctx, (number, version), steps).await;
    noted(ctx, ("order.record", number), done).await
}

async fn recorded(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    steps: Vec<HandStep>,
) -> Result<WorkOrder, AppError> {
    let permit = permitted(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let (mut order, request) = current(&mut work, (number, version)).await?;
    if order.manner != Manner::ByHand || order.state != OrderState::Running {
        return Err(refused(
            &order,
            format!("工单当前为「{}」，请先开始办理", order.state.zh()),
        ));
    }
    let evidence = work.evidence_of(number).await?;
    let there: Vec<EvidenceId> = evidence.iter().map(|file| file.id).collect();
    let faults: Vec<String> = steps
        .iter()
        .flat_map(|done| faults(ctx, &order, done, &there))
        .collect();
    if !faults.is_empty() {
        return Err(OrderError::Work(number.to_owned(), faults).into());
    }
    let who = permit.actor().account;
    take_duty(&mut work, &request, (Duty::Open, who)).await?;
    let (mut notes, notes_version) = papers::<Notes>(&mut work, number, paper::HAND).await?;
    let detail = serde_json::json!({ "steps": steps });
    for done in steps {
        let Some(step) = done.step.checked_sub(1).and_then(|n| order.steps.get_mut(n)) else {
            continue;
        };
        step.state = StepState::Done;
        step.attempts = 1;
        step.native_id = done.native_id.clone().or_else(|| step.native_id.take());
        step.answer.clone_from(&done.words);
        let (by, at) = (who, ctx.now());
        notes.insert(done.step, HandNote { done, by, at });
    }
    work.set_paper((number, paper::HAND), &notes, notes_version).await?;
    keep(&mut work, &mut order).await?;
    log(ctx, &mut work, ("order.record", number), detail).await?;
    work.commit().await?;
    Ok(order)
}

/// Finishes an order by hand. Errors: steps without evidence.
pub async fn finish_by_hand(ctx: &OpContext, (number, version): (&str, Option<i64>)) -> Result<WorkOrder, AppError> {
    let done = finished(ctx, (number, version)).await;
    noted(ctx, ("order.finish", number), done).await
}

async fn finished(ctx: &OpContext, (number, version): (&str, Option<i64>)) -> Result<WorkOrder, AppError> {
    let permit = permitted(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let (mut order, request) = current(&mut work, (number, version)).await?;
    if order.manner != Manner::ByHand || order.state != OrderState::Running {
        return Err(refused(
            &order,
            format!("工单当前为「{}」，请先开始办理", order.state.zh()),
        ));
    }
    let (notes, _) = papers::<Notes>(&mut work, number, paper::HAND).await?;
    let open = |(n, step): (usize, &domain::work::Step)| {
        // What the platform did before a person took over is its own evidence.
        let done = step.state == StepState::Done && (notes.contains_key(&(n + 1)) || step.kind != StepKind::ByHand);
        (!done).then(|| format!("第 {} 步（{}）还没有凭证，请补充后再完成", n + 1, step.allocation))
    };
    let open: Vec<String> = order.steps.iter().enumerate().filter_map(open).collect();
    if !open.is_empty() {
        return Err(OrderError::Work(number.to_owned(), open).into());
    }
    take_duty(&mut work, &request, (Duty::Open, permit.actor().account)).await?;
    order.state = OrderState::Done;
    keep(&mut work, &mut order).await?;
    work.set_to_dos(("order", number), &[]).await?;
    if order.kind == OrderKind::End {
        end_by_hand(ctx, &mut work, (&request, &order), &notes).await?;
    }
    order_over(ctx, &mut work, &order, request).await?;
    log(ctx, &mut work, ("order.finish", number), serde_json::json!({})).await?;
    work.commit().await?;
    Ok(order)
}

/// What was ended by hand is gone at the moment that the evidence says.
async fn end_by_hand(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    (request, order): (&ResourceRequest, &WorkOrder),
    notes: &Notes,
) -> Result<(), AppError> {
    let (mut gone, version) = papers::<BTreeMap<AllocationCode, Instant>>(work, &request.number, paper::GONE).await?;
    for (n, step) in order.steps.iter().enumerate() {
        if let Some(note) = notes.get(&(n + 1)) {
            let at = gone.entry(step.allocation.clone()).or_insert(note.done.done_at);
            *at = note.done.done_at.min(*at);
        }
    }
    work.set_paper((&request.number, paper::GONE), &gone, version).await?;
    for (code, at) in &gone {
        end_interval(ctx, work, code, *at).await?;
    }
    Ok(())
}
