//! The month: meter, rate, reconcile, close. Each is input-free: it looks at the state and does the missing work, so
//! that running it twice changes nothing.

mod close;
mod differences;
mod documents;
mod facts;
mod late;
mod meter;
mod rate;
mod reconcile;
mod rerate;
mod settle;
mod show;

pub use close::{CloseOutcome, close_month};
pub use differences::{closed_months, differences};
pub use documents::{difference_document, reconciliation_document};
pub(crate) use facts::Facts;
pub(crate) use late::{Cause, LateFacts, LateFile};
pub use meter::{MeterOutcome, MeterSummary, NodeCompleteness, meter};
pub use rate::{RateOutcome, RateSummary, rate};
pub use reconcile::{AnswerInput, ReconcileOutcome, ReconcileSummary, answer_difference, reconcile_month};
pub use rerate::{RerateOutcome, rerate};
pub(crate) use settle::paid_above;
pub use show::{BillView, MonthView, show};

use crate::{AppError, OpContext};
use kernel::Month;

/// The current state of one step of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Done now.
    Done,
    /// Nothing had changed since it was done.
    Unchanged,
}

pub(crate) async fn refuse_closed(ctx: &OpContext, month: Month) -> Result<(), AppError> {
    let mut read = ctx.store().read().await?;
    if read.is_closed(month).await? {
        Err(AppError::MonthClosed(month))
    } else {
        Ok(())
    }
}
