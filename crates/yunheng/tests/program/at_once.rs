//! Several programs at once on one store: one after the other, and each thing once.

use crate::desk::{Desk, OPEN, many_allocations, said};

#[test]
fn two_imports_at_once_are_one_after_the_other() {
    let (a, b) = (many_allocations("ZA", 300), many_allocations("ZB", 300));
    let one_by_one = Desk::new();
    one_by_one.import("allocations", "a.csv", &a).ok();
    one_by_one.import("allocations", "b.csv", &b).ok();
    let right = one_by_one.json(&["inventory", "--as-of", "2025-06-20"]);
    let desk = Desk::new();
    let paths = [desk.file("a.csv", &a), desk.file("b.csv", &b)];
    let children = paths.map(|path| desk.begin(&["import", "allocations", &path]));
    for child in children {
        said(child).ok();
    }
    assert_eq!(desk.json(&["inventory", "--as-of", "2025-06-20"]), right);
    desk.is_clean();
}

#[test]
fn the_same_file_at_once_counts_once() {
    let desk = Desk::new();
    let before = desk.json(&["audit", "verify"])["entries"].as_i64().unwrap();
    let path = desk.file("c.csv", &many_allocations("ZC", 300));
    let start = || desk.begin(&["import", "allocations", &path, "--output", "json"]);
    let children = [start(), start(), start()];
    let outcomes = children.map(|child| said(child).ok());
    let first = outcomes
        .iter()
        .filter(|text| text.contains("\"already_imported\": false"))
        .count();
    assert_eq!(first, 1, "{outcomes:?}");
    assert_eq!(desk.json(&["audit", "verify"])["entries"].as_i64().unwrap(), before + 1);
}

#[test]
fn closing_at_once_closes_once() {
    let alone = Desk::new();
    alone.run(&["month", "close", OPEN]).ok();
    let desk = Desk::new();
    let start = || desk.begin(&["month", "close", OPEN]);
    let children = [start(), start()];
    let said = children.map(said);
    let closed = said.iter().filter(|said| said.code == Some(0)).count();
    assert_eq!(closed, 1, "{said:?}");
    for said in said {
        if said.code != Some(0) {
            assert!(matches!(said.code, Some(5..=7)), "{said:?}");
            assert!(said.err.starts_with("错误: "), "{said:?}");
        }
    }
    assert_eq!(desk.month(OPEN), alone.month(OPEN));
    assert!(desk.charges(OPEN) == alone.charges(OPEN));
    desk.is_whole();
}
