//! What an approval sets going: the search for a provider, an order, a longer term, or the announcement of an end.

use super::OrderError;
use super::announce::announce_end;
use super::conditions;
use super::extend::lengthen;
use super::matter::{Task, advance, assign, authorities, holders, in_use, log, paper, request_of, tell};
use crate::jobs::{NewJob, Swept, enqueue, kind};
use crate::requests::people::due;
use crate::series::number_of;
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::budget::HoldState;
use domain::catalogue::Contract;
use domain::meter::Allocation;
use domain::registry::{CloudNode, ResourceKind, Side, Spec};
use domain::request::{Ending, Place, RequestEvent, RequestKind, RequestStatus, ResourceRequest};
use domain::rules::DeadlineKind;
use domain::work::{Manner, OrderKind, OrderState, StepKind, StepState, WorkOrder, plan};
use kernel::{AccountId, AllocationCode, Instant};
use std::collections::BTreeMap;
use store::{Connection, RequestFilter, UnitOfWork};

/// Times an order is taken up again: an outage of a node is waited for. With pauses of up to an hour that is weeks, and
/// what is overdue is listed long before; what a node does not answer clearly is bounded by the order itself.
const ORDER_ATTEMPTS_MAX: i64 = 1_000;

/// Sets going what follows the approval of an application, in the unit of work of the approval. `request` was saved as
/// approved and has its version. Returns it as it stands then.
pub async fn take_effect(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
) -> Result<ResourceRequest, AppError> {
    let mut request = request.clone();
    if request.kind.adds() {
        if request.is_outside() {
            return stay_outside(ctx, work, request).await;
        }
        conditions::remind(ctx, work, &request).await?;
    }
    match request.kind {
        RequestKind::New => search_provider(ctx, work, &request).await?,
        RequestKind::Change => {
            request.place = Some(place_of(ctx, work, &request).await?);
            work.save_request(&request, None).await?;
            request.version += 1;
            // What a review demands before is waited for; the sweep gives the order then.
            if !conditions::are_open(work, &request.number).await? {
                let due = due(ctx, DeadlineKind::Delivery)?;
                give_order(ctx, work, &request, due, Manner::Interface).await?;
            }
        }
        RequestKind::Extend => {
            lengthen(ctx, work, &request).await?;
            work.turn_hold(&request.number, HoldState::Used, ctx.now()).await?;
        }
        RequestKind::Release | RequestKind::Reclaim => {
            let cause = format!("{}：{}", request.kind.zh(), request.reason);
            announce_end(ctx, work, &request, cause).await?;
        }
    }
    Ok(request)
}

/// Does what [`take_effect`] does for every approved application for which nobody has done it.
pub async fn follow_up(ctx: &OpContext) -> Result<Swept, AppError> {
    let mut swept = Swept::default();
    for status in [RequestStatus::Ordered, RequestStatus::Noticed] {
        let filter = RequestFilter {
            status: Some(status),
            ..RequestFilter::default()
        };
        let found = ctx.store().read().await?.all_requests(&filter).await?;
        for request in found.into_iter().filter(|request| request.kind != RequestKind::New) {
            swept.note(&request.number, follow_up_one(ctx, &request.number, status).await)?;
        }
    }
    Ok(swept)
}

/// Returns the number if there was something to do.
async fn follow_up_one(ctx: &OpContext, number: &str, status: RequestStatus) -> Result<Option<String>, AppError> {
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    let begun = match status {
        RequestStatus::Ordered => {
            !work.orders_of(number).await?.is_empty() || conditions::are_open(&mut work, number).await?
        }
        _ => work.paper::<Ending>((number, paper::ENDING)).await?.is_some(),
    };
    if begun || request.status != status {
        return Ok(None);
    }
    take_effect(ctx, &mut work, &request).await?;
    log(ctx, &mut work, ("order.follow_up", number), serde_json::json!({})).await?;
    work.commit().await?;
    Ok(Some(request.number))
}

/// Ends an application of which nothing is carried out on the cloud, as the exception was decided: it holds nothing, and
/// its file is complete.
async fn stay_outside(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: ResourceRequest,
) -> Result<ResourceRequest, AppError> {
    let request = advance(work, request, RequestEvent::NothingToOpen).await?;
    work.turn_hold(&request.number, HoldState::Freed, ctx.now()).await?;
    let title = format!("申请 {} 已批准，云上没有需要办理的，已归档", request.number);
    let told = [request.applicant];
    tell(ctx, work, &told, ("request.archived", &request.number, &title)).await?;
    Ok(request)
}

/// The heads of all providers.
pub(super) async fn heads_of_providers(ctx: &OpContext, work: &mut Connection) -> Result<Vec<AccountId>, AppError> {
    let organisations = ctx.organisations(work).await?;
    let providers = organisations.all_at(ctx.now()).filter(|o| o.side == Side::Provider);
    let heads: Vec<_> = providers.map(|provider| (&provider.code, Role::ProviderHead)).collect();
    holders(work, &heads).await
}

async fn search_provider(ctx: &OpContext, work: &mut UnitOfWork, request: &ResourceRequest) -> Result<(), AppError> {
    let title = format!("申请 {} 已批准，请报价", request.number);
    let heads = heads_of_providers(ctx, work).await?;
    tell(ctx, work, &heads, ("offer", &request.number, &title)).await?;
    let authorities = authorities(ctx, work).await?;
    let who: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityOperations)).collect();
    let task = Task {
        kind: "choose",
        subject: &request.number,
        task: "provider",
        title: format!("请为申请 {} 比较报价并选定云服务商", request.number),
        due: due(ctx, DeadlineKind::TestOpened)?,
        who: &who,
    };
    assign(ctx, work, task).await
}

/// Where the resources of an application are. Errors: one is not in use, or they are not on one node.
pub(super) async fn place_of(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
) -> Result<Place, AppError> {
    let mut places: Vec<Allocation> = Vec::new();
    for code in request.cloud_lines().filter_map(|line| line.allocation.as_ref()) {
        places.push(in_use(work, code, ctx.now()).await?);
    }
    let Some(first) = places.first() else {
        return Err(OrderError::NotFound("在用资源", request.number.clone()).into());
    };
    if places.iter().any(|other| other.node != first.node) {
        let text = format!("申请 {} 的资源在不同云节点上，请按云节点分别申请", request.number);
        return Err(OrderError::Invalid(text).into());
    }
    let node = node_of(ctx, work, first.node.as_str()).await?;
    let contract = match &first.contract {
        Some(contract) => contract.clone(),
        None => {
            let contracts = work.history::<Contract>().await?;
            let fits = |contract: &&Contract| {
                contract.provider == node.provider && contract.term().is_some_and(|term| term.contains(ctx.now()))
            };
            let found = contracts
                .all_at(ctx.now())
                .find(fits)
                .map(|contract| contract.code.clone());
            found.ok_or_else(|| OrderError::NotFound("有效合同，云服务商", node.provider.to_string()))?
        }
    };
    Ok(Place {
        provider: node.provider,
        node: node.code,
        pool: places.iter().find_map(|allocation| allocation.pool.clone()),
        contract,
    })
}

/// A node as it is registered now.
pub(super) async fn node_of(ctx: &OpContext, read: &mut Connection, code: &str) -> Result<CloudNode, AppError> {
    let nodes = read.history::<CloudNode>().await?;
    let node = nodes.at(code, ctx.now()).cloned();
    Ok(node.ok_or_else(|| OrderError::NotFound("云节点", code.to_owned()))?)
}

/// Whether the unit asked for a snapshot before the resources of an application end.
async fn wants_snapshot(read: &mut Connection, number: &str) -> Result<bool, AppError> {
    let ending = read.paper::<Ending>((number, paper::ENDING)).await?;
    Ok(ending.is_some_and(|(ending, _)| ending.snapshot))
}

/// Makes the order for an application that has its place, and gives it to whoever carries it out. `manner` is how it may
/// be carried out at best: what the platform cannot do, people do in any case. Errors: a condition that a review sets
/// before anything is opened is not met.
pub(super) async fn give_order(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    due: Option<Instant>,
    manner: Manner,
) -> Result<WorkOrder, AppError> {
    if request.kind.adds() {
        conditions::met(work, &request.number).await?;
    }
    let place = request.place.as_ref();
    let place = place.ok_or_else(|| domain::work::PlanError::NoPlace(request.number.clone()));
    let place = place.map_err(OrderError::Plan)?;
    let node = node_of(ctx, work, place.node.as_str()).await?;
    let mut known: BTreeMap<AllocationCode, (Option<String>, Spec)> = BTreeMap::new();
    let mut reachable = manner == Manner::Interface && node.source.has_actuator();
    for code in request.cloud_lines().filter_map(|line| line.allocation.as_ref()) {
        let (native_id, spec) = known_of(work, code).await?;
        reachable &= native_id.is_some();
        // What others made is ended by people (the platform never destroys it).
        reachable &= !request.kind.ends() || made_by_us(work, code, native_id.as_deref()).await?;
        known.insert(code.clone(), (native_id, spec));
    }
    let snapshot = wants_snapshot(work, &request.number).await?;
    let number = number_of(ctx, work, "GD").await?;
    let order = plan(request, (number, ctx.now(), due), reachable, snapshot, &|code| {
        known.get(code).cloned()
    })
    .map_err(OrderError::Plan)?;
    work.add_order(&order).await?;
    hand_over(ctx, work, &order).await?;
    Ok(order)
}

/// Puts an order in front of whoever carries it out.
pub(super) async fn hand_over(ctx: &OpContext, work: &mut UnitOfWork, order: &WorkOrder) -> Result<(), AppError> {
    if order.manner == Manner::Interface {
        let job = NewJob {
            attempts_max: ORDER_ATTEMPTS_MAX,
            ..NewJob::about(kind::ORDER, &order.number)
        };
        enqueue(ctx, work, job).await?;
        return Ok(());
    }
    let first = if order.kind == OrderKind::End && wants_snapshot(work, &order.request).await? {
        "，使用单位要求先做快照"
    } else {
        ""
    };
    let task = Task {
        kind: "order",
        subject: &order.number,
        task: "by_hand",
        title: format!(
            "请办理{}工单 {}（申请 {}）{first}",
            order.kind.zh(),
            order.number,
            order.request
        ),
        due: order.due,
        who: &[(&order.provider, Role::ProviderOperator)],
    };
    assign(ctx, work, task).await
}

/// The node's id of a resource and its specification: from its last interval, or from the order that opened it.
async fn known_of(work: &mut Connection, code: &AllocationCode) -> Result<(Option<String>, Spec), AppError> {
    if let Some(last) = work.allocations_of(code.as_str()).await?.into_iter().last() {
        return Ok((last.native_id, last.spec));
    }
    let opened = opening_step(work, code).await?;
    Ok(opened.map_or((None, Spec::new()), |(_, native_id, spec)| (native_id, spec)))
}

/// The order that opened a resource, and what it noted of it.
async fn opening_step(
    work: &mut Connection,
    code: &AllocationCode,
) -> Result<Option<(WorkOrder, Option<String>, Spec)>, AppError> {
    let mut parts = code.as_str().rsplitn(3, '-');
    let (_, _, Some(request)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    let orders = work.orders_of(request).await?;
    let made = |order: WorkOrder| {
        let makes = matches!(order.kind, OrderKind::Open) && order.state == OrderState::Done;
        let step = order.steps.iter().find(|step| {
            let makes_one = matches!(
                step.kind,
                StepKind::Server | StepKind::Volume | StepKind::Address | StepKind::ByHand
            );
            step.allocation == *code && step.state == StepState::Done && makes_one
        });
        let (native_id, spec) = step.map(|step| (step.native_id.clone(), step.spec.clone()))?;
        makes.then_some((order, native_id, spec))
    };
    Ok(orders.into_iter().rev().find_map(made))
}

/// Whether the platform itself made this very resource at the node's interface.
pub(super) async fn made_by_us(
    work: &mut Connection,
    code: &AllocationCode,
    native_id: Option<&str>,
) -> Result<bool, AppError> {
    let opened = opening_step(work, code).await?;
    Ok(opened.is_some_and(|(order, made, _)| {
        order.manner == Manner::Interface && made.is_some() && made.as_deref() == native_id
    }))
}

/// Where a kind comes in the order of an end: what uses others before what is used. A server lets go of its volumes,
/// and a volume has no snapshots any more when it goes.
pub(super) const fn rank_of_end(kind: ResourceKind) -> u8 {
    match kind {
        ResourceKind::Server | ResourceKind::BareMetal => 0,
        ResourceKind::Snapshot | ResourceKind::Backup => 1,
        ResourceKind::LoadBalancer | ResourceKind::FloatingIp | ResourceKind::Bandwidth => 2,
        ResourceKind::Volume => 3,
        _ => 4,
    }
}
