//! Statements and what was said about them.

use crate::{Connection, Row, StoreError, Value};
use domain::settle::{Opinion, Statement, StatementStatus};
use kernel::{Digest, MoneyError, Month};

const TABLE: &str = "statement";

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRecord {
    /// The statement.
    pub statement: Statement,
    /// Where it stands.
    pub status: StatementStatus,
    /// Counts its changes; a save names the version it saw.
    pub version: i64,
    /// Digest of its content.
    pub digest: Digest,
}

fn record(row: &Row) -> Result<StatementRecord, StoreError> {
    Ok(StatementRecord {
        statement: row.json(TABLE, "body")?,
        status: row.parsed(TABLE, "status")?,
        version: row.int("version")?,
        digest: row.parsed(TABLE, "digest")?,
    })
}

impl Connection {
    /// The statements of a month, by number.
    pub async fn statements(&mut self, month: Month) -> Result<Vec<StatementRecord>, StoreError> {
        self.all(
            "SELECT * FROM statement WHERE month = $1 ORDER BY number",
            &[month.to_string().into()],
        )
        .await?
        .iter()
        .map(record)
        .collect()
    }

    /// The statements of a month and of all later ones, by number.
    pub async fn statements_since(&mut self, month: Month) -> Result<Vec<StatementRecord>, StoreError> {
        let sql = "SELECT * FROM statement WHERE month >= $1 ORDER BY number";
        self.all(sql, &[month.to_string().into()])
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// The statements that withheld or released something, by number.
    pub async fn statements_that_withheld(&mut self) -> Result<Vec<StatementRecord>, StoreError> {
        let sql = "SELECT * FROM statement WHERE withheld_fen IS NULL OR released_fen IS NULL \
                   OR withheld_fen <> 0 OR released_fen <> 0 ORDER BY number";
        self.all(sql, &[]).await?.iter().map(record).collect()
    }

    /// The statement with a number.
    pub async fn statement(&mut self, number: &str) -> Result<Option<StatementRecord>, StoreError> {
        let row = self
            .first("SELECT * FROM statement WHERE number = $1", &[number.into()])
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// Stores a new statement.
    pub async fn add_statement(&mut self, record: &StatementRecord) -> Result<(), StoreError> {
        let statement = &record.statement;
        let body = Value::json(TABLE, &statement.number, statement)?;
        let range = |_: MoneyError| StoreError::BadRow {
            table: TABLE,
            key: statement.number.clone(),
            why: "金额超出范围".to_owned(),
        };
        let values = [
            statement.number.clone().into(),
            statement.month.to_string().into(),
            statement.scope.provider.clone().into(),
            statement.scope.organisation.clone().into(),
            record.status.word().into(),
            record.version.into(),
            statement.payable.fen().into(),
            record.digest.to_string().into(),
            body,
            statement.withheld_total().map_err(range)?.fen().into(),
            statement.released_total().map_err(range)?.fen().into(),
        ];
        let sql = "INSERT INTO statement (number, month, provider, organisation, status, version, payable_fen, digest, \
                   body, withheld_fen, released_fen) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)";
        self.execute_one(sql, &values, &statement.number).await
    }

    /// Moves a statement on; the version must still be the one that was read.
    pub async fn advance_statement(
        &mut self,
        record: &StatementRecord,
        status: StatementStatus,
        opinion: &Opinion,
    ) -> Result<(), StoreError> {
        let number = &record.statement.number;
        let sql = "UPDATE statement SET status = $1, version = version + 1 WHERE number = $2 AND version = $3";
        self.execute_one(
            sql,
            &[status.word().into(), number.clone().into(), record.version.into()],
            number,
        )
        .await?;
        let body = Value::json(TABLE, number, opinion)?;
        let sql = "INSERT INTO statement_opinion (number, place, body) VALUES ($1,$2,$3)";
        self.execute_one(sql, &[number.clone().into(), record.version.into(), body], number)
            .await
    }

    /// What was said about a statement, oldest first.
    pub async fn opinions(&mut self, number: &str) -> Result<Vec<Opinion>, StoreError> {
        let sql = "SELECT body FROM statement_opinion WHERE number = $1 ORDER BY place";
        self.all(sql, &[number.into()])
            .await?
            .iter()
            .map(|row| row.json("statement_opinion", "body"))
            .collect()
    }
}
