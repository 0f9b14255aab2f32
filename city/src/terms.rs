//! The three contracts of the demo, different on purpose, and the versions of their price books.

use crate::calendar::Calendar;
use crate::market::{ITEMS, Item, Model};
use crate::words::DEMO;
use domain::catalogue::{Proration, ServiceForm, TierScope};
use domain::registry::{PoolKind, ResourceKind};
use kernel::{Day, Factor, Quantity, UnitPrice};

/// One provider with its node and contract.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) code: &'static str,
    pub(crate) name: String,
    pub(crate) node: &'static str,
    pub(crate) node_name: String,
    pub(crate) contract: String,
    pub(crate) lot: &'static str,
    pub(crate) starts: Day,
    pub(crate) ends: Day,
    pub(crate) ceiling: &'static str,
    pub(crate) proration: Proration,
    pub(crate) tolerance: &'static str,
    pub(crate) sla: Sla,
    pub(crate) commitment: String,
    /// In order of the day on which they begin to hold.
    pub(crate) books: Vec<Book>,
}

/// Service level terms, as a clerk writes them.
#[derive(Debug)]
pub(crate) struct Sla {
    pub(crate) counted_from_s: &'static str,
    pub(crate) rounding: &'static str,
    pub(crate) tiers: &'static str,
    pub(crate) cap: &'static str,
}

/// One version of a price book.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) version: usize,
    pub(crate) from: Day,
    pub(crate) lines: Vec<Line>,
}

/// One price of a book.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Place in [`ITEMS`].
    pub(crate) item: usize,
    pub(crate) pool: Option<PoolKind>,
    pub(crate) model: Model,
    pub(crate) discount: &'static str,
    pub(crate) ceiling: &'static str,
    pub(crate) cap: &'static str,
    pub(crate) clause: String,
}

impl Book {
    /// The price of an item in a pool: the line that names the pool before the one that does not.
    pub(crate) fn line(&self, item: usize, pool: Option<PoolKind>) -> Option<&Line> {
        let named = self
            .lines
            .iter()
            .find(|line| line.item == item && line.pool.is_some() && line.pool == pool);
        named.or_else(|| self.lines.iter().find(|line| line.item == item && line.pool.is_none()))
    }
}

/// Month of the history in whose middle the first provider's prices change.
pub(crate) const CHANGE_FIRST: usize = 4;
/// The same for the second provider.
pub(crate) const CHANGE_SECOND: usize = 7;
/// The monthly cap of the first provider on Internet bandwidth by 95th percentile, in fen.
pub(crate) const BANDWIDTH_CAP: &str = "6000.00";

/// The providers with their contracts, the round having been half a year before the history begins.
pub(crate) fn providers(calendar: &Calendar) -> Vec<Provider> {
    let round = calendar.month(0).plus(-6);
    let (starts, ends) = (round.first_day(), round.plus(36).first_day());
    let contract = |lot: usize| format!("ZWY-{}-{lot:02}", round.year());
    let books = |provider: usize| -> Vec<Book> {
        let mut books = vec![Book {
            version: 1,
            from: starts,
            lines: lines(provider, 1),
        }];
        let change = match provider {
            0 => CHANGE_FIRST,
            1 => CHANGE_SECOND,
            _ => usize::MAX,
        };
        if change < calendar.count() {
            books.push(Book {
                version: 2,
                from: calendar.day(change, 15),
                lines: lines(provider, 2),
            });
        }
        books
    };
    let provider =
        |place: usize, (code, node), (name, node_name), ceiling, proration, tolerance, sla, commitment: &str| {
            Provider {
                code,
                name: format!("{name}{DEMO}"),
                node,
                node_name: format!("{node_name}{DEMO}"),
                contract: contract(place + 1),
                lot: ["第一分包", "第二分包", "第三分包"]
                    .get(place)
                    .copied()
                    .unwrap_or_default(),
                starts,
                ends,
                ceiling,
                proration,
                tolerance,
                sla,
                commitment: commitment.to_owned(),
                books: books(place),
            }
        };
    let first = Sla {
        counted_from_s: "300",
        rounding: "按秒",
        tiers: "0.999:0.10;0.95:0.25;0.90:1",
        cap: "1",
    };
    let second = Sla {
        counted_from_s: "60",
        rounding: "进到整分钟",
        tiers: "0.9995:0.05;0.99:0.15;0.95:0.30",
        cap: "0.30",
    };
    let third = Sla {
        counted_from_s: "300",
        rounding: "进到整分钟",
        tiers: "0.999:0.10;0.99:0.30",
        cap: "0.50",
    };
    vec![
        provider(
            0,
            ("P1", "N1"),
            ("甲云公司", "甲云城东节点"),
            "60000000.00",
            Proration::ByDay,
            "0.05",
            first,
            "",
        ),
        provider(
            1,
            ("P2", "N2"),
            ("乙云公司", "乙云城西节点"),
            "45000000.00",
            Proration::BySecond,
            "0.10",
            second,
            "",
        ),
        provider(
            2,
            ("P3", "N3"),
            ("丙云公司", "丙云城北节点"),
            "30000000.00",
            Proration::FullMonthAfter(15),
            "0.05",
            third,
            "500.00@A001:BAK-ECS,BAK-DB",
        ),
    ]
}

fn lines(provider: usize, version: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (place, item) in ITEMS.iter().enumerate() {
        let line = Line {
            item: place,
            pool: None,
            model: model(provider, version, item),
            discount: discount(provider, item),
            ceiling: ceiling(&item.model),
            cap: if provider == 0 && item.code == "BW-P95" {
                BANDWIDTH_CAP
            } else {
                ""
            },
            clause: format!("附件二第{}条（{}）", place + 1, item.from.zh()),
        };
        // The second provider has its own price for fast disks in the Xinchuang pool.
        if provider == 1 && item.code == "VOL-SSD" {
            let dearer = Line {
                pool: Some(PoolKind::Xinchuang),
                discount: "0.95",
                ..line.clone()
            };
            lines.push(dearer);
        }
        lines.push(line);
    }
    lines
}

fn model(provider: usize, version: usize, item: &Item) -> Model {
    match (provider, version, item.code) {
        (0, 2, "ECS-X86-CPU") => Model::Flat("43"),
        (0, 2, "ECS-X86-MEM") => Model::Flat("16"),
        (0, 2, "VOL-SSD") => Model::Flat("0.63"),
        (1, 2, "ECS-X86-CPU") => Model::Flat("44"),
        (1, 2, "VOL-SSD") => Model::Flat("0.66"),
        (1, _, "OBS-STD") => Model::Volume(&[("8000", "0.09"), ("", "0.08")], TierScope::Organisation),
        _ => item.model,
    }
}

fn discount(provider: usize, item: &Item) -> &'static str {
    let work =
        item.kind == ResourceKind::Work || matches!(item.form, ServiceForm::CabinetHosting | ServiceForm::IndustryLine);
    match (provider, work, item.pool) {
        (_, true, _) => "1",
        (0 | 1, false, Some(PoolKind::Xinchuang)) => "0.95",
        (0, false, _) => "0.8",
        (1, false, _) => "0.825",
        (_, false, Some(PoolKind::Xinchuang)) => "0.85",
        _ => "0.75",
    }
}

/// The list price: no price of a unit may be above it.
fn ceiling(model: &Model) -> &'static str {
    match model {
        Model::Flat(price) | Model::OneOff(price) => price,
        Model::Package { beyond, .. } => beyond,
        Model::Graduated(tiers) | Model::Volume(tiers, _) => {
            let dearest = tiers
                .iter()
                .max_by_key(|(_, price)| price.parse::<UnitPrice>().unwrap_or_default());
            dearest.map_or("", |(_, price)| price)
        }
    }
}

/// A decimal of the tables above in millionths. They are constants, and a test reads them all.
pub(crate) fn micros(text: &str) -> i128 {
    i128::from(text.parse::<Quantity>().unwrap_or_default().micros())
}

/// The discount in millionths.
pub(crate) fn factor(text: &str) -> i128 {
    i128::from(text.parse::<Factor>().unwrap_or(Factor::ONE).micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::catalogue::{PriceBook, PriceLine, PriceModel, PriceScope, Tier};

    fn domain_model(model: &Model) -> PriceModel {
        let tiers = |tiers: &[(&str, &str)]| -> Vec<Tier> {
            let tier = |(up_to, price): &(&str, &str)| Tier {
                up_to: up_to.parse().ok(),
                price: price.parse().unwrap(),
            };
            tiers.iter().map(tier).collect()
        };
        match model {
            Model::Flat(price) => PriceModel::Flat {
                price: price.parse().unwrap(),
            },
            Model::OneOff(price) => PriceModel::OneOff {
                price: price.parse().unwrap(),
            },
            Model::Graduated(list) => PriceModel::Graduated {
                tiers: tiers(list),
                scope: TierScope::Resource,
            },
            Model::Volume(list, scope) => PriceModel::Volume {
                tiers: tiers(list),
                scope: *scope,
            },
            Model::Package {
                price,
                included,
                beyond,
            } => PriceModel::Package {
                price: price.parse().unwrap(),
                included: included.parse().unwrap(),
                beyond: beyond.parse().unwrap(),
            },
        }
    }

    #[test]
    fn the_books_keep_their_ceilings_and_every_model_is_used() {
        let calendar = Calendar::new("2026-06".parse().unwrap(), 13);
        let providers = providers(&calendar);
        let versions: Vec<_> = providers.iter().map(|p| p.books.len()).collect();
        assert_eq!(versions, [2, 2, 1]);
        for provider in &providers {
            for book in &provider.books {
                let lines = book.lines.iter().map(|line| PriceLine {
                    item: ITEMS[line.item].code.parse().unwrap(),
                    scope: PriceScope {
                        node: None,
                        pool: line.pool,
                    },
                    model: domain_model(&line.model),
                    discount: line.discount.parse().unwrap(),
                    ceiling: Some(line.ceiling.parse().unwrap()),
                    cap: (!line.cap.is_empty()).then(|| line.cap.parse().unwrap()),
                    clause: line.clause.clone(),
                });
                let book = PriceBook {
                    contract: provider.contract.parse().unwrap(),
                    version: 1,
                    effective_from: book.from,
                    source: String::new(),
                    approver: String::new(),
                    lines: lines.collect(),
                };
                assert_eq!(book.faults(), []);
            }
        }
        let all: Vec<_> = providers[1].books[0].lines.iter().map(|line| line.model).collect();
        assert!(all.iter().any(|m| matches!(m, Model::Graduated(_))));
        assert!(
            all.iter()
                .any(|m| matches!(m, Model::Volume(_, TierScope::Organisation)))
        );
        assert!(all.iter().any(|m| matches!(m, Model::Package { .. })));
        assert!(all.iter().any(|m| matches!(m, Model::OneOff(_))));
    }
}
