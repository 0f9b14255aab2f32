//! Looking at orders, and finding those that have been open for too long.

use super::OrderError;
use super::matter::{read_request, target};
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::Side;
use domain::work::WorkOrder;
use kernel::OrganisationCode;
use serde::Serialize;

/// An order that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StuckOrder {
    /// The order.
    #[serde(flatten)]
    pub order: WorkOrder,
    /// Why it is here.
    pub why: String,
    /// How long it has been open. Units: seconds.
    pub age_s: i64,
}

/// Orders that are open longer than their due date, and those that wait for a person; the oldest first. A provider sees
/// its own.
pub async fn stuck_orders(ctx: &OpContext) -> Result<Vec<StuckOrder>, AppError> {
    let who = ctx.who()?;
    let own: Option<OrganisationCode> = (who.side == Side::Provider).then(|| who.organisation.clone());
    let all = Target {
        kind: "order",
        provider: own.clone(),
        ..Target::default()
    };
    ctx.authorise(Action::OrderRead, &all).await?;
    let now = ctx.now();
    let mut read = ctx.store().read().await?;
    let orders = read.open_orders(own.as_ref().map(OrganisationCode::as_str)).await?;
    let stuck = orders.into_iter().filter_map(|order| {
        let why = order.why_stuck(now)?;
        let age_s = now.unix_s() - order.opened.unix_s();
        Some(StuckOrder { order, why, age_s })
    });
    let mut stuck: Vec<_> = stuck.collect();
    stuck.sort_by_key(|stuck| stuck.order.opened);
    Ok(stuck)
}

/// A work order.
pub async fn order(ctx: &OpContext, number: &str) -> Result<WorkOrder, AppError> {
    let found = ctx.store().read().await?.order(number).await?;
    let found = found.ok_or_else(|| OrderError::NotFound("工单", number.to_owned()))?;
    let request = read_request(ctx, &found.request).await?;
    ctx.authorise(Action::OrderRead, &target(&request, Some(&found.provider)))
        .await?;
    Ok(found)
}

/// The work orders of an application, in order of their numbers.
pub async fn orders_of(ctx: &OpContext, request: &str) -> Result<Vec<WorkOrder>, AppError> {
    let request = read_request(ctx, request).await?;
    ctx.authorise(Action::OrderRead, &target(&request, None)).await?;
    Ok(ctx.store().read().await?.orders_of(&request.number).await?)
}
