//! The golden months of `tests/golden/months`: every line byte for byte, and every amount as worked by hand.
//!
//! `BLESS=1 cargo nextest run -p domain --test golden_months` writes the expected lines anew; the amounts worked by
//! hand are in the scenarios themselves and no command writes them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod scenario;

use domain::rate::{ChargeTable, correct};
use scenario::{Scenario, amounts, findings, folder, names, render};

/// Lines and findings of a scenario as text, held against what was worked by hand.
fn worked(name: &str) -> String {
    let scenario = Scenario::load(name);
    let (metered, closed) = scenario.run();
    assert_eq!(
        (amounts(&closed), closed.total().unwrap()),
        scenario.by_hand(),
        "{name}"
    );
    let mut text = render(&closed) + &findings(&metered.findings);
    if let Some((late, cause)) = scenario.late() {
        let (metered, right) = late.run();
        let (corrections, posted) = correct(scenario.month(), &closed, &right, &cause).unwrap();
        assert_eq!(
            (amounts(&posted), posted.total().unwrap()),
            late.by_hand(),
            "{name}, late"
        );
        assert_eq!(corrections.len(), posted.rows.len());
        text += "corrections\n";
        text += &(render(&posted) + &findings(&metered.findings));

        let mut all = ChargeTable::default();
        all.append(&closed);
        all.append(&posted);
        let (again, nothing) = correct(scenario.month(), &all, &right, &cause).unwrap();
        assert!(
            again.is_empty() && nothing.rows.is_empty(),
            "{name}: a second correction finds nothing"
        );
    }
    text
}

#[test]
fn golden_months() {
    let bless = std::env::vars().any(|(name, value)| name == "BLESS" && value == "1");
    let names = names();
    let mut differing = Vec::new();
    for name in &names {
        let path = folder().join(format!("{name}.lines.txt"));
        let actual = worked(name);
        if bless {
            std::fs::write(&path, &actual).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != actual {
            differing.push(format!("{name}:\n{actual}"));
        }
    }
    assert!(
        differing.is_empty(),
        "lines differ from the golden ones:\n{}",
        differing.join("\n")
    );
    assert!(names.len() >= 30, "{} scenarios", names.len());
}

#[test]
fn every_golden_file_has_a_scenario() {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names();
    for file in files {
        let name = file.strip_suffix(".lines.txt");
        assert!(name.is_none_or(|name| names.iter().any(|n| n == name)), "{file}");
    }
}

#[test]
fn the_zone_of_the_host_is_irrelevant() {
    // The whole suite is to be run under another TZ; here the digest of a month is the same in a process that has one.
    let program = std::env::current_exe().unwrap();
    for zone in ["America/Denver", "Asia/Kolkata", "Pacific/Kiritimati"] {
        let run = std::process::Command::new(&program)
            .args(["--exact", "golden_months"])
            .env("TZ", zone)
            .env_remove("BLESS")
            .output()
            .unwrap();
        assert!(run.status.success(), "{zone}: {}", String::from_utf8_lossy(&run.stdout));
    }
}
