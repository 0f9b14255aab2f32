//! Reconciling a month with the providers' bills, and recording what providers answer.

use super::meter::summary_of;
use super::{Facts, StepState, refuse_closed};
use crate::collect::manifest;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::catalogue::Contract;
use domain::rate::ChargeTable;
use domain::reconcile::{AnswerOutcome, ClassSum, reconcile};
use domain::registry::History;
use kernel::{Digester, Money, Month, RunId};
use lake::{Dataset, LakeName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Answer, BillRecord, RunRecord};

/// What reconciling a month gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReconcileOutcome {
    /// The month.
    pub month: Month,
    /// By provider that handed in a bill.
    pub providers: BTreeMap<String, ReconcileSummary>,
    /// Providers whose bill is missing.
    pub without_bill: Vec<String>,
    /// Whether any was reconciled anew.
    pub state: StepState,
}

/// The figures of a reconciling run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReconcileSummary {
    /// Version of the bill.
    pub version: i64,
    /// Our charges.
    pub ours: Money,
    /// The bill's total.
    pub billed: Money,
    /// What both sides agree on.
    pub undisputed: Money,
    /// Resources and items that agree to the fen.
    pub agreeing: u64,
    /// Those that do not.
    pub differing: u64,
    /// By class; the sums add up to billed - ours.
    pub classes: BTreeMap<String, ClassSum>,
}

/// Reconciles a month with the latest version of each provider's bill.
pub async fn reconcile_month(ctx: &OpContext, month: Month) -> Result<ReconcileOutcome, AppError> {
    refuse_closed(ctx, month).await?;
    let (facts, rated, bills, before) = {
        let mut read = ctx.store().read().await?;
        let rated = read
            .current_run("rate", month, "")
            .await?
            .ok_or_else(|| AppError::NotYet {
                month,
                what: "对账",
                why: format!("尚未计价，请先对 {month} 计价"),
            })?;
        let facts = Facts::load_prices(&mut read, month).await?;
        let mut latest: BTreeMap<String, BillRecord> = BTreeMap::new();
        for bill in read.bills(month).await? {
            latest.insert(bill.provider.to_string(), bill);
        }
        let mut before = BTreeMap::new();
        for provider in latest.keys() {
            before.insert(provider.clone(), read.current_run("reconcile", month, provider).await?);
        }
        (facts, rated, latest, before)
    };
    let mut outcome = ReconcileOutcome {
        month,
        providers: BTreeMap::new(),
        without_bill: facts
            .providers()
            .into_iter()
            .filter(|p| !bills.contains_key(p))
            .collect(),
        state: StepState::Unchanged,
    };
    let mut charges: Option<ChargeTable> = None;
    for (provider, bill) in &bills {
        let tolerance = tolerance(&facts.contracts, month, provider);
        let mut digest = Digester::new();
        digest
            .text(&rated.output.to_string())
            .text(&bill.digest.to_string())
            .number(tolerance.fen());
        let input = digest.finish();
        if let Some(Some(run)) = before
            .get(provider)
            .filter(|run| run.as_ref().is_some_and(|r| r.input == input))
        {
            outcome.providers.insert(provider.clone(), summary_of(run)?);
            continue;
        }
        let table = match &mut charges {
            Some(table) => table,
            None => charges.insert(ctx.lake().read_charges(rated.path.as_deref().unwrap_or_default())?),
        };
        let summary = one_provider(ctx, month, (provider, bill), table, tolerance, input).await?;
        outcome.providers.insert(provider.clone(), summary);
        outcome.state = StepState::Done;
    }
    Ok(outcome)
}

async fn one_provider(
    ctx: &OpContext,
    month: Month,
    (provider, bill): (&str, &BillRecord),
    charges: &ChargeTable,
    tolerance: Money,
    input: kernel::Digest,
) -> Result<ReconcileSummary, AppError> {
    let lines = ctx.lake().read_bill(&bill.path)?;
    let reconciled = reconcile(charges, &lines, tolerance)?;
    let summary = ReconcileSummary {
        version: bill.version,
        ours: reconciled.ours,
        billed: reconciled.billed,
        undisputed: reconciled.undisputed,
        agreeing: reconciled.agreeing,
        differing: u64::try_from(reconciled.differences.len()).unwrap_or(u64::MAX),
        classes: reconciled
            .classes
            .iter()
            .map(|(class, sum)| (class.word().to_owned(), *sum))
            .collect(),
    };
    let id: RunId = ctx.new_id();
    let file = ctx
        .lake()
        .write_differences(&LakeName::new(month, &id.to_string())?, &reconciled.differences)?;
    let run = RunRecord {
        id,
        step: "reconcile".into(),
        month,
        scope: provider.to_owned(),
        input,
        output: file.digest,
        path: Some(file.path.clone()),
        summary: serde_json::to_string(&summary)?,
        at: ctx.now(),
    };
    let mut work = ctx.store().begin().await?;
    if work.is_closed(month).await? {
        return Err(AppError::MonthClosed(month));
    }
    work.publish(&manifest(Dataset::Differences, month, &run.id.to_string(), &file))
        .await?;
    work.set_current_run(&run).await?;
    let detail =
        serde_json::json!({ "run": run.id, "provider": provider, "version": bill.version, "summary": summary });
    work.audit(
        ctx.now(),
        (ctx.actor(), "month.reconcile", &month.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(summary)
}

/// The tolerance of the provider's contracts; of several the smallest, and nothing where there is no contract.
pub(super) fn tolerance(contracts: &History<Contract>, month: Month, provider: &str) -> Money {
    let at = month.period().to().plus_s(-1);
    let of_provider = contracts.all_at(at).filter(|c| c.provider.as_str() == provider);
    of_provider.map(|c| c.tolerance).min().unwrap_or(Money::ZERO)
}

/// A provider's answer to one difference.
#[derive(Debug, Clone)]
pub struct AnswerInput {
    /// The provider.
    pub provider: String,
    /// Resource of the difference.
    pub resource: String,
    /// Item of the difference.
    pub item: String,
    /// What it comes to.
    pub outcome: AnswerOutcome,
    /// The figure that both sides settled on, in place of ours and the bill's; with that outcome only.
    pub agreed: Option<Money>,
    /// In its words.
    pub words: String,
}

/// Records what a provider answered to a difference, if whoever acts may answer for it. Answers are kept; the last one counts. What it settles is not
/// withheld when the month is closed, or, if that is done, released by the next close.
pub async fn answer_difference(ctx: &OpContext, month: Month, input: AnswerInput) -> Result<(), AppError> {
    let about = Target {
        kind: "difference",
        id: format!("{month} {} {}", input.resource, input.item),
        provider: input.provider.parse().ok(),
        ..Target::default()
    };
    ctx.judge(Action::BillAnswer, &about).await?;
    let settles = input.outcome == AnswerOutcome::Settled;
    if settles != input.agreed.is_some() || input.agreed.is_some_and(|figure| figure < Money::ZERO) {
        let why = "双方商定的，必须写明商定的应付金额（不小于 0）；其他答复不写金额";
        return Err(AppError::Invalid(why.to_owned()));
    }
    let run = {
        let mut read = ctx.store().read().await?;
        read.current_run("reconcile", month, &input.provider).await?
    };
    let path = run.and_then(|run| run.path).ok_or_else(|| AppError::NotYet {
        month,
        what: "登记答复",
        why: format!("云服务商 {} {month} 尚未对账，请先对账", input.provider),
    })?;
    let differences = ctx.lake().read_differences(&path)?;
    if !differences
        .iter()
        .any(|d| d.resource == input.resource && d.item == input.item)
    {
        let advice = "请核对该月差异清单中的资源和条目";
        return Err(AppError::NotFound {
            what: "差异",
            key: format!("{} {}", input.resource, input.item),
            advice,
        });
    }
    let answer = Answer {
        provider: input.provider,
        month,
        resource: input.resource,
        item: input.item,
        outcome: input.outcome,
        agreed: input.agreed,
        words: input.words,
        actor: ctx.actor().to_owned(),
        at: ctx.now(),
    };
    let mut work = ctx.store().begin().await?;
    work.add_answer(&answer).await?;
    let object = format!("{month} {} {}", answer.resource, answer.item);
    let detail =
        serde_json::json!({ "outcome": answer.outcome, "agreed": answer.agreed, "words": answer.words }).to_string();
    work.audit(ctx.now(), (ctx.actor(), "difference.answer", &object), detail)
        .await?;
    work.commit().await?;
    Ok(())
}
