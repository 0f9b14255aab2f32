//! Rating a month, and posting into it what closed months should have cost.

use super::meter::summary_of;
use super::{Facts, StepState, refuse_closed};
use crate::collect::manifest;
use crate::{AppError, OpContext};
use domain::rate::{ChargeRow, ChargeTable, Correction, correct};
use kernel::{Digest, Digester, Interner, Money, Month, RunId};
use lake::{Dataset, LakeName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::{ChargeSum, Connection, LateFact, RunRecord};

/// What rating a month gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RateOutcome {
    /// The month.
    pub month: Month,
    /// Done now, or unchanged since.
    pub state: StepState,
    /// Its figures.
    pub summary: RateSummary,
}

/// The figures of a rating run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RateSummary {
    /// Lines.
    pub lines: u64,
    /// The sum at list prices.
    pub list: Money,
    /// The sum that is charged.
    pub total: Money,
    /// Of which corrections, by the month they correct.
    pub corrections: BTreeMap<String, Money>,
    /// Facts about closed months that wait for somebody's reason before they are posted.
    pub waiting: Vec<String>,
}

/// Rates a month. Nothing is written if nothing changed since the current run.
pub async fn rate(ctx: &OpContext, month: Month) -> Result<RateOutcome, AppError> {
    refuse_closed(ctx, month).await?;
    ctx.progress().at("计价：读取用量", 0, 3);
    let (facts, metered, corrections, waiting, input) = {
        let mut read = ctx.store().read().await?;
        let facts = Facts::load_prices(&mut read, month).await?;
        let Basis {
            metered,
            ready,
            waiting,
            input,
        } = Basis::read(&mut read, &facts).await?;
        let mut causes: BTreeMap<Month, BTreeSet<String>> = BTreeMap::new();
        for fact in &ready {
            causes.entry(fact.month).or_default().insert(fact.detail.clone());
        }
        if let Some(run) = read.current_run("rate", month, "").await?
            && run.input == input
        {
            return Ok(RateOutcome {
                month,
                state: StepState::Unchanged,
                summary: summary_of(&run)?,
            });
        }
        let mut corrections = Vec::new();
        for (closed, causes) in causes {
            let cause = causes.into_iter().collect::<Vec<_>>().join("；");
            corrections.push((
                closed,
                correct_closed(ctx, &mut read, closed, &cause, Prices::Approved)
                    .await?
                    .1,
            ));
        }
        let waiting = waiting
            .into_iter()
            .map(|f| format!("{}: {}", f.month, f.detail))
            .collect();
        (facts, metered, corrections, waiting, input)
    };
    ctx.progress().at("计价：计算费用", 1, 3);
    let path = metered.path.as_deref().unwrap_or_default();
    let mut table = facts.rate(&ctx.lake().read_usage(path)?)?;
    let mut summary = RateSummary {
        waiting,
        ..RateSummary::default()
    };
    for (closed, posted) in &corrections {
        summary.corrections.insert(closed.to_string(), posted.total()?);
        table.append(posted);
    }
    summary.lines = u64::try_from(table.rows.len()).unwrap_or(u64::MAX);
    summary.list = Money::sum(table.rows.iter().map(|row| row.list))?;
    summary.total = table.total()?;
    ctx.progress().at("计价：发布", 2, 3);
    publish(ctx, month, input, &table, &summary).await?;
    ctx.progress().at("计价", 3, 3);
    Ok(RateOutcome {
        month,
        state: StepState::Done,
        summary,
    })
}

/// What rating a month is made from.
pub(super) struct Basis {
    metered: RunRecord,
    /// Late facts that are posted now.
    ready: Vec<LateFact>,
    /// Late facts that wait for a reason.
    waiting: Vec<LateFact>,
    /// The digest of all of it.
    pub(super) input: Digest,
}

impl Basis {
    pub(super) async fn read(read: &mut Connection, facts: &Facts) -> Result<Self, AppError> {
        let month = facts.month;
        let metered = read
            .current_run("meter", month, "")
            .await?
            .ok_or_else(|| not_metered(month))?;
        let mut late = read.open_late_facts().await?;
        late.retain(|fact| fact.month < month && fact.cause != LateFact::LATE_OUTAGE);
        let (ready, waiting): (Vec<_>, Vec<_>) = late.into_iter().partition(|fact| fact.approved);
        let mut digest = Digester::new();
        digest
            .text(&metered.output.to_string())
            .text(&facts.price_digest()?.to_string());
        for fact in &ready {
            digest.text(&fact.id.to_string());
        }
        Ok(Self {
            metered,
            ready,
            waiting,
            input: digest.finish(),
        })
    }
}

async fn publish(
    ctx: &OpContext,
    month: Month,
    input: Digest,
    table: &ChargeTable,
    summary: &RateSummary,
) -> Result<(), AppError> {
    let id: RunId = ctx.new_id();
    let file = ctx
        .lake()
        .write_charges(&LakeName::new(month, &id.to_string())?, table)?;
    let run = RunRecord {
        id,
        step: "rate".into(),
        month,
        scope: String::new(),
        input,
        output: file.digest,
        path: Some(file.path.clone()),
        summary: serde_json::to_string(summary)?,
        at: ctx.now(),
    };
    let mut work = ctx.store().begin().await?;
    if work.is_closed(month).await? {
        return Err(AppError::MonthClosed(month));
    }
    work.publish(&manifest(Dataset::Charges, month, &run.id.to_string(), &file))
        .await?;
    work.set_current_run(&run).await?;
    work.add_charge_sums(id, &sums(month, table)?).await?;
    let detail = serde_json::json!({
        "run": run.id, "input": run.input, "output": run.output, "lines": summary.lines, "total": summary.total,
    });
    work.audit(
        ctx.now(),
        (ctx.actor(), "month.rate", &month.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

fn sums(month: Month, table: &ChargeTable) -> Result<Vec<ChargeSum>, AppError> {
    type Key = (u32, u32, u32, &'static str, Option<Month>);
    let mut sums: BTreeMap<Key, (i64, Money, Money)> = BTreeMap::new();
    for row in &table.rows {
        let corrects = (row.month != month).then_some(row.month);
        let sum = sums
            .entry((row.provider, row.organisation, row.item, row.kind.word(), corrects))
            .or_default();
        sum.0 += 1;
        sum.1 = sum.1.plus(row.list)?;
        sum.2 = sum.2.plus(row.amount)?;
    }
    let text = |name: u32| table.names.text(name).to_owned();
    let sums = sums.into_iter().map(
        |((provider, organisation, item, kind, corrects), (lines, list, amount))| ChargeSum {
            provider: text(provider),
            organisation: text(organisation),
            item: text(item),
            kind: kind.to_owned(),
            corrects,
            lines,
            list,
            amount,
        },
    );
    Ok(sums.collect())
}

/// Which prices a closed month is rated again with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prices {
    /// All there are: what a re-rating with a reason would come to.
    All,
    /// Without those that were dated back behind its close and that nobody gave a reason for: late data must not
    /// carry them along.
    Approved,
}

/// What a closed month should have cost by what is known now, against all that was ever charged for it.
pub(super) async fn correct_closed(
    ctx: &OpContext,
    read: &mut Connection,
    month: Month,
    cause: &str,
    prices: Prices,
) -> Result<(Vec<Correction>, ChargeTable), AppError> {
    let (_, right) = rate_closed(ctx, read, month, prices).await?;
    let until = read.closed_months().await?.last().map_or(month, |closed| closed.month);
    let charged = charged_for(ctx, read, month, until, |_, _| true).await?;
    Ok(correct(month, &charged, &right, cause)?)
}

/// A closed month, metered and rated by what is known now.
pub(super) async fn rate_closed(
    ctx: &OpContext,
    read: &mut Connection,
    month: Month,
    prices: Prices,
) -> Result<(Facts, ChargeTable), AppError> {
    let mut facts = Facts::load(ctx, read, month).await?;
    if prices == Prices::Approved {
        leave_out_unapproved(read, &mut facts).await?;
    }
    let right = facts.rate(&facts.meter()?.table)?;
    Ok((facts, right))
}

/// Takes prices, terms and items out of the facts of a closed month that were dated back behind its close and that
/// wait for a reason: whatever the imports brought that its open late facts name.
async fn leave_out_unapproved(read: &mut Connection, facts: &mut Facts) -> Result<(), AppError> {
    let mut waiting = read.open_late_facts().await?;
    waiting.retain(|f| f.month == facts.month && f.cause == LateFact::BACKDATED_PRICE && !f.approved);
    if waiting.is_empty() {
        return Ok(());
    }
    let imports = waiting.iter().filter_map(|fact| fact.import).collect();
    // Older facts do not name their import: then the moment tells. Whatever was approved was there before.
    let unnamed = waiting.iter().filter(|fact| fact.import.is_none());
    let before = unnamed.map(|fact| fact.at).min();
    facts.books = read.price_books_without(&imports, before).await?;
    facts.contracts = read.history_without(&imports).await?;
    facts.items = read.history_without(&imports).await?;
    Ok(())
}

/// Everything that was ever charged for a month until the close (or latest rating) of another: its own lines, and
/// the corrections of it in later months.
pub(super) async fn charged_for(
    ctx: &OpContext,
    read: &mut Connection,
    month: Month,
    until: Month,
    keep: impl Fn(&Interner, &ChargeRow) -> bool,
) -> Result<ChargeTable, AppError> {
    let mut charged = ChargeTable::default();
    let mut rated = month;
    while rated <= until {
        if let Some(run) = read.current_run("rate", rated, "").await? {
            let path = run.path.as_deref().unwrap_or_default();
            let wanted = |names: &Interner, row: &ChargeRow| row.month == month && keep(names, row);
            charged.append(&ctx.lake().read_charges_where(path, wanted)?.table);
        }
        rated = rated.next();
    }
    Ok(charged)
}

pub(super) fn not_metered(month: Month) -> AppError {
    AppError::NotYet {
        month,
        what: "计价",
        why: format!("尚未计量，请先对 {month} 计量"),
    }
}
