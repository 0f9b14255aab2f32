//! Real workbooks, written by another library, and broken ones made from them.

use super::super::read_table;
use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use rust_xlsxwriter::{ExcelDateTime as Stamp, Format, Formula, Workbook};
use std::io::Write as _;

fn book(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

fn read_bytes(bytes: &[u8]) -> Result<Table, TabularError> {
    read_table("f.xlsx", bytes, Limits::default())
}

/// A workbook with these parts as its sheet and shared strings.
fn crafted(sheet: &str, strings: &str) -> Vec<u8> {
    let plain = book(|book| {
        book.add_worksheet().write(0, 0, "a").unwrap();
    });
    let mut old = zip::ZipArchive::new(Cursor::new(plain)).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..old.len() {
        let mut part = old.by_index(place).unwrap();
        let (name, mut content) = (part.name().unwrap().into_owned(), String::new());
        part.read_to_string(&mut content).unwrap();
        if name.ends_with("sheet1.xml") && !sheet.is_empty() {
            content = format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>");
        }
        if name.ends_with("sharedStrings.xml") && !strings.is_empty() {
            content = strings.to_owned();
        }
        new.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        new.write_all(content.as_bytes()).unwrap();
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn cells_are_written_as_a_person_sees_them() {
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let percent = Format::new().set_num_format("0.00%");
    let bytes = book(|book| {
        let sheet = book.add_worksheet().set_name("单价").unwrap();
        let headings = [
            "整数",
            "一位",
            "零点一",
            "和",
            "百分",
            "日期",
            "时刻",
            "真",
            "公式",
            "编号",
            "负",
            "大",
        ];
        for (column, heading) in (0..).zip(headings) {
            sheet.write(0, column, heading).unwrap();
        }
        sheet.write(1, 0, 46).unwrap();
        sheet.write(1, 1, 1147.5).unwrap();
        sheet.write(1, 2, 0.1).unwrap();
        sheet.write(1, 3, 0.1 + 0.2).unwrap();
        sheet.write_with_format(1, 4, 0.85, &percent).unwrap();
        sheet
            .write_with_format(1, 5, Stamp::parse_from_str("2026-03-01").unwrap(), &day)
            .unwrap();
        sheet
            .write_with_format(1, 6, Stamp::parse_from_str("2026-03-01T08:30:00").unwrap(), &day)
            .unwrap();
        sheet.write(1, 7, true).unwrap();
        sheet.write(1, 8, Formula::new("=A2*2").set_result("92")).unwrap();
        sheet.write(1, 9, "530102199001011230").unwrap();
        sheet.write(1, 10, -0.000001).unwrap();
        sheet.write(1, 11, 123_456_789_012_345_i64).unwrap();
    });
    let table = read_bytes(&bytes).unwrap();
    let expected = [
        "46",
        "1147.5",
        "0.1",
        "0.3",
        "0.85",
        "2026-03-01",
        "2026-03-01 08:30:00",
        "true",
        "92",
        "530102199001011230",
        "-0.000001",
        "123456789012345",
    ];
    assert_eq!(table.rows[0].cells, expected);
    assert_eq!(
        (table.rows[0].number, table.sheet.as_str(), table.faults.len()),
        (2, "单价", 0)
    );
}

#[test]
fn what_the_spreadsheet_lost_is_a_fault_at_its_cell() {
    let hours = Format::new().set_num_format("[h]:mm");
    let bytes = book(|book| {
        let sheet = book.add_worksheet();
        for (column, heading) in (0..).zip(["编号", "引用", "时长", "名称"]) {
            sheet.write(0, column, heading).unwrap();
        }
        sheet.write(2, 0, 530_102_199_001_011_230_i64).unwrap();
        sheet.write(2, 1, Formula::new("=#REF!").set_result("#REF!")).unwrap();
        sheet.write_with_format(2, 2, 1.5, &hours).unwrap();
        sheet.write(2, 3, "目录").unwrap();
        sheet.write(3, 3, "有效").unwrap();
        sheet.write(4, 5, "多出来的").unwrap();
    });
    let table = read_bytes(&bytes).unwrap();
    let faults: Vec<_> = table
        .faults
        .sorted()
        .into_iter()
        .map(|f| (f.row, f.column.as_str()))
        .collect();
    assert_eq!(faults, [(3, "编号"), (3, "引用"), (3, "时长"), (5, "")]);
    let all = table.faults.to_string();
    assert!(all.contains("文本格式") && all.contains("#REF!"), "{all}");
    assert_eq!(
        table
            .rows
            .iter()
            .map(|r| (r.number, r.cells[3].as_str()))
            .collect::<Vec<_>>(),
        [(3, "目录"), (4, "有效")]
    );
}

#[test]
fn formula_without_a_result_is_a_fault_not_a_blank() {
    let bytes = crafted(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>code</t></is></c></row><row r="2"><c r="A2"><f>1+1</f></c></row>
           <row r="3"><c r="A3" t="str"><f>""</f><v></v></c></row>"#,
        "",
    );
    let table = read_bytes(&bytes).unwrap();
    assert_eq!(table.faults.len(), 1);
    assert!(
        table
            .faults
            .to_string()
            .contains("第 2 行「code」: 公式没有保存计算结果"),
        "{}",
        table.faults
    );
}

#[test]
fn the_sheet_is_the_named_one_or_the_first_with_something_in_it() {
    let bytes = book(|book| {
        book.add_worksheet().set_name("空").unwrap();
        book.add_worksheet()
            .set_name("藏")
            .unwrap()
            .set_hidden(true)
            .write(0, 0, "x")
            .unwrap();
        book.add_worksheet()
            .set_name("说明")
            .unwrap()
            .write(0, 0, "读我")
            .unwrap();
        book.add_worksheet()
            .set_name("信息系统")
            .unwrap()
            .write(0, 0, "系统编码")
            .unwrap();
    });
    assert_eq!(read_bytes(&bytes).unwrap().sheet, "说明");
    let template = super::super::Template {
        kind: "systems",
        title_zh: "信息系统",
        columns: &[],
    };
    assert_eq!(
        super::super::read_for(&template, "f.xlsx", &bytes, Limits::default())
            .unwrap()
            .sheet,
        "信息系统"
    );
    let empty = book(|book| {
        book.add_worksheet();
    });
    assert!(matches!(read_bytes(&empty), Err(TabularError::Empty { .. })));
}

#[test]
fn bombs_and_lies_are_refused() {
    let bomb = crafted(
        &format!("<row r=\"1\"><c><v>{}1</v></c></row>", "0".repeat(3_000_000)),
        "",
    );
    assert!(bomb.len() < 100_000);
    let limits = Limits {
        unpacked_bytes: 1_000_000,
        ..Limits::default()
    };
    let error = read_table("f.xlsx", &bomb, limits).unwrap_err();
    assert!(
        matches!(error, TabularError::TooLarge { limit: 1_000_000, .. }),
        "{error}"
    );
    let strings = crafted("", "<sst uniqueCount = '99999999999'><si><t>a</t></si></sst>");
    assert!(matches!(read_bytes(&strings), Err(TabularError::NotAWorkbook { .. })));
    let far = crafted(r#"<row r="1"><c r="XFD1"><v>1</v></c></row>"#, "");
    assert!(matches!(
        read_bytes(&far),
        Err(TabularError::TooLarge { what: "列数", .. })
    ));
    let backwards = crafted(
        r#"<row r="5"><c r="A5"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#,
        "",
    );
    assert!(matches!(read_bytes(&backwards), Err(TabularError::NotAWorkbook { .. })));
    let overflow = crafted(r#"<row r="1"><c r="ZZZZZZZZZZZZ99999999999999"><v>1</v></c></row>"#, "");
    assert!(read_bytes(&overflow).is_err());
}

#[test]
fn a_shared_text_counts_as_often_as_it_is_said() {
    let strings = format!("<sst uniqueCount='1'><si><t>{}</t></si></sst>", "x".repeat(100_000));
    let shared = "<row><c t=\"s\"><v>0</v></c></row>".repeat(10_000);
    // 500 kB unpacked, which 1 GB would be made of.
    let limits = Limits {
        unpacked_bytes: 2_000_000,
        ..Limits::default()
    };
    let error = read_table("f.xlsx", &crafted(&shared, &strings), limits).unwrap_err();
    assert!(
        matches!(&error, TabularError::TooLarge { what, limit: 2_000_000, .. } if what.contains("文字")),
        "{error}"
    );
}

#[test]
fn a_text_that_no_cell_can_hold_is_a_fault_of_its_row() {
    let longest = "好".repeat(32_767);
    let strings = format!(
        "<sst uniqueCount='3'><si><t>name</t></si><si><t>{}</t></si><si><t>{longest}</t></si></sst>",
        "x".repeat(40_000)
    );
    let row = |string: u8| format!("<row><c t=\"s\"><v>{string}</v></c></row>");
    let sheet = [0, 1, 2].map(row).concat();
    let table = read_bytes(&crafted(&sheet, &strings)).unwrap();
    assert_eq!(table.faults.len(), 1, "{}", table.faults);
    assert!(
        table
            .faults
            .to_string()
            .contains("第 2 行「name」: 文字超过 32767 个字符"),
        "{}",
        table.faults
    );
    assert_eq!(table.rows[1].cells, [longest]);
}

#[test]
fn dates_outside_the_calendar_are_faults() {
    let stamp = |serial| ExcelDateTime::new(serial, calamine::ExcelDateTimeType::DateTime, false);
    assert_eq!(
        date_text(&stamp(46_082.354_166_666_667)).unwrap(),
        "2026-03-01 08:30:00"
    );
    assert_eq!(date_text(&stamp(0.5)).unwrap(), "12:00:00");
    assert!(
        date_text(&stamp(-1.0)).is_err() && date_text(&stamp(3e9)).is_err() && date_text(&stamp(f64::NAN)).is_err()
    );
    assert_eq!(iso_text("2026-03-01T00:00:00"), "2026-03-01");
    assert!(number_text(f64::INFINITY).is_err() && number_text(1e15).is_err());
    assert_eq!(number_text(-0.0).unwrap(), "0");
}

fn sound() -> Vec<u8> {
    book(|book| {
        let sheet = book.add_worksheet();
        for row in 0..20 {
            sheet.write(row, 0, format!("S{row}")).unwrap();
            sheet.write(row, 1, f64::from(row) / 8.0).unwrap();
        }
    })
}

proptest! {
    #[test]
    fn truncated_or_altered_workbooks_never_panic(cut: Index, flip: Index, bit in 0_u8..8) {
        let bytes = sound();
        prop_assert!(read_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        let mut altered = bytes.clone();
        altered[flip.index(bytes.len())] ^= 1 << bit;
        let _ = read_bytes(&altered);
    }

    #[test]
    fn decimals_of_fifteen_digits_keep_their_text(whole in 0_i64..1_000_000_000, micros in 0_i64..1_000_000) {
        let text = kernel::Quantity::from_micros(whole * 1_000_000 + micros).to_string();
        prop_assert_eq!(number_text(text.parse().unwrap()).unwrap(), text);
    }
}
