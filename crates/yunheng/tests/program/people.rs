//! The people of the demo city: what they do over HTTP in its last month, on both databases, and what comes of it.

use crate::charged::{MONTH, by_hand, charges};
use crate::desk::{Desk, OPEN, demo};
use std::fs;
use std::path::Path;
use test_support::TestStore;

/// The transcript that is checked in; `BLESS=1` writes it anew.
const WALKTHROUGH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/walkthroughs/requests.md");

/// The transcript of a folder. The head of the chain is left out: entries name the folders of the nodes.
fn transcript(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("walkthrough.md")).unwrap();
    let (before, after) = text.split_once("\"head\": \"").expect("the chain was verified");
    let (_, after) = after.split_once('"').unwrap();
    format!("{before}\"head\": \"（链头）\"{after}")
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
    assert_eq!(charged, by_hand());
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
