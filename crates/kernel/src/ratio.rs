//! Exact ratios, for proration: 10 days of 31 stay 10/31 until the one division of a charge line.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A non-negative ratio of two integers, kept as given (not reduced), because documents show it: `10/31`.
///
/// Invariant: the denominator is positive and the numerator not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ratio {
    num: i64,
    den: i64,
}

impl Ratio {
    /// The whole.
    pub const ONE: Self = Self { num: 1, den: 1 };

    /// `num / den`; `None` if the denominator is not positive or the numerator negative.
    pub const fn new(num: i64, den: i64) -> Option<Self> {
        if den > 0 && num >= 0 {
            Some(Self { num, den })
        } else {
            None
        }
    }

    /// The numerator.
    pub const fn num(self) -> i64 {
        self.num
    }

    /// The denominator.
    pub const fn den(self) -> i64 {
        self.den
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// `a / b` rounded to the nearest integer, ties away from zero (half up for amounts, mirrored for credits).
///
/// `None` if `b` is not positive or the doubled numerator does not fit.
pub fn div_half_up(a: i128, b: i128) -> Option<i128> {
    if b <= 0 {
        return None;
    }
    let doubled = a.unsigned_abs().checked_mul(2)?;
    let b = b.unsigned_abs();
    let magnitude = match (u64::try_from(doubled), u64::try_from(b.checked_mul(2)?)) {
        (Ok(d), Ok(b2)) if d.checked_add(b2 / 2).is_some() => u128::from((d + b2 / 2) / b2),
        _ => doubled.checked_add(b)? / (b.checked_mul(2)?),
    };
    let magnitude = i128::try_from(magnitude).ok()?;
    Some(if a < 0 { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_up() {
        assert_eq!(div_half_up(5, 10), Some(1));
        assert_eq!(div_half_up(4, 10), Some(0));
        assert_eq!(div_half_up(-5, 10), Some(-1));
        assert_eq!(div_half_up(1, 0), None);
    }

    proptest! {
        #[test]
        fn narrow_and_wide_agree(a in -1_000_000_000_000_000_000_i128..1_000_000_000_000_000_000, b in 1_i128..1_000_000_000_000) {
            let wide = { let m = (2 * a.abs() + b) / (2 * b); if a < 0 { -m } else { m } };
            prop_assert_eq!(div_half_up(a, b), Some(wide));
        }
    }
}
