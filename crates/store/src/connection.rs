//! One way to talk to two databases.
//!
//! SQL uses `$1` placeholders, which both understand, and only two types of value, text and 64-bit integers; that is
//! all the tables have. Everything runs inside a transaction.

use crate::command::{Command, KeptSoon};
use crate::migrate;
use crate::sqlite::{SqlitePool, SqliteTransaction};
use crate::{Row, StoreError, Value};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, Postgres, Transaction};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(60);
/// A connection to PostgreSQL that was not used for so long is asked whether it still is one.
const RESTED: Duration = Duration::from_secs(1);
/// Values bound in one statement; SQLite allows 32,766.
const BINDS_MAX: usize = 30_000;
/// What a transaction on PostgreSQL is if it says nothing: it reads, and sees one state of the database.
const READ: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// What one for writing says.
const WRITE: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE";
/// Serialises writers on PostgreSQL, as SQLite does by itself, so that the audit chain is in commit order.
const WRITER_LOCK: &str = "SELECT pg_advisory_xact_lock(8109117)";

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: Pool,
    pub(crate) patience: Duration,
    /// Whose turn it is to write: within a process writers stand in line here, first come, first served, and take no
    /// connection of the pool from readers meanwhile. Between processes the database itself keeps them apart.
    pub(crate) writer: Arc<Mutex<()>>,
    /// Answers to commands that stand in line to be kept.
    pub(crate) answers: Arc<std::sync::Mutex<Vec<Arc<KeptSoon>>>>,
    pub(crate) command: Option<Arc<Command>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction on either database.
#[derive(Debug)]
pub struct Connection {
    open: Open,
    /// The turn of a writer; it ends after the transaction.
    _turn: Option<OwnedMutexGuard<()>>,
}

#[derive(Debug)]
enum Open {
    Sqlite(SqliteTransaction),
    Postgres(Transaction<'static, Postgres>),
}

impl Store {
    /// Opens a database by its address: `sqlite:///path/yunheng.db` (made if it is not there) or `postgres://...`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with_patience(url, PATIENCE).await
    }

    /// The same, but a writer waits no longer than `patience` (more than nothing) for another one.
    pub async fn open_with_patience(url: &str, patience: Duration) -> Result<Self, StoreError> {
        let pool = if url.starts_with("sqlite:") {
            Pool::Sqlite(SqlitePool::open(url, patience)?)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::url(url))?;
            // Once without the pool, which would try for half a minute to reach a server that is not there.
            let tried = PgConnection::connect_with(&options).await.map_err(StoreError::open)?;
            tried.close().await.map_err(StoreError::open)?;
            Pool::Postgres(
                PgPoolOptions::new()
                    .max_connections(8)
                    .test_before_acquire(false)
                    .before_acquire(|connection, of| {
                        Box::pin(async move { Ok(of.idle_for < RESTED || connection.ping().await.is_ok()) })
                    })
                    .after_connect(|connection, _| Box::pin(async move { connection.execute(READ).await.map(drop) }))
                    .connect_with(options)
                    .await
                    .map_err(StoreError::open)?,
            )
        } else {
            return Err(StoreError::url(url));
        };
        Ok(Self {
            pool,
            patience,
            writer: Arc::default(),
            answers: Arc::default(),
            command: None,
        })
    }

    /// Brings the tables up to date. Running it again changes nothing.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.pool {
            Pool::Sqlite(pool) => pool.migrate().await?,
            Pool::Postgres(pool) => {
                let mut own = PgConnection::connect_with(&pool.connect_options()).await?;
                migrate::migrator("TEXT COLLATE \"C\"")
                    .run_direct(None, &mut own, false)
                    .await?;
                own.close().await?;
            }
        }
        Ok(())
    }

    /// Checks that the tables are those of this program.
    ///
    /// Errors: they were never made, or are older than the program.
    pub async fn check_migrated(&self) -> Result<(), StoreError> {
        let newest = migrate::newest();
        let mut read = self.read().await?;
        let found = read
            .first("SELECT max(version) AS newest FROM _sqlx_migrations", &[])
            .await;
        let found = found.ok().flatten().and_then(|row| row.int("newest").ok());
        if found.is_some_and(|found| found >= newest) {
            Ok(())
        } else {
            Err(StoreError::NotMigrated)
        }
    }

    /// Which database it is, for people.
    pub const fn backend(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite(_) => "SQLite",
            Pool::Postgres(_) => "PostgreSQL",
        }
    }

    /// A transaction for reading: it sees one state of the database.
    pub async fn read(&self) -> Result<Connection, StoreError> {
        let open = match &self.pool {
            Pool::Sqlite(pool) => Open::Sqlite(pool.read().await?),
            Pool::Postgres(pool) => Open::Postgres(pool.begin().await?),
        };
        Ok(Connection { open, _turn: None })
    }

    /// A transaction for writing; there is only one at a time.
    pub(crate) async fn write(&self) -> Result<Connection, StoreError> {
        self.write_in(self.turn().await?).await
    }

    /// Waits for the turn to write.
    pub(crate) async fn turn(&self) -> Result<OwnedMutexGuard<()>, StoreError> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.writer).lock_owned());
        turn.await.map_err(|_| StoreError::Busy)
    }

    /// A transaction of whoever's turn it is.
    pub(crate) async fn write_in(&self, turn: OwnedMutexGuard<()>) -> Result<Connection, StoreError> {
        let open = match &self.pool {
            Pool::Sqlite(pool) => Open::Sqlite(pool.write().await?),
            Pool::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                let patience = self.patience.as_millis().max(1);
                let turn = format!("{WRITE}; SET LOCAL lock_timeout = {patience}; {WRITER_LOCK}");
                sqlx::raw_sql(AssertSqlSafe(turn)).execute(&mut *transaction).await?;
                Open::Postgres(transaction)
            }
        };
        let turn = Some(turn);
        Ok(Connection { open, _turn: turn })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

fn bind_postgres<'q>(sql: &str, values: &[Value]) -> Query<'q, Postgres, PgArguments> {
    values
        .iter()
        .fold(sqlx::query(AssertSqlSafe(sql.to_owned())), |query, value| match value {
            Value::Int(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.clone()),
        })
}

impl Connection {
    /// Runs a statement. Returns how many rows it changed.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(t) => t.execute(sql, values)?,
            Open::Postgres(t) => bind_postgres(sql, values).execute(&mut **t).await?.rows_affected(),
        })
    }

    /// Runs a statement that must change exactly one row; `what` is named if it does not, or if there is one like it
    /// already.
    pub async fn execute_one(&mut self, sql: &str, values: &[Value], what: &str) -> Result<(), StoreError> {
        match self.execute(sql, values).await {
            Ok(1) => Ok(()),
            Ok(_) => Err(StoreError::Conflict(what.to_owned())),
            Err(error) if error.is_duplicate() => Err(StoreError::Conflict(what.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// Reads all rows of a query.
    pub async fn all(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(t) => t.all(sql, values)?.into_iter().map(Row::Sqlite).collect(),
            Open::Postgres(t) => {
                let rows = bind_postgres(sql, values).fetch_all(&mut **t).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Reads the first row of a query, if there is one.
    pub async fn first(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    /// Inserts many rows by few statements. `into` is `table (column, ...)`, `tail` what follows the values.
    pub async fn insert_many(&mut self, into: &str, tail: &str, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        let width = rows.first().map_or(1, |row| row.len().max(1));
        let mut changed = 0;
        for chunk in rows.chunks((BINDS_MAX / width).clamp(1, 500)) {
            let (rows, values) = self.rows(chunk);
            changed += self
                .execute(&format!("INSERT INTO {into} VALUES {rows}{tail}"), &values)
                .await?;
        }
        Ok(changed)
    }

    /// Rows for `VALUES`, as places for values, and the values.
    pub(crate) fn rows(&self, rows: &[impl AsRef<[Value]>]) -> (String, Vec<Value>) {
        let mut text = String::new();
        let mut values = Vec::new();
        for row in rows {
            let first = values.len();
            values.extend_from_slice(row.as_ref());
            let places: Vec<String> = (first + 1..=values.len()).map(|n| self.placeholder(n)).collect();
            let comma = if first == 0 { "" } else { "," };
            text.push_str(&format!("{comma}({})", places.join(",")));
        }
        (text, values)
    }

    /// The `n`th placeholder of a statement with many. SQLite looks for a numbered one among all that it has seen,
    /// so thousands of them take seconds; its own kind needs no looking.
    fn placeholder(&self, n: usize) -> String {
        match &self.open {
            Open::Sqlite(_) => "?".to_owned(),
            Open::Postgres(_) => format!("${n}"),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.open {
            Open::Sqlite(t) => t.commit()?,
            Open::Postgres(t) => t.commit().await?,
        }
        Ok(())
    }
}
