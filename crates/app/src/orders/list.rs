//! Lists of work orders: each side sees those of the applications that it may see, a provider its own.

use crate::requests::sight::sight;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::Side;
use domain::work::WorkOrder;
use store::OrderFilter;

/// The work orders that may be seen and fit, in the order asked for, at most `limit`; the next page begins after the last
/// number of this one.
pub async fn list(ctx: &OpContext, filter: &OrderFilter, limit: i64) -> Result<Vec<WorkOrder>, AppError> {
    let who = ctx.who()?.clone();
    let about = Target {
        kind: "order",
        unit: Some(who.organisation.clone()).filter(|_| who.side == Side::Unit),
        provider: Some(who.organisation).filter(|_| who.side == Side::Provider),
        ..Target::default()
    };
    ctx.authorise(Action::OrderRead, &about).await?;
    let sight = sight(ctx).await?;
    Ok(ctx.store().read().await?.work_orders(&sight, filter, limit).await?)
}
