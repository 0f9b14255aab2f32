//! Usage intervals.

use crate::batch::{Batch, fill};
use crate::column::{Column, schema_of};
use crate::reading::Reading;
use crate::writing::Content;
use crate::{Dataset, Lake, LakeError, LakeFile, LakeName};
use domain::meter::{UsageRow, UsageTable};
use kernel::{Instant, Interner, Quantity};

fn columns(table: &UsageTable) -> Vec<Column<'_>> {
    let rows = table.rows.as_slice();
    let name = |column, of: fn(&UsageRow) -> u32| Column::text(column, rows, move |r| table.names.text(of(r)));
    vec![
        name("resource", |r| r.resource),
        name("allocation", |r| r.allocation),
        name("system", |r| r.system),
        name("organisation", |r| r.organisation),
        name("provider", |r| r.provider),
        name("contract", |r| r.contract),
        name("node", |r| r.node),
        name("pool", |r| r.pool),
        name("pool_kind", |r| r.pool_kind),
        name("item", |r| r.item),
        Column::long("quantity_micros", rows, |r| r.quantity.micros()),
        Column::long("from_s", rows, |r| r.from.unix_s()),
        Column::long("to_s", rows, |r| r.to.unix_s()),
    ]
}

const BLANK: UsageRow = UsageRow {
    resource: 0,
    allocation: 0,
    system: 0,
    organisation: 0,
    provider: 0,
    contract: 0,
    node: 0,
    pool: 0,
    pool_kind: 0,
    item: 0,
    quantity: Quantity::ZERO,
    from: Instant::MIN,
    to: Instant::MIN,
};

fn decode(batch: &Batch<'_>, names: &mut Interner) -> Result<Vec<UsageRow>, LakeError> {
    let mut rows = vec![BLANK; batch.rows()];
    let mut name = |column, put: fn(&mut UsageRow, u32)| -> Result<(), LakeError> {
        fill(&mut rows, batch.names(column, names)?, put);
        Ok(())
    };
    name("resource", |r, n| r.resource = n)?;
    name("allocation", |r, n| r.allocation = n)?;
    name("system", |r, n| r.system = n)?;
    name("organisation", |r, n| r.organisation = n)?;
    name("provider", |r, n| r.provider = n)?;
    name("contract", |r, n| r.contract = n)?;
    name("node", |r, n| r.node = n)?;
    name("pool", |r, n| r.pool = n)?;
    name("pool_kind", |r, n| r.pool_kind = n)?;
    name("item", |r, n| r.item = n)?;
    fill(&mut rows, batch.longs("quantity_micros")?, |r, v| {
        r.quantity = Quantity::from_micros(*v)
    });
    fill(&mut rows, batch.longs("from_s")?, |r, v| {
        r.from = Instant::from_unix_s(*v)
    });
    fill(&mut rows, batch.longs("to_s")?, |r, v| r.to = Instant::from_unix_s(*v));
    Ok(rows)
}

impl Lake {
    /// Writes a table of usage in the order it has.
    pub fn write_usage(&self, name: &LakeName, table: &UsageTable) -> Result<LakeFile, LakeError> {
        let (rows, digest) = (table.rows.len(), table.digest());
        self.write(
            name,
            &Content {
                dataset: Dataset::Usage,
                columns: columns(table),
                rows,
                digest,
                notes: Vec::new(),
            },
        )
    }

    /// Reads a table of usage and checks its digest. Names may have other numbers than when it was written.
    pub fn read_usage(&self, path: &str) -> Result<UsageTable, LakeError> {
        let schema = schema_of(&columns(&UsageTable::default()));
        let reading = Reading::open(self.root(), path, Dataset::Usage, &schema)?;
        let mut table = UsageTable::default();
        table.names.intern("");
        table.rows.reserve(reading.rows());
        for group in reading.groups() {
            table
                .rows
                .append(&mut decode(&reading.group(group)?, &mut table.names)?);
        }
        reading.check(table.digest())?;
        Ok(table)
    }
}
