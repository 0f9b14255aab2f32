//! The months of the demo's history, counted from 0.

use kernel::{Day, Instant, Month, Period};

/// The months from the first to the last full one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    first: Month,
    count: usize,
}

impl Calendar {
    pub(crate) fn new(until: Month, count: usize) -> Self {
        let back = i32::try_from(count).unwrap_or(1) - 1;
        Self {
            first: until.plus(-back),
            count,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn month(&self, index: usize) -> Month {
        self.first.plus(i32::try_from(index).unwrap_or(0))
    }

    pub(crate) fn months(&self) -> Vec<Month> {
        (0..self.count).map(|index| self.month(index)).collect()
    }

    /// A day of a month, counted from 1.
    pub(crate) fn day(&self, index: usize, day: i64) -> Day {
        self.month(index).first_day().plus(day - 1)
    }

    /// A moment of a month, by day and minute of the day.
    pub(crate) fn at(&self, index: usize, day: i64, minute: i64) -> Instant {
        self.day(index, day).start().plus_s(minute * 60)
    }

    /// From the first moment of the history to the first moment after it.
    pub(crate) fn opens(&self) -> Instant {
        self.first.period().from()
    }

    pub(crate) fn ends(&self) -> Instant {
        self.month(self.count).period().from()
    }

    pub(crate) fn period(&self, index: usize) -> Period {
        self.month(index).period()
    }

    /// The month a moment is in; 0 for everything before the history.
    pub(crate) fn index_of(&self, at: Instant) -> usize {
        let since = |month: Month| i64::from(month.year()) * 12 + i64::from(month.month());
        usize::try_from(since(at.day().month()) - since(self.first)).unwrap_or(0)
    }
}

/// As a clerk writes a moment: `2026-03-01 08:30:00`, Beijing time.
pub(crate) fn local(at: Instant) -> String {
    at.to_string().get(..19).unwrap_or_default().replace('T', " ")
}
