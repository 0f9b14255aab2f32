//! Allocations, an interval a row.

use crate::{Connection, Row, StoreError, Value};
use domain::meter::Allocation;
use kernel::{ImportId, Instant, Period};
use std::collections::BTreeSet;

const TABLE: &str = "allocation";
const COLUMNS: &str = "allocation (code, from_s, to_s, system, form, kind, class, spec, node, pool, native_id, contract, parent, import_id)";

fn allocation(row: &Row) -> Result<Allocation, StoreError> {
    let from = Instant::from_unix_s(row.int("from_s")?);
    let to = row.int_or_none("to_s")?.map(Instant::from_unix_s);
    Ok(Allocation {
        code: row.parsed(TABLE, "code")?,
        system: row.parsed(TABLE, "system")?,
        form: row.parsed(TABLE, "form")?,
        kind: row.parsed(TABLE, "kind")?,
        class: row.text("class")?,
        spec: row.parsed(TABLE, "spec")?,
        node: row.parsed(TABLE, "node")?,
        pool: row.parsed_or_none(TABLE, "pool")?,
        native_id: row.text_or_none("native_id")?,
        contract: row.parsed_or_none(TABLE, "contract")?,
        parent: row.parsed_or_none(TABLE, "parent")?,
        period: Period::open(from, to).map_err(|why| StoreError::BadRow {
            table: TABLE,
            key: from.to_string(),
            why: why.to_string(),
        })?,
    })
}

impl Connection {
    /// Intervals that share time with a period, by code and start.
    pub async fn allocations_within(&mut self, period: Period) -> Result<Vec<Allocation>, StoreError> {
        let sql = "SELECT * FROM allocation WHERE from_s < $1 AND (to_s IS NULL OR to_s > $2) ORDER BY code, from_s";
        self.all(sql, &[period.to().unix_s().into(), period.from().unix_s().into()])
            .await?
            .iter()
            .map(allocation)
            .collect()
    }

    /// Every interval there is, by code and start.
    pub async fn allocations(&mut self) -> Result<Vec<Allocation>, StoreError> {
        self.all("SELECT * FROM allocation ORDER BY code, from_s", &[])
            .await?
            .iter()
            .map(allocation)
            .collect()
    }

    /// The intervals of one allocation, in order.
    pub async fn allocations_of(&mut self, code: &str) -> Result<Vec<Allocation>, StoreError> {
        self.all(
            "SELECT * FROM allocation WHERE code = $1 ORDER BY from_s",
            &[code.into()],
        )
        .await?
        .iter()
        .map(allocation)
        .collect()
    }

    /// Intervals on a node that are open, or end after a moment, by code and start.
    pub async fn open_allocations(&mut self, node: &str, at: Instant) -> Result<Vec<Allocation>, StoreError> {
        let sql = "SELECT * FROM allocation WHERE node = $1 AND (to_s IS NULL OR to_s > $2) ORDER BY code, from_s";
        self.all(sql, &[node.into(), at.unix_s().into()])
            .await?
            .iter()
            .map(allocation)
            .collect()
    }

    /// Codes of allocations that no node lists: cabinets, lines, work.
    pub async fn unlisted_allocations(&mut self) -> Result<BTreeSet<String>, StoreError> {
        let rows = self
            .all("SELECT DISTINCT code FROM allocation WHERE native_id IS NULL", &[])
            .await?;
        rows.iter().map(|row| row.text("code")).collect()
    }

    /// Stores new intervals.
    pub async fn add_allocations(&mut self, new: &[Allocation], import: Option<ImportId>) -> Result<(), StoreError> {
        let import = import.map(|id| id.to_string());
        let rows: Vec<Vec<Value>> = new
            .iter()
            .map(|a| {
                vec![
                    a.code.to_string().into(),
                    a.period.from().unix_s().into(),
                    a.period.end().map(Instant::unix_s).into(),
                    a.system.to_string().into(),
                    a.form.word().into(),
                    a.kind.word().into(),
                    a.class.clone().into(),
                    a.spec.to_string().into(),
                    a.node.to_string().into(),
                    a.pool.as_ref().map(ToString::to_string).into(),
                    a.native_id.clone().into(),
                    a.contract.as_ref().map(ToString::to_string).into(),
                    a.parent.as_ref().map(ToString::to_string).into(),
                    import.clone().into(),
                ]
            })
            .collect();
        self.insert_many(COLUMNS, "", &rows).await?;
        Ok(())
    }

    /// Moves an end that has not come yet.
    pub async fn move_end(&mut self, allocation: &Allocation, to: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE allocation SET to_s = $1 WHERE code = $2 AND from_s = $3 AND to_s = $4";
        let values = [
            to.unix_s().into(),
            allocation.code.to_string().into(),
            allocation.period.from().unix_s().into(),
            allocation.period.end().map(Instant::unix_s).into(),
        ];
        self.execute_one(sql, &values, allocation.code.as_str()).await
    }

    /// Ends an interval that is open, or was approved up to a later end.
    pub async fn end_allocation(&mut self, allocation: &Allocation, to: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE allocation SET to_s = $1 WHERE code = $2 AND from_s = $3 \
                   AND (to_s IS NULL OR to_s > $1)";
        let values = [
            to.unix_s().into(),
            allocation.code.to_string().into(),
            allocation.period.from().unix_s().into(),
        ];
        self.execute_one(sql, &values, allocation.code.as_str()).await
    }
}
