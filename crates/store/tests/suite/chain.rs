//! The audit chain: in the order of commit, and whoever changes it is found.

use super::{at, commit};
use domain::audit::{AuditEntry, ChainError, ChainVerifier};
use kernel::Instant;
use std::collections::BTreeMap;
use store::Store;
use test_support::TestStore;

const WRITERS: i64 = 8;
const ROUNDS: i64 = 5;

async fn entries(store: &Store) -> Vec<AuditEntry> {
    let mut read = store.read().await.unwrap();
    let count = read.audit_count().await.unwrap();
    let mut entries = Vec::new();
    // In pages, as the command does.
    while let page = read
        .audit_entries(i64::try_from(entries.len()).unwrap() + 1, 7)
        .await
        .unwrap()
        && !page.is_empty()
    {
        entries.extend(page);
    }
    assert_eq!(i64::try_from(entries.len()).unwrap(), count);
    entries
}

fn verify(entries: &[AuditEntry]) -> Result<(), ChainError> {
    let mut verifier = ChainVerifier::new();
    entries.iter().try_for_each(|entry| verifier.check(entry))
}

pub async fn in_order_of_commit(store: TestStore) {
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.store();
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let mut work = store.begin().await.unwrap();
                    let actor = format!("writer-{writer}");
                    let at = Instant::from_unix_s(round);
                    work.audit(at, (&actor, "test.write", "x"), format!("{{\"round\":{round}}}"))
                        .await
                        .unwrap();
                    if (writer + round) % 4 == 0 {
                        drop(work);
                    } else {
                        work.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let entries = entries(&store).await;
    assert_eq!(
        i64::try_from(entries.len()).unwrap(),
        WRITERS * ROUNDS * 3 / 4,
        "one in four was given up"
    );
    assert_eq!(verify(&entries), Ok(()));
    // Each writer's own entries stand in the order in which it committed them.
    let mut rounds: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for entry in &entries {
        rounds.entry(&entry.actor).or_default().push(entry.at.unix_s());
    }
    assert_eq!(rounds.len(), 8);
    assert!(rounds.values().all(|rounds| rounds.is_sorted()), "{rounds:?}");
}

async fn five(store: &Store) {
    for n in 0..5 {
        let mut work = store.begin().await.unwrap();
        work.audit(at("2026-03-01"), ("甲", "test.write", "x"), format!("{{\"n\":{n}}}"))
            .await
            .unwrap();
        work.commit().await.unwrap();
    }
    assert_eq!(verify(&entries(store).await), Ok(()));
}

pub async fn a_changed_row_is_found(store: TestStore) {
    five(&store).await;
    for (column, value) in [
        ("detail", "{\"n\":9}"),
        ("actor", "乙"),
        ("object", "y"),
        ("action", "test.read"),
    ] {
        let mut work = store.begin().await.unwrap();
        let row = work
            .first(&format!("SELECT {column} FROM audit_entry WHERE number = 3"), &[])
            .await
            .unwrap()
            .unwrap();
        let before = row.text(column).unwrap();
        let sql = format!("UPDATE audit_entry SET {column} = $1 WHERE number = 3");
        work.execute_one(&sql, &[value.into()], "3").await.unwrap();
        // The tamperer's own entry is linked well; that does not hide the other.
        commit(work).await;
        assert_eq!(verify(&entries(&store).await), Err(ChainError::Content(3)), "{column}");
        let mut work = store.begin().await.unwrap();
        work.execute_one(&sql, &[before.into()], "3").await.unwrap();
        commit(work).await;
        assert_eq!(verify(&entries(&store).await), Ok(()));
    }
    // Content and digest together: then the next entry does not follow.
    let mut work = store.begin().await.unwrap();
    let mut forged = entries(&store).await.swap_remove(2);
    forged.detail = "{}".into();
    let sql = "UPDATE audit_entry SET detail = $1, digest = $2 WHERE number = 3";
    work.execute_one(sql, &["{}".into(), forged.compute().to_string().into()], "3")
        .await
        .unwrap();
    commit(work).await;
    assert_eq!(verify(&entries(&store).await), Err(ChainError::Link(4)));
}

pub async fn a_removed_row_is_found(store: TestStore) {
    five(&store).await;
    let mut work = store.begin().await.unwrap();
    work.execute_one("DELETE FROM audit_entry WHERE number = 2", &[], "2")
        .await
        .unwrap();
    commit(work).await;
    let mut read = store.read().await.unwrap();
    let left = read.audit_entries(1, 100).await.unwrap();
    assert_eq!(verify(&left), Err(ChainError::Number { expected: 2, found: 3 }));
}
