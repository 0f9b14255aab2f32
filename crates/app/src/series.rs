//! Numbers of matters: a word, the month, and how many there were.

use crate::{AppError, OpContext};
use store::Connection;

/// The next number of a series in this month, as in `SQ-202603-0001`; numbers have no gaps.
pub(crate) async fn number_of(ctx: &OpContext, work: &mut Connection, prefix: &str) -> Result<String, AppError> {
    let series = format!("{prefix}-{}", ctx.now().day().month().to_string().replace('-', ""));
    let number = work.next_number(&series).await?;
    Ok(format!("{series}-{number:04}"))
}
