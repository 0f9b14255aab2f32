//! What closed months withheld, what of it was released since, and what is to be released now.
//!
//! A closed statement never changes (I5); a release is a line of a later one that names month, statement, resource
//! and item. Invariants: for each of these, and so for every sum of them, withheld = released + still withheld, and
//! nothing is released that was not withheld, or twice; the departments' statements sum to the provider's (I3).

use super::withheld::{Standing, share};
use super::{Release, ReleaseCause, Statement, StatementScope};
use crate::reconcile::Agreed;
use kernel::{Money, MoneyError, Month};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// What one statement withheld for one resource and item, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The month that withheld it.
    pub month: Month,
    /// The department's statement that withheld it.
    pub statement: String,
    /// Provider and department.
    pub scope: StatementScope,
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// What was withheld.
    pub withheld: Money,
    /// What was released since, by the statement that did.
    pub released: Vec<(String, Money)>,
    /// What is still withheld.
    pub left: Money,
}

/// Sums of positions. Invariant: `withheld = released + left`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WithheldSums {
    /// Withheld ever.
    pub withheld: Money,
    /// Released since.
    pub released: Money,
    /// Still withheld.
    pub left: Money,
}

/// An invariant of what is withheld is broken. A fault of ours: nothing may be closed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// A release of something that was not withheld, or of more than was left.
    #[error("结算单 {statement} 释放的 {resource} {item}（{month}）超过尚暂缓的金额；未作任何改动，请与运维联系")]
    TooMuch {
        /// The statement that releases.
        statement: String,
        /// The month that is named.
        month: Month,
        /// Resource.
        resource: String,
        /// Item.
        item: String,
    },
    /// The departments' statements of a month do not sum to the provider's.
    #[error("{month} 云服务商 {provider} 各单位结算单的暂缓、释放之和与汇总单不符；未作任何改动，请与运维联系")]
    Unbalanced {
        /// The month.
        month: Month,
        /// The provider.
        provider: String,
    },
    /// An amount is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

type PositionKey = (Month, StatementScope, String, String);

/// Everything that was ever withheld.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WithheldLedger {
    positions: BTreeMap<PositionKey, Position>,
}

/// What is known about a provider's month when it is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Review {
    /// The month.
    pub month: Month,
    /// The version of the bill that it was closed with.
    pub closed_with: u32,
    /// The newest version.
    pub newest: u32,
    /// The tolerance of the contract.
    pub tolerance: Money,
}

impl WithheldLedger {
    /// Reads statements of any months, in any order, and checks the invariants.
    pub fn of<'s>(statements: impl IntoIterator<Item = &'s Statement> + Clone) -> Result<Self, LedgerError> {
        let mut ledger = Self::default();
        for statement in statements.clone() {
            ledger.withhold(statement)?;
        }
        let mut balance: BTreeMap<(Month, &str), [(Money, Money); 2]> = BTreeMap::new();
        for statement in statements {
            ledger.release(statement)?;
            let [departments, whole] = balance
                .entry((statement.month, statement.scope.provider.as_str()))
                .or_default();
            let side = if statement.scope.organisation.is_some() {
                departments
            } else {
                whole
            };
            side.0 = side.0.plus(statement.withheld_total()?)?;
            side.1 = side.1.plus(statement.released_total()?)?;
        }
        match balance
            .into_iter()
            .find(|(_, [departments, whole])| departments != whole)
        {
            Some(((month, provider), _)) => Err(LedgerError::Unbalanced {
                month,
                provider: provider.to_owned(),
            }),
            None => Ok(ledger),
        }
    }

    fn withhold(&mut self, statement: &Statement) -> Result<(), LedgerError> {
        if statement.scope.organisation.is_none() {
            return Ok(());
        }
        for held in &statement.withheld {
            let key = (
                statement.month,
                statement.scope.clone(),
                held.resource.clone(),
                held.item.clone(),
            );
            let position = self.positions.entry(key).or_insert_with(|| Position {
                month: statement.month,
                statement: statement.number.clone(),
                scope: statement.scope.clone(),
                resource: held.resource.clone(),
                item: held.item.clone(),
                withheld: Money::ZERO,
                released: Vec::new(),
                left: Money::ZERO,
            });
            position.withheld = position.withheld.plus(held.amount)?;
            position.left = position.withheld;
        }
        Ok(())
    }

    fn release(&mut self, statement: &Statement) -> Result<(), LedgerError> {
        if statement.scope.organisation.is_none() {
            return Ok(());
        }
        for release in &statement.releases {
            let too_much = || LedgerError::TooMuch {
                statement: statement.number.clone(),
                month: release.month,
                resource: release.resource.clone(),
                item: release.item.clone(),
            };
            let key = (
                release.month,
                statement.scope.clone(),
                release.resource.clone(),
                release.item.clone(),
            );
            let position = self.positions.get_mut(&key).ok_or_else(too_much)?;
            let fits = Money::ZERO < release.amount && release.amount <= position.left;
            if !fits || release.statement != position.statement || release.month >= statement.month {
                return Err(too_much());
            }
            position.left = position.left.minus(release.amount)?;
            position.released.push((statement.number.clone(), release.amount));
        }
        Ok(())
    }

    /// All positions, by month, provider, department, resource and item.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        self.positions.values()
    }

    /// The sums of the positions that `of` wants.
    pub fn sums(&self, of: impl Fn(&Position) -> bool) -> Result<WithheldSums, MoneyError> {
        let mut sums = WithheldSums::default();
        for position in self.positions().filter(|position| of(position)) {
            sums.withheld = sums.withheld.plus(position.withheld)?;
            sums.left = sums.left.plus(position.left)?;
        }
        sums.released = sums.withheld.minus(sums.left)?;
        Ok(sums)
    }

    /// What is released now of what a provider's month withheld. `standing` says how resource and item stand today:
    /// everything that was ever charged for that month, the newest bill, the last answer.
    ///
    /// Rounding: a part of what several departments had withheld is shared by what each still has, largest remainder.
    /// A standing that is worse than at the close withholds nothing more; what was paid above it is a case
    /// ([`Standing::paid_above`]).
    pub fn releases(
        &self,
        provider: &str,
        review: Review,
        standing: impl Fn(&str, &str) -> Standing,
    ) -> Result<Vec<(StatementScope, Release)>, MoneyError> {
        let mut items: BTreeMap<(&str, &str), Vec<&Position>> = BTreeMap::new();
        for position in self
            .positions()
            .filter(|p| p.month == review.month && p.left > Money::ZERO)
        {
            if position.scope.provider == provider {
                let item = (position.resource.as_str(), position.item.as_str());
                items.entry(item).or_default().push(position);
            }
        }
        let mut releases = Vec::new();
        for ((resource, item), positions) in items {
            let standing = standing(resource, item);
            let left = Money::sum(positions.iter().map(|p| p.left))?;
            let released = left.minus(standing.open(review.tolerance)?.min(left))?;
            let cause = review.cause(&standing)?;
            for (position, amount) in share(released, positions.into_iter().map(|p| (p, p.left)))? {
                let release = Release {
                    month: position.month,
                    statement: position.statement.clone(),
                    resource: position.resource.clone(),
                    item: position.item.clone(),
                    cause,
                    bill_version: review.newest,
                    amount,
                };
                releases.push((position.scope.clone(), release));
            }
        }
        Ok(releases)
    }
}

impl Review {
    /// Whose move settled it: the answer if it settles more than the bill does, else a new bill, else a correction.
    fn cause(&self, standing: &Standing) -> Result<ReleaseCause, MoneyError> {
        let by_answer = standing.open(self.tolerance)? < standing.above_bill(self.tolerance)?;
        Ok(match standing.agreed {
            Some(Agreed::Ours) if by_answer => ReleaseCause::Accepted,
            Some(Agreed::Figure(_)) if by_answer => ReleaseCause::Settled,
            _ if self.newest > self.closed_with => ReleaseCause::CorrectedBill,
            _ => ReleaseCause::Correction,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settled, Withheld, make_statements, number};
    use super::*;
    use crate::rate::ChargeTable;
    use crate::reconcile::DifferenceClass;
    use proptest::prelude::*;

    fn fen(fen: i64) -> Money {
        Money::from_fen(fen)
    }

    fn scope(organisation: Option<&str>) -> StatementScope {
        StatementScope {
            provider: "P1".into(),
            organisation: organisation.map(str::to_owned),
        }
    }

    /// March: what D1 and D2 had withheld of one resource, and the provider's sum of it.
    fn march(shares: [i64; 2]) -> Vec<Statement> {
        let month: Month = "2026-03".parse().unwrap();
        let withheld = |amount: i64| Withheld {
            resource: "N1/vm-1".into(),
            item: "CPU".into(),
            class: DifferenceClass::Price,
            amount: fen(amount),
        };
        let both: Vec<Withheld> = shares.map(withheld).into();
        let scopes = [(Some("D1"), &both[..1]), (Some("D2"), &both[1..]), (None, &both[..])];
        let statements = scopes
            .into_iter()
            .enumerate()
            .map(|(place, (who, withheld))| Statement {
                number: number(month, place + 1),
                month,
                scope: scope(who),
                items: Vec::new(),
                charges: Money::ZERO,
                corrections: Money::ZERO,
                withheld: withheld.to_vec(),
                releases: Vec::new(),
                deductions: Vec::new(),
                payable: Money::ZERO,
            });
        statements.collect()
    }

    fn review(newest: u32) -> Review {
        Review {
            month: "2026-03".parse().unwrap(),
            closed_with: 1,
            newest,
            tolerance: fen(5),
        }
    }

    fn standing(ours: i64, billed: Option<i64>, agreed: Option<Agreed>) -> Standing {
        Standing {
            ours: Some(fen(ours)),
            billed: billed.map(fen),
            agreed,
        }
    }

    /// What is released by a standing in the month after the last statement; its statements are appended.
    fn close(statements: &mut Vec<Statement>, newest: u32, standing: Standing) -> Vec<(String, i64, ReleaseCause)> {
        let ledger = WithheldLedger::of(&*statements).unwrap();
        let releases = ledger.releases("P1", review(newest), |_, _| standing).unwrap();
        let month = statements.iter().map(|s| s.month).max().unwrap().next();
        let settled = Settled {
            releases: releases.clone(),
            ..Settled::default()
        };
        let made = make_statements(month, &ChargeTable::default(), &settled).unwrap();
        for statement in &made {
            assert_eq!(statement.payable, statement.released_total().unwrap());
        }
        statements.extend(made);
        let rows = releases.into_iter().map(|(scope, release)| {
            assert_eq!(release.month, review(1).month);
            (release.statement, release.amount.fen(), {
                assert!(scope.organisation.is_some());
                release.cause
            })
        });
        rows.collect()
    }

    /// docs/domain/settle.md: 100.01 withheld for a server that moved from D1 (48.39) to D2 (51.62).
    #[test]
    fn released_in_parts_and_never_twice() {
        let mut statements = march([4_839, 5_162]);
        let row = |number: &str, amount, cause| (number.to_owned(), amount, cause);
        // Ours 184.00, billed 83.99; nothing new: nothing to release.
        assert_eq!(close(&mut statements, 1, standing(18_400, Some(8_399), None)), []);
        // Version 2 bills 133.99: 50.00 less is open. 5,000 x 4,839 / 10,001 = 2,419.26, x 5,162 = 2,580.74.
        let second = standing(18_400, Some(13_399), None);
        let expected = [
            row("JS-202603-0001", 2_419, ReleaseCause::CorrectedBill),
            row("JS-202603-0002", 2_581, ReleaseCause::CorrectedBill),
        ];
        assert_eq!(close(&mut statements, 2, second), expected);
        assert_eq!(
            close(&mut statements, 2, second),
            [],
            "what was released is not released again"
        );
        // A bill that is worse again takes nothing back.
        assert_eq!(close(&mut statements, 3, standing(18_400, Some(1), None)), []);
        // Both sides settle on 160.00: 24.00 stay open, 26.01 are paid. 2,601 x 2,420 / 5,001 = 1,258.63.
        let settled = standing(18_400, Some(13_399), Some(Agreed::Figure(fen(16_000))));
        let expected = [
            row("JS-202603-0001", 1_259, ReleaseCause::Settled),
            row("JS-202603-0002", 1_342, ReleaseCause::Settled),
        ];
        assert_eq!(close(&mut statements, 3, settled), expected);
        let sums = WithheldLedger::of(&statements).unwrap().sums(|_| true).unwrap();
        assert_eq!(
            (sums.withheld.fen(), sums.released.fen(), sums.left.fen()),
            (10_001, 7_601, 2_400)
        );
        // The rest, once the provider accepts our figure.
        let accepted = standing(18_400, Some(13_399), Some(Agreed::Ours));
        let expected = [
            row("JS-202603-0001", 1_161, ReleaseCause::Accepted),
            row("JS-202603-0002", 1_239, ReleaseCause::Accepted),
        ];
        assert_eq!(close(&mut statements, 3, accepted), expected);
        assert_eq!(close(&mut statements, 3, accepted), []);
        let sums = WithheldLedger::of(&statements).unwrap().sums(|_| true).unwrap();
        assert_eq!((sums.released, sums.left), (sums.withheld, Money::ZERO));
    }

    #[test]
    fn our_own_correction_releases_too() {
        // It turned out that the server was released early: we charge 83.99 in all, as billed.
        let released = close(&mut march([4_839, 5_162]), 1, standing(8_399, Some(8_399), None));
        let row = |number: &str, amount| (number.to_owned(), amount, ReleaseCause::Correction);
        assert_eq!(released, [row("JS-202603-0001", 4_839), row("JS-202603-0002", 5_162)]);
    }

    #[test]
    fn a_ledger_that_does_not_add_up_is_refused() {
        let mut statements = march([4_839, 5_162]);
        close(&mut statements, 2, standing(18_400, Some(18_400), None));
        assert!(WithheldLedger::of(&statements).is_ok());
        let broken = |change: &dyn Fn(&mut Vec<Statement>)| {
            let mut statements = statements.clone();
            change(&mut statements);
            WithheldLedger::of(&statements).unwrap_err()
        };
        let twice = broken(&|s| {
            let again = s[3].clone();
            s.push(again);
        });
        assert!(matches!(twice, LedgerError::TooMuch { .. }), "{twice:?}");
        let more = broken(&|s| s[3].releases[0].amount = fen(4_840));
        assert!(matches!(more, LedgerError::TooMuch { .. }), "{more:?}");
        let unknown = broken(&|s| s[3].releases[0].item = "GB".into());
        assert!(matches!(unknown, LedgerError::TooMuch { .. }), "{unknown:?}");
        let whole = broken(&|s| s[5].releases[0].amount = fen(1));
        assert!(matches!(whole, LedgerError::Unbalanced { .. }), "{whole:?}");
    }

    proptest! {
        /// Whatever bills and answers come, in whatever order: sums hold, and acceptance pays out what is left.
        #[test]
        fn withheld_is_released_and_left(
            shares in [1_i64..1_000_000, 0_i64..1_000_000],
            rounds in prop::collection::vec((0_i64..2_000_000, prop::option::of(-1_000_i64..2_000_000), 0_u8..4), 1..8),
        ) {
            let mut statements = march(shares);
            let all = fen(shares[0] + shares[1]);
            for (ours, billed, answer) in rounds {
                let agreed = (answer == 1).then(|| Agreed::Figure(fen(ours / 2)));
                close(&mut statements, 2, standing(ours, billed, agreed));
                let sums = WithheldLedger::of(&statements).unwrap().sums(|_| true).unwrap();
                prop_assert_eq!(sums.withheld, all);
                prop_assert_eq!(sums.released.plus(sums.left).unwrap(), all);
                prop_assert!(sums.left >= Money::ZERO && sums.released >= Money::ZERO);
            }
            close(&mut statements, 2, standing(1, None, Some(Agreed::Ours)));
            let sums = WithheldLedger::of(&statements).unwrap().sums(|_| true).unwrap();
            prop_assert_eq!(sums.left, Money::ZERO);
        }
    }
}
