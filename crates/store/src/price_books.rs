//! Price books. A version is inserted once and never changed.

use crate::{Connection, StoreError};
use domain::catalogue::PriceBook;
use kernel::{ImportId, Instant};

const TABLE: &str = "price_book";

impl Connection {
    /// All versions of all contracts, by contract and version.
    pub async fn price_books(&mut self) -> Result<Vec<PriceBook>, StoreError> {
        let rows = self
            .all("SELECT body FROM price_book ORDER BY contract, version", &[])
            .await?;
        rows.iter().map(|row| row.json(TABLE, "body")).collect()
    }

    /// The versions that had been handed in by a moment, by contract and version.
    pub async fn price_books_known_at(&mut self, at: Instant) -> Result<Vec<PriceBook>, StoreError> {
        let sql = "SELECT body FROM price_book WHERE recorded_s <= $1 ORDER BY contract, version";
        self.all(sql, &[at.unix_s().into()])
            .await?
            .iter()
            .map(|row| row.json(TABLE, "body"))
            .collect()
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
