//! The one multiplication and the one division of a charge line.

use crate::catalogue::{PriceModel, Tier};
use kernel::ratio::div_half_up;
use kernel::{Factor, Money, Quantity, Ratio, UnitPrice};
use std::num::NonZeroU64;
use thiserror::Error;

/// 10^-18 yuan per fen: quantity, price and factor are millionths each, and a fen is a hundredth of a yuan.
const PER_FEN: i128 = 10_000_000_000_000_000;
const MICRO: u64 = 1_000_000;
/// 10^-12 yuan per fen: what [`PER_FEN`] is for whole units.
const WHOLE_PER_FEN: u64 = 10_000_000_000;

/// An amount that does not fit its integer. Nothing is cut off: the run stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("金额超出可表示范围")]
pub struct AmountError;

/// A unit price with its factor, made ready to be applied to many quantities.
///
/// Rounding: half up, once. Quantities that are whole numbers of units take a path of 64 bits, with the same result.
/// Cheap to make: where prices and factors are many, it costs less than looking up one that was made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlatRate {
    price: UnitPrice,
    factor: Factor,
    /// price x factor in fen for a whole unit, as a ratio that is reduced in part, if it fits 64 bits.
    whole: Option<(u64, NonZeroU64)>,
}

impl FlatRate {
    /// From a price of one unit and a factor.
    #[inline]
    pub fn new(price: UnitPrice, factor: Factor) -> Self {
        let product = i128::from(price.micros()) * i128::from(factor.micros());
        let whole = u64::try_from(product).ok().and_then(|product| {
            // Prices and factors of two decimals, or four, leave room for long parts in 64 bits.
            let (num, den) = match product {
                p if p.is_multiple_of(100_000_000) => (p / 100_000_000, WHOLE_PER_FEN / 100_000_000),
                p if p.is_multiple_of(10_000) => (p / 10_000, WHOLE_PER_FEN / 10_000),
                p => (p, WHOLE_PER_FEN),
            };
            Some((num, NonZeroU64::new(den)?))
        });
        Self { price, factor, whole }
    }

    /// The amount for a quantity over a part `num / den` of the price term; `num` not negative, `den` positive.
    #[inline]
    pub fn amount(&self, quantity: Quantity, part: Ratio) -> Result<Money, AmountError> {
        match self.narrow(quantity, part) {
            Some(fen) => i64::try_from(fen).map(Money::from_fen).map_err(|_| AmountError),
            None => self.wide(quantity, part),
        }
    }

    /// 64-bit path: none if the quantity is not whole or something does not fit.
    #[inline]
    fn narrow(&self, quantity: Quantity, part: Ratio) -> Option<u64> {
        let (num, den) = self.whole?;
        let micros = u64::try_from(quantity.micros()).ok()?;
        if !micros.is_multiple_of(MICRO) {
            return None;
        }
        let numerator = (micros / MICRO)
            .checked_mul(num)?
            .checked_mul(u64::try_from(part.num()).ok()?)?;
        let denominator = den.checked_mul(NonZeroU64::new(u64::try_from(part.den()).ok()?)?)?;
        Some(numerator.checked_add(denominator.get() / 2)? / denominator)
    }

    /// 128-bit path: reduced only if it does not fit otherwise, because reducing costs more than dividing.
    #[cold]
    fn wide(&self, quantity: Quantity, part: Ratio) -> Result<Money, AmountError> {
        let product = i128::from(self.price.micros()) * i128::from(self.factor.micros());
        let fen = |product: i128, per_fen: i128| {
            let numerator = i128::from(quantity.micros())
                .checked_mul(product)?
                .checked_mul(i128::from(part.num()))?;
            div_half_up(numerator, per_fen.checked_mul(i128::from(part.den()))?)
        };
        let common = || gcd(product, PER_FEN);
        let fen = fen(product, PER_FEN).or_else(|| fen(product / common(), PER_FEN / common()));
        Money::try_from_fen(fen.ok_or(AmountError)?).map_err(|_| AmountError)
    }
}

/// The list price of a quantity for one full price term, in 10^-12 yuan, for models that look at one resource.
///
/// Always fits: both sides of the product are 64 bits wide.
#[inline]
pub fn full_term_gross(model: &PriceModel, quantity: Quantity) -> i128 {
    let micros = i128::from(quantity.micros());
    match model {
        PriceModel::Flat { price } | PriceModel::OneOff { price } => micros * i128::from(price.micros()),
        PriceModel::Graduated { tiers, .. } => graduated(tiers, micros, 1).unwrap_or(i128::MAX),
        PriceModel::Volume { tiers, .. } => volume(tiers, micros, 1).unwrap_or(i128::MAX),
        PriceModel::Package {
            price,
            included,
            beyond,
        } => {
            let more = (micros - i128::from(included.micros())).max(0);
            i128::from(price.micros()) * i128::from(MICRO) + more * i128::from(beyond.micros())
        }
    }
}

/// Each part of `amount` at the price of the tier it lies in. `stretch` widens the tiers, when `amount` is a sum of
/// quantity x time over that much time.
pub(super) fn graduated(tiers: &[Tier], amount: i128, stretch: i128) -> Result<i128, AmountError> {
    let mut below = 0;
    let mut gross = 0_i128;
    for tier in tiers {
        let bound = match tier.up_to {
            Some(up_to) => i128::from(up_to.micros())
                .checked_mul(stretch)
                .ok_or(AmountError)?
                .min(amount),
            None => amount,
        };
        let inside = (bound - below).max(0).checked_mul(i128::from(tier.price.micros()));
        gross = inside.and_then(|inside| gross.checked_add(inside)).ok_or(AmountError)?;
        below = bound.max(below);
    }
    Ok(gross)
}

/// All of `amount` at the price of the tier it reaches; a bound belongs to the tier below it.
pub(super) fn volume(tiers: &[Tier], amount: i128, stretch: i128) -> Result<i128, AmountError> {
    let reaches = |up_to: Quantity| {
        i128::from(up_to.micros())
            .checked_mul(stretch)
            .is_none_or(|bound| amount <= bound)
    };
    let reached = tiers.iter().find(|tier| tier.up_to.is_none_or(reaches));
    amount
        .checked_mul(reached.map_or(0, |tier| i128::from(tier.price.micros())))
        .ok_or(AmountError)
}

/// `gross` (10^-12 yuan for the full term) x factor x part, in fen. Rounding: half up, once.
pub(super) fn prorated(gross: i128, factor: Factor, part: Ratio) -> Result<Money, AmountError> {
    prorated_wide(gross, factor, (i128::from(part.num()), i128::from(part.den())))
}

/// [`prorated`] with a part of any width, its denominator positive.
pub(super) fn prorated_wide(gross: i128, factor: Factor, (num, den): (i128, i128)) -> Result<Money, AmountError> {
    let denominator = PER_FEN.checked_mul(den).ok_or(AmountError)?;
    // Reduced first, so that long sums of small shares fit.
    let common = gcd(gross.checked_abs().ok_or(AmountError)?, denominator);
    let (gross, denominator) = (gross / common, denominator / common);
    let numerator = gross
        .checked_mul(i128::from(factor.micros()))
        .and_then(|n| n.checked_mul(num));
    let fen = numerator.and_then(|n| div_half_up(n, denominator)).ok_or(AmountError)?;
    Money::try_from_fen(fen).map_err(|_| AmountError)
}

pub(super) fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::TierScope;
    use proptest::prelude::*;

    fn price(text: &str) -> UnitPrice {
        text.parse().unwrap()
    }

    fn units(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn eip() -> PriceModel {
        // China Telecom list (ctyun-list-2026 in docs/sources.md): the first 5 Mbps 20 yuan each, what is above 36 yuan each.
        let tiers = vec![
            Tier {
                up_to: Some(units("5")),
                price: price("20"),
            },
            Tier {
                up_to: None,
                price: price("36"),
            },
        ];
        PriceModel::Graduated {
            tiers,
            scope: TierScope::Resource,
        }
    }

    fn yuan(model: &PriceModel, quantity: &str) -> String {
        prorated(full_term_gross(model, units(quantity)), Factor::ONE, Ratio::ONE)
            .unwrap()
            .to_string()
    }

    #[test]
    fn published_flavours_and_bandwidth() {
        // 10 M = 280 and 100 M = 3,520 are printed in the same list.
        assert_eq!(
            (
                yuan(&eip(), "5").as_str(),
                yuan(&eip(), "10").as_str(),
                yuan(&eip(), "100").as_str()
            ),
            ("100.00", "280.00", "3520.00")
        );
        // 2c4g = 160, 16c64g = 1,824: vCPU 46, memory 17.
        let sum = |cpu, gib| {
            let of = |p: &str, q| {
                FlatRate::new(price(p), Factor::ONE)
                    .amount(units(q), Ratio::ONE)
                    .unwrap()
            };
            of("46", cpu).plus(of("17", gib)).unwrap().to_string()
        };
        assert_eq!((sum("2", "4"), sum("16", "64")), ("160.00".into(), "1824.00".into()));
    }

    #[test]
    fn volume_and_package() {
        let tiers = vec![
            Tier {
                up_to: Some(units("1000")),
                price: price("0.3"),
            },
            Tier {
                up_to: None,
                price: price("0.25"),
            },
        ];
        let volume = PriceModel::Volume {
            tiers,
            scope: TierScope::Resource,
        };
        assert_eq!(
            (yuan(&volume, "1000").as_str(), yuan(&volume, "1001").as_str()),
            ("300.00", "250.25")
        );
        let package = PriceModel::Package {
            price: price("1020"),
            included: units("10"),
            beyond: price("98.5"),
        };
        assert_eq!(
            (yuan(&package, "3").as_str(), yuan(&package, "12").as_str()),
            ("1020.00", "1217.00")
        );
    }

    #[test]
    fn half_a_fen_goes_up() {
        // 1 x 0.31 yuan x 1/2 = 15.5 fen.
        let rate = FlatRate::new(price("0.31"), Factor::ONE);
        assert_eq!(rate.amount(Quantity::ONE, Ratio::new(1, 2).unwrap()).unwrap().fen(), 16);
        // 10 GB x 0.07 x 0.85 x 15/31 = 0.28790.. yuan
        let rate = FlatRate::new(price("0.07"), "0.85".parse().unwrap());
        assert_eq!(rate.amount(units("10"), Ratio::new(15, 31).unwrap()).unwrap().fen(), 29);
    }

    proptest! {
        #[test]
        fn parts_of_units_too(micros in 0_i64..10_000_000_000_000, p in 0_i64..100_000_000_000, f in 0_i64..1_500_000, num in 0_i64..2_678_400, den in 1_i64..2_678_400) {
            let (price, factor, part) = (UnitPrice::from_micros(p), Factor::from_micros(f), Ratio::new(num, den).unwrap());
            let exact = prorated(i128::from(micros) * i128::from(p), factor, part);
            prop_assert_eq!(FlatRate::new(price, factor).amount(Quantity::from_micros(micros), part), exact);
        }

        #[test]
        fn both_paths_agree(whole in 0_i64..10_000_000, p in 0_i64..100_000_000_000, f in 0_i64..1_500_000, num in 0_i64..2_678_400, den in 1_i64..2_678_400) {
            let (price, factor, part) = (UnitPrice::from_micros(p), Factor::from_micros(f), Ratio::new(num, den).unwrap());
            let quantity = Quantity::from_whole(whole).unwrap();
            let exact = prorated(i128::from(quantity.micros()) * i128::from(p), factor, part);
            prop_assert_eq!(FlatRate::new(price, factor).amount(quantity, part), exact);
        }
    }
}
