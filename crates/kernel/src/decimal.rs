//! Integers of fixed scale: quantities, unit prices and factors, all counted in millionths.
//!
//! One scale for all three keeps the product of a charge line a plain integer: quantity x price x factor is a count
//! of 10^-18 yuan, divided once. The smallest price of the field is 0.000001 yuan (hourly rates), the smallest
//! quantity a millionth of a GiB, so nothing a contract says is lost; the largest is 9.2 x 10^12.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How many parts one whole has.
pub const SCALE: i64 = 1_000_000;
const DIGITS: usize = 6;

/// Why a text is not a number of fixed scale.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// No digits, or something that is no digit.
    #[error("{0:?} 不是数字")]
    NotANumber(String),
    /// More decimal places than are kept; nothing is cut off silently.
    #[error("{text} 的小数超过 {max} 位")]
    TooFine {
        /// The text as given.
        text: String,
        /// Places that are kept.
        max: usize,
    },
    /// Beyond what the integer holds.
    #[error("数字太大：{0}")]
    TooLarge(String),
    /// A negative number where none has a meaning.
    #[error("不能为负数：{0}")]
    Negative(String),
}

/// Reads a plain decimal (optional sign, digits, optional fraction, thousands commas) into units of 10^-places.
///
/// Errors: anything else, including exponents, and more than `places` decimals unless they are zeros.
pub fn parse_scaled(text: &str, places: usize) -> Result<i64, DecimalError> {
    let bare: String = text.trim().chars().filter(|c| *c != ',').collect();
    let (negative, digits) = match bare.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, bare.strip_prefix('+').unwrap_or(&bare)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(DecimalError::NotANumber(text.trim().to_owned()));
    }
    let kept = fraction.trim_end_matches('0');
    if kept.len() > places {
        return Err(DecimalError::TooFine {
            text: text.trim().to_owned(),
            max: places,
        });
    }
    let padded = format!("{whole}{kept:0<places$}");
    let magnitude = if padded.is_empty() {
        Ok(0)
    } else {
        padded.parse::<i64>()
    };
    let magnitude = magnitude.map_err(|_| DecimalError::TooLarge(text.trim().to_owned()))?;
    Ok(if negative { -magnitude } else { magnitude })
}

/// Writes units of 10^-places as a plain decimal with at least `least` decimals and no further trailing zeros.
pub fn format_scaled(value: i64, places: usize, least: usize) -> String {
    let magnitude = value.unsigned_abs().to_string();
    let padded = format!("{magnitude:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let mut fraction = fraction.trim_end_matches('0').to_owned();
    while fraction.len() < least {
        fraction.push('0');
    }
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

macro_rules! scaled {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(i64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0);
            /// Exactly one.
            pub const ONE: Self = Self(SCALE);

            /// From millionths.
            pub const fn from_micros(micros: i64) -> Self {
                Self(micros)
            }

            /// From a whole number; `None` if it does not fit.
            pub const fn from_whole(whole: i64) -> Option<Self> {
                match whole.checked_mul(SCALE) {
                    Some(micros) => Some(Self(micros)),
                    None => None,
                }
            }

            /// The value in millionths.
            pub const fn micros(self) -> i64 {
                self.0
            }

            /// Whether it is exactly zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum; `None` if it does not fit.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference; `None` if it does not fit.
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(rest) => Some(Self(rest)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format_scaled(self.0, DIGITS, 0))
            }
        }

        impl FromStr for $name {
            type Err = DecimalError;

            fn from_str(text: &str) -> Result<Self, DecimalError> {
                let micros = parse_scaled(text, DIGITS)?;
                if micros < 0 {
                    return Err(DecimalError::Negative(text.trim().to_owned()));
                }
                Ok(Self(micros))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

scaled! {
    /// How much of something, in millionths of the unit that stands beside it (vCPU, GiB, Mbps, pieces ...).
    ///
    /// Units: 10^-6 of the unit of the catalogue item. Text form: plain decimal without trailing zeros.
    Quantity
}

scaled! {
    /// A price for one unit and one price term (a full month, a use, a piece of work).
    ///
    /// Units: 10^-6 yuan. Text form: plain decimal yuan.
    UnitPrice
}

scaled! {
    /// A factor such as a discount or a performance coefficient: 0.85 is 850,000 millionths.
    ///
    /// Units: 10^-6. Text form: plain decimal.
    Factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_price_lists_say() {
        assert_eq!("0.03".parse::<UnitPrice>().unwrap().micros(), 30_000);
        assert_eq!("0.000001".parse::<UnitPrice>().unwrap().micros(), 1);
        assert_eq!("1,147.5".parse::<UnitPrice>().unwrap().micros(), 1_147_500_000);
        assert_eq!(" 9200 ".parse::<UnitPrice>().unwrap().to_string(), "9200");
        assert_eq!(
            "123456.123456".parse::<UnitPrice>().unwrap().to_string(),
            "123456.123456"
        );
    }

    #[test]
    fn refuses_what_it_would_have_to_bend() {
        assert!(matches!(
            "0.0000001".parse::<UnitPrice>(),
            Err(DecimalError::TooFine { .. })
        ));
        assert!(matches!("1e3".parse::<Quantity>(), Err(DecimalError::NotANumber(_))));
        assert!(matches!("".parse::<Quantity>(), Err(DecimalError::NotANumber(_))));
        assert!(matches!(".".parse::<Quantity>(), Err(DecimalError::NotANumber(_))));
        assert!(matches!("-1".parse::<Quantity>(), Err(DecimalError::Negative(_))));
        assert!(matches!(
            "99999999999999".parse::<Quantity>(),
            Err(DecimalError::TooLarge(_))
        ));
        assert_eq!("0.50000000000".parse::<Factor>().unwrap().micros(), 500_000);
    }

    proptest! {
        #[test]
        fn text_round_trips(micros in 0..i64::MAX) {
            let q = Quantity::from_micros(micros);
            prop_assert_eq!(q.to_string().parse::<Quantity>().unwrap(), q);
        }
    }
}
