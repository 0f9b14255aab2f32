//! Tiered prices whose quantity is added up over several resources.
//!
//! Quantity x charged part of the month is added up exactly, over a common denominator, and the tiers are widened by
//! the length of the price's stretch, so that the mean quantity never has to be rounded. The total is rounded once
//! and shared out by largest remainder (I3). Caps are applied afterwards, resource by resource.

use super::amount::{AmountError, gcd, graduated, prorated_wide, volume};
use super::draft::{Draft, Rating};
use super::{ChargeMethod, RateError};
use crate::catalogue::{PriceModel, PriceScope, Proration, TierScope};
use kernel::{Factor, Money, Ratio};
use std::collections::BTreeMap;

/// Contract, item, price version, the price's place, and whoever the quantity is added up for. A price is one line
/// of a book, whose tariffs may differ by node or pool.
type GroupKey<'a> = (u32, u32, u32, &'a PriceScope, u32);

/// Replaces the amounts of drafts that share tiers.
pub(super) fn share_out(drafts: &mut [Draft], rating: &Rating<'_>) -> Result<(), RateError> {
    let mut groups: BTreeMap<GroupKey<'_>, Vec<usize>> = BTreeMap::new();
    for (place, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.shares) {
        let Some((_, part)) = rating.price_of(draft) else {
            continue;
        };
        let row = &draft.row;
        let owner = match part.line.model.scope() {
            TierScope::Resource | TierScope::Contract => row.contract,
            TierScope::System => row.system,
            TierScope::Organisation => row.organisation,
        };
        groups
            .entry((row.contract, row.item, row.price, &part.line.scope, owner))
            .or_default()
            .push(place);
    }
    for places in groups.values() {
        share_group(drafts, places, rating)?;
    }
    Ok(())
}

fn share_group(drafts: &mut [Draft], places: &[usize], rating: &Rating<'_>) -> Result<(), RateError> {
    let Some(first) = places.first().and_then(|place| drafts.get(*place)) else {
        return Ok(());
    };
    let Some((tariff, part)) = rating.price_of(first) else {
        return Ok(());
    };
    let month = rating.month.period();
    let stretch = match tariff.proration {
        Proration::BySecond => (part.period.seconds(), month.seconds()),
        Proration::ByDay | Proration::WholeMonth | Proration::FullMonthAfter(_) => (part.period.days(), month.days()),
    };
    let stretch = Ratio::new(stretch.0, stretch.1).ok_or_else(|| fault(AmountError))?;
    let rows = || {
        places
            .iter()
            .filter_map(|place| drafts.get(*place))
            .map(|draft| &draft.row)
    };
    let den = rows()
        .map(|row| row.part)
        .chain([stretch])
        .try_fold(1_i128, common_multiple)
        .ok_or_else(|| fault(AmountError))?;
    // How many `den`ths a part is. Exact: `den` is a multiple of every reduced denominator.
    let units = |part: Ratio| i128::from(part.num()) * den / i128::from(part.den());
    let weights: Vec<i128> = rows()
        .map(|row| i128::from(row.quantity.micros()) * units(row.part))
        .collect();
    let used: i128 = weights.iter().sum();
    let gross = match &part.line.model {
        PriceModel::Graduated { tiers, .. } => graduated(tiers, used, units(stretch)),
        PriceModel::Volume { tiers, .. } => volume(tiers, used, units(stretch)),
        PriceModel::Flat { .. } | PriceModel::Package { .. } | PriceModel::OneOff { .. } => return Ok(()),
    };
    let gross = gross.map_err(fault)?;
    let total = prorated_wide(gross, part.line.discount, (1, den)).map_err(fault)?;
    let list = prorated_wide(gross, Factor::ONE, (1, den)).map_err(fault)?;
    let amounts = kernel::money::split(total, &weights)?;
    let lists: Vec<Money> = kernel::money::split(list, &weights)?;
    for ((place, amount), list) in places.iter().zip(amounts).zip(lists) {
        if let Some(draft) = drafts.get_mut(*place) {
            draft.row.amount = amount;
            draft.row.list = list;
            draft.row.method = ChargeMethod::SharedTier;
        }
    }
    Ok(())
}

/// The smallest multiple of `den` and the denominator of `part`, reduced.
fn common_multiple(den: i128, part: Ratio) -> Option<i128> {
    let (num, of) = (i128::from(part.num()), i128::from(part.den()));
    let of = of / gcd(num, of);
    den.checked_mul(of / gcd(den, of))
}

fn fault(source: AmountError) -> RateError {
    RateError::Amount {
        resource: "（合并阶梯）".into(),
        item: String::new(),
        source,
    }
}
