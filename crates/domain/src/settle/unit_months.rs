//! Unit months: quantity x part of the price term, added up over lines.

use kernel::ratio::div_half_up;
use kernel::{MoneyError, Quantity, Ratio};

const MICRO: i128 = 1_000_000;

/// Unit months of several lines. Rounding: half up, each line to 10^-12 and the sum once to 10^-6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnitMonths {
    /// Units: 10^-12.
    picos: i128,
}

impl UnitMonths {
    /// Adds a line. Errors: out of range.
    pub fn add(&mut self, quantity: Quantity, part: Ratio) -> Result<(), MoneyError> {
        let whole = i128::from(quantity.micros()) * i128::from(part.num());
        self.picos += whole
            .checked_mul(MICRO)
            .and_then(|n| div_half_up(n, i128::from(part.den())))
            .ok_or(MoneyError)?;
        Ok(())
    }

    /// The sum. Errors: out of range.
    pub fn sum(self) -> Result<Quantity, MoneyError> {
        let micros = div_half_up(self.picos, MICRO).ok_or(MoneyError)?;
        Ok(Quantity::from_micros(i64::try_from(micros).map_err(|_| MoneyError)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(lines: &[(&str, i64, i64)]) -> Result<String, MoneyError> {
        let mut sum = UnitMonths::default();
        for (quantity, num, den) in lines {
            sum.add(quantity.parse().unwrap(), Ratio::new(*num, *den).unwrap())?;
        }
        Ok(sum.sum()?.to_string())
    }

    #[test]
    fn parts_of_a_month_add_up_and_are_rounded_once() {
        // 4 x 10/31 + 8 x 21/31 = 208/31 = 6.709677...
        assert_eq!(sum(&[("4", 10, 31), ("8", 21, 31)]).as_deref(), Ok("6.709677"));
        // Three thirds are a whole, although none of them is a number of millionths.
        assert_eq!(sum(&[("1", 1, 3), ("1", 1, 3), ("1", 1, 3)]).as_deref(), Ok("1"));
        assert_eq!(sum(&[]).as_deref(), Ok("0"));
        let most = Quantity::from_micros(i64::MAX);
        assert_eq!(
            UnitMonths::default().add(most, Ratio::new(i64::MAX, 1).unwrap()),
            Err(MoneyError)
        );
    }
}
