//! Rating a closed month again: first the differences, and only with a reason and on purpose a correction.

use super::late::{Cause, LateFacts};
use super::rate::{Prices, correct_closed};
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty, Target};
use domain::rate::Correction;
use kernel::{Money, Month};
use std::collections::BTreeSet;
use store::{Connection, LateFact, StoreError};

/// What rating a closed month again would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RerateOutcome {
    /// The closed month.
    pub month: Month,
    /// The differences, by resource and item.
    pub corrections: Vec<Correction>,
    /// Their sum.
    pub difference: Money,
    /// Whether they will be posted into the open month.
    pub committed: bool,
}

/// Compares a closed month with what it should have cost by what is known now, if whoever acts may. With `commit`, the
/// differences will be posted by the next rating of the open month, with the reason as their cause.
pub async fn rerate(ctx: &OpContext, month: Month, reason: &str, commit: bool) -> Result<RerateOutcome, AppError> {
    let about = Target {
        kind: "month",
        id: month.to_string(),
        ..Target::default()
    };
    ctx.judge(Action::MonthRerate, &about).await?;
    if reason.trim().is_empty() {
        return Err(AppError::Invalid("重算必须说明理由".to_owned()));
    }
    let (corrections, waits) = {
        let mut read = ctx.store().read().await?;
        if !read.is_closed(month).await? {
            let why = format!("{month} 尚未关账，直接计价即可，不需要重算");
            return Err(AppError::NotYet {
                month,
                what: "重算",
                why,
            });
        }
        ctx.progress().at("重算", 0, 1);
        let corrections = correct_closed(ctx, &mut read, month, reason, Prices::All).await?.0;
        (corrections, waiting(&mut read, month).await?)
    };
    let difference = Money::sum(corrections.iter().map(|c| c.difference))?;
    ctx.progress().at("重算", 1, 1);
    // Terms may wait that change no charge, but what is deducted.
    let committed = commit && (!waits.is_empty() || !corrections.is_empty());
    if committed {
        for by in prepared_by(ctx, &waits).await? {
            let done = (Duty::Prepare, by.as_str());
            ctx.keep_apart(("month", &month.to_string()), Duty::Authorise, done)
                .await?;
        }
        let mut work = ctx.store().begin().await?;
        // A reason is given for what was shown, and by nobody who prepared it: not for what came in meanwhile.
        if waiting(&mut work, month).await? != waits {
            return Err(StoreError::Conflict(format!("{month} 待说明理由的事项")).into());
        }
        work.approve_late_facts(month).await?;
        let mut late = LateFacts::new(&mut work).await?;
        late.concerns(month.period(), Cause::Rerate, reason.trim().to_owned(), 1);
        late.note(ctx, &mut work, None).await?;
        let detail = serde_json::json!({ "reason": reason, "differences": corrections.len(), "sum": difference });
        work.audit(
            ctx.now(),
            (ctx.actor(), "month.rerate", &month.to_string()),
            detail.to_string(),
        )
        .await?;
        work.commit().await?;
    }
    Ok(RerateOutcome {
        month,
        corrections,
        difference,
        committed,
    })
}

/// The facts of a closed month that wait for a reason.
async fn waiting(read: &mut Connection, month: Month) -> Result<Vec<LateFact>, AppError> {
    let mut late = read.open_late_facts().await?;
    late.retain(|fact| fact.month == month && !fact.approved);
    Ok(late)
}

/// Who imported the prices and terms that wait for a reason: giving it puts them in force for that month.
async fn prepared_by(ctx: &OpContext, waits: &[LateFact]) -> Result<BTreeSet<String>, AppError> {
    let mut read = ctx.store().read().await?;
    let mut by = BTreeSet::new();
    for import in waits.iter().filter_map(|fact| fact.import) {
        by.extend(read.import(import).await?.map(|import| import.actor));
    }
    Ok(by)
}
