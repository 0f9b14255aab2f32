//! Price books: the prices of one contract, in versions.

use super::{PriceModel, PriceModelError};
use crate::registry::PoolKind;
use kernel::{ContractCode, Day, Factor, ItemCode, Money, NodeCode, UnitPrice};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// Where a price holds; what is left open holds everywhere. The price with most conditions wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct PriceScope {
    /// Only on this node.
    pub node: Option<NodeCode>,
    /// Only in a pool of this kind.
    pub pool: Option<PoolKind>,
}

impl PriceScope {
    /// How many conditions are met, or none if one is not.
    pub fn fit(&self, node: Option<&NodeCode>, pool: Option<PoolKind>) -> Option<usize> {
        let conditions = [
            self.node.as_ref().map(|n| Some(n) == node),
            self.pool.map(|p| Some(p) == pool),
        ];
        let asked = conditions.iter().flatten();
        asked.clone().all(|met| *met).then(|| asked.count())
    }
}

/// One price of a book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceLine {
    /// The item it is for.
    pub item: ItemCode,
    /// Where it holds.
    pub scope: PriceScope,
    /// The model with its list prices.
    pub model: PriceModel,
    /// What the list price is multiplied with.
    pub discount: Factor,
    /// No unit price above this is accepted (R30); none if the authority set no ceiling.
    pub ceiling: Option<UnitPrice>,
    /// At most this much per resource and month; none for no cap.
    pub cap: Option<Money>,
    /// The clause or list it comes from.
    pub clause: String,
}

/// The prices of one contract from one day on, until its next version.
///
/// Invariant: once its day has come, a version never changes; a new version corrects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBook {
    /// The contract.
    pub contract: ContractCode,
    /// Counted from 1 without gaps.
    pub version: u32,
    /// The first day on which it holds.
    pub effective_from: Day,
    /// Where it comes from: the decision, notice or list.
    pub source: String,
    /// Who approved it.
    pub approver: String,
    /// Its prices.
    pub lines: Vec<PriceLine>,
}

/// Why a price book is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PriceBookError {
    /// No prices.
    #[error("价目为空")]
    Empty,
    /// The tiers are not in order.
    #[error("条目 {0}: {1}")]
    Model(ItemCode, PriceModelError),
    /// R30.
    #[error("条目 {item} 的单价 {price} 元高于最高限价 {ceiling} 元")]
    AboveCeiling {
        /// The item.
        item: ItemCode,
        /// Its unit price.
        price: UnitPrice,
        /// The ceiling.
        ceiling: UnitPrice,
    },
    /// The same item and scope twice.
    #[error("条目 {0} 在同一适用范围内出现了两次")]
    Twice(ItemCode),
}

impl PriceBook {
    /// Whether this later version took the place of another before that held a single day.
    pub fn replaces(&self, other: &Self) -> bool {
        self.contract == other.contract && self.version > other.version && self.effective_from <= other.effective_from
    }

    /// Whether it holds on any day before `end`: its day comes before, and none of `all` versions replaces it.
    pub fn ever_holds<'b>(&self, end: Day, all: impl IntoIterator<Item = &'b Self>) -> bool {
        self.effective_from < end && !all.into_iter().any(|other| other.replaces(self))
    }

    /// Every fault of the book.
    pub fn faults(&self) -> Vec<PriceBookError> {
        let mut faults = Vec::new();
        if self.lines.is_empty() {
            faults.push(PriceBookError::Empty);
        }
        let mut seen = BTreeSet::new();
        for line in &self.lines {
            if !seen.insert((&line.item, &line.scope)) {
                faults.push(PriceBookError::Twice(line.item.clone()));
            }
            faults.extend(
                line.model
                    .check()
                    .err()
                    .map(|e| PriceBookError::Model(line.item.clone(), e)),
            );
            let price = line.model.dearest_unit();
            if let Some(ceiling) = line.ceiling.filter(|ceiling| price > *ceiling) {
                faults.push(PriceBookError::AboveCeiling {
                    item: line.item.clone(),
                    price,
                    ceiling,
                });
            }
        }
        faults
    }

    /// The price of an item at a place: of those that fit, the one with most conditions; of equals, the first.
    pub fn line(&self, item: &ItemCode, node: Option<&NodeCode>, pool: Option<PoolKind>) -> Option<&PriceLine> {
        let fitting = self.lines.iter().filter(|line| line.item == *item);
        let ranked = fitting.filter_map(|line| Some((line.scope.fit(node, pool)?, line)));
        ranked
            .fold(None, |best: Option<(usize, &PriceLine)>, next| match best {
                Some(best) if best.0 >= next.0 => Some(best),
                _ => Some(next),
            })
            .map(|(_, line)| line)
    }

    /// What it is called in a charge line: contract, version.
    pub fn label(&self) -> String {
        format!("{}/v{}", self.contract, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_was_replaced_before_its_day_never_holds() {
        let book = |version, from: &str| PriceBook {
            contract: "HT-1".parse().unwrap(),
            version,
            effective_from: from.parse().unwrap(),
            source: String::new(),
            approver: String::new(),
            lines: Vec::new(),
        };
        let all = [book(1, "2026-01-01"), book(2, "2026-06-01"), book(3, "2026-05-01")];
        let holds = |end: &str| {
            let end = end.parse().unwrap();
            all.iter().map(|book| book.ever_holds(end, &all)).collect::<Vec<_>>()
        };
        assert_eq!(holds("2026-05-01"), [true, false, false]);
        assert_eq!(holds("2026-07-01"), [true, false, true]);
    }
}
