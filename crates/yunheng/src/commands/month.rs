//! The month.

use crate::cli::MonthCommand;
use crate::exit::Failure;
use crate::output::{Grid, Report};
use crate::wiring::Setting;
use app::OpContext;
use app::month::{self, AnswerInput, MonthView, ReconcileOutcome, StepState};
use domain::authz::Action;
use domain::reconcile::{AnswerOutcome, DifferenceClass};
use domain::settle::WithheldSums;
use kernel::{Money, Month};
use std::collections::BTreeMap;
use std::path::Path;

/// `month ...`
pub(crate) async fn run(setting: &Setting, command: MonthCommand) -> Result<Report, Failure> {
    let ctx = opened(setting, &command).await?;
    match command {
        MonthCommand::Show { month } => Ok(shown(&month::show(&ctx, month).await?)?),
        MonthCommand::Meter { month } => {
            let outcome = month::meter(&ctx, month).await?;
            let mut report = Report::new(&outcome);
            report.line(format!(
                "{month} 计量{}：分配 {} 项，用量区间 {} 段",
                state(outcome.state),
                outcome.summary.allocations,
                outcome.summary.intervals
            ));
            report.line("不变量：区间不重叠、不越月、合计不超过当月时长，均已核对");
            report.grid(completeness(&outcome.summary));
            report.grid(findings(&outcome.summary.findings));
            Ok(report)
        }
        MonthCommand::Rate { month } => {
            let before = month::show(&ctx, month).await?;
            let outcome = month::rate(&ctx, month).await?;
            let mut report = Report::new(&outcome);
            let summary = &outcome.summary;
            report.line(format!(
                "{month} 计价{}：{} 行，目录价 {} 元，应计 {} 元",
                state(outcome.state),
                summary.lines,
                summary.list.grouped(),
                summary.total.grouped()
            ));
            for (closed, amount) in &summary.corrections {
                report.line(format!("其中更正 {closed}：{} 元", amount.grouped()));
            }
            summary
                .waiting
                .iter()
                .for_each(|fact| report.line(format!("待说明理由后更正（yunheng month rerate）: {fact}")));
            if before.rated.is_some() && outcome.state == StepState::Done {
                report.grid(changes(&before, &month::show(&ctx, month).await?)?);
            }
            Ok(report)
        }
        MonthCommand::Reconcile { month, document } => {
            let outcome = month::reconcile_month(&ctx, month).await?;
            let mut report = reconciled(&outcome)?;
            if let Some(folder) = document {
                write_differences(&ctx, month, &outcome, &folder, &mut report).await?;
            }
            Ok(report)
        }
        MonthCommand::Answer(arguments) => {
            let input = AnswerInput {
                provider: arguments.provider,
                resource: arguments.resource,
                item: arguments.item,
                outcome: match (arguments.settle, arguments.accept) {
                    (Some(_), _) => AnswerOutcome::Settled,
                    (None, true) => AnswerOutcome::Accepted,
                    (None, false) => AnswerOutcome::Disputed,
                },
                agreed: arguments.settle,
                words: arguments.text,
            };
            month::answer_difference(&ctx, arguments.month, input).await?;
            let mut report = Report::new("recorded");
            report.line("答复已登记");
            Ok(report)
        }
        MonthCommand::Close { month } => {
            let outcome = month::close_month(&ctx, month).await?;
            let mut report = Report::new(&outcome);
            report.line(format!("{month} 已关账：结算单 {} 份", outcome.statements));
            report.line(format!(
                "应计 {} 元，暂缓 {} 元，释放以前月份暂缓 {} 元，扣减 {} 元，应付 {} 元",
                outcome.charged.grouped(),
                outcome.withheld.grouped(),
                outcome.released.grouped(),
                outcome.deducted.grouped(),
                outcome.payable.grouped()
            ));
            for provider in &outcome.without_bill {
                report.line(format!("云服务商 {provider} 未提交本月账单，未作比较"));
            }
            Ok(report)
        }
        MonthCommand::Rerate {
            month,
            reason,
            commit,
            document,
        } => {
            let outcome = month::rerate(&ctx, month, &reason, commit).await?;
            let mut report = Report::new(serde_json::json!({
                "month": month, "differences": outcome.corrections.len(), "sum": outcome.difference, "committed": outcome.committed,
            }));
            report.line(format!(
                "{month} 重算：{} 处差异，合计 {} 元",
                outcome.corrections.len(),
                outcome.difference.grouped()
            ));
            report.line(if outcome.committed {
                "已登记，将在未关账月份计价时计入"
            } else {
                "仅供查看，未作改动；确认后加 --commit"
            });
            if let Some(path) = document {
                month::difference_document(&ctx, &outcome, &reason, &path).await?;
                report.line(format!("差异单 {}", path.display()));
            }
            Ok(report)
        }
    }
}

/// The context of a command, if whoever gives it may.
async fn opened(setting: &Setting, command: &MonthCommand) -> Result<OpContext, Failure> {
    let action = match command {
        MonthCommand::Show { .. } => return setting.open_to_see(Action::MonthRead, "month").await,
        MonthCommand::Meter { .. } | MonthCommand::Rate { .. } | MonthCommand::Reconcile { .. } => Action::MonthRun,
        MonthCommand::Close { .. } => Action::MonthClose,
        // These ask by themselves.
        MonthCommand::Rerate { .. } | MonthCommand::Answer(_) => return setting.open().await,
    };
    setting.open_for(action, "month").await
}

/// What another rating changed, by provider, organisation and item; the rows sum to the whole change.
fn changes(before: &MonthView, after: &MonthView) -> Result<Grid, Failure> {
    let mut sums: BTreeMap<(&str, &str, &str), [Money; 2]> = BTreeMap::new();
    for (place, view) in [before, after].into_iter().enumerate() {
        for sum in &view.sums {
            let key = (sum.provider.as_str(), sum.organisation.as_str(), sum.item.as_str());
            if let Some(amount) = sums.entry(key).or_insert([Money::ZERO; 2]).get_mut(place) {
                *amount = amount.plus(sum.amount).map_err(app::AppError::from)?;
            }
        }
    }
    let mut grid = Grid::new(
        "与上一次计价相比的变化（元）",
        &["云服务商", "单位", "条目", ">上一次", ">这一次", ">变化"],
    );
    for ((provider, organisation, item), [was, is]) in sums.into_iter().filter(|(_, [was, is])| was != is) {
        let change = is.minus(was).map_err(app::AppError::from)?;
        let texts = [provider, organisation, item].map(str::to_owned);
        grid.row(
            texts
                .into_iter()
                .chain([was, is, change].map(|amount| amount.grouped())),
        );
    }
    Ok(grid)
}

const fn state(state: StepState) -> &'static str {
    match state {
        StepState::Done => "完成",
        StepState::Unchanged => "无变化",
    }
}

fn completeness(summary: &month::MeterSummary) -> Grid {
    let mut grid = Grid::new("采集完整性", &["云节点", ">有数据天数", ">当月天数", ">计量值", "中断"]);
    for node in &summary.nodes {
        let gaps = if node.gaps.is_empty() {
            "无".to_owned()
        } else {
            node.gaps.join("；")
        };
        grid.row([
            node.node.clone(),
            node.days_seen.to_string(),
            node.days.to_string(),
            node.values.to_string(),
            gaps,
        ]);
    }
    grid
}

fn findings(findings: &BTreeMap<String, u64>) -> Grid {
    let mut grid = Grid::new("需要核实的问题（yunheng case）", &["类别", ">项"]);
    for (kind, count) in findings {
        let zh = kind
            .parse::<domain::meter::CaseKind>()
            .map_or(kind.as_str(), |kind| kind.zh());
        grid.row([zh.to_owned(), count.to_string()]);
    }
    grid
}

fn reconciled(outcome: &ReconcileOutcome) -> Result<Report, app::AppError> {
    let mut report = Report::new(outcome);
    report.line(format!("{} 对账{}", outcome.month, state(outcome.state)));
    report.grid(differences(&outcome.providers)?);
    for provider in &outcome.without_bill {
        report.line(format!("云服务商 {provider} 未提交本月账单"));
    }
    Ok(report)
}

/// Differences by provider and class; the classes sum to the whole difference.
pub(crate) fn differences(providers: &BTreeMap<String, month::ReconcileSummary>) -> Result<Grid, app::AppError> {
    let mut grid = Grid::new(
        "与云服务商账单的差异（账单 − 平台，元）",
        &["云服务商", "类别", ">处", ">差异"],
    );
    for (provider, summary) in providers {
        for (class, sum) in &summary.classes {
            let zh = class
                .parse::<DifferenceClass>()
                .map_or(class.as_str(), |class| class.zh());
            grid.row([
                provider.clone(),
                zh.to_owned(),
                sum.count.to_string(),
                sum.amount.grouped(),
            ]);
        }
        let whole = summary.billed.minus(summary.ours)?;
        let note = format!(
            "合计（账单 v{} {}，平台 {}）",
            summary.version,
            summary.billed.grouped(),
            summary.ours.grouped()
        );
        grid.row([provider.clone(), note, summary.differing.to_string(), whole.grouped()]);
    }
    Ok(grid)
}

async fn write_differences(
    ctx: &OpContext,
    month: Month,
    outcome: &ReconcileOutcome,
    folder: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(app::AppError::io(folder))?;
    for provider in outcome.providers.keys() {
        let path = folder.join(format!("differences-{month}-{provider}.xlsx"));
        month::reconciliation_document(ctx, month, provider, &path).await?;
        report.line(format!("差异清单 {}", path.display()));
    }
    Ok(())
}

/// What was withheld, and what became of it.
pub(crate) fn withheld(sums: &WithheldSums) -> String {
    format!(
        "{} 元，已释放 {} 元，尚暂缓 {} 元",
        sums.withheld.grouped(),
        sums.released.grouped(),
        sums.left.grouped()
    )
}

fn shown(view: &MonthView) -> Result<Report, app::AppError> {
    let mut report = Report::new(view);
    let closed = view
        .closed_at
        .map_or_else(|| "未关账".to_owned(), |at| format!("已于 {at} 关账"));
    report.line(format!("{} {closed}", view.month));
    match &view.metered {
        Some(summary) => {
            report.line(format!("计量：用量区间 {} 段", summary.intervals));
            report.grid(completeness(summary));
        }
        None => report.line("计量：未做"),
    }
    match &view.rated {
        Some(summary) => report.line(format!(
            "计价：{} 行，应计 {} 元",
            summary.lines,
            summary.total.grouped()
        )),
        None => report.line("计价：未做"),
    }
    for bill in &view.bills {
        report.line(format!(
            "账单：{} v{} {} 行 {} 元",
            bill.provider,
            bill.version,
            bill.lines,
            bill.total.grouped()
        ));
    }
    if view.reconciled.is_empty() {
        report.line("对账：未做");
    } else {
        let providers: Vec<&str> = view.reconciled.keys().map(String::as_str).collect();
        report.line(format!(
            "对账：已与 {} 的账单核对；没有列出的云服务商未对账",
            providers.join("、")
        ));
        report.grid(differences(&view.reconciled)?);
    }
    report.line(format!("暂缓：本月 {}", withheld(&view.withheld)));
    if view.withheld_ever != view.withheld {
        report.line(format!("暂缓：各月合计 {}", withheld(&view.withheld_ever)));
    }
    for (status, count) in &view.statements {
        report.line(format!("结算单：{status} {count} 份"));
    }
    Ok(report)
}
