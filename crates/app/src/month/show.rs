//! Where a month stands.

use super::meter::{MeterSummary, summary_of};
use super::rate::RateSummary;
use super::reconcile::ReconcileSummary;
use crate::{AppError, OpContext};
use domain::settle::{WithheldLedger, WithheldSums};
use kernel::{Instant, Money, Month};
use serde::Serialize;
use std::collections::BTreeMap;
use store::ChargeSum;

/// A version of a provider's bill that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillView {
    /// Code of the provider.
    pub provider: String,
    /// Version, from 1; the highest counts.
    pub version: i64,
    /// Lines.
    pub lines: i64,
    /// Their sum.
    pub total: Money,
    /// When it was received.
    pub received_at: Instant,
}

/// A month as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct MonthView {
    /// The month.
    pub month: Month,
    /// When it was closed, if it was.
    pub closed_at: Option<Instant>,
    /// Metering, if it was metered.
    pub metered: Option<MeterSummary>,
    /// Rating, if it was rated.
    pub rated: Option<RateSummary>,
    /// Reconciling, by provider.
    pub reconciled: BTreeMap<String, ReconcileSummary>,
    /// Versions of bills that were handed in, by provider and version.
    pub bills: Vec<BillView>,
    /// Statements by where they stand.
    pub statements: BTreeMap<String, u64>,
    /// What the month withheld, what was released of it since, and what is left.
    pub withheld: WithheldSums,
    /// The same of all closed months.
    pub withheld_ever: WithheldSums,
    /// Sums of charges by provider, organisation and item.
    #[serde(skip)]
    pub sums: Vec<ChargeSum>,
    /// Name of each item, provider and organisation in the sums.
    #[serde(skip)]
    pub names: BTreeMap<String, String>,
    /// Form of service of each item.
    #[serde(skip)]
    pub forms: BTreeMap<String, &'static str>,
}

/// Shows a month.
pub async fn show(ctx: &OpContext, month: Month) -> Result<MonthView, AppError> {
    let mut read = ctx.store().read().await?;
    let closed = read.closed_months().await?.into_iter().find(|c| c.month == month);
    let mut view = MonthView {
        month,
        closed_at: closed.map(|c| c.closed_at),
        metered: None,
        rated: None,
        reconciled: BTreeMap::new(),
        bills: Vec::new(),
        statements: BTreeMap::new(),
        withheld: WithheldSums::default(),
        withheld_ever: WithheldSums::default(),
        sums: Vec::new(),
        names: BTreeMap::new(),
        forms: BTreeMap::new(),
    };
    for run in read.current_runs(month).await? {
        match run.step.as_str() {
            "meter" => view.metered = Some(summary_of(&run)?),
            "rate" => {
                view.rated = Some(summary_of(&run)?);
                view.sums = read.charge_sums(run.id).await?;
            }
            _ => {
                view.reconciled.insert(run.scope.clone(), summary_of(&run)?);
            }
        }
    }
    let bills = read.bills(month).await?.into_iter().map(|bill| BillView {
        provider: bill.provider.to_string(),
        version: bill.version,
        lines: bill.lines,
        total: bill.total,
        received_at: bill.received_at,
    });
    view.bills = bills.collect();
    for statement in read.statements(month).await? {
        let stage = statement.status.stage(statement.statement.scope.confirmed_by());
        *view.statements.entry(stage.to_owned()).or_insert(0) += 1;
    }
    let records = read.statements_that_withheld().await?;
    let ledger = WithheldLedger::of(records.iter().map(|record| &record.statement))?;
    view.withheld = ledger.sums(|position| position.month == month)?;
    view.withheld_ever = ledger.sums(|_| true)?;
    let at = month.period().to().plus_s(-1);
    let organisations = read.history::<domain::registry::Organisation>().await?;
    view.names
        .extend(organisations.all_at(at).map(|o| (o.code.to_string(), o.name.clone())));
    for item in read.history::<domain::catalogue::ServiceItem>().await?.all_at(at) {
        view.names.insert(item.code.to_string(), item.name.clone());
        view.forms.insert(item.code.to_string(), item.form.zh());
    }
    Ok(view)
}
