//! Matching by resource, item and month, and taking each difference apart.
//!
//! Invariant: the parts of a difference sum to it, and all differences sum to bill total - our total, exactly.
//! Whatever is left after period and quantity have been priced at our own price is a matter of price, or of
//! arithmetic where the prices agree.

use super::ProviderBill;
use crate::rate::{ChargeKind, ChargeTable};
use crate::registry::words;
use kernel::ratio::div_half_up;
use kernel::{Money, MoneyError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// Why a bill differs from our charges.
    DifferenceClass {
        /// Billed for a longer or shorter time.
        Period = "period", "期间";
        /// Billed for more or less.
        Quantity = "quantity", "数量";
        /// Billed at another price.
        Price = "price", "单价";
        /// Billed to another department; the sum is the same.
        Owner = "owner", "归属";
        /// Ours, not in the bill.
        Missing = "missing", "账单缺少";
        /// In the bill, not ours.
        Extra = "extra", "账单多出";
        /// Same time, quantity and price, another amount: rounding or arithmetic.
        Arithmetic = "arithmetic", "尾差";
    }
}

/// The difference of one resource and item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// The organisation we charge, or, for what we do not charge, the one that is billed.
    pub organisation: String,
    /// The organisation that is billed, if it is another.
    pub billed_to: Option<String>,
    /// What we charge; none if we do not.
    pub ours: Option<Money>,
    /// What is billed; none if it is not.
    pub billed: Option<Money>,
    /// billed - ours.
    pub difference: Money,
    /// Its parts, in the order of the classes, without those that are zero (owner excepted).
    pub parts: Vec<(DifferenceClass, Money)>,
    /// Whether it is within the contract's tolerance and not disputed.
    pub tolerated: bool,
}

impl Difference {
    /// The class with the largest part; what the difference is listed under.
    pub fn main_class(&self) -> DifferenceClass {
        let largest = self
            .parts
            .iter()
            .max_by_key(|(class, part)| (part.fen().unsigned_abs(), std::cmp::Reverse(*class)));
        largest.map_or(DifferenceClass::Arithmetic, |(class, _)| *class)
    }
}

/// Count and sum of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassSum {
    /// Differences with a part of this class.
    pub count: u64,
    /// The sum of those parts.
    pub amount: Money,
}

/// A month of one provider, reconciled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciliation {
    /// Our charges of the month (corrections of other months are no part of the provider's bill of this one).
    pub ours: Money,
    /// The bill's total.
    pub billed: Money,
    /// Resources and items that agree to the fen.
    pub agreeing: u64,
    /// The differences, by resource and item.
    pub differences: Vec<Difference>,
    /// By class; the sums add up to `billed - ours`.
    pub classes: BTreeMap<DifferenceClass, ClassSum>,
    /// For each resource and item: what both sides agree has to be paid, the smaller of both.
    pub undisputed: Money,
}

/// One side of a match, added up.
#[derive(Debug, Clone, Default)]
struct Side {
    amount: i128,
    seconds: i128,
    /// Sum of quantity x seconds.
    quantity_seconds: i128,
    organisations: BTreeSet<String>,
    lines: u32,
}

impl Side {
    fn add(&mut self, amount: Money, seconds: i64, quantity_micros: i64, organisation: &str) {
        self.amount += i128::from(amount.fen());
        self.seconds += i128::from(seconds);
        self.quantity_seconds += i128::from(seconds) * i128::from(quantity_micros);
        if !self.organisations.contains(organisation) {
            self.organisations.insert(organisation.to_owned());
        }
        self.lines += 1;
    }

    /// Of several organisations the first.
    fn organisation(&self) -> Option<String> {
        self.organisations.first().cloned()
    }
}

/// Reconciles one provider's bill with our lines for that provider. `tolerance` is per resource, item and month.
pub fn reconcile(charges: &ChargeTable, bill: &ProviderBill, tolerance: Money) -> Result<Reconciliation, MoneyError> {
    let mut sides: BTreeMap<(String, String), (Option<Side>, Option<Side>)> = BTreeMap::new();
    let text = |name: u32| charges.names.text(name);
    for row in &charges.rows {
        if row.kind == ChargeKind::Correction || text(row.provider) != bill.provider.as_str() {
            continue;
        }
        let side = sides
            .entry((text(row.resource).to_owned(), text(row.item).to_owned()))
            .or_default();
        let seconds = row.to.unix_s() - row.from.unix_s();
        let side = side.0.get_or_insert_default();
        side.add(row.amount, seconds, row.quantity.micros(), text(row.organisation));
    }
    for line in &bill.lines {
        let side = sides.entry((line.resource.clone(), line.item.to_string())).or_default();
        let side = side.1.get_or_insert_default();
        side.add(
            line.amount,
            line.period.seconds(),
            line.quantity.micros(),
            line.organisation.as_str(),
        );
    }
    let mut result = Reconciliation::default();
    for ((resource, item), (ours, billed)) in sides {
        let fen = |side: &Option<Side>| side.as_ref().map_or(Ok(Money::ZERO), |s| Money::try_from_fen(s.amount));
        let (our_amount, billed_amount) = (fen(&ours)?, fen(&billed)?);
        result.ours = result.ours.plus(our_amount)?;
        result.billed = result.billed.plus(billed_amount)?;
        result.undisputed = result.undisputed.plus(our_amount.min(billed_amount))?;
        let difference = billed_amount.minus(our_amount)?;
        let parts = take_apart(ours.as_ref(), billed.as_ref(), difference)?;
        if parts.is_empty() {
            result.agreeing += 1;
            continue;
        }
        for (class, part) in &parts {
            let sum = result.classes.entry(*class).or_default();
            sum.count += 1;
            sum.amount = sum.amount.plus(*part)?;
        }
        let owner = |side: &Option<Side>| side.as_ref().and_then(Side::organisation);
        let only_billed = ours
            .as_ref()
            .zip(billed.as_ref())
            .and_then(|(ours, billed)| billed.organisations.difference(&ours.organisations).next().cloned());
        let billed_to =
            only_billed.or_else(|| owner(&billed).filter(|org| owner(&ours).is_some_and(|ours| ours != *org)));
        let only_owner = difference.is_zero();
        result.differences.push(Difference {
            organisation: owner(&ours).or_else(|| owner(&billed)).unwrap_or_default(),
            billed_to,
            ours: ours.is_some().then_some(our_amount),
            billed: billed.is_some().then_some(billed_amount),
            difference,
            parts,
            tolerated: !only_owner && difference.magnitude()? <= tolerance && ours.is_some() && billed.is_some(),
            resource,
            item,
        });
    }
    Ok(result)
}

/// The parts of one difference.
fn take_apart(
    ours: Option<&Side>,
    billed: Option<&Side>,
    difference: Money,
) -> Result<Vec<(DifferenceClass, Money)>, MoneyError> {
    let (ours, billed) = match (ours, billed) {
        // Nothing on one side and nothing to pay on the other is no difference.
        (Some(_), None) | (None, Some(_)) if difference.is_zero() => return Ok(Vec::new()),
        (Some(_), None) => return Ok(vec![(DifferenceClass::Missing, difference)]),
        (None, Some(_)) => return Ok(vec![(DifferenceClass::Extra, difference)]),
        (Some(ours), Some(billed)) => (ours, billed),
        (None, None) => return Ok(Vec::new()),
    };
    let whole = i128::from(difference.fen());
    // Up to a fen per line is what rounding can do.
    let tail = i128::from(ours.lines.max(billed.lines));
    let classed = match by_our_price(ours, billed, whole).filter(|_| whole != 0) {
        Some((period, quantity)) => {
            let left = whole - period - quantity;
            let class = if left.abs() <= tail {
                DifferenceClass::Arithmetic
            } else {
                DifferenceClass::Price
            };
            [
                (DifferenceClass::Period, period),
                (DifferenceClass::Quantity, quantity),
                (class, left),
            ]
        }
        None => {
            let class = if ours.seconds != billed.seconds {
                DifferenceClass::Period
            } else if ours.quantity_seconds != billed.quantity_seconds {
                DifferenceClass::Quantity
            } else if whole.abs() <= tail {
                DifferenceClass::Arithmetic
            } else {
                DifferenceClass::Price
            };
            [
                (class, whole),
                (DifferenceClass::Period, 0),
                (DifferenceClass::Quantity, 0),
            ]
        }
    };
    let mut parts = Vec::new();
    for (class, fen) in classed.into_iter().filter(|(_, fen)| *fen != 0) {
        parts.push((class, Money::try_from_fen(fen)?));
    }
    if ours.organisations != billed.organisations {
        parts.push((DifferenceClass::Owner, Money::ZERO));
    }
    parts.sort_by_key(|(class, _)| *class);
    Ok(parts)
}

/// What the billed time, and then the billed quantity, make of our own amount, as differences. None if we charge
/// nothing that could be scaled, or if what is billed is beyond all measure.
fn by_our_price(ours: &Side, billed: &Side, whole: i128) -> Option<(i128, i128)> {
    if ours.amount == 0 || ours.seconds <= 0 || ours.quantity_seconds <= 0 {
        return None;
    }
    let over_time = div_half_up(ours.amount.checked_mul(billed.seconds - ours.seconds)?, ours.seconds)?;
    // Our mean quantity over the billed time, kept as a fraction over our seconds.
    let expected = ours.quantity_seconds.checked_mul(billed.seconds)?;
    let actual = billed.quantity_seconds.checked_mul(ours.seconds)?;
    let denominator = ours.quantity_seconds.checked_mul(ours.seconds)?;
    let over_quantity = div_half_up(ours.amount.checked_mul(actual - expected)?, denominator)?;
    let parts = [
        over_time,
        over_quantity,
        whole.checked_sub(over_time)?.checked_sub(over_quantity)?,
    ];
    parts
        .iter()
        .all(|fen| i64::try_from(*fen).is_ok())
        .then_some((over_time, over_quantity))
}
