//! The unit of work: all of it with its audit entry, or nothing.

use super::{at, commit, organisation, version};
use domain::registry::Organisation;
use std::time::Duration;
use store::{MonthRecord, Store, StoreError};
use test_support::TestStore;

async fn organisations(store: &Store) -> usize {
    store
        .read()
        .await
        .unwrap()
        .history::<Organisation>()
        .await
        .unwrap()
        .len()
}

fn closing() -> MonthRecord {
    MonthRecord {
        month: super::month("2026-03"),
        closed_at: at("2026-04-03"),
        actor: "甲".into(),
    }
}

pub async fn nothing_without_audit(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    work.add_versions(&[version("2026-01-01", organisation("D1", "甲局"))], None)
        .await
        .unwrap();
    assert!(matches!(work.commit().await, Err(StoreError::NotAudited)));
    assert_eq!(organisations(&store).await, 0);
    assert_eq!(store.read().await.unwrap().audit_count().await.unwrap(), 0);
}

pub async fn dropped_work_leaves_nothing(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    work.add_versions(&[version("2026-01-01", organisation("D1", "甲局"))], None)
        .await
        .unwrap();
    work.audit(at("2026-03-01"), ("甲", "test", "x"), "{}".into())
        .await
        .unwrap();
    drop(work);
    // The next writer need not wait, and finds neither row nor entry.
    let mut work = store.begin().await.unwrap();
    assert_eq!(work.history::<Organisation>().await.unwrap().len(), 0);
    assert_eq!(work.audit_head().await.unwrap(), None);
    commit(work).await;
    assert_eq!(store.read().await.unwrap().audit_count().await.unwrap(), 1);
}

pub async fn a_conflict_leaves_nothing(store: TestStore) {
    let mut work = store.begin().await.unwrap();
    work.close_month(&closing()).await.unwrap();
    commit(work).await;
    let mut work = store.begin().await.unwrap();
    work.add_versions(&[version("2026-01-01", organisation("D1", "甲局"))], None)
        .await
        .unwrap();
    assert!(matches!(
        work.close_month(&closing()).await,
        Err(StoreError::Conflict(_))
    ));
    drop(work);
    assert_eq!(organisations(&store).await, 0);
}

pub async fn readers_see_one_state(store: TestStore) {
    super::register(&store, &[version("2026-01-01", organisation("D1", "甲局"))]).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(read.history::<Organisation>().await.unwrap().len(), 1);
    super::register(&store, &[version("2026-01-01", organisation("D2", "乙局"))]).await;
    assert_eq!(
        read.history::<Organisation>().await.unwrap().len(),
        1,
        "as it was when the reading began"
    );
    assert_eq!(organisations(&store).await, 2);
    // A reader cannot keep a writer from writing, nor see what is not committed.
    let mut work = store.begin().await.unwrap();
    work.add_versions(&[version("2026-01-01", organisation("D3", "丙局"))], None)
        .await
        .unwrap();
    assert_eq!(organisations(&store).await, 2);
}

pub async fn a_second_writer_waits_and_is_told(store: TestStore) {
    let other = Store::open_with_patience(store.url(), Duration::from_millis(20))
        .await
        .unwrap();
    let work = store.begin().await.unwrap();
    let refused = other.begin().await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("另一个进程"));
    // Who only reads does not wait.
    assert_eq!(other.read().await.unwrap().audit_count().await.unwrap(), 0);
    commit(work).await;
    commit(other.begin().await.unwrap()).await;
    other.close().await;
    assert_eq!(store.read().await.unwrap().audit_count().await.unwrap(), 2);
}
