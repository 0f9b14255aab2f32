//! The workbook layer below all XLSX documents.
//!
//! Invariants: ids and other texts are text cells, whatever they begin with, so that no digit is lost and nothing
//! is run as a formula; numbers come from integers of fixed scale and are only written where a spreadsheet, which
//! knows nothing but binary floating point, shows the same digits again; the same rows give the same bytes.
//! Rows go to a temporary file as they come, so memory does not grow with them.

use crate::display::{civil, lines};
use crate::error::DocumentError;
use kernel::decimal::format_scaled;
use kernel::time::LAW_OFFSET_S;
use kernel::{Day, Instant, Money, Month, Quantity, UnitPrice};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet,
};
use std::io::{Seek, Write};

/// Rows a sheet holds, heading included.
pub const MAX_ROWS: u32 = 1_048_576;
/// Height of a line of text. Units: points.
const LINE_HEIGHT: u16 = 15;
/// Lines that the highest row shows.
const MAX_LINES: u16 = 27;
/// Decimal digits that survive the way through a spreadsheet's binary number and back.
const EXACT_DIGITS: usize = 15;

/// What a column holds; decides alignment and number format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A code or id. Text.
    Id,
    /// Any other text.
    Text,
    /// A count.
    Integer,
    /// A quantity with up to six decimals; a text stands as it is.
    Quantity,
    /// A unit price in yuan with up to six decimals; a text stands as it is.
    Price,
    /// An amount in yuan with two decimals.
    Amount,
    /// A day.
    Day,
    /// A moment, shown in Beijing time.
    Moment,
    /// A month. Text.
    Month,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub heading: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Width in characters of Latin text; a Chinese character takes two.
    pub width: u16,
    /// Whether the table ends with its sum.
    pub summed: bool,
}

impl Column {
    /// A column that is not summed.
    pub fn new(heading: &str, kind: ColumnKind, width: u16) -> Self {
        Self {
            heading: heading.to_owned(),
            kind,
            width,
            summed: false,
        }
    }

    /// A column of amounts that is summed.
    pub fn amount(heading: &str) -> Self {
        Self {
            summed: true,
            ..Self::new(heading, ColumnKind::Amount, 20)
        }
    }
}

/// A value of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing: the value is not known or does not apply. Never written as zero.
    Empty,
    /// Text.
    Text(String),
    /// A count.
    Integer(i64),
    /// A quantity.
    Quantity(Quantity),
    /// A unit price.
    Price(UnitPrice),
    /// An amount.
    Amount(Money),
    /// A day.
    Day(Day),
    /// A moment.
    Moment(Instant),
    /// A month.
    Month(Month),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Money> for Cell {
    fn from(amount: Money) -> Self {
        Self::Amount(amount)
    }
}

impl Cell {
    /// The text as a number if it is a plain decimal, else as it is: for printed quantities and prices.
    pub fn quantity_or_text(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::from(text), Self::Quantity)
    }

    /// As [`Cell::quantity_or_text`], for prices.
    pub fn price_or_text(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::from(text), Self::Price)
    }

    fn fits(&self, kind: ColumnKind) -> bool {
        use ColumnKind as K;
        match self {
            Self::Empty => true,
            Self::Text(_) => matches!(kind, K::Id | K::Text | K::Quantity | K::Price),
            Self::Integer(_) => kind == K::Integer,
            Self::Quantity(_) => kind == K::Quantity,
            Self::Price(_) => kind == K::Price,
            Self::Amount(_) => kind == K::Amount,
            Self::Day(_) => kind == K::Day,
            Self::Moment(_) => kind == K::Moment,
            Self::Month(_) => kind == K::Month,
        }
    }

    /// What it adds to a sum, in units of 10^-scale, and that scale.
    fn summand(&self) -> (i64, usize) {
        match self {
            Self::Integer(count) => (*count, 0),
            Self::Amount(amount) => (amount.fen(), 2),
            Self::Quantity(quantity) => (quantity.micros(), 6),
            _ => (0, 0),
        }
    }
}

/// Checks that a row has one fitting cell for each column. `number` counts rows of data from 1.
pub(crate) fn check_row(columns: &[Column], cells: &[Cell], number: u64) -> Result<(), DocumentError> {
    if cells.len() != columns.len() {
        let reason = format!("应有 {} 列, 实有 {} 列", columns.len(), cells.len());
        return Err(DocumentError::Row { row: number, reason });
    }
    match columns.iter().zip(cells).find(|(column, cell)| !cell.fits(column.kind)) {
        Some((column, cell)) => {
            let reason = format!("「{}」列的类型是 {:?}, 值为 {cell:?}", column.heading, column.kind);
            Err(DocumentError::Row { row: number, reason })
        }
        None => Ok(()),
    }
}

/// The number a spreadsheet keeps for a plain decimal.
///
/// Errors: more than 15 significant digits, which the spreadsheet would show changed.
fn exact(column: &str, decimal: &str) -> Result<f64, DocumentError> {
    let fault = || DocumentError::NotExact {
        column: column.to_owned(),
        number: decimal.to_owned(),
    };
    let digits: String = decimal.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0');
    let significant = if decimal.contains('.') {
        significant
    } else {
        significant.trim_end_matches('0')
    };
    if significant.len() > EXACT_DIGITS {
        return Err(fault());
    }
    decimal.parse().map_err(|_| fault())
}

/// The looks of cells.
struct Formats {
    title: Format,
    note: Format,
    heading: Format,
    required: Format,
    text: Format,
    id: Format,
    integer: Format,
    quantity: Format,
    price: Format,
    amount: Format,
    day: Format,
    moment: Format,
    sum_label: Format,
    sum: Format,
    sum_plain: Format,
}

impl Formats {
    fn new() -> Self {
        let font = Format::new().set_font_name("宋体").set_font_size(10);
        let cell = font
            .clone()
            .set_border(FormatBorder::Thin)
            .set_border_color(Color::RGB(0x00A6_A6A6));
        let number = |pattern: &str| {
            cell.clone()
                .set_num_format(pattern)
                .set_align(FormatAlign::Right)
                .set_align(FormatAlign::VerticalCenter)
        };
        let shade = Color::RGB(0x00ED_EDED);
        let sum = cell.clone().set_bold().set_background_color(shade);
        let heading = sum
            .clone()
            .set_align(FormatAlign::Center)
            .set_align(FormatAlign::VerticalCenter)
            .set_text_wrap();
        Self {
            title: font.clone().set_bold().set_font_size(16),
            note: font.clone().set_font_color(Color::RGB(0x0059_5959)),
            required: heading.clone().set_font_color(Color::RGB(0x00C0_0000)),
            heading,
            text: cell
                .clone()
                .set_num_format("@")
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter),
            id: cell.clone().set_num_format("@").set_align(FormatAlign::VerticalCenter),
            integer: number("0"),
            quantity: number("General"),
            price: number("#,##0.00####"),
            amount: number("#,##0.00"),
            day: number("yyyy-mm-dd"),
            moment: number("yyyy-mm-dd hh:mm:ss"),
            sum_label: sum.clone(),
            sum: sum.clone().set_num_format("#,##0.00").set_align(FormatAlign::Right),
            sum_plain: sum.set_num_format("General").set_align(FormatAlign::Right),
        }
    }
}

/// What is known of a sheet while its rows come in.
struct SheetState {
    columns: Vec<Column>,
    first_row: u32,
    next_row: u32,
    sums: Vec<i128>,
}

/// Names a sheet of a [`Book`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetIndex(usize);

/// A workbook being written, sheet by sheet and row by row.
pub struct Book {
    workbook: Workbook,
    formats: Formats,
    sheets: Vec<SheetState>,
}

impl Book {
    /// An empty workbook. `made_at` becomes its date, so that the bytes depend on the content alone.
    pub fn new(title: &str, made_at: Instant) -> Result<Self, DocumentError> {
        let mut workbook = Workbook::new();
        let properties = DocProperties::new().set_title(title).set_author("yunheng");
        let utc = made_at.plus_s(-LAW_OFFSET_S);
        workbook.set_properties(&properties.set_creation_datetime(&excel_moment(utc)?));
        Ok(Self {
            workbook,
            formats: Formats::new(),
            sheets: Vec::new(),
        })
    }

    /// Begins a sheet: a title and notes if given, then the heading, which stays in sight.
    pub fn sheet(
        &mut self,
        name: &str,
        title: &str,
        notes: &[String],
        columns: Vec<Column>,
    ) -> Result<SheetIndex, DocumentError> {
        let formats = &self.formats;
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(name))?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_footer("&C第 &P 页 共 &N 页");
        for (place, column) in (0_u16..).zip(&columns) {
            sheet.set_column_width(place, column.width)?;
        }
        let mut row = 0;
        if !title.is_empty() {
            sheet.write_string_with_format(row, 0, title, &formats.title)?;
            row += 1;
        }
        for note in notes {
            sheet.write_string_with_format(row, 0, note, &formats.note)?;
            row += 1;
        }
        for (place, column) in (0_u16..).zip(&columns) {
            sheet.write_string_with_format(row, place, &column.heading, &formats.heading)?;
        }
        let headings = columns.iter().map(|column| (column.heading.as_str(), column.width));
        make_high(sheet, row, headings)?;
        sheet.set_freeze_panes(row + 1, 0)?;
        sheet.set_repeat_rows(row, row)?;
        let sums = vec![0; columns.len()];
        self.sheets.push(SheetState {
            columns,
            first_row: row + 1,
            next_row: row + 1,
            sums,
        });
        Ok(SheetIndex(self.sheets.len() - 1))
    }

    /// How many rows of data a sheet has, and how many more it takes.
    pub fn room(&self, sheet: SheetIndex) -> (u32, u32) {
        self.sheets.get(sheet.0).map_or((0, 0), |s| {
            (s.next_row - s.first_row, (MAX_ROWS - 1).saturating_sub(s.next_row))
        })
    }

    /// Adds a row. Errors: no room, cells that do not fit the columns, a number that would change.
    pub fn row(&mut self, sheet: SheetIndex, cells: &[Cell]) -> Result<(), DocumentError> {
        let (done, left) = self.room(sheet);
        let worksheet = self.workbook.worksheet_from_index(sheet.0)?;
        let (Some(state), true) = (self.sheets.get_mut(sheet.0), left > 0) else {
            return Err(DocumentError::TooManyRows(u64::from(MAX_ROWS)));
        };
        check_row(&state.columns, cells, u64::from(done) + 1)?;
        for (place, (column, cell)) in (0_u16..).zip(state.columns.iter().zip(cells)) {
            write_cell(worksheet, &self.formats, (state.next_row, place), column, cell)?;
        }
        let texts = state.columns.iter().zip(cells).filter_map(|(column, cell)| match cell {
            Cell::Text(text) if column.kind == ColumnKind::Text => Some((text.as_str(), column.width)),
            _ => None,
        });
        make_high(worksheet, state.next_row, texts)?;
        for (sum, cell) in state.sums.iter_mut().zip(cells) {
            *sum += i128::from(cell.summand().0);
        }
        state.next_row += 1;
        Ok(())
    }

    /// Ends a sheet: filters on the heading, and a row of sums as formulas whose results are already in the file.
    pub fn close(&mut self, sheet: SheetIndex) -> Result<(), DocumentError> {
        let worksheet = self.workbook.worksheet_from_index(sheet.0)?;
        let Some(state) = self.sheets.get(sheet.0) else {
            return Ok(());
        };
        let (Some(last_row), Some(last)) = (state.next_row.checked_sub(1), last_place(&state.columns)) else {
            return Ok(());
        };
        worksheet.autofilter(state.first_row - 1, 0, last_row, last)?;
        if last_row < state.first_row || !state.columns.iter().any(|c| c.summed) {
            return Ok(());
        }
        for (place, (column, sum)) in (0_u16..).zip(state.columns.iter().zip(&state.sums)) {
            let at = (state.next_row, place);
            if column.summed {
                let result = sum_text(column, *sum)?;
                let letters = column_letters(place);
                let formula = format!("SUM({letters}{}:{letters}{})", state.first_row + 1, state.next_row);
                let format = if column.kind == ColumnKind::Amount {
                    &self.formats.sum
                } else {
                    &self.formats.sum_plain
                };
                worksheet.write_formula_with_format(at.0, at.1, Formula::new(formula).set_result(result), format)?;
            } else {
                let label = if place == 0 { "合计" } else { "" };
                worksheet.write_string_with_format(at.0, at.1, label, &self.formats.sum_label)?;
            }
        }
        Ok(())
    }

    /// Writes the file.
    pub fn finish<W: Write + Seek + Send>(mut self, writer: W) -> Result<(), DocumentError> {
        Ok(self.workbook.save_to_writer(writer)?)
    }

    /// Marks the headings of these columns as required and makes whole columns text, for templates.
    pub(crate) fn mark_template(&mut self, sheet: SheetIndex, required: &[bool]) -> Result<(), DocumentError> {
        let worksheet = self.workbook.worksheet_from_index(sheet.0)?;
        let Some(state) = self.sheets.get(sheet.0) else {
            return Ok(());
        };
        let text = Format::new().set_num_format("@");
        for (place, (column, required)) in (0_u16..).zip(state.columns.iter().zip(required)) {
            worksheet.set_column_format(place, &text)?;
            if *required {
                worksheet.write_string_with_format(0, place, &column.heading, &self.formats.required)?;
            }
        }
        Ok(())
    }
}

/// Makes a row as high as its wrapped texts need in columns of these widths: not every program does so by itself.
fn make_high<'t>(
    sheet: &mut Worksheet,
    row: u32,
    texts: impl Iterator<Item = (&'t str, u16)>,
) -> Result<(), DocumentError> {
    let lines = texts.map(|(text, width)| lines(text, width)).max().unwrap_or(1);
    if lines > 1 {
        sheet.set_row_height(row, LINE_HEIGHT * lines.min(MAX_LINES))?;
    }
    Ok(())
}

fn last_place(columns: &[Column]) -> Option<u16> {
    u16::try_from(columns.len()).ok()?.checked_sub(1)
}

fn sum_text(column: &Column, sum: i128) -> Result<String, DocumentError> {
    let sum = i64::try_from(sum).map_err(|_| DocumentError::AmountRange)?;
    Ok(match column.kind {
        ColumnKind::Amount => format_scaled(sum, 2, 2),
        ColumnKind::Quantity => format_scaled(sum, 6, 0),
        _ => sum.to_string(),
    })
}

fn write_cell(
    sheet: &mut Worksheet,
    formats: &Formats,
    (row, place): (u32, u16),
    column: &Column,
    cell: &Cell,
) -> Result<(), DocumentError> {
    let heading = &column.heading;
    match cell {
        Cell::Empty => sheet.write_blank(row, place, &formats.text)?,
        Cell::Text(text) => {
            let format = if column.kind == ColumnKind::Text {
                &formats.text
            } else {
                &formats.id
            };
            sheet.write_string_with_format(row, place, text, format)?
        }
        Cell::Month(month) => sheet.write_string_with_format(row, place, month.to_string(), &formats.id)?,
        Cell::Integer(count) => {
            sheet.write_number_with_format(row, place, exact(heading, &count.to_string())?, &formats.integer)?
        }
        Cell::Quantity(quantity) => {
            sheet.write_number_with_format(row, place, exact(heading, &quantity.to_string())?, &formats.quantity)?
        }
        Cell::Price(price) => {
            sheet.write_number_with_format(row, place, exact(heading, &price.to_string())?, &formats.price)?
        }
        Cell::Amount(amount) => {
            sheet.write_number_with_format(row, place, exact(heading, &amount.to_string())?, &formats.amount)?
        }
        Cell::Day(day) => sheet.write_datetime_with_format(row, place, excel_day(*day)?, &formats.day)?,
        Cell::Moment(at) => sheet.write_datetime_with_format(row, place, excel_moment(*at)?, &formats.moment)?,
    };
    Ok(())
}

fn excel_day(day: Day) -> Result<ExcelDateTime, DocumentError> {
    excel_moment(day.start())
}

fn excel_moment(at: Instant) -> Result<ExcelDateTime, DocumentError> {
    let Some(parts) = civil(at) else {
        return Err(DocumentError::NotExact {
            column: "时间".to_owned(),
            number: at.to_string(),
        });
    };
    let date = ExcelDateTime::from_ymd(parts.year, parts.month, parts.day)?;
    Ok(date.and_hms(u16::from(parts.hour), parts.minute, parts.second)?)
}

/// The letters of a column: 0 is A, 26 is AA.
fn column_letters(place: u16) -> String {
    let mut letters = String::new();
    let mut rest = u32::from(place) + 1;
    while rest > 0 {
        let letter = char::from_u32(u32::from(b'A') + (rest - 1) % 26).unwrap_or('A');
        letters.insert(0, letter);
        rest = (rest - 1) / 26;
    }
    letters
}

/// A name that spreadsheets accept: at most 31 characters, none of `[]:*?/\`, no apostrophe at the ends.
pub(crate) fn sheet_name(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if "[]:*?/\\'".contains(c) { '_' } else { c })
        .take(31)
        .collect();
    if clean.trim().is_empty() {
        "数据".to_owned()
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        assert_eq!(
            [0, 25, 26, 51, 701, 702].map(column_letters),
            ["A", "Z", "AA", "AZ", "ZZ", "AAA"]
        );
        assert_eq!(sheet_name("账单[3月]/对账"), "账单_3月__对账");
        assert_eq!(
            (sheet_name("  "), sheet_name(&"长".repeat(40)).chars().count()),
            ("数据".to_owned(), 31)
        );
    }

    #[test]
    fn more_than_fifteen_digits_are_refused() {
        assert!(exact("金额", "9999999999999.99").is_ok());
        assert!(
            exact("数量", "120000000000000000").is_ok(),
            "zeros at the end of a whole number cost nothing"
        );
        let refused = exact("金额", "12345678901234.56").unwrap_err();
        assert!(refused.to_string().contains("「金额」"), "{refused}");
        assert!(exact("金额", "10000000000000.01").is_err());
    }

    #[test]
    fn a_row_must_fit_its_columns() {
        let columns = [Column::new("编号", ColumnKind::Id, 10), Column::amount("金额")];
        assert!(check_row(&columns, &["7".into(), Money::ZERO.into()], 1).is_ok());
        assert!(check_row(&columns, &["7".into(), Cell::Empty], 1).is_ok());
        assert!(check_row(&columns, &["7".into()], 1).is_err());
        assert!(
            check_row(&columns, &[Cell::Integer(7), Money::ZERO.into()], 1).is_err(),
            "an id is no number"
        );
        assert!(
            check_row(&columns, &["7".into(), "1.00".into()], 1).is_err(),
            "an amount is no text"
        );
        assert_eq!(
            Cell::quantity_or_text("51200.125"),
            Cell::Quantity(Quantity::from_micros(51_200_125_000))
        );
        assert_eq!(Cell::price_or_text("多价"), Cell::from("多价"));
    }

    proptest! {
        #[test]
        fn what_a_spreadsheet_keeps_shows_the_same_digits(fen in -999_999_999_999_999_i64..=999_999_999_999_999) {
            let text = Money::from_fen(fen).to_string();
            let kept = exact("金额", &text).unwrap();
            prop_assert_eq!(format!("{kept}").parse::<Money>().unwrap().fen(), fen);
        }
    }
}
