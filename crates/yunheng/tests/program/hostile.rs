//! Files that are wrong, mangled or malicious: refused with a reason, by row where there are rows, and nothing of them kept.

use crate::desk::{Desk, OPEN, Said, allocation, allocations, copy, import_of, village};
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::process::{Command, Stdio};

/// Everything that an import could have changed.
fn state(desk: &Desk) -> (String, serde_json::Value, serde_json::Value) {
    (
        desk.head(),
        desk.json(&["inventory", "--as-of", "2025-06-20"]),
        desk.month(OPEN),
    )
}

#[test]
fn bad_files_are_refused_by_row_and_leave_nothing() {
    let desk = Desk::new();
    let before = state(&desk);
    let good = allocation("ZZ-1", "100", "2025-06-05 10:00:00");
    let files: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "空"),
        ("only-a-mark", "\u{feff}".into(), ""),
        ("only-null", vec![0; 64], ""),
        ("not-a-table", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), ""),
        (
            "truncated",
            allocations(std::slice::from_ref(&good)).into_bytes()
                [..allocations(std::slice::from_ref(&good)).len() - 30]
                .to_vec(),
            "第 2 行",
        ),
        (
            "huge",
            allocations(&[good.clone(), allocation("ZZ-2", &"9".repeat(40), "2025-06-05 10:00:00")]).into(),
            "第 3 行",
        ),
        (
            "negative",
            allocations(&[allocation("ZZ-2", "-5", "2025-06-05 10:00:00")]).into(),
            "第 2 行",
        ),
        (
            "fraction",
            allocations(&[allocation("ZZ-2", "1e3", "2025-06-05 10:00:00")]).into(),
            "第 2 行",
        ),
        (
            "no-such-day",
            allocations(&[
                good.clone(),
                good.replace("ZZ-1", "ZZ-3"),
                allocation("ZZ-4", "1", "2025-02-30 10:00:00"),
            ])
            .into(),
            "第 4 行",
        ),
        (
            "no-such-system",
            allocations(&[good.replace("S0001", "S9999")]).into(),
            "第 2 行",
        ),
        (
            "twice-and-different",
            allocations(&[good.clone(), good.replace("=100", "=200")]).into(),
            "行",
        ),
        (
            "formula-as-code",
            allocations(&[allocation("=1+1", "100", "2025-06-05 10:00:00")]).into(),
            "第 2 行",
        ),
        ("ragged", allocations(&[format!("{good},one,more")]).into(), ""),
        ("other-columns", b"a,b,c\n1,2,3\n".to_vec(), "第 1 行"),
        (
            "broken-text",
            [allocations(std::slice::from_ref(&good)).as_bytes(), b"\xff\xfe\xfd"].concat(),
            "",
        ),
    ];
    for (name, bytes, said) in files {
        let answer = desk.import("allocations", &format!("{name}.csv"), &bytes);
        assert_ne!(answer.code, Some(0), "{name}: {}", answer.out);
        let told = answer.failed(3);
        assert!(told.contains(said), "{name}: {told}");
        assert_eq!(desk.head(), before.0, "{name}");
    }
    assert_eq!(state(&desk), before);
}

#[test]
fn all_faults_of_a_file_are_listed_and_written_to_a_file() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..50).map(|n| allocation(&format!("ZZ-{n}"), "-1", "昨天")).collect();
    let path = desk.file("faults.csv", allocations(&rows).as_bytes());
    let list = desk.folder().join("list.csv");
    let told = desk
        .run(&["import", "allocations", &path, "--faults", &list.display().to_string()])
        .failed(3);
    assert!(told.contains("100 处错误"), "{told}");
    let list = fs::read_to_string(list).unwrap();
    for row in 2..52 {
        assert_eq!(
            list.lines().filter(|line| line.starts_with(&format!("{row},"))).count(),
            2,
            "row {row}: {list}"
        );
    }
}

#[test]
fn other_encodings_and_orders_are_read_alike() {
    let rows = [
        allocation("ZZ-1", "100", "2025-06-05 10:00:00"),
        allocation("ZZ-2", "200", "2025-06-05 10:00:00"),
    ];
    let plain = allocations(&rows);
    let turned = allocations(&[rows[1].clone(), rows[0].clone()]);
    let gbk = Command::new("iconv")
        .args(["-f", "UTF-8", "-t", "GBK"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), plain.as_bytes())?;
            child.wait_with_output()
        });
    let gbk = gbk.expect("iconv is part of every system").stdout;
    let of = |bytes: &[u8]| {
        let desk = Desk::new();
        let outcome = desk.import("allocations", "a.csv", bytes).ok();
        assert!(outcome.contains("新增 2"), "{outcome}");
        desk.json(&["inventory", "--as-of", "2025-06-20"])
    };
    let right = of(plain.as_bytes());
    for (name, bytes) in [
        ("mark", format!("\u{feff}{plain}").into_bytes()),
        ("turned", turned.into_bytes()),
        ("windows", plain.replace('\n', "\r\n").into_bytes()),
        ("gbk", gbk),
    ] {
        assert_eq!(of(&bytes), right, "{name}");
    }
}

#[test]
fn a_row_that_stands_twice_counts_once() {
    let desk = Desk::new();
    let row = allocation("ZZ-1", "100", "2025-06-05 10:00:00");
    let said = desk.import("allocations", "twice.csv", allocations(&[row.clone(), row]).as_bytes());
    let rows = desk.json(&["inventory", "--as-of", "2025-06-20"]);
    let count = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["allocation"] == "ZZ-1")
        .count();
    match said.code {
        Some(0) => assert_eq!(count, 1),
        _ => assert!(said.failed(3).contains("第 3 行") && count == 0),
    }
}

#[test]
fn hostile_workbooks_are_refused() {
    let desk = Desk::new();
    let head = desk.head();
    let form = desk.folder().join("form.xlsx");
    desk.run(&["import", "allocations", "--template", &form.display().to_string()])
        .ok();
    let form = fs::read(form).unwrap();
    let mut flipped = form.clone();
    let middle = flipped.len() / 2;
    for byte in &mut flipped[middle..middle + 32] {
        *byte ^= 0x5a;
    }
    for (name, bytes) in [
        ("half", form[..form.len() / 2].to_vec()),
        ("flipped", flipped),
        ("text", b"not a workbook".to_vec()),
        ("only-the-signature", b"PK\x03\x04".to_vec()),
        ("empty", Vec::new()),
    ] {
        let said = desk.import("allocations", &format!("{name}.xlsx"), &bytes);
        said.failed(3);
        assert_eq!(desk.head(), head, "{name}");
    }
}

#[test]
fn a_name_like_a_formula_is_kept_as_a_name() {
    let desk = Desk::new();
    let text = String::from_utf8(import_of("2024-06", "organisations.csv")).unwrap();
    let mut lines = text.lines();
    let (heading, first) = (lines.next().unwrap(), lines.next().unwrap());
    let name = "=cmd|' /C calc'!A0";
    let mut cells: Vec<String> = first.split(',').map(str::to_owned).collect();
    cells[0] = "D999".to_owned();
    cells[1] = name.to_owned();
    let said = desk.import(
        "organisations",
        "formula.csv",
        format!("{heading}\n{}\n", cells.join(",")).as_bytes(),
    );
    // Legal or refused by row, but never altered in silence.
    if said.code != Some(0) {
        assert!(said.failed(3).contains("第 2 行"));
    }
}

#[test]
fn an_altered_numbered_file_is_refused_with_a_receipt() {
    let desk = Desk::new();
    let inbox = desk.folder().join("inbox");
    copy(&village().join("city/nodes/N1"), &inbox);
    let folder = inbox.display().to_string();
    desk.run(&[
        "node",
        "add",
        "N1",
        "--name",
        "甲云",
        "--provider",
        "P1",
        "--files",
        &folder,
    ])
    .ok();
    let head = desk.head();
    // A known number with another content: its receipt is removed, to have it read again.
    let mut names: Vec<String> = fs::read_dir(&inbox)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    let name = names.iter().find(|name| name.ends_with(".samples.csv")).unwrap();
    let number = name.trim_end_matches(".samples.csv");
    let file = inbox.join(name);
    let receipt = inbox.join(format!("{number}.receipt.json"));
    let mut bytes = fs::read(&file).unwrap();
    let place = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
    bytes[place] = if bytes[place] == b'9' { b'8' } else { b'9' };
    fs::write(&file, bytes).unwrap();
    fs::remove_file(&receipt).unwrap();
    let told = desk.json(&["collect", "N1"]);
    assert_eq!(told["looks"], 0);
    assert!(told["refused"][0].as_str().unwrap().contains(name.as_str()), "{told:#}");
    let receipt = fs::read_to_string(&receipt).unwrap();
    assert!(receipt.contains("refused"), "{receipt}");
    assert_eq!(desk.head(), head);
}

#[test]
fn a_line_without_end_is_refused() {
    let desk = Desk::new();
    let head = desk.head();
    let heading = allocations(&[]);
    for (name, length, said) in [
        ("over", 100 << 20, "文件大小（字节）超过上限"),
        ("under", 50 << 20, "第 3 行"),
    ] {
        let row = "x".repeat(length);
        let answer = desk.import(
            "allocations",
            &format!("{name}.csv"),
            format!("{heading}{row}").as_bytes(),
        );
        let told = answer.failed(3);
        assert!(told.contains(said) && told.len() < 1000, "{name}: {}", told.len());
        assert_eq!(desk.head(), head, "{name}");
    }
}

/// The empty form of allocations, with another first sheet and further parts.
fn workbook(desk: &Desk, sheet: &str, more: &[(&str, u64)]) -> Vec<u8> {
    let form = desk.folder().join("form.xlsx");
    desk.run(&["import", "allocations", "--template", &form.display().to_string()])
        .ok();
    let mut old = zip::ZipArchive::new(Cursor::new(fs::read(form).unwrap())).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    for place in 0..old.len() {
        let mut part = old.by_index(place).unwrap();
        let (name, mut content) = (part.name().unwrap().into_owned(), Vec::new());
        part.read_to_end(&mut content).unwrap();
        if name.ends_with("sheet1.xml") && !sheet.is_empty() {
            content = format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>").into_bytes();
        }
        new.start_file(name, options).unwrap();
        new.write_all(&content).unwrap();
    }
    for (name, zeros) in more {
        new.start_file(*name, options).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(*zeros), &mut new).unwrap();
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_that_unpacks_without_end_takes_no_memory() {
    let desk = Desk::new();
    let head = desk.head();
    let bomb = workbook(&desk, "", &[("xl/media/zeros.bin", 600 << 20)]);
    assert!(bomb.len() < 8 << 20);
    let path = desk.file("bomb.xlsx", &bomb);
    // In KiB; what it unpacks to would not fit.
    let output = desk
        .limited("ulimit -v 500000", &["import", "allocations", &path])
        .output();
    let told = Said::from(output.unwrap()).failed(3);
    assert!(told.contains("解压后的大小"), "{told}");
    assert_eq!(desk.head(), head);
}

/// A sheet of texts, a row a line; what is not text is given as its XML.
fn sheet(rows: &[&str], last: &str) -> String {
    let cells = |row: &str| -> String {
        let text = |cell: &str| format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>");
        row.split(',')
            .map(|cell| if cell == "@" { last.to_owned() } else { text(cell) })
            .collect()
    };
    rows.iter().map(|row| format!("<row>{}</row>", cells(row))).collect()
}

#[test]
fn formulas_of_a_workbook_count_by_their_results() {
    let row = allocation("ZZ-1", "100", "2025-06-05 10:00:00");
    let text = allocations(std::slice::from_ref(&row));
    let plain = Desk::new();
    plain.import("allocations", "plain.csv", text.as_bytes()).ok();
    let heading = text.lines().next().unwrap();
    let with = row.replace("storage_gib=100", "@");
    let desk = Desk::new();
    let head = desk.head();
    let formula = "<f>&quot;storage_gib=&quot;&amp;100</f>";
    for (cell, said) in [
        (format!("<c>{formula}</c>"), "公式没有保存计算结果"),
        (format!("<c t=\"e\">{formula}<v>#REF!</v></c>"), "公式错误"),
    ] {
        let bytes = workbook(&desk, &sheet(&[heading, &with], &cell), &[]);
        let told = desk.import("allocations", "formula.xlsx", &bytes).failed(3);
        assert!(told.contains("第 2 行「规格」") && told.contains(said), "{told}");
        assert_eq!(desk.head(), head);
    }
    let cell = format!("<c t=\"str\">{formula}<v>storage_gib=100</v></c>");
    let bytes = workbook(&desk, &sheet(&[heading, &with], &cell), &[]);
    desk.import("allocations", "formula.xlsx", &bytes).ok();
    let seen = ["inventory", "--as-of", "2025-06-20"];
    assert_eq!(desk.json(&seen), plain.json(&seen));
}
