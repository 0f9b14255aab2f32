//! What is withheld: what we charge and the provider has not agreed to. Public money pays no more than both sides
//! agree on.
//!
//! Invariant: what is withheld for a resource and item is shared by the departments that are charged for it, in
//! proportion to their charges, and the shares sum to it (I3).

use crate::reconcile::{Agreed, Difference, DifferenceClass};
use kernel::money::split;
use kernel::{Money, MoneyError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that is not paid yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// Why.
    pub class: DifferenceClass,
    /// How much, as a positive amount.
    pub amount: Money,
}

/// What is agreed about resources and items of one month, by provider, resource and item.
pub type Agreements = BTreeMap<(String, String, String), Agreed>;

/// What both sides say about one resource, item and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// What we charge; none if we do not.
    pub ours: Option<Money>,
    /// What is billed; none if it is not.
    pub billed: Option<Money>,
    /// What the provider's last answer settles.
    pub agreed: Option<Agreed>,
}

impl Standing {
    /// What we charge above the bill; nothing within the tolerance where both sides have the item.
    pub fn above_bill(&self, tolerance: Money) -> Result<Money, MoneyError> {
        let (ours, billed) = (self.ours.unwrap_or_default(), self.billed.unwrap_or_default());
        let gap = ours.minus(billed)?;
        let tolerated = self.ours.is_some() && self.billed.is_some() && gap <= tolerance;
        Ok(if tolerated { Money::ZERO } else { gap.max(Money::ZERO) })
    }

    /// What the provider has not agreed to: what is above the bill, or less if an answer settled it.
    pub fn open(&self, tolerance: Money) -> Result<Money, MoneyError> {
        self.not_agreed(self.above_bill(tolerance)?)
    }

    /// What was paid although the provider does not agree to it any more: what is open beyond what is still withheld.
    pub fn paid_above(&self, left: Money, tolerance: Money) -> Result<Money, MoneyError> {
        Ok(self.open(tolerance)?.minus(left)?.max(Money::ZERO))
    }

    /// What an answer leaves of what is above the bill.
    fn not_agreed(&self, above: Money) -> Result<Money, MoneyError> {
        Ok(match self.agreed {
            None => above,
            Some(Agreed::Ours) => Money::ZERO,
            Some(Agreed::Figure(figure)) => {
                let rest = self.ours.unwrap_or_default().minus(figure)?;
                rest.max(Money::ZERO).min(above)
            }
        })
    }
}

/// What a difference withholds, and from whom: each organisation with its share.
///
/// `charged` is what each organisation is charged for the resource and item. Rounding: largest remainder, the earlier
/// code first; nobody charged: all of it from the organisation that the difference names.
pub(super) fn withhold(
    difference: &Difference,
    agreed: Option<Agreed>,
    charged: &BTreeMap<String, Money>,
) -> Result<Vec<(String, Withheld)>, MoneyError> {
    if difference.tolerated || difference.difference >= Money::ZERO {
        return Ok(Vec::new());
    }
    let standing = Standing {
        ours: difference.ours,
        billed: difference.billed,
        agreed,
    };
    let whole = standing.not_agreed(difference.difference.magnitude()?)?;
    let mut shares = share(whole, charged.iter().map(|(code, amount)| (code.clone(), *amount)))?;
    if shares.is_empty() && whole > Money::ZERO {
        shares.push((difference.organisation.clone(), whole));
    }
    let withheld = shares.into_iter().map(|(organisation, amount)| {
        let withheld = Withheld {
            resource: difference.resource.clone(),
            item: difference.item.clone(),
            class: difference.main_class(),
            amount,
        };
        (organisation, withheld)
    });
    Ok(withheld.collect())
}

/// Shares an amount by weights; whoever has none gets nothing. Shares of nothing are left out.
pub(super) fn share<T>(
    whole: Money,
    weights: impl IntoIterator<Item = (T, Money)>,
) -> Result<Vec<(T, Money)>, MoneyError> {
    let (who, weights): (Vec<T>, Vec<i128>) = weights
        .into_iter()
        .filter(|(_, weight)| *weight > Money::ZERO)
        .map(|(who, weight)| (who, i128::from(weight.fen())))
        .unzip();
    if who.is_empty() {
        return Ok(Vec::new());
    }
    let parts = who.into_iter().zip(split(whole, &weights)?);
    Ok(parts.filter(|(_, part)| !part.is_zero()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fen(fen: i64) -> Money {
        Money::from_fen(fen)
    }

    fn standing(ours: Option<i64>, billed: Option<i64>, agreed: Option<Agreed>) -> Standing {
        Standing {
            ours: ours.map(fen),
            billed: billed.map(fen),
            agreed,
        }
    }

    #[test]
    fn what_was_paid_above_a_bill_that_came_later() {
        let above = |ours, billed, agreed, left| {
            standing(ours, billed, agreed)
                .paid_above(fen(left), fen(5))
                .unwrap()
                .fen()
        };
        let cases = [
            // ours, billed now, agreed, still withheld, paid above
            (Some(250_000), Some(240_000), None, 0, 10_000),
            (Some(250_000), Some(240_000), None, 4_000, 6_000),
            (Some(250_000), Some(240_000), None, 10_000, 0),
            (Some(250_000), Some(240_000), None, 250_000, 0),
            (Some(250_000), Some(249_995), None, 0, 0),
            // Billed above ours before and at ours now: ours was paid.
            (Some(250_000), Some(250_000), None, 0, 0),
            (Some(250_000), Some(240_000), Some(Agreed::Ours), 0, 0),
            (Some(250_000), None, None, 0, 250_000),
        ];
        for (ours, billed, agreed, left, expected) in cases {
            assert_eq!(
                above(ours, billed, agreed, left),
                expected,
                "{ours:?} {billed:?} {agreed:?} {left}"
            );
        }
    }

    #[test]
    fn what_is_open_by_bill_tolerance_and_answer() {
        let open = |ours, billed, agreed| standing(ours, billed, agreed).open(fen(5)).unwrap().fen();
        // ours, billed, agreed, still open
        let cases = [
            (Some(250_000), Some(240_000), None, 10_000),
            (Some(250_000), None, None, 250_000),
            (Some(250_000), Some(249_995), None, 0),
            (Some(250_000), Some(249_994), None, 6),
            // Nothing of ours is a small amount, too: the tolerance needs both sides.
            (Some(4), None, None, 4),
            (Some(240_000), Some(250_000), None, 0),
            (None, Some(100), None, 0),
            // A credit that we do not know of.
            (None, Some(-100), None, 100),
            (Some(250_000), Some(240_000), Some(Agreed::Ours), 0),
            (Some(250_000), Some(240_000), Some(Agreed::Figure(fen(246_000))), 4_000),
            // An answer never opens what the bill settles.
            (Some(250_000), Some(250_000), Some(Agreed::Figure(fen(246_000))), 0),
            (Some(250_000), Some(240_000), Some(Agreed::Figure(fen(1))), 10_000),
            (Some(250_000), Some(240_000), Some(Agreed::Figure(fen(260_000))), 0),
        ];
        for (ours, billed, agreed, expected) in cases {
            assert_eq!(open(ours, billed, agreed), expected, "{ours:?} {billed:?} {agreed:?}");
        }
    }

    #[test]
    fn departments_share_what_is_withheld_by_their_charges() {
        let difference = Difference {
            resource: "N1/vm-1".into(),
            item: "CPU".into(),
            organisation: "D1".into(),
            billed_to: None,
            ours: Some(fen(18_400)),
            billed: Some(fen(8_399)),
            difference: fen(-10_001),
            parts: vec![(DifferenceClass::Price, fen(-10_001))],
            tolerated: false,
        };
        let charged = |pairs: &[(&str, i64)]| pairs.iter().map(|(code, f)| ((*code).to_owned(), fen(*f))).collect();
        let shares = |agreed, charged: &BTreeMap<String, Money>| {
            let shares = withhold(&difference, agreed, charged).unwrap();
            shares
                .into_iter()
                .map(|(who, w)| (who, w.amount.fen()))
                .collect::<Vec<_>>()
        };
        // March, moved on the 16th: 15 and 16 days of 184.00 are 89.03 and 94.97. 10,001 fen x 89.03 / 184.00 =
        // 4,839.07, x 94.97 / 184.00 = 5,161.93: the last fen goes to the larger remainder.
        let moved = charged(&[("D1", 8_903), ("D2", 9_497)]);
        assert_eq!(
            shares(None, &moved),
            [("D1".to_owned(), 4_839), ("D2".to_owned(), 5_162)]
        );
        // A department that was given money back has no share.
        let odd = charged(&[("D1", -5), ("D3", 10)]);
        assert_eq!(shares(None, &odd), [("D3".to_owned(), 10_001)]);
        assert_eq!(shares(None, &charged(&[])), [("D1".to_owned(), 10_001)]);
        assert_eq!(shares(Some(Agreed::Ours), &moved), []);
    }
}
