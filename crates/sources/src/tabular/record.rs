//! Rows read as records of a template: cells into types, and every fault noted by row and column.

use super::{Row, Table, Template, clip, match_heading, note, template::Places};
use kernel::Faults;
use std::fmt::Display;
use std::str::FromStr;

/// The rows of a table under a heading that fits a template.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    table: &'a Table,
    places: Places,
}

/// Matches the heading of a table with a template, and takes the table's own faults over into `faults`.
///
/// `None` if the heading does not fit or nothing stands under it; the faults say why. Otherwise go through all records,
/// read each cell that matters, and look at `faults` at the end: only if it is empty was everything right.
pub fn records<'a>(table: &'a Table, template: &'static Template, faults: &mut Faults) -> Option<Records<'a>> {
    faults.append(table.faults.clone());
    let places = match_heading(&table.columns, table.heading_row, template, faults)?;
    if table.rows.is_empty() && table.faults.is_empty() {
        note(
            faults,
            0,
            "",
            format!("「{}」里只有标题行，没有数据，请填写后再导入", clip(&table.sheet)),
        );
        return None;
    }
    Some(Records { table, places })
}

impl<'a> Records<'a> {
    /// The records, in the order of the rows.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.table.rows.iter().map(|row| Record {
            row,
            table: self.table,
            places: &self.places,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.rows.is_empty()
    }

    /// Whether the file has the column of a field.
    pub fn has(&self, field: &str) -> bool {
        self.places.place(field).is_some()
    }

    /// The table they are read from.
    pub fn table(&self) -> &'a Table {
        self.table
    }
}

/// One row, by the fields of its template.
///
/// The getters return `None` both for a fault and for nothing; which of them it was, the faults know.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    row: &'r Row,
    table: &'r Table,
    places: &'r Places,
}

impl<'r> Record<'r> {
    /// The row as a spreadsheet counts.
    pub fn row(&self) -> u64 {
        self.row.number
    }

    /// The text of a field; empty if nothing is written there or the file has no such column.
    pub fn text(&self, field: &str) -> &'r str {
        self.places
            .place(field)
            .and_then(|place| self.row.cells.get(place))
            .map_or("", String::as_str)
    }

    /// The value of a field that must be there. Notes a fault if it is missing or cannot be read.
    pub fn required<T>(&self, field: &str, faults: &mut Faults) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        if self.text(field).is_empty() && !self.is_faulty(field) {
            self.fault(field, "这一格必须填写", faults);
        }
        self.optional(field, faults)
    }

    /// The value of a field that may be blank. Notes a fault if something is written there that cannot be read.
    pub fn optional<T>(&self, field: &str, faults: &mut Faults) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        text.parse()
            .map_err(|error| self.fault(field, unreadable(text, error), faults))
            .ok()
    }

    /// Notes a fault at a field of this row, with what belongs there.
    pub fn fault(&self, field: &str, message: impl Display, faults: &mut Faults) {
        let Some((column, place)) = self.places.of(field) else {
            return note(faults, self.row.number, field, message);
        };
        let heading = place
            .and_then(|place| self.table.columns.get(place))
            .map_or(column.zh, String::as_str);
        if column.note_zh.is_empty() {
            note(faults, self.row.number, heading, message);
        } else {
            let message = format!("{message}。{}，例如 {}", column.note_zh, column.example);
            note(faults, self.row.number, heading, message);
        }
    }

    fn is_faulty(&self, field: &str) -> bool {
        self.places
            .place(field)
            .is_some_and(|place| self.table.faulty.contains(&(self.row.number, place)))
    }
}

/// The message about a text that cannot be read.
pub(crate) fn unreadable(text: &str, error: impl Display) -> String {
    format!("「{}」不能读取: {error}", clip(text))
}
