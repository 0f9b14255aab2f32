//! Contracts, and the terms that are theirs and not the program's.

use crate::registry::{Registered, words};
use kernel::{ContractCode, Day, Factor, ItemCode, Money, OrganisationCode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a part of a month is charged. No published government rule was readable, so it is a term of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proration {
    /// Price x days / days of that month.
    ByDay,
    /// Price x seconds / seconds of that month.
    BySecond,
    /// Any use in a month is a full month; what changed inside shares it by days (by seconds within one day).
    WholeMonth,
    /// At least this many days in a month are a full month; fewer are charged by day.
    FullMonthAfter(u8),
}

impl Proration {
    /// The word in files: `by_day`, `by_second`, `whole_month`, `full_month_after_15_days`.
    pub fn word(self) -> String {
        match self {
            Self::ByDay => "by_day".into(),
            Self::BySecond => "by_second".into(),
            Self::WholeMonth => "whole_month".into(),
            Self::FullMonthAfter(days) => format!("full_month_after_{days}_days"),
        }
    }
}

impl std::str::FromStr for Proration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let after = |t: &str| {
            t.strip_prefix("full_month_after_")?
                .strip_suffix("_days")?
                .parse::<u8>()
                .ok()
        };
        match text.trim() {
            "by_day" | "按天" => Ok(Self::ByDay),
            "by_second" | "按秒" => Ok(Self::BySecond),
            "whole_month" | "整月" => Ok(Self::WholeMonth),
            other => match after(other) {
                Some(days @ 1..=31) => Ok(Self::FullMonthAfter(days)),
                _ => Err(format!(
                    "{other:?} 不是计费折算方式，可填 by_day、by_second、whole_month 或 full_month_after_15_days"
                )),
            },
        }
    }
}

words! {
    /// How the length of an outage is rounded before it is added up.
    OutageRounding {
        /// Seconds as they are.
        Exact = "exact", "按秒";
        /// Each outage up to the full minute.
        UpToMinute = "up_to_minute", "进到整分钟";
    }
}

/// One step of an SLA: below this availability, this part of the month's fee is deducted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaTier {
    /// Availability below this (a factor: 0.9995 is 99.95 %).
    pub below: Factor,
    /// Part of the resource's fee of the month.
    pub deduct: Factor,
}

/// The service level terms of a contract (sla-tencent, sla-ctyun in docs/sources.md: threshold, rounding, promise, tiers and cap are data).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaTerms {
    /// An outage shorter than this does not count. Units: seconds.
    pub counted_from_s: i64,
    /// How its length is rounded.
    pub rounding: OutageRounding,
    /// Steps, from the mildest to the harshest: `below` falls, `deduct` rises.
    pub tiers: Vec<SlaTier>,
    /// At most this part of the resource's fee of the month.
    pub cap: Factor,
}

/// A minimum that is charged for a month even if less was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// The items that count towards it; empty for all of the contract.
    pub items: Vec<ItemCode>,
    /// The minimum for a full month.
    pub minimum: Money,
    /// The organisation that is charged what is missing.
    pub payer: OrganisationCode,
}

/// A contract as it was from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Its number.
    pub code: ContractCode,
    /// Its title.
    pub title: String,
    /// The provider.
    pub provider: OrganisationCode,
    /// Procurement round and lot it came from.
    pub round: String,
    /// The lot of the round.
    pub lot: String,
    /// First day of service.
    pub starts: Day,
    /// First day without service.
    pub ends: Day,
    /// What it may cost in all; provisional, not a debt (R26).
    pub ceiling: Option<Money>,
    /// How a part of a month is charged.
    pub proration: Proration,
    /// A difference to the provider's bill up to this much per resource, item and month is not disputed.
    pub tolerance: Money,
    /// Service level terms; none means not configured, and nothing is deducted.
    pub sla: Option<SlaTerms>,
    /// Minimum commitments.
    pub commitments: Vec<Commitment>,
    /// Where the terms come from.
    pub source: String,
}

/// Why a contract is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TermsError {
    /// It ends before it starts.
    #[error("合同终止日 {1} 必须晚于开始日 {0}")]
    Term(Day, Day),
    /// The tiers of the SLA are not in order.
    #[error("服务级别扣减阶梯应按可用性从高到低、扣减比例从低到高排列，且不超过封顶比例")]
    SlaTiers,
}

impl Registered for Contract {
    const REGISTER: &'static str = "contract";
    const ZH: &'static str = "合同";

    fn code(&self) -> String {
        self.code.to_string()
    }
}

impl Contract {
    /// Checks term and tiers.
    pub fn check(&self) -> Result<(), TermsError> {
        if self.ends <= self.starts {
            return Err(TermsError::Term(self.starts, self.ends));
        }
        let Some(sla) = &self.sla else { return Ok(()) };
        let ordered = sla
            .tiers
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.below > b.below && a.deduct < b.deduct));
        let fits = |tier: &SlaTier| tier.below <= Factor::ONE && tier.deduct <= sla.cap;
        if ordered && sla.tiers.iter().all(fits) {
            Ok(())
        } else {
            Err(TermsError::SlaTiers)
        }
    }

    /// From its first moment of service to the first moment without.
    pub fn term(&self) -> Option<kernel::Period> {
        kernel::Period::new(self.starts.start(), self.ends.start()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(tiers: &[(&str, &str)], cap: &str) -> Contract {
        let tier = |(below, deduct): &(&str, &str)| SlaTier {
            below: below.parse().unwrap(),
            deduct: deduct.parse().unwrap(),
        };
        Contract {
            code: "HT-1".parse().unwrap(),
            title: "合同".into(),
            provider: "P1".parse().unwrap(),
            round: "一期".into(),
            lot: "一".into(),
            starts: "2026-01-01".parse().unwrap(),
            ends: "2029-01-01".parse().unwrap(),
            ceiling: None,
            proration: Proration::ByDay,
            tolerance: Money::ZERO,
            sla: Some(SlaTerms {
                counted_from_s: 300,
                rounding: OutageRounding::Exact,
                tiers: tiers.iter().map(tier).collect(),
                cap: cap.parse().unwrap(),
            }),
            commitments: Vec::new(),
            source: "正本".into(),
        }
    }

    #[test]
    fn tiers_stand_in_order_and_below_the_cap() {
        let steps = [("0.999", "0.1"), ("0.95", "0.25")];
        assert_eq!(contract(&steps, "1").check(), Ok(()));
        assert_eq!(contract(&steps, "0.25").check(), Ok(()));
        assert_eq!(contract(&[], "0").check(), Ok(()));
        for (tiers, cap) in [
            (&steps[..], "0.249999"),
            (&[("0.95", "0.25"), ("0.999", "0.1")], "1"),
            (&[("0.999", "0.1"), ("0.95", "0.1")], "1"),
            (&[("1.000001", "0.1")], "1"),
        ] {
            assert_eq!(
                contract(tiers, cap).check(),
                Err(TermsError::SlaTiers),
                "{tiers:?} {cap}"
            );
        }
    }
}
