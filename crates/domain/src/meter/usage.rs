//! Usage intervals: who used how much of what, from when to when. Rows of numbers over a table of names.

use kernel::{Digest, Digester, Instant, Interner, Period, Quantity};

/// One usage interval. Names are numbers of [`UsageTable::names`]; the empty name stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// `node/native id` of the resource, or the allocation's code for what no node lists.
    pub resource: u32,
    /// Order number of the allocation.
    pub allocation: u32,
    /// System it was used for.
    pub system: u32,
    /// Organisation that answers for the system in this interval.
    pub organisation: u32,
    /// Provider of the node.
    pub provider: u32,
    /// Contract it is charged under.
    pub contract: u32,
    /// Node.
    pub node: u32,
    /// Pool, or the empty name.
    pub pool: u32,
    /// Word of the pool's kind, or the empty name.
    pub pool_kind: u32,
    /// Item of the catalogue that charges it.
    pub item: u32,
    /// How much, in millionths of the item's unit.
    pub quantity: Quantity,
    /// First moment.
    pub from: Instant,
    /// First moment after.
    pub to: Instant,
}

impl UsageRow {
    /// The interval. None only for a row that breaks the invariant `from < to`.
    pub fn period(&self) -> Option<Period> {
        Period::new(self.from, self.to).ok()
    }
}

/// The usage of a month, in a fixed order: by resource, item, then start.
#[derive(Debug, Clone, Default)]
pub struct UsageTable {
    /// The names that rows speak of.
    pub names: Interner,
    /// The rows.
    pub rows: Vec<UsageRow>,
}

impl UsageTable {
    /// Puts the rows into the fixed order, so that the order of the input does not matter.
    pub fn sort(&mut self) {
        let names = &self.names;
        self.rows.sort_by(|a, b| {
            let key = |r: &UsageRow| {
                (
                    names.text(r.resource),
                    names.text(r.item),
                    r.from,
                    names.text(r.allocation),
                )
            };
            key(a).cmp(&key(b))
        });
    }

    /// A digest over all rows and their names; independent of the numbers names happen to have.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        for row in &self.rows {
            let names = [
                row.resource,
                row.allocation,
                row.system,
                row.organisation,
                row.provider,
                row.contract,
                row.node,
                row.pool,
                row.pool_kind,
                row.item,
            ];
            for name in names {
                digester.text(self.names.text(name));
            }
            digester
                .number(row.quantity.micros())
                .number(row.from.unix_s())
                .number(row.to.unix_s());
        }
        digester.finish()
    }
}
