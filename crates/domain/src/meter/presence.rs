//! When a resource was seen to exist, and when its node was looked at at all.

use crate::collect::{ObservedState, Sighting};
use crate::registry::Spec;
use kernel::{Instant, Period};

/// The looks at one node in a stretch of time: how completely it was seen.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    looks: Vec<Instant>,
}

/// The longest pause between two looks that is normal. Units: seconds. Nodes deliver daily; half a day of slack.
pub const LOOK_PAUSE_MAX_S: i64 = 36 * 3600;

impl Coverage {
    /// From the moments of the looks, in any order.
    pub fn new(mut looks: Vec<Instant>) -> Self {
        looks.sort_unstable();
        looks.dedup();
        Self { looks }
    }

    /// Stretches of `within` longer than normal in which nobody looked. The time before the first look is one, too:
    /// whoever knows that there was nothing to look at asks for less.
    pub fn gaps(&self, within: Period) -> Vec<Period> {
        let before = self.looks.iter().rev().find(|at| **at <= within.from());
        let inside = self.looks.iter().filter(|at| within.contains(**at));
        let mut points = vec![before.copied().unwrap_or(within.from())];
        points.extend(inside.copied());
        points.push(
            self.looks
                .iter()
                .find(|at| **at >= within.to())
                .copied()
                .unwrap_or(within.to()),
        );
        let pauses = points.windows(2).filter_map(|pair| match pair {
            [a, b] if b.unix_s() - a.unix_s() > LOOK_PAUSE_MAX_S => Period::new(*a, *b).ok()?.and(within),
            _ => None,
        });
        pauses.collect()
    }

    /// Days of `within` with at least one look, and days in all.
    pub fn days_seen(&self, within: Period) -> (i64, i64) {
        let mut days: Vec<_> = self
            .looks
            .iter()
            .filter(|at| within.contains(**at))
            .map(|at| at.day())
            .collect();
        days.dedup();
        (i64::try_from(days.len()).unwrap_or(i64::MAX), within.days())
    }

    /// The last look, if any.
    pub fn last(&self) -> Option<Instant> {
        self.looks.last().copied()
    }
}

/// The stretches in which one resource was seen to exist, with what it was, in order.
#[derive(Debug, Clone, Copy)]
pub struct Presence<'a> {
    sightings: &'a [&'a Sighting],
}

impl<'a> Presence<'a> {
    /// From its sightings, sorted by period.
    pub const fn new(sightings: &'a [&'a Sighting]) -> Self {
        Self { sightings }
    }

    /// Whether it was never seen.
    pub const fn is_empty(&self) -> bool {
        self.sightings.is_empty()
    }

    /// The parts of `within` in which it existed in a state that counts, and its specification there.
    ///
    /// The parts follow each other in time. A resource that failed to come up was not delivered and does not count. Shelved and offloaded servers keep
    /// their disks but gave their processors back: their compute does not count.
    pub fn existing(&self, within: Period) -> impl Iterator<Item = (Period, &'a Spec)> + '_ {
        let counting = self.sightings.iter().filter(|s| counts(s.seen.state));
        counting.filter_map(move |s| Some((s.period.and(within)?, &s.seen.spec)))
    }
}

const fn counts(state: ObservedState) -> bool {
    match state {
        ObservedState::Live | ObservedState::Stopped => true,
        ObservedState::Shelved | ObservedState::Failed | ObservedState::Deleted => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_pause_of_two_days_is_a_gap() {
        let coverage = Coverage::new(vec![
            at("2026-03-01"),
            at("2026-03-02"),
            at("2026-03-05"),
            at("2026-03-06"),
        ]);
        let within = Period::new(at("2026-03-01"), at("2026-03-07")).unwrap();
        let gaps: Vec<_> = coverage.gaps(within).iter().map(|p| (p.from(), p.to())).collect();
        assert_eq!(gaps, [(at("2026-03-02"), at("2026-03-05"))]);
        assert_eq!(coverage.days_seen(within), (4, 6));
        let late_start = Coverage::new(vec![at("2026-03-04"), at("2026-03-05"), at("2026-03-06")]);
        assert_eq!(
            late_start.gaps(within),
            [Period::new(at("2026-03-01"), at("2026-03-04")).unwrap()]
        );
        assert_eq!(
            Coverage::default().gaps(within),
            [within],
            "never looked at: a gap from end to end"
        );
    }
}
