//! Doing the same again changes nothing (I6), and a closed month is not done again. That the hundredth time changes as
//! little as the second is shown beside the use cases, on both stores (`crates/app/tests/months/again.rs`).

use crate::desk::{CLOSED, Desk, OPEN, Said, contents, copy, import_of, village};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn steps_of_a_month_say_unchanged_the_second_time() {
    let desk = Desk::new();
    for step in ["meter", "rate", "reconcile"] {
        assert_eq!(desk.json(&["month", step, OPEN])["state"], "done", "{step}");
    }
    let (head, lake, shown) = (desk.head(), contents(&desk.data().join("lake")), desk.month(OPEN));
    for _ in 0..3 {
        for step in ["reconcile", "meter", "rate", "meter"] {
            assert_eq!(desk.json(&["month", step, OPEN])["state"], "unchanged", "{step}");
        }
    }
    assert_eq!(desk.head(), head);
    assert_eq!(desk.month(OPEN), shown);
    assert!(contents(&desk.data().join("lake")) == lake);
    desk.is_clean();
}

#[test]
fn a_closed_month_is_not_done_again() {
    let desk = Desk::new();
    let (head, shown) = (desk.head(), desk.month(CLOSED));
    for step in ["meter", "rate", "reconcile", "close"] {
        let told = desk.run(&["month", step, CLOSED]).failed(6);
        assert!(told.contains("已关账") && told.contains("说明理由后重算"), "{told}");
    }
    assert_eq!(desk.head(), head);
    assert_eq!(desk.month(CLOSED), shown);
    desk.run(&["month", "close", OPEN]).ok();
    desk.run(&["month", "close", OPEN]).failed(6);
}

#[test]
fn the_same_file_takes_effect_once() {
    let desk = Desk::new();
    let head = desk.head();
    // One of every kind.
    let files: [(&str, &str, &str); 10] = [
        ("organisations", "2024-06", "organisations.csv"),
        ("systems", "2024-06", "systems.csv"),
        ("projects", "2024-06", "projects.csv"),
        ("catalogue", "2024-06", "catalogue.csv"),
        ("contracts", "2024-06", "contracts.csv"),
        ("prices", "2024-06", "prices-P1-v1.csv"),
        ("allocations", "2024-06", "allocations.csv"),
        ("declared-work", OPEN, "declared-work.csv"),
        ("outages", "2024-09", "outages.csv"),
        ("provider-bill", OPEN, "provider-bill-P1-v1.csv"),
    ];
    for (kind, month, name) in files {
        let path = desk.file(name, &import_of(month, name));
        // Another name does not make it another file.
        let renamed = desk.file("renamed.csv", &import_of(month, name));
        for path in [path, renamed] {
            let outcome = desk.json(&["import", kind, &path]);
            assert_eq!(outcome["already_imported"], true, "{kind}: {outcome:#}");
        }
    }
    assert_eq!(desk.head(), head);
}

#[test]
fn rows_that_are_known_change_nothing_in_another_order() {
    let desk = Desk::new();
    let before = (desk.json(&["inventory", "--as-of", "2025-07-01"]), desk.month(OPEN));
    let text = String::from_utf8(import_of("2024-06", "organisations.csv")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    let outcome = desk
        .import("organisations", "turned.csv", lines.join("\n").as_bytes())
        .ok();
    assert!(outcome.contains("新增 0，变更 0"), "{outcome}");
    assert_eq!(
        (desk.json(&["inventory", "--as-of", "2025-07-01"]), desk.month(OPEN)),
        before
    );
}

#[test]
fn collecting_again_takes_nothing() {
    let desk = Desk::new();
    let head = desk.head();
    let again = desk.json(&["collect"]);
    assert_eq!(
        (&again["looks"], &again["changes"]),
        (&0.into(), &0.into()),
        "{again:#}"
    );
    assert!(again["known"].as_i64().unwrap() > 1000, "{again:#}");
    // Without receipts every file is read again, and is still known.
    let inbox = desk.folder().join("inbox");
    copy(&village().join("city/nodes/N3"), &inbox);
    for entry in std::fs::read_dir(&inbox).unwrap().flatten() {
        if entry.file_name().to_string_lossy().ends_with(".receipt.json") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    assert_eq!(desk.head(), head);
    let inbox = inbox.display().to_string();
    desk.run(&[
        "node",
        "add",
        "N3",
        "--name",
        "丙云",
        "--provider",
        "P3",
        "--files",
        &inbox,
    ])
    .ok();
    let head = desk.head();
    let again = desk.json(&["collect", "N3"]);
    assert_eq!(
        (&again["looks"], &again["changes"]),
        (&0.into(), &0.into()),
        "{again:#}"
    );
    assert_eq!(desk.head(), head);
    desk.is_clean();
}

#[test]
fn a_closed_months_lines_are_the_same_in_every_export() {
    let desk = Desk::new();
    let first = desk.charges(CLOSED);
    assert_eq!(desk.charges(CLOSED), first);
    desk.run(&["month", "close", OPEN]).ok();
    assert_eq!(desk.charges(CLOSED), first);
}

/// All statements of a month as they are rendered.
fn rendered(desk: &Desk, month: &str, zone: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = desk.folder().join("rendered");
    let told = desk
        .command(&["statement", "render", month, "--to", &folder.display().to_string()])
        .env("TZ", zone)
        .output()
        .unwrap();
    Said::from(told).ok();
    contents(&folder)
}

#[test]
fn statements_are_rendered_with_the_same_bytes_in_every_zone() {
    let desk = Desk::new();
    let head = desk.head();
    let first = rendered(&desk, CLOSED, "Asia/Shanghai");
    assert!(
        first.len() > 6,
        "of three providers and their departments: {}",
        first.len()
    );
    for zone in ["America/Denver", "Pacific/Kiritimati"] {
        assert!(rendered(&desk, CLOSED, zone) == first, "{zone}");
    }
    assert_eq!(desk.head(), head);
}

#[test]
fn the_zone_of_the_host_changes_no_line() {
    // Fourteen hours before Beijing and six after it: on the first and the last day of a month both are in another one.
    let lines = ["America/Denver", "Pacific/Kiritimati"].map(|zone| {
        let desk = Desk::new();
        let closed = desk
            .command(&["month", "close", OPEN])
            .env("TZ", zone)
            .output()
            .unwrap();
        Said::from(closed).ok();
        desk.charges(OPEN)
    });
    assert!(lines[0] == lines[1]);
    assert!(lines[0].len() > 1000);
}
