//! Charge lines: rows of numbers over a table of names.

use crate::registry::words;
use kernel::{Digest, Digester, Factor, Instant, Interner, Money, MoneyError, Month, Quantity, Ratio};
use std::collections::BTreeMap;

words! {
    /// What a charge line is for.
    ChargeKind {
        /// Use of a resource in the month.
        Usage = "usage", "使用";
        /// Work, charged once.
        OneOff = "one_off", "一次性";
        /// What is missing to a minimum commitment.
        Commitment = "commitment", "最低承诺补差";
        /// A correction of a closed month.
        Correction = "correction", "更正";
    }
}

words! {
    /// How the amount came about, where it is not simply the price of the quantity.
    ChargeMethod {
        /// Price of the quantity.
        Direct = "direct", "直接计价";
        /// A share of a tiered price that was reckoned over several resources.
        SharedTier = "shared_tier", "阶梯合并分摊";
        /// A share of a cap.
        Capped = "capped", "封顶分摊";
        /// The difference to a minimum.
        Shortfall = "shortfall", "补足差额";
        /// The difference between what was charged and what is right.
        Difference = "difference", "重算差额";
    }
}

/// One charge line. Names are numbers of [`ChargeTable::names`]; the empty name stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeRow {
    /// What it is for.
    pub kind: ChargeKind,
    /// How the amount came about.
    pub method: ChargeMethod,
    /// `node/native id` of the resource, or the allocation's code for what no node lists.
    pub resource: u32,
    /// Allocation.
    pub allocation: u32,
    /// System.
    pub system: u32,
    /// Organisation that is charged.
    pub organisation: u32,
    /// Provider that is paid.
    pub provider: u32,
    /// Contract.
    pub contract: u32,
    /// Node.
    pub node: u32,
    /// Pool, or the empty name.
    pub pool: u32,
    /// Item.
    pub item: u32,
    /// Price book version and clause: `contract/v2#clause`.
    pub price: u32,
    /// For a correction: why it was needed. Else the empty name.
    pub cause: u32,
    /// The month it is charged for; for a correction the month that is corrected.
    pub month: Month,
    /// Quantity, in millionths of the item's unit.
    pub quantity: Quantity,
    /// First moment of the interval.
    pub from: Instant,
    /// First moment after the interval.
    pub to: Instant,
    /// The part of the price term that is charged.
    pub part: Ratio,
    /// The factor on the list price.
    pub factor: Factor,
    /// At list price, before factor and cap.
    pub list: Money,
    /// What is charged.
    pub amount: Money,
}

/// By what two sets of lines of one month are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChargeKey {
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// Allocation.
    pub allocation: String,
    /// System.
    pub system: String,
    /// Organisation.
    pub organisation: String,
    /// Contract.
    pub contract: String,
}

/// The lines of one month, in a fixed order. The number of a line is its place, from 1.
#[derive(Debug, Clone, Default)]
pub struct ChargeTable {
    /// The names that rows speak of.
    pub names: Interner,
    /// The rows.
    pub rows: Vec<ChargeRow>,
}

impl ChargeTable {
    /// The sum of all lines.
    pub fn total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.rows.iter().map(|row| row.amount))
    }

    /// Sums of amounts by whatever `key` gives, in order of the keys.
    pub fn sums<K: Ord>(&self, key: impl Fn(&Interner, &ChargeRow) -> K) -> Result<BTreeMap<K, Money>, MoneyError> {
        let mut sums = BTreeMap::new();
        for row in &self.rows {
            let sum = sums.entry(key(&self.names, row)).or_insert(Money::ZERO);
            *sum = sum.plus(row.amount)?;
        }
        Ok(sums)
    }

    /// The key of a row.
    pub fn key(&self, row: &ChargeRow) -> ChargeKey {
        let text = |name: u32| self.names.text(name).to_owned();
        ChargeKey {
            resource: text(row.resource),
            item: text(row.item),
            allocation: text(row.allocation),
            system: text(row.system),
            organisation: text(row.organisation),
            contract: text(row.contract),
        }
    }

    /// Adds the rows of another table, translating its names.
    pub fn append(&mut self, other: &Self) {
        let map: Vec<u32> = other.names.texts().map(|text| self.names.intern(text)).collect();
        let empty = self.names.intern("");
        let name = |n: u32| {
            usize::try_from(n)
                .ok()
                .and_then(|n| map.get(n).copied())
                .unwrap_or(empty)
        };
        self.rows.extend(other.rows.iter().map(|row| ChargeRow {
            resource: name(row.resource),
            allocation: name(row.allocation),
            system: name(row.system),
            organisation: name(row.organisation),
            provider: name(row.provider),
            contract: name(row.contract),
            node: name(row.node),
            pool: name(row.pool),
            item: name(row.item),
            price: name(row.price),
            cause: name(row.cause),
            ..*row
        }));
    }

    /// A digest over all rows and their names; independent of the numbers names happen to have.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        for row in &self.rows {
            digester.text(row.kind.word()).text(row.method.word());
            let names = [
                row.resource,
                row.allocation,
                row.system,
                row.organisation,
                row.provider,
                row.contract,
                row.node,
                row.pool,
                row.item,
                row.price,
                row.cause,
            ];
            for name in names {
                digester.text(self.names.text(name));
            }
            digester.number(row.month.first_day().epoch_days());
            let numbers = [
                row.quantity.micros(),
                row.from.unix_s(),
                row.to.unix_s(),
                row.part.num(),
                row.part.den(),
            ];
            for number in numbers
                .into_iter()
                .chain([row.factor.micros(), row.list.fen(), row.amount.fen()])
            {
                digester.number(number);
            }
        }
        digester.finish()
    }
}
