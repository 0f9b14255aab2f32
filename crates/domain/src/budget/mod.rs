//! Room: quotas of units, budgets of units by year, ceilings of contracts, and what is held or used of them.
//!
//! Invariants: held + used never exceeds the limit by way of a hold; a hold is used or freed once; where no limit is
//! set there is no room to count, which is said ("not configured") and stops nothing.

use crate::registry::{Measure, PoolKind, words};
use kernel::{ContractCode, Day, Instant, Money, MoneyError, Month, OrganisationCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

words! {
    /// What became of a hold.
    HoldState {
        /// Held by an application on its way.
        Held = "held", "占用中";
        /// Used by what was opened.
        Used = "used", "已使用";
        /// Given back.
        Freed = "freed", "已释放";
    }
}

/// What room is counted in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "purse")]
pub enum Purse {
    /// How much of a measure a unit may have in pools of a kind. Units: 10^-6 of the measure.
    Quota {
        /// The unit.
        unit: OrganisationCode,
        /// The kind of pool; none for what is in no pool.
        pool: Option<PoolKind>,
        /// The measure.
        measure: Measure,
    },
    /// What a unit may spend in a year. Units: fen.
    Budget {
        /// The unit.
        unit: OrganisationCode,
        /// The calendar year.
        year: i16,
    },
    /// What a contract may cost in all; provisional, not a debt (R26). Units: fen.
    Ceiling {
        /// The contract.
        contract: ContractCode,
    },
}

impl fmt::Display for Purse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quota { unit, pool, measure } => {
                let pool = pool.map_or("", PoolKind::zh);
                write!(f, "{unit} 的{pool}{}配额", measure.zh())
            }
            Self::Budget { unit, year } => write!(f, "{unit} {year} 年度预算"),
            Self::Ceiling { contract } => write!(f, "合同 {contract} 的金额上限"),
        }
    }
}

impl Purse {
    /// An amount of this purse as a decimal number: of yuan, or of the measure.
    pub fn decimal(&self, amount: i64) -> String {
        match self {
            Self::Quota { .. } => kernel::Quantity::from_micros(amount).to_string(),
            Self::Budget { .. } | Self::Ceiling { .. } => Money::from_fen(amount).to_string(),
        }
    }

    /// An amount of this purse as people write it: with 元 where it is money.
    pub fn show(&self, amount: i64) -> String {
        match self {
            Self::Quota { .. } => self.decimal(amount),
            Self::Budget { .. } | Self::Ceiling { .. } => format!("{} 元", self.decimal(amount)),
        }
    }
}

/// What is set, held and used of one purse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// The limit; none if it is not configured.
    pub limit: Option<i64>,
    /// Held by applications on their way.
    pub held: i64,
    /// Used by what is open.
    pub used: i64,
}

impl Balance {
    /// What is left; none where there is no limit.
    pub fn left(&self) -> Option<i64> {
        let limit = self.limit?;
        Some(limit.saturating_sub(self.held).saturating_sub(self.used))
    }

    /// Whether there is room. Nothing, or giving back, always fits; and so does everything where there is no limit.
    pub fn has_room(&self, wanted: i64) -> bool {
        wanted <= 0 || self.left().is_none_or(|left| wanted <= left)
    }
}

/// Months of the calendar year that are left, the month of `at` included.
pub fn months_of_year(at: Instant) -> i64 {
    13 - i64::from(at.day().month().month())
}

/// Months that are left of a term that ends before `ends`, the month of `at` included; zero if it is over.
pub fn months_of_term(at: Instant, ends: Day) -> i64 {
    let ordinal = |month: Month| i64::from(month.year()) * 12 + i64::from(month.month());
    let (first, last) = (at.day().month(), ends.plus(-1).month());
    (ordinal(last) - ordinal(first) + 1).max(0)
}

/// What a monthly amount comes to. Errors: more than an amount of money can be.
pub fn for_months(monthly: Money, months: i64) -> Result<Money, MoneyError> {
    Money::try_from_fen(i128::from(monthly.fen()) * i128::from(months))
}

/// No room.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{purse}不足：本次需要 {wanted}，剩余 {left}；请调减申请，或先申请调整额度")]
pub struct NoRoom {
    /// Of what.
    pub purse: String,
    /// What is asked for.
    pub wanted: String,
    /// What is left.
    pub left: String,
}

/// What an application takes of each purse.
pub type Demand = BTreeMap<Purse, i64>;

/// Whether every purse has room for a demand. Returns every one that has not. A demand of nothing, or one that gives
/// back, always fits.
pub fn check_room(demand: &Demand, balance: &dyn Fn(&Purse) -> Balance) -> Result<(), Vec<NoRoom>> {
    let lacking = |(purse, wanted): (&Purse, &i64)| {
        let balance = balance(purse);
        (!balance.has_room(*wanted)).then(|| NoRoom {
            purse: purse.to_string(),
            wanted: purse.show(*wanted),
            left: purse.show(balance.left().unwrap_or_default()),
        })
    };
    let faults: Vec<NoRoom> = demand.iter().filter_map(lacking).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn budget() -> Purse {
        Purse::Budget {
            unit: "D01".parse().unwrap(),
            year: 2026,
        }
    }

    #[test]
    fn what_is_held_is_not_there_for_another() {
        let balance = Balance {
            limit: Some(100_000),
            held: 30_000,
            used: 50_000,
        };
        let demand = |fen| Demand::from([(budget(), fen)]);
        assert_eq!(check_room(&demand(20_000), &|_| balance), Ok(()));
        let error = check_room(&demand(20_001), &|_| balance).unwrap_err();
        assert_eq!(
            error[0].to_string(),
            "D01 2026 年度预算不足：本次需要 200.01 元，剩余 200.00 元；请调减申请，或先申请调整额度"
        );
        let unset = Balance { limit: None, ..balance };
        assert_eq!(check_room(&demand(i64::MAX), &|_| unset), Ok(()));
        assert_eq!(
            check_room(&demand(-5), &|_| Balance {
                limit: Some(0),
                held: 5,
                used: 5
            }),
            Ok(())
        );
    }

    #[test]
    fn months_that_are_left_count_the_present_one() {
        let at: Instant = "2026-10-08 09:00:00".parse().unwrap();
        assert_eq!(months_of_year(at), 3);
        let term = |ends: &str| months_of_term(at, ends.parse().unwrap());
        assert_eq!((term("2026-11-01"), term("2026-11-02"), term("2027-10-01")), (1, 2, 12));
        assert_eq!((term("2026-10-01"), term("2025-01-01")), (0, 0));
        let year = for_months(Money::from_fen(12_345), 12).unwrap();
        assert_eq!(year.fen(), 148_140);
        assert!(for_months(Money::from_fen(i64::MAX), 2).is_err());
    }

    proptest! {
        #[test]
        fn holding_what_fits_never_overdraws(limit in 0_i64..1000, wants in proptest::collection::vec(0_i64..300, 1..20)) {
            let mut balance = Balance { limit: Some(limit), held: 0, used: 0 };
            for want in wants {
                if check_room(&Demand::from([(budget(), want)]), &|_| balance).is_ok() {
                    balance.held += want;
                }
            }
            prop_assert!(balance.held <= limit);
        }
    }
}
