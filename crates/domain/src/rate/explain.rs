//! Showing how the amount of a line came about, exactly.

use super::full_term_gross;
use crate::catalogue::{PriceModel, Tier};
use kernel::{Factor, Money, Quantity, Ratio};

/// An amount before it was rounded, as a ratio of integers, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactAmount {
    num: i128,
    den: i128,
}

impl ExactAmount {
    /// Of a quantity under a model that looks at one resource.
    pub fn new(model: &PriceModel, quantity: Quantity, factor: Factor, part: Ratio) -> Option<Self> {
        let num = full_term_gross(model, quantity).checked_mul(i128::from(factor.micros()))?;
        let num = num.checked_mul(i128::from(part.num()))?;
        Some(Self {
            num,
            den: 10_000_000_000_000_000_i128.checked_mul(i128::from(part.den()))?,
        })
    }

    /// In yuan with eight decimals, cut off; `…` follows if that is not all.
    pub fn yuan(self) -> String {
        Self::decimal(self.num, self.den.saturating_mul(100))
    }

    /// What rounding added (or took away), in yuan, cut off after eight decimals.
    pub fn rounding(self, amount: Money) -> String {
        Self::decimal(
            i128::from(amount.fen()) * self.den - self.num,
            self.den.saturating_mul(100),
        )
    }

    fn decimal(num: i128, den: i128) -> String {
        let sign = if num < 0 { "-" } else { "" };
        let (num, den) = (num.unsigned_abs(), den.unsigned_abs().max(1));
        let (whole, rest) = (num / den, num % den);
        let scaled = rest.saturating_mul(100_000_000);
        let more = if scaled % den == 0 { "" } else { "…" };
        format!("{sign}{whole}.{:08}{more}", scaled / den)
    }
}

/// The price of a model in words: `46 元`, or its tiers.
pub fn model_in_words(model: &PriceModel) -> String {
    let tiers = |tiers: &[Tier]| {
        let steps = tiers.iter().map(|tier| match tier.up_to {
            Some(up_to) => format!("{up_to} 及以下 {} 元", tier.price),
            None => format!("以上 {} 元", tier.price),
        });
        steps.collect::<Vec<_>>().join("，")
    };
    match model {
        PriceModel::Flat { price } => format!("单价 {price} 元"),
        PriceModel::OneOff { price } => format!("一次性单价 {price} 元"),
        PriceModel::Graduated { tiers: t, scope } => format!("超额累进（{}）: {}", scope.zh(), tiers(t)),
        PriceModel::Volume { tiers: t, scope } => format!("全额累进（{}）: {}", scope.zh(), tiers(t)),
        PriceModel::Package {
            price,
            included,
            beyond,
        } => {
            format!("套餐 {price} 元含 {included}，超出部分每单位 {beyond} 元")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_days_of_march() {
        // 4 x 46 x 0.8 x 10/31 = 47.48387096.. yuan, charged 47.48.
        let model = PriceModel::Flat {
            price: "46".parse().unwrap(),
        };
        let exact = ExactAmount::new(
            &model,
            "4".parse().unwrap(),
            "0.8".parse().unwrap(),
            Ratio::new(10, 31).unwrap(),
        )
        .unwrap();
        assert_eq!(exact.yuan(), "47.48387096…");
        assert_eq!(exact.rounding(Money::from_fen(4748)), "-0.00387096…");
    }
}
