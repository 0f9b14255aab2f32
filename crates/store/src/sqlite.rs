//! SQLite: a file of this machine, asked where the question arises.
//!
//! A statement takes some microseconds, a fraction of what it costs to hand it to another thread and wait, so nothing is
//! handed over ([ADR 14]). What can take long, waiting for another writer, waits without holding up the thread.
//!
//! [ADR 14]: ../../../../docs/adr/0014-sqlite-is-asked-in-place.md

use crate::{StoreError, Value, migrate};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement, ToSql};
use sqlx::migrate::MigrateError;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections to one file: more would not be quicker, and each keeps pages in memory.
const CONNECTIONS: usize = 4;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;
/// Pages that a connection keeps, as SQLite wants it said. Units: KiB, negative.
const CACHE: i64 = -65_536;
/// What commits write is brought from the log into the file after so many of them, while others go on.
const COMMITS_A_CHECKPOINT: u64 = 64;
/// If the log grows beyond this in spite of that, a commit does it, and all who write wait. Units: pages of 4 KiB.
const LOG_PAGES_MAX: i64 = 10_000;
/// How long to wait before asking again whether another process has written, at first and at most.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Connections to a file, lent to one transaction after the other.
#[derive(Debug, Clone)]
pub(crate) struct SqlitePool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    patience: Duration,
    idle: Mutex<Idle>,
    commits: AtomicU64,
    checkpointer: Mutex<Option<Connection>>,
    places: Arc<Semaphore>,
}

/// Connections that nobody uses. What another connection writes makes one forget the pages it keeps, so the same one
/// writes every time.
#[derive(Debug, Default)]
struct Idle {
    readers: Vec<Connection>,
    writer: Option<Connection>,
}

impl Idle {
    fn take(&mut self, writes: bool) -> Option<Connection> {
        if writes { self.writer.take() } else { self.readers.pop() }
    }

    fn put(&mut self, writes: bool, connection: Connection) {
        if writes {
            self.writer = Some(connection);
        } else {
            self.readers.push(connection);
        }
    }
}

/// A transaction. Dropping it undoes it.
#[derive(Debug)]
pub(crate) struct SqliteTransaction {
    /// Behind a lock that nobody ever waits for: a transaction may then be looked at from several threads.
    connection: Option<Mutex<Connection>>,
    of: SqlitePool,
    writes: bool,
    _place: OwnedSemaphorePermit,
}

/// A row that was read.
#[derive(Debug)]
pub struct SqliteRow {
    columns: Arc<[String]>,
    cells: Vec<Cell>,
}

impl SqlitePool {
    /// Opens the file at an address, and makes it if it is not there. What follows `sqlite:` or `sqlite://` is the path, as
    /// it is. Errors: there is none, or a question mark, with which settings would begin.
    pub(crate) fn open(url: &str, patience: Duration) -> Result<Self, StoreError> {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains('?') {
            return Err(StoreError::url(url));
        }
        let pool = Self(Arc::new(Shared {
            file: PathBuf::from(path),
            patience,
            idle: Mutex::default(),
            commits: AtomicU64::new(0),
            checkpointer: Mutex::default(),
            places: Arc::new(Semaphore::new(CONNECTIONS)),
        }));
        let first = pool.connect()?;
        pool.0.idle().put(true, first);
        Ok(pool)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let made = || {
            let connection = Connection::open_with_flags(&self.0.file, flags)?;
            connection.busy_timeout(self.0.patience)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "cache_size", CACHE)?;
            connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
            // A prepared statement keeps its plan, whatever is bound.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(PREPARED);
            Ok::<_, rusqlite::Error>(connection)
        };
        made().map_err(StoreError::open)
    }

    /// A transaction for reading: it sees one state of the file.
    pub(crate) async fn read(&self) -> Result<SqliteTransaction, StoreError> {
        let mut lent = self.lend(false).await?;
        lent.run("BEGIN")?;
        Ok(lent)
    }

    /// A transaction for writing. Waits for another process that writes.
    pub(crate) async fn write(&self) -> Result<SqliteTransaction, StoreError> {
        let mut lent = self.lend(true).await?;
        // What waits here is this loop, not the thread.
        lent.connection()?.busy_timeout(Duration::ZERO)?;
        let (mut pause, longest) = ASK_AGAIN;
        let mut left = self.0.patience;
        loop {
            match lent.run("BEGIN IMMEDIATE") {
                Err(StoreError::Busy) if !left.is_zero() => {
                    let wait = pause.min(left);
                    tokio::time::sleep(wait).await;
                    left = left.saturating_sub(wait);
                    pause = longest.min(pause * 2);
                }
                begun => return begun.map(|()| lent),
            }
        }
    }

    async fn lend(&self, writes: bool) -> Result<SqliteTransaction, StoreError> {
        let place = tokio::time::timeout(self.0.patience, Arc::clone(&self.0.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            return Err(StoreError::Busy);
        };
        let idle = self.0.idle().take(writes);
        let connection = idle.map_or_else(|| self.connect(), Ok)?;
        Ok(SqliteTransaction {
            connection: Some(Mutex::new(connection)),
            of: self.clone(),
            writes,
            _place: place,
        })
    }

    /// Brings the tables up to date, and keeps the same record of it as on PostgreSQL.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        // Nothing else keeps two programs from migrating one file at the same moment.
        let mut transaction = self.write().await?;
        let connection = transaction.connection()?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
             checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        )?;
        let mut done: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        let mut known = connection.prepare("SELECT version, checksum FROM _sqlx_migrations")?;
        for pair in known.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (version, checksum) = pair?;
            done.insert(version, checksum);
        }
        drop(known);
        for migration in migrate::migrator("TEXT").iter() {
            match done.remove(&migration.version) {
                Some(checksum) if checksum == *migration.checksum => {}
                Some(_) => return Err(MigrateError::VersionMismatch(migration.version).into()),
                None => {
                    connection.execute_batch(migration.sql.as_str())?;
                    connection.execute(
                        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                         VALUES (?1, ?2, TRUE, ?3, 0)",
                        (migration.version, &migration.description, &*migration.checksum),
                    )?;
                }
            }
        }
        match done.keys().next() {
            Some(newer) => Err(MigrateError::VersionMissing(*newer).into()),
            None => transaction.commit(),
        }
    }

    /// Counts a commit, and brings the log into the file when it is time.
    fn committed(&self) {
        let commits = self.0.commits.fetch_add(1, Ordering::Relaxed) + 1;
        if commits.is_multiple_of(COMMITS_A_CHECKPOINT) {
            let pool = self.clone();
            tokio::task::spawn_blocking(move || pool.checkpoint());
        }
    }

    /// Brings the log into the file as far as nobody reads it. What it cannot bring over stays in the log, for the next time
    /// or for a commit, which says why it cannot.
    fn checkpoint(&self) {
        let Ok(mut own) = self.0.checkpointer.try_lock() else {
            return;
        };
        if own.is_none() {
            *own = self.connect().ok();
        }
        if let Some(connection) = &*own {
            let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
        }
    }

    /// Waits for what is lent, and closes all connections.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let back = self.0.places.acquire_many(all).await;
        self.0.places.close();
        *self.0.idle() = Idle::default();
        *self.0.checkpointer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        drop(back);
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteTransaction {
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = self.connection.as_mut().ok_or(StoreError::Busy)?;
        Ok(connection.get_mut().unwrap_or_else(PoisonError::into_inner))
    }

    fn prepared(&mut self, sql: &str, values: &[Value]) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.connection()?.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        Ok(statement)
    }

    fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.execute(sql, &[]).map(drop)
    }

    /// Runs a statement. Returns how many rows it changed.
    pub(crate) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let changed = self.prepared(sql, values)?.raw_execute()?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Reads all rows of a query.
    pub(crate) fn all(&mut self, sql: &str, values: &[Value]) -> Result<Vec<SqliteRow>, StoreError> {
        let mut statement = self.prepared(sql, values)?;
        let columns: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..columns.len()).map(|place| row.get(place));
            found.push(SqliteRow {
                cells: cells.collect::<Result<_, _>>()?,
                columns: Arc::clone(&columns),
            });
        }
        Ok(found)
    }

    /// Commits; what was written is on the disk then.
    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        self.run("COMMIT")?;
        self.of.committed();
        Ok(())
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let connection = connection.into_inner().unwrap_or_else(PoisonError::into_inner);
        // One that cannot even undo is closed, which undoes as well.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            self.of.0.idle().put(self.writes, connection);
        }
    }
}

/// Binds values to `$1`, `$2` ... wherever they stand, or to `?` one after the other.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), StoreError> {
    for place in 1..=statement.parameter_count() {
        let numbered = statement.parameter_name(place).and_then(|name| name.strip_prefix('$'));
        let number: usize = numbered.and_then(|number| number.parse().ok()).unwrap_or(place);
        if let Some(value) = number.checked_sub(1).and_then(|index| values.get(index)) {
            statement.raw_bind_parameter(place, value)?;
        }
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(Some(number)) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Int(None) | Self::Text(None) => ValueRef::Null,
        }))
    }
}

impl SqliteRow {
    fn cell(&self, column: &str) -> Result<&Cell, StoreError> {
        let place = self.columns.iter().position(|name| name == column);
        let cell = place.and_then(|place| self.cells.get(place));
        cell.ok_or_else(|| rusqlite::Error::InvalidColumnName(column.to_owned()).into())
    }

    pub(crate) fn int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        match self.cell(column)? {
            Cell::Integer(number) => Ok(Some(*number)),
            Cell::Null => Ok(None),
            other => Err(unexpected(column, other)),
        }
    }

    pub(crate) fn text(&self, column: &str) -> Result<Option<String>, StoreError> {
        match self.cell(column)? {
            Cell::Text(text) => Ok(Some(text.clone())),
            Cell::Null => Ok(None),
            other => Err(unexpected(column, other)),
        }
    }
}

fn unexpected(column: &str, cell: &Cell) -> StoreError {
    rusqlite::Error::InvalidColumnType(0, column.to_owned(), cell.data_type()).into()
}
