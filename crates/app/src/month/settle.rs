//! What the statements of a month are made from besides its lines and differences: answers, outages, and what closed
//! months have left open (sums that were withheld, deductions that were not made).
//!
//! Owns where these figures come from. The rules are the domain's. Invariant: what is read to make statements is read
//! again before they are stored, and must be the same.

use super::Facts;
use super::meter::summary_of;
use super::rate::{Prices, charged_for, rate_closed};
use super::reconcile::{ReconcileSummary, tolerance};
use crate::{AppError, OpContext};
use domain::rate::{ChargeRow, ChargeTable};
use domain::reconcile::{Agreed, Difference, ProviderBill};
use domain::settle::{
    Agreements, DeductedMonth, Outage, Release, Review, Settled, SlaDeduction, Standing, Statement, StatementScope,
    WithheldLedger, assess_outages, sla_deductions,
};
use kernel::{Interner, Money, Month};
use std::collections::{BTreeMap, BTreeSet};
use store::{Answer, BillRecord, Connection};

/// Resource and item.
type ItemKey = (String, String);

/// What the store knows, beside lines and differences, when a month is closed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    month: Month,
    /// Outages of the month.
    outages: Vec<Outage>,
    /// Closed months that something late concerns, and all their outages.
    late: BTreeMap<Month, Vec<Outage>>,
    /// Statements that withheld or released something.
    pub(super) withheld: Vec<Statement>,
    /// The newest bill of each provider, of the month and of those that have something withheld.
    bills: BTreeMap<(Month, String), BillRecord>,
    /// Answers of the same months.
    answers: Vec<Answer>,
}

impl Known {
    pub(super) async fn read(read: &mut Connection, month: Month) -> Result<Self, AppError> {
        let mut late = BTreeMap::new();
        for fact in read.open_late_facts().await? {
            if fact.approved && fact.month < month && !late.contains_key(&fact.month) {
                late.insert(fact.month, read.outages_within(fact.month.period()).await?);
            }
        }
        let records = read.statements_that_withheld().await?;
        let withheld: Vec<Statement> = records.into_iter().map(|record| record.statement).collect();
        let ledger = WithheldLedger::of(&withheld)?;
        let open = ledger.positions().filter(|position| position.left > Money::ZERO);
        let months: BTreeSet<Month> = open.map(|position| position.month).chain([month]).collect();
        let (mut bills, mut answers) = (BTreeMap::new(), Vec::new());
        for month in months {
            for bill in read.bills(month).await? {
                bills.insert((month, bill.provider.to_string()), bill);
            }
            answers.extend(read.answers(month).await?);
        }
        Ok(Self {
            month,
            outages: read.outages_within(month.period()).await?,
            late,
            withheld,
            bills,
            answers,
        })
    }

    /// What the providers' last answers of a month settle.
    fn agreements(&self, month: Month) -> Agreements {
        agreements(self.answers.iter().filter(|answer| answer.month == month))
    }

    /// Everything besides the lines that the statements are made from.
    pub(super) async fn settle(
        &self,
        ctx: &OpContext,
        read: &mut Connection,
        facts: &Facts,
        charges: &ChargeTable,
        differences: BTreeMap<String, Vec<Difference>>,
    ) -> Result<Settled, AppError> {
        let tariffs = facts.tariffs();
        let terms = |code: &str| tariffs.contracts().get(code).and_then(|contract| contract.sla.as_ref());
        let mut deductions = sla_deductions(charges, &self.outages, terms)?;
        for (month, outages) in &self.late {
            deductions.extend(late_deductions(ctx, read, *month, outages).await?);
        }
        Ok(Settled {
            differences,
            agreements: self.agreements(self.month),
            releases: self.releases(ctx, read).await?,
            deductions,
        })
    }

    /// What closed months withheld and is to be paid now, by month and provider.
    async fn releases(
        &self,
        ctx: &OpContext,
        read: &mut Connection,
    ) -> Result<Vec<(StatementScope, Release)>, AppError> {
        let ledger = WithheldLedger::of(&self.withheld)?;
        let mut open: BTreeMap<(Month, String), BTreeSet<ItemKey>> = BTreeMap::new();
        for position in ledger.positions().filter(|position| position.left > Money::ZERO) {
            let items = open
                .entry((position.month, position.scope.provider.clone()))
                .or_default();
            items.insert((position.resource.clone(), position.item.clone()));
        }
        let mut releases = Vec::new();
        for ((month, provider), items) in open {
            let Some(bill) = self.bills.get(&(month, provider.clone())) else {
                continue;
            };
            let Some(run) = read.current_run("reconcile", month, &provider).await? else {
                continue;
            };
            let closed_with = summary_of::<ReconcileSummary>(&run)?.version;
            let mut agreed = agreed_with(&provider, self.agreements(month));
            agreed.retain(|key, _| items.contains(key));
            // Where nothing has come, nothing is read.
            if bill.version == closed_with && agreed.is_empty() && !self.late.contains_key(&month) {
                continue;
            }
            let newest = ctx.lake().read_bill(&bill.path)?;
            let wanted = |key: &ItemKey| items.contains(key);
            let standings = standings(ctx, read, (month, self.month), &newest, &agreed, wanted).await?;
            let version = |version: i64| u32::try_from(version).unwrap_or(u32::MAX);
            let review = Review {
                month,
                closed_with: version(closed_with),
                newest: version(bill.version),
                tolerance: tolerance(&read.history().await?, month, &provider),
            };
            let standing = |resource: &str, item: &str| {
                let key = (resource.to_owned(), item.to_owned());
                standings.get(&key).copied().unwrap_or_default()
            };
            releases.extend(ledger.releases(&provider, review, standing)?);
        }
        Ok(releases)
    }
}

/// How resources and items of a provider's closed month stand today: all that was charged for it until the close (or
/// latest rating) of another month, a bill, and what answers settle.
async fn standings(
    ctx: &OpContext,
    read: &mut Connection,
    (month, until): (Month, Month),
    bill: &ProviderBill,
    agreed: &BTreeMap<ItemKey, Agreed>,
    wanted: impl Fn(&ItemKey) -> bool,
) -> Result<BTreeMap<ItemKey, Standing>, AppError> {
    let mut standings: BTreeMap<ItemKey, Standing> = BTreeMap::new();
    let key =
        |names: &Interner, row: &ChargeRow| (names.text(row.resource).to_owned(), names.text(row.item).to_owned());
    let provider = bill.provider.as_str();
    let charged = charged_for(ctx, read, month, until, |names, row| {
        names.text(row.provider) == provider && wanted(&key(names, row))
    })
    .await?;
    for row in &charged.rows {
        let standing = standings.entry(key(&charged.names, row)).or_default();
        standing.ours = Some(standing.ours.unwrap_or_default().plus(row.amount)?);
    }
    for line in &bill.lines {
        let key = (line.resource.clone(), line.item.to_string());
        if wanted(&key) {
            let standing = standings.entry(key).or_default();
            standing.billed = Some(standing.billed.unwrap_or_default().plus(line.amount)?);
        }
    }
    for (key, agreed) in agreed.iter().filter(|(key, _)| wanted(key)) {
        standings.entry(key.clone()).or_default().agreed = Some(*agreed);
    }
    Ok(standings)
}

/// What the last answers of a provider settle, of answers of one month.
fn agreed_with(provider: &str, agreements: Agreements) -> BTreeMap<ItemKey, Agreed> {
    let own = agreements.into_iter().filter(|((by, ..), _)| by == provider);
    own.map(|((_, resource, item), agreed)| ((resource, item), agreed))
        .collect()
}

/// What was paid for a closed month above a bill that came after its close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaidAbove {
    /// Resources and items.
    pub(crate) items: usize,
    /// Their sum.
    pub(crate) sum: Money,
    /// The one with most: resource, item and amount.
    pub(crate) largest: (String, String, Money),
}

/// Looks for what was paid for a closed month although a bill that came later does not ask for it; none if nothing was.
pub(crate) async fn paid_above(
    ctx: &OpContext,
    read: &mut Connection,
    bill: &ProviderBill,
) -> Result<Option<PaidAbove>, AppError> {
    let Some(last) = read.closed_months().await?.pop() else {
        return Ok(None);
    };
    let provider = bill.provider.as_str();
    let agreed = agreed_with(provider, agreements(&read.answers(bill.month).await?));
    let standings = standings(ctx, read, (bill.month, last.month), bill, &agreed, |_| true).await?;
    let records = read.statements_that_withheld().await?;
    let statements: Vec<Statement> = records.into_iter().map(|record| record.statement).collect();
    let ledger = WithheldLedger::of(&statements)?;
    let tolerance = tolerance(&read.history().await?, bill.month, provider);
    let mut left: BTreeMap<(&str, &str), Money> = BTreeMap::new();
    for position in ledger.positions() {
        if position.month == bill.month && position.scope.provider == provider {
            let sum = left.entry((&position.resource, &position.item)).or_default();
            *sum = sum.plus(position.left)?;
        }
    }
    let mut found: Option<PaidAbove> = None;
    for ((resource, item), standing) in standings {
        let left = left
            .get(&(resource.as_str(), item.as_str()))
            .copied()
            .unwrap_or_default();
        let amount = standing.paid_above(left, tolerance)?;
        if amount.is_zero() {
            continue;
        }
        let largest = (resource, item, amount);
        found = Some(match found {
            None => PaidAbove {
                items: 1,
                sum: amount,
                largest,
            },
            Some(before) => PaidAbove {
                items: before.items + 1,
                sum: before.sum.plus(amount)?,
                largest: if amount > before.largest.2 {
                    largest
                } else {
                    before.largest
                },
            },
        });
    }
    Ok(found)
}

/// What the last answers of a month settle, by provider, resource and item.
fn agreements<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Agreements {
    let mut agreements = Agreements::new();
    for answer in answers {
        let key = (answer.provider.clone(), answer.resource.clone(), answer.item.clone());
        match answer.outcome.agreed(answer.agreed) {
            Some(agreed) => agreements.insert(key, agreed),
            None => agreements.remove(&key),
        };
    }
    agreements
}

/// What a closed month should have been deducted by what is known now, against all that ever was.
async fn late_deductions(
    ctx: &OpContext,
    read: &mut Connection,
    month: Month,
    outages: &[Outage],
) -> Result<Vec<(StatementScope, SlaDeduction)>, AppError> {
    let records = read.statements_since(month).await?;
    let deducted = DeductedMonth::of(month, records.iter().map(|record| &record.statement))?;
    if deducted.is_empty() && outages.is_empty() {
        return Ok(Vec::new());
    }
    let (facts, right) = rate_closed(ctx, read, month, Prices::Approved).await?;
    let tariffs = facts.tariffs();
    let terms = |code: &str| tariffs.contracts().get(code).and_then(|contract| contract.sla.as_ref());
    let assessed = assess_outages(&right, outages, terms)?;
    Ok(deducted.correct(&assessed)?)
}
