//! A row of either database, read column by column.

use crate::StoreError;
use crate::sqlite::SqliteRow;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use std::str::FromStr;

/// A row that was read.
#[derive(Debug)]
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// An integer that is always there.
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.int(column)?.ok_or_else(|| missing(column))?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// An integer that may be missing.
    pub fn int_or_none(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.int(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A text that is always there.
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.text(column)?.ok_or_else(|| missing(column))?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A text that may be missing.
    pub fn text_or_none(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.text(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A text that is read as something.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        table: &'static str,
        column: &str,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        text.parse().map_err(|why: T::Err| StoreError::BadRow {
            table,
            key: text.clone(),
            why: why.to_string(),
        })
    }

    /// A text that may be missing and is read as something.
    pub fn parsed_or_none<T: FromStr<Err: std::fmt::Display>>(
        &self,
        table: &'static str,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text_or_none(column)? else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|why: T::Err| StoreError::BadRow {
            table,
            key: text.clone(),
            why: why.to_string(),
        })
    }

    /// A text that is read as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, table: &'static str, column: &str) -> Result<T, StoreError> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|why| {
            let key = text.chars().take(80).collect();
            StoreError::BadRow {
                table,
                key,
                why: why.to_string(),
            }
        })
    }
}

/// A value that should be there is not.
fn missing(column: &str) -> StoreError {
    StoreError::Sql(format!("列 {column} 为空").into())
}
