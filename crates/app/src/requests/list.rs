//! The list of applications that may be seen.

use super::sight::sight;
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::request::ResourceRequest;
use store::RequestFilter;

/// The applications that may be seen and fit, in the order asked for, at most `limit`; the next page begins after the last
/// number of this one.
pub async fn list(ctx: &OpContext, filter: &RequestFilter, limit: i64) -> Result<Vec<ResourceRequest>, AppError> {
    ctx.authorise_list(Action::RequestRead, "request").await?;
    let mut read = ctx.store().read().await?;
    let sight = sight(ctx, &mut read).await?;
    Ok(read.requests(&sight, filter, limit).await?)
}
