//! The differences of a month with a provider's bill, and what was answered to them; and the months there are.

use crate::{AppError, OpContext};
use domain::reconcile::Difference;
use kernel::{Instant, Month};
use std::collections::BTreeMap;
use store::Answer;

/// The differences of a month by provider, each with what was answered to it, the newest answer last. A provider that was
/// not reconciled is not in it.
pub async fn differences(
    ctx: &OpContext,
    month: Month,
) -> Result<BTreeMap<String, Vec<(Difference, Vec<Answer>)>>, AppError> {
    let mut read = ctx.store().read().await?;
    let answers = read.answers(month).await?;
    let mut found = BTreeMap::new();
    for run in read.current_runs(month).await? {
        let Some(path) = run.path.filter(|_| run.step == "reconcile") else {
            continue;
        };
        let of = |difference: Difference| {
            let own = answers.iter().filter(|answer| {
                answer.provider == run.scope && answer.resource == difference.resource && answer.item == difference.item
            });
            let own: Vec<Answer> = own.cloned().collect();
            (difference, own)
        };
        let differences = ctx.lake().read_differences(&path)?;
        found.insert(run.scope.clone(), differences.into_iter().map(of).collect());
    }
    Ok(found)
}

/// The closed months with the moment of their close, in order.
pub async fn closed_months(ctx: &OpContext) -> Result<Vec<(Month, Instant)>, AppError> {
    let closed = ctx.store().read().await?.closed_months().await?;
    Ok(closed
        .into_iter()
        .map(|record| (record.month, record.closed_at))
        .collect())
}
