//! Databases for tests: each test gets one of its own, on a real SQLite file or in a real PostgreSQL; a clock one can
//! set, and chance that repeats.
//!
//! Owns making and removing the databases. Is no part of the product. Where PostgreSQL is, the variable
//! `YUNHENG_TEST_POSTGRES` says; without it the tests on PostgreSQL fail, they are never passed over.

#![expect(clippy::panic, reason = "a fixture that cannot be made fails its test, and says why")]

use domain::audit::AuditEntry;
use domain::authz::{Account, Role, RoleAssignment, RoleState};
use kernel::Instant;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use store::{Store, UnitOfWork};
use tempfile::TempDir;

/// Makes tests of functions that take a [`TestStore`]: each runs in a module `sqlite` on a new file, and in a module
/// `postgres` in a new database. A function beside the list that is not in it is never used, and the compiler says so.
#[macro_export]
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {
        $crate::on_both_stores!(@ sqlite $($test)+);
        $crate::on_both_stores!(@ postgres $($test)+);
    };
    (@ $backend:ident $($test:ident)+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($crate::$backend().await).await;
                }
            )+
        }
    };
}

/// Chance that repeats: bytes that count up.
pub fn counted() -> Box<dyn FnMut() -> [u8; 10] + Send> {
    let mut count = 0_u64;
    Box::new(move || {
        count += 1;
        let [a, b, c, d, e, f, g, h] = count.to_be_bytes();
        [0, 0, a, b, c, d, e, f, g, h]
    })
}

/// Stores an account with roles in its organisation, put there directly: how roles are given is tested elsewhere.
pub async fn employ(work: &mut UnitOfWork, account: &Account, roles: &[Role]) {
    let done = async {
        work.add_account(account).await?;
        for role in roles {
            let proposal = RoleAssignment {
                account: account.id,
                organisation: account.organisation.clone(),
                role: *role,
                from: account.created,
                to: None,
                proposed_by: "sysadmin".to_owned(),
                approved_by: String::new(),
            };
            let number = work.propose_role(&proposal).await?;
            work.decide_role(number, RoleState::InForce, ("secadmin", account.created))
                .await?;
        }
        Ok::<_, store::StoreError>(())
    };
    if let Err(why) = done.await {
        panic!("{} is not employed: {why}", account.login);
    }
}

/// The audit chain of a test's store, from its first entry.
pub async fn chain(store: &Store) -> Vec<AuditEntry> {
    let read = async { store.read().await?.audit_entries(1, 10_000).await };
    read.await
        .unwrap_or_else(|why| panic!("the chain cannot be read: {why}"))
}

/// A clock, and the hand by which a test sets it. Units: seconds since 1970.
pub fn clock_at(now: Instant) -> (Arc<AtomicI64>, Arc<dyn Fn() -> Instant + Send + Sync>) {
    let hand = Arc::new(AtomicI64::new(now.unix_s()));
    let read = Arc::clone(&hand);
    (
        hand,
        Arc::new(move || Instant::from_unix_s(read.load(Ordering::SeqCst))),
    )
}

/// Names the server: an address with a database that exists and a user who may make others.
pub const POSTGRES_VARIABLE: &str = "YUNHENG_TEST_POSTGRES";

/// A database of one test, with its tables. It is removed when this is dropped.
#[derive(Debug)]
pub struct TestStore {
    store: Store,
    url: String,
    guard: Guard,
}

#[derive(Debug)]
enum Guard {
    Folder(TempDir),
    Database(Database),
}

/// A database in a server.
#[derive(Debug)]
struct Database {
    server: String,
    name: String,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    /// Its address, for a second program that opens the same database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The store, for whoever wants to own one; it lives no longer than this fixture.
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// The file of the database; none on PostgreSQL.
    pub fn file(&self) -> Option<std::path::PathBuf> {
        match &self.guard {
            Guard::Folder(folder) => Some(folder.path().join("yunheng.db")),
            Guard::Database(_) => None,
        }
    }
}

/// A new SQLite file with the tables.
pub async fn sqlite() -> TestStore {
    migrated(sqlite_empty().await).await
}

/// A new PostgreSQL database with the tables.
pub async fn postgres() -> TestStore {
    migrated(postgres_empty().await).await
}

/// A new SQLite file without tables.
pub async fn sqlite_empty() -> TestStore {
    let folder = tempfile::tempdir().unwrap_or_else(|why| panic!("no temporary folder: {why}"));
    let url = format!("sqlite://{}", folder.path().join("yunheng.db").display());
    TestStore {
        store: open(&url).await,
        url,
        guard: Guard::Folder(folder),
    }
}

/// A new PostgreSQL database without tables.
pub async fn postgres_empty() -> TestStore {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let server = postgres_server();
    let name = format!(
        "yunheng_test_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let database = Database { server, name };
    database.remove().await;
    // Chinese collation on purpose: the order of rows must not depend on how a server was set up.
    let collation = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'zh'";
    database
        .tell(&format!("CREATE DATABASE {} {collation}", database.name))
        .await;
    let url = database.url();
    TestStore {
        store: open(&url).await,
        url,
        guard: Guard::Database(database),
    }
}

/// The address of the server that tests may use.
pub fn postgres_server() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "only the environment knows where the test server is"
    )]
    std::env::var(POSTGRES_VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{POSTGRES_VARIABLE} is not set, so nothing was tested on PostgreSQL. \
             Run `tests/postgres.sh up` and set the variable to the address it prints."
        )
    })
}

async fn open(url: &str) -> Store {
    Store::open(url).await.unwrap_or_else(|why| panic!("{url}: {why}"))
}

async fn migrated(test: TestStore) -> TestStore {
    test.store
        .migrate()
        .await
        .unwrap_or_else(|why| panic!("{}: {why}", test.url));
    test
}

impl Database {
    fn url(&self) -> String {
        let (address, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let server = address.rsplit_once('/').map_or(address, |(server, _)| server);
        let question = if options.is_empty() { "" } else { "?" };
        format!("{server}/{}{question}{options}", self.name)
    }

    async fn tell(&self, sql: &str) {
        let told = async {
            let mut connection = PgConnection::connect(&self.server).await?;
            connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await?;
            connection.close().await
        };
        told.await
            .unwrap_or_else(|why: sqlx::Error| panic!("{}: {sql}: {why}", self.server));
    }

    async fn remove(&self) {
        self.tell(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name))
            .await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Self::Database(database) = self else { return };
        // A thread of its own: dropping happens inside the test's runtime, which cannot wait for itself.
        std::thread::scope(|scope| {
            let removing = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                if let Ok(runtime) = runtime {
                    runtime.block_on(database.remove());
                }
            });
            // What cannot be removed stays; the next process with the same number removes it.
            let _ = removing.join();
        });
    }
}
