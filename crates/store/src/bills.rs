//! Providers' bills: each version that was handed in; the highest counts.

use crate::{Connection, Row, StoreError};
use kernel::{Digest, Instant, Money, Month, OrganisationCode};

/// A bill as it was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRecord {
    /// The provider.
    pub provider: OrganisationCode,
    /// The month.
    pub month: Month,
    /// Version, from 1.
    pub version: i64,
    /// Digest of the file.
    pub digest: Digest,
    /// Lines.
    pub lines: i64,
    /// Their sum.
    pub total: Money,
    /// Its lines in the lake.
    pub path: String,
    /// When it was received.
    pub received_at: Instant,
}

fn record(row: &Row) -> Result<BillRecord, StoreError> {
    Ok(BillRecord {
        provider: row.parsed("bill", "provider")?,
        month: row.parsed("bill", "month")?,
        version: row.int("version")?,
        digest: row.parsed("bill", "digest")?,
        lines: row.int("line_count")?,
        total: Money::from_fen(row.int("total_fen")?),
        path: row.text("path")?,
        received_at: Instant::from_unix_s(row.int("received_s")?),
    })
}

impl Connection {
    /// All versions of all bills of a month, by provider and version.
    pub async fn bills(&mut self, month: Month) -> Result<Vec<BillRecord>, StoreError> {
        let sql = "SELECT * FROM bill WHERE month = $1 ORDER BY provider, version";
        self.all(sql, &[month.to_string().into()])
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// Stores a bill.
    pub async fn add_bill(&mut self, bill: &BillRecord) -> Result<(), StoreError> {
        let values = [
            bill.provider.to_string().into(),
            bill.month.to_string().into(),
            bill.version.into(),
            bill.digest.to_string().into(),
            bill.lines.into(),
            bill.total.fen().into(),
            bill.path.clone().into(),
            bill.received_at.unix_s().into(),
        ];
        let sql = "INSERT INTO bill (provider, month, version, digest, line_count, total_fen, path, received_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
        self.execute_one(sql, &values, "账单").await
    }
}
