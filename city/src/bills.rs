//! What the providers bill, by arithmetic of their own: nothing of the platform's rating is used here, so that an
//! agreement between the two says something.

use crate::market::{ITEMS, Model, item_for};
use crate::meters::Meters;
use crate::plants::Mistakes;
use crate::terms::{Book, Line, Provider, factor, micros};
use crate::town::{Slip, Stretch, Thing, Town};
use domain::catalogue::{MeteringBasis, Proration, TierScope};
use domain::registry::ResourceKind;
use kernel::{Instant, Money, Period};
use std::collections::BTreeMap;

const MICRO: i128 = 1_000_000;

/// One line of a provider's bill.
#[derive(Debug, Clone)]
pub(crate) struct BillLine {
    pub(crate) resource: String,
    /// Place in [`ITEMS`].
    pub(crate) item: usize,
    pub(crate) organisation: String,
    pub(crate) period: Period,
    /// Millionths.
    pub(crate) quantity: i128,
    /// Millionths of a yuan, after discount; the mean price where the model has tiers.
    pub(crate) unit_price: i128,
    pub(crate) amount_fen: i128,
}

impl BillLine {
    pub(crate) fn amount(&self) -> Money {
        Money::from_fen(i64::try_from(self.amount_fen).unwrap_or(i64::MAX))
    }
}

/// A stretch of use before prices.
struct Use<'t> {
    period: Period,
    quantity: i128,
    owner: &'t str,
}

/// A line whose tiers are shared with others, with quantity x time.
struct Shared {
    place: usize,
    weight: i128,
}

/// Makes the bills of one provider.
pub(crate) struct Biller<'t> {
    pub(crate) town: &'t Town,
    pub(crate) meters: &'t Meters,
    pub(crate) mistakes: &'t Mistakes,
    pub(crate) provider: usize,
}

impl<'t> Biller<'t> {
    /// The lines of a month, in order of resource and item.
    pub(crate) fn bill(&self, index: usize) -> Vec<BillLine> {
        let Some(provider) = self.town.providers.get(self.provider) else {
            return Vec::new();
        };
        let month = self.town.calendar.period(index);
        let mut lines = Vec::new();
        let mut shared: BTreeMap<(usize, usize, String), Vec<Shared>> = BTreeMap::new();
        for thing in self
            .town
            .things
            .iter()
            .filter(|thing| self.town.node_of(thing) == self.provider)
        {
            let slip = thing.slips.iter().find(|(at, _)| *at == index).map(|(_, slip)| *slip);
            if slip == Some(Slip::Forgotten) || thing.approved.is_empty() {
                continue;
            }
            for (item, uses) in self.uses(thing, index, slip) {
                self.charge(provider, (thing, item), &uses, month, index, &mut lines, &mut shared);
            }
        }
        for ((item, version, _), members) in &shared {
            share_out(provider, (*item, *version), members, month, &mut lines);
        }
        lines
    }

    /// The use of a thing in a month, by item.
    fn uses(&self, thing: &'t Thing, index: usize, slip: Option<Slip>) -> BTreeMap<usize, Vec<Use<'t>>> {
        let month = self.town.calendar.period(index);
        let mut approved = thing.approved.clone();
        if let (Some(Slip::BilledFromCreation), Some(first), Some(made)) =
            (slip, approved.first_mut(), thing.exists.first())
        {
            first.from = made.from;
        }
        if let (Some(Slip::BilledAfterRelease), Some(last)) = (slip, approved.last_mut()) {
            last.to = None;
        }
        let mut uses: BTreeMap<usize, Vec<Use<'t>>> = BTreeMap::new();
        for stretch in &approved {
            let Some(period) = stretch.within(month) else { continue };
            for (part, owner) in self.owners(thing.system, period, index) {
                let existing = match slip {
                    Some(Slip::BilledAfterRelease) => vec![part],
                    _ => existing(thing, part),
                };
                for (measure, size) in stretch.spec.iter() {
                    let Some(item) = item_for((thing.kind, thing.class, measure), thing.pool, thing.form) else {
                        continue;
                    };
                    let quantity = match ITEMS.get(item).map(|item| item.basis) {
                        Some(MeteringBasis::MeasuredMean) => self.mean(thing, &existing),
                        Some(MeteringBasis::MeasuredP95) => self.percentile(thing, &existing),
                        _ => Some(i128::from(size.micros())),
                    };
                    let Some(quantity) = quantity else { continue };
                    let parts = existing.iter().map(|period| Use {
                        period: *period,
                        quantity,
                        owner,
                    });
                    uses.entry(item).or_default().extend(parts);
                }
            }
        }
        uses
    }

    /// Who has a system in each part of a period, as the provider believes.
    fn owners(&self, system: usize, within: Period, index: usize) -> Vec<(Period, &'t str)> {
        let Some(system_of) = self.town.systems.get(system) else {
            return Vec::new();
        };
        if self.mistakes.stale_owner == Some((system, index)) {
            return vec![(within, system_of.owner(self.town.calendar.period(index).from()))];
        }
        let ends = system_of
            .answering
            .iter()
            .skip(1)
            .map(|(from, _)| *from)
            .chain([Instant::MAX]);
        let stretches = system_of.answering.iter().zip(ends);
        let parts = stretches
            .filter_map(|((from, owner), to)| Some((Period::new(*from, to).ok()?.and(within)?, owner.as_str())));
        parts.collect()
    }

    fn values(&self, thing: &Thing, existing: &[Period]) -> Vec<i128> {
        let samples = existing
            .iter()
            .flat_map(|period| self.meters.samples(self.provider, thing, *period));
        samples.map(|(_, value)| i128::from(value.micros())).collect()
    }

    fn mean(&self, thing: &Thing, existing: &[Period]) -> Option<i128> {
        let values = self.values(thing, existing);
        let count = i128::try_from(values.len()).ok().filter(|count| *count > 0)?;
        Some(half_up(values.iter().sum(), count))
    }

    fn percentile(&self, thing: &Thing, existing: &[Period]) -> Option<i128> {
        let mut values = self.values(thing, existing);
        values.sort_unstable();
        // The smallest value that at least 95 of 100 do not exceed.
        values.get((values.len() * 95).div_ceil(100).checked_sub(1)?).copied()
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the two lists are filled for all things together"
    )]
    fn charge(
        &self,
        provider: &Provider,
        (thing, item): (&Thing, usize),
        uses: &[Use<'_>],
        month: Period,
        index: usize,
        lines: &mut Vec<BillLine>,
        shared: &mut BTreeMap<(usize, usize, String), Vec<Shared>>,
    ) {
        let first = lines.len();
        let days: i64 = uses.iter().map(|u| u.period.days()).sum();
        let mut cap = "";
        let resource = thing.native_id.clone().unwrap_or_else(|| thing.code.clone());
        for used in uses {
            for (version, book, holds) in self.books(provider, index) {
                let (Some(part), Some(line)) = (holds.and(used.period), book.line(item, thing.pool)) else {
                    continue;
                };
                if thing.kind == ResourceKind::Work && !holds.contains(used.period.from()) {
                    continue;
                }
                cap = line.cap;
                let Some((num, den)) = share(provider.proration, thing.kind, part, month, days) else {
                    continue;
                };
                let gross = gross(&line.model, used.quantity);
                let scaled = gross * factor(line.discount);
                if matches!(line.model, Model::Volume(_, TierScope::Organisation)) {
                    let weight = used.quantity * time(provider.proration, part);
                    let member = Shared {
                        place: lines.len(),
                        weight,
                    };
                    shared
                        .entry((item, version, used.owner.to_owned()))
                        .or_default()
                        .push(member);
                }
                lines.push(BillLine {
                    resource: resource.clone(),
                    item,
                    organisation: used.owner.to_owned(),
                    period: part,
                    quantity: used.quantity,
                    unit_price: unit_price(line, scaled, used.quantity),
                    // quantity, price and discount are millionths; a fen is a hundredth.
                    amount_fen: half_up(scaled * num, MICRO * MICRO * MICRO / 100 * den),
                });
            }
        }
        if let Some(limit) = cap.parse::<Money>().ok().filter(|_| !cap.is_empty()) {
            hold_to(i128::from(limit.fen()), lines.get_mut(first..).unwrap_or_default());
        }
    }

    /// The price books, the version each is billed as, and when it holds. In the month of its mistake the provider bills
    /// under the new version at the prices of the old one.
    fn books<'p>(&self, provider: &'p Provider, index: usize) -> Vec<(usize, &'p Book, Period)> {
        let stale = provider
            .books
            .first()
            .filter(|_| self.mistakes.old_price == Some((self.provider, index)));
        let ends = provider
            .books
            .iter()
            .skip(1)
            .map(|book| book.from.start())
            .chain([Instant::MAX]);
        let held = provider.books.iter().zip(ends);
        let cut = held.filter_map(|(book, end)| {
            Some((
                book.version,
                stale.unwrap_or(book),
                Period::new(book.from.start(), end).ok()?,
            ))
        });
        cut.collect()
    }
}

/// The parts of a period in which a thing exists; what no node lists is taken as approved. Neighbouring parts are one,
/// as the provider does not look at what exactly it runs.
fn existing(thing: &Thing, within: Period) -> Vec<Period> {
    if thing.exists.is_empty() {
        return vec![within];
    }
    let mut parts: Vec<Period> = Vec::new();
    for part in thing
        .exists
        .iter()
        .filter_map(|stretch: &Stretch| stretch.within(within))
    {
        match parts.last_mut() {
            Some(last) if last.to() == part.from() => *last = Period::new(last.from(), part.to()).unwrap_or(part),
            _ => parts.push(part),
        }
    }
    parts
}

/// Which part of a month's price is billed.
fn share(proration: Proration, kind: ResourceKind, part: Period, month: Period, days: i64) -> Option<(i128, i128)> {
    let (num, den) = match proration {
        _ if kind == ResourceKind::Work => (1, 1),
        Proration::BySecond => (part.seconds(), month.seconds()),
        Proration::WholeMonth => (part.days(), days),
        Proration::FullMonthAfter(least) if days >= i64::from(least) => (part.days(), days),
        Proration::ByDay | Proration::FullMonthAfter(_) => (part.days(), month.days()),
    };
    (num > 0 && den > 0).then_some((i128::from(num), i128::from(den)))
}

fn time(proration: Proration, period: Period) -> i128 {
    i128::from(if proration == Proration::BySecond {
        period.seconds()
    } else {
        period.days()
    })
}

/// The price of a quantity for a whole month, in 10^-12 yuan.
fn gross(model: &Model, quantity: i128) -> i128 {
    match model {
        Model::Flat(price) | Model::OneOff(price) => quantity * micros(price),
        Model::Package {
            price,
            included,
            beyond,
        } => micros(price) * MICRO + (quantity - micros(included)).max(0) * micros(beyond),
        Model::Graduated(tiers) => {
            let mut below = 0;
            let mut sum = 0;
            for (up_to, price) in *tiers {
                let bound = if up_to.is_empty() {
                    quantity
                } else {
                    quantity.min(micros(up_to))
                };
                sum += (bound - below).max(0) * micros(price);
                below = bound.max(below);
            }
            sum
        }
        Model::Volume(tiers, _) => quantity * reached(tiers, quantity, 1),
    }
}

/// The price of the tier that a quantity reaches, the tiers widened by `stretch`.
fn reached(tiers: &[(&str, &str)], quantity: i128, stretch: i128) -> i128 {
    let tier = tiers
        .iter()
        .find(|(up_to, _)| up_to.is_empty() || quantity <= micros(up_to) * stretch);
    tier.map_or(0, |(_, price)| micros(price))
}

fn unit_price(line: &Line, scaled: i128, quantity: i128) -> i128 {
    match line.model {
        Model::Flat(price) | Model::OneOff(price) => half_up(micros(price) * factor(line.discount), MICRO),
        _ => half_up(scaled, quantity.max(1) * MICRO),
    }
}

/// Gives lines that share their tiers their part of the whole.
fn share_out(
    provider: &Provider,
    (item, version): (usize, usize),
    members: &[Shared],
    month: Period,
    lines: &mut [BillLine],
) {
    let book = provider.books.iter().position(|book| book.version == version);
    let Some(line) = book
        .and_then(|place| provider.books.get(place))
        .and_then(|book| book.line(item, None))
    else {
        return;
    };
    let (Model::Volume(tiers, _), Some(place)) = (line.model, book) else {
        return;
    };
    let next = provider
        .books
        .get(place + 1)
        .map_or(Instant::MAX, |book| book.from.start());
    let begins = provider.books.get(place).map_or(Instant::MIN, |book| book.from.start());
    let Some(holds) = Period::new(begins, next).ok().and_then(|p| p.and(month)) else {
        return;
    };
    let sum: i128 = members.iter().map(|m| m.weight).sum();
    let price = reached(tiers, sum, time(provider.proration, holds)) * factor(line.discount);
    let whole = time(provider.proration, month);
    for member in members {
        if let Some(billed) = lines.get_mut(member.place) {
            billed.unit_price = half_up(price, MICRO);
            billed.amount_fen = half_up(member.weight * price, MICRO * MICRO * MICRO / 100 * whole);
        }
    }
}

/// Holds the sum of lines to a limit; the last line takes what rounding leaves.
fn hold_to(limit: i128, lines: &mut [BillLine]) {
    let total: i128 = lines.iter().map(|line| line.amount_fen).sum();
    if total <= limit {
        return;
    }
    let mut left = limit;
    let last = lines.len().saturating_sub(1);
    for (place, line) in lines.iter_mut().enumerate() {
        line.amount_fen = if place == last {
            left
        } else {
            half_up(line.amount_fen * limit, total)
        };
        left -= line.amount_fen;
    }
}

fn half_up(a: i128, b: i128) -> i128 {
    (2 * a + b).div_euclid(2 * b)
}

/// The first version of a bill that has to be submitted twice: one line doubled, the last three missing.
pub(crate) fn careless(lines: &[BillLine]) -> Vec<BillLine> {
    let mut lines = lines.get(..lines.len().saturating_sub(3)).unwrap_or_default().to_vec();
    if let Some(first) = lines.first_mut() {
        first.quantity *= 2;
        first.amount_fen *= 2;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_by_hand() {
        let yuan = |model: &Model, quantity: i128| half_up(gross(model, quantity * MICRO), MICRO * MICRO / 100);
        let bandwidth = Model::Graduated(&[("5", "20"), ("", "36")]);
        // The list prints 280 for 10 Mbps and 3,520 for 100.
        assert_eq!(
            (yuan(&bandwidth, 5), yuan(&bandwidth, 10), yuan(&bandwidth, 100)),
            (10_000, 28_000, 352_000)
        );
        let package = Model::Package {
            price: "1020",
            included: "10",
            beyond: "39.5",
        };
        assert_eq!((yuan(&package, 4), yuan(&package, 12)), (102_000, 109_900));
        let volume = Model::Volume(&[("2000", "0.3"), ("", "0.27")], TierScope::Resource);
        assert_eq!((yuan(&volume, 2000), yuan(&volume, 2001)), (60_000, 54_027));
    }

    #[test]
    fn parts_of_a_month_by_hand() {
        let at = |t: &str| t.parse::<Instant>().unwrap();
        let month = "2026-06".parse::<kernel::Month>().unwrap().period();
        let part = Period::new(at("2026-06-10 10:00:00"), at("2026-06-30 15:00:00")).unwrap();
        let of = |proration| share(proration, ResourceKind::Server, part, month, 20);
        assert_eq!(of(Proration::ByDay), Some((20, 30)));
        assert_eq!(of(Proration::FullMonthAfter(15)), Some((20, 20)));
        assert_eq!(of(Proration::FullMonthAfter(21)), Some((20, 30)));
        assert_eq!(of(Proration::BySecond), Some((20 * 86_400 + 5 * 3600, 30 * 86_400)));
        assert_eq!(
            share(Proration::ByDay, ResourceKind::Work, part, month, 20),
            Some((1, 1))
        );
    }

    #[test]
    fn a_cap_is_met_to_the_fen() {
        let line = |amount_fen| BillLine {
            resource: String::new(),
            item: 0,
            organisation: String::new(),
            period: "2026-06".parse::<kernel::Month>().unwrap().period(),
            quantity: MICRO,
            unit_price: 0,
            amount_fen,
        };
        let mut lines = [line(100), line(100), line(101)];
        hold_to(200, &mut lines);
        assert_eq!(lines.each_ref().map(|l| l.amount_fen), [66, 66, 68]);
        hold_to(500, &mut lines);
        assert_eq!(lines.each_ref().map(|l| l.amount_fen), [66, 66, 68]);
    }
}
