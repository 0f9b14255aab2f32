//! Quantities taken from measured values: the mean, and the 95th percentile.
//!
//! Invariant I9: values that are missing are missing. They are not taken as zero and not filled in; the count of
//! what was there and what should have been there goes with the result.

use kernel::Quantity;
use kernel::ratio::div_half_up;

/// A measured quantity and how complete the values behind it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasuredQuantity {
    /// The quantity.
    pub quantity: Quantity,
    /// Values there were.
    pub values: usize,
}

/// The mean of the values. Rounding: half up to a millionth. None if there is no value.
pub fn mean_quantity(values: &[Quantity]) -> Option<MeasuredQuantity> {
    let sum: i128 = values.iter().map(|v| i128::from(v.micros())).sum();
    let mean = div_half_up(sum, i128::try_from(values.len()).ok()?)?;
    Some(MeasuredQuantity {
        quantity: Quantity::from_micros(i64::try_from(mean).ok()?),
        values: values.len(),
    })
}

/// The 95th percentile by nearest rank: element ceil(0.95 n) of the sorted values. None if there is no value.
pub fn p95_quantity(values: &[Quantity]) -> Option<MeasuredQuantity> {
    let mut sorted: Vec<Quantity> = values.to_vec();
    sorted.sort_unstable();
    let rank = sorted.len().checked_mul(95)?.checked_add(99)? / 100;
    Some(MeasuredQuantity {
        quantity: *sorted.get(rank.checked_sub(1)?)?,
        values: sorted.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantities(whole: impl IntoIterator<Item = i64>) -> Vec<Quantity> {
        whole.into_iter().map(|w| Quantity::from_whole(w).unwrap()).collect()
    }

    #[test]
    fn by_hand() {
        assert_eq!(
            mean_quantity(&quantities([1, 2, 2])).unwrap().quantity.to_string(),
            "1.666667"
        );
        // n = 20: ceil(19) = the 19th of 20. n = 10: ceil(9.5) = the 10th of 10.
        assert_eq!(p95_quantity(&quantities(1..=20)).unwrap().quantity.to_string(), "19");
        assert_eq!(p95_quantity(&quantities(1..=10)).unwrap().quantity.to_string(), "10");
        assert_eq!(p95_quantity(&quantities([7])).unwrap().quantity.to_string(), "7");
        assert!(mean_quantity(&[]).is_none() && p95_quantity(&[]).is_none());
    }
}
