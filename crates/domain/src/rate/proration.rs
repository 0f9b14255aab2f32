//! Which part of a price term an interval is charged.
//!
//! An interval without a midnight is charged 0 days: its line says 0/31 and 0.00, so that nothing is silently
//! missing. Only what has no length at all has no line.

use crate::catalogue::Proration;
use kernel::{Period, Ratio};

/// How long one resource was charged for one item in the month, over all its intervals.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GroupLength {
    pub(super) days: i64,
    pub(super) seconds: i64,
}

impl GroupLength {
    pub(super) fn add(&mut self, period: Period) {
        self.days += period.days();
        self.seconds += period.seconds();
    }
}

/// The part of a full month that `period` is charged; none only for a group without length.
pub(super) fn part_of_month(proration: Proration, period: Period, month: Period, group: GroupLength) -> Option<Ratio> {
    let by_day = || Ratio::new(period.days(), month.days());
    let full_month = || match group.days {
        // All of it within one day: no midnight passed, so the full month is shared by seconds.
        0 => Ratio::new(period.seconds(), group.seconds),
        days => Ratio::new(period.days(), days),
    };
    match proration {
        Proration::ByDay => by_day(),
        Proration::BySecond => Ratio::new(period.seconds(), month.seconds()),
        Proration::WholeMonth => full_month(),
        Proration::FullMonthAfter(days) if group.days >= i64::from(days) => full_month(),
        Proration::FullMonthAfter(_) => by_day(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str) -> Period {
        Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_term_by_hand() {
        let month = "2028-02".parse::<kernel::Month>().unwrap().period(); // 29 days
        let ten_days = period("2028-02-05 14:00:00", "2028-02-15 09:00:00");
        let mut group = GroupLength::default();
        group.add(ten_days);
        let part = |proration| part_of_month(proration, ten_days, month, group).map(|r| r.to_string());
        assert_eq!(part(Proration::ByDay), Some("10/29".into()));
        assert_eq!(
            part(Proration::BySecond),
            Some(format!("{}/{}", 10 * 86_400 - 5 * 3600, 29 * 86_400))
        );
        assert_eq!(part(Proration::WholeMonth), Some("10/10".into()));
        assert_eq!(part(Proration::FullMonthAfter(10)), Some("10/10".into()));
        assert_eq!(part(Proration::FullMonthAfter(11)), Some("10/29".into()));
    }

    #[test]
    fn within_one_day() {
        let month = "2026-03".parse::<kernel::Month>().unwrap().period();
        let hours = period("2026-03-05 10:00:00", "2026-03-05 15:00:00");
        let mut group = GroupLength::default();
        group.add(hours);
        assert_eq!(
            part_of_month(Proration::ByDay, hours, month, group).map(|r| r.to_string()),
            Some("0/31".into())
        );
        assert_eq!(
            part_of_month(Proration::WholeMonth, hours, month, group).map(|r| r.to_string()),
            Some("18000/18000".into())
        );
    }
}
