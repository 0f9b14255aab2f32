//! What cannot be done here and now is refused with advice: unknown things, wrong times and places, a full disk, records
//! that somebody altered.

use crate::desk::{CLOSED, Desk, OPEN, Said, import_of, many_allocations, program, run};
use kernel::Instant;
use std::fs;
use std::path::Path;

#[test]
fn a_full_disk_leaves_the_store_as_it_was() {
    let desk = Desk::new();
    let (head, shown) = (desk.head(), desk.month(OPEN));
    let path = desk.file("many.csv", &many_allocations("ZD", 20_000));
    // No file may grow beyond 4 KiB: what a disk without space does, and harsher.
    let limited = |words: &[&str]| desk.limited("ulimit -f 8; trap '' XFSZ", words).output().unwrap();
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
        (&["statement", "show", "JS-203001-0001"], "结算单清单"),
        (
            &["statement", "advance", "JS-203001-0001", "--side", "unit"],
            "结算单清单",
        ),
        (&["statement", "render", CLOSED, "JS-203001-0001"], "结算单清单"),
        (&["collect", "N77"], "登记云节点"),
        (&["node", "test", "N77"], "已登记的云节点"),
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
    let said = Said::from(command.output().unwrap());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_chain_and_a_lost_file_are_told() {
    let desk = Desk::new();
    let head = desk.head();
    desk.run(&["audit", "verify", "--head", &head.replace('"', "")]).ok();
    desk.run(&["audit", "verify", "--head", "999999"]).failed(3);
    let told = desk
        .run(&["audit", "verify", "--head", &format!("999999:{}", "0".repeat(64))])
        .failed(1);
    assert!(told.contains("999999"), "{told}");
    let mut work = desk.writer().await;
    let forge = "UPDATE audit_entry SET actor = $1 WHERE number = 3";
    work.execute_one(forge, &["somebody else".into()], "3").await.unwrap();
    work.audit(Instant::from_unix_s(0), ("x", "x", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    for words in [&["audit", "verify"][..], &["doctor"]] {
        let told = desk.run(words).failed(1);
        assert!(told.contains("审计记录第 3 条的内容被改动过"), "{told}");
    }
    let desk = Desk::new();
    let folder = desk.data().join(format!("lake/charges/month={CLOSED}"));
    for entry in fs::read_dir(folder).unwrap().flatten() {
        fs::remove_file(entry.path()).unwrap();
    }
    let said = desk.run(&["doctor", "--output", "json"]);
    let health: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(said.failed(1).contains("缺失 1 个"));
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

#[test]
fn files_that_cannot_be_read_or_written_are_told_in_words() {
    let desk = Desk::new();
    let (folder, head) = (desk.folder().display().to_string(), desk.head());
    let bad = desk.file("bad.csv", b"a,b\n1,2\n");
    let (nowhere, below) = (format!("{folder}/nowhere.csv"), format!("{folder}/no/such/list.csv"));
    for (words, code, said) in [
        (&["import", "systems", &nowhere][..], 3, [&nowhere, "文件或目录不存在"]),
        (&["import", "systems", &folder], 3, [&folder, "这是目录"]),
        (
            &["import", "systems", &bad, "--faults", &below],
            7,
            [&below, "文件或目录不存在"],
        ),
        // The faults themselves are told, too.
        (&["import", "systems", &bad, "--faults", &below], 7, ["缺少", &below]),
        (
            &["--config", &nowhere, "config", "check"],
            3,
            [&nowhere, "文件或目录不存在"],
        ),
        (
            &["export", "charges", CLOSED, "--file", &format!("{bad}/x.csv")],
            7,
            [&bad, "同名的文件"],
        ),
    ] {
        let told = desk.run(words).failed(code);
        assert!(said.iter().all(|part| told.contains(part)), "{words:?}: {told}");
        assert!(!told.contains("os error"), "{words:?}: {told}");
    }
    assert_eq!(desk.head(), head);
}

#[test]
fn the_folder_of_fonts_is_used() {
    let desk = Desk::new();
    let set = |fonts: &str| {
        let text = format!("fonts = {fonts:?}\n");
        fs::write(desk.data().join("yunheng.toml"), text).unwrap();
    };
    let render = ["statement", "render", CLOSED, "JS-202505-0001", "--format", "pdf"];
    let fonts = desk.data().join("fonts");
    fs::create_dir_all(&fonts).unwrap();
    set("fonts");
    assert!(desk.run(&["config", "check"]).failed(3).contains("目录中没有字体文件"));
    fs::write(fonts.join("broken.ttf"), "no font").unwrap();
    let told = desk.run(&render).failed(6);
    assert!(
        told.contains("broken.ttf") && told.contains("请检查字体目录配置"),
        "{told}"
    );
    set(concat!(env!("CARGO_MANIFEST_DIR"), "/../documents/fonts"));
    desk.run(&["config", "check"]).ok();
    desk.run(&render).ok();
    assert!(Path::new(&desk.data().join("documents").join(CLOSED).join("JS-202505-0001.pdf")).is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_went_back_loses_nothing() {
    let undisturbed = Desk::new();
    let file = many_allocations("ZE", 3);
    undisturbed.import("allocations", "e.csv", &file).ok();
    undisturbed.run(&["month", "close", OPEN]).ok();
    // The last entry is of a time to come: for the program, its clock has gone back by decades.
    let desk = Desk::new();
    let mut work = desk.writer().await;
    let to_come: Instant = "2099-01-01".parse().unwrap();
    work.audit(to_come, ("x", "test", "clock"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    desk.import("allocations", "e.csv", &file).ok();
    assert_eq!(desk.json(&["collect"])["looks"], 0);
    desk.run(&["month", "close", OPEN]).ok();
    assert_eq!(desk.month(OPEN), undisturbed.month(OPEN));
    assert!(desk.charges(OPEN) == undisturbed.charges(OPEN));
    desk.head();
    desk.is_clean();
}

/// The next version of a provider's prices: all unit prices are 0.01, from the first day of a closed month on.
fn backdated_prices() -> Vec<u8> {
    let text = String::from_utf8(import_of("2024-10", "prices-P1-v2.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(reader.headers().unwrap()).unwrap();
    for row in reader.records() {
        let row = row.unwrap();
        let cells = row.iter().enumerate().map(|(place, cell)| match place {
            1 => "3",
            2 => "2025-05-01",
            7 if !cell.is_empty() => "0.01",
            _ => cell,
        });
        writer.write_record(cells).unwrap();
    }
    writer.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_after_the_close_waits_even_if_the_clock_went_back() {
    let corrections = |desk: &Desk| {
        desk.import("prices", "prices.csv", &backdated_prices()).ok();
        let late = "工作单号,系统代码,服务形式,工作类别,工作量,云节点,合同编号,验收日期\n\
                    GD-900002,S0004,迁移服务,系统迁移,person_day=2,N1,ZWY-2023-01,2025-05-06\n";
        desk.import("declared-work", "late.csv", late.as_bytes()).ok();
        desk.run(&["month", "meter", OPEN]).ok();
        let rated = desk.json(&["month", "rate", OPEN])["summary"].clone();
        (rated["corrections"].clone(), rated["waiting"].as_array().unwrap().len())
    };
    let right = corrections(&Desk::new());
    assert!(right.0[CLOSED].is_string() && right.1 > 0, "{right:?}");
    // The month was closed at a time to come: for the program, its clock has gone back since.
    let desk = Desk::new();
    let mut work = desk.writer().await;
    let to_come: Instant = "2099-01-01".parse().unwrap();
    let sql = "UPDATE month SET closed_s = $1 WHERE month = $2";
    work.execute_one(sql, &[to_come.unix_s().into(), CLOSED.into()], CLOSED)
        .await
        .unwrap();
    work.audit(to_come, ("x", "test", "clock"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    assert_eq!(corrections(&desk), right);
}
