//! The list of applications that may be seen.

use super::sight::sight;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::Side;
use domain::request::ResourceRequest;
use store::RequestFilter;

/// The applications that may be seen and fit, in the order asked for, at most `limit`; the next page begins after the last
/// number of this one.
pub async fn list(ctx: &OpContext, filter: &RequestFilter, limit: i64) -> Result<Vec<ResourceRequest>, AppError> {
    let who = ctx.who()?.clone();
    let about = Target {
        kind: "request",
        unit: Some(who.organisation.clone()).filter(|_| who.side == Side::Unit),
        provider: Some(who.organisation).filter(|_| who.side == Side::Provider),
        ..Target::default()
    };
    ctx.authorise(Action::RequestRead, &about).await?;
    let sight = sight(ctx).await?;
    Ok(ctx.store().read().await?.requests(&sight, filter, limit).await?)
}
