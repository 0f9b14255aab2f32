//! An order that was undone, given anew under another number.

use super::OrderError;
use super::give::give_order;
use super::matter::request_of;
use super::release::lines_of_end;
use crate::{AppError, OpContext};
use domain::work::{Manner, WorkOrder};
use store::UnitOfWork;

/// Gives an undone order anew; `manner` is how it may be carried out at best. Errors: another one
/// follows it already; the application is over.
pub(super) async fn give_anew(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    undone: &WorkOrder,
    manner: Manner,
) -> Result<WorkOrder, AppError> {
    let request = request_of(work, &undone.request).await?;
    if request.status.is_final() {
        let text = format!("申请 {} 为「{}」，不再办理", request.number, request.status.zh());
        return Err(OrderError::Work(undone.number.clone(), vec![text]).into());
    }
    let newest = work.orders_of(&undone.request).await?.into_iter().next_back();
    if let Some(newest) = newest.filter(|newest| newest.number != undone.number) {
        let text = format!("已另派工单 {}，请办理该工单", newest.number);
        return Err(OrderError::Work(undone.number.clone(), vec![text]).into());
    }
    let of_end = lines_of_end(ctx, work, &request, undone.kind).await?;
    give_order(ctx, work, &of_end, undone.due, manner).await
}
