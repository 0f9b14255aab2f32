//! The clause of a price book that a charge line names, and how its price is written.
//!
//! A line names its version and clause for ever, so the clause is looked up by that version, never by what would be in
//! force today: a later version may have been backdated since.

use crate::names::Names;
use domain::catalogue::{PriceBook, PriceLine, PriceModel};
use domain::rate::ChargeRow;
use kernel::{Interner, UnitPrice};
use std::collections::{BTreeMap, HashMap};

const MICRO: i128 = 1_000_000;

/// All versions of all price books.
pub(crate) struct PriceClauses {
    books: BTreeMap<String, PriceBook>,
}

impl PriceClauses {
    /// From the books of the store.
    pub(crate) fn new(books: Vec<PriceBook>) -> Self {
        Self {
            books: books.into_iter().map(|book| (book.label(), book)).collect(),
        }
    }

    /// The version that a line's price names.
    pub(crate) fn book(&self, price: &str) -> Option<&PriceBook> {
        let (version, _) = price.split_once('#')?;
        self.books.get(version)
    }

    /// The price a line was charged at; none for what has no price of its own, such as a commitment.
    pub(crate) fn of(&self, names: &Names, texts: &Interner, row: &ChargeRow) -> Option<&PriceLine> {
        let item = texts.text(row.item).parse().ok()?;
        let node = texts.text(row.node).parse().ok();
        let pool = names.pool_kind(texts.text(row.pool), row.from);
        self.book(texts.text(row.price))?.line(&item, node.as_ref(), pool)
    }
}

/// Finds clauses for the rows of one table, each price and place once.
pub(crate) struct ClauseFinder<'a> {
    clauses: &'a PriceClauses,
    names: &'a Names,
    found: HashMap<[u32; 4], Option<&'a PriceLine>>,
}

impl<'a> ClauseFinder<'a> {
    /// For the rows of one table: their names must not change their numbers meanwhile.
    pub(crate) fn new(clauses: &'a PriceClauses, names: &'a Names) -> Self {
        Self {
            clauses,
            names,
            found: HashMap::new(),
        }
    }

    /// As [`PriceClauses::of`].
    pub(crate) fn find(&mut self, texts: &Interner, row: &ChargeRow) -> Option<&'a PriceLine> {
        let key = [row.price, row.item, row.node, row.pool];
        *self
            .found
            .entry(key)
            .or_insert_with(|| self.clauses.of(self.names, texts, row))
    }
}

/// The price of one unit after discount, if the model knows one and it is a whole number of millionths.
pub(crate) fn contracted_price(line: &PriceLine) -> Option<UnitPrice> {
    let (PriceModel::Flat { price } | PriceModel::OneOff { price }) = &line.model else {
        return None;
    };
    let exact = i128::from(price.micros()) * i128::from(line.discount.micros());
    let micros = i64::try_from(exact / MICRO).ok().filter(|_| exact % MICRO == 0)?;
    Some(UnitPrice::from_micros(micros))
}

/// The list price of one unit, if the model knows one.
pub(crate) const fn list_price(line: &PriceLine) -> Option<UnitPrice> {
    match &line.model {
        PriceModel::Flat { price } | PriceModel::OneOff { price } => Some(*price),
        PriceModel::Graduated { .. } | PriceModel::Volume { .. } | PriceModel::Package { .. } => None,
    }
}

/// The contracted price as documents write it: `39.1`, or the model's word where there is no price of one unit.
pub(crate) fn price_words(line: &PriceLine) -> String {
    match &line.model {
        PriceModel::Flat { price } | PriceModel::OneOff { price } => {
            contracted_price(line).map_or_else(|| format!("{price}×{}", line.discount), |price| price.to_string())
        }
        PriceModel::Graduated { .. } | PriceModel::Volume { .. } => "阶梯".to_owned(),
        PriceModel::Package { .. } => "套餐".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::catalogue::{PriceScope, Tier, TierScope};
    use kernel::Quantity;

    fn line(model: PriceModel, discount: &str) -> PriceLine {
        PriceLine {
            item: "ECS-CPU".parse().unwrap(),
            scope: PriceScope::default(),
            model,
            discount: discount.parse().unwrap(),
            ceiling: None,
            cap: None,
            clause: "附件二第1条".to_owned(),
        }
    }

    fn flat(price: &str, discount: &str) -> PriceLine {
        line(
            PriceModel::Flat {
                price: price.parse().unwrap(),
            },
            discount,
        )
    }

    #[test]
    fn a_price_is_written_after_discount_without_a_digit_lost() {
        assert_eq!(price_words(&flat("46", "0.85")), "39.1");
        assert_eq!(price_words(&flat("46", "1")), "46");
        // 0.000001 x 0.5 has seven decimals: more than a price holds, so both figures are shown.
        assert_eq!(price_words(&flat("0.000001", "0.5")), "0.000001×0.5");
        assert_eq!(contracted_price(&flat("0.000001", "0.5")), None);
        assert_eq!(list_price(&flat("46", "0.85")), Some("46".parse().unwrap()));
    }

    #[test]
    fn models_without_a_unit_price_are_named() {
        let tiers = vec![Tier {
            up_to: None,
            price: "1".parse().unwrap(),
        }];
        let graduated = PriceModel::Graduated {
            tiers,
            scope: TierScope::Resource,
        };
        assert_eq!(price_words(&line(graduated, "1")), "阶梯");
        let price = "1020".parse().unwrap();
        let package = line(
            PriceModel::Package {
                price,
                included: Quantity::ONE,
                beyond: price,
            },
            "1",
        );
        assert_eq!((price_words(&package).as_str(), list_price(&package)), ("套餐", None));
    }
}
