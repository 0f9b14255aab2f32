//! A provider refuses an order, with a reason. What follows is what follows every refusal: with nothing there the order is
//! undone, else a person must look; the application is stuck, and the authority has it on its list. From there it goes
//! on with the same provider, or with another one that the authority chooses.

use super::OrderError;
use super::by_hand::{begin_request, current, keep};
use super::consequences::order_over;
use super::matter::{log, read_request, target};
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::work::{WorkOrder, refuse};

/// Longest reason. Units: characters.
const REASON_MAX: usize = 500;

/// Refuses an order that is in its provider's hands. Errors: no reason; it is over, or the platform carries it out.
pub async fn refuse_order(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    why: &str,
) -> Result<WorkOrder, AppError> {
    let found = ctx.store().read().await?.order(number).await?;
    let found = found.ok_or_else(|| OrderError::NotFound("工单", number.to_owned()))?;
    let request = read_request(ctx, &found.request).await?;
    ctx.authorise(Action::OrderRefuse, &target(&request, Some(&found.provider)))
        .await?;
    let why = why.trim();
    if why.is_empty() || why.chars().count() > REASON_MAX {
        let text = format!("请说明不能办理的原因，不超过 {REASON_MAX} 字");
        return Err(OrderError::Work(number.to_owned(), vec![text]).into());
    }
    let mut work = ctx.store().begin().await?;
    let (order, request) = current(&mut work, (number, version)).await?;
    let (before, state) = (order.state, order.state.zh());
    let refused = refuse(order, why);
    let mut order = refused.ok_or_else(|| {
        let text = format!("工单 {number} 当前为「{state}」，不由云服务商的人办理，不能拒绝");
        OrderError::NotNow(text)
    })?;
    keep(&mut work, &mut order).await?;
    let request = begin_request(&mut work, request, &order).await?;
    order_over(ctx, &mut work, &order, request).await?;
    let detail = serde_json::json!({ "why": why, "state": { "before": before, "after": order.state } });
    log(ctx, &mut work, ("order.refuse", number), detail).await?;
    work.commit().await?;
    Ok(order)
}
