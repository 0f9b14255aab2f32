//! Which price holds when: the versions of a contract's price book, resolved for one item at one place.

use super::FlatRate;
use crate::catalogue::{Contract, PriceBook, PriceLine, PriceModel, Proration};
use crate::registry::PoolKind;
use kernel::{Factor, Instant, ItemCode, NodeCode, Period};
use std::collections::{BTreeMap, HashMap};

/// The price of one item at one place over a stretch of time.
#[derive(Debug, Clone)]
pub struct TariffPart {
    /// When it holds.
    pub period: Period,
    /// Price, model, discount, cap.
    pub line: PriceLine,
    /// Version and clause it comes from: `contract/v2#clause`.
    pub label: String,
    /// Ready to apply, if the model is flat: with the discount, and at list price.
    pub flat: Option<(FlatRate, FlatRate)>,
}

/// The prices of one item at one place over a month, and how parts of it are charged.
#[derive(Debug, Clone)]
pub struct Tariff {
    /// The prices, in order of time. A stretch without a part has no price.
    pub parts: Vec<TariffPart>,
    /// How a part of the month is charged.
    pub proration: Proration,
}

/// What identifies a tariff: contract, item, node and kind of pool, by name.
pub(super) type TariffKey<'n> = (&'n str, &'n str, &'n str, &'n str);

/// All tariffs of a month, each resolved once.
#[derive(Debug, Default)]
pub struct Tariffs {
    books: BTreeMap<String, Vec<PriceBook>>,
    contracts: BTreeMap<String, Contract>,
}

impl Tariffs {
    /// From the price books and contracts that may matter.
    pub fn new(books: impl IntoIterator<Item = PriceBook>, contracts: impl IntoIterator<Item = Contract>) -> Self {
        let mut by_contract: BTreeMap<String, Vec<PriceBook>> = BTreeMap::new();
        for book in books {
            by_contract.entry(book.contract.to_string()).or_default().push(book);
        }
        by_contract
            .values_mut()
            .for_each(|books| books.sort_by_key(|b| b.version));
        Self {
            books: by_contract,
            contracts: contracts.into_iter().map(|c| (c.code.to_string(), c)).collect(),
        }
    }

    /// The contracts, by number.
    pub const fn contracts(&self) -> &BTreeMap<String, Contract> {
        &self.contracts
    }

    /// The price book version with this label, if there is one.
    pub fn book(&self, label: &str) -> Option<&PriceBook> {
        self.books.values().flatten().find(|book| book.label() == label)
    }

    /// The tariff of an item at a place over a month. At each moment the newest version holds whose day has come: a
    /// version that is backdated replaces whatever older ones say from its day on.
    pub fn resolve(&self, (contract, item, node, pool): TariffKey<'_>, month: Period) -> Tariff {
        let proration = self.contracts.get(contract).map_or(Proration::ByDay, |c| c.proration);
        let books = self.books.get(contract).map(Vec::as_slice).unwrap_or_default();
        let (node, pool) = (node.parse::<NodeCode>().ok(), pool.parse::<PoolKind>().ok());
        let Ok(item) = item.parse::<ItemCode>() else {
            return Tariff {
                parts: Vec::new(),
                proration,
            };
        };
        let mut parts = Vec::new();
        for (place, book) in books.iter().enumerate() {
            let from = book.effective_from.start();
            let next = books
                .iter()
                .skip(place + 1)
                .map(|b| b.effective_from.start())
                .min()
                .unwrap_or(Instant::MAX);
            let Some(period) = Period::new(from, next).ok().and_then(|p| p.and(month)) else {
                continue;
            };
            let Some(line) = book.line(&item, node.as_ref(), pool) else {
                continue;
            };
            let flat = match &line.model {
                PriceModel::Flat { price } => {
                    Some((FlatRate::new(*price, line.discount), FlatRate::new(*price, Factor::ONE)))
                }
                _ => None,
            };
            parts.push(TariffPart {
                period,
                line: line.clone(),
                label: format!("{}#{}", book.label(), line.clause),
                flat,
            });
        }
        parts.sort_by_key(|part: &TariffPart| part.period);
        Tariff { parts, proration }
    }

    /// Resolves every key once; the number of a key in `order` is the place of its tariff.
    pub(super) fn resolve_all(&self, keys: &[TariffKey<'_>], month: Period) -> Vec<Tariff> {
        keys.iter().map(|key| self.resolve(*key, month)).collect()
    }
}

/// Numbers keys in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct TariffNumbers {
    numbers: HashMap<[u32; 4], usize>,
    keys: Vec<[u32; 4]>,
}

impl TariffNumbers {
    pub(super) fn number(&mut self, key: [u32; 4]) -> usize {
        *self.numbers.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.keys.len() - 1
        })
    }

    pub(super) fn keys(&self) -> &[[u32; 4]] {
        &self.keys
    }
}
