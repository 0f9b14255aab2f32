//! Migrations.

use super::{organisation, version};
use domain::reconcile::AnswerOutcome;
use domain::registry::Organisation;
use kernel::{CaseId, Digest};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr as _};
use std::borrow::Cow;
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

/// The tables as the first version made them, with a row in each that later versions added to.
const FIRST: &str = include_str!("../../migrations/0001_house.sql");
const ROWS: &str = r#"
INSERT INTO answer VALUES ('P1','2026-03','N1/v','ECS','accepted','同意','乙',1);
INSERT INTO case_file VALUES ('CASE','node_gap','N1@d','P1','d',1,2,3,'2026-03',NULL);
INSERT INTO late_fact VALUES ('CASE','2026-03','late_data','d',1,1,NULL);
INSERT INTO outage VALUES ('N1/v',1,2,NULL,'月报',NULL);
INSERT INTO statement VALUES ('JS-202603-0001','2026-03','P1','D1','draft',1,-8,'DIGEST',
'{"number":"JS-202603-0001","month":"2026-03","scope":{"provider":"P1","organisation":"D1"},"items":[],
"charges":"0.00","corrections":"0.00","withheld":[{"resource":"N1/v","item":"ECS","class":"price","amount":"0.07"}],
"deductions":[{"resource":"N1/v","availability":"0.9","down_s":1,"rate":"0.1","fee":"0.10","amount":"0.01"}],
"payable":"-0.08"}');
"#;

/// How the first version kept the record of its migrations on SQLite.
const RECORD: &str = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on \
    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT \
    NOT NULL)";

/// A database that the first version of the program made and filled.
async fn of_first_version(backend: &str) -> TestStore {
    let first = |text: &str| {
        let sql = AssertSqlSafe(FIRST.replace("{text}", text)).into_sql_str();
        Migration::new(1, Cow::Borrowed("house"), MigrationType::Simple, sql, false)
    };
    let rows = ROWS
        .replace("CASE", &CaseId::from_parts(1, &[1; 10]).to_string())
        .replace("DIGEST", &Digest::of(b"x").to_string());
    if backend == "SQLite" {
        let store = test_support::sqlite_empty().await;
        let file = rusqlite::Connection::open(store.url().trim_start_matches("sqlite://")).unwrap();
        file.execute_batch(&[RECORD, first("TEXT").sql.as_str(), &rows].join(";"))
            .unwrap();
        let sql = "INSERT INTO _sqlx_migrations VALUES (1, 'house', CURRENT_TIMESTAMP, TRUE, ?1, 1)";
        file.execute(sql, [&*first("TEXT").checksum]).unwrap();
        store
    } else {
        let store = test_support::postgres_empty().await;
        let pool = PgPool::connect(store.url()).await.unwrap();
        let migrator = Migrator::with_migrations(vec![first("TEXT COLLATE \"C\"")]);
        migrator.run(&pool).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(rows)).execute(&pool).await.unwrap();
        pool.close().await;
        store
    }
}

pub async fn a_first_version_is_brought_up_to_date(store: TestStore) {
    let old = of_first_version(store.backend()).await;
    assert!(matches!(old.check_migrated().await, Err(StoreError::NotMigrated)));
    for _ in 0..2 {
        old.migrate().await.unwrap();
    }
    old.check_migrated().await.unwrap();
    let mut read = old.read().await.unwrap();
    let march = super::month("2026-03");
    let answers = read.answers(march).await.unwrap();
    assert_eq!((answers[0].outcome, answers[0].agreed), (AnswerOutcome::Accepted, None));
    assert_eq!(read.cases().await.unwrap()[0].ended, None);
    assert_eq!(read.open_late_facts().await.unwrap()[0].import, None);
    let within = super::period("1970-01-01", "1971-01-01");
    assert_eq!(read.outages_within(within).await.unwrap().len(), 1);
    // What an old statement withheld can still be found, to be released.
    let records = read.statements_that_withheld().await.unwrap();
    let statement = &records[0].statement;
    assert_eq!((records.len(), statement.withheld[0].amount.fen()), (1, 7));
    assert_eq!(
        (statement.releases.len(), statement.deductions[0].corrects.clone()),
        (0, None)
    );
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
