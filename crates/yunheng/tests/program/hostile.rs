//! What is wrong, hostile or at the wrong time is refused with a reason, and nothing of it is kept.
//!
//! Not here: a system clock that goes back cannot be had without changing the machine's.

use crate::desk::{CLOSED, Desk, OPEN, PROGRAM, copy, import_of, program, run, village};
use std::fs;
use std::process::{Command, Stdio};

const HEADING: &str = "分配单号,系统代码,服务形式,资源类型,规格类别,规格,云节点,资源池代码,云资源标识,合同编号,上级分配单号,计费开始,计费终止";

fn allocation(number: &str, size: &str, from: &str) -> String {
    format!("{number},S0001,共享云,云硬盘,均衡型,storage_gib={size},N1,N1-XC,native-{number},ZWY-2023-01,,{from},")
}

fn allocations(rows: &[String]) -> String {
    format!("{HEADING}\n{}\n", rows.join("\n"))
}

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
fn two_imports_at_once_are_one_after_the_other() {
    let rows = |letter: &str| -> Vec<u8> {
        let rows: Vec<_> = (0..300)
            .map(|n| allocation(&format!("{letter}-{n:03}"), "100", "2025-06-05 10:00:00"))
            .collect();
        allocations(&rows).into_bytes()
    };
    let one_by_one = Desk::new();
    one_by_one.import("allocations", "a.csv", &rows("ZA")).ok();
    one_by_one.import("allocations", "b.csv", &rows("ZB")).ok();
    let right = one_by_one.json(&["inventory", "--as-of", "2025-06-20"]);
    let desk = Desk::new();
    let paths = [desk.file("a.csv", &rows("ZA")), desk.file("b.csv", &rows("ZB"))];
    let children = paths.map(|path| {
        desk.command(&["import", "allocations", &path])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    for child in children {
        crate::desk::Said::from(child.wait_with_output().unwrap()).ok();
    }
    assert_eq!(desk.json(&["inventory", "--as-of", "2025-06-20"]), right);
    desk.is_clean();
}

#[test]
fn the_same_file_at_once_counts_once() {
    let rows: Vec<_> = (0..300)
        .map(|n| allocation(&format!("ZC-{n:03}"), "100", "2025-06-05 10:00:00"))
        .collect();
    let desk = Desk::new();
    let before = desk.json(&["audit", "verify"])["entries"].as_i64().unwrap();
    let path = desk.file("c.csv", allocations(&rows).as_bytes());
    let start = || {
        desk.command(&["import", "allocations", &path, "--output", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(), start(), start()];
    let outcomes = children.map(|child| crate::desk::Said::from(child.wait_with_output().unwrap()).ok());
    let first = outcomes
        .iter()
        .filter(|text| text.contains("\"already_imported\": false"))
        .count();
    assert_eq!(first, 1, "{outcomes:?}");
    assert_eq!(desk.json(&["audit", "verify"])["entries"].as_i64().unwrap(), before + 1);
}

#[test]
fn closing_at_once_closes_once() {
    let alone = Desk::new();
    alone.run(&["month", "close", OPEN]).ok();
    let desk = Desk::new();
    let start = || {
        desk.command(&["month", "close", OPEN])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(), start()];
    let said = children.map(|child| crate::desk::Said::from(child.wait_with_output().unwrap()));
    let closed = said.iter().filter(|said| said.code == Some(0)).count();
    assert_eq!(closed, 1, "{said:?}");
    for said in said {
        if said.code != Some(0) {
            assert!(matches!(said.code, Some(5..=7)), "{said:?}");
            assert!(said.err.starts_with("错误: "), "{said:?}");
        }
    }
    assert_eq!(desk.month(OPEN), alone.month(OPEN));
    assert!(desk.charges(OPEN) == alone.charges(OPEN));
    desk.is_whole();
}

#[test]
fn a_full_disk_leaves_the_store_as_it_was() {
    let desk = Desk::new();
    let (head, shown) = (desk.head(), desk.month(OPEN));
    let rows: Vec<_> = (0..20_000)
        .map(|n| allocation(&format!("ZD-{n:05}"), "100", "2025-06-05 10:00:00"))
        .collect();
    let path = desk.file("many.csv", allocations(&rows).as_bytes());
    let data = desk.data().display().to_string();
    // No file may grow beyond 4 KiB: what a disk without space does, and harsher.
    let limited = |words: &[&str]| {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "ulimit -f 8; trap '' XFSZ; exec \"$0\" \"$@\"",
                PROGRAM,
                "--quiet",
                "--data",
                &data,
            ])
            .args(words);
        command.output().unwrap()
    };
    for words in [
        &["import", "allocations", &path][..],
        &["month", "close", OPEN],
        &["month", "meter", OPEN],
    ] {
        let output = limited(words);
        assert!(!output.status.success(), "{words:?}: {output:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_none() || told.starts_with("错误: "),
            "{words:?}: {told}"
        );
        assert!(!told.contains("panicked"), "{told}");
        desk.is_whole();
        assert_eq!(desk.head(), head, "{words:?}");
        assert_eq!(desk.month(OPEN), shown, "{words:?}");
    }
    desk.run(&["month", "close", OPEN]).ok();
}

#[test]
fn unknown_things_are_not_found_with_advice() {
    let desk = Desk::new();
    let head = desk.head();
    for (words, advice) in [
        (&["explain", "202505-999999"][..], "编号形如"),
        (&["explain", "203001-000001"], "编号形如"),
        (&["statement", "show", "JS-203001-0001"], "statement list"),
        (
            &["statement", "advance", "JS-203001-0001", "--side", "unit"],
            "statement list",
        ),
        (&["statement", "render", CLOSED, "JS-203001-0001"], "statement list"),
        (&["collect", "N77"], "node list"),
        (&["node", "test", "N77"], "node list"),
    ] {
        let told = desk.run(words).failed(4);
        assert!(told.contains(advice), "{words:?}: {told}");
    }
    // A month that nobody has touched is there and empty.
    assert_eq!(desk.month("2031-01")["statements"], serde_json::json!({}));
    assert_eq!(desk.head(), head);
}

#[test]
fn a_month_that_has_not_ended_is_not_closed() {
    let desk = Desk::new();
    let head = desk.head();
    let told = desk.run(&["month", "close", "2025-07"]).failed(6);
    assert!(told.contains(OPEN), "months are closed in order: {told}");
    assert_eq!(desk.head(), head);
}

#[test]
fn a_wrong_database_or_folder_is_told() {
    let desk = Desk::new();
    let told = |database: &str, code| desk.run(&["--database", database, "month", "show", OPEN]).failed(code);
    assert!(told("mysql://somebody:verysecret@host/name", 3).contains("sqlite://"));
    assert!(!told("mysql://somebody:verysecret@host/name", 3).contains("verysecret"));
    let refused = told("postgres://somebody:verysecret@127.0.0.1:1/name", 7);
    assert!(
        refused.contains("请检查") && !refused.contains("verysecret"),
        "{refused}"
    );
    let other = desk.file(
        "other.db",
        b"this is not a database, but it is long enough to be looked at as if it were one.",
    );
    let before = fs::read(&other).unwrap();
    let refused = desk.run(&["--database", &format!("sqlite://{other}"), "month", "show", OPEN]);
    assert!(refused.code.is_some_and(|code| code > 2), "{refused:?}");
    assert_eq!(fs::read(&other).unwrap(), before);
    let missing = desk.folder().join("nowhere").display().to_string();
    assert!(
        run(&["--data", &missing, "month", "show", OPEN])
            .failed(3)
            .contains("yunheng init")
    );
    assert!(!desk.folder().join("nowhere").exists());
    // A folder without a store says how to make one, and reading does not make it.
    let bare = desk.folder().join("bare");
    fs::create_dir_all(&bare).unwrap();
    let mut command = program();
    command.arg("--data").arg(&bare).args(["month", "show", OPEN]);
    let said = crate::desk::Said::from(command.output().unwrap());
    assert!(said.code.is_some_and(|code| code > 2), "{said:?}");
    assert!(said.err.contains("yunheng"), "{said:?}");
}

#[test]
fn a_demo_never_replaces_what_is_not_one() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("mine.txt");
    fs::write(&kept, "mine").unwrap();
    let told = run(&["demo", "--small", "--dir", &folder.path().display().to_string()]).failed(3);
    assert!(told.contains("--dir"), "{told}");
    assert_eq!(fs::read_to_string(kept).unwrap(), "mine");
}

#[test]
fn a_tampered_chain_and_a_lost_file_are_told() {
    let desk = Desk::new();
    let head = desk.head();
    desk.run(&["audit", "verify", "--head", &head.replace('"', "")]).ok();
    desk.run(&["audit", "verify", "--head", &format!("999999:{}", "0".repeat(64))])
        .failed(3);
    let folder = desk.data().join(format!("lake/charges/month={CLOSED}"));
    for entry in fs::read_dir(folder).unwrap().flatten() {
        fs::remove_file(entry.path()).unwrap();
    }
    let health = desk.json(&["doctor"]);
    assert!(health["missing"][0].as_str().unwrap().contains(CLOSED), "{health:#}");
    let said = desk.run(&[
        "export",
        "charges",
        CLOSED,
        "--file",
        &desk.folder().join("x.csv").display().to_string(),
    ]);
    assert!(
        said.code.is_some_and(|code| code != 0) && said.err.starts_with("错误: "),
        "{said:?}"
    );
    assert!(!desk.folder().join("x.csv").exists());
}
