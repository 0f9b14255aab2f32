//! What people are shown: what another rating of an open month changed, what rating a closed one again would change,
//! and what was there and has gone.

use crate::desk::{CLOSED, Desk, OPEN};
use std::collections::BTreeSet;

fn table(bytes: &[u8]) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = std::str::from_utf8(bytes).unwrap().trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn another_rating_of_an_open_month_shows_what_it_changed() {
    let desk = Desk::new();
    for step in ["meter", "rate"] {
        desk.run(&["month", step, OPEN]).ok();
    }
    let before = desk.json(&["month", "show", OPEN])["rated"]["total"].clone();
    let heading = "工作单号,系统代码,服务形式,工作类别,工作量,云节点,合同编号,验收日期";
    let work = format!("{heading}\nGD-900001,S0002,迁移服务,系统迁移,person_day=2,N2,ZWY-2023-02,2025-06-05\n");
    desk.import("declared-work", "late.csv", work.as_bytes()).ok();
    desk.run(&["month", "meter", OPEN]).ok();
    let said = desk.run(&["month", "rate", OPEN]).ok();
    assert!(said.contains("与上一次计价相比"), "{said}");
    let rows = desk.run(&["month", "show", OPEN]).ok();
    assert!(rows.contains("对账：未做"), "{rows}");
    assert_ne!(desk.json(&["month", "show", OPEN])["rated"]["total"], before);
    // One item of one department changed, and only that is listed.
    let listed = said.lines().filter(|line| line.contains("D0") || line.contains("A0"));
    assert_eq!(listed.count(), 1, "{said}");
    let again = desk.run(&["month", "rate", OPEN]).ok();
    assert!(
        again.contains("无变化") && !again.contains("与上一次计价相比"),
        "{again}"
    );
}

#[test]
fn a_closed_month_is_rated_again_for_a_reason_and_shown_first() {
    let desk = Desk::new();
    let (head, lines) = (desk.head(), desk.charges(CLOSED));
    assert_eq!(desk.run(&["month", "rerate", CLOSED]).code, Some(2));
    let told = desk.run(&["month", "rerate", CLOSED, "--reason", " "]).failed(3);
    assert!(told.contains("理由"), "{told}");
    let document = desk.folder().join("rerate.xlsx");
    let shown = document.display().to_string();
    let said = desk
        .run(&["month", "rerate", CLOSED, "--reason", "核对", "--document", &shown])
        .ok();
    assert!(said.contains("仅供查看，未作改动"), "{said}");
    assert!(document.is_file());
    assert_eq!(desk.head(), head);
    assert!(desk.charges(CLOSED) == lines);
}

#[test]
fn what_has_gone_can_still_be_looked_at() {
    const EARLY: &str = "2024-07";
    let desk = Desk::new();
    let existing = |day: &str| -> BTreeSet<String> {
        let rows = desk.json(&["inventory", "--as-of", day]);
        let rows = rows.as_array().unwrap().iter();
        rows.filter_map(|row| Some(row["allocation"].as_str()?.to_owned()))
            .collect()
    };
    let gone: BTreeSet<_> = existing("2024-07-20")
        .difference(&existing("2025-05-31"))
        .cloned()
        .collect();
    assert!(!gone.is_empty());
    let lines = table(&desk.charges(EARLY));
    for code in gone {
        assert!(lines.iter().any(|line| line["分配单"] == code), "{code}");
    }
    // A department that was merged into another: no charges any more, and all of its past.
    let departments = |lines: &[std::collections::BTreeMap<String, String>]| -> BTreeSet<String> {
        lines.iter().map(|line| line["使用单位编码"].clone()).collect()
    };
    let closed: BTreeSet<_> = departments(&lines)
        .difference(&departments(&table(&desk.charges(CLOSED))))
        .cloned()
        .collect();
    let [closed] = &closed.into_iter().collect::<Vec<_>>()[..] else {
        panic!("one department is merged into another");
    };
    let path = desk.folder().join("closed.csv").display().to_string();
    let words = ["export", "charges", EARLY, "--organisation", closed, "--file", &path];
    desk.run(&words).ok();
    let own = table(&std::fs::read(&path).unwrap());
    assert!(
        !own.is_empty()
            && own
                .iter()
                .all(|line| &line["使用单位编码"] == closed && !line["使用单位"].is_empty())
    );
    let number = &own[0]["结算单"];
    desk.run(&["statement", "show", number]).ok();
    let folder = desk.folder().join("old").display().to_string();
    desk.run(&["statement", "render", EARLY, number, "--to", &folder]).ok();
    assert!(desk.folder().join("old").join(format!("{number}.pdf")).is_file());
}

#[test]
fn every_exported_line_says_which_cost_and_how_far_it_is_reconciled() {
    let desk = Desk::new();
    let lines = table(&desk.charges(CLOSED));
    let verdicts: BTreeSet<_> = lines.iter().map(|line| line["对账结果"].as_str()).collect();
    assert!(
        verdicts.contains("一致") && verdicts.iter().any(|verdict| verdict.starts_with("差异：")),
        "{verdicts:?}"
    );
    for line in &lines {
        assert!(line.contains_key("目录价金额（元）") && line.contains_key("合同价金额（元）"));
        assert!(
            !line["对账结果"].is_empty() && !line["价目版本与条款"].is_empty(),
            "{line:?}"
        );
    }
    let shown = desk.run(&["month", "show", CLOSED]).ok();
    assert!(shown.contains("对账：已与"), "{shown}");
    let path = desk.folder().join("focus.csv").display().to_string();
    desk.run(&["export", "focus", CLOSED, "--file", &path]).ok();
    let heading = std::fs::read_to_string(&path).unwrap();
    let heading = heading.lines().next().unwrap();
    for kind in ["ListCost", "ContractedCost", "EffectiveCost", "BilledCost"] {
        assert!(heading.contains(kind), "{heading}");
    }
}

#[test]
fn what_a_file_says_of_a_platform_is_listed() {
    let desk = Desk::new();
    let listed = || desk.json(&["node", "list"])[0].clone();
    let before = listed();
    let (node, pool) = (&before["code"], &before["pools"][0]["code"]);
    let rows = format!(
        "云节点,资源池,等保级别,备案证明编号,境内运维,数据在境内,独立资源池,生效日期\n{0},,3,备案 1,是,是,,2025-02-01\n\
         {0},{1},,,,,否,2025-02-01\n",
        node.as_str().unwrap(),
        pool.as_str().unwrap()
    );
    let said = desk.import("platforms", "p.csv", rows.as_bytes()).ok();
    assert!(said.contains("云平台已导入: 2 行，新增 0，变更 2，无变化 0"), "{said}");
    let after = listed();
    assert_eq!(after["platform"]["mlps_level"], 3, "{after:#}");
    assert_eq!(after["platform"]["filing"], "备案 1", "{after:#}");
    assert_eq!(after["pools"][0]["separate"], false, "{after:#}");
    let shown = desk.run(&["node", "list"]).ok();
    assert!(
        shown.contains("3 级（备案 1）") && shown.contains("运维境内，数据境内"),
        "{shown}"
    );
}
