//! What must hold of any bill: sums, tiers, caps, differences, a year of months.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod dice;
#[expect(dead_code, reason = "other tests use the rest")]
mod scenario;

use dice::Dice;
use domain::catalogue::{Contract, PriceBook, PriceLine, PriceModel, PriceScope, Proration, Tier, TierScope};
use domain::meter::{UsageRow, UsageTable};
use domain::rate::{ChargeTable, RateInput, Tariffs, rate_month};
use domain::reconcile::{BillLine, ProviderBill, reconcile};
use domain::settle::{Settled, SlaDeduction, StatementScope, make_statements};
use kernel::{Factor, Money, Month, Period, Quantity, UnitPrice};
use scenario::Scenario;
use std::collections::{BTreeMap, BTreeSet};

const PRORATIONS: [Proration; 4] = [
    Proration::ByDay,
    Proration::BySecond,
    Proration::WholeMonth,
    Proration::FullMonthAfter(15),
];

fn march() -> Month {
    "2026-03".parse().unwrap()
}

fn contract(proration: Proration) -> Contract {
    Contract {
        proration,
        ..Scenario::load("full-month").contracts().remove(0)
    }
}

fn price(item: &str, model: PriceModel, cap: Option<i64>) -> PriceLine {
    PriceLine {
        item: item.parse().unwrap(),
        scope: PriceScope::default(),
        model,
        discount: "0.85".parse().unwrap(),
        ceiling: None,
        cap: cap.map(Money::from_fen),
        clause: item.to_owned(),
    }
}

fn tiers() -> Vec<Tier> {
    let tier = |up_to: Option<&str>, price: &str| Tier {
        up_to: up_to.map(|u| u.parse().unwrap()),
        price: price.parse().unwrap(),
    };
    vec![
        tier(Some("5"), "20"),
        tier(Some("12.5"), "13.33"),
        tier(None, "7.777777"),
    ]
}

/// Eight items, one of every way to price, and a second version from the 15th on.
fn books() -> Vec<PriceBook> {
    let flat = |text: &str| PriceModel::Flat {
        price: text.parse().unwrap(),
    };
    let lines = |flat_price: &str| {
        vec![
            price("i0", flat(flat_price), None),
            price("i1", flat("0.31"), Some(333)),
            price(
                "i2",
                PriceModel::Graduated {
                    tiers: tiers(),
                    scope: TierScope::Resource,
                },
                None,
            ),
            price(
                "i3",
                PriceModel::Graduated {
                    tiers: tiers(),
                    scope: TierScope::Organisation,
                },
                Some(9_999),
            ),
            price(
                "i4",
                PriceModel::Volume {
                    tiers: tiers(),
                    scope: TierScope::System,
                },
                None,
            ),
            price(
                "i5",
                PriceModel::Volume {
                    tiers: tiers(),
                    scope: TierScope::Contract,
                },
                Some(5_000),
            ),
            price(
                "i6",
                PriceModel::OneOff {
                    price: "1200".parse().unwrap(),
                },
                None,
            ),
            price(
                "i7",
                PriceModel::Package {
                    price: "99.99".parse().unwrap(),
                    included: "3".parse().unwrap(),
                    beyond: "1.01".parse().unwrap(),
                },
                None,
            ),
        ]
    };
    let book = |version, from: &str, flat_price| PriceBook {
        contract: "C1".parse().unwrap(),
        version,
        effective_from: from.parse().unwrap(),
        source: String::new(),
        approver: String::new(),
        lines: lines(flat_price),
    };
    vec![book(1, "2025-01-01", "46"), book(2, "2026-03-15", "39.99")]
}

/// A bill's usage: some resources with a few stretches each, of any of the items.
fn usage(dice: &mut Dice) -> UsageTable {
    let mut table = UsageTable::default();
    let month = march().period();
    for resource in 0..=dice.below(4) {
        let item = dice.below(8);
        let mut from = month.from().plus_s(dice.below(20 * 86_400));
        for _ in 0..=dice.below(3) {
            let to = from.plus_s(1 + dice.below(9 * 86_400)).min(month.to());
            if to <= from {
                break;
            }
            let organisation = dice.below(3);
            let mut name = |kind: &str, n: i64| table.names.intern(&format!("{kind}{n}"));
            let row = UsageRow {
                resource: name("r", resource),
                allocation: name("a", resource),
                system: name("s", organisation),
                organisation: name("d", organisation),
                provider: name("P", 1),
                contract: name("C", 1),
                node: name("N", 1),
                pool: table.names.intern(""),
                pool_kind: table.names.intern(""),
                item: table.names.intern(&format!("i{item}")),
                quantity: Quantity::from_micros(dice.below(30_000_000)),
                from,
                to,
            };
            table.rows.push(row);
            from = if dice.below(2) == 0 {
                to
            } else {
                to.plus_s(dice.below(86_400))
            };
        }
    }
    table.sort();
    table
}

fn rate(usage: &UsageTable, tariffs: &Tariffs) -> ChargeTable {
    rate_month(&RateInput {
        month: march(),
        usage,
        tariffs,
    })
    .unwrap()
}

fn text(table: &ChargeTable, name: u32) -> String {
    table.names.text(name).to_owned()
}

#[test]
fn lines_sum_to_totals_on_a_hundred_thousand_bills() {
    let mut dice = Dice(2026);
    let tariffs: Vec<Tariffs> = PRORATIONS
        .iter()
        .map(|p| Tariffs::new(books(), [contract(*p)]))
        .collect();
    for round in 0..100_000_usize {
        let usage = usage(&mut dice);
        let table = rate(&usage, &tariffs[round % 4]);
        let total = table.total().unwrap();
        let by_owner = table
            .sums(|names, row| names.text(row.organisation).to_owned())
            .unwrap();
        assert_eq!(Money::sum(by_owner.values().copied()).unwrap(), total);
        let by_resource = table
            .sums(|names, row| (names.text(row.resource).to_owned(), names.text(row.item).to_owned()))
            .unwrap();
        assert_eq!(Money::sum(by_resource.values().copied()).unwrap(), total);
        for ((_, item), sum) in &by_resource {
            let cap = match item.as_str() {
                "i1" => 333,
                "i3" => 9_999,
                "i5" => 5_000,
                _ => i64::MAX,
            };
            assert!(Money::ZERO <= *sum && sum.fen() <= cap, "{item} {sum}");
        }
        let rated: BTreeSet<_> = by_resource.keys().map(|(resource, _)| resource.clone()).collect();
        let used: BTreeSet<_> = usage
            .rows
            .iter()
            .map(|row| usage.names.text(row.resource).to_owned())
            .collect();
        assert_eq!(rated, used, "whatever was used has a line, if only of 0.00");
        if round % 10 == 0 {
            statements_sum_up(&table, &mut dice);
        }
    }
}

/// Departments' statements sum to the provider's, items to charges, and payable is what is left.
fn statements_sum_up(table: &ChargeTable, dice: &mut Dice) {
    let bill = bill_of(table, dice);
    let differences = BTreeMap::from([(
        "P1".to_owned(),
        reconcile(table, &bill, Money::from_fen(1)).unwrap().differences,
    )]);
    let scope = StatementScope {
        provider: "P1".into(),
        organisation: Some("d0".into()),
    };
    let zero = Factor::ZERO;
    let deduction = SlaDeduction {
        resource: "r0".into(),
        availability: zero,
        down_s: 1,
        rate: zero,
        fee: Money::ZERO,
        amount: Money::from_fen(7),
        corrects: None,
    };
    let settled = Settled {
        differences,
        deductions: vec![(scope, deduction)],
        ..Settled::default()
    };
    let statements = make_statements(march(), table, &settled).unwrap();
    let (whole, departments): (Vec<_>, Vec<_>) = statements.iter().partition(|s| s.scope.organisation.is_none());
    assert_eq!(whole.len(), 1);
    let sum = |of: &dyn Fn(&domain::settle::Statement) -> Money| Money::sum(departments.iter().map(|s| of(s))).unwrap();
    assert_eq!(sum(&|s| s.payable), whole[0].payable);
    assert_eq!(sum(&|s| s.charges), table.total().unwrap());
    assert_eq!(
        sum(&|s| s.withheld_total().unwrap()),
        whole[0].withheld_total().unwrap()
    );
    for (place, statement) in statements.iter().enumerate() {
        assert!(
            statement.number.ends_with(&format!("{:04}", place + 1)),
            "numbers without gaps"
        );
        assert_eq!(
            Money::sum(statement.items.iter().map(|i| i.amount)).unwrap(),
            statement.charges
        );
        let left = statement.charges.minus(statement.withheld_total().unwrap()).unwrap();
        assert_eq!(
            left.minus(statement.deductions_total().unwrap()).unwrap(),
            statement.payable
        );
    }
}

/// A bill that is wrong in every way there is.
fn bill_of(table: &ChargeTable, dice: &mut Dice) -> ProviderBill {
    let mut lines = Vec::new();
    for row in &table.rows {
        let (mut amount, mut quantity) = (row.amount.fen(), row.quantity.micros());
        let (mut from, mut to, mut organisation) = (row.from, row.to, text(table, row.organisation));
        match dice.below(9) {
            0 => continue,
            1 => amount += dice.below(5) - 2,
            2 => amount *= 2,
            3 => quantity = dice.below(100_000_000),
            4 => {
                (from, to) = (
                    from.plus_s(-dice.below(86_400 * 40)),
                    to.plus_s(dice.below(86_400 * 40)),
                )
            }
            5 => organisation = "d9".into(),
            6 => (amount, quantity) = (dice.below(1_000_000_000), 0),
            _ => {}
        }
        lines.push(BillLine {
            line: u32::try_from(lines.len()).unwrap() + 1,
            resource: if dice.below(20) == 0 {
                "extra".into()
            } else {
                text(table, row.resource)
            },
            item: text(table, row.item).parse().unwrap(),
            organisation: organisation.parse().unwrap(),
            period: Period::new(from, to).unwrap(),
            quantity: Quantity::from_micros(quantity),
            unit_price: UnitPrice::ONE,
            amount: Money::from_fen(amount),
        });
    }
    ProviderBill {
        provider: "P1".parse().unwrap(),
        month: march(),
        version: 1,
        lines,
    }
}

#[test]
fn differences_by_class_sum_to_the_whole_difference() {
    let mut dice = Dice(7);
    let tariffs: Vec<Tariffs> = PRORATIONS
        .iter()
        .map(|p| Tariffs::new(books(), [contract(*p)]))
        .collect();
    let mut seen = BTreeSet::new();
    for round in 0..20_000_usize {
        let table = rate(&usage(&mut dice), &tariffs[round % 4]);
        let bill = bill_of(&table, &mut dice);
        let tolerance = Money::from_fen(dice.below(200));
        let result = reconcile(&table, &bill, tolerance).unwrap();
        assert_eq!(
            (result.ours, result.billed),
            (table.total().unwrap(), bill.total().unwrap())
        );
        let whole = result.billed.minus(result.ours).unwrap();
        assert_eq!(Money::sum(result.classes.values().map(|c| c.amount)).unwrap(), whole);
        assert_eq!(
            Money::sum(result.differences.iter().map(|d| d.difference)).unwrap(),
            whole
        );
        for difference in &result.differences {
            assert_eq!(
                Money::sum(difference.parts.iter().map(|(_, part)| *part)).unwrap(),
                difference.difference
            );
            assert!(!difference.tolerated || difference.difference.magnitude().unwrap() <= tolerance);
            seen.extend(difference.parts.iter().map(|(class, _)| *class));
        }
        assert!(result.undisputed <= result.ours.min(result.billed));
    }
    assert_eq!(
        seen.len(),
        domain::reconcile::DifferenceClass::ALL.len(),
        "every class came up"
    );
}

#[test]
fn an_equal_bill_has_no_difference() {
    let mut dice = Dice(11);
    let tariffs = Tariffs::new(books(), [contract(Proration::ByDay)]);
    for _ in 0..2_000 {
        let table = rate(&usage(&mut dice), &tariffs);
        let mut bill = bill_of(&ChargeTable::default(), &mut dice);
        for (n, row) in table.rows.iter().enumerate() {
            // What comes to nothing need not be billed.
            if row.amount.is_zero() && dice.below(2) == 0 {
                continue;
            }
            bill.lines.push(BillLine {
                line: u32::try_from(n).unwrap() + 1,
                resource: text(&table, row.resource),
                item: text(&table, row.item).parse().unwrap(),
                organisation: text(&table, row.organisation).parse().unwrap(),
                period: Period::new(row.from, row.to).unwrap(),
                quantity: row.quantity,
                unit_price: UnitPrice::ONE,
                amount: row.amount,
            });
        }
        let result = reconcile(&table, &bill, Money::ZERO).unwrap();
        let owner_only = |d: &domain::reconcile::Difference| d.difference.is_zero();
        assert!(result.differences.iter().all(owner_only) && result.undisputed == result.ours);
    }
}

#[test]
fn shared_tiers_come_to_the_price_of_the_mean_quantity() {
    // Reckoned here without the code under test: used unit days, tier by tier, each tier as wide as its bound x days.
    let mut dice = Dice(3);
    let one_book = vec![books().remove(0)];
    let tariffs = Tariffs::new(one_book, [contract(Proration::ByDay)]);
    for _ in 0..5_000 {
        let mut usage = usage(&mut dice);
        let shared = usage.names.intern("i3");
        usage.rows.iter_mut().for_each(|row| row.item = shared);
        usage.sort();
        let uncapped = {
            let mut lines = books().remove(0);
            lines.lines.iter_mut().for_each(|line| line.cap = None);
            Tariffs::new([lines], [contract(Proration::ByDay)])
        };
        let table = rate(&usage, &uncapped);
        let mut used: BTreeMap<String, i128> = BTreeMap::new();
        for row in &usage.rows {
            let days = row.period().unwrap().days();
            *used.entry(usage.names.text(row.organisation).to_owned()).or_default() +=
                i128::from(row.quantity.micros()) * i128::from(days);
        }
        let sums = table
            .sums(|names, row| names.text(row.organisation).to_owned())
            .unwrap();
        for (organisation, unit_days) in used {
            let (mut low, mut cost) = (0_i128, 0_i128);
            for tier in tiers() {
                let high = tier.up_to.map_or(i128::MAX / 31, |up_to| i128::from(up_to.micros()));
                cost += (unit_days.min(high * 31) - unit_days.min(low * 31)) * i128::from(tier.price.micros());
                low = high;
            }
            // cost: 10^-12 yuan days; x 0.85 / 31 days, in fen: half up.
            let (num, den) = (cost * 85, 31 * 100 * 10_000_000_000_i128);
            assert_eq!(i128::from(sums[&organisation].fen()), (2 * num + den) / (2 * den));
        }
        let capped = rate(&usage, &tariffs);
        let by_resource = |t: &ChargeTable| t.sums(|names, row| names.text(row.resource).to_owned()).unwrap();
        for (resource, sum) in by_resource(&table) {
            assert_eq!(by_resource(&capped)[&resource], sum.min(Money::from_fen(9_999)));
        }
    }
}

#[test]
fn two_prices_of_one_clause_are_not_added_up() {
    // The same item costs otherwise on N2, and both prices name the same clause. 8 units on each node: 5 x 20 + 3 x 10
    // on N1, and on N2 8 x 1; together they would be 16 units in the tiers of N1.
    let tier = |up_to: Option<&str>, price: &str| Tier {
        up_to: up_to.map(|u| u.parse().unwrap()),
        price: price.parse().unwrap(),
    };
    let shared = |tiers| PriceModel::Graduated {
        tiers,
        scope: TierScope::Organisation,
    };
    let mut book = books().remove(0);
    let there = PriceLine {
        discount: Factor::ONE,
        ..price("i0", shared(vec![tier(Some("5"), "20"), tier(None, "10")]), None)
    };
    let n2 = PriceScope {
        node: Some("N2".parse().unwrap()),
        pool: None,
    };
    book.lines = vec![
        PriceLine {
            scope: n2,
            model: shared(vec![tier(None, "1")]),
            ..there.clone()
        },
        there,
    ];
    let mut usage = usage(&mut Dice(1));
    usage.rows.truncate(1);
    let (item, nodes) = (
        usage.names.intern("i0"),
        [usage.names.intern("N1"), usage.names.intern("N2")],
    );
    let (month, pattern) = (march().period(), usage.rows[0]);
    let quantity = Quantity::from_whole(8).unwrap();
    usage.rows = nodes
        .map(|node| UsageRow {
            item,
            node,
            resource: node,
            quantity,
            from: month.from(),
            to: month.to(),
            ..pattern
        })
        .to_vec();
    usage.sort();
    let table = rate(&usage, &Tariffs::new([book], [contract(Proration::ByDay)]));
    assert_eq!(
        table.rows.iter().map(|row| row.amount.to_string()).collect::<Vec<_>>(),
        ["130.00", "8.00"]
    );
}

#[test]
fn a_year_of_one_server_is_twelve_months() {
    for year in [2026_i16, 2028] {
        for proration in PRORATIONS {
            let mut dice = Dice(u64::try_from(year).unwrap());
            for _ in 0..200 {
                let unit_price = UnitPrice::from_micros(dice.below(2_000_000_000));
                let quantity = Quantity::from_micros(dice.below(64_000_000) + 1);
                let mut book = books().remove(0);
                book.lines = vec![price("i0", PriceModel::Flat { price: unit_price }, None)];
                let tariffs = Tariffs::new([book], [contract(proration)]);
                let exact = i128::from(unit_price.micros()) * i128::from(quantity.micros()) * 85;
                let (num, den) = (exact, 1_000_000_000_000_i128);
                let month_price = i64::try_from((2 * num + den) / (2 * den)).unwrap();
                let months = (1..=12).map(|m| Month::new(year, m).unwrap());
                let fen = months.map(|month| {
                    let mut dice = Dice(1);
                    let mut one = usage(&mut dice);
                    one.rows.truncate(1);
                    let (item, period) = (one.names.intern("i0"), month.period());
                    one.rows[0] = UsageRow {
                        item,
                        quantity,
                        from: period.from(),
                        to: period.to(),
                        ..one.rows[0]
                    };
                    rate_month(&RateInput {
                        month,
                        usage: &one,
                        tariffs: &tariffs,
                    })
                    .unwrap()
                    .total()
                    .unwrap()
                    .fen()
                });
                assert_eq!(fen.sum::<i64>(), 12 * month_price);
            }
        }
    }
}
