//! Availability of a resource in a month, and what is deducted for too little of it (R31, R32).
//!
//! Outages that overlap are joined before they are added up. Thresholds, rounding, tiers and cap are terms of the
//! contract. One incident does not make 0 %: what counts is time, not the number of incidents.

use crate::catalogue::{OutageRounding, SlaTerms};
use kernel::ratio::div_half_up;
use kernel::{Factor, Instant, Money, Month, Period};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One recorded outage of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// `node/native id` of the resource, or the allocation's code.
    pub resource: String,
    /// When it could not be used.
    pub from: Instant,
    /// When it could be used again.
    pub to: Instant,
    /// Why it does not count (announced maintenance, customer's cause, force majeure); none if it counts.
    pub excluded: Option<String>,
    /// Where the record comes from.
    pub source: String,
}

/// Arithmetic that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("可用性计算超出范围")]
pub struct AvailabilityError;

/// How available one resource was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceAvailability {
    /// Seconds of service that were promised.
    pub total_s: i64,
    /// Seconds that count as down.
    pub down_s: i64,
    /// (total - down) / total. Rounding: half up to a millionth.
    pub availability: Factor,
}

/// A deduction, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaDeduction {
    /// The resource.
    pub resource: String,
    /// Its availability in the month.
    pub availability: Factor,
    /// Seconds down that counted.
    pub down_s: i64,
    /// The part of the fee that is deducted.
    pub rate: Factor,
    /// The fee of the month it is taken from.
    pub fee: Money,
    /// What is deducted, as a positive amount. Of a correction the rest that is still to be deducted; negative if it
    /// is given back.
    pub amount: Money,
    /// The closed month it belongs to; none if it is the statement's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<CorrectedDeduction>,
}

/// What a late deduction corrects. Invariant: `right - before` is its amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectedDeduction {
    /// The closed month.
    pub month: Month,
    /// The department's statement of that month; empty if it had none.
    pub statement: String,
    /// What was deducted so far, earlier corrections included.
    pub before: Money,
    /// What is right by what is known now.
    pub right: Money,
}

impl SlaDeduction {
    /// Of a resource that kept what was promised.
    pub(super) fn nothing(resource: &str, fee: Money, had: ResourceAvailability) -> Self {
        Self {
            resource: resource.to_owned(),
            availability: had.availability,
            down_s: had.down_s,
            rate: Factor::from_micros(0),
            fee,
            amount: Money::ZERO,
            corrects: None,
        }
    }
}

/// The availability of one resource over its time of service in the month.
pub fn availability(
    outages: &[Outage],
    service: Period,
    terms: &SlaTerms,
) -> Result<ResourceAvailability, AvailabilityError> {
    let counting = outages.iter().filter(|o| o.excluded.is_none());
    let mut periods: Vec<Period> = counting
        .filter_map(|o| Period::new(o.from, o.to).ok()?.and(service))
        .collect();
    periods.sort_unstable();
    let mut joined: Vec<Period> = Vec::new();
    for period in periods {
        match joined.last_mut() {
            Some(last) if period.from() <= last.to() => {
                if let Ok(longer) = Period::new(last.from(), last.to().max(period.to())) {
                    *last = longer;
                }
            }
            _ => joined.push(period),
        }
    }
    let counted = joined
        .iter()
        .map(|p| p.seconds())
        .filter(|s| *s >= terms.counted_from_s);
    let rounded = counted.map(|s| match terms.rounding {
        OutageRounding::Exact => s,
        OutageRounding::UpToMinute => (s + 59) / 60 * 60,
    });
    let down_s = rounded.sum::<i64>().min(service.seconds());
    let up = i128::from(service.seconds() - down_s) * 1_000_000;
    let micros = div_half_up(up, i128::from(service.seconds())).ok_or(AvailabilityError)?;
    let availability = Factor::from_micros(i64::try_from(micros).map_err(|_| AvailabilityError)?);
    Ok(ResourceAvailability {
        total_s: service.seconds(),
        down_s,
        availability,
    })
}

/// What is deducted from a resource's fee of the month; nothing if the promise was kept.
///
/// Rounding: half up to the fen. Compared with the exact ratio, not the rounded availability.
pub(super) fn assess(
    resource: &str,
    fee: Money,
    had: ResourceAvailability,
    terms: &SlaTerms,
) -> Result<SlaDeduction, AvailabilityError> {
    let kept = SlaDeduction::nothing(resource, fee, had);
    let up = i128::from(had.total_s - had.down_s) * 1_000_000;
    let below = |tier: Factor| up < i128::from(tier.micros()) * i128::from(had.total_s);
    let Some(tier) = terms.tiers.iter().rev().find(|tier| below(tier.below)) else {
        return Ok(kept);
    };
    let rate = tier.deduct.min(terms.cap);
    let fen = div_half_up(i128::from(fee.fen()) * i128::from(rate.micros()), 1_000_000).ok_or(AvailabilityError)?;
    let amount = Money::try_from_fen(fen).map_err(|_| AvailabilityError)?;
    Ok(SlaDeduction {
        rate,
        amount: amount.max(Money::ZERO),
        ..kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::SlaTier;

    fn terms() -> SlaTerms {
        let tier = |below: &str, deduct: &str| SlaTier {
            below: below.parse().unwrap(),
            deduct: deduct.parse().unwrap(),
        };
        SlaTerms {
            counted_from_s: 60,
            rounding: OutageRounding::UpToMinute,
            tiers: vec![tier("0.99", "0.1"), tier("0.95", "0.25"), tier("0.9", "1")],
            cap: Factor::ONE,
        }
    }

    fn outage(from: &str, to: &str) -> Outage {
        Outage {
            resource: "r".into(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            excluded: None,
            source: String::new(),
        }
    }

    #[test]
    fn overlapping_outages_count_once() {
        // April: 43,200 minutes. 10:00-18:00 and 12:00-20:00 are ten hours together, 600 minutes: 98.611111 %.
        let service = "2026-04".parse::<kernel::Month>().unwrap().period();
        let outages = [
            outage("2026-04-02 12:00:00", "2026-04-02 20:00:00"),
            outage("2026-04-02 10:00:00", "2026-04-02 18:00:00"),
        ];
        let had = availability(&outages, service, &terms()).unwrap();
        assert_eq!((had.down_s, had.availability.to_string()), (36_000, "0.986111".into()));
        let deduction = assess("r", Money::from_fen(16_005), had, &terms()).unwrap();
        assert_eq!(
            (deduction.rate.to_string(), deduction.amount.fen()),
            ("0.1".into(), 1_601),
            "1600.5 fen, half up"
        );
    }

    #[test]
    fn short_excluded_and_promised() {
        let service = "2026-04".parse::<kernel::Month>().unwrap().period();
        let short = [outage("2026-04-02 12:00:00", "2026-04-02 12:00:59")];
        assert_eq!(availability(&short, service, &terms()).unwrap().down_s, 0);
        let minute = [outage("2026-04-02 12:00:00", "2026-04-02 12:01:01")];
        assert_eq!(availability(&minute, service, &terms()).unwrap().down_s, 120);
        let excluded = [Outage {
            excluded: Some("计划维护".into()),
            ..outage("2026-04-02", "2026-04-12")
        }];
        let had = availability(&excluded, service, &terms()).unwrap();
        let kept = assess("r", Money::from_fen(100), had, &terms()).unwrap();
        assert_eq!((kept.amount, kept.rate.micros()), (Money::ZERO, 0));
        let all_gone = [outage("2026-04-01", "2026-05-01")];
        let had = availability(&all_gone, service, &terms()).unwrap();
        assert_eq!(
            assess("r", Money::from_fen(100), had, &terms()).unwrap().amount.fen(),
            100
        );
    }
}
