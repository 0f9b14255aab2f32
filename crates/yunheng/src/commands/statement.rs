//! Statements, and explaining a line.

use super::month::withheld;
use crate::cli::StatementCommand;
use crate::exit::{Failure, INVALID};
use crate::input::parsed;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::statements::{self, AdvanceInput, Format, RenderSelection, StatementView};
use domain::authz::Action;
use domain::settle::Step;

/// `statement ...`
pub(crate) async fn run(setting: &Setting, command: StatementCommand) -> Result<Report, Failure> {
    let ctx = match &command {
        StatementCommand::Advance { .. } => setting.open().await?,
        _ => setting.open_to_see(Action::StatementRead, "statement").await?,
    };
    match command {
        StatementCommand::List { month } => {
            let rows = statements::list(&ctx, month).await?;
            let mut report = Report::new(&rows);
            let columns = [
                "编号",
                "云服务商",
                "使用单位",
                ">应计（元）",
                ">暂缓（元）",
                ">释放（元）",
                ">扣减（元）",
                ">应付（元）",
                "状态",
            ];
            let mut grid = Grid::new("", &columns);
            for row in rows {
                grid.row([
                    row.number,
                    row.provider,
                    row.department.unwrap_or_else(|| "（全部）".to_owned()),
                    row.charged.grouped(),
                    row.withheld.grouped(),
                    row.released.grouped(),
                    row.deducted.grouped(),
                    row.payable.grouped(),
                    row.stage.to_owned(),
                ]);
            }
            report.grid(grid);
            Ok(report)
        }
        StatementCommand::Show { number } => Ok(shown(&statements::show(&ctx, &number).await?)?),
        StatementCommand::Render {
            month,
            numbers,
            to,
            format,
        } => {
            let formats = match format.as_deref() {
                None => vec![Format::Pdf, Format::Xlsx],
                Some("pdf") => vec![Format::Pdf],
                Some("xlsx") => vec![Format::Xlsx],
                Some(other) => {
                    return Err(Failure::new(
                        INVALID,
                        format!("「{other}」不是可用的格式，可填 pdf 或 xlsx"),
                    ));
                }
            };
            let folder = to.unwrap_or_else(|| setting.data.join("documents").join(month.to_string()));
            let is_demo = setting.data.join(super::demo::MARK).exists();
            let renderer = documents::Renderer::new(setting.config.load_fonts()?)?;
            let selection = RenderSelection {
                month,
                numbers,
                formats,
                folder: folder.clone(),
                is_demo,
            };
            let object = month.to_string();
            let detail = serde_json::json!({ "folder": folder, "statements": selection.numbers });
            let work = statements::render(&ctx, selection, &renderer);
            let files = app::audit::around(&ctx, ("statement.print", &object), &detail, work).await?;
            let mut report = Report::new(&files);
            report.line(format!("已输出 {} 个文件到 {}", files.len(), folder.display()));
            Ok(report)
        }
        StatementCommand::Advance {
            number,
            side,
            give_back,
            opinion,
        } => {
            let step = if give_back { Step::Return } else { Step::Agree };
            let (status, stage) = statements::advance(
                &ctx,
                AdvanceInput {
                    number: number.clone(),
                    side,
                    step,
                    text: opinion,
                },
            )
            .await?;
            let mut report = Report::new(serde_json::json!({ "number": number, "status": status }));
            report.line(format!("{number} 现为「{stage}」"));
            Ok(report)
        }
    }
}

fn shown(view: &StatementView) -> Result<Report, app::AppError> {
    let statement = &view.statement;
    let mut report = Report::new(view);
    report.line(format!("{} {} {}", statement.number, statement.month, view.stage));
    let mut grid = Grid::new(
        "费用",
        &["系统 / 单位", "条目", "更正月份", ">明细行", ">单位·月", ">金额（元）"],
    );
    for item in &statement.items {
        let corrects = item.corrects.map_or_else(String::new, |month| month.to_string());
        grid.row([
            item.group.clone(),
            item.item.clone(),
            corrects,
            item.lines.to_string(),
            item.unit_months.to_string(),
            item.amount.grouped(),
        ]);
    }
    report.grid(grid);
    for withheld in &statement.withheld {
        report.line(format!(
            "暂缓 {} 元：{} {}（{}）",
            withheld.amount.grouped(),
            withheld.resource,
            withheld.item,
            withheld.class.zh()
        ));
    }
    if !statement.withheld.is_empty() {
        report.line(format!("暂缓合计 {}", withheld(&view.withheld_sums)));
    }
    for released in &view.released_by {
        report.line(format!(
            "其中 {} {} 的 {} 元已由 {} 释放",
            released.resource,
            released.item,
            released.amount.grouped(),
            released.statement
        ));
    }
    for release in &statement.releases {
        report.line(format!(
            "释放 {} 元：{} 结算单 {} 暂缓的 {} {}（{}，账单第 {} 版）",
            release.amount.grouped(),
            release.month,
            release.statement,
            release.resource,
            release.item,
            release.cause.zh(),
            release.bill_version
        ));
    }
    for deduction in &statement.deductions {
        let of = match &deduction.corrects {
            Some(corrects) => format!(
                "，属于 {}（结算单 {}，应扣 {} 元，已扣 {} 元）",
                corrects.month,
                corrects.statement,
                corrects.right.grouped(),
                corrects.before.grouped()
            ),
            None => String::new(),
        };
        report.line(format!(
            "扣减 {} 元：{} 可用性 {}{of}",
            deduction.amount.grouped(),
            deduction.resource,
            deduction.availability
        ));
    }
    report.line(format!(
        "费用 {} 元，更正 {} 元，释放以前月份暂缓 {} 元，应付 {} 元",
        statement.charges.grouped(),
        statement.corrections.grouped(),
        statement.released_total()?.grouped(),
        statement.payable.grouped()
    ));
    for opinion in &view.opinions {
        report.line(format!(
            "{} {} {} {}：{}",
            opinion.at,
            opinion.side.zh(),
            opinion.actor,
            opinion.step.zh(),
            opinion.text
        ));
    }
    report.line(format!("内容摘要 {}", view.digest));
    Ok(report)
}

/// `explain LINE`
pub(crate) async fn explain(setting: &Setting, line: &str) -> Result<Report, Failure> {
    let ctx = setting.open_to_see(Action::StatementRead, "charge").await?;
    let explanation = app::explain::explain(&ctx, parsed(line)?).await?;
    let mut report = Report::new(&explanation);
    report.line(format!("{}  {} 元", explanation.line, explanation.amount.grouped()));
    let mut section = |title: &str, lines: Vec<String>| {
        report.line(format!("\n{title}"));
        let lines = if lines.is_empty() {
            vec!["（无）".to_owned()]
        } else {
            lines
        };
        lines.into_iter().for_each(|line| report.line(format!("  {line}")));
    };
    let pairs = |pairs: &[(String, String)]| pairs.iter().map(|(name, value)| format!("{name}：{value}")).collect();
    section("事实", pairs(&explanation.facts));
    section("批准", explanation.approved.clone());
    section("实际", explanation.seen.clone());
    section("价格", pairs(&explanation.price));
    section("计算", explanation.arithmetic.clone());
    section(
        "摘要",
        vec![
            format!("输入 {}", explanation.input),
            format!("明细 {}", explanation.output),
        ],
    );
    Ok(report)
}
