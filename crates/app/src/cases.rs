//! Cases: what a person must look at.

use crate::{AppError, OpContext};
use store::CaseFile;

/// All cases, or only those that are open, the oldest first.
pub async fn list(ctx: &OpContext, open_only: bool) -> Result<Vec<CaseFile>, AppError> {
    let cases = ctx.store().read().await?.cases().await?;
    Ok(cases
        .into_iter()
        .filter(|case| !open_only || case.closed_at.is_none())
        .collect())
}
