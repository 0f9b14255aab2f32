//! What the meters of the demo's nodes show, hour by hour, and which of it never arrives.

use crate::calendar::Calendar;
use crate::town::Thing;
use crate::traces::Traces;
use domain::registry::{Measure, ResourceKind};
use kernel::{Instant, Period, Quantity};
use std::collections::BTreeSet;

/// Minutes after midnight at which a node looks at itself.
pub(crate) const LOOK_MINUTE: i64 = 30;
/// Hours of the day (Beijing time) at which stored bytes are counted.
const STORAGE_HOURS: [i64; 4] = [2, 8, 14, 20];
const HOUR_S: i64 = 3600;
const DAY_S: i64 = 86_400;

/// The meters of the city.
#[derive(Debug)]
pub(crate) struct Meters {
    traces: Traces,
    opens: Instant,
    ends: Instant,
    /// Looks whose samples never arrive, by place of the node.
    lost: BTreeSet<(usize, i64)>,
}

impl Meters {
    pub(crate) fn new(calendar: &Calendar, lost: BTreeSet<(usize, i64)>) -> Self {
        Self {
            traces: Traces::load(),
            opens: calendar.opens(),
            ends: calendar.ends(),
            lost,
        }
    }

    /// What is measured of a thing, if anything is.
    pub(crate) fn measure(thing: &Thing) -> Option<Measure> {
        match thing.kind {
            ResourceKind::ObjectStorage => Some(Measure::StorageGib),
            ResourceKind::Bandwidth if thing.class == crate::market::P95 => Some(Measure::BandwidthMbps),
            _ => None,
        }
    }

    /// The samples that the node takes of a thing in a period and that arrive, in order.
    pub(crate) fn samples(&self, node: usize, thing: &Thing, within: Period) -> Vec<(Instant, Quantity)> {
        let Some(measure) = Self::measure(thing) else {
            return Vec::new();
        };
        let (from, to) = (within.from().max(self.opens), within.to().min(self.ends));
        let hours = ceil_div(from.unix_s(), HOUR_S)..ceil_div(to.unix_s(), HOUR_S);
        let wanted =
            hours.filter(|hour| measure == Measure::BandwidthMbps || STORAGE_HOURS.contains(&((hour + 8) % 24)));
        let taken = wanted.filter_map(|hour| {
            let at = Instant::from_unix_s(hour * HOUR_S);
            let exists = thing
                .exists
                .iter()
                .any(|s| s.from <= at && s.to.is_none_or(|to| at < to));
            let arrives = !self.lost.contains(&(node, look_of(self.opens, at)));
            (exists && arrives).then(|| Some((at, self.value(thing, measure, hour)?)))?
        });
        taken.collect()
    }

    fn value(&self, thing: &Thing, measure: Measure, hour: i64) -> Option<Quantity> {
        let use_permyriad = self.traces.permyriad(thing.shape, hour)?;
        let first = thing.exists.first()?;
        let capacity = first.spec.get(measure)?;
        let permyriad = if measure == Measure::BandwidthMbps {
            use_permyriad
        } else {
            // A bucket fills from day to day; the curve of the trace is its ups and downs.
            let base = 2000 + i64::try_from((thing.shape >> 16) % 4500).ok()?;
            let days = (hour * HOUR_S - first.from.unix_s()) / DAY_S;
            (base + days * 3 + use_permyriad / 25).min(9800)
        };
        Some(Quantity::from_micros(capacity.micros() / 10_000 * permyriad))
    }
}

/// The number of the look in whose window a moment falls, from 0: after the look before, up to and including its own.
pub(crate) fn look_of(opens: Instant, at: Instant) -> i64 {
    let first = opens.unix_s() + LOOK_MINUTE * 60;
    ceil_div(at.unix_s() - first, DAY_S).max(0)
}

/// When the look with this number is taken.
pub(crate) fn look_at(opens: Instant, number: i64) -> Instant {
    opens.plus_s(LOOK_MINUTE * 60 + number * DAY_S)
}

fn ceil_div(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_belongs_to_the_next_look() {
        let at = |t: &str| t.parse::<Instant>().unwrap();
        let opens = at("2026-03-01");
        assert_eq!(look_at(opens, 0), at("2026-03-01 00:30:00"));
        assert_eq!(look_of(opens, at("2026-02-10")), 0);
        assert_eq!(look_of(opens, at("2026-03-01 00:30:00")), 0);
        assert_eq!(look_of(opens, at("2026-03-01 00:30:01")), 1);
        assert_eq!(look_of(opens, at("2026-03-02 00:30:00")), 1);
    }
}
