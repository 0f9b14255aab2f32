//! What the demo ends with: what the city spent, how complete the meters were, where bills differ, and the documents.

use crate::exit::Failure;
use crate::output::{Grid, Report};
use crate::story::Told;
use crate::wiring::Setting;
use app::export::{ExportSelection, FocusFormat, FocusOptions, TableFormat, charges, focus};
use app::month::{MonthView, show};
use app::statements::{Format, RenderSelection, render};
use app::{AppError, OpContext};
use city::City;
use domain::reconcile::DifferenceClass;
use kernel::{Money, Month};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Departments in the list of the dearest.
const DEAREST: usize = 10;

/// Writes the documents of the last closed month and tells the figures of all closed ones.
pub(crate) async fn tell(
    ctx: &OpContext,
    city: &City,
    (dir, program): (&Path, &str),
    setting: &Setting,
    told: Option<&Told>,
) -> Result<Report, Failure> {
    let closed: Vec<Month> = city
        .months
        .iter()
        .copied()
        .take(city.months.len().saturating_sub(1))
        .collect();
    let mut views = Vec::new();
    for month in &closed {
        views.push(show(ctx, *month).await?);
    }
    let mut report = Report::new(serde_json::json!({ "months": &views }));
    let range = closed
        .first()
        .zip(closed.last())
        .map_or_else(String::new, |(a, b)| format!("{a} 至 {b}"));
    report.line(format!("春城市（演示数据）已关账 {} 个月：{range}", closed.len()));
    report.grid(by_provider_and_form(&views)?);
    report.grid(dearest(&views)?);
    report.grid(completeness(&views));
    report.grid(differences(&views)?);
    if let Some(last) = closed.last() {
        let documents = dir.join("documents");
        let renderer = documents::Renderer::new(documents::Fonts::shipped())?;
        let selection = RenderSelection {
            month: *last,
            numbers: Vec::new(),
            formats: vec![Format::Pdf, Format::Xlsx],
            folder: documents.join("statements"),
            is_demo: true,
        };
        let files = render(ctx, selection, &renderer).await?;
        report.line(format!(
            "\n结算单 {} 个文件：{}",
            files.len(),
            documents.join("statements").display()
        ));
        let whole = ExportSelection {
            from: *last,
            to: *last,
            provider: None,
            organisation: None,
        };
        let path = documents.join(format!("charges-{last}.xlsx"));
        charges(ctx, &whole, TableFormat::Xlsx, &path).await?;
        report.line(format!("费用明细：{}", path.display()));
        for (format, ending) in [(FocusFormat::Csv, "csv"), (FocusFormat::Parquet, "parquet")] {
            let path = documents.join(format!("focus-{last}.{ending}"));
            focus(ctx, &whole, (format, FocusOptions { ascii_names: false }), &path).await?;
            report.line(format!("FOCUS 导出：{}", path.display()));
        }
    }
    if let Some(told) = told {
        let transcript = told.transcript.display();
        report.line(format!("\n申请、开通与回收的全部调用，在{}上：{transcript}", told.node));
        report.line(format!("演示人员的登录名和密码：{}", told.accounts.display()));
    }
    if let Some(ready) = city.months.last() {
        report.line(format!("\n{ready} 的数据已备好，可以试试："));
        let tokens = told.map(|told| &told.tokens);
        for hint in hints((program, &setting.data), *ready, tokens) {
            report.line(format!("  {hint}"));
        }
    }
    Ok(report)
}

/// Commands to go on with, as they can be given at once. With people there are accounts, and commands need a token of one
/// of them.
fn hints((program, data): (&str, &Path), ready: Month, tokens: Option<&[PathBuf; 2]>) -> Vec<String> {
    let [closer, auditor] = tokens.map_or_else(Default::default, |tokens| {
        tokens
            .each_ref()
            .map(|path| format!("YUNHENG_TOKEN=$(cat {}) ", path.display()))
    });
    let data = data.display();
    [
        (closer.as_str(), format!("month close {ready}")),
        (&closer, format!("month show {ready}")),
        (&closer, "case".to_owned()),
        (&auditor, "audit verify".to_owned()),
        ("", "serve".to_owned()),
    ]
    .map(|(by, command)| format!("{by}{program} --data {data} {command}"))
    .into()
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Money>, key: K, amount: Money) -> Result<(), AppError> {
    let sum = sums.entry(key).or_insert(Money::ZERO);
    *sum = sum.plus(amount)?;
    Ok(())
}

fn by_provider_and_form(views: &[MonthView]) -> Result<Grid, AppError> {
    let mut sums: BTreeMap<(String, &str), Money> = BTreeMap::new();
    let mut providers: BTreeMap<String, Money> = BTreeMap::new();
    for view in views {
        for sum in &view.sums {
            let provider = view
                .names
                .get(&sum.provider)
                .cloned()
                .unwrap_or_else(|| sum.provider.clone());
            let form = view.forms.get(&sum.item).copied().unwrap_or("最低承诺补差");
            add(&mut sums, (provider.clone(), form), sum.amount)?;
            add(&mut providers, provider, sum.amount)?;
        }
    }
    let mut grid = Grid::new("支出（元，应计）", &["云服务商", "服务形式", ">金额"]);
    for (provider, total) in &providers {
        for ((_, form), amount) in sums.iter().filter(|((of, _), _)| of == provider) {
            grid.row([provider.clone(), (*form).to_owned(), amount.grouped()]);
        }
        grid.row([provider.clone(), "合计".to_owned(), total.grouped()]);
    }
    grid.row([
        "全市".to_owned(),
        "合计".to_owned(),
        Money::sum(providers.values().copied())?.grouped(),
    ]);
    Ok(grid)
}

fn dearest(views: &[MonthView]) -> Result<Grid, AppError> {
    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for view in views {
        for sum in &view.sums {
            add(&mut sums, sum.organisation.clone(), sum.amount)?;
            if let Some(name) = view.names.get(&sum.organisation) {
                names.insert(sum.organisation.clone(), name.clone());
            }
        }
    }
    let mut ranked: Vec<_> = sums.into_iter().collect();
    ranked.sort_by_key(|(code, amount)| (std::cmp::Reverse(*amount), code.clone()));
    let mut grid = Grid::new("支出最多的十个单位（元）", &["代码", "单位", ">金额"]);
    for (code, amount) in ranked.into_iter().take(DEAREST) {
        let name = names.get(&code).cloned().unwrap_or_default();
        grid.row([code, name, amount.grouped()]);
    }
    Ok(grid)
}

fn completeness(views: &[MonthView]) -> Grid {
    let mut nodes: BTreeMap<String, (i64, i64, i64, usize)> = BTreeMap::new();
    for node in views
        .iter()
        .filter_map(|view| view.metered.as_ref())
        .flat_map(|summary| &summary.nodes)
    {
        let sum = nodes.entry(node.node.clone()).or_default();
        *sum = (
            sum.0 + node.days_seen,
            sum.1 + node.days,
            sum.2 + node.values,
            sum.3 + node.gaps.len(),
        );
    }
    let mut grid = Grid::new(
        "计量完整性",
        &["云节点", ">有数据天数", ">应有天数", ">计量值", ">中断次数"],
    );
    for (node, (seen, days, values, gaps)) in nodes {
        grid.row([
            node,
            seen.to_string(),
            days.to_string(),
            values.to_string(),
            gaps.to_string(),
        ]);
    }
    grid
}

fn differences(views: &[MonthView]) -> Result<Grid, AppError> {
    let mut classes: BTreeMap<(String, DifferenceClass), (u64, Money)> = BTreeMap::new();
    let (mut ours, mut billed) = (Money::ZERO, Money::ZERO);
    for (provider, summary) in views.iter().flat_map(|view| &view.reconciled) {
        ours = ours.plus(summary.ours)?;
        billed = billed.plus(summary.billed)?;
        for (class, sum) in &summary.classes {
            if let Ok(class) = class.parse() {
                let entry = classes.entry((provider.clone(), class)).or_insert((0, Money::ZERO));
                *entry = (entry.0 + sum.count, entry.1.plus(sum.amount)?);
            }
        }
    }
    let mut grid = Grid::new(
        "与云服务商账单的差异（账单 − 平台，元）",
        &["云服务商", "类别", ">处", ">差异"],
    );
    for ((provider, class), (count, amount)) in &classes {
        grid.row([
            provider.clone(),
            class.zh().to_owned(),
            count.to_string(),
            amount.grouped(),
        ]);
    }
    let whole = billed.minus(ours)?;
    let note = format!("账单 {}，平台 {}", billed.grouped(), ours.grouped());
    grid.row([
        "合计".to_owned(),
        note,
        classes.values().map(|(count, _)| count).sum::<u64>().to_string(),
        whole.grouped(),
    ]);
    Ok(grid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_named_as_it_was_started() {
        let (program, data, month) = ("target/debug/yunheng", Path::new("d/data"), "2026-06".parse().unwrap());
        let tokens = ["a.token", "b.token"].map(PathBuf::from);
        let with = hints((program, data), month, Some(&tokens));
        let (close, verify) = (&with[0], &with[3]);
        assert_eq!(
            close,
            "YUNHENG_TOKEN=$(cat a.token) target/debug/yunheng --data d/data month close 2026-06"
        );
        assert_eq!(
            verify,
            "YUNHENG_TOKEN=$(cat b.token) target/debug/yunheng --data d/data audit verify"
        );
        let without = hints((program, data), month, None);
        assert_eq!(without[0], "target/debug/yunheng --data d/data month close 2026-06");
        assert_eq!(with.last(), without.last());
    }
}
