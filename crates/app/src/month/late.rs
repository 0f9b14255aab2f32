//! Facts that concern closed months.

use crate::{AppError, OpContext};
use kernel::Period;
use store::{Connection, LateFact};

/// Notes late data for every closed month that shares time with `period`. Returns for how many.
///
/// One open fact of the same wording and month is enough: the month is rated again as a whole.
pub(crate) async fn note_late(
    ctx: &OpContext,
    work: &mut Connection,
    period: Option<Period>,
    detail: &str,
) -> Result<u64, AppError> {
    let Some(period) = period else { return Ok(0) };
    let open = work.open_late_facts().await?;
    let mut noted = 0;
    for closed in work.closed_months().await? {
        let concerned = closed.month.period().and(period).is_some();
        let there = open
            .iter()
            .any(|fact| fact.month == closed.month && fact.cause == LateFact::LATE_DATA && fact.detail == detail);
        if concerned && !there {
            let fact = LateFact {
                id: ctx.new_id(),
                month: closed.month,
                cause: LateFact::LATE_DATA.to_owned(),
                detail: detail.to_owned(),
                at: ctx.now(),
                approved: true,
                posted_in: None,
            };
            work.add_late_fact(&fact).await?;
            noted += 1;
        }
    }
    Ok(noted)
}
