//! Files as offices make them, read as tables and records.

use super::*;
use kernel::{Code, Day, ErrorKind, Kinded, Quantity, code::SystemKind};
use proptest::prelude::*;

static SYSTEMS: Template = Template {
    kind: "systems",
    title_zh: "信息系统",
    columns: &[
        Column {
            field: "code",
            zh: "系统编码",
            required: true,
            note_zh: "系统的编码",
            example: "S001",
        },
        Column {
            field: "name",
            zh: "系统名称",
            required: true,
            note_zh: "",
            example: "目录, 共享",
        },
        Column {
            field: "vcpu",
            zh: "核数（个）",
            required: false,
            note_zh: "不小于零的数",
            example: "46",
        },
        Column {
            field: "from",
            zh: "启用日期",
            required: false,
            note_zh: "日期",
            example: "2026-03-01",
        },
    ],
};

fn read(text: &str) -> Table {
    read_table("f.csv", text.as_bytes(), Limits::default()).unwrap()
}

fn faults_of(table: &Table) -> Vec<(u64, String, String)> {
    let mut faults = Faults::new();
    if let Some(records) = records(table, &SYSTEMS, &mut faults) {
        for record in records.iter() {
            record.required::<Code<SystemKind>>("code", &mut faults);
            record.required::<String>("name", &mut faults);
            record.optional::<Quantity>("vcpu", &mut faults);
            record.optional::<Day>("from", &mut faults);
        }
    }
    faults
        .sorted()
        .into_iter()
        .map(|f| (f.row, f.column.clone(), f.message.clone()))
        .collect()
}

#[test]
fn same_table_from_every_encoding_and_separator() {
    let text = "系统编码,系统名称\r\nS1,=SUM(A1)\r\n\r\nS2,　@目录　\r\n";
    let expected = vec![
        Row {
            number: 2,
            cells: vec!["S1".into(), "=SUM(A1)".into()],
        },
        Row {
            number: 4,
            cells: vec!["S2".into(), "@目录".into()],
        },
    ];
    let utf16: Vec<u8> = std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let files = [
        text.as_bytes().to_vec(),
        format!("\u{FEFF}{text}").into_bytes(),
        encoding_rs::GBK.encode(text).0.into_owned(),
        utf16,
        text.replace(',', ";").into_bytes(),
        text.replace(',', "\t").into_bytes(),
        text.replace("\r\n", "\n").trim_end().as_bytes().to_vec(),
    ];
    for bytes in files {
        let table = read_table("f.csv", &bytes, Limits::default()).unwrap();
        assert_eq!(
            (table.rows, table.columns),
            (expected.clone(), vec!["系统编码".into(), "系统名称".into()])
        );
        assert!(table.faults.is_empty());
    }
}

#[test]
fn heading_matches_by_either_name_in_any_order() {
    let table = read("核数(个),CODE *,系统名称\n4,S1,目录\n");
    let mut faults = Faults::new();
    let records = records(&table, &SYSTEMS, &mut faults).unwrap();
    let record = records.iter().next().unwrap();
    assert_eq!(
        record
            .required::<Code<SystemKind>>("code", &mut faults)
            .unwrap()
            .as_str(),
        "S1"
    );
    assert_eq!(
        record.optional::<Quantity>("vcpu", &mut faults),
        Quantity::from_whole(4)
    );
    assert_eq!((record.text("from"), records.has("from"), record.row()), ("", false, 2));
    assert!(faults.is_empty());
}

#[test]
fn heading_faults_are_listed_at_once() {
    let found = faults_of(&read("系统的名称,,vcpu,核数（个）\n目录,1,2,3\n"));
    let columns: Vec<_> = found.iter().map(|(row, column, _)| (*row, column.as_str())).collect();
    assert_eq!(
        columns,
        [
            (1, "系统的名称"),
            (1, ""),
            (1, "核数（个）"),
            (1, "系统编码"),
            (1, "系统名称")
        ]
    );
    assert!(found[0].2.contains("最接近的是「系统名称」"), "{}", found[0].2);
    assert!(found[1].2.contains("第 2 列没有标题") && found[2].2.contains("两次") && found[3].2.contains("缺少"));
}

#[test]
fn twenty_faults_come_in_the_order_of_the_rows() {
    // Odd rows are ragged, even rows have a bad number: faults from both passes, sorted into one list.
    let rows: String = (2..22)
        .map(|n| {
            if n % 2 == 1 {
                "S1,名称\n".to_owned()
            } else {
                format!("S1,名称,x{n}\n")
            }
        })
        .collect();
    let found = faults_of(&read(&format!("code,name,vcpu\n{rows}")));
    assert_eq!(
        found.iter().map(|f| f.0).collect::<Vec<_>>(),
        (2..22).collect::<Vec<_>>()
    );
    assert_eq!(found[0].1, "vcpu");
    assert!(
        found[0].2.contains("x2") && found[0].2.contains("例如 46"),
        "{}",
        found[0].2
    );
    assert!(found[1].2.contains("2 列"), "{}", found[1].2);
}

#[test]
fn a_cell_is_complained_about_once() {
    let found = faults_of(&read("code,name,from\n5.30102E+17,,2026-02-30\n"));
    let places: Vec<_> = found.iter().map(|(row, column, _)| (*row, column.as_str())).collect();
    assert_eq!(places, [(2, "code"), (2, "name"), (2, "from")]);
    assert!(found[0].2.contains("文本格式"));
}

#[test]
fn nothing_in_it_is_said_so() {
    let kind = |bytes: &[u8]| read_table("f.csv", bytes, Limits::default()).unwrap_err();
    assert!(matches!(kind(b""), TabularError::Empty { .. }));
    assert!(matches!(kind(b"\xEF\xBB\xBF\r\n , \r\n"), TabularError::Empty { .. }));
    let found = faults_of(&read("code,name\n"));
    assert!(
        found.len() == 1 && found[0].0 == 0 && found[0].2.contains("只有标题行"),
        "{found:?}"
    );
}

#[test]
fn truncated_and_foreign_files_are_refused_with_what_to_do() {
    let error = |name: &str, bytes: &[u8]| read_table(name, bytes, Limits::default()).unwrap_err();
    assert_eq!(
        error("f.csv", b"a,b\n1,\"x"),
        TabularError::Truncated {
            file: "f.csv".into(),
            row: 2
        }
    );
    assert_eq!(
        error("f.csv", b"a,b\n\"x\" y,1"),
        TabularError::Quote {
            file: "f.csv".into(),
            row: 2
        }
    );
    assert!(matches!(
        error("f.xls", &[0xD0, 0xCF, 0x11, 0xE0, 0]),
        TabularError::OldOrLocked { .. }
    ));
    assert!(matches!(
        error("f.xlsx", b"a,b\n1,2"),
        TabularError::NotAWorkbook { .. }
    ));
    assert!(error("f.csv", b"a\n\xFF\xFF").to_string().contains("第 2 行"));
}

#[test]
fn huge_files_are_refused() {
    let limits = Limits {
        bytes: 40,
        rows: 2,
        columns: 2,
        ..Limits::default()
    };
    let what = |text: &str| match read_table("f.csv", text.as_bytes(), limits).unwrap_err() {
        error @ TabularError::TooLarge { .. } => {
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            error.to_string()
        }
        other => panic!("{other}"),
    };
    assert!(what(&"x".repeat(41)).contains("40"));
    assert!(what("a\n1\n2\n3\n").contains("行数"));
    assert!(what("a,b,c\n").contains("列数"));
    assert_eq!(read_table("f.csv", b"a,b\n1,\n2,\n", limits).unwrap().rows.len(), 2);
}

#[test]
fn a_template_can_be_read_back() {
    let bytes = template_csv(&SYSTEMS);
    assert!(bytes.starts_with("\u{FEFF}系统编码,系统名称,".as_bytes()));
    let table = read_table("t.csv", &bytes, Limits::default()).unwrap();
    assert_eq!(table.rows[0].cells, ["S001", "目录, 共享", "46", "2026-03-01"]);
    assert_eq!(faults_of(&table), []);
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_table_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..400), zip in any::<bool>()
    ) {
        let bytes = if zip { [b"PK\x03\x04".as_slice(), &bytes].concat() } else { bytes };
        if let Ok(table) = read_table("f", &bytes, Limits::default()) {
            prop_assert!(table.rows.iter().all(|row| row.cells.len() == table.columns.len()));
            faults_of(&table);
        }
    }

    #[test]
    fn any_text_keeps_its_cells(cells in proptest::collection::vec("[=+@-]?[a-z0-9云衡 ]{1,8}[a-z]", 2)) {
        let table = read(&format!("code,name\n{},{}\n", cells[0], cells[1]));
        prop_assert_eq!(&table.rows[0].cells, &cells.iter().map(|c| c.trim().to_owned()).collect::<Vec<_>>());
    }
}
