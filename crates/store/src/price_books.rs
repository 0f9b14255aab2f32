//! Price books. A version is inserted once and never changed.

use crate::{Connection, StoreError};
use domain::catalogue::PriceBook;
use kernel::{ImportId, Instant};
use std::collections::BTreeSet;

const TABLE: &str = "price_book";

impl Connection {
    /// All versions of all contracts, by contract and version.
    pub async fn price_books(&mut self) -> Result<Vec<PriceBook>, StoreError> {
        let rows = self
            .all("SELECT body FROM price_book ORDER BY contract, version", &[])
            .await?;
        rows.iter().map(|row| row.json(TABLE, "body")).collect()
    }

    /// The versions without those of some imports, and without those recorded at a moment or later, by contract and
    /// version.
    pub async fn price_books_without(
        &mut self,
        imports: &BTreeSet<ImportId>,
        before: Option<Instant>,
    ) -> Result<Vec<PriceBook>, StoreError> {
        let sql = "SELECT body, import_id, recorded_s FROM price_book ORDER BY contract, version";
        let mut books = Vec::new();
        for row in self.all(sql, &[]).await? {
            let import: Option<ImportId> = row.parsed_or_none(TABLE, "import_id")?;
            let recorded = Instant::from_unix_s(row.int("recorded_s")?);
            let is_out = import.is_some_and(|id| imports.contains(&id)) || before.is_some_and(|at| recorded >= at);
            if !is_out {
                books.push(row.json(TABLE, "body")?);
            }
        }
        Ok(books)
    }

    /// Stores a version.
    pub async fn add_price_book(
        &mut self,
        book: &PriceBook,
        recorded: Instant,
        import: Option<ImportId>,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(book).map_err(|why| StoreError::BadRow {
            table: TABLE,
            key: book.label(),
            why: why.to_string(),
        })?;
        let values = [
            book.contract.to_string().into(),
            i64::from(book.version).into(),
            book.effective_from.epoch_days().into(),
            body.into(),
            recorded.unix_s().into(),
            import.map(|id| id.to_string()).into(),
        ];
        let sql = "INSERT INTO price_book (contract, version, effective_from, body, recorded_s, import_id) \
                   VALUES ($1,$2,$3,$4,$5,$6)";
        self.execute_one(sql, &values, &book.label()).await
    }
}
