//! Migrations.

use super::{organisation, version};
use domain::registry::Organisation;
use store::{Store, StoreError};
use test_support::TestStore;

pub async fn migrating_twice_changes_nothing(store: TestStore) {
    super::register(&store, &[version("2026-01-01", organisation("D1", "甲局"))]).await;
    store.migrate().await.unwrap();
    let other = Store::open(store.url()).await.unwrap();
    other.migrate().await.unwrap();
    let read = other.read().await.unwrap().history::<Organisation>().await.unwrap();
    assert_eq!(read.latest("D1"), Some(&organisation("D1", "甲局")));
}

/// Several programs that are started on an empty database at the same moment.
pub async fn migrating_at_once(store: TestStore) {
    let empty = match store.backend() {
        "SQLite" => test_support::sqlite_empty().await,
        _ => test_support::postgres_empty().await,
    };
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(Store::open(empty.url()).await.unwrap());
    }
    let migrations: Vec<_> = others
        .iter()
        .cloned()
        .map(|s| tokio::spawn(async move { s.migrate().await }))
        .collect();
    for migration in migrations {
        migration.await.unwrap().unwrap();
    }
    super::register(&empty, &[version("2026-01-01", organisation("D1", "甲局"))]).await;
    for other in others {
        other.close().await;
    }
}

pub async fn without_tables_it_says_so(store: TestStore) {
    let empty = match store.backend() {
        "SQLite" => test_support::sqlite_empty().await,
        _ => test_support::postgres_empty().await,
    };
    let refused = empty.read().await.unwrap().closed_months().await;
    assert!(matches!(refused, Err(StoreError::NotMigrated)), "{refused:?}");
}
