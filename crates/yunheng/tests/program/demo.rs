//! The demo city: the same on every run and in both databases, and everything planted in it is found.

use crate::desk::{CLOSED, Desk, OPEN, SEED, contents, make_demo, run, village};
use city::{City, CityPlan, DifferenceClass, Expected, Planted, Scale};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use test_support::TestStore;

/// Settles the city elsewhere and compares figures, every file of the lake and every document.
fn is_the_same(folder: &Path, figures: &str) {
    let first = village();
    assert_eq!(figures, std::fs::read_to_string(first.join("figures.json")).unwrap());
    for part in ["city/imports", "data/lake", "data/payloads", "documents"] {
        let (ours, theirs) = (contents(&first.join(part)), contents(&folder.join(part)));
        assert!(!ours.is_empty(), "{part}");
        assert!(ours.keys().eq(theirs.keys()), "{part}: other files");
        let other: Vec<_> = ours
            .iter()
            .filter(|(name, bytes)| theirs.get(*name) != Some(bytes))
            .map(|(name, _)| name)
            .collect();
        assert!(other.is_empty(), "{part}: {other:?}");
    }
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let figures = make_demo(folder.path(), None);
    is_the_same(folder.path(), &figures);
}

/// Words of a command on this database.
fn on<'a>(database: &'a TestStore, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--database", database.url()], arguments].concat()
}

#[tokio::test]
async fn postgres_gives_what_sqlite_gives() {
    let database = test_support::postgres_empty().await;
    let folder = tempfile::tempdir().unwrap();
    let figures = make_demo(folder.path(), Some(database.url()));
    is_the_same(folder.path(), &figures);
    let there = Desk::of(&folder.path().join("data"));
    let here = Desk::new();
    // Looking at it through the address of the database, on a copy of the lake.
    // Not the digests: the chain holds where the nodes' folders lie.
    let entries = |verified: Value| verified["entries"].as_i64().unwrap();
    assert_eq!(
        entries(there.json(&on(&database, &["audit", "verify"]))),
        entries(here.json(&["audit", "verify"]))
    );
    assert_eq!(there.json(&on(&database, &["doctor"])), here.json(&["doctor"]));
    assert_eq!(
        there.json(&on(&database, &["case", "--all"])),
        here.json(&["case", "--all"])
    );
    assert_eq!(
        there.json(&on(&database, &["inventory", "--as-of", "2025-03-15"])),
        here.json(&["inventory", "--as-of", "2025-03-15"])
    );
    assert_eq!(
        there.json(&on(&database, &["statement", "list", CLOSED])),
        here.json(&["statement", "list", CLOSED])
    );
    there.run(&on(&database, &["month", "close", OPEN])).ok();
    here.run(&["month", "close", OPEN]).ok();
    let mut shown = there.json(&on(&database, &["month", "show", OPEN]));
    shown["closed_at"] = Value::Bool(true);
    assert_eq!(shown, here.month(OPEN));
}

#[test]
fn a_database_in_which_something_was_done_is_no_place_for_a_demo() {
    let (desk, folder) = (Desk::new(), tempfile::tempdir().unwrap());
    let head = desk.head();
    let url = format!("sqlite://{}", desk.data().join("yunheng.db").display());
    let place = folder.path().join("demo").display().to_string();
    let told = run(&["--database", &url, "demo", "--small", "--dir", &place]).failed(3);
    assert!(told.contains("已有内容"), "{told}");
    assert_eq!(desk.head(), head);
}

#[test]
fn nothing_is_missing_and_the_chain_holds() {
    let desk = Desk::new();
    desk.is_clean();
    let entries = desk.json(&["audit", "verify"])["entries"].as_i64().unwrap();
    assert!(entries > 1000, "{entries}");
}

/// A charge line as exported, by the names of its columns.
type Line = BTreeMap<String, String>;

struct Found {
    city: City,
    lines: Vec<Line>,
    cases: BTreeSet<(String, String)>,
    desk: Desk,
    _folder: tempfile::TempDir,
}

fn found() -> Found {
    let desk = Desk::new();
    let folder = tempfile::tempdir().unwrap();
    let plan = CityPlan {
        seed: SEED,
        until: OPEN.parse().unwrap(),
        months: 13,
        scale: Scale::VILLAGE,
    };
    let city = city::build(&plan, folder.path(), &mut |_, _, _| {}).unwrap();
    let path = desk.folder().join("all.csv").display().to_string();
    desk.run(&[
        "export",
        "charges",
        &city.months[0].to_string(),
        CLOSED,
        "--file",
        &path,
    ])
    .ok();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let lines: Vec<Line> = reader.deserialize().map(Result::unwrap).collect();
    assert!(lines.len() > 1000);
    let cases = desk.json(&["case", "--all"]);
    let text = |case: &Value, key: &str| case["finding"][key].as_str().unwrap().to_owned();
    let cases = cases
        .as_array()
        .unwrap()
        .iter()
        .map(|case| (text(case, "kind"), text(case, "subject")))
        .collect();
    Found {
        city,
        lines,
        cases,
        desk,
        _folder: folder,
    }
}

const SUBJECTS: [&str; 6] = ["资源", "分配单", "系统编码", "使用单位编码", "合同", "云服务商编码"];

fn is_about(line: &Line, subject: &str) -> bool {
    SUBJECTS.iter().any(|column| line[*column] == subject)
}

impl Found {
    fn lines_of<'f>(&'f self, planted: &'f Planted) -> impl Iterator<Item = &'f Line> {
        let month = planted.month.to_string();
        self.lines
            .iter()
            .filter(move |line| line["账期"] == month && is_about(line, &planted.subject))
    }

    fn planted(&self, expected: impl Fn(&Expected) -> bool) -> Vec<&Planted> {
        let planted: Vec<_> = self
            .city
            .planted
            .iter()
            .filter(|planted| expected(&planted.expected))
            .collect();
        assert!(!planted.is_empty(), "nothing of this was planted, so nothing is tested");
        planted
    }
}

#[test]
fn planted_cases_are_found() {
    let found = found();
    let mut kinds = BTreeSet::new();
    for planted in found.planted(|expected| matches!(expected, Expected::Case(_))) {
        let Expected::Case(kind) = planted.expected else {
            continue;
        };
        // Late data is posted as a correction; see below.
        if kind.word() == "late_data" {
            continue;
        }
        kinds.insert(kind.word());
        let case = (kind.word().to_owned(), planted.subject.clone());
        assert!(
            found.cases.contains(&case),
            "{planted:?} is not among {:#?}",
            found.cases
        );
    }
    assert!(kinds.len() >= 6, "{kinds:?}");
}

#[test]
fn planted_differences_are_found_in_their_class() {
    let found = found();
    for planted in found.planted(|expected| matches!(expected, Expected::Difference(_))) {
        let Expected::Difference(class) = planted.expected else {
            continue;
        };
        let (word, zh) = match class {
            DifferenceClass::Quantity => ("quantity", "数量"),
            DifferenceClass::Price => ("price", "单价"),
            DifferenceClass::Period => ("period", "期间"),
            DifferenceClass::Owner => ("owner", "归属"),
            DifferenceClass::Missing => ("missing", "缺少"),
            DifferenceClass::Extra => ("extra", "多出"),
        };
        let shown = found.desk.month(&planted.month.to_string());
        let classes: Vec<_> = shown["reconciled"]
            .as_object()
            .unwrap()
            .values()
            .map(|one| &one["classes"][word])
            .collect();
        assert!(classes.iter().any(|class| class.is_object()), "{planted:?}: {shown:#}");
        // What is in the bill only has no line of ours that could say so.
        if class != DifferenceClass::Extra {
            let said: Vec<_> = found.lines_of(planted).map(|line| line["对账结果"].as_str()).collect();
            assert!(said.iter().any(|said| said.contains(zh)), "{planted:?}: {said:?}");
        }
    }
}

#[test]
fn changes_within_a_month_split_the_line() {
    let found = found();
    for planted in found.planted(|expected| *expected == Expected::LineSplit) {
        let month = planted.month.to_string();
        let mut stretches: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        let about: BTreeSet<_> = found.lines_of(planted).map(|line| line["资源"].as_str()).collect();
        assert!(!about.is_empty(), "{planted:?}");
        for line in found
            .lines
            .iter()
            .filter(|line| line["账期"] == month && line["性质"] == "使用" && about.contains(line["资源"].as_str()))
        {
            stretches
                .entry((&line["资源"], &line["条目编码"]))
                .or_default()
                .insert(&line["计费开始"]);
        }
        assert!(
            stretches.values().any(|starts| starts.len() > 1),
            "{planted:?}: {stretches:?}"
        );
    }
}

#[test]
fn what_comes_late_is_posted_in_an_open_month() {
    let found = found();
    for planted in found.planted(|expected| *expected == Expected::Correction) {
        let month = planted.month.to_string();
        let corrections: Vec<_> = found
            .lines
            .iter()
            .filter(|line| line["性质"] == "更正" && line["更正月份"] == month && is_about(line, &planted.subject))
            .collect();
        assert!(!corrections.is_empty(), "{planted:?}");
        assert!(corrections.iter().all(|line| line["账期"] > month), "{corrections:?}");
    }
}

#[test]
fn outages_are_deducted_only_where_they_count() {
    let found = found();
    let deducted = |planted: &Planted| {
        let list = found.desk.json(&["statement", "list", &planted.month.to_string()]);
        let numbers = list
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["number"].as_str().unwrap().to_owned());
        numbers
            .map(|number| found.desk.json(&["statement", "show", &number]))
            .any(|shown| {
                let deductions = shown["statement"]["deductions"].as_array().unwrap().clone();
                deductions
                    .iter()
                    .any(|one| planted.subject.contains(one["resource"].as_str().unwrap()))
            })
    };
    for planted in found.planted(|expected| matches!(expected, Expected::Deduction | Expected::NoDeduction)) {
        assert_eq!(
            deducted(planted),
            planted.expected == Expected::Deduction,
            "{planted:?}"
        );
    }
}
