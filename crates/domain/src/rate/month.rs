//! Rating one month.

use super::amount::{full_term_gross, prorated};
use super::commitment::top_up;
use super::draft::{Draft, Rating};
use super::proration::{GroupLength, part_of_month};
use super::shared_tier::share_out;
use super::tariff::{TariffKey, TariffNumbers};
use super::{ChargeKind, ChargeMethod, ChargeRow, ChargeTable, MissingPrice, RateError, TariffPart, Tariffs};
use crate::catalogue::TierScope;
use crate::meter::{UsageRow, UsageTable};
use kernel::{Factor, Money, MoneyError, Month, Period, Ratio};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Everything that rating a month needs.
#[derive(Debug)]
pub struct RateInput<'a> {
    /// The month.
    pub month: Month,
    /// Its usage, in the fixed order.
    pub usage: &'a UsageTable,
    /// Prices and terms.
    pub tariffs: &'a Tariffs,
}

/// Rates a month: every usage row under every price in force in it, shared tiers, caps, then commitments.
///
/// Errors: every item without a price is named, not only the first.
pub fn rate_month(input: &RateInput<'_>) -> Result<ChargeTable, RateError> {
    let usage = input.usage;
    let mut numbers = TariffNumbers::default();
    let tariff_of: Vec<usize> = usage
        .rows
        .iter()
        .map(|row| numbers.number([row.contract, row.item, row.node, row.pool_kind]))
        .collect();
    let keys: Vec<_> = numbers
        .keys()
        .iter()
        .map(|[c, i, n, p]| {
            let text = |name: &u32| usage.names.text(*name);
            (text(c), text(i), text(n), text(p))
        })
        .collect();
    let tariffs = input.tariffs.resolve_all(&keys, input.month.period());
    let mut names = usage.names.clone();
    names.intern("");
    let labels: Vec<Vec<u32>> = tariffs
        .iter()
        .map(|t| t.parts.iter().map(|part| names.intern(&part.label)).collect())
        .collect();

    let rating = Rating {
        month: input.month,
        usage,
        tariffs: &tariffs,
        labels: &labels,
        tariff_of: &tariff_of,
        names: &names,
    };
    let groups = group_bounds(&usage.rows);
    let rated: Result<Vec<Rated>, RateError> = groups.par_chunks(4096).map(|groups| rating.groups(groups)).collect();
    let mut drafts: Vec<Draft> = Vec::with_capacity(usage.rows.len());
    let mut unpriced: BTreeMap<usize, Period> = BTreeMap::new();
    for rated in rated? {
        drafts.extend(rated.drafts);
        rated
            .unpriced
            .into_iter()
            .for_each(|(tariff, period)| widen(&mut unpriced, tariff, period));
    }
    rating.all_priced(unpriced, &keys)?;
    share_out(&mut drafts, &rating)?;
    rating.cap_shared(&mut drafts)?;
    let mut table = ChargeTable {
        rows: drafts.into_iter().map(|draft| draft.row).collect(),
        names,
    };
    top_up(&mut table, input.tariffs, input.month)?;
    Ok(table)
}

/// The lines of some groups, and by number of the tariff what had no price.
#[derive(Default)]
struct Rated {
    drafts: Vec<Draft>,
    unpriced: BTreeMap<usize, Period>,
}

/// Widens what is noted for a tariff, so that it spans `period` too.
fn widen(unpriced: &mut BTreeMap<usize, Period>, tariff: usize, period: Period) {
    let noted = unpriced.entry(tariff).or_insert(period);
    if let Ok(wider) = Period::new(noted.from().min(period.from()), noted.to().max(period.to())) {
        *noted = wider;
    }
}

/// Rows of one resource and item stand together; these are the bounds of each such group.
fn group_bounds(rows: &[UsageRow]) -> Vec<(usize, usize)> {
    let mut bounds = Vec::new();
    let mut start = 0;
    for group in rows.chunk_by(|a, b| a.resource == b.resource && a.item == b.item) {
        bounds.push((start, start + group.len()));
        start += group.len();
    }
    bounds
}

impl Rating<'_> {
    fn all_priced(&self, unpriced: BTreeMap<usize, Period>, keys: &[TariffKey<'_>]) -> Result<(), RateError> {
        let named = unpriced.into_iter().filter_map(|(tariff, period)| {
            let (contract, item, node, pool) = *keys.get(tariff)?;
            let owned = |text: &str| text.to_owned();
            Some(MissingPrice {
                contract: owned(contract),
                item: owned(item),
                node: owned(node),
                pool: owned(pool),
                period,
            })
        });
        let mut missing: Vec<MissingPrice> = named.collect();
        missing.sort_unstable();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(RateError::NoPrices(missing))
        }
    }

    fn groups(&self, bounds: &[(usize, usize)]) -> Result<Rated, RateError> {
        let drafts = Vec::with_capacity(bounds.len() + bounds.len() / 4);
        let mut rated = Rated {
            drafts,
            ..Rated::default()
        };
        for (start, end) in bounds {
            self.group(*start, *end, &mut rated)?;
        }
        Ok(rated)
    }

    fn group(&self, start: usize, end: usize, rated: &mut Rated) -> Result<(), RateError> {
        let rows = self.usage.rows.get(start..end).unwrap_or_default();
        let tariff_of = self.tariff_of.get(start..end).unwrap_or_default();
        let mut length = GroupLength::default();
        rows.iter()
            .filter_map(UsageRow::period)
            .for_each(|period| length.add(period));
        let first = rated.drafts.len();
        for (row, number) in rows.iter().zip(tariff_of) {
            self.row(row, *number, (first, length), rated)?;
        }
        let drafts = rated.drafts.get_mut(first..).unwrap_or_default();
        if !drafts.iter().any(|draft| draft.shares) {
            self.cap_group(drafts)?;
        }
        Ok(())
    }

    fn row(
        &self,
        row: &UsageRow,
        number: usize,
        (first, length): (usize, GroupLength),
        rated: &mut Rated,
    ) -> Result<(), RateError> {
        let (Some(tariff), Some(labels)) = (self.tariffs.get(number), self.labels.get(number)) else {
            return Ok(());
        };
        let Some(period) = row.period() else { return Ok(()) };
        let month = self.month.period();
        // What is charged once is charged at the price of its first moment, whatever comes after, and to whoever had
        // it then.
        let at_start = tariff.parts.iter().position(|part| part.period.contains(row.from));
        let once = at_start.and_then(|place| Some((place, tariff.parts.get(place)?, *labels.get(place)?)));
        if let Some((place, part, label)) = once.filter(|(_, part, _)| part.line.model.is_one_off()) {
            let mut before = rated.drafts.iter().skip(first).map(|draft| &draft.row);
            if !before.any(|b| b.kind == ChargeKind::OneOff && b.allocation == row.allocation) {
                let mut draft = self.draft(row, period, Ratio::ONE, (part, label), (number, place))?;
                draft.row.kind = ChargeKind::OneOff;
                rated.drafts.push(draft);
            }
            return Ok(());
        }
        let mut unpriced_from = period.from();
        for (place, (part, label)) in tariff.parts.iter().zip(labels).enumerate() {
            let Some(cut) = part.period.and(period).filter(|_| !part.line.model.is_one_off()) else {
                continue;
            };
            if let Ok(gap) = Period::new(unpriced_from, cut.from()) {
                widen(&mut rated.unpriced, number, gap);
            }
            unpriced_from = cut.to();
            let Some(share) = part_of_month(tariff.proration, cut, month, length) else {
                continue;
            };
            rated
                .drafts
                .push(self.draft(row, cut, share, (part, *label), (number, place))?);
        }
        if let Ok(gap) = Period::new(unpriced_from, period.to()) {
            widen(&mut rated.unpriced, number, gap);
        }
        Ok(())
    }

    /// Caps what shared tiers gave: only now is it known what each resource comes to.
    fn cap_shared(&self, drafts: &mut [Draft]) -> Result<(), MoneyError> {
        for group in drafts.chunk_by_mut(|a, b| a.row.resource == b.row.resource && a.row.item == b.row.item) {
            if group.iter().any(|draft| draft.shares) {
                self.cap_group(group)?;
            }
        }
        Ok(())
    }

    /// Holds the lines of one resource and item, contract by contract, to the cap of the last price they were under.
    fn cap_group(&self, drafts: &mut [Draft]) -> Result<(), MoneyError> {
        for of_contract in drafts.chunk_by_mut(|a, b| a.row.contract == b.row.contract) {
            let price = of_contract.last().and_then(|draft| self.price_of(draft));
            if let Some(cap) = price.and_then(|(_, part)| part.line.cap) {
                apply_cap(of_contract, cap)?;
            }
        }
        Ok(())
    }

    fn draft(
        &self,
        row: &UsageRow,
        period: Period,
        share: Ratio,
        (part, label): (&TariffPart, u32),
        (number, place): (usize, usize),
    ) -> Result<Draft, RateError> {
        let amounts = match &part.flat {
            Some((with_factor, at_list)) => with_factor
                .amount(row.quantity, share)
                .and_then(|a| Ok((a, at_list.amount(row.quantity, share)?))),
            None => {
                let gross = full_term_gross(&part.line.model, row.quantity);
                prorated(gross, part.line.discount, share).and_then(|a| Ok((a, prorated(gross, Factor::ONE, share)?)))
            }
        };
        let (amount, list) = amounts.map_err(|source| RateError::Amount {
            resource: self.names.text(row.resource).to_owned(),
            item: self.names.text(row.item).to_owned(),
            source,
        })?;
        let row = ChargeRow {
            kind: ChargeKind::Usage,
            method: ChargeMethod::Direct,
            resource: row.resource,
            allocation: row.allocation,
            system: row.system,
            organisation: row.organisation,
            provider: row.provider,
            contract: row.contract,
            node: row.node,
            pool: row.pool,
            item: row.item,
            price: label,
            cause: self.names.get("").unwrap_or(0),
            month: self.month,
            quantity: row.quantity,
            from: period.from(),
            to: period.to(),
            part: share,
            factor: part.line.discount,
            list,
            amount,
        };
        let shares = part.line.model.scope() != TierScope::Resource;
        let numbers = u32::try_from(number).ok().zip(u32::try_from(place).ok());
        let (tariff, part) = numbers.unwrap_or((u32::MAX, u32::MAX));
        Ok(Draft {
            row,
            tariff,
            part,
            shares,
        })
    }
}

/// Holds the lines of one resource and item to the cap, sharing it in proportion to what they would have cost.
fn apply_cap(drafts: &mut [Draft], cap: Money) -> Result<(), MoneyError> {
    let total = Money::sum(drafts.iter().map(|d| d.row.amount))?;
    if total <= cap {
        return Ok(());
    }
    let weights: Vec<i128> = drafts.iter().map(|d| i128::from(d.row.amount.fen())).collect();
    for (draft, amount) in drafts.iter_mut().zip(kernel::money::split(cap, &weights)?) {
        draft.row.amount = amount;
        draft.row.method = ChargeMethod::Capped;
    }
    Ok(())
}
