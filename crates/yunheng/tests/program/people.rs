//! The people of the demo city: what they do over HTTP in its last month, on both databases, and what comes of it.

use crate::authority::by;
use crate::desk::{Desk, OPEN, demo};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use test_support::TestStore;

/// The month they live in; the flows that ship hold from 2026 on. It is in the past, so that it can be closed.
const MONTH: &str = "2026-06";
/// The transcript that is checked in; `BLESS=1` writes it anew.
const WALKTHROUGH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/walkthroughs/requests.md");

/// The transcript of a folder. The head of the chain is left out: entries name the folders of the nodes.
fn transcript(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("walkthrough.md")).unwrap();
    let (before, after) = text.split_once("\"head\": \"").expect("the chain was verified");
    let (_, after) = after.split_once('"').unwrap();
    format!("{before}\"head\": \"（链头）\"{after}")
}

/// Charges of the open month by application, after it is closed by whoever closes the months.
fn charges(folder: &Path, database: &[&str]) -> BTreeMap<String, String> {
    let token = |login: &str| fs::read_to_string(folder.join(format!("{login}.token"))).unwrap();
    let desk = Desk::of(&folder.join("data"));
    let run = |login: &str, words: &[&str]| by(&desk, &token(login), &[database, words].concat()).ok();
    run("lingdao", &["month", "close", MONTH]);
    run("auditadmin", &["audit", "verify"]);
    let file = desk.folder().join("lines.csv").display().to_string();
    run("lingdao", &["export", "charges", MONTH, "--file", &file]);
    let mut reader = csv::Reader::from_path(&file).unwrap();
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for line in reader.deserialize::<BTreeMap<String, String>>() {
        let line = line.unwrap();
        let amount: kernel::Money = line["合同价金额（元）"].parse().unwrap();
        if let Some((application, _)) = line["分配单"].rsplit_once("-1-") {
            *sums.entry(application.to_owned()).or_default() += amount.fen();
        }
    }
    let shown = |(application, fen): (String, i64)| (application, kernel::Money::from_fen(fen).to_string());
    sums.into_iter()
        .filter(|(application, _)| application.starts_with("SQ-"))
        .map(shown)
        .collect()
}

#[tokio::test]
async fn they_live_the_same_month_on_both_databases_and_it_is_charged() {
    let here = tempfile::tempdir().unwrap();
    demo(here.path(), None, &["--until", MONTH]);
    let told = transcript(here.path());
    if std::env::var_os("BLESS").is_some() {
        fs::write(WALKTHROUGH, &told).unwrap();
    }
    assert!(
        told == fs::read_to_string(WALKTHROUGH).unwrap(),
        "the transcript changed; read it, and write it anew with BLESS=1"
    );
    let database: TestStore = test_support::postgres_empty().await;
    let there = tempfile::tempdir().unwrap();
    demo(there.path(), Some(database.url()), &["--until", MONTH]);
    assert!(told == transcript(there.path()), "PostgreSQL tells another story");
    let token = |folder: &Path| fs::read_to_string(folder.join("lingdao.token")).unwrap();
    assert_ne!(
        token(here.path()),
        token(there.path()),
        "a token that everybody can make is a default password"
    );

    let charged = charges(here.path(), &[]);
    assert_eq!(charged, charges(there.path(), &["--database", database.url()]));
    let expected = [
        // 4 x 49.40 + 16 x 14.25 = 425.60 a month, confirmed on the 7th: 24 of 30 days.
        ("SQ-202606-0001", "340.48"),
        // 4 x 34.40 + 8 x 12.80 = 240.00, confirmed on the 8th: 23 of 30 days.
        ("SQ-202606-0002", "184.00"),
        // One server only after the cut: 4 x 49.40 + 8 x 14.25 = 311.60, confirmed on the 9th: 22 of 30 days.
        ("SQ-202606-0003", "228.51"),
        // 2 x 49.40 + 4 x 14.25 = 155.80, confirmed on the 10th and deleted on the 16th: 6 of 30 days.
        ("SQ-202606-0004", "31.16"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    assert_eq!(charged, expected);
}

#[test]
fn before_there_are_flows_the_city_has_no_people() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path(), None, &["--until", OPEN]);
    assert!(!folder.path().join("walkthrough.md").exists());
    Desk::of(&folder.path().join("data"))
        .run(&["month", "close", OPEN])
        .ok();
}
