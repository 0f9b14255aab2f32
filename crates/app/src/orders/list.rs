//! Lists of work orders: each side sees those of the applications that it may see, a provider its own.

use crate::requests::sight::sight;
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::work::WorkOrder;
use store::OrderFilter;

/// The work orders that may be seen and fit, in the order asked for, at most `limit`; the next page begins after the last
/// number of this one.
pub async fn list(ctx: &OpContext, filter: &OrderFilter, limit: i64) -> Result<Vec<WorkOrder>, AppError> {
    ctx.authorise_list(Action::OrderRead, "order").await?;
    let mut read = ctx.store().read().await?;
    let sight = sight(ctx, &mut read).await?;
    Ok(read.work_orders(&sight, filter, limit).await?)
}
