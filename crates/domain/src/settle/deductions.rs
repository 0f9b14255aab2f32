//! Deductions of a month: for each resource with an outage, by the contract and department it is charged to; and for
//! a closed month, what it should have been deducted by what is known now, against all that ever was (I5).
//!
//! Invariant: all that was ever deducted for a month, corrections included, is what is right by what was known last.

use super::availability::{AvailabilityError, Outage, SlaDeduction, assess, availability};
use super::{CorrectedDeduction, ResourceAvailability, Statement, StatementScope};
use crate::catalogue::SlaTerms;
use crate::rate::{ChargeKind, ChargeTable};
use kernel::{Factor, Money, Month, Period};
use std::collections::BTreeMap;

/// What each resource with an outage is deducted, also where that is nothing because the promise was kept.
///
/// The fee is all that was charged for the use of the resource to one department under one contract, the time of
/// service from the first to the last moment that was charged. `terms` gives the terms of a contract.
pub fn assess_outages<'t>(
    charges: &ChargeTable,
    outages: &[Outage],
    terms: impl Fn(&str) -> Option<&'t SlaTerms>,
) -> Result<Vec<(StatementScope, SlaDeduction)>, AvailabilityError> {
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
        fee.0 = fee.0.plus(row.amount).map_err(|_| AvailabilityError)?;
        if let Ok(longer) = Period::new(fee.1.from().min(period.from()), fee.1.to().max(period.to())) {
            fee.1 = longer;
        }
    }
    let mut assessed = Vec::new();
    for ((resource, provider, organisation, contract), (fee, service)) in fees {
        let text = |name: u32| charges.names.text(name).to_owned();
        let (Some(terms), Some(outages)) = (terms(&text(contract)), by_resource.get(resource)) else {
            continue;
        };
        let had = availability(outages, service, terms)?;
        let scope = StatementScope {
            provider: text(provider),
            organisation: Some(text(organisation)),
        };
        assessed.push((scope, assess(resource, fee, had, terms)?));
    }
    Ok(assessed)
}

/// The deductions of an open month: those of [`assess_outages`] that come to something.
pub fn sla_deductions<'t>(
    charges: &ChargeTable,
    outages: &[Outage],
    terms: impl Fn(&str) -> Option<&'t SlaTerms>,
) -> Result<Vec<(StatementScope, SlaDeduction)>, AvailabilityError> {
    let mut deductions = assess_outages(charges, outages, terms)?;
    deductions.retain(|(_, deduction)| deduction.amount > Money::ZERO);
    Ok(deductions)
}

/// Everything that statements ever deducted for one month, and under which number each department was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeductedMonth {
    month: Month,
    numbers: BTreeMap<StatementScope, String>,
    made: BTreeMap<(StatementScope, String), Money>,
}

impl DeductedMonth {
    /// From the departments' statements of that month and of later ones.
    pub fn of<'s>(
        month: Month,
        statements: impl IntoIterator<Item = &'s Statement>,
    ) -> Result<Self, AvailabilityError> {
        let (mut numbers, mut made) = (BTreeMap::new(), BTreeMap::new());
        for statement in statements.into_iter().filter(|s| s.scope.organisation.is_some()) {
            if statement.month == month {
                numbers.insert(statement.scope.clone(), statement.number.clone());
            }
            for deduction in &statement.deductions {
                let of = deduction.corrects.as_ref().map_or(statement.month, |c| c.month);
                if of == month {
                    let key = (statement.scope.clone(), deduction.resource.clone());
                    let sum: &mut Money = made.entry(key).or_default();
                    *sum = sum.plus(deduction.amount).map_err(|_| AvailabilityError)?;
                }
            }
        }
        Ok(Self { month, numbers, made })
    }

    /// Whether nothing was ever deducted.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// What is to be deducted now, or given back (negative), so that the month comes to what is right: `assessed`, as
    /// [`assess_outages`] gives it for the month as it should have been charged.
    pub fn correct(
        &self,
        assessed: &[(StatementScope, SlaDeduction)],
    ) -> Result<Vec<(StatementScope, SlaDeduction)>, AvailabilityError> {
        let mut right: BTreeMap<(StatementScope, String), SlaDeduction> = BTreeMap::new();
        for (scope, deduction) in assessed {
            let key = (scope.clone(), deduction.resource.clone());
            // One resource under two contracts of one provider: amounts are added, the figures are those of the last.
            let amount = right.get(&key).map_or(Money::ZERO, |other| other.amount);
            let amount = deduction.amount.plus(amount).map_err(|_| AvailabilityError)?;
            let deduction = SlaDeduction {
                amount,
                ..deduction.clone()
            };
            right.insert(key, deduction);
        }
        for key in self.made.keys() {
            right.entry(key.clone()).or_insert_with(|| unbroken(&key.1));
        }
        let mut corrections = Vec::new();
        for (key, deduction) in right {
            let before = self.made.get(&key).copied().unwrap_or_default();
            let amount = deduction.amount.minus(before).map_err(|_| AvailabilityError)?;
            if amount.is_zero() {
                continue;
            }
            let corrects = CorrectedDeduction {
                month: self.month,
                statement: self.numbers.get(&key.0).cloned().unwrap_or_default(),
                before,
                right: deduction.amount,
            };
            let correction = SlaDeduction {
                amount,
                corrects: Some(corrects),
                ..deduction
            };
            corrections.push((key.0, correction));
        }
        Ok(corrections)
    }
}

/// A resource of which no outage is left, or that is not charged any more.
fn unbroken(resource: &str) -> SlaDeduction {
    let had = ResourceAvailability {
        total_s: 0,
        down_s: 0,
        availability: Factor::ONE,
    };
    SlaDeduction::nothing(resource, Money::ZERO, had)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(organisation: &str) -> StatementScope {
        StatementScope {
            provider: "P1".into(),
            organisation: Some(organisation.into()),
        }
    }

    fn deduction(resource: &str, fen: i64) -> SlaDeduction {
        SlaDeduction {
            amount: Money::from_fen(fen),
            ..unbroken(resource)
        }
    }

    fn statement(month: &str, deductions: Vec<SlaDeduction>) -> Statement {
        let month: Month = month.parse().unwrap();
        Statement {
            number: super::super::number(month, 1),
            month,
            scope: scope("D1"),
            items: Vec::new(),
            charges: Money::ZERO,
            corrections: Money::ZERO,
            withheld: Vec::new(),
            releases: Vec::new(),
            deductions,
            payable: Money::ZERO,
        }
    }

    /// Each later month brings what is right to what was deducted; then there is nothing left to correct.
    #[test]
    fn late_outages_are_deducted_once_and_given_back_once() {
        let march: Month = "2026-03".parse().unwrap();
        let mut statements = vec![statement("2026-03", vec![deduction("a", 250)])];
        // In April it turns out that a was down longer, and b at all; in May that neither counts.
        let rounds = [
            ("2026-04", vec![("a", 625), ("b", 40)], vec![("a", 375), ("b", 40)]),
            ("2026-05", vec![("a", 0)], vec![("a", -625), ("b", -40)]),
        ];
        for (month, assessed, expected) in rounds {
            let assessed: Vec<_> = assessed
                .into_iter()
                .map(|(r, fen)| (scope("D1"), deduction(r, fen)))
                .collect();
            let deducted = DeductedMonth::of(march, &statements).unwrap();
            let corrections = deducted.correct(&assessed).unwrap();
            let found: Vec<_> = corrections
                .iter()
                .map(|(_, d)| (d.resource.as_str(), d.amount.fen()))
                .collect();
            assert_eq!(found, expected, "{month}");
            for (_, correction) in &corrections {
                let corrects = correction.corrects.as_ref().unwrap();
                assert_eq!((corrects.month, corrects.statement.as_str()), (march, "JS-202603-0001"));
                assert_eq!(corrects.right.minus(corrects.before).unwrap(), correction.amount);
            }
            let made = corrections.into_iter().map(|(_, deduction)| deduction).collect();
            statements.push(statement(month, made));
            let again = DeductedMonth::of(march, &statements).unwrap();
            assert_eq!(again.correct(&assessed).unwrap(), [], "{month}: never twice");
        }
        // April's own deductions are not March's.
        let april = DeductedMonth::of("2026-04".parse().unwrap(), &statements).unwrap();
        assert!(april.is_empty());
    }
}
