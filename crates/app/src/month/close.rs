//! Closing a month: metering, rating and reconciling are brought up to date, statements are made, and the month is
//! frozen, in one transaction.

use super::rate::{Basis, not_metered};
use super::settle::Known;
use super::{Facts, meter, rate, reconcile_month, refuse_closed};
use crate::price_books::refuse_waiting;
use crate::{AppError, OpContext};
use domain::reconcile::Difference;
use domain::settle::{Statement, StatementStatus, WithheldLedger, make_statements};
use kernel::{Digest, Money, Month};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{Connection, MonthRecord, StatementRecord};

/// What closing a month gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CloseOutcome {
    /// The month.
    pub month: Month,
    /// Statements that were made.
    pub statements: u64,
    /// Charges of the month, corrections included.
    pub charged: Money,
    /// Withheld until differences are settled.
    pub withheld: Money,
    /// Withheld by earlier months and paid now.
    pub released: Money,
    /// Still withheld after this close, of all months.
    pub still_withheld: Money,
    /// Deducted for service levels, late deductions of closed months included.
    pub deducted: Money,
    /// To be paid.
    pub payable: Money,
    /// Facts about earlier months that were posted in this one.
    pub corrections: u64,
    /// Providers whose bill was missing: nothing of theirs is withheld or compared.
    pub without_bill: Vec<String>,
}

/// Closes a month. Months are closed in order.
pub async fn close_month(ctx: &OpContext, month: Month) -> Result<CloseOutcome, AppError> {
    refuse_closed(ctx, month).await?;
    in_order(ctx, month).await?;
    refuse_waiting(&mut ctx.store().read().await?, month).await?;
    meter(ctx, month).await?;
    ctx.go_on().await?;
    rate(ctx, month).await?;
    ctx.go_on().await?;
    let reconciled = reconcile_month(ctx, month).await?;
    ctx.progress().at("关账：编制结算单", 0, 2);
    let providers: Vec<String> = reconciled.providers.keys().cloned().collect();
    let (run, known, statements) = prepare(ctx, month, &providers).await?;
    // Sums that were withheld add up, before and after this month, or nothing is closed.
    let ledger = WithheldLedger::of(known.withheld.iter().chain(&statements))?;
    ctx.progress().at("关账：提交", 1, 2);
    let whole = |of: fn(&Statement) -> Result<Money, kernel::MoneyError>| {
        let providers = statements.iter().filter(|s| s.scope.organisation.is_none());
        providers.map(of).try_fold(Money::ZERO, |sum, next| sum.plus(next?))
    };
    let mut outcome = CloseOutcome {
        month,
        statements: u64::try_from(statements.len()).unwrap_or(u64::MAX),
        charged: whole(|s| s.charges.plus(s.corrections))?,
        withheld: whole(Statement::withheld_total)?,
        released: whole(Statement::released_total)?,
        still_withheld: ledger.sums(|_| true)?.left,
        deducted: whole(Statement::deductions_total)?,
        payable: whole(|s| Ok(s.payable))?,
        corrections: 0,
        without_bill: reconciled.without_bill,
    };
    ctx.go_on().await?;
    let mut work = ctx.store().begin().await?;
    refuse_waiting(&mut work, month).await?;
    let holds = still_holds(ctx, &mut work, month, run).await? && Known::read(&mut work, month).await? == known;
    if work.is_closed(month).await? || !holds {
        return Err(store::StoreError::Conflict(format!("{month} 的数据")).into());
    }
    for statement in statements {
        let body = serde_json::to_string(&statement)?;
        let digest = Digest::of(body.as_bytes());
        work.add_statement(&StatementRecord {
            statement,
            status: StatementStatus::Draft,
            version: 1,
            digest,
        })
        .await?;
    }
    outcome.corrections = work.post_late_facts(month).await?;
    let closed_at = ctx.now();
    work.close_month(&MonthRecord {
        month,
        closed_at,
        actor: ctx.actor().to_owned(),
    })
    .await?;
    let detail = serde_json::json!({ "charges": run, "outcome": outcome }).to_string();
    work.audit(ctx.now(), (ctx.actor(), "month.close", &month.to_string()), detail)
        .await?;
    work.commit().await?;
    ctx.progress().at("关账", 2, 2);
    Ok(outcome)
}

/// Whether nothing came in since the month was metered and rated: what is frozen must be what is known now.
async fn still_holds(ctx: &OpContext, work: &mut Connection, month: Month, rated: Digest) -> Result<bool, AppError> {
    let facts = Facts::load(ctx, work, month).await?;
    let basis = Basis::read(work, &facts).await?;
    let metered = work.current_run("meter", month, "").await?;
    let run = work.current_run("rate", month, "").await?;
    Ok(metered.is_some_and(|run| run.input == facts.meter_digest())
        && run.is_some_and(|run| run.input == basis.input && run.output == rated))
}

/// A month is closed when it is over; after the first one that was closed, one after the other.
async fn in_order(ctx: &OpContext, month: Month) -> Result<(), AppError> {
    let mut read = ctx.store().read().await?;
    let closed = read.closed_months().await?;
    if let Some(last) = closed.last().filter(|last| last.month.next() != month) {
        let why = format!("上一次关账的是 {}，应先关 {}", last.month, last.month.next());
        return Err(AppError::NotYet {
            month,
            what: "关账",
            why,
        });
    }
    if ctx.now() < month.period().to() {
        let why = format!("当月尚未结束，{} 之后才能关账", month.period().to());
        return Err(AppError::NotYet {
            month,
            what: "关账",
            why,
        });
    }
    Ok(())
}

async fn prepare(
    ctx: &OpContext,
    month: Month,
    providers: &[String],
) -> Result<(Digest, Known, Vec<Statement>), AppError> {
    let mut read = ctx.store().read().await?;
    let facts = Facts::load_prices(&mut read, month).await?;
    let known = Known::read(&mut read, month).await?;
    let run = read
        .current_run("rate", month, "")
        .await?
        .ok_or_else(|| not_metered(month))?;
    let charges = ctx.lake().read_charges(run.path.as_deref().unwrap_or_default())?;
    let mut differences: BTreeMap<String, Vec<Difference>> = BTreeMap::new();
    for provider in providers {
        let run = read.current_run("reconcile", month, provider).await?;
        let Some(path) = run.and_then(|run| run.path) else {
            continue;
        };
        differences.insert(provider.clone(), ctx.lake().read_differences(&path)?);
    }
    let settled = known.settle(ctx, &mut read, &facts, &charges, differences).await?;
    let statements = make_statements(month, &charges, &settled)?;
    Ok((run.output, known, statements))
}
