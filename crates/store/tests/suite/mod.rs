//! The suite. Each function takes a database with tables and nothing in them.

pub mod chain;
pub mod commit;
pub mod facts;
pub mod months;
pub mod people;
pub mod registers;
pub mod tables;
pub mod values;

use domain::registry::{Organisation, Registered, Side, Version};
use kernel::{Instant, Month, Period};
use store::{Store, UnitOfWork};

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub fn month(text: &str) -> Month {
    text.parse().unwrap()
}

pub fn period(from: &str, to: &str) -> Period {
    Period::new(at(from), at(to)).unwrap()
}

pub fn version<T>(valid_from: &str, body: T) -> Version<T> {
    Version {
        valid_from: at(valid_from),
        body,
    }
}

pub fn organisation(code: &str, name: &str) -> Organisation {
    Organisation {
        code: code.parse().unwrap(),
        name: name.into(),
        side: Side::Unit,
        parent: None,
        merged_into: None,
        municipal: None,
    }
}

/// Audits and commits, as every operation does.
pub async fn commit(mut work: UnitOfWork) {
    work.audit(at("2026-03-01"), ("tester", "test.write", "thing"), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

/// Stores versions of one register.
pub async fn register<T: Registered>(store: &Store, versions: &[Version<T>]) {
    let mut work = store.begin().await.unwrap();
    work.add_versions(versions, None).await.unwrap();
    commit(work).await;
}
