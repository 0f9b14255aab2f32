//! What must hold of metered usage before it may be published (invariant I4).

use super::{UsageRow, UsageTable};
use kernel::Period;
use std::collections::BTreeMap;
use thiserror::Error;

/// A broken invariant. A run that finds one stops before anything is published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokenInvariant {
    /// An interval that ends before it starts, or lies outside the month.
    #[error("用量区间不在结算月内或首尾颠倒: {resource} {item}")]
    OutsideMonth {
        /// The resource.
        resource: String,
        /// The item.
        item: String,
    },
    /// Two intervals of one resource and item share time.
    #[error("同一资源同一条目的用量区间重叠: {resource} {item}")]
    Overlap {
        /// The resource.
        resource: String,
        /// The item.
        item: String,
    },
    /// More seconds than the month has.
    #[error("用量时长超过当月时长: {resource} {item}")]
    LongerThanMonth {
        /// The resource.
        resource: String,
        /// The item.
        item: String,
    },
}

/// Checks a table in its fixed order: intervals lie in the month, do not overlap, and do not exceed it in sum.
pub fn check_usage(table: &UsageTable, month: Period) -> Vec<BrokenInvariant> {
    let mut broken = Vec::new();
    let mut before: Option<&UsageRow> = None;
    let mut seconds = 0;
    for row in &table.rows {
        let resource = || table.names.text(row.resource).to_owned();
        let item = || table.names.text(row.item).to_owned();
        if row.from >= row.to || row.from < month.from() || row.to > month.to() {
            broken.push(BrokenInvariant::OutsideMonth {
                resource: resource(),
                item: item(),
            });
        }
        let length = row.to.unix_s() - row.from.unix_s();
        match before {
            Some(b) if b.resource == row.resource && b.item == row.item => {
                if row.from < b.to {
                    broken.push(BrokenInvariant::Overlap {
                        resource: resource(),
                        item: item(),
                    });
                }
                seconds += length;
            }
            _ => seconds = length,
        }
        if seconds > month.seconds() {
            broken.push(BrokenInvariant::LongerThanMonth {
                resource: resource(),
                item: item(),
            });
        }
        before = Some(row);
    }
    broken
}

/// Quantity x seconds by item, in millionths of the unit: what must agree however the time is cut.
pub fn quantity_seconds(table: &UsageTable) -> BTreeMap<String, i128> {
    let mut sums = BTreeMap::new();
    for row in &table.rows {
        let seconds = i128::from(row.to.unix_s() - row.from.unix_s());
        *sums.entry(table.names.text(row.item).to_owned()).or_insert(0) += i128::from(row.quantity.micros()) * seconds;
    }
    sums
}
