//! The traps of `docs/traps.md` in metering and rating, one test each.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod scenario;

use domain::collect::{ObservedState, Sighting};
use domain::meter::{CaseKind, Coverage, Finding, MeterOutput};
use domain::rate::{RateError, RateInput, Tariffs, rate_month};
use domain::registry::{ResourceKind, Version};
use kernel::{Instant, NodeCode, Period};
use scenario::{Facts, Scenario, amounts, sighting};
use std::collections::BTreeMap;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Lines of an inline scenario: `resource item organisation amount`.
fn lines(text: &str) -> Vec<String> {
    amounts(&Scenario::from_text(text).run().1)
}

fn cases(metered: &MeterOutput) -> Vec<String> {
    let case = |f: &Finding| format!("{} {} {}", f.kind, f.subject, f.since.day());
    metered.findings.iter().map(case).collect()
}

/// Findings of an inline scenario: `kind subject since`.
fn found(text: &str) -> Vec<String> {
    let scenario = Scenario::from_text(text);
    cases(&scenario.meter(scenario.month().period()))
}

#[test]
fn three_resizes_and_a_release_are_four_intervals() {
    let scenario = Scenario::from_text(
        r#"allocations = [
            { code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=10", from = "2026-03-02 08:00:00", to = "2026-03-09" },
            { code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=20", from = "2026-03-09", to = "2026-03-10 11:00:00" },
            { code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=30", from = "2026-03-10 11:00:00", to = "2026-03-10 17:00:00" },
            { code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=40", from = "2026-03-10 17:00:00", to = "2026-03-25 09:30:00" },
        ]"#,
    );
    let (metered, rated) = scenario.run();
    assert_eq!(
        (metered.table.rows.len(), rated.rows.len()),
        (4, 4),
        "the six hours of the 10th have a line of their own"
    );
    let life = Period::new(at("2026-03-02 08:00:00"), at("2026-03-25 09:30:00")).unwrap();
    assert_eq!(
        metered
            .table
            .rows
            .iter()
            .map(|row| row.period().unwrap().seconds())
            .sum::<i64>(),
        life.seconds()
    );
    assert_eq!(rated.rows.iter().map(|row| row.part.num()).sum::<i64>(), life.days());
}

#[test]
fn a_hundred_runs_give_the_same_bytes() {
    let scenario = Scenario::load("approved-and-seen");
    let (metered, rated) = scenario.run();
    for _ in 0..100 {
        let (again, lines) = scenario.run();
        assert_eq!(
            (again.table.digest(), lines.digest()),
            (metered.table.digest(), rated.digest())
        );
        assert_eq!(again.findings, metered.findings);
    }
}

#[test]
fn neither_hours_before_birth_nor_hours_to_come() {
    let scenario = Scenario::load("born-and-released-inside");
    let so_far = Period::new(at("2026-03-01"), at("2026-03-15 12:00:00")).unwrap();
    let metered = scenario.meter(so_far);
    let vm_1 = metered
        .table
        .rows
        .iter()
        .filter(|row| metered.table.names.text(row.resource) == "N1/vm-1");
    let spans: Vec<_> = vm_1.map(|row| (row.from, row.to)).collect();
    assert_eq!(spans, [(at("2026-03-10 10:30:00"), so_far.to()); 2]);
}

#[test]
fn no_kind_of_resource_is_forgotten() {
    // Whatever kind is approved and seen gives usage or, where the catalogue has nothing for it, a case.
    for kind in ResourceKind::ALL {
        let text = format!(
            r#"items = []
            allocations = [{{ code = "A1", native_id = "x", kind = "{kind}", spec = "count=1", from = "2026-03-02" }}]"#
        );
        assert_eq!(found(&text), ["unpriced A1 2026-03-02"], "{kind}");
    }
}

#[test]
fn a_contract_starts_on_its_day_in_beijing() {
    // 00:30 on the 16th in Beijing is the 15th in UTC. 16 of 31 days: 184 x 16/31 = 94.967..
    let text = r#"contracts = [{ code = "C1", provider = "P1", starts = "2026-03-16", ends = "2030-01-01", proration = "by_day" }]
        allocations = [{ code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-03-15T16:30:00Z" }]"#;
    assert_eq!(lines(text), ["N1/vm-1 cpu D1 94.97"]);
    assert!(found(text).is_empty());
}

#[test]
fn parts_of_a_unit_are_charged() {
    // 0.1 TiB, from the 15th 0.2 TiB: 102.4 x 0.6 x 14/31 = 27.747.. and 204.8 x 0.6 x 17/31 = 67.385..
    let text = r#"allocations = [
        { code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=102.4", from = "2026-01-01", to = "2026-03-15" },
        { code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=204.8", from = "2026-03-15" },
    ]"#;
    assert_eq!(lines(text), ["N1/v disk D1 27.75", "N1/v disk D1 67.39"]);
}

#[test]
fn ended_and_made_again_on_the_same_day_is_every_day_once() {
    // 9 + 22 = 31 days: 184 x 9/31 = 53.419.. and 184 x 22/31 = 130.580..
    let text = r#"allocations = [
        { code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01", to = "2026-03-10 10:00:00" },
        { code = "A2", native_id = "vm-2", kind = "server", spec = "vcpu=4", from = "2026-03-10 15:00:00" },
    ]"#;
    assert_eq!(lines(text), ["N1/vm-1 cpu D1 53.42", "N1/vm-2 cpu D1 130.58"]);
}

#[test]
fn prices_and_amounts_of_any_size() {
    let text = r#"prices = [{ contract = "C1", version = 1, from = "2025-01-01", lines = [{ item = "cpu", flat = "999999.999999" }, { item = "mem", flat = "0.000001" }] }]
        allocations = [{ code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=1000000 memory_gib=1000000", from = "2026-01-01" }]"#;
    assert_eq!(
        lines(text),
        ["N1/vm-1 cpu D1 999999999999.00", "N1/vm-1 mem D1 1.00"],
        "twelve digits of yuan"
    );
    let beyond = text.replace("vcpu=1000000", "vcpu=1000000000000");
    let scenario = Scenario::from_text(&beyond);
    let tariffs = Tariffs::new(scenario.books(), scenario.contracts());
    let usage = scenario.meter(scenario.month().period()).table;
    let rated = rate_month(&RateInput {
        month: scenario.month(),
        usage: &usage,
        tariffs: &tariffs,
    });
    assert!(
        matches!(rated, Err(RateError::Amount { .. })),
        "what does not fit stops the run; nothing is cut off"
    );
}

#[test]
fn all_missing_prices_are_named_at_once() {
    let text = r#"prices = [{ contract = "C1", version = 1, from = "2026-03-16", lines = [{ item = "mem", flat = "17" }, { item = "work", one_off = "1200" }] }]
        allocations = [
            { code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4 memory_gib=8", from = "2026-03-02" },
            { code = "A2", native_id = "vm-2", kind = "server", spec = "vcpu=4", from = "2026-03-05", to = "2026-03-07" },
            { code = "W1", kind = "work", spec = "person_day=5", form = "migration", from = "2026-03-12", to = "2026-03-13" },
        ]"#;
    let scenario = Scenario::from_text(text);
    let usage = scenario.meter(scenario.month().period()).table;
    let tariffs = Tariffs::new(scenario.books(), scenario.contracts());
    let Err(RateError::NoPrices(missing)) = rate_month(&RateInput {
        month: scenario.month(),
        usage: &usage,
        tariffs: &tariffs,
    }) else {
        panic!("prices are missing")
    };
    let days = |p: Period| format!("{}..{}", p.from().day(), p.to().day());
    let named: Vec<_> = missing
        .iter()
        .map(|m| format!("{} {} {}", m.contract, m.item, days(m.period)))
        .collect();
    let expected = [
        "C1 cpu 2026-03-02..2026-04-01",
        "C1 mem 2026-03-02..2026-03-16",
        "C1 work 2026-03-12..2026-03-13",
    ];
    assert_eq!(
        named, expected,
        "the one-off price of the 16th is no price for work of the 12th"
    );
}

#[test]
fn every_way_to_price_gives_a_bill() {
    for model in [
        r#"flat = "2""#,
        r#"graduated = [{ price = "2" }]"#,
        r#"volume = [{ price = "2" }]"#,
        r#"volume = [{ price = "2" }], scope = "contract""#,
        r#"graduated = [{ price = "2" }], scope = "system""#,
        r#"package = { price = "20", included = "10", beyond = "2" }"#,
        r#"one_off = "2""#,
    ] {
        let text = format!(
            r#"prices = [{{ contract = "C1", version = 1, from = "2025-01-01", lines = [{{ item = "disk", {model} }}] }}]
            allocations = [{{ code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=10", from = "2026-01-01" }}]"#
        );
        assert_eq!(lines(&text), ["N1/v disk D1 20.00"], "{model}");
    }
}

#[test]
fn a_node_that_nobody_looked_at_is_a_case_and_not_nothing() {
    let scenario = Scenario::load("full-month");
    let meter = |looks: Option<&[&str]>, sightings: BTreeMap<NodeCode, Vec<Sighting>>| {
        let coverage = looks.map(|looks| {
            (
                "N1".parse().unwrap(),
                Coverage::new(looks.iter().map(|l| at(l)).collect()),
            )
        });
        let facts = Facts {
            sightings,
            coverage: coverage.into_iter().collect(),
            samples: BTreeMap::new(),
            ..scenario.facts()
        };
        facts.meter(scenario.month().period())
    };
    let never = meter(None, BTreeMap::new());
    assert_eq!(cases(&never), ["node_gap N1@2026-03-01 2026-03-01"]);
    assert_eq!((never.completeness[0].days_seen, never.completeness[0].days), (0, 31));
    // First looked at on the 30th, and the server is there: what was before is a gap, not a server that was missing.
    let from_the_30th = sighting(
        "vm-1",
        ResourceKind::Server,
        &scenario.allocations()[0].spec,
        ObservedState::Live,
        "S1",
        Period::open(at("2026-03-30"), None).unwrap(),
    );
    let late_start = meter(
        Some(&["2026-03-30", "2026-03-31", "2026-04-01"]),
        BTreeMap::from([("N1".parse().unwrap(), vec![from_the_30th])]),
    );
    assert_eq!(cases(&late_start), ["node_gap N1@2026-03-01 2026-03-01"]);
}

#[test]
fn what_is_approved_and_not_charged_is_a_case() {
    let unknown_system = r#"allocations = [{ code = "A1", native_id = "vm-1", system = "S9", kind = "server", spec = "vcpu=4", from = "2026-01-01" }]
        seen = [{ native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01" }]"#;
    assert!(found(unknown_system).contains(&"unpriced A1 2026-03-01".to_owned()));
    let another_kind = r#"allocations = [{ code = "A1", native_id = "x", kind = "volume", spec = "storage_gib=4", from = "2026-01-01" }]
        seen = [{ native_id = "x", kind = "backup", spec = "storage_gib=4", from = "2026-01-01" }]"#;
    assert_eq!(found(another_kind), ["not_observed A1 2026-03-01"]);
    let size_unknown = r#"allocations = [{ code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=4", from = "2026-01-01" }]
        seen = [{ native_id = "v", kind = "volume", spec = "count=1", from = "2026-01-01" }]"#;
    assert_eq!(found(size_unknown), ["missing_samples A1 2026-03-01"]);
}

#[test]
fn between_two_allocations_and_in_pieces_under_a_day() {
    // Released on the 10th, approved again on the 20th, there all along; its state changes twice on the 10th.
    let text = r#"allocations = [
            { code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01", to = "2026-03-10 08:00:00" },
            { code = "A2", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-03-20" },
        ]
        seen = [
            { native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01", to = "2026-03-10 09:00:00" },
            { native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-03-10 09:00:00", to = "2026-03-10 10:00:00", state = "stopped" },
            { native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-03-10 10:00:00" },
        ]"#;
    assert_eq!(found(text), ["not_approved N1/vm-1 2026-03-10"]);
}

#[test]
fn a_transfer_of_system_and_project_is_no_contradiction() {
    // The order and the project change hands at the same moment; the resource is one sighting all month.
    let scenario = Scenario::from_text(
        r#"allocations = [
            { code = "A1", native_id = "vm-1", system = "S1", kind = "server", spec = "vcpu=4", from = "2026-01-01", to = "2026-03-15" },
            { code = "A1", native_id = "vm-1", system = "S3", kind = "server", spec = "vcpu=4", from = "2026-03-15" },
        ]
        seen = [{ native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01" }]"#,
    );
    let mut facts = scenario.facts();
    let moved = domain::registry::ProjectMapping {
        node: "N1".parse().unwrap(),
        project: "p-S1".into(),
        system: Some("S3".parse().unwrap()),
    };
    let valid_from = at("2026-03-15");
    let body = moved;
    facts.registry.mappings.add(Version { valid_from, body }).unwrap();
    let metered = facts.meter(scenario.month().period());
    assert_eq!(cases(&metered), Vec::<String>::new());
}

#[test]
fn a_node_that_changes_hands_is_paid_to_whoever_ran_it() {
    let text = r#"nodes = [{ from = "2025-01-01", code = "N1", provider = "P1" }, { from = "2026-03-16", code = "N1", provider = "P2" }]
        contracts = [
            { code = "C1", provider = "P1", starts = "2025-01-01", ends = "2030-01-01", proration = "by_day" },
            { code = "C2", provider = "P2", starts = "2025-01-01", ends = "2030-01-01", proration = "by_day" },
        ]
        prices = [
            { contract = "C1", version = 1, from = "2025-01-01", lines = [{ item = "cpu", flat = "46" }] },
            { contract = "C2", version = 1, from = "2025-01-01", lines = [{ item = "cpu", flat = "40" }] },
        ]
        allocations = [{ code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01" }]"#;
    let (_, rated) = Scenario::from_text(text).run();
    let paid = rated.sums(|names, row| names.text(row.provider).to_owned()).unwrap();
    let paid: Vec<_> = paid
        .iter()
        .map(|(provider, amount)| format!("{provider} {amount}"))
        .collect();
    assert_eq!(paid, ["P1 89.03", "P2 82.58"]);
}

#[test]
fn what_else_is_registered_cuts_no_line() {
    let scenario = Scenario::from_text(
        r#"allocations = [{ code = "A1", native_id = "vm-1", kind = "server", spec = "vcpu=4", from = "2026-01-01" }]"#,
    );
    let mut facts = scenario.facts();
    let registry = &mut facts.registry;
    let mut body = registry.nodes.latest("N1").unwrap().clone();
    body.name = "改名后的节点".to_owned();
    body.platform.mlps_level = Some(3);
    let valid_from = at("2026-03-10 12:00:00");
    registry.nodes.add(Version { valid_from, body }).unwrap();
    let mut body = registry.systems.latest("S1").unwrap().clone();
    body.name = "改名后的系统".to_owned();
    let valid_from = at("2026-03-12 12:00:00");
    registry.systems.add(Version { valid_from, body }).unwrap();
    let mut body = registry.organisations.latest("D1").unwrap().clone();
    body.name = "改名后的单位".to_owned();
    let valid_from = at("2026-03-14 12:00:00");
    registry.organisations.add(Version { valid_from, body }).unwrap();
    let metered = facts.meter(scenario.month().period());
    let before = scenario.meter(scenario.month().period());
    assert_eq!(metered.table.rows.len(), 1);
    assert_eq!(metered.table.digest(), before.table.digest());
    assert_eq!(metered.findings, before.findings);
}

#[test]
fn a_cap_is_that_of_the_contract_and_of_the_price_in_use() {
    // C1 caps at 100.00, C2 does not: 600 x 15/31 = 290.32 -> 100.00, and 309.68 stays.
    let text = r#"contracts = [
            { code = "C1", provider = "P1", starts = "2025-01-01", ends = "2026-03-16", proration = "by_day" },
            { code = "C2", provider = "P1", starts = "2026-03-16", ends = "2030-01-01", proration = "by_day" },
        ]
        prices = [
            { contract = "C1", version = 1, from = "2025-01-01", lines = [{ item = "disk", flat = "0.6", cap = "100" }] },
            { contract = "C2", version = 1, from = "2026-03-16", lines = [{ item = "disk", flat = "0.6" }] },
            { contract = "C1", version = 2, from = "2026-03-25", lines = [{ item = "disk", flat = "0.6", cap = "1" }] },
        ]
        allocations = [{ code = "A1", native_id = "v", kind = "volume", spec = "storage_gib=1000", from = "2026-01-01" }]"#;
    assert_eq!(lines(text), ["N1/v disk D1 100.00", "N1/v disk D1 309.68"]);
}

#[test]
fn a_value_that_comes_in_two_files_counts_once() {
    let scenario = Scenario::load("measured-mean");
    let mut facts = scenario.facts();
    for list in facts.samples.values_mut() {
        list.extend_from_within(..10);
    }
    let metered = facts.meter(scenario.month().period());
    assert_eq!(metered.table.rows[0].quantity.to_string(), "115");
    assert!(metered.findings.iter().any(|f| f.kind == CaseKind::MissingSamples));
}
