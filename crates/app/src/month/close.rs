//! Closing a month: metering, rating and reconciling are brought up to date, statements are made, and the month is
//! frozen, in one transaction.

use super::rate::{Basis, not_metered};
use super::{Facts, meter, rate, reconcile_month, refuse_closed};
use crate::{AppError, OpContext};
use domain::rate::{ChargeKind, ChargeTable};
use domain::reconcile::Difference;
use domain::settle::{
    Outage, SlaDeduction, Statement, StatementScope, StatementStatus, availability, make_statements, sla_deduction,
};
use kernel::{Digest, Money, Month, Period};
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
    /// Deducted for service levels.
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
    meter(ctx, month).await?;
    rate(ctx, month).await?;
    let reconciled = reconcile_month(ctx, month).await?;
    ctx.progress().at("关账：编制结算单", 0, 2);
    let (run, statements) = prepare(ctx, month, &reconciled.providers.keys().cloned().collect::<Vec<_>>()).await?;
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
        deducted: whole(Statement::deductions_total)?,
        payable: whole(|s| Ok(s.payable))?,
        corrections: 0,
        without_bill: reconciled.without_bill,
    };
    let mut work = ctx.store().begin().await?;
    if work.is_closed(month).await? || !still_holds(ctx, &mut work, month, run).await? {
        return Err(store::StoreError::Conflict(format!("{month} 的数据")).into());
    }
    for statement in statements {
        let body = serde_json::to_string(&statement).unwrap_or_default();
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

/// A month is closed only after every earlier one that was ever metered.
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

async fn prepare(ctx: &OpContext, month: Month, providers: &[String]) -> Result<(Digest, Vec<Statement>), AppError> {
    let mut read = ctx.store().read().await?;
    let facts = Facts::load_prices(&mut read, month).await?;
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
    let outages = read.outages_within(month.period()).await?;
    let deductions = deductions(&facts, &charges, &outages)?;
    Ok((run.output, make_statements(month, &charges, &differences, &deductions)?))
}

/// SLA deductions: for each resource with an outage, by the contract and department it is charged to.
fn deductions(
    facts: &Facts,
    charges: &ChargeTable,
    outages: &[Outage],
) -> Result<Vec<(StatementScope, SlaDeduction)>, AppError> {
    let mut by_resource: BTreeMap<&str, Vec<Outage>> = BTreeMap::new();
    for outage in outages {
        by_resource
            .entry(outage.resource.as_str())
            .or_default()
            .push(outage.clone());
    }
    let mut fees: BTreeMap<(&str, u32, u32, u32), (Money, Period)> = BTreeMap::new();
    for row in charges.rows.iter().filter(|row| row.kind == ChargeKind::Usage) {
        let resource = charges.names.text(row.resource);
        let (true, Ok(period)) = (by_resource.contains_key(resource), Period::new(row.from, row.to)) else {
            continue;
        };
        let fee = fees
            .entry((resource, row.provider, row.organisation, row.contract))
            .or_insert((Money::ZERO, period));
        fee.0 = fee.0.plus(row.amount)?;
        if let Ok(longer) = Period::new(fee.1.from().min(period.from()), fee.1.to().max(period.to())) {
            fee.1 = longer;
        }
    }
    let tariffs = facts.tariffs();
    let mut deductions = Vec::new();
    for ((resource, provider, organisation, contract), (fee, service)) in fees {
        let terms = tariffs
            .contracts()
            .get(charges.names.text(contract))
            .and_then(|c| c.sla.as_ref());
        let (Some(terms), Some(outages)) = (terms, by_resource.get(resource)) else {
            continue;
        };
        let had = availability(outages, service, terms)?;
        if let Some(deduction) = sla_deduction(resource, fee, had, terms)? {
            let text = |name: u32| charges.names.text(name).to_owned();
            let scope = StatementScope {
                provider: text(provider),
                organisation: Some(text(organisation)),
            };
            deductions.push((scope, deduction));
        }
    }
    Ok(deductions)
}
