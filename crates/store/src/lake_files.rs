//! The lake's manifest: which of its files count. A file that is not listed here does not exist.

use crate::{Connection, Row, StoreError};
use kernel::{Digest, Month};

/// A published file of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFileRecord {
    /// Below the lake's folder.
    pub path: String,
    /// Dataset.
    pub dataset: String,
    /// The month it belongs to.
    pub month: Month,
    /// What it is of in the month: a run, a bill, a look.
    pub part: String,
    /// Rows.
    pub rows: i64,
    /// Bytes.
    pub bytes: i64,
    /// Digest of its content.
    pub digest: Digest,
}

fn record(row: &Row) -> Result<LakeFileRecord, StoreError> {
    Ok(LakeFileRecord {
        path: row.text("path")?,
        dataset: row.text("dataset")?,
        month: row.parsed("lake_file", "month")?,
        part: row.text("part")?,
        rows: row.int("row_count")?,
        bytes: row.int("bytes")?,
        digest: row.parsed("lake_file", "digest")?,
    })
}

impl Connection {
    /// Publishes a file. Publishing the same file again changes nothing.
    pub async fn publish(&mut self, file: &LakeFileRecord) -> Result<(), StoreError> {
        let values = [
            file.path.clone().into(),
            file.dataset.clone().into(),
            file.month.to_string().into(),
            file.part.clone().into(),
            file.rows.into(),
            file.bytes.into(),
            file.digest.to_string().into(),
        ];
        let sql = "INSERT INTO lake_file (path, dataset, month, part, row_count, bytes, digest) VALUES ($1,$2,$3,$4,$5,$6,$7) \
                   ON CONFLICT (path) DO NOTHING";
        self.execute(sql, &values).await?;
        Ok(())
    }

    /// Published files of a dataset and month, by path.
    pub async fn published(&mut self, dataset: &str, month: Month) -> Result<Vec<LakeFileRecord>, StoreError> {
        let sql = "SELECT * FROM lake_file WHERE dataset = $1 AND month = $2 ORDER BY path";
        self.all(sql, &[dataset.into(), month.to_string().into()])
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// The published file at a path, if there is one.
    pub async fn published_at(&mut self, path: &str) -> Result<Option<LakeFileRecord>, StoreError> {
        let row = self
            .first("SELECT * FROM lake_file WHERE path = $1", &[path.into()])
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// All published paths.
    pub async fn published_paths(&mut self) -> Result<Vec<String>, StoreError> {
        self.all("SELECT path FROM lake_file ORDER BY path", &[])
            .await?
            .iter()
            .map(|row| row.text("path"))
            .collect()
    }
}
