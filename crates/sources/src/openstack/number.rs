//! Exact numbers: from the digits of a JSON text to quantities, with one rounding and no float.

use kernel::ratio::div_half_up;
use kernel::{Instant, Quantity, Ratio, TimeError};

const MICROS: i128 = 1_000_000;
/// More digits than any float prints; keeps the products below within 128 bits.
const MOST_DIGITS: usize = 24;

/// Memory or disk from MiB. Units: MiB to GiB. Rounding: half up to a millionth.
pub(super) fn gib_of_mib(mib: u64) -> Option<Quantity> {
    quantity(i128::from(mib).checked_mul(MICROS)?, 1024)
}

/// Storage from bytes. Units: bytes to GiB. Rounding: half up to a millionth.
pub(super) fn gib_of_bytes(bytes: u64) -> Option<Quantity> {
    quantity(i128::from(bytes).checked_mul(MICROS)?, 1 << 30)
}

/// Pieces, processors, whole GiB.
pub(super) fn whole(count: u64) -> Option<Quantity> {
    Quantity::from_whole(i64::try_from(count).ok()?)
}

/// A JSON number times a factor. Rounding: half up to a millionth, once, after the factor.
///
/// `None` for what is no number, is negative, or does not fit.
pub(super) fn scaled(text: &str, factor: Ratio) -> Option<Quantity> {
    let (mantissa, power) = split(text.trim())?;
    let a = mantissa.checked_mul(i128::from(factor.num()))?;
    let b = i128::from(factor.den());
    let shift = power.checked_add(6)?;
    let ten = |n: i64| u32::try_from(n).ok().and_then(|n| 10_i128.checked_pow(n));
    if a == 0 {
        return Some(Quantity::ZERO);
    }
    if shift >= 0 {
        return quantity(a.checked_mul(ten(shift)?)?, b);
    }
    // A divisor beyond 128 bits makes anything that fits into the numerator vanish.
    ten(shift.checked_neg()?)
        .and_then(|t| b.checked_mul(t))
        .map_or(Some(Quantity::ZERO), |b| quantity(a, b))
}

/// The moment of a time stamp; one without an offset is UTC, as all services mean it.
pub(super) fn moment(text: &str) -> Result<Instant, TimeError> {
    let text = text.trim();
    let clock = text.split_once(['T', ' ']).map_or("", |(_, clock)| clock);
    if clock.is_empty() || clock.contains(['Z', 'z', '+', '-']) {
        return text.parse();
    }
    format!("{text}Z").parse()
}

fn quantity(a: i128, b: i128) -> Option<Quantity> {
    let micros = div_half_up(a, b)?;
    i64::try_from(micros).ok().map(Quantity::from_micros)
}

/// Digits and the power of ten they stand at: 12.5e3 is (125, 2).
fn split(text: &str) -> Option<(i128, i64)> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if digits.is_empty() || significant.len() > MOST_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mantissa = if significant.is_empty() {
        0
    } else {
        significant.parse().ok()?
    };
    Some((mantissa, exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ratio(num: i64, den: i64) -> Ratio {
        Ratio::new(num, den).unwrap()
    }

    #[test]
    fn mebibytes_become_gibibytes() {
        assert_eq!(gib_of_mib(8192).unwrap().to_string(), "8");
        assert_eq!(gib_of_mib(512).unwrap().to_string(), "0.5");
        // 1/1024 = 0.0009765625 and 1500/1024 = 1.46484375: the seventh place decides.
        assert_eq!(gib_of_mib(1).unwrap().to_string(), "0.000977");
        assert_eq!(gib_of_mib(1500).unwrap().to_string(), "1.464844");
        assert_eq!(gib_of_mib(u64::MAX), None);
    }

    #[test]
    fn bytes_become_gibibytes_and_not_gigabytes() {
        assert_eq!(gib_of_bytes(1 << 30).unwrap().to_string(), "1");
        assert_eq!(gib_of_bytes(1_000_000_000).unwrap().to_string(), "0.931323");
        // 536.87 bytes are half a millionth of a GiB.
        assert_eq!(gib_of_bytes(536).unwrap(), Quantity::ZERO);
        assert_eq!(gib_of_bytes(537).unwrap().micros(), 1);
    }

    #[test]
    fn floats_are_read_digit_by_digit() {
        let read = |text| scaled(text, Ratio::ONE).map(|q| q.to_string());
        for (text, value) in [
            ("12.5", "12.5"),
            ("0.1", "0.1"),
            ("100", "100"),
            ("1e3", "1000"),
            ("1.25E+2", "125"),
            ("2.5e-06", "0.000003"),
            ("2.4e-6", "0.000002"),
            ("5e-7", "0.000001"),
            ("4.9999999e-7", "0"),
            ("1e-300", "0"),
            ("0.0", "0"),
            ("0e999999", "0"),
            ("33.333333333333336", "33.333333"),
        ] {
            assert_eq!(read(text).as_deref(), Some(value), "{text}");
        }
        for text in [
            "",
            "-1",
            "NaN",
            "null",
            "1e400",
            "99999999999999",
            ".",
            "1.2.3",
            "1e",
            "0x10",
            "\"1\"",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn one_rounding_after_the_factor() {
        // 1 MB/s of traffic is 8 Mbps; bytes per second to Mbps is 8/1000000.
        assert_eq!(scaled("1000000.0", ratio(8, 1_000_000)).unwrap().to_string(), "8");
        // A third of 0.0000015 is 0.0000005, which rounds up once; rounded before the factor it would be 0.000001 / 3.
        assert_eq!(scaled("0.0000015", ratio(1, 3)).unwrap().micros(), 1);
        assert_eq!(scaled("4096.0", ratio(1, 1024)).unwrap().to_string(), "4");
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        let utc = "2026-03-01T04:05:06Z".parse().unwrap();
        for text in [
            "2026-03-01T04:05:06.000000",
            "2026-03-01 04:05:06",
            "2026-03-01T12:05:06+08:00",
            "2026-03-01T04:05:06Z",
        ] {
            assert_eq!(moment(text), Ok(utc), "{text}");
        }
        assert!(moment("yesterday").is_err() && moment("").is_err());
    }

    proptest! {
        #[test]
        fn six_places_are_kept_as_written(micros in 0_i64..1_000_000_000_000_000) {
            let q = Quantity::from_micros(micros);
            prop_assert_eq!(scaled(&q.to_string(), Ratio::ONE), Some(q));
            prop_assert_eq!(scaled(&format!("{micros}e-6"), Ratio::ONE), Some(q));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = scaled(&text, Ratio::ONE);
            let _ = moment(&text);
        }
    }
}
