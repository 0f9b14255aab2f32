//! Worksheets of an XLSX file to a table.
//!
//! A spreadsheet keeps numbers as binary fractions of 15 significant digits. They are written back as the 15 digits a
//! person sees; whole numbers beyond that have lost digits already and are a fault, not a guess.

use super::{Builder, Cell, Limits, Table, TabularError, Width, text};
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use std::io::{Cursor, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Book<'b> = Xlsx<Cursor<&'b [u8]>>;

/// Parts of a workbook at most; a real one has a few dozen.
const PARTS_MAX: usize = 10_000;

/// Characters of a cell at most, as the makers of spreadsheets have set it.
const CELL_CHARACTERS_MAX: usize = 32_767;

pub(super) fn read(name: &str, bytes: &[u8], limits: Limits, wanted: &[&str]) -> Result<Table, TabularError> {
    check_unpacked(name, bytes, limits)?;
    // A workbook comes from outside, and its reader is not ours: should it stumble over a crafted one, that is a
    // fault of this file and must not end the process.
    catch_unwind(AssertUnwindSafe(|| read_book(name, bytes, limits, wanted)))
        .unwrap_or_else(|_| Err(TabularError::damaged(name, "the workbook reader gave up")))
}

/// Unpacks everything once, keeping nothing, to know how large it really is.
fn check_unpacked(name: &str, bytes: &[u8], limits: Limits) -> Result<(), TabularError> {
    let damaged = |cause: &dyn std::fmt::Display| TabularError::damaged(name, cause);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e))?;
    if archive.len() > PARTS_MAX {
        return Err(TabularError::too_large(name, "工作簿部件数", PARTS_MAX));
    }
    let mut left = limits.unpacked_bytes;
    for place in 0..archive.len() {
        let part = archive.by_index(place).map_err(|e| damaged(&e))?;
        let is_strings = part.name_raw().to_ascii_lowercase().ends_with(b"sharedstrings.xml");
        let mut part = part.take(left.saturating_add(1));
        let size = if is_strings {
            let mut content = Vec::new();
            part.read_to_end(&mut content).map_err(|e| damaged(&e))?;
            check_string_count(&content).map_err(|e| damaged(&e))?;
            u64::try_from(content.len()).unwrap_or(u64::MAX)
        } else {
            std::io::copy(&mut part, &mut std::io::sink()).map_err(|e| damaged(&e))?
        };
        left = left
            .checked_sub(size)
            .ok_or_else(|| TabularError::too_large(name, "解压后的大小（字节）", limits.unpacked_bytes))?;
    }
    Ok(())
}

/// The reader makes room for as many strings as the file says it has. More than its bytes could hold is a lie, and
/// would take all memory.
fn check_string_count(content: &[u8]) -> Result<(), &'static str> {
    const KEY: &str = "uniqueCount";
    let text = std::str::from_utf8(content).map_err(|_| "shared strings are not UTF-8")?;
    for (place, _) in text.match_indices(KEY) {
        let value = text
            .get(place + KEY.len()..)
            .unwrap_or_default()
            .trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']);
        let digits = value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        if !digits.is_empty() && digits.parse::<usize>().map_or(true, |count| count > content.len()) {
            return Err("more shared strings declared than there are");
        }
    }
    Ok(())
}

fn read_book(name: &str, bytes: &[u8], limits: Limits, wanted: &[&str]) -> Result<Table, TabularError> {
    let mut book: Book<'_> = Xlsx::new(Cursor::new(bytes)).map_err(|e| refused(name, e))?;
    let sheets = book.sheets_metadata().iter();
    let mut sheets: Vec<String> = sheets
        .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    let is_wanted = |sheet: &String| wanted.iter().any(|title| text::plain(title) == text::plain(sheet));
    sheets.sort_by_key(|sheet| !is_wanted(sheet));
    for sheet in sheets {
        match read_sheet(&mut book, name, &sheet, limits) {
            Err(TabularError::Empty { .. }) => {}
            other => return other,
        }
    }
    Err(TabularError::Empty { file: name.to_owned() })
}

fn refused(name: &str, error: XlsxError) -> TabularError {
    match error {
        XlsxError::Password => TabularError::OldOrLocked { file: name.to_owned() },
        other => TabularError::damaged(name, other),
    }
}

fn read_sheet(book: &mut Book<'_>, name: &str, sheet: &str, limits: Limits) -> Result<Table, TabularError> {
    let mut reader = book.worksheet_cells_reader(sheet).map_err(|e| refused(name, e))?;
    let mut builder = Builder::new(name, limits, Width::Open);
    let mut row: Vec<Cell> = Vec::new();
    let mut number = 0_u64;
    let mut left = limits.unpacked_bytes;
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(|e| refused(name, e))? {
        // A text that many cells share stands in the file once, and in the table as often as they say it.
        let size = u64::try_from(words(&cell.value).map_or(0, str::len)).unwrap_or(u64::MAX);
        left = left
            .checked_sub(size)
            .ok_or_else(|| TabularError::too_large(name, "单元格文字总量（字节）", limits.unpacked_bytes))?;
        let Some(text) = written(&cell.value, cell.formula.is_some()) else {
            continue;
        };
        let (cell_row, column) = (
            u64::from(cell.pos.0) + 1,
            usize::try_from(cell.pos.1).unwrap_or(usize::MAX),
        );
        if column >= limits.columns {
            return Err(TabularError::too_large(name, "列数", limits.columns));
        }
        if cell_row < number {
            return Err(TabularError::damaged(
                name,
                format!("row {cell_row} after row {number}"),
            ));
        }
        if cell_row > number {
            builder.take(number, std::mem::take(&mut row))?;
            number = cell_row;
        }
        if row.len() <= column {
            row.resize(column + 1, Ok(String::new()));
        }
        if let Some(place) = row.get_mut(column) {
            *place = text;
        }
    }
    builder.take(number, row)?;
    let mut table = builder.finish()?;
    sheet.clone_into(&mut table.sheet);
    Ok(table)
}

/// The text of a cell that holds one.
fn words<'v>(value: &'v DataRef<'_>) -> Option<&'v str> {
    match value {
        DataRef::String(text) => Some(text),
        DataRef::SharedString(text) => Some(text),
        _ => None,
    }
}

/// A text as it stands. Errors: it is longer than a cell can hold.
fn bounded(text: &str) -> Cell {
    match text.char_indices().nth(CELL_CHARACTERS_MAX) {
        Some(_) => Err(format!("文字超过 {CELL_CHARACTERS_MAX} 个字符，请缩短后再导入")),
        None => Ok(text.to_owned()),
    }
}

/// What a cell says; `None` if it is blank.
fn written(value: &DataRef<'_>, is_formula: bool) -> Option<Cell> {
    Some(match value {
        DataRef::Empty if is_formula => {
            Err("公式没有保存计算结果，请用 Excel 或 WPS 打开文件保存一次，或粘贴为数值".to_owned())
        }
        DataRef::Empty => return None,
        DataRef::String(text) => bounded(text),
        DataRef::SharedString(text) => bounded(text),
        DataRef::Bool(yes) => Ok(yes.to_string()),
        DataRef::Int(whole) => Ok(whole.to_string()),
        DataRef::Float(number) => number_text(*number),
        DataRef::DateTime(stamp) => date_text(stamp),
        DataRef::DateTimeIso(text) => Ok(iso_text(text)),
        DataRef::DurationIso(_) => Err(duration()),
        DataRef::Error(error) => Err(format!("单元格是公式错误 {error}，请改正公式或填写数值")),
    })
}

/// Rounding: to the 15 significant digits that a spreadsheet keeps and shows, so that 0.1 + 0.2 is 0.3.
fn number_text(number: f64) -> Cell {
    /// From here on a whole number has more than 15 digits.
    const LOSES_DIGITS: f64 = 1e15;
    if !number.is_finite() {
        return Err("不是有效的数字".to_owned());
    }
    if number.abs() >= LOSES_DIGITS {
        return Err(format!(
            "「{number}」超过 15 位，以数字格式保存时末尾的数字已丢失，请把这一列设为文本格式后重新填写"
        ));
    }
    let shown: f64 = format!("{number:.14e}")
        .parse()
        .map_err(|_| "不是有效的数字".to_owned())?;
    let text = shown.to_string();
    Ok(if text == "-0" { "0".to_owned() } else { text })
}

fn date_text(stamp: &ExcelDateTime) -> Cell {
    /// Serial number of the day after 9999-12-31, the last that a spreadsheet knows.
    const AFTER_LAST: f64 = 2_958_466.0;
    if stamp.is_duration() {
        return Err(duration());
    }
    let serial = stamp.as_f64();
    if !(0.0..AFTER_LAST).contains(&serial) {
        return Err("不是有效的日期".to_owned());
    }
    let (year, month, day, hour, minute, second, _) = stamp.to_ymd_hms_milli();
    let is_midnight = (hour, minute, second) == (0, 0, 0);
    Ok(if serial < 1.0 && !is_midnight {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else if is_midnight {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    })
}

fn iso_text(text: &str) -> String {
    let text = text.replacen('T', " ", 1);
    text.strip_suffix(" 00:00:00").unwrap_or(&text).to_owned()
}

fn duration() -> String {
    "是时长格式，请改填数字或日期".to_owned()
}

#[cfg(test)]
#[path = "workbook_tests.rs"]
mod tests;
