//! Price books. A version is inserted once and never changed.

use crate::{Connection, Row, StoreError, Value};
use domain::catalogue::{PriceApproval, PriceBook, PriceBookRecord};
use kernel::{ContractCode, ImportId, Instant};
use std::collections::BTreeSet;

const TABLE: &str = "price_book";

fn record(row: &Row) -> Result<PriceBookRecord, StoreError> {
    let approval = match row.text_or_none("approved_by")? {
        Some(by) => Some(PriceApproval {
            by,
            at: Instant::from_unix_s(row.int("approved_s")?),
            opinion: row.text("opinion")?,
        }),
        None => None,
    };
    Ok(PriceBookRecord {
        book: row.json(TABLE, "body")?,
        recorded: Instant::from_unix_s(row.int("recorded_s")?),
        preparer: row.text_or_none("preparer")?,
        approval,
    })
}

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

    /// All versions with who prepared and approved them, by contract and version.
    pub async fn price_book_records(&mut self) -> Result<Vec<PriceBookRecord>, StoreError> {
        let sql = "SELECT b.body, b.recorded_s, c.login AS preparer, p.approved_by, p.approved_s, p.opinion \
                   FROM price_book b LEFT JOIN import i ON i.id = b.import_id LEFT JOIN account c ON c.login = i.actor \
                   LEFT JOIN price_approval p ON p.contract = b.contract AND p.version = b.version \
                   ORDER BY b.contract, b.version";
        self.all(sql, &[]).await?.iter().map(record).collect()
    }

    /// Stores that a version was approved. Errors: it is already.
    pub async fn approve_price_book(
        &mut self,
        (contract, version): (&ContractCode, u32),
        approval: &PriceApproval,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO price_approval (contract, version, approved_by, approved_s, opinion) \
                   VALUES ($1,$2,$3,$4,$5)";
        let values = [
            contract.to_string().into(),
            i64::from(version).into(),
            approval.by.clone().into(),
            approval.at.unix_s().into(),
            approval.opinion.clone().into(),
        ];
        self.execute_one(sql, &values, &format!("{contract}/v{version}")).await
    }

    /// Stores a version.
    pub async fn add_price_book(
        &mut self,
        book: &PriceBook,
        recorded: Instant,
        import: Option<ImportId>,
    ) -> Result<(), StoreError> {
        let body = Value::json(TABLE, &book.label(), book)?;
        let values = [
            book.contract.to_string().into(),
            i64::from(book.version).into(),
            book.effective_from.epoch_days().into(),
            body,
            recorded.unix_s().into(),
            import.map(|id| id.to_string()).into(),
        ];
        let sql = "INSERT INTO price_book (contract, version, effective_from, body, recorded_s, import_id) \
                   VALUES ($1,$2,$3,$4,$5,$6)";
        self.execute_one(sql, &values, &book.label()).await
    }
}
