//! Tables of any size as XLSX and CSV: charges, differences, cases, inventories; and templates for imports.
//!
//! Invariants: rows stream through, nothing is held; no text can act as a formula. In XLSX text is text whatever it
//! begins with. CSV has no types, so there a text that begins with `=`, `+`, `-`, `@`, tab or carriage return gets an
//! apostrophe in front, as spreadsheets themselves mark text. Whoever reads such a file by program takes it off.

use crate::display::moment;
use crate::error::DocumentError;
use crate::long_sheet::LongSheet;
use crate::sheet::{Book, Cell, Column, ColumnKind, check_row};
use kernel::Instant;
use std::io::{Cursor, Seek, Write};

/// Marks a CSV file as UTF-8 for spreadsheets, which else take Chinese text for GBK.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What a table is about, without its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDocument {
    /// Title, also the name of the sheet.
    pub title: String,
    /// Lines under the title: scope, completeness, which cost is shown, versions.
    pub notes: Vec<String>,
    /// Columns.
    pub columns: Vec<Column>,
    /// When it was made; also the date inside the file.
    pub made_at: Instant,
}

/// A table as XLSX, for tables that are at hand.
///
/// Errors: as [`TableXlsxWriter::row`].
pub fn table_xlsx(table: &TableDocument, rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<Vec<u8>, DocumentError> {
    let mut writer = TableXlsxWriter::new(table)?;
    for row in rows {
        writer.row(&row)?;
    }
    let mut file = Cursor::new(Vec::new());
    writer.finish(&mut file)?;
    Ok(file.into_inner())
}

/// A table as CSV, for tables that are at hand.
///
/// Errors: as [`TableCsvWriter::row`].
pub fn table_csv(table: &TableDocument, rows: impl IntoIterator<Item = Vec<Cell>>) -> Result<Vec<u8>, DocumentError> {
    let mut file = Vec::new();
    let mut writer = TableCsvWriter::new(table, &mut file)?;
    for row in rows {
        writer.row(&row)?;
    }
    writer.finish()?;
    Ok(file)
}

/// Writes a table of any length as XLSX; a table longer than a sheet goes on in a further sheet.
pub struct TableXlsxWriter {
    book: Book,
    sheet: LongSheet,
}

impl TableXlsxWriter {
    /// Begins the file.
    pub fn new(table: &TableDocument) -> Result<Self, DocumentError> {
        Self::with_sheet_rows(table, u32::MAX)
    }

    fn with_sheet_rows(table: &TableDocument, sheet_rows: u32) -> Result<Self, DocumentError> {
        let mut book = Book::new(&table.title, table.made_at)?;
        let (name, columns) = ((table.title.as_str(), table.title.as_str()), table.columns.clone());
        let sheet = LongSheet::begin(&mut book, name, &table.notes, columns, sheet_rows)?;
        Ok(Self { book, sheet })
    }

    /// Adds a row.
    ///
    /// Errors: cells that do not fit the columns; a number of more than 15 digits.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), DocumentError> {
        self.sheet.row(&mut self.book, cells)
    }

    /// Ends the table and writes the file.
    pub fn finish<W: Write + Seek + Send>(mut self, writer: W) -> Result<(), DocumentError> {
        self.sheet.close(&mut self.book)?;
        self.book.finish(writer)
    }
}

/// Writes a table of any length as CSV: UTF-8 with byte order mark, heading and rows, no title.
pub struct TableCsvWriter<W: Write> {
    columns: Vec<Column>,
    writer: csv::Writer<W>,
    rows: u64,
}

impl<W: Write> TableCsvWriter<W> {
    /// Begins the file.
    pub fn new(table: &TableDocument, mut file: W) -> Result<Self, DocumentError> {
        file.write_all(BYTE_ORDER_MARK)?;
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(file);
        writer.write_record(table.columns.iter().map(|c| guarded(&c.heading)))?;
        Ok(Self {
            columns: table.columns.clone(),
            writer,
            rows: 0,
        })
    }

    /// Adds a row. Errors: cells that do not fit the columns; a file that cannot be written.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), DocumentError> {
        self.rows += 1;
        check_row(&self.columns, cells, self.rows)?;
        Ok(self.writer.write_record(cells.iter().map(csv_text))?)
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<(), DocumentError> {
        Ok(self.writer.flush()?)
    }
}

fn csv_text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => guarded(text),
        Cell::Integer(count) => count.to_string(),
        Cell::Quantity(quantity) => quantity.to_string(),
        Cell::Price(price) => price.to_string(),
        Cell::Amount(amount) => amount.to_string(),
        Cell::Day(day) => day.to_string(),
        Cell::Moment(at) => moment(*at),
        Cell::Month(month) => month.to_string(),
    }
}

/// The text with an apostrophe in front if a spreadsheet would take it for a formula.
fn guarded(text: &str) -> String {
    let begins_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if begins_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// A column of a file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateColumn {
    /// Chinese heading, the one the import looks for.
    pub heading: String,
    /// Name of the field, accepted as a heading too.
    pub field: String,
    /// Whether it may not be empty.
    pub required: bool,
    /// What to write, with unit and permitted values.
    pub note: String,
    /// An example.
    pub example: String,
}

/// A template to fill in for an import, as XLSX: an empty sheet with the headings in row 1, where every cell is
/// text so that long ids keep their digits, and a sheet 填写说明 that explains each column.
pub fn template_xlsx(title: &str, columns: &[TemplateColumn], made_at: Instant) -> Result<Vec<u8>, DocumentError> {
    let mut book = Book::new(title, made_at)?;
    let headings = columns
        .iter()
        .map(|c| Column::new(&c.heading, ColumnKind::Text, 18))
        .collect();
    let data = book.sheet(title, "", &[], headings)?;
    book.mark_template(data, &columns.iter().map(|c| c.required).collect::<Vec<_>>())?;
    let explained = [
        ("列名", 18),
        ("字段名", 22),
        ("是否必填", 10),
        ("说明", 60),
        ("示例", 30),
    ];
    let explained = explained
        .map(|(heading, width)| Column::new(heading, ColumnKind::Text, width))
        .to_vec();
    let notes = ["第一张表的第一行是表头，请勿改动；从第二行起填写，不留空行。红色表头为必填。".to_owned()];
    let guide = book.sheet("填写说明", &format!("{title} 填写说明"), &notes, explained)?;
    for column in columns {
        let required = if column.required { "是" } else { "否" };
        let texts = [
            column.heading.as_str(),
            &column.field,
            required,
            &column.note,
            &column.example,
        ];
        book.row(guide, &texts.map(Cell::from))?;
    }
    let mut file = Cursor::new(Vec::new());
    book.finish(&mut file)?;
    Ok(file.into_inner())
}

/// A template to fill in for an import, as CSV: the headings.
pub fn template_csv(columns: &[TemplateColumn]) -> Result<Vec<u8>, DocumentError> {
    let mut file = BYTE_ORDER_MARK.to_vec();
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(&mut file);
    writer.write_record(columns.iter().map(|c| &c.heading))?;
    writer.flush()?;
    drop(writer);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{Data, Reader, Xlsx};
    use kernel::{Day, Money, Quantity};

    fn table() -> TableDocument {
        TableDocument {
            title: "费用明细/导出".to_owned(),
            notes: vec!["口径：合同价".to_owned(), "完整率 99.87%".to_owned()],
            columns: vec![
                Column::new("明细编号", ColumnKind::Id, 30),
                Column::new("系统", ColumnKind::Text, 30),
                Column::new("数量", ColumnKind::Quantity, 12),
                Column {
                    summed: true,
                    ..Column::new("笔数", ColumnKind::Integer, 8)
                },
                Column::amount("金额（元）"),
                Column::new("日期", ColumnKind::Day, 12),
            ],
            made_at: crate::specimen::made_at(),
        }
    }

    fn row(id: &str, name: &str, fen: i64) -> Vec<Cell> {
        let quantity = Cell::Quantity(Quantity::from_micros(1_500_000));
        let day: Day = "2026-03-01".parse().unwrap();
        vec![
            id.into(),
            name.into(),
            quantity,
            Cell::Integer(2),
            Money::from_fen(fen).into(),
            Cell::Day(day),
        ]
    }

    fn open(file: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(file)).unwrap()
    }

    /// Traps: ids as text, formula injection (see the list of exports).
    #[test]
    fn ids_stay_text_and_nothing_is_a_formula() {
        let hostile = ["=1+1", "+86", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "正常"];
        let rows: Vec<_> = hostile
            .iter()
            .map(|name| row("620211200001010000123", name, 10))
            .collect();
        let mut book = open(table_xlsx(&table(), rows).unwrap());
        let range = book.worksheet_range("费用明细_导出").unwrap();
        for (place, name) in hostile.iter().enumerate() {
            let at = |column| range.get_value((u32::try_from(place).unwrap() + 4, column)).cloned();
            assert_eq!(at(0), Some(Data::String("620211200001010000123".to_owned())));
            assert_eq!(at(1), Some(Data::String((*name).to_owned())));
        }
        let formulas = book.worksheet_formula("费用明细_导出").unwrap();
        let written: Vec<&String> = formulas
            .used_cells()
            .map(|(_, _, f)| f)
            .filter(|f| !f.is_empty())
            .collect();
        assert_eq!(written, ["SUM(D5:D10)", "SUM(E5:E10)"]);
    }

    #[test]
    fn numbers_are_numbers_and_the_sum_is_there_before_anybody_computes() {
        let rows = [row("1", "甲", 12_345_678_901_234), row("2", "乙", -5)];
        let mut book = open(table_xlsx(&table(), rows).unwrap());
        let range = book.worksheet_range("费用明细_导出").unwrap();
        assert_eq!(range.get_value((0, 0)), Some(&Data::String("费用明细/导出".to_owned())));
        assert_eq!(range.get_value((3, 4)), Some(&Data::String("金额（元）".to_owned())));
        assert_eq!(range.get_value((4, 4)), Some(&Data::Float(123_456_789_012.34)));
        assert_eq!(range.get_value((4, 2)), Some(&Data::Float(1.5)));
        assert_eq!(range.get_value((6, 4)), Some(&Data::Float(123_456_789_012.29)));
        assert_eq!(range.get_value((6, 3)), Some(&Data::Float(4.0)));
        let Some(Data::DateTime(day)) = range.get_value((4, 5)) else {
            panic!("no date")
        };
        assert_eq!(day.to_ymd_hms_milli(), (2026, 3, 1, 0, 0, 0, 0));
    }

    #[test]
    fn same_rows_same_bytes() {
        let rows = || (0..300).map(|n| row(&n.to_string(), "甲", n));
        let file = table_xlsx(&table(), rows()).unwrap();
        assert!(file == table_xlsx(&table(), rows()).unwrap());
        // Changes only if the writer or the layout changes, never with the clock or the machine.
        assert_eq!(kernel::Digest::of(&file).short(), "96c10a71");
    }

    #[test]
    fn a_long_table_goes_on_in_a_further_sheet() {
        let mut writer = TableXlsxWriter::with_sheet_rows(&table(), 2).unwrap();
        for n in 0..5 {
            writer.row(&row(&n.to_string(), "甲", 100)).unwrap();
        }
        let mut file = Cursor::new(Vec::new());
        writer.finish(&mut file).unwrap();
        let mut book = open(file.into_inner());
        assert_eq!(
            book.sheet_names(),
            ["费用明细_导出", "费用明细_导出 (2)", "费用明细_导出 (3)"]
        );
        let last = book.worksheet_range("费用明细_导出 (3)").unwrap();
        assert_eq!(last.get_value((3, 0)), Some(&Data::String("4".to_owned())));
        assert_eq!(last.get_value((4, 4)), Some(&Data::Float(1.0)));
    }

    #[test]
    fn csv_is_exact_and_guarded() {
        let rows = [
            row("00012", "=HYPERLINK(\"x\")", 12_345_678_901_234_567),
            row("2", "甲,\"乙\"", -5),
        ];
        let text = String::from_utf8(table_csv(&table(), rows).unwrap()).unwrap();
        let expected = "\u{feff}明细编号,系统,数量,笔数,金额（元）,日期\r\n\
            00012,\"'=HYPERLINK(\"\"x\"\")\",1.5,2,123456789012345.67,2026-03-01\r\n\
            2,\"甲,\"\"乙\"\"\",1.5,2,-0.05,2026-03-01\r\n";
        assert_eq!(text, expected);
        assert!(matches!(
            table_xlsx(&table(), [row("1", "甲", 12_345_678_901_234_567)]),
            Err(DocumentError::NotExact { .. })
        ));
    }

    #[test]
    fn templates_have_their_headings_in_row_one() {
        let column = |heading: &str, required| TemplateColumn {
            heading: heading.to_owned(),
            field: "code".to_owned(),
            required,
            note: "1 到 64 个字符".to_owned(),
            example: "=D001".to_owned(),
        };
        let columns = [column("单位编码", true), column("上级编码", false)];
        let mut book = open(template_xlsx("单位导入模板", &columns, crate::specimen::made_at()).unwrap());
        let data = book.worksheet_range("单位导入模板").unwrap();
        let headings: Vec<String> = data.rows().next().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            (headings, data.height()),
            (vec!["单位编码".to_owned(), "上级编码".to_owned()], 1)
        );
        let guide = book.worksheet_range("填写说明").unwrap();
        assert_eq!(guide.get_value((3, 2)), Some(&Data::String("是".to_owned())));
        assert_eq!(guide.get_value((4, 2)), Some(&Data::String("否".to_owned())));
        assert_eq!(
            String::from_utf8(template_csv(&columns).unwrap()).unwrap(),
            "\u{feff}单位编码,上级编码\r\n"
        );
    }
}
