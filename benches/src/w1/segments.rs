//! Rating a batch of segments.

use super::prices::Prices;
use crate::BenchError;
use crate::columns::Batch;
use arrow_array::Array;
use arrow_array::types::{Date32Type, Int16Type, Int32Type, Int64Type};
use domain::rate::FlatRate;
use kernel::{Day, Instant, Money, Period, Quantity, Ratio};

/// What is read of the segments.
pub const COLUMNS: [&str; 7] = [
    "segment_id",
    "dept_id",
    "provider_id",
    "item_id",
    "qty",
    "start_date",
    "end_date",
];

/// One line.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub segment: i64,
    pub department: i16,
    pub item: i32,
    pub version: i32,
    pub days: i64,
    pub amount: Money,
}

/// Gives every line of a batch to `put`, which answers none when a sum leaves its range.
pub fn rate_batch(
    batch: &Batch<'_>,
    prices: &Prices,
    mut put: impl FnMut(&Line) -> Option<()>,
) -> Result<(), BenchError> {
    let month = prices.month;
    let month_days = month.days();
    let ends = batch.column::<Date32Type>("end_date")?;
    let open = ends.nulls();
    let who = batch
        .values::<Int16Type>("dept_id")?
        .iter()
        .zip(batch.values::<Int16Type>("provider_id")?);
    let what = batch
        .values::<Int32Type>("item_id")?
        .iter()
        .zip(batch.values::<Int32Type>("qty")?);
    let when = batch
        .values::<Date32Type>("start_date")?
        .iter()
        .zip(ends.values())
        .enumerate();
    let segments = batch
        .values::<Int64Type>("segment_id")?
        .iter()
        .zip(who)
        .zip(what)
        .zip(when);
    for (((segment, (department, provider)), (item, quantity)), (place, (start, end))) in segments {
        let closed = open.is_none_or(|nulls| nulls.is_valid(place));
        let held = Period::open(first_moment(*start), closed.then(|| first_moment(*end)));
        let Some(held) = held.ok().and_then(|held| held.and(month)) else {
            continue;
        };
        let factor = prices
            .factor(index(*provider), index(*department))
            .ok_or_else(|| batch.wrong("provider_id"))?;
        let quantity = Quantity::from_whole(i64::from(*quantity)).ok_or_else(|| batch.wrong("qty"))?;
        for stretch in prices.stretches(index(*item)) {
            let Some(period) = held.and(stretch.period) else {
                continue;
            };
            let days = period.days();
            let part = Ratio::new(days, month_days).ok_or_else(|| batch.wrong("start_date"))?;
            let amount = FlatRate::new(stretch.price, factor).amount(quantity, part)?;
            let (segment, department, item, version) = (*segment, *department, *item, stretch.version);
            put(&Line {
                segment,
                department,
                item,
                version,
                days,
                amount,
            })
            .ok_or_else(|| batch.wrong("qty"))?;
        }
    }
    Ok(())
}

fn first_moment(day: i32) -> Instant {
    Day::from_epoch_days(i64::from(day)).start()
}

fn index(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}
