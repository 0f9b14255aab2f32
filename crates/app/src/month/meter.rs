//! Metering a month.

use super::{Facts, StepState, refuse_closed};
use crate::collect::{case, manifest};
use crate::{AppError, OpContext};
use domain::meter::{CaseKind, CaseOutcome, KnownCase, MeterOutput, judge_cases, quantity_seconds};
use kernel::{Month, RunId};
use lake::{Dataset, LakeName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::{CaseEnding, CaseFile, RunRecord, UnitOfWork};

/// What metering a month gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeterOutcome {
    /// The month.
    pub month: Month,
    /// Done now, or unchanged since.
    pub state: StepState,
    /// Its figures.
    pub summary: MeterSummary,
}

/// The figures of a metering run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MeterSummary {
    /// Usage intervals.
    pub intervals: u64,
    /// Allocations that share time with the month.
    pub allocations: u64,
    /// Completeness by node.
    pub nodes: Vec<NodeCompleteness>,
    /// Findings by kind.
    pub findings: BTreeMap<String, u64>,
    /// Quantity x seconds by item, in millionths of its unit.
    pub quantity_seconds: BTreeMap<String, String>,
}

/// How completely a node was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCompleteness {
    /// The node.
    pub node: String,
    /// Days with a look.
    pub days_seen: i64,
    /// Days of the month.
    pub days: i64,
    /// Measured values.
    pub values: i64,
    /// Stretches without a look.
    pub gaps: Vec<String>,
}

/// Meters a month. Nothing is written if nothing changed since the current run.
pub async fn meter(ctx: &OpContext, month: Month) -> Result<MeterOutcome, AppError> {
    refuse_closed(ctx, month).await?;
    if ctx.now() < month.period().from() {
        return Err(AppError::NotYet {
            month,
            what: "计量",
            why: "该月尚未开始".to_owned(),
        });
    }
    ctx.progress().at("计量：读取事实", 0, 3);
    let facts = {
        let mut read = ctx.store().read().await?;
        let facts = Facts::load(ctx, &mut read, month).await?;
        if let Some(run) = read.current_run("meter", month, "").await?
            && run.input == facts.meter_digest()
        {
            return Ok(MeterOutcome {
                month,
                state: StepState::Unchanged,
                summary: summary_of(&run)?,
            });
        }
        facts
    };
    ctx.progress().at("计量：计算用量", 1, 3);
    let output = facts.meter()?;
    let summary = summarise(&facts, &output);
    let id: RunId = ctx.new_id();
    let file = ctx
        .lake()
        .write_usage(&LakeName::new(month, &id.to_string())?, &output.table)?;
    ctx.progress().at("计量：发布", 2, 3);
    let run = RunRecord {
        id,
        step: "meter".into(),
        month,
        scope: String::new(),
        input: facts.meter_digest(),
        output: file.digest,
        path: Some(file.path.clone()),
        summary: serde_json::to_string(&summary)?,
        at: ctx.now(),
    };
    let mut work = ctx.store().begin().await?;
    if work.is_closed(month).await? {
        return Err(AppError::MonthClosed(month));
    }
    work.publish(&manifest(Dataset::Usage, month, &run.id.to_string(), &file))
        .await?;
    work.set_current_run(&run).await?;
    let (opened, gone) = judge(ctx, &mut work, &facts, &output).await?;
    let detail = serde_json::json!({
        "run": run.id, "input": run.input, "output": run.output, "cases_opened": opened, "cases_gone": gone,
    });
    work.audit(
        ctx.now(),
        (ctx.actor(), "month.meter", &month.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    ctx.progress().at("计量", 3, 3);
    Ok(MeterOutcome {
        month,
        state: StepState::Done,
        summary,
    })
}

/// Opens cases for what was found, and ends those whose cause has gone. Returns how many of each.
async fn judge(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    facts: &Facts,
    output: &MeterOutput,
) -> Result<(u64, u64), AppError> {
    let month = facts.month;
    let files = work.cases_for(month).await?;
    let known: Vec<KnownCase<'_>> = files
        .iter()
        .map(|file| KnownCase {
            kind: file.finding.kind,
            subject: &file.finding.subject,
            month: file.month,
            ended: file.ended.as_ref().map(|ended| (ended.outcome, ended.month)),
        })
        .collect();
    let nodes: BTreeMap<&str, &str> = facts
        .allocations
        .iter()
        .map(|allocation| (allocation.code.as_str(), allocation.node.as_str()))
        .collect();
    // Two days: what lasts no day is no finding, so that one look is not enough to miss it.
    let looked_at = output.completeness.iter().filter(|node| node.days_seen > 1);
    let looked_at: BTreeSet<&str> = looked_at.map(|node| node.node.as_str()).collect();
    let seen = |case: &KnownCase<'_>| {
        let node = match case.kind {
            CaseKind::NotApproved | CaseKind::UnmappedProject => case.subject.split_once('/').map(|(node, _)| node),
            CaseKind::NodeGap => case.subject.split_once('@').map(|(node, _)| node),
            _ => nodes.get(case.subject).copied(),
        };
        // What is not approved any more has no node to be looked at.
        node.is_none_or(|node| looked_at.contains(node))
    };
    let judgement = judge_cases(month, &output.findings, &known, seen);
    let opened: Vec<CaseFile> = judgement
        .opened
        .iter()
        .filter_map(|place| output.findings.get(*place))
        .map(|finding| CaseFile {
            month,
            ..case(ctx, finding.clone())
        })
        .collect();
    let ending = CaseEnding {
        outcome: CaseOutcome::Gone,
        reason: format!("{month} 的计量未再发现"),
        by: ctx.actor().to_owned(),
        at: ctx.now(),
        month,
    };
    for file in judgement.gone.iter().filter_map(|place| files.get(*place)) {
        work.end_case(file.id, &ending).await?;
    }
    let gone = u64::try_from(judgement.gone.len()).unwrap_or(u64::MAX);
    Ok((work.open_cases(&opened).await?, gone))
}

pub(super) fn summary_of<T: serde::de::DeserializeOwned>(run: &RunRecord) -> Result<T, AppError> {
    serde_json::from_str(&run.summary).map_err(|why| {
        let bad = store::StoreError::BadRow {
            table: "run",
            key: run.id.to_string(),
            why: why.to_string(),
        };
        AppError::Store(bad)
    })
}

fn summarise(facts: &Facts, output: &MeterOutput) -> MeterSummary {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let mut findings = BTreeMap::new();
    for finding in &output.findings {
        *findings.entry(finding.kind.word().to_owned()).or_insert(0) += 1;
    }
    let nodes = output.completeness.iter().map(|m| NodeCompleteness {
        node: m.node.to_string(),
        days_seen: m.days_seen,
        days: m.days,
        values: m.values,
        gaps: m.gaps.iter().map(ToString::to_string).collect(),
    });
    MeterSummary {
        intervals: count(output.table.rows.len()),
        allocations: count(facts.allocations.len()),
        nodes: nodes.collect(),
        findings,
        quantity_seconds: quantity_seconds(&output.table)
            .into_iter()
            .map(|(k, v)| (k, v.to_string()))
            .collect(),
    }
}
