//! Files that were imported, each content once.

use crate::requests::going;
use crate::{Connection, Row, StoreError, Value};
use kernel::{Digest, ImportId, Instant};
use std::collections::BTreeSet;

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRecord {
    /// Its id.
    pub id: ImportId,
    /// What it was: `prices`, `allocations` ...
    pub kind: String,
    /// Its name when it was handed in.
    pub file_name: String,
    /// Its digest.
    pub digest: Digest,
    /// Rows.
    pub rows: i64,
    /// When.
    pub at: Instant,
    /// By whom.
    pub actor: String,
}

fn import(row: &Row) -> Result<ImportRecord, StoreError> {
    Ok(ImportRecord {
        id: row.parsed("import", "id")?,
        kind: row.text("kind")?,
        file_name: row.text("file_name")?,
        digest: row.parsed("import", "digest")?,
        rows: row.int("row_count")?,
        at: Instant::from_unix_s(row.int("at_s")?),
        actor: row.text("actor")?,
    })
}

impl Connection {
    /// The import of the same content as the same kind, if there was one.
    pub async fn find_import(&mut self, kind: &str, digest: Digest) -> Result<Option<ImportRecord>, StoreError> {
        let sql = "SELECT * FROM import WHERE kind = $1 AND digest = $2";
        let row = self.first(sql, &[kind.into(), digest.to_string().into()]).await?;
        row.as_ref().map(import).transpose()
    }

    /// The files that were imported, of one kind or of all, the newest or the oldest first, at most `limit`, after one
    /// of the list if it is given; with `by`, only those that people of these organisations handed in.
    pub async fn imports(
        &mut self,
        kind: Option<&str>,
        by: Option<&BTreeSet<String>>,
        (after, oldest_first): (Option<ImportId>, bool),
        limit: i64,
    ) -> Result<Vec<ImportRecord>, StoreError> {
        let (on, order) = going(oldest_first);
        let before_all = if oldest_first { "" } else { "~" };
        let after = after.map_or_else(|| before_all.to_owned(), |id| id.to_string());
        let mut values: Vec<Value> = vec![kind.unwrap_or_default().into(), after.into(), limit.into()];
        let of = by.map_or_else(String::new, |by| {
            values.extend(by.iter().map(Into::into));
            let places: Vec<String> = (4..=values.len()).map(|place| format!("${place}")).collect();
            let places = places.join(",");
            format!(" AND actor IN (SELECT login FROM account WHERE organisation IN ({places}))")
        });
        let sql = format!(
            "SELECT * FROM import WHERE ($1 = '' OR kind = $1) AND id {on} $2{of} ORDER BY id {order} LIMIT $3"
        );
        self.all(&sql, &values).await?.iter().map(import).collect()
    }

    /// An import.
    pub async fn import(&mut self, id: ImportId) -> Result<Option<ImportRecord>, StoreError> {
        let sql = "SELECT * FROM import WHERE id = $1";
        self.first(sql, &[id.to_string().into()])
            .await?
            .as_ref()
            .map(import)
            .transpose()
    }

    /// Stores that a file was imported.
    pub async fn add_import(&mut self, import: &ImportRecord) -> Result<(), StoreError> {
        let values = [
            import.id.to_string().into(),
            import.kind.clone().into(),
            import.file_name.clone().into(),
            import.digest.to_string().into(),
            import.rows.into(),
            import.at.unix_s().into(),
            import.actor.clone().into(),
        ];
        let sql =
            "INSERT INTO import (id, kind, file_name, digest, row_count, at_s, actor) VALUES ($1,$2,$3,$4,$5,$6,$7)";
        self.execute_one(sql, &values, &import.file_name).await
    }
}
