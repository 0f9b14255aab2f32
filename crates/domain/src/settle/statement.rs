//! Statements: what a department pays a provider for a month, and what a provider is paid in all.
//!
//! Invariants: items sum to the charges; charges + corrections - withheld + released - deductions = payable; the
//! statements of the departments sum to the provider's (I3). The department's statement and the provider's are made
//! from the same lines.

use super::withheld::withhold;
use super::{Agreements, SlaDeduction, UnitMonths, Withheld};
use crate::rate::{ChargeKind, ChargeTable};
use crate::reconcile::Difference;
use crate::registry::{Side, words};
use kernel::{Money, MoneyError, Month};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// For whom a statement is: one department, or everything of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StatementScope {
    /// The provider that is paid.
    pub provider: String,
    /// The organisation that is charged; none for the provider's own statement.
    pub organisation: Option<String>,
}

impl StatementScope {
    /// The statement of the whole provider.
    fn whole(&self) -> Self {
        Self {
            provider: self.provider.clone(),
            organisation: None,
        }
    }

    /// Who confirms the statement first: the department whose use it is, or, for everything of a provider, the
    /// provider that is paid.
    pub const fn confirmed_by(&self) -> Side {
        if self.organisation.is_some() {
            Side::Unit
        } else {
            Side::Provider
        }
    }
}

words! {
    /// Why something that was withheld is paid.
    ReleaseCause {
        /// The provider handed in a corrected bill.
        CorrectedBill = "corrected_bill", "更正账单";
        /// The provider accepted our figure.
        Accepted = "accepted", "服务商认可";
        /// Both sides settled on a figure.
        Settled = "settled", "双方商定";
        /// Our own charge was corrected.
        Correction = "correction", "平台更正";
    }
}

/// Something that an earlier month withheld and that is paid now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The month that withheld it.
    pub month: Month,
    /// The department's statement that withheld it.
    pub statement: String,
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// Why.
    pub cause: ReleaseCause,
    /// The version of the provider's bill that it was held against.
    pub bill_version: u32,
    /// How much, as a positive amount.
    pub amount: Money,
}

/// One row of a statement: a system and an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementItem {
    /// System; for a provider's statement the organisation.
    pub group: String,
    /// Item; empty for a commitment.
    pub item: String,
    /// Lines behind it.
    pub lines: u64,
    /// Quantity x part of the term, added up: unit months; zero for corrections, which are amounts only. Units: 10^-6.
    /// Rounding: half up, from sums kept to 10^-12.
    pub unit_months: kernel::Quantity,
    /// The month that is corrected; none for charges of the statement's own month.
    pub corrects: Option<Month>,
    /// The amount.
    pub amount: Money,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its number, without gaps within a month.
    pub number: String,
    /// The month it settles.
    pub month: Month,
    /// For whom.
    pub scope: StatementScope,
    /// Its rows.
    pub items: Vec<StatementItem>,
    /// Charges of the month.
    pub charges: Money,
    /// Corrections of earlier months.
    pub corrections: Money,
    /// What is withheld until a difference is settled.
    pub withheld: Vec<Withheld>,
    /// What earlier months withheld and is paid now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Release>,
    /// Deductions for service levels, of the month and of closed ones.
    pub deductions: Vec<SlaDeduction>,
    /// What is to be paid.
    pub payable: Money,
}

impl Statement {
    /// The sum of what is withheld.
    pub fn withheld_total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.withheld.iter().map(|w| w.amount))
    }

    /// The sum of what is released.
    pub fn released_total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.releases.iter().map(|r| r.amount))
    }

    /// The sum of deductions.
    pub fn deductions_total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.deductions.iter().map(|d| d.amount))
    }
}

/// The number of the `n`th statement of a month: `JS-202603-0001`.
pub fn number(month: Month, n: usize) -> String {
    format!("JS-{}-{n:04}", month.to_string().replace('-', ""))
}

/// What statements are made from besides the charges.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Differences by provider that handed in a bill.
    pub differences: BTreeMap<String, Vec<Difference>>,
    /// What answers to them settled before the close.
    pub agreements: Agreements,
    /// What closed months withheld and is paid now, for the departments.
    pub releases: Vec<(StatementScope, Release)>,
    /// Deductions, for the departments.
    pub deductions: Vec<(StatementScope, SlaDeduction)>,
}

/// Makes all statements of a month: of each department with each provider, then of each provider; numbered in order
/// of provider and department.
///
/// Withheld is what we charge but the provider does not bill (beyond the tolerance) and has not accepted: public
/// money pays no more than both sides agree on. Releases and deductions come with the organisation they concern, and
/// stand on the provider's statement too.
pub fn make_statements(month: Month, charges: &ChargeTable, settled: &Settled) -> Result<Vec<Statement>, MoneyError> {
    let mut drafts = itemise(charges)?;
    let charged = charged_to(charges, &settled.differences)?;
    let nobody = BTreeMap::new();
    for (provider, differences) in &settled.differences {
        for difference in differences {
            let key = (provider.clone(), difference.resource.clone(), difference.item.clone());
            let agreed = settled.agreements.get(&key).copied();
            for (organisation, withheld) in withhold(difference, agreed, charged.get(&key).unwrap_or(&nobody))? {
                let scope = StatementScope {
                    provider: provider.clone(),
                    organisation: Some(organisation),
                };
                stand_on_both(&mut drafts, &scope, |draft| draft.withheld.push(withheld.clone()));
            }
        }
    }
    for (scope, release) in &settled.releases {
        stand_on_both(&mut drafts, scope, |draft| draft.releases.push(release.clone()));
    }
    for (scope, deduction) in &settled.deductions {
        stand_on_both(&mut drafts, scope, |draft| draft.deductions.push(deduction.clone()));
    }
    // Departments first, then the provider as a whole.
    let mut ordered: Vec<_> = drafts.into_iter().collect();
    ordered.sort_by(|(a, _), (b, _)| {
        let key = |s: &StatementScope| (s.provider.clone(), s.organisation.is_none(), s.organisation.clone());
        key(a).cmp(&key(b))
    });
    ordered
        .into_iter()
        .enumerate()
        .map(|(place, (scope, draft))| draft.finish(number(month, place + 1), month, scope))
        .collect()
}

/// Adds up the lines by statement, system (or organisation) and item.
fn itemise(charges: &ChargeTable) -> Result<BTreeMap<StatementScope, Draft>, MoneyError> {
    let mut drafts: BTreeMap<StatementScope, Draft> = BTreeMap::new();
    for row in &charges.rows {
        let text = |name: u32| charges.names.text(name).to_owned();
        let organisation = text(row.organisation);
        let corrects = (row.kind == ChargeKind::Correction).then_some(row.month);
        let own = StatementScope {
            provider: text(row.provider),
            organisation: Some(organisation.clone()),
        };
        let whole = own.whole();
        for (scope, group) in [(own, text(row.system)), (whole, organisation)] {
            let draft = drafts.entry(scope).or_default();
            let sum = draft.items.entry((corrects, group, text(row.item))).or_default();
            sum.lines += 1;
            if corrects.is_none() {
                sum.unit_months.add(row.quantity, row.part)?;
            }
            sum.amount = sum.amount.plus(row.amount)?;
        }
    }
    Ok(drafts)
}

/// What each organisation is charged, by provider, resource and item.
type ChargedTo = BTreeMap<(String, String, String), BTreeMap<String, Money>>;

/// What each organisation is charged, where a difference may withhold something.
fn charged_to(charges: &ChargeTable, differences: &BTreeMap<String, Vec<Difference>>) -> Result<ChargedTo, MoneyError> {
    let mut wanted: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for (provider, differences) in differences {
        let below = differences
            .iter()
            .filter(|d| !d.tolerated && d.difference < Money::ZERO);
        wanted.extend(below.map(|d| (provider.as_str(), d.resource.as_str(), d.item.as_str())));
    }
    let mut charged = ChargedTo::new();
    for row in charges.rows.iter().filter(|row| row.kind != ChargeKind::Correction) {
        let text = |name: u32| charges.names.text(name);
        let key = (text(row.provider), text(row.resource), text(row.item));
        if wanted.contains(&key) {
            let key = (key.0.to_owned(), key.1.to_owned(), key.2.to_owned());
            let by_organisation = charged.entry(key).or_default();
            let sum = by_organisation.entry(text(row.organisation).to_owned()).or_default();
            *sum = sum.plus(row.amount)?;
        }
    }
    Ok(charged)
}

/// Puts something on the statement of a department and on that of its provider.
fn stand_on_both(
    drafts: &mut BTreeMap<StatementScope, Draft>,
    scope: &StatementScope,
    mut put: impl FnMut(&mut Draft),
) {
    let whole = scope.whole();
    if *scope != whole {
        put(drafts.entry(scope.clone()).or_default());
    }
    put(drafts.entry(whole).or_default());
}

#[derive(Default)]
struct ItemSum {
    lines: u64,
    unit_months: UnitMonths,
    amount: Money,
}

#[derive(Default)]
struct Draft {
    items: BTreeMap<(Option<Month>, String, String), ItemSum>,
    withheld: Vec<Withheld>,
    releases: Vec<Release>,
    deductions: Vec<SlaDeduction>,
}

impl Draft {
    fn finish(self, number: String, month: Month, scope: StatementScope) -> Result<Statement, MoneyError> {
        let items: Vec<StatementItem> = self
            .items
            .into_iter()
            .map(|((corrects, group, item), sum)| {
                Ok(StatementItem {
                    group,
                    item,
                    lines: sum.lines,
                    unit_months: sum.unit_months.sum()?,
                    corrects,
                    amount: sum.amount,
                })
            })
            .collect::<Result<_, MoneyError>>()?;
        let sum_of = |corrections: bool| {
            Money::sum(
                items
                    .iter()
                    .filter(|i| i.corrects.is_some() == corrections)
                    .map(|i| i.amount),
            )
        };
        let mut statement = Statement {
            number,
            month,
            scope,
            charges: sum_of(false)?,
            corrections: sum_of(true)?,
            items,
            withheld: self.withheld,
            releases: self.releases,
            deductions: self.deductions,
            payable: Money::ZERO,
        };
        let gross = statement.charges.plus(statement.corrections)?;
        statement.payable = gross
            .minus(statement.withheld_total()?)?
            .plus(statement.released_total()?)?
            .minus(statement.deductions_total()?)?;
        Ok(statement)
    }
}
