//! Carries an order out at a node's interface, step by step, resumable after a kill at any point.
//!
//! Each move is stored as begun before its effect and with its outcome after it, each in a unit of work of its own. An
//! attempt that was cut off is found by the mark of its step, and adopted. An undo deletes only what carries the mark of
//! this order. When a resource ends: its meter stops at the moment its deletion was first ordered, which is never later
//! than the deletion itself (R16 and R19 leave the moment between to us; this one is never to the buyer's cost).

use super::OrderError;
use super::by_hand::{begin_request, current, keep, permitted};
use super::consequences::{end_interval, order_over};
use super::give::{give_order, hand_over, made_by_us, node_of};
use super::hands::{HandsError, HandsOf, NodeHands, Site, Wanted};
use super::matter::{log, paper, papers, request_of, take_duty};
use super::release::lines_of_end;
use crate::{AppError, OpContext};
use domain::authz::Duty;
use domain::registry::{ProjectMapping, ResourcePool};
use domain::work::{
    Manner, Move, OrderKind, OrderState, Outcome, Step, StepKind, StepState, WorkOrder, after, begin, looked_at, mark,
    next_move,
};
use kernel::{AllocationCode, Instant, SystemCode};
use std::collections::{BTreeMap, BTreeSet};

/// Where a run of an order stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// Nothing is left to do, or a person must act.
    Over(OrderState),
    /// The node gave no clear answer: to be run again later.
    Later(String),
}

/// Carries an order out until it is over, a person must act, or the node gives no answer.
pub async fn run_order(ctx: &OpContext, number: &str, hands: &dyn HandsOf) -> Result<RunEnd, AppError> {
    let (mut order, about) = prepare(ctx, number).await?;
    let state = order.state;
    if matches!(next_move(&order), Move::Wait | Move::Over) {
        return Ok(RunEnd::Over(state));
    }
    if let Some(why) = about.refusal {
        return stop(ctx, order, why).await;
    }
    let site = Site {
        node: &about.node,
        system: &about.system,
        projects: &about.projects,
    };
    let hands = match hands.hands(ctx, site).await {
        Ok(Some(hands)) => hands,
        Ok(None) => {
            let why = format!(
                "平台没有云节点 {} 的操作账号，请配置后继续，或转为人工办理",
                about.node.code
            );
            return stop(ctx, order, why).await;
        }
        Err(HandsError::Refused(why)) => return stop(ctx, order, why).await,
        Err(HandsError::Away(why) | HandsError::Again(why)) => return wait(ctx, order, why).await,
    };
    loop {
        let next = next_move(&order);
        let (Move::Do(place) | Move::Undo(place)) = next else {
            return Ok(RunEnd::Over(order.state));
        };
        if !ctx.progress().goes_on() {
            return Ok(RunEnd::Later("工作进程停止，稍后继续".to_owned()));
        }
        order = store_begun(ctx, order, next).await?;
        let effect = Effect {
            hands: &*hands,
            order: &order,
            place,
            system: &about.system,
            zone: &about.zone,
        };
        let outcome = match effect.carry_out(next).await {
            Ok(native_id) => Outcome::Done(native_id),
            Err(HandsError::Away(why)) => Outcome::Away(why),
            Err(HandsError::Again(why)) => Outcome::Again(why),
            Err(HandsError::Refused(why)) => Outcome::Refused(why),
        };
        let unclear = match &outcome {
            Outcome::Away(why) | Outcome::Again(why) => Some(why.clone()),
            Outcome::Done(_) | Outcome::Refused(_) => None,
        };
        order = store_outcome(ctx, order, next, (outcome, hands.remarks())).await?;
        if let (Some(why), Move::Do(_) | Move::Undo(_)) = (unclear, next_move(&order)) {
            return Ok(RunEnd::Later(why));
        }
    }
}

/// What the steps of an order need to know.
struct About {
    node: domain::registry::CloudNode,
    system: SystemCode,
    /// The node's projects that are registered as the system's.
    projects: Vec<String>,
    zone: String,
    /// Why the platform must not carry it out.
    refusal: Option<String>,
}

async fn prepare(ctx: &OpContext, number: &str) -> Result<(WorkOrder, About), AppError> {
    let mut read = ctx.store().read().await?;
    let (order, request) = current(&mut read, (number, None)).await?;
    let node = node_of(ctx, &mut read, order.node.as_str()).await?;
    let pools = read.history::<ResourcePool>().await?;
    let pool = order.pool.as_ref().and_then(|code| pools.at(code.as_str(), ctx.now()));
    let zone = pool.and_then(|pool| pool.zones.first().cloned()).unwrap_or_default();
    let projects = read.history::<ProjectMapping>().await?;
    let projects = projects
        .all_at(ctx.now())
        .filter(|mapping| mapping.node == node.code && mapping.system.as_ref() == Some(&request.system))
        .map(|mapping| mapping.project.clone())
        .collect();
    let mut refusal = None;
    if order.kind == OrderKind::End && order.manner == Manner::Interface {
        let mut ours = BTreeSet::new();
        for step in &order.steps {
            let native_id = match step.kind {
                // A snapshot bears its own id.
                StepKind::Snapshot => continue,
                _ => step.native_id.as_deref(),
            };
            // Several steps are about the same resource.
            if !ours.insert((&step.allocation, native_id)) {
                continue;
            }
            if !made_by_us(&mut read, &step.allocation, native_id).await? {
                let text = format!(
                    "资源 {} 不是由平台开通的，平台不会自动删除，请转为人工办理",
                    step.allocation
                );
                refusal = Some(text);
                break;
            }
        }
    }
    let about = About {
        node,
        system: request.system,
        projects,
        zone,
        refusal,
    };
    Ok((order, about))
}

/// A person must look before anything is done.
async fn stop(ctx: &OpContext, mut order: WorkOrder, why: String) -> Result<RunEnd, AppError> {
    let mut work = ctx.store().begin().await?;
    (order.state, order.trouble) = (OrderState::NeedsPerson, Some(why.clone()));
    keep(&mut work, &mut order).await?;
    let request = request_of(&mut work, &order.request).await?;
    let request = begin_request(&mut work, request, &order).await?;
    order_over(ctx, &mut work, &order, request).await?;
    let detail = serde_json::json!({ "why": why });
    log(ctx, &mut work, ("order.stop", &order.number), detail).await?;
    work.commit().await?;
    Ok(RunEnd::Over(order.state))
}

/// Notes why the order waits, where the step that waits shows it. The same reason is not noted twice.
async fn wait(ctx: &OpContext, mut order: WorkOrder, why: String) -> Result<RunEnd, AppError> {
    let place = place_of(next_move(&order));
    let Some(step) = order.steps.get_mut(place).filter(|step| step.answer != why) else {
        return Ok(RunEnd::Later(why));
    };
    step.answer.clone_from(&why);
    let mut work = ctx.store().begin().await?;
    keep(&mut work, &mut order).await?;
    let detail = serde_json::json!({ "step": place + 1, "why": why });
    log(ctx, &mut work, ("order.wait", &order.number), detail).await?;
    work.commit().await?;
    Ok(RunEnd::Later(why))
}

async fn store_begun(ctx: &OpContext, order: WorkOrder, next: Move) -> Result<WorkOrder, AppError> {
    let mut work = ctx.store().begin().await?;
    let first = order.state == OrderState::Waiting;
    let mut order = begin(order, next);
    keep(&mut work, &mut order).await?;
    if first {
        let request = request_of(&mut work, &order.request).await?;
        begin_request(&mut work, request, &order).await?;
    }
    if let (Some(step), OrderKind::End, Move::Do(_)) = (step_of(&order, next), order.kind, next)
        && step.kind == StepKind::Delete
    {
        let (mut gone, version) = papers::<Gone>(&mut work, &order.request, paper::GONE).await?;
        if !gone.contains_key(&step.allocation) {
            gone.insert(step.allocation.clone(), ctx.now());
            work.set_paper((&order.request, paper::GONE), &gone, version).await?;
        }
    }
    let detail = serde_json::json!({ "step": place_of(next) + 1, "move": word(next), "kind": step_of(&order, next).map(|s| s.kind) });
    log(ctx, &mut work, ("order.step_begin", &order.number), detail).await?;
    work.commit().await?;
    Ok(order)
}

type Gone = BTreeMap<AllocationCode, Instant>;

async fn store_outcome(
    ctx: &OpContext,
    order: WorkOrder,
    next: Move,
    (outcome, remarks): (Outcome, Vec<String>),
) -> Result<WorkOrder, AppError> {
    let mut work = ctx.store().begin().await?;
    let said = match &outcome {
        Outcome::Done(id) => ("done", id.clone().unwrap_or_default()),
        Outcome::Away(why) => ("away", why.clone()),
        Outcome::Again(why) => ("again", why.clone()),
        Outcome::Refused(why) => ("refused", why.clone()),
    };
    let mut order = after(order, next, outcome);
    if let Some(step) = order.steps.get_mut(place_of(next)) {
        step.remarks.extend(remarks.iter().cloned());
    }
    keep(&mut work, &mut order).await?;
    if let (Move::Do(_), OrderKind::End, Some(step)) = (next, order.kind, step_of(&order, next)) {
        let (mut gone, version) = papers::<Gone>(&mut work, &order.request, paper::GONE).await?;
        match (step.kind, step.state) {
            (StepKind::Delete, StepState::Failed) if gone.remove(&step.allocation).is_some() => {
                work.set_paper((&order.request, paper::GONE), &gone, version).await?;
            }
            (StepKind::VerifyGone, StepState::Done) => {
                if let Some(at) = gone.get(&step.allocation) {
                    end_interval(ctx, &mut work, &step.allocation, *at).await?;
                }
            }
            _ => {}
        }
    }
    let request = request_of(&mut work, &order.request).await?;
    order_over(ctx, &mut work, &order, request).await?;
    let detail = serde_json::json!({ "step": place_of(next) + 1, "move": word(next), "outcome": said.0, "answer": said.1,
        "state": order.state, "remarks": remarks });
    log(ctx, &mut work, ("order.step_end", &order.number), detail).await?;
    work.commit().await?;
    Ok(order)
}

const fn place_of(next: Move) -> usize {
    match next {
        Move::Do(place) | Move::Undo(place) => place,
        Move::Wait | Move::Over => 0,
    }
}

const fn word(next: Move) -> &'static str {
    match next {
        Move::Do(_) => "do",
        Move::Undo(_) => "undo",
        Move::Wait | Move::Over => "",
    }
}

fn step_of(order: &WorkOrder, next: Move) -> Option<&Step> {
    order.steps.get(place_of(next))
}

/// One effect on a node.
struct Effect<'a> {
    hands: &'a dyn NodeHands,
    order: &'a WorkOrder,
    place: usize,
    system: &'a SystemCode,
    zone: &'a str,
}

impl Effect<'_> {
    async fn carry_out(&self, next: Move) -> Result<Option<String>, HandsError> {
        let Some(step) = self.order.steps.get(self.place) else {
            return Err(HandsError::Refused("工单没有这一步".to_owned()));
        };
        match next {
            Move::Undo(_) => self.undo(step).await,
            Move::Do(_) | Move::Wait | Move::Over => self.perform(step).await,
        }
    }

    fn wanted<'s>(&'s self, step: &'s Step, mark: &'s str) -> Wanted<'s> {
        Wanted {
            mark,
            step: step.kind,
            allocation: &step.allocation,
            system: self.system,
            kind: step.resource,
            class: &step.class,
            spec: &step.spec,
            zone: self.zone,
        }
    }

    async fn perform(&self, step: &Step) -> Result<Option<String>, HandsError> {
        let (hands, mark) = (self.hands, mark(self.order, self.place));
        match step.kind {
            StepKind::Network | StepKind::Volume | StepKind::Server | StepKind::Address => {
                if let Some(id) = hands.find(step.kind, &mark).await? {
                    return Ok(Some(id));
                }
                let wanted = self.wanted(step, &mark);
                let made = match step.kind {
                    StepKind::Network => hands.network(wanted).await?,
                    _ => hands.create(wanted).await?,
                };
                Ok(Some(made))
            }
            StepKind::Resize | StepKind::Extend => hands
                .resize(id_of(step)?, step.resource, &step.spec)
                .await
                .map(|()| None),
            StepKind::Stop => hands.stop(id_of(step)?).await.map(|()| None),
            StepKind::Snapshot => match hands.find(step.kind, &mark).await? {
                Some(id) => Ok(Some(id)),
                None => hands.snapshot(id_of(step)?, &mark).await.map(Some),
            },
            StepKind::Delete => hands
                .delete(id_of(step)?, step.kind, step.resource)
                .await
                .map(|()| None),
            StepKind::VerifyGone => {
                if hands.is_gone(id_of(step)?, step.resource).await? {
                    Ok(None)
                } else {
                    Err(HandsError::Again("云节点仍列出该资源".to_owned()))
                }
            }
            StepKind::ByHand => Err(HandsError::Refused("该步骤须人工办理".to_owned())),
        }
    }

    async fn undo(&self, step: &Step) -> Result<Option<String>, HandsError> {
        let (hands, mark) = (self.hands, mark(self.order, self.place));
        match step.kind {
            StepKind::Network | StepKind::Volume | StepKind::Server | StepKind::Address | StepKind::Snapshot => {
                if let Some(id) = hands.find(step.kind, &mark).await? {
                    hands.delete(&id, step.kind, step.resource).await?;
                }
                Ok(None)
            }
            StepKind::Resize => {
                let before = step.before.as_ref();
                let before = before.ok_or_else(|| HandsError::Refused("没有记录原规格".to_owned()))?;
                hands.resize(id_of(step)?, step.resource, before).await.map(|()| None)
            }
            StepKind::Stop => hands.start(id_of(step)?).await.map(|()| None),
            StepKind::Extend | StepKind::Delete | StepKind::VerifyGone | StepKind::ByHand => {
                Err(HandsError::Refused("该步骤不能自动回退".to_owned()))
            }
        }
    }
}

fn id_of(step: &Step) -> Result<&str, HandsError> {
    let id = step.native_id.as_deref();
    id.ok_or_else(|| HandsError::Refused(format!("资源 {} 没有云资源标识", step.allocation)))
}

/// Goes on with an order after a person has looked: an attempt is allowed again. An order that was undone is given anew,
/// under another number. Returns the order that goes on.
pub async fn resume_order(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    why: &str,
) -> Result<WorkOrder, AppError> {
    let permit = permitted(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let (order, request) = current(&mut work, (number, version)).await?;
    if why.trim().is_empty() {
        return Err(OrderError::Work(number.to_owned(), vec!["请说明核实情况".to_owned()]).into());
    }
    take_duty(&mut work, &request, (Duty::Open, permit.actor().account)).await?;
    work.set_to_dos(("order", number), &[]).await?;
    let goes_on = match order.state {
        OrderState::NeedsPerson => {
            let mut order = looked_at(order);
            keep(&mut work, &mut order).await?;
            begin_request(&mut work, request, &order).await?;
            hand_over(ctx, &mut work, &order).await?;
            order
        }
        OrderState::Undone => {
            if request.status.is_final() {
                let text = format!("申请 {} 为「{}」，不再办理", request.number, request.status.zh());
                return Err(OrderError::Work(number.to_owned(), vec![text]).into());
            }
            let newest = work.orders_of(&request.number).await?.into_iter().next_back();
            if let Some(newest) = newest.filter(|newest| newest.number != number) {
                let text = format!("已另派工单 {}，请办理该工单", newest.number);
                return Err(OrderError::Work(number.to_owned(), vec![text]).into());
            }
            let of_end = lines_of_end(&mut work, &request, order.kind).await?;
            give_order(ctx, &mut work, &of_end, order.due, false).await?
        }
        state => {
            let text = format!("工单当前为「{}」，无需处理", state.zh());
            return Err(OrderError::Work(number.to_owned(), vec![text]).into());
        }
    };
    let detail = serde_json::json!({ "why": why, "order": goes_on.number });
    log(ctx, &mut work, ("order.resume", number), detail).await?;
    work.commit().await?;
    Ok(goes_on)
}
