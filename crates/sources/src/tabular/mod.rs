//! Tables that people hand over: CSV in the encodings an office produces, and XLSX, read into one shape.
//!
//! Owns encodings, separators, cells and the match of a heading with a [`Template`]. Does not know what a column means:
//! that is said by the template and by the types its cells are read into.
//!
//! Invariants: bytes of any content end in a table or in an error, never in a panic and never in more memory than
//! [`Limits`] allow; a cell is text exactly as it was written, never changed by way of a number; every fault of a file
//! is noted with its row as a spreadsheet counts it, so that one pass lists them all.

pub(crate) mod cells;
mod error;
mod record;
mod template;
pub(crate) mod text;
mod workbook;

pub use error::TabularError;
pub use record::{Record, Records, records};
pub use template::{Column, Template, template_csv};

pub(crate) use record::unreadable;
pub(crate) use template::{Places, match_heading};

use cells::{Broken, CsvRows};
use kernel::Faults;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// How much is read before a file is refused as too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file as it was handed over.
    pub bytes: usize,
    /// Bytes of a workbook once unpacked. Counted while unpacking; what the file declares about itself is not trusted.
    pub unpacked_bytes: u64,
    /// Rows with something in them, without the heading.
    pub rows: usize,
    /// Columns of the heading.
    pub columns: usize,
}

impl Default for Limits {
    /// Room for the bill of a city with 300,000 lines.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            unpacked_bytes: 512 << 20,
            rows: 300_000,
            columns: 64,
        }
    }
}

/// A heading and the rows under it.
///
/// Shape: every row has as many cells as there are columns. Rows that did not fit are not in `rows` but in `faults`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Name of the worksheet; of a CSV file, the name of the file.
    pub sheet: String,
    /// The headings as written, without the blanks around them.
    pub columns: Vec<String>,
    /// The row the heading stands in; 1 unless blank rows stand above it.
    pub heading_row: u64,
    /// The rows with something in them.
    pub rows: Vec<Row>,
    /// What was wrong while reading: ragged rows, errors of the spreadsheet, numbers that lost digits.
    /// [`records`] takes them over into its own list.
    pub faults: Faults,
    /// Row and place of the cells that have a fault already; they are not complained about twice.
    faulty: BTreeSet<(u64, usize)>,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As a spreadsheet counts; the heading is row 1.
    pub number: u64,
    /// The texts, without the blanks around them; one for each column.
    pub cells: Vec<String>,
}

/// Reads a CSV or XLSX file; of a workbook, the first visible sheet that has something in it.
///
/// The content decides which of the two it is. `name` is the file's name and stands in errors.
///
/// Errors: the file as a whole cannot be read. Faults of single rows are in [`Table::faults`].
pub fn read_table(name: &str, bytes: &[u8], limits: Limits) -> Result<Table, TabularError> {
    read_sheet(name, bytes, limits, &[])
}

/// As [`read_table`], but of a workbook the sheet named after the template is taken, if there is one.
pub fn read_for(template: &Template, name: &str, bytes: &[u8], limits: Limits) -> Result<Table, TabularError> {
    read_sheet(name, bytes, limits, &[template.title_zh, template.kind])
}

fn read_sheet(name: &str, bytes: &[u8], limits: Limits, wanted: &[&str]) -> Result<Table, TabularError> {
    let file = || name.to_owned();
    if bytes.len() > limits.bytes {
        return Err(TabularError::too_large(name, "文件大小（字节）", limits.bytes));
    }
    if bytes.is_empty() {
        return Err(TabularError::Empty { file: file() });
    }
    if bytes.starts_with(b"PK") {
        return workbook::read(name, bytes, limits, wanted);
    }
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(TabularError::OldOrLocked { file: file() });
    }
    if name.to_ascii_lowercase().ends_with(".xlsx") {
        return Err(TabularError::NotAWorkbook {
            file: file(),
            cause: "no zip archive".to_owned(),
        });
    }
    read_csv(name, bytes, limits)
}

fn read_csv(name: &str, bytes: &[u8], limits: Limits) -> Result<Table, TabularError> {
    let text = text::decode(bytes).map_err(|bad| TabularError::NotText {
        file: name.to_owned(),
        row: bad.row,
        encoding: bad.encoding,
    })?;
    let mut rows = CsvRows::new(&text);
    let mut builder = Builder::new(name, limits, Width::Same);
    let mut cells = Vec::new();
    while let Some(number) = rows.next(&mut cells).map_err(|broken| match broken {
        Broken::Unfinished { row } => TabularError::Truncated {
            file: name.to_owned(),
            row,
        },
        Broken::Quote { row } => TabularError::Quote {
            file: name.to_owned(),
            row,
        },
    })? {
        builder.take(number, cells.drain(..).map(|cell| Ok(cell.into_owned())).collect())?;
    }
    builder.finish()
}

/// What a file says in one cell: a text, or why there is none.
type Cell = Result<String, String>;

/// Whether rows have as many cells as the heading, or end with the last one that has something in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Same,
    Open,
}

/// Puts a table together from rows, whichever kind of file they come from.
struct Builder<'n> {
    name: &'n str,
    limits: Limits,
    width: Width,
    table: Table,
}

impl<'n> Builder<'n> {
    fn new(name: &'n str, limits: Limits, width: Width) -> Self {
        Self {
            name,
            limits,
            width,
            table: Table {
                sheet: name.to_owned(),
                ..Table::default()
            },
        }
    }

    fn take(&mut self, number: u64, mut cells: Vec<Cell>) -> Result<(), TabularError> {
        for text in cells.iter_mut().flatten() {
            if let Cow::Owned(bare) = text::trimmed(text) {
                *text = bare;
            }
        }
        let given = cells.len();
        let filled = cells
            .iter()
            .rposition(|cell| cell.as_ref().map_or(true, |text| !text.is_empty()));
        let Some(filled) = filled.map(|last| last + 1) else {
            return Ok(());
        };
        cells.truncate(filled);
        if self.table.columns.is_empty() {
            return self.take_heading(number, cells);
        }
        if self.table.rows.len() >= self.limits.rows {
            return Err(TabularError::too_large(self.name, "行数", self.limits.rows));
        }
        let width = self.table.columns.len();
        if filled > width || (self.width == Width::Same && given < width) {
            let found = if filled > width { filled } else { given };
            let message = format!("这一行有 {found} 列，标题有 {width} 列，请检查是否多了或少了分隔符、引号");
            note(&mut self.table.faults, number, "", message);
            return Ok(());
        }
        let mut texts = Vec::with_capacity(width);
        for (place, cell) in cells.into_iter().enumerate() {
            texts.push(self.text_of(number, place, cell));
        }
        texts.resize(width, String::new());
        self.table.rows.push(Row { number, cells: texts });
        Ok(())
    }

    fn take_heading(&mut self, number: u64, cells: Vec<Cell>) -> Result<(), TabularError> {
        if cells.len() > self.limits.columns {
            return Err(TabularError::too_large(self.name, "列数", self.limits.columns));
        }
        self.table.heading_row = number;
        for (place, cell) in cells.into_iter().enumerate() {
            let text = self.text_of(number, place, cell);
            self.table.columns.push(text);
        }
        Ok(())
    }

    fn text_of(&mut self, number: u64, place: usize, cell: Cell) -> String {
        let cell = cell.and_then(|text| match lost_digits(&text) {
            true => Err(format!(
                "「{}」是科学计数法，末尾的数字可能已丢失，请把这一列设为文本格式后重新填写",
                clip(&text)
            )),
            false => Ok(text),
        });
        cell.unwrap_or_else(|message| {
            let column = self.table.columns.get(place).map_or("", String::as_str);
            note(&mut self.table.faults, number, column, message);
            self.table.faulty.insert((number, place));
            String::new()
        })
    }

    fn finish(self) -> Result<Table, TabularError> {
        if self.table.columns.is_empty() {
            return Err(TabularError::Empty {
                file: self.name.to_owned(),
            });
        }
        Ok(self.table)
    }
}

/// Whether a text is what a spreadsheet shows of a long number: `5.30102E+17`.
fn lost_digits(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    text.split_once("E+").is_some_and(|(mantissa, exponent)| {
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        digits(exponent) && digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(fraction)
    })
}

/// Faults noted of one file at most: whoever has so many mends the cause, not the rows.
pub(crate) const FAULTS_MAX: usize = 10_000;

/// Notes a fault, unless there are [`FAULTS_MAX`] already.
pub(crate) fn note(faults: &mut Faults, row: u64, column: &str, message: impl std::fmt::Display) {
    if faults.len() < FAULTS_MAX {
        faults.push(row, column, message);
    }
}

/// The beginning of a text, for a message.
pub(crate) fn clip(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
