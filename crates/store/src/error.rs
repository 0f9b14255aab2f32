//! What can go wrong with the store.

use kernel::{ErrorKind, Kinded};
use rusqlite::ffi;
use std::error::Error as Fault;
use thiserror::Error;

/// An error of the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The address of the database is not understood.
    #[error("数据库地址 {0:?} 无法识别；请写 sqlite:///路径/yunheng.db 或 postgres://用户@主机/库名")]
    Url(String),
    /// It cannot be reached or opened.
    #[error("无法打开数据库: {0}；请检查地址、权限、磁盘空间和服务是否启动")]
    Open(#[source] Box<dyn Fault + Send + Sync>),
    /// The file is something else.
    #[error("该文件不是数据库文件，或已损坏；请检查数据库地址，或从备份恢复（文件未被改动）")]
    NotADatabase,
    /// Its schema cannot be brought up to date.
    #[error("数据库结构升级失败: {0}；数据未改动，请先备份再与运维联系")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Its schema is older than the program.
    #[error("数据库尚未初始化或版本较旧，请先运行 yunheng migrate")]
    NotMigrated,
    /// Somebody else holds it.
    #[error("数据库正被另一个进程写入，等待超时；请稍后再试")]
    Busy,
    /// The disk is full.
    #[error("磁盘空间不足，数据库未能写入，已有数据未受影响；请清理磁盘后重试")]
    DiskFull,
    /// A statement failed.
    #[error("数据库操作失败: {0}")]
    Sql(#[source] Box<dyn Fault + Send + Sync>),
    /// A stored row cannot be read.
    #[error("数据库中 {table} 的记录 {key} 无法识别: {why}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// Which row.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A row was changed or removed meanwhile.
    #[error("{0} 已被他人改动，请刷新后重试")]
    Conflict(String),
    /// A command took effect before.
    #[error("标识为 {0} 的操作已经执行过")]
    KnownCommand(String),
    /// A unit of work wrote something and nobody audited it. A fault of ours; nothing was committed.
    #[error("操作没有审计记录，已撤销")]
    NotAudited,
}

impl StoreError {
    /// For an address; its password is not repeated.
    pub(crate) fn url(url: &str) -> Self {
        let hidden = url.split_once("://").and_then(|(scheme, rest)| {
            let (login, place) = rest.rsplit_once('@')?;
            let (user, _password) = login.split_once(':')?;
            Some(format!("{scheme}://{user}:***@{place}"))
        });
        Self::Url(hidden.unwrap_or_else(|| url.to_owned()))
    }

    /// For what happened while opening.
    pub(crate) fn open(error: impl Into<Self>) -> Self {
        match error.into() {
            Self::Sql(error) => Self::Open(error),
            known => known,
        }
    }

    /// Whether a statement failed as there is such a row already.
    pub(crate) fn is_duplicate(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        let postgres = error
            .downcast_ref::<sqlx::Error>()
            .and_then(sqlx::Error::as_database_error);
        let sqlite = error
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error);
        postgres.is_some_and(|error| error.is_unique_violation())
            || sqlite.is_some_and(|error| {
                matches!(
                    error.extended_code,
                    ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                )
            })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            // PostgreSQL's undefined_table, lock_not_available, disk_full.
            Some("42P01") => Self::NotMigrated,
            Some("55P03") => Self::Busy,
            Some("53100") => Self::DiskFull,
            _ => Self::Sql(error.into()),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        match code {
            Some(ffi::SQLITE_ERROR) if error.to_string().contains("no such table") => Self::NotMigrated,
            Some(ffi::SQLITE_IOERR_WRITE) => Self::DiskFull,
            // The others in all their extended forms.
            _ => match code.map(|code| code & 0xff) {
                Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => Self::Busy,
                Some(ffi::SQLITE_NOTADB) => Self::NotADatabase,
                Some(ffi::SQLITE_FULL) => Self::DiskFull,
                _ => Self::Sql(error.into()),
            },
        }
    }
}

impl Kinded for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url(_) | Self::NotADatabase => ErrorKind::InvalidInput,
            Self::Open(_) | Self::Busy | Self::DiskFull => ErrorKind::Unavailable,
            Self::NotMigrated => ErrorKind::FailedPrecondition,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::KnownCommand(_) => ErrorKind::AlreadyExists,
            Self::Migrate(_) | Self::Sql(_) | Self::BadRow { .. } | Self::NotAudited => ErrorKind::Internal,
        }
    }
}
