//! Corrections: what a closed month should have cost, against what was charged for it (invariant I5).
//!
//! The closed month is rated again as a whole, so that caps, tiers and minimums are right; only the differences are
//! posted, into the open month, as lines that name the month they correct.

use super::{ChargeKey, ChargeKind, ChargeMethod, ChargeRow, ChargeTable};
use kernel::{Factor, Money, MoneyError, Month, Ratio};
use std::collections::BTreeMap;

/// What one resource and item was charged for a closed month, and what it should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// What it is about.
    pub key: ChargeKey,
    /// Charged so far, earlier corrections included.
    pub charged: Money,
    /// What it should have been.
    pub right: Money,
    /// The difference: what is still to be charged, or given back.
    pub difference: Money,
}

/// Compares all that was ever charged for `month` with its lines as rated now.
///
/// Returns the corrections in order of their keys, and the lines to post. Lines of `charged` for other months are
/// passed over.
pub fn correct(
    month: Month,
    charged: &ChargeTable,
    right: &ChargeTable,
    cause: &str,
) -> Result<(Vec<Correction>, ChargeTable), MoneyError> {
    let mut sides: BTreeMap<ChargeKey, Sides> = BTreeMap::new();
    for (is_right, table) in [(false, charged), (true, right)] {
        for (place, row) in table.rows.iter().enumerate().filter(|(_, row)| row.month == month) {
            let sides = sides.entry(table.key(row)).or_default();
            let (amount, list) = if is_right { &mut sides.right } else { &mut sides.charged };
            (*amount, *list) = (amount.plus(row.amount)?, list.plus(row.list)?);
            sides.pattern = Some((is_right, place));
        }
    }
    let mut corrections = Vec::new();
    let mut posted = ChargeTable::default();
    for (key, sides) in sides {
        let (charged_now, right_now) = (sides.charged.0, sides.right.0);
        let difference = right_now.minus(charged_now)?;
        if difference.is_zero() {
            continue;
        }
        let list = sides.right.1.minus(sides.charged.1)?;
        if let Some((is_right, place)) = sides.pattern {
            let table = if is_right { right } else { charged };
            if let Some(row) = table.rows.get(place) {
                post(&mut posted, table, row, (difference, list), cause);
            }
        }
        corrections.push(Correction {
            key,
            charged: charged_now,
            right: right_now,
            difference,
        });
    }
    Ok((corrections, posted))
}

/// What was charged for one key and what is right, each as amount and list amount, and a row to copy names from.
#[derive(Default)]
struct Sides {
    charged: (Money, Money),
    right: (Money, Money),
    pattern: Option<(bool, usize)>,
}

fn post(
    posted: &mut ChargeTable,
    table: &ChargeTable,
    pattern: &ChargeRow,
    (amount, list): (Money, Money),
    cause: &str,
) {
    let names = &mut posted.names;
    let mut again = |name: u32| names.intern(table.names.text(name));
    let month = pattern.month.period();
    let row = ChargeRow {
        kind: ChargeKind::Correction,
        method: ChargeMethod::Difference,
        resource: again(pattern.resource),
        allocation: again(pattern.allocation),
        system: again(pattern.system),
        organisation: again(pattern.organisation),
        provider: again(pattern.provider),
        contract: again(pattern.contract),
        node: again(pattern.node),
        pool: again(pattern.pool),
        item: again(pattern.item),
        price: again(pattern.price),
        cause: 0,
        from: month.from(),
        to: month.to(),
        part: Ratio::ONE,
        factor: Factor::ONE,
        list,
        amount,
        ..*pattern
    };
    let cause = posted.names.intern(cause);
    posted.rows.push(ChargeRow { cause, ..row });
}
