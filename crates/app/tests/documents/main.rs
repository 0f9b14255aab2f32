//! Statements, documents of differences and exports of a small town whose two months are metered, rated, reconciled
//! and closed. Every figure is worked by hand in `town`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod town;

use app::export::{ExportSelection, FocusFormat, FocusOptions, TableFormat, charges, focus};
use app::month::{AnswerInput, answer_difference, difference_document, reconciliation_document, rerate};
use app::statements::{AdvanceInput, Format, RenderSelection, advance, render};
use calamine::{Data, Reader, Xlsx};
use documents::{Fonts, Renderer};
use domain::reconcile::AnswerOutcome;
use domain::registry::Side;
use domain::settle::Step;
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use town::{Town, month};

fn renderer() -> Renderer {
    Renderer::new(Fonts::shipped()).unwrap()
}

fn selection(folder: &Path, numbers: &[&str]) -> RenderSelection {
    RenderSelection {
        month: month("2026-03"),
        numbers: numbers.iter().map(ToString::to_string).collect(),
        formats: vec![Format::Pdf, Format::Xlsx],
        folder: folder.to_owned(),
        is_demo: false,
    }
}

/// Every text and number of a workbook, a row a line, cells by `|`.
fn cells(path: &Path) -> String {
    let mut book = Xlsx::new(Cursor::new(fs::read(path).unwrap())).unwrap();
    let mut text = String::new();
    for (_, range) in book.worksheets() {
        for row in range.rows() {
            let cells = row.iter().filter(|cell| **cell != Data::Empty).map(ToString::to_string);
            text += &cells.collect::<Vec<_>>().join("|");
            text.push('\n');
        }
    }
    text
}

fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    lines
        .map(|line| heads.iter().map(ToString::to_string).zip(cells(line)).collect())
        .collect()
}

fn fen(amount: &str) -> i64 {
    amount.parse::<kernel::Money>().unwrap().fen()
}

fn holds(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn statements_say_what_was_charged_and_what_is_paid() {
    let town = Town::closed().await;
    let folder = town.folder.path().join("out");
    let files = render(&town.ctx, selection(&folder, &[]), &renderer()).await.unwrap();
    let names: Vec<String> = files
        .iter()
        .map(|f| f.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let expected = (1..=4).flat_map(|n| ["pdf", "xlsx"].map(|ending| format!("JS-202603-000{n}.{ending}")));
    assert_eq!(names, expected.collect::<Vec<_>>());
    assert!(
        fs::read(folder.join("JS-202603-0001.pdf"))
            .unwrap()
            .starts_with(b"%PDF")
    );

    // The name of the department is that of March, although it was renamed in April.
    let first = cells(&folder.join("JS-202603-0002.xlsx"));
    holds(
        &first,
        &[
            "民政局",
            "13.5",
            "多段",
            "25.419355",
            "15343.16",
            "15299.77",
            "-43.39",
            "JS-202602-0002",
        ],
    );
    holds(
        &first,
        &["补报释放（明细 202603-0000", "系统迁移|人天|12.5|—|1200|15000"],
    );
    assert!(!first.contains("民政和社会局"));
    let second = cells(&folder.join("JS-202603-0003.xlsx"));
    holds(
        &second,
        &[
            "行业专线|Mbps·月|100|31|25|2500",
            "云硬盘|GB·月|300|31|阶梯|110",
            "2260",
            "99.8656%",
            "10%",
        ],
    );
    let whole = cells(&folder.join("JS-202603-0004.xlsx"));
    holds(
        &whole,
        &[
            "18453.16",
            "最低承诺补差",
            "可在平台「费用明细」中按结算月 2026-03 和云服务商 P1 导出",
            "，与纸面所载一致",
        ],
    );
}

#[tokio::test]
async fn a_statement_is_the_same_until_somebody_gives_an_opinion() {
    let town = Town::closed().await;
    let folder = |name: &str| town.folder.path().join(name);
    let number = "JS-202603-0003";
    let pdf = |name: &str| folder(name).join(format!("{number}.pdf"));
    render(&town.ctx, selection(&folder("a"), &[number]), &renderer())
        .await
        .unwrap();
    town.later();
    render(&town.ctx, selection(&folder("b"), &[number]), &renderer())
        .await
        .unwrap();
    assert!(fs::read(pdf("a")).unwrap() == fs::read(pdf("b")).unwrap());
    let agree = AdvanceInput {
        number: number.into(),
        side: Side::Unit,
        step: Step::Agree,
        text: "数量无误".into(),
    };
    advance(&town.ctx, agree).await.unwrap();
    render(&town.ctx, selection(&folder("c"), &[number]), &renderer())
        .await
        .unwrap();
    assert!(fs::read(pdf("a")).unwrap() != fs::read(pdf("c")).unwrap());
    holds(
        &cells(&folder("c").join(format!("{number}.xlsx"))),
        &["第 2 版 · 待监理审核", "2026-04-03 10:00:00"],
    );
    let unknown = render(&town.ctx, selection(&folder("d"), &["JS-202603-0099"]), &renderer())
        .await
        .unwrap_err();
    assert!(unknown.to_string().contains("JS-202603-0099"));
}

#[tokio::test]
async fn exports_sum_to_the_statements() {
    let town = Town::closed().await;
    let path = |name: &str| town.folder.path().join(name);
    let both = ExportSelection {
        from: month("2026-02"),
        to: month("2026-04"),
        provider: None,
        organisation: None,
    };
    let outcome = charges(&town.ctx, &both, TableFormat::Csv, &path("lines.csv"))
        .await
        .unwrap();
    assert_eq!(
        (outcome.amount.fen(), outcome.open.len(), outcome.unrated),
        (1_845_316 - 4_339 + 63_500, 0, vec![month("2026-04")])
    );
    let rows = table(&path("lines.csv"));
    assert_eq!(u64::try_from(rows.len()).unwrap(), outcome.lines);
    assert_eq!(
        rows.iter().map(|row| fen(&row["合同价金额（元）"])).sum::<i64>(),
        outcome.amount.fen()
    );
    let line = |resource: &str, kind: &str| {
        rows.iter()
            .find(|row| row["资源"] == resource && row["性质"] == kind && row["账期"] == "2026-03")
            .unwrap()
    };
    let agreeing = line("A-2", "使用");
    assert_eq!(
        (agreeing["对账结果"].as_str(), agreeing["合同单价（元）"].as_str()),
        ("一致", "13.5")
    );
    assert_eq!(
        (agreeing["结算单"].as_str(), agreeing["使用单位"].as_str()),
        ("JS-202603-0002", "民政局")
    );
    assert_eq!(line("A-3", "使用")["对账结果"], "差异：期间");
    assert_eq!(line("A-4", "使用")["对账结果"], "差异：单价");
    assert_eq!(line("A-3", "使用")["折算"], "21/31");
    let correction = line("A-1", "更正");
    assert_eq!(
        (correction["更正月份"].as_str(), correction["更正原因"].as_str()),
        ("2026-02", "补报释放")
    );
    let only = ExportSelection {
        organisation: Some("D2".into()),
        from: month("2026-03"),
        ..both.clone()
    };
    let outcome = charges(&town.ctx, &only, TableFormat::Xlsx, &path("lines.xlsx"))
        .await
        .unwrap();
    assert_eq!((outcome.lines, outcome.amount.fen()), (2, 261_000));
    holds(
        &cells(&path("lines.xlsx")),
        &["2610", "尚未计价、没有明细的月份：2026-04"],
    );
}

#[tokio::test]
async fn focus_has_each_charge_once_and_deductions_as_credits() {
    let town = Town::closed().await;
    let path = |name: &str| town.folder.path().join(name);
    let both = ExportSelection {
        from: month("2026-02"),
        to: month("2026-03"),
        provider: None,
        organisation: None,
    };
    let ascii = FocusOptions { ascii_names: true };
    let csv = focus(&town.ctx, &both, (FocusFormat::Csv, ascii), &path("focus.csv"))
        .await
        .unwrap();
    let parquet = focus(
        &town.ctx,
        &both,
        (FocusFormat::Parquet, FocusOptions::default()),
        &path("focus.parquet"),
    )
    .await
    .unwrap();
    assert_eq!(csv, parquet);
    assert_eq!(csv.amount.fen(), 1_845_316 - 4_339 + 63_500 - 25_000);
    assert!(fs::read(path("focus.csv")).unwrap().is_ascii());
    let text = fs::read_to_string(path("focus.csv")).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains(",Credit,")).count(), 1);
    assert_eq!(text.lines().filter(|line| line.contains(",Correction,")).count(), 1);
    holds(
        &text,
        &[
            "JS-202603-0003-D1",
            "Person-Days",
            "Unit-Months",
            "Minimum Commitment",
            "HT-1/v1#VPN",
        ],
    );
}

#[tokio::test]
async fn documents_of_differences_say_what_both_sides_say() {
    let town = Town::closed().await;
    let path = |name: &str| town.folder.path().join(name);
    let answer = AnswerInput {
        provider: "P1".into(),
        resource: "A-4".into(),
        item: "LINE".into(),
        outcome: AnswerOutcome::Disputed,
        agreed: None,
        words: "合同附件价为 24 元".into(),
    };
    answer_difference(&town.ctx, month("2026-03"), answer).await.unwrap();
    reconciliation_document(&town.ctx, month("2026-03"), "P1", &path("differences.csv"))
        .await
        .unwrap();
    let rows = table(&path("differences.csv"));
    assert_eq!(
        rows.iter().map(|row| fen(&row["差异（元）"])).sum::<i64>(),
        3_484 - 10_000 + 6_750 - 50_000
    );
    let of = |resource: &str| rows.iter().find(|row| row["资源"] == resource).unwrap();
    assert_eq!(
        (of("A-4")["差异类别"].as_str(), of("A-4")["系统编码"].as_str()),
        ("单价", "S2")
    );
    holds(
        &of("A-4")["差异说明"],
        &["平台：数量 100，单价 25，", "账单：数量 100，单价 24，"],
    );
    assert_eq!(
        of("A-4")["服务商答复与处理"],
        "有异议：合同附件价为 24 元（2026-04-02）"
    );
    assert_eq!(
        (of("A-9")["平台明细编号"].as_str(), of("A-9")["账单行号"].as_str()),
        ("", "6")
    );
    holds(
        &of("A-3")["差异说明"],
        &["平台：数量 8，单价 13.5，2026-03-11 至 2026-04-01；账单：数量 8，单价 13.5，2026-03-01 至 2026-04-01"],
    );

    let outcome = &town.rerated;
    difference_document(&town.ctx, outcome, "补报释放", &path("rerate.xlsx"))
        .await
        .unwrap();
    holds(
        &cells(&path("rerate.xlsx")),
        &["202602-000001", "135", "91.61", "-43.39", "补报释放"],
    );
    let refused = difference_document(&town.ctx, outcome, "补报释放", &path("rerate.doc"))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains(".xlsx"));
}

#[tokio::test]
async fn a_document_of_a_rerating_says_whether_it_stands() {
    let town = Town::closed().await;
    town.learns_of_a_release().await;
    let path = town.folder.path().join("march.xlsx");
    let (march, reason) = (month("2026-03"), "补报释放");
    let document = async || {
        let seen = rerate(&town.ctx, march, reason, false).await.unwrap();
        let rows = difference_document(&town.ctx, &seen, reason, &path).await.unwrap();
        assert_eq!(rows, 1, "of A-2 only");
        cells(&path)
    };
    holds(&document().await, &["A-2", "预览：尚未提交"]);
    assert!(rerate(&town.ctx, march, reason, true).await.unwrap().committed);
    // Looked at again, it is no preview any more: the reason was given.
    let stands = document().await;
    assert!(stands.contains("A-2") && !stands.contains("预览"), "{stands}");
}
