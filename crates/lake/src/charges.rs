//! Charge lines. The only dataset that is also read in part, because a person asks for one line at a time.

use crate::batch::{Batch, fill};
use crate::column::{Column, schema_of};
use crate::reading::Reading;
use crate::writing::Content;
use crate::{Dataset, Lake, LakeError, LakeFile, LakeName};
use domain::rate::{ChargeKind, ChargeMethod, ChargeRow, ChargeTable};
use kernel::{Factor, Instant, Interner, Money, Month, Quantity, Ratio};
use std::ops::RangeInclusive;

/// Some lines of a file.
#[derive(Debug, Clone, Default)]
pub struct ChargeLines {
    /// Their numbers in the file, from 1, rising; as many as rows.
    pub lines: Vec<u64>,
    /// The rows, with their names.
    pub table: ChargeTable,
}

fn columns(table: &ChargeTable) -> Vec<Column<'_>> {
    let rows = table.rows.as_slice();
    let name = |column, of: fn(&ChargeRow) -> u32| Column::text(column, rows, move |r| table.names.text(of(r)));
    vec![
        Column::place("line"),
        Column::text("kind", rows, |r| r.kind.word()),
        Column::text("method", rows, |r| r.method.word()),
        name("resource", |r| r.resource),
        name("allocation", |r| r.allocation),
        name("system", |r| r.system),
        name("organisation", |r| r.organisation),
        name("provider", |r| r.provider),
        name("contract", |r| r.contract),
        name("node", |r| r.node),
        name("pool", |r| r.pool),
        name("item", |r| r.item),
        name("price", |r| r.price),
        name("cause", |r| r.cause),
        Column::month("month", rows, |r| r.month),
        Column::long("quantity_micros", rows, |r| r.quantity.micros()),
        Column::long("from_s", rows, |r| r.from.unix_s()),
        Column::long("to_s", rows, |r| r.to.unix_s()),
        Column::long("part_num", rows, |r| r.part.num()),
        Column::long("part_den", rows, |r| r.part.den()),
        Column::long("factor_micros", rows, |r| r.factor.micros()),
        Column::long("list_fen", rows, |r| r.list.fen()),
        Column::long("amount_fen", rows, |r| r.amount.fen()),
    ]
}

const fn blank(month: Month) -> ChargeRow {
    ChargeRow {
        kind: ChargeKind::Usage,
        method: ChargeMethod::Direct,
        resource: 0,
        allocation: 0,
        system: 0,
        organisation: 0,
        provider: 0,
        contract: 0,
        node: 0,
        pool: 0,
        item: 0,
        price: 0,
        cause: 0,
        month,
        quantity: Quantity::ZERO,
        from: Instant::MIN,
        to: Instant::MIN,
        part: Ratio::ONE,
        factor: Factor::ONE,
        list: Money::ZERO,
        amount: Money::ZERO,
    }
}

fn decode(batch: &Batch<'_>, first_line: u64, names: &mut Interner) -> Result<Vec<ChargeRow>, LakeError> {
    let mut lines = batch.longs("line")?.iter().zip(first_line..);
    if !lines.all(|(found, wanted)| u64::try_from(*found) == Ok(wanted)) {
        return Err(batch.wrong("line"));
    }
    let mut rows: Vec<ChargeRow> = batch.months("month")?.into_iter().map(blank).collect();
    decode_names(batch, names, &mut rows)?;
    fill(
        &mut rows,
        batch.words("kind", |text| text.parse::<ChargeKind>().ok())?,
        |r, v| r.kind = v,
    );
    fill(
        &mut rows,
        batch.words("method", |text| text.parse::<ChargeMethod>().ok())?,
        |r, v| r.method = v,
    );
    fill(&mut rows, batch.longs("quantity_micros")?, |r, v| {
        r.quantity = Quantity::from_micros(*v)
    });
    fill(&mut rows, batch.longs("from_s")?, |r, v| {
        r.from = Instant::from_unix_s(*v)
    });
    fill(&mut rows, batch.longs("to_s")?, |r, v| r.to = Instant::from_unix_s(*v));
    let parts = batch.longs("part_num")?.iter().zip(batch.longs("part_den")?);
    for (row, (num, den)) in rows.iter_mut().zip(parts) {
        row.part = Ratio::new(*num, *den).ok_or_else(|| batch.wrong("part_den"))?;
    }
    fill(&mut rows, batch.longs("factor_micros")?, |r, v| {
        r.factor = Factor::from_micros(*v)
    });
    fill(&mut rows, batch.longs("list_fen")?, |r, v| r.list = Money::from_fen(*v));
    fill(&mut rows, batch.longs("amount_fen")?, |r, v| {
        r.amount = Money::from_fen(*v)
    });
    Ok(rows)
}

fn decode_names(batch: &Batch<'_>, names: &mut Interner, rows: &mut [ChargeRow]) -> Result<(), LakeError> {
    let mut name = |column, put: fn(&mut ChargeRow, u32)| -> Result<(), LakeError> {
        fill(rows, batch.names(column, names)?, put);
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
    name("item", |r, n| r.item = n)?;
    name("price", |r, n| r.price = n)?;
    name("cause", |r, n| r.cause = n)
}

fn open<'p>(lake: &Lake, path: &'p str) -> Result<Reading<'p>, LakeError> {
    Reading::open(
        lake.root(),
        path,
        Dataset::Charges,
        &schema_of(&columns(&ChargeTable::default())),
    )
}

impl Lake {
    /// Writes charge lines in the order they have; the number of a line is its place, from 1.
    pub fn write_charges(&self, name: &LakeName, table: &ChargeTable) -> Result<LakeFile, LakeError> {
        let (rows, digest) = (table.rows.len(), table.digest());
        self.write(
            name,
            &Content {
                dataset: Dataset::Charges,
                columns: columns(table),
                rows,
                digest,
                notes: Vec::new(),
            },
        )
    }

    /// Reads all charge lines and checks their digest. Names may have other numbers than when they were written.
    pub fn read_charges(&self, path: &str) -> Result<ChargeTable, LakeError> {
        let reading = open(self, path)?;
        let mut table = ChargeTable::default();
        table.names.intern("");
        table.rows.reserve(reading.rows());
        for group in reading.groups() {
            table
                .rows
                .append(&mut decode(&reading.group(group)?, group.first_line, &mut table.names)?);
        }
        reading.check(table.digest())?;
        Ok(table)
    }

    /// Reads some lines by number. Only the row groups that hold them are read, each checked by its seal. Numbers
    /// beyond the file give nothing.
    pub fn read_charge_lines(&self, path: &str, lines: RangeInclusive<u64>) -> Result<ChargeLines, LakeError> {
        let reading = open(self, path)?;
        let mut found = ChargeLines::default();
        for group in reading.groups() {
            if group.last_line() < *lines.start() || group.first_line > *lines.end() {
                continue;
            }
            let table = read_group(&reading, group)?;
            found.add(group.first_line, &table, |line, _| lines.contains(&line));
        }
        Ok(found)
    }

    /// Reads the lines that `keep` wants. Memory: one row group, and what is kept.
    pub fn read_charges_where(
        &self,
        path: &str,
        mut keep: impl FnMut(&Interner, &ChargeRow) -> bool,
    ) -> Result<ChargeLines, LakeError> {
        let mut found = ChargeLines::default();
        self.scan_charges(path, |first_line, table| {
            found.add(first_line, table, |_, row| keep(&table.names, row));
        })?;
        Ok(found)
    }

    /// Shows all lines, a row group at a time, with the number of its first line. Memory: one row group.
    pub fn scan_charges(&self, path: &str, mut visit: impl FnMut(u64, &ChargeTable)) -> Result<(), LakeError> {
        let reading = open(self, path)?;
        for group in reading.groups() {
            visit(group.first_line, &read_group(&reading, group)?);
        }
        Ok(())
    }
}

fn read_group(reading: &Reading<'_>, group: &crate::reading::Group) -> Result<ChargeTable, LakeError> {
    let mut table = ChargeTable::default();
    table.names.intern("");
    table.rows = decode(&reading.group(group)?, group.first_line, &mut table.names)?;
    Ok(table)
}

impl ChargeLines {
    fn add(&mut self, first_line: u64, group: &ChargeTable, mut keep: impl FnMut(u64, &ChargeRow) -> bool) {
        for (line, row) in (first_line..).zip(&group.rows) {
            if !keep(line, row) {
                continue;
            }
            let mut name = |number| self.table.names.intern(group.names.text(number));
            let row = ChargeRow {
                resource: name(row.resource),
                allocation: name(row.allocation),
                system: name(row.system),
                organisation: name(row.organisation),
                provider: name(row.provider),
                contract: name(row.contract),
                node: name(row.node),
                pool: name(row.pool),
                item: name(row.item),
                price: name(row.price),
                cause: name(row.cause),
                ..*row
            };
            self.lines.push(line);
            self.table.rows.push(row);
        }
    }
}
