//! What follows when an order is over, or stops: a trial, an end, or a person who must look. And the end of an interval.

use super::OrderError;
use super::matter::{Task, advance, assign, assign_apart, authorities, duties, open_interval, paper};
use crate::messages::moment;
use crate::month::{Cause, LateFacts};
use crate::requests::people::due;
use crate::{AppError, OpContext};
use domain::authz::{Duty, Role};
use domain::request::{RequestEvent, RequestStatus, ResourceRequest, Trial};
use domain::rules::DeadlineKind;
use domain::work::{OrderKind, OrderState, WorkOrder};
use kernel::{AllocationCode, Instant, OrganisationCode, Period};
use store::{Connection, UnitOfWork};

/// Stands for "until somebody asks" where no length of the trial is configured: the end of 9999.
const UNTIL_ASKED: Instant = Instant::from_unix_s(253_402_185_600);

/// Moves the application on after its order was saved.
pub(super) async fn order_over(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    order: &WorkOrder,
    request: ResourceRequest,
) -> Result<ResourceRequest, AppError> {
    match order.state {
        OrderState::Done if order.kind == OrderKind::End => {
            let request = advance(work, request, RequestEvent::Gone).await?;
            ask_for_proof(ctx, work, &request, &order.provider).await?;
            Ok(request)
        }
        OrderState::Done => {
            let request = advance(work, request, RequestEvent::Opened).await?;
            begin_trial(ctx, work, &request, &order.provider).await?;
            Ok(request)
        }
        OrderState::NeedsPerson | OrderState::Undone => {
            ask_for_help(ctx, work, order).await?;
            let fails = matches!(request.status, RequestStatus::Opening | RequestStatus::Ending);
            if fails && (order.kind != OrderKind::End || request.kind.ends()) {
                return advance(work, request, RequestEvent::Fail).await;
            }
            Ok(request)
        }
        OrderState::Waiting | OrderState::Running | OrderState::Undoing => Ok(request),
    }
}

async fn begin_trial(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    provider: &OrganisationCode,
) -> Result<(), AppError> {
    let done = duties(work, request).await?;
    let openers = done.iter().filter(|(duty, _)| *duty == Duty::Open);
    let trial = Trial {
        from: ctx.now(),
        due: due(ctx, DeadlineKind::Trial)?.unwrap_or(UNTIL_ASKED),
        earliest: ctx.now(),
        opened_by: openers.map(|(_, who)| *who).collect(),
        confirmations: Vec::new(),
    };
    let before = work.paper::<Trial>((&request.number, paper::TRIAL)).await?;
    let version = before.map_or(0, |(_, version)| version);
    work.set_paper((&request.number, paper::TRIAL), &trial, version).await?;
    let authorities = authorities(ctx, work).await?;
    let mut who: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityTechnical)).collect();
    who.push((&request.unit, Role::UnitAcceptor));
    who.push((provider, Role::ProviderHead));
    let task = Task {
        kind: "confirm",
        subject: &request.number,
        task: "trial",
        title: format!("申请 {} 已开通，请试用并确认", request.number),
        due: Some(trial.due),
        who: &who,
    };
    assign_apart(ctx, work, (request, Duty::Accept), task).await
}

async fn ask_for_proof(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    provider: &OrganisationCode,
) -> Result<(), AppError> {
    let task = Task {
        kind: "erasure",
        subject: &request.number,
        task: "proof",
        title: format!("申请 {} 的资源已下线，请上传数据清除凭证", request.number),
        due: None,
        who: &[(provider, Role::ProviderOperator)],
    };
    assign(ctx, work, task).await
}

async fn ask_for_help(ctx: &OpContext, work: &mut UnitOfWork, order: &WorkOrder) -> Result<(), AppError> {
    let authorities = authorities(ctx, work).await?;
    let mut who: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityOperations)).collect();
    who.push((&order.provider, Role::ProviderOperator));
    let why = order.trouble.as_deref().unwrap_or_default();
    let task = Task {
        kind: "order",
        subject: &order.number,
        task: "trouble",
        title: format!("工单 {} {}：{why}", order.number, order.state.zh()),
        due: order.due,
        who: &who,
    };
    assign(ctx, work, task).await
}

/// Ends the interval of a resource that runs on at a moment, if there is one. A closed month that is concerned is noted (I5).
pub(super) async fn end_interval(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    code: &AllocationCode,
    at: Instant,
) -> Result<(), AppError> {
    let Some(open) = open_interval(work, code, at).await? else {
        return Ok(());
    };
    if at <= open.period.from() {
        let text = format!(
            "资源 {code} 的终止时间 {} 不晚于其起始时间 {}，请核对",
            moment(at),
            moment(open.period.from())
        );
        return Err(OrderError::Invalid(text).into());
    }
    work.end_allocation(&open, at).await?;
    note_late(ctx, work, at, format!("资源 {code} 于 {} 终止，关账后登记", at.day())).await
}

/// Notes that closed months are concerned from a moment on, if there are any.
async fn note_late(ctx: &OpContext, work: &mut Connection, from: Instant, why: String) -> Result<(), AppError> {
    let mut late = LateFacts::new(work).await?;
    if let Ok(period) = Period::new(from, ctx.now().max(from.plus_s(1))) {
        late.concerns(period, Cause::LateData, why, 1);
    }
    late.note(ctx, work, None).await?;
    Ok(())
}
