//! The end of resources: announced, waited for, ordered. Children end with their parents.

use super::OrderError;
use super::consequences::end_interval;
use super::extend::in_force;
use super::give::{give_order, place_of, rank_of_end};
use super::matter::{advance, log, open_interval, paper, papers, request_of};
use super::reclaim::still_over;
use crate::jobs::Swept;
use crate::requests::people::due;
use crate::{AppError, OpContext};
use domain::budget::{HoldState, Purse};
use domain::meter::Allocation;
use domain::request::{Ending, RequestEvent, RequestKind, RequestLine, RequestStatus, ResourceRequest};
use domain::rules::DeadlineKind;
use domain::work::{Manner, OrderKind, WorkOrder};
use kernel::{AllocationCode, Instant};
use std::collections::{BTreeMap, BTreeSet};
use store::{Connection, RequestFilter, UnitOfWork};

/// Orders the end of everything whose time of notice is over and to which nobody objects, by application.
pub async fn end_noticed(ctx: &OpContext) -> Result<Swept, AppError> {
    let filter = RequestFilter {
        status: Some(RequestStatus::Noticed),
        ..RequestFilter::default()
    };
    let noticed = ctx.store().read().await?.all_requests(&filter).await?;
    let mut ended = Swept::default();
    for request in noticed {
        ended.note(&request.number, end_one(ctx, &request.number).await)?;
    }
    Ok(ended)
}

/// Returns the number if its end was ordered.
async fn end_one(ctx: &OpContext, number: &str) -> Result<Option<String>, AppError> {
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    let ending = work.paper::<Ending>((number, paper::ENDING)).await?;
    let over = ending.filter(|(ending, _)| ending.due <= ctx.now() && ending.reply.is_none());
    let Some((ending, _)) = over.filter(|_| request.status == RequestStatus::Noticed) else {
        return Ok(None);
    };
    let over = still_over(ctx, &mut work, request).await?;
    let ended = over.as_ref().map(|request| request.number.clone());
    if let Some(request) = over {
        order_end(ctx, &mut work, request, &ending).await?;
    }
    work.commit().await?;
    Ok(ended)
}

/// Gives the order to end the resources of an application.
pub(super) async fn order_end(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    mut request: ResourceRequest,
    ending: &Ending,
) -> Result<(), AppError> {
    if request.place.is_none() {
        request.place = Some(place_of(ctx, work, &request).await?);
    }
    let request = advance(work, request, RequestEvent::NoticeOver).await?;
    let of_end = lines_of_end(ctx, work, &request, OrderKind::End).await?;
    let order = give_order(ctx, work, &of_end, due(ctx, DeadlineKind::Delivery)?, Manner::Interface).await?;
    work.set_to_dos(("ending", &request.number), &[]).await?;
    work.set_to_dos(("confirm", &request.number), &[]).await?;
    let detail = serde_json::json!({ "cause": ending.cause, "order": order.number,
        "resources": of_end.lines.iter().map(|line| &line.allocation).collect::<Vec<_>>() });
    log(ctx, work, ("order.end", &request.number), detail).await
}

/// An application as the order to end it sees it: every resource a line of its own, with everything that hangs on it. A
/// trial that was not confirmed ends what it opened.
pub(super) async fn lines_of_end(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
    kind: OrderKind,
) -> Result<ResourceRequest, AppError> {
    let mut of_end = request.clone();
    if kind != OrderKind::End {
        return Ok(of_end);
    }
    if request.kind == RequestKind::New {
        of_end.lines = opened_lines(request)?;
    }
    of_end.kind = RequestKind::Release;
    if let Some(place) = &request.place {
        let there = work.open_allocations(place.node.as_str(), ctx.now()).await?;
        add_children(&mut of_end.lines, &there);
    }
    of_end.lines.sort_by_key(|line| rank_of_end(line.kind));
    Ok(of_end)
}

fn opened_lines(request: &ResourceRequest) -> Result<Vec<RequestLine>, AppError> {
    let mut lines = Vec::new();
    for line in request.cloud_lines() {
        let codes = line.codes(&request.number);
        for code in codes.map_err(|why| OrderError::Plan(why.into()))? {
            lines.push(RequestLine {
                allocation: Some(code),
                count: 1,
                ..line.clone()
            });
        }
    }
    Ok(lines)
}

/// Adds what hangs on the resources of the lines, down to the last.
fn add_children(lines: &mut Vec<RequestLine>, there: &[Allocation]) {
    let mut known: BTreeSet<AllocationCode> = lines.iter().filter_map(|line| line.allocation.clone()).collect();
    loop {
        let child = there.iter().find(|allocation| {
            allocation.parent.as_ref().is_some_and(|parent| known.contains(parent)) && !known.contains(&allocation.code)
        });
        let (Some(child), Some(pattern)) = (child, lines.first().cloned()) else {
            return;
        };
        known.insert(child.code.clone());
        lines.push(RequestLine {
            line: pattern.line,
            kind: child.kind,
            class: child.class.clone(),
            form: child.form,
            spec: child.spec.clone(),
            count: 1,
            allocation: Some(child.code.clone()),
            ..pattern
        });
    }
}

/// The application whose order is deleting a resource now, on its own or with what it hangs on; none if nobody is.
pub(super) async fn being_deleted(read: &mut Connection, code: &AllocationCode) -> Result<Option<String>, AppError> {
    for status in [RequestStatus::Ending, RequestStatus::Stuck] {
        let filter = RequestFilter {
            status: Some(status),
            ..RequestFilter::default()
        };
        for request in read.all_requests(&filter).await? {
            let last = read.orders_of(&request.number).await?.into_iter().next_back();
            let deletes = |order: &WorkOrder| {
                order.kind == OrderKind::End && order.steps.iter().any(|step| step.allocation == *code)
            };
            if last.as_ref().is_some_and(deletes) {
                return Ok(Some(request.number));
            }
        }
    }
    Ok(None)
}

/// The resources that an ended application is about, each with the moment it was gone. Every one of them needs proof.
pub(super) async fn gone_of(read: &mut Connection, number: &str) -> Result<Vec<(AllocationCode, Instant)>, AppError> {
    let (gone, _) = papers::<BTreeMap<AllocationCode, Instant>>(read, number, paper::GONE).await?;
    Ok(gone.into_iter().collect())
}

/// Gives the room back that ended resources took: of quotas what each had, of budget and ceiling what an application
/// took once none of its resources is left.
pub(super) async fn give_room_back(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    gone: &[(AllocationCode, Instant)],
) -> Result<(), AppError> {
    let now = ctx.now();
    work.turn_hold(&request.number, HoldState::Freed, now).await?;
    let in_force = in_force(work).await?;
    for (code, at) in gone {
        end_interval(ctx, work, code, *at).await?;
        // What a resource had at first: that is what its application holds.
        let Some(first) = work.allocations_of(code.as_str()).await?.into_iter().next() else {
            continue;
        };
        let holders = in_force.iter().filter(|holder| concerns(holder, code));
        for holder in holders {
            let left = still_used(work, holder, now).await?;
            if !left {
                work.turn_hold(&holder.number, HoldState::Freed, now).await?;
                continue;
            }
            // The newest change holds what it added, the first application the rest.
            for (purse, amount, _) in work.holds_of(&holder.number).await? {
                if let Purse::Quota { measure, .. } = &purse
                    && holder.kind == RequestKind::New
                    && let Some(had) = first.spec.get(*measure)
                {
                    let by = had.micros().min(amount);
                    work.lessen_hold((&holder.number, &purse), by, now).await?;
                }
            }
        }
    }
    Ok(())
}

fn codes_of(request: &ResourceRequest) -> Vec<AllocationCode> {
    let of_line = |line: &RequestLine| line.codes(&request.number).unwrap_or_default();
    request.cloud_lines().flat_map(of_line).collect()
}

fn concerns(request: &ResourceRequest, code: &AllocationCode) -> bool {
    !request.kind.ends() && codes_of(request).contains(code)
}

/// Whether any resource of an application is still in use.
async fn still_used(work: &mut Connection, request: &ResourceRequest, now: Instant) -> Result<bool, AppError> {
    for code in codes_of(request) {
        if open_interval(work, &code, now).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
