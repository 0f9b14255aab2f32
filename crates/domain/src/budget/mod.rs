//! Room: quotas of units, budgets of units by year, ceilings of contracts, and what is held or used of them.
//!
//! Invariants: held + used never exceeds the limit by way of a hold; a hold is used or freed once; where no limit is
//! set there is no room to count, which is said ("not configured") and stops nothing.

use crate::registry::{Measure, PoolKind, words};
use kernel::{ContractCode, OrganisationCode};
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
    /// An amount of this purse as people write it: yuan, or the measure.
    pub fn show(&self, amount: i64) -> String {
        match self {
            Self::Quota { .. } => kernel::Quantity::from_micros(amount).to_string(),
            Self::Budget { .. } | Self::Ceiling { .. } => format!("{} 元", kernel::Money::from_fen(amount)),
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
        let left = balance(purse).left()?;
        (*wanted > 0 && *wanted > left).then(|| NoRoom {
            purse: purse.to_string(),
            wanted: purse.show(*wanted),
            left: purse.show(left),
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
