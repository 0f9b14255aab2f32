//! Tables that may be longer than a sheet holds.

use crate::error::DocumentError;
use crate::sheet::{Book, Cell, Column, SheetIndex};

/// A table of any length in a workbook: where a sheet is full, it goes on in a further one.
pub(crate) struct LongSheet {
    name: String,
    title: String,
    columns: Vec<Column>,
    sheet: SheetIndex,
    sheets: u32,
    sheet_rows: u32,
}

impl LongSheet {
    /// Begins it with a sheet of at most `sheet_rows` rows of data; [`u32::MAX`] for as many as a sheet holds.
    pub(crate) fn begin(
        book: &mut Book,
        (name, title): (&str, &str),
        notes: &[String],
        columns: Vec<Column>,
        sheet_rows: u32,
    ) -> Result<Self, DocumentError> {
        Ok(Self {
            name: name.to_owned(),
            title: title.to_owned(),
            sheet: book.sheet(name, title, notes, columns.clone())?,
            columns,
            sheets: 1,
            sheet_rows,
        })
    }

    /// Adds a row. Errors: as [`Book::row`].
    pub(crate) fn row(&mut self, book: &mut Book, cells: &[Cell]) -> Result<(), DocumentError> {
        let (done, left) = book.room(self.sheet);
        if left == 0 || done >= self.sheet_rows {
            book.close(self.sheet)?;
            self.sheets += 1;
            let short: String = self.name.chars().take(24).collect();
            let name = format!("{short} ({})", self.sheets);
            let notes = [format!("续表 {}", self.sheets)];
            self.sheet = book.sheet(&name, &self.title, &notes, self.columns.clone())?;
        }
        book.row(self.sheet, cells)
    }

    /// Ends it.
    pub(crate) fn close(&self, book: &mut Book) -> Result<(), DocumentError> {
        book.close(self.sheet)
    }
}
