//! Statements: what a department pays a provider for a month, and what a provider is paid in all.
//!
//! Invariants: items sum to the charges; charges + corrections - withheld - deductions = payable; the statements of
//! the departments sum to the provider's (I3). The department's statement and the provider's are made from the same
//! lines.

use super::SlaDeduction;
use crate::rate::{ChargeKind, ChargeTable};
use crate::reconcile::{Difference, DifferenceClass};
use kernel::ratio::div_half_up;
use kernel::{Money, MoneyError, Month};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const MICRO: i128 = 1_000_000;

/// For whom a statement is: one department, or everything of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StatementScope {
    /// The provider that is paid.
    pub provider: String,
    /// The organisation that is charged; none for the provider's own statement.
    pub organisation: Option<String>,
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

/// Something that is not paid yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// Why.
    pub class: DifferenceClass,
    /// How much, as a positive amount.
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
    /// Deductions for service levels.
    pub deductions: Vec<SlaDeduction>,
    /// What is to be paid.
    pub payable: Money,
}

impl Statement {
    /// The sum of what is withheld.
    pub fn withheld_total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.withheld.iter().map(|w| w.amount))
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

/// Makes all statements of a month: of each department with each provider, then of each provider; numbered in order
/// of provider and department.
///
/// Withheld is what we charge but the provider does not bill (beyond the tolerance): public money pays no more than
/// both sides agree on. Deductions come with the organisation that is charged for the resource.
pub fn make_statements(
    month: Month,
    charges: &ChargeTable,
    differences: &BTreeMap<String, Vec<Difference>>,
    deductions: &[(StatementScope, SlaDeduction)],
) -> Result<Vec<Statement>, MoneyError> {
    let mut drafts: BTreeMap<StatementScope, Draft> = BTreeMap::new();
    for row in &charges.rows {
        let text = |name: u32| charges.names.text(name).to_owned();
        let (provider, organisation) = (text(row.provider), text(row.organisation));
        let corrects = (row.kind == ChargeKind::Correction).then_some(row.month);
        let scopes = [
            (
                StatementScope {
                    provider: provider.clone(),
                    organisation: Some(organisation.clone()),
                },
                text(row.system),
            ),
            (
                StatementScope {
                    provider,
                    organisation: None,
                },
                organisation,
            ),
        ];
        for (scope, group) in scopes {
            let draft = drafts.entry(scope).or_default();
            let sum = draft.items.entry((corrects, group, text(row.item))).or_default();
            sum.lines += 1;
            if corrects.is_none() {
                let whole = i128::from(row.quantity.micros()) * i128::from(row.part.num());
                let fine = whole
                    .checked_mul(MICRO)
                    .and_then(|n| div_half_up(n, i128::from(row.part.den())))
                    .ok_or(MoneyError)?;
                sum.unit_picos += fine;
            }
            sum.amount = sum.amount.plus(row.amount)?;
        }
    }
    for (provider, differences) in differences {
        for difference in differences
            .iter()
            .filter(|d| !d.tolerated && d.difference < Money::ZERO)
        {
            let withheld = Withheld {
                resource: difference.resource.clone(),
                item: difference.item.clone(),
                class: difference.main_class(),
                amount: difference.difference.magnitude()?,
            };
            let organisation = Some(difference.organisation.clone());
            for organisation in [organisation, None] {
                let scope = StatementScope {
                    provider: provider.clone(),
                    organisation,
                };
                drafts.entry(scope).or_default().withheld.push(withheld.clone());
            }
        }
    }
    for (scope, deduction) in deductions {
        let whole = StatementScope {
            provider: scope.provider.clone(),
            organisation: None,
        };
        let own = Some(scope.clone()).filter(|own| *own != whole);
        for scope in own.into_iter().chain([whole]) {
            drafts.entry(scope).or_default().deductions.push(deduction.clone());
        }
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

#[derive(Default)]
struct ItemSum {
    lines: u64,
    /// Unit months. Units: 10^-12.
    unit_picos: i128,
    amount: Money,
}

#[derive(Default)]
struct Draft {
    items: BTreeMap<(Option<Month>, String, String), ItemSum>,
    withheld: Vec<Withheld>,
    deductions: Vec<SlaDeduction>,
}

impl Draft {
    fn finish(self, number: String, month: Month, scope: StatementScope) -> Result<Statement, MoneyError> {
        let items: Vec<StatementItem> = self
            .items
            .into_iter()
            .map(|((corrects, group, item), sum)| {
                let micros = div_half_up(sum.unit_picos, MICRO).ok_or(MoneyError)?;
                let unit_months = kernel::Quantity::from_micros(i64::try_from(micros).map_err(|_| MoneyError)?);
                Ok(StatementItem {
                    group,
                    item,
                    lines: sum.lines,
                    unit_months,
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
            deductions: self.deductions,
            payable: Money::ZERO,
        };
        let gross = statement.charges.plus(statement.corrections)?;
        statement.payable = gross
            .minus(statement.withheld_total()?)?
            .minus(statement.deductions_total()?)?;
        Ok(statement)
    }
}
