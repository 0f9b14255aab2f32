//! What must hold of any month of approvals and sightings: order, invariants, time cut differently, corrections.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

mod dice;
#[expect(dead_code, reason = "other tests use the rest")]
mod scenario;

use dice::Dice;
use domain::catalogue::{Contract, ServiceItem};
use domain::collect::{ObservedState, Sighting};
use domain::meter::{
    Allocation, Coverage, MeterInput, MeterOutput, UsageTable, check_allocations, check_usage, meter_month,
    quantity_seconds,
};
use domain::rate::{ChargeTable, RateInput, Tariffs, correct, rate_month};
use domain::registry::{Measure, Registry, ResourceKind, Spec};
use kernel::{Instant, Money, Month, NodeCode, Period, Quantity};
use proptest::prelude::*;
use scenario::{Scenario, sighting};
use std::collections::BTreeMap;

fn march() -> Month {
    "2026-03".parse().unwrap()
}

fn rate(usage: &UsageTable, tariffs: &Tariffs) -> ChargeTable {
    rate_month(&RateInput {
        month: march(),
        usage,
        tariffs,
    })
    .unwrap()
}

/// Random approvals and sightings of a month in which a system moves.
struct World {
    registry: Registry,
    items: Vec<ServiceItem>,
    contracts: Vec<Contract>,
    allocations: Vec<Allocation>,
    sightings: Vec<Sighting>,
}

impl World {
    fn new(seed: u64) -> Self {
        let scenario = Scenario::load("transfer");
        let mut dice = Dice(seed);
        let template = scenario.allocations().remove(0);
        let (mut allocations, mut sightings) = (Vec::new(), Vec::new());
        let start: Instant = "2026-02-20".parse().unwrap();
        let spec = |dice: &mut Dice| {
            let whole = |n: i64| Quantity::from_whole(n).unwrap();
            Spec::new()
                .with(Measure::Vcpu, whole(1 + dice.below(16)))
                .with(Measure::MemoryGib, whole(1 + dice.below(64)))
        };
        for n in 0..=dice.below(8) {
            let native_id = format!("vm-{n}");
            let mut from = start.plus_s(dice.below(30 * 86_400));
            for _ in 0..=dice.below(3) {
                let to = from.plus_s(1 + dice.below(20 * 86_400));
                let parent = (n > 0 && dice.below(4) == 0).then(|| format!("A{}", n - 1).parse().unwrap());
                let system = format!("S{}", 1 + dice.below(3)).parse().unwrap();
                let (code, period) = (format!("A{n}").parse().unwrap(), Period::new(from, to).unwrap());
                let native_id = Some(native_id.clone());
                allocations.push(Allocation {
                    code,
                    native_id,
                    system,
                    parent,
                    period,
                    spec: spec(&mut dice),
                    ..template.clone()
                });
                from = to.plus_s(dice.below(2) * dice.below(5 * 86_400));
            }
            let mut from = start.plus_s(dice.below(30 * 86_400));
            for _ in 0..dice.below(4) {
                let to = from.plus_s(1 + dice.below(20 * 86_400));
                let state = ObservedState::ALL[usize::try_from(dice.below(4)).unwrap()];
                let period = Period::new(from, to).unwrap();
                sightings.push(sighting(
                    &native_id,
                    ResourceKind::Server,
                    &spec(&mut dice),
                    state,
                    "S1",
                    period,
                ));
                from = to.plus_s(dice.below(2) * dice.below(5 * 86_400));
            }
        }
        assert_eq!(check_allocations(&allocations), []);
        let (registry, items, mut contracts) = (scenario.registry(), scenario.items(), scenario.contracts());
        // A second contract that overlaps the first: the one that started first goes on.
        let (code, starts) = ("C2".parse().unwrap(), "2025-06-01".parse().unwrap());
        contracts.push(Contract {
            code,
            starts,
            ..contracts[0].clone()
        });
        Self {
            registry,
            items,
            contracts,
            allocations,
            sightings,
        }
    }

    fn meter(&self, period: Period) -> MeterOutput {
        let node: NodeCode = "N1".parse().unwrap();
        let looks = (0..70).map(|n| "2026-02-15".parse::<kernel::Day>().unwrap().plus(n).start());
        meter_month(&MeterInput {
            month: period,
            registry: &self.registry,
            items: self.items.iter().collect(),
            contracts: self.contracts.iter().collect(),
            allocations: &self.allocations,
            sightings: &BTreeMap::from([(node.clone(), self.sightings.clone())]),
            coverage: &BTreeMap::from([(node, Coverage::new(looks.collect()))]),
            samples: &BTreeMap::new(),
        })
    }

    fn rate(&self) -> ChargeTable {
        let tariffs = Tariffs::new(
            Scenario::load("price-change-on-the-15th").books(),
            self.contracts.clone(),
        );
        rate(&self.meter(march().period()).table, &tariffs)
    }
}

/// Sums by key of all lines of a table.
fn by_key(table: &ChargeTable) -> BTreeMap<domain::rate::ChargeKey, Money> {
    let mut sums = BTreeMap::new();
    for row in &table.rows {
        let sum = sums.entry(table.key(row)).or_insert(Money::ZERO);
        *sum = sum.plus(row.amount).unwrap();
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

proptest! {
    #[test]
    fn the_order_of_the_input_is_irrelevant(seed: u64, order: u64) {
        let world = World::new(seed);
        let (metered, rated) = (world.meter(march().period()), world.rate());
        let mut other = World::new(seed);
        let mut dice = Dice(order);
        dice.shuffle(&mut other.allocations);
        dice.shuffle(&mut other.sightings);
        dice.shuffle(&mut other.items);
        dice.shuffle(&mut other.contracts);
        let again = other.meter(march().period());
        prop_assert_eq!(metered.table.digest(), again.table.digest());
        prop_assert_eq!(metered.findings, again.findings);
        prop_assert_eq!(rated.digest(), other.rate().digest());
        prop_assert_eq!(rated.digest(), world.rate().digest(), "and a second run gives the same bytes");
    }

    #[test]
    fn usage_never_overlaps_nor_exceeds_the_month_nor_what_was_approved(seed: u64) {
        let world = World::new(seed);
        let metered = world.meter(march().period());
        prop_assert_eq!(check_usage(&metered.table, march().period()), []);
        for row in &metered.table.rows {
            let names = &metered.table.names;
            let measure = if names.text(row.item) == "cpu" { Measure::Vcpu } else { Measure::MemoryGib };
            let period = row.period().unwrap();
            let approved = world.allocations.iter().find(|a| a.code.as_str() == names.text(row.allocation) && a.period.and(period) == Some(period));
            prop_assert!(approved.and_then(|a| a.spec.get(measure)).is_some_and(|approved| row.quantity <= approved));
            let seen = world.sightings.iter().filter(|s| names.text(row.resource) == format!("N1/{}", s.seen.native_id));
            let seen: Vec<_> = seen.filter_map(|s| Some((s.period.and(period)?, s))).collect();
            let existing = |s: &Sighting| matches!(s.seen.state, ObservedState::Live | ObservedState::Stopped);
            prop_assert!(seen.iter().all(|(_, s)| existing(s) && s.seen.spec.get(measure).is_some_and(|size| row.quantity <= size)));
            prop_assert_eq!(seen.iter().map(|(p, _)| p.seconds()).sum::<i64>(), period.seconds());
        }
    }

    #[test]
    fn days_weeks_and_the_month_agree(seed: u64) {
        let world = World::new(seed);
        let whole = quantity_seconds(&world.meter(march().period()).table);
        for step in [1, 7] {
            let mut sums: BTreeMap<String, i128> = BTreeMap::new();
            let (mut from, end) = (march().period().from(), march().period().to());
            while from < end {
                let to = from.plus_s(step * 86_400).min(end);
                for (item, sum) in quantity_seconds(&world.meter(Period::new(from, to).unwrap()).table) {
                    *sums.entry(item).or_default() += sum;
                }
                from = to;
            }
            prop_assert_eq!(&sums, &whole);
        }
    }

    #[test]
    fn corrections_make_it_right_once(seed: u64, other: u64) {
        let (charged, right) = (World::new(seed).rate(), World::new(other).rate());
        let (nothing, empty) = correct(march(), &charged, &charged, "x").unwrap();
        prop_assert!(nothing.is_empty() && empty.rows.is_empty(), "an unchanged month has no correction");
        let (_, posted) = correct(march(), &charged, &right, "x").unwrap();
        let mut all = charged;
        all.append(&posted);
        prop_assert_eq!(by_key(&all), by_key(&right));
        let (again, posted) = correct(march(), &all, &right, "x").unwrap();
        prop_assert!(again.is_empty() && posted.rows.is_empty(), "a second correction finds nothing");
        let (_, elsewhere) = correct(march().next(), &all, &right, "x").unwrap();
        prop_assert!(elsewhere.rows.is_empty(), "other months are passed over");
    }
}
