//! What the people of the demo city are charged for what they opened, worked out by hand.

use crate::desk::Desk;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The month they live in; the flows that ship hold from 2026 on. It is in the past, so that it can be closed.
pub(crate) const MONTH: &str = "2026-06";

/// Charges of the open month by application, after it is closed by whoever closes the months.
pub(crate) fn charges(folder: &Path, database: &[&str]) -> BTreeMap<String, String> {
    let token = |login: &str| fs::read_to_string(folder.join(format!("{login}.token"))).unwrap();
    let desk = Desk::of(&folder.join("data"));
    let run = |login: &str, words: &[&str]| desk.by(&token(login), &[database, words].concat()).ok();
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

/// The same by hand, for the small city with the seed of these tests.
pub(crate) fn by_hand() -> BTreeMap<String, String> {
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
    expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into()
}
