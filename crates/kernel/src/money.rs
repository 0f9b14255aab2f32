//! Money in whole fen.
//!
//! Invariant I1: amounts are integers, arithmetic is checked, and there is no way in from a floating point number.

use crate::decimal::{DecimalError, format_scaled, parse_scaled};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// An amount of money.
///
/// Units: fen (0.01 yuan), may be negative (corrections, deductions). Text form: yuan with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// Arithmetic that would leave the range of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("金额超出可以表示的范围")]
pub struct MoneyError;

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// From fen.
    pub const fn from_fen(fen: i64) -> Self {
        Self(fen)
    }

    /// The amount in fen.
    pub const fn fen(self) -> i64 {
        self.0
    }

    /// From a count of fen that may be too large for an amount.
    #[inline]
    pub fn try_from_fen(fen: i128) -> Result<Self, MoneyError> {
        i64::try_from(fen).map(Self).map_err(|_| MoneyError)
    }

    /// The sum of two amounts.
    #[inline]
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError)
    }

    /// The difference of two amounts.
    #[inline]
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError)
    }

    /// The sum of many amounts.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// Whether it is exactly zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The amount without its sign.
    pub fn magnitude(self) -> Result<Self, MoneyError> {
        self.0.checked_abs().map(Self).ok_or(MoneyError)
    }

    /// With thousands commas, for people: `-1,234,567.80`.
    pub fn grouped(self) -> String {
        let plain = format_scaled(self.0, 2, 2);
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "00"));
        let mut grouped = String::with_capacity(plain.len() + whole.len() / 3);
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("{sign}{grouped}.{fraction}")
    }
}

/// Splits `total` over `weights` so that the parts sum to it exactly (invariant I3).
///
/// Rounding: largest remainder; equal remainders go to the earlier position. All weights zero: everything goes to
/// the first. Errors: no weight, a negative weight, or an amount out of range.
pub fn split(total: Money, weights: &[i128]) -> Result<Vec<Money>, MoneyError> {
    if weights.is_empty() || weights.iter().any(|w| *w < 0) {
        return Err(MoneyError);
    }
    let sum = weights
        .iter()
        .try_fold(0_i128, |a, w| a.checked_add(*w))
        .ok_or(MoneyError)?;
    let first_takes_all = sum == 0;
    let sum = if first_takes_all { 1 } else { sum };
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0_i128;
    for (position, weight) in weights.iter().enumerate() {
        let weight = if first_takes_all {
            i128::from(position == 0)
        } else {
            *weight
        };
        let share = i128::from(total.fen()).checked_mul(weight).ok_or(MoneyError)?;
        let part = share.div_euclid(sum);
        given += part;
        parts.push(part);
        remainders.push((std::cmp::Reverse(share.rem_euclid(sum)), position));
    }
    remainders.sort_unstable();
    let left = usize::try_from(i128::from(total.fen()) - given).map_err(|_| MoneyError)?;
    for (_, position) in remainders.into_iter().take(left) {
        if let Some(part) = parts.get_mut(position) {
            *part += 1;
        }
    }
    parts.into_iter().map(Money::try_from_fen).collect()
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format_scaled(self.0, 2, 2))
    }
}

impl FromStr for Money {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        parse_scaled(text, 2).map(Self)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_yuan() {
        assert_eq!(Money::from_fen(-5).to_string(), "-0.05");
        assert_eq!(Money::from_fen(123_456_789_012).grouped(), "1,234,567,890.12");
        assert_eq!(Money::from_fen(-100_000).grouped(), "-1,000.00");
        assert_eq!("1,234.5".parse::<Money>().unwrap().fen(), 123_450);
        assert!("1.005".parse::<Money>().is_err(), "half a fen is not an amount");
    }

    #[test]
    fn splits_a_fen_by_the_earlier_place() {
        // 1.00 yuan over three equal shares: 33.33.. each, the fen left over goes to the first of the equals.
        let parts = split(Money::from_fen(100), &[1, 1, 1]).unwrap();
        assert_eq!(parts.iter().map(|p| p.fen()).collect::<Vec<_>>(), [34, 33, 33]);
        let parts = split(Money::from_fen(7), &[0, 0]).unwrap();
        assert_eq!(parts.iter().map(|p| p.fen()).collect::<Vec<_>>(), [7, 0]);
    }

    proptest! {
        #[test]
        fn split_keeps_the_sum(total in -1_000_000_000_000_i64..1_000_000_000_000, weights in prop::collection::vec(0_i128..1_000_000, 1..40)) {
            let parts = split(Money::from_fen(total), &weights).unwrap();
            prop_assert_eq!(Money::sum(parts).unwrap().fen(), total);
        }
    }
}
