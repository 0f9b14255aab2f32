//! Columns as they are written: a name, a type, and how to take the cells from rows.
//!
//! Text is plain Utf8 in the schema; Parquet stores it as a dictionary. Units go last in names: `_fen`, `_micros`,
//! `_s` (UTC seconds since 1970).

use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array, Int64Array, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel::Month;
use std::ops::Range;
use std::sync::Arc;

type Build<'a> = Box<dyn Fn(Range<usize>) -> ArrayRef + Sync + 'a>;

/// One column over the rows of a table.
pub(crate) struct Column<'a> {
    name: &'static str,
    data_type: DataType,
    nullable: bool,
    build: Build<'a>,
}

fn part<R>(rows: &[R], range: Range<usize>) -> &[R] {
    rows.get(range).unwrap_or_default()
}

impl<'a> Column<'a> {
    fn new<A: Array + 'static>(
        (name, data_type, nullable): (&'static str, DataType, bool),
        cells: impl Fn(Range<usize>) -> A + Sync + 'a,
    ) -> Self {
        Self {
            name,
            data_type,
            nullable,
            build: Box::new(move |rows| -> ArrayRef { Arc::new(cells(rows)) }),
        }
    }

    /// Text.
    pub(crate) fn text<R: Sync>(name: &'static str, rows: &'a [R], of: impl Fn(&'a R) -> &'a str + Sync + 'a) -> Self {
        let cells = move |range| StringArray::from_iter_values(part(rows, range).iter().map(&of));
        Self::new((name, DataType::Utf8, false), cells)
    }

    /// Text that may be missing.
    pub(crate) fn optional_text<R: Sync>(
        name: &'static str,
        rows: &'a [R],
        of: impl Fn(&'a R) -> Option<&'a str> + Sync + 'a,
    ) -> Self {
        let cells = move |range| part(rows, range).iter().map(&of).collect::<StringArray>();
        Self::new((name, DataType::Utf8, true), cells)
    }

    /// Numbers.
    pub(crate) fn long<R: Sync>(name: &'static str, rows: &'a [R], of: impl Fn(&R) -> i64 + Sync + 'a) -> Self {
        let cells = move |range| Int64Array::from_iter_values(part(rows, range).iter().map(&of));
        Self::new((name, DataType::Int64, false), cells)
    }

    /// Numbers that may be missing.
    pub(crate) fn optional_long<R: Sync>(
        name: &'static str,
        rows: &'a [R],
        of: impl Fn(&R) -> Option<i64> + Sync + 'a,
    ) -> Self {
        let cells = move |range| part(rows, range).iter().map(&of).collect::<Int64Array>();
        Self::new((name, DataType::Int64, true), cells)
    }

    /// The number of the row, from 1.
    pub(crate) fn place(name: &'static str) -> Self {
        let number = |place: usize| i64::try_from(place).map_or(i64::MAX, |place| place + 1);
        let cells = move |range: Range<usize>| Int64Array::from_iter_values(range.map(number));
        Self::new((name, DataType::Int64, false), cells)
    }

    /// Months, as yyyymm.
    pub(crate) fn month<R: Sync>(name: &'static str, rows: &'a [R], of: impl Fn(&R) -> Month + Sync + 'a) -> Self {
        let number = move |row: &R| month_number(of(row));
        let cells = move |range| Int32Array::from_iter_values(part(rows, range).iter().map(&number));
        Self::new((name, DataType::Int32, false), cells)
    }

    /// Yes or no.
    pub(crate) fn flag<R: Sync>(name: &'static str, rows: &'a [R], of: impl Fn(&R) -> bool + Sync + 'a) -> Self {
        let cells = move |range| {
            part(rows, range)
                .iter()
                .map(|row| Some(of(row)))
                .collect::<BooleanArray>()
        };
        Self::new((name, DataType::Boolean, false), cells)
    }

    /// The cells of some rows.
    pub(crate) fn cells(&self, rows: Range<usize>) -> ArrayRef {
        (self.build)(rows)
    }

    /// How it stands in the schema.
    pub(crate) fn field(&self) -> Field {
        Field::new(self.name, self.data_type.clone(), self.nullable)
    }
}

/// The schema of a list of columns.
pub(crate) fn schema_of(columns: &[Column<'_>]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()))
}

/// A month as yyyymm.
pub(crate) fn month_number(month: Month) -> i32 {
    i32::from(month.year()) * 100 + i32::from(month.month())
}

/// The month of yyyymm.
pub(crate) fn month_of(number: i32) -> Option<Month> {
    let (year, month) = (number.div_euclid(100), number.rem_euclid(100));
    Month::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_yyyymm() {
        let month: Month = "2026-03".parse().unwrap();
        assert_eq!(
            (month_number(month), month_of(202_603), month_of(202_613), month_of(-1)),
            (202_603, Some(month), None, None)
        );
    }
}
