//! The audit chain's table. Entries are only ever appended.

use crate::{Connection, Row, StoreError};
use domain::audit::AuditEntry;
use kernel::{Digest, Instant};

const TABLE: &str = "audit_entry";

fn entry(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.int("number")?,
        at: Instant::from_unix_s(row.int("at_s")?),
        actor: row.text("actor")?,
        action: row.text("action")?,
        object: row.text("object")?,
        detail: row.text("detail")?,
        previous: row.parsed(TABLE, "previous")?,
        digest: row.parsed(TABLE, "digest")?,
    })
}

impl Connection {
    /// Number and digest of the last entry.
    pub async fn audit_head(&mut self) -> Result<Option<(i64, Digest)>, StoreError> {
        let row = self
            .first(
                "SELECT number, digest FROM audit_entry ORDER BY number DESC LIMIT 1",
                &[],
            )
            .await?;
        row.map(|row| Ok((row.int("number")?, row.parsed(TABLE, "digest")?)))
            .transpose()
    }

    pub(crate) async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let values = [
            entry.number.into(),
            entry.at.unix_s().into(),
            entry.actor.clone().into(),
            entry.action.clone().into(),
            entry.object.clone().into(),
            entry.detail.clone().into(),
            entry.previous.to_string().into(),
            entry.digest.to_string().into(),
        ];
        let sql = "INSERT INTO audit_entry (number, at_s, actor, action, object, detail, previous, digest) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
        self.execute_one(sql, &values, "审计链").await
    }

    /// Entries from `first` on, at most `limit`, in order.
    pub async fn audit_entries(&mut self, first: i64, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT * FROM audit_entry WHERE number >= $1 ORDER BY number LIMIT $2";
        self.all(sql, &[first.into(), limit.into()])
            .await?
            .iter()
            .map(entry)
            .collect()
    }

    /// How many entries there are.
    pub async fn audit_count(&mut self) -> Result<i64, StoreError> {
        let row = self.first("SELECT count(*) AS n FROM audit_entry", &[]).await?;
        row.map_or(Ok(0), |row| row.int("n"))
    }
}
