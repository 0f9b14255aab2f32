//! Instants, half-open periods, and the days and months of the law's calendar.
//!
//! Inside, time is a count of UTC seconds. The law's time is Beijing time, UTC+8 without daylight saving: a constant
//! here, never the host's zone (invariant I10).

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Seconds that the law's time is ahead of UTC.
pub const LAW_OFFSET_S: i64 = 8 * 3600;
/// Seconds of a day; the law's time has no daylight saving, so every day has as many.
pub const DAY_S: i64 = 86_400;

/// Why a text is not a time, a day or a month.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not an instant.
    #[error("{0:?} 不是时刻；请写成 2026-03-01 08:30:00（北京时间）或 2026-03-01T08:30:00+08:00")]
    Instant(String),
    /// Not a day.
    #[error("{0:?} 不是日期；请写成 2026-03-01")]
    Day(String),
    /// Not a month.
    #[error("{0:?} 不是月份；请写成 2026-03")]
    Month(String),
    /// An end that is not after its start.
    #[error("起止时间颠倒：止 {1} 必须晚于起 {0}")]
    Backwards(String, String),
}

impl TimeError {
    /// Apart, because writing two times down costs far more than finding out that they are the wrong way round.
    #[cold]
    fn backwards(from: Instant, to: Instant) -> Self {
        Self::Backwards(from.to_string(), to.to_string())
    }
}

fn law_zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// A moment. Units: seconds since 1970-01-01T00:00:00Z. Text form: RFC 3339 at +08:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(i64);

impl Instant {
    /// Before everything; the open start of a period.
    pub const MIN: Self = Self(-62_135_596_800);
    /// After everything; the open end of a period (9999-01-01 Beijing time).
    pub const MAX: Self = Self(253_370_736_000);

    /// From UTC seconds since 1970.
    pub const fn from_unix_s(seconds: i64) -> Self {
        Self(seconds)
    }

    /// UTC seconds since 1970.
    pub const fn unix_s(self) -> i64 {
        self.0
    }

    /// The day of the law's calendar it falls on.
    #[inline]
    pub fn day(self) -> Day {
        Day((self.0 + LAW_OFFSET_S).div_euclid(DAY_S))
    }

    /// This many seconds later (earlier if negative).
    pub const fn plus_s(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }

    fn civil(self) -> Option<DateTime> {
        let stamp = jiff::Timestamp::from_second(self.0).ok()?;
        Some(stamp.to_zoned(law_zone()).datetime())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(civil) => f.pad(&civil.strftime("%Y-%m-%dT%H:%M:%S+08:00").to_string()),
            None => write!(f, "@{}", self.0),
        }
    }
}

impl FromStr for Instant {
    type Err = TimeError;

    /// RFC 3339 with an offset; or a bare date or date and time, which are Beijing time. Fractions of a second are
    /// cut off.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        let bad = || TimeError::Instant(text.to_owned());
        if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(
                stamp
                    .as_nanosecond()
                    .div_euclid(1_000_000_000)
                    .try_into()
                    .map_err(|_| bad())?,
            ));
        }
        if let Ok(civil) = text.replace('/', "-").parse::<DateTime>() {
            let zoned = civil.to_zoned(law_zone()).map_err(|_| bad())?;
            return Ok(Self(zoned.timestamp().as_second()));
        }
        text.parse::<Day>().map(Day::start).map_err(|_| bad())
    }
}

/// A day of the law's calendar. Text form: `2026-03-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(i64);

impl Day {
    /// From the days since 1970-01-01.
    pub const fn from_epoch_days(days: i64) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn epoch_days(self) -> i64 {
        self.0
    }

    /// Its first moment.
    pub const fn start(self) -> Instant {
        Instant(self.0 * DAY_S - LAW_OFFSET_S)
    }

    /// This many days later (earlier if negative).
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    /// The month it is in.
    pub fn month(self) -> Month {
        let date = self.date();
        Month {
            year: date.year(),
            month: date.month(),
        }
    }

    fn date(self) -> Date {
        self.start().civil().map_or(Date::MIN, DateTime::date)
    }

    fn of(date: Date) -> Self {
        let span = DateTime::from_parts(date, jiff::civil::Time::midnight()).to_zoned(TimeZone::UTC);
        Self(span.map_or(0, |z| z.timestamp().as_second().div_euclid(DAY_S)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.date().to_string())
    }
}

impl FromStr for Day {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        let plain = text.replace(['/', '.'], "-");
        let mut parts = plain.splitn(3, '-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        let read = |part: Option<&str>| part.and_then(|p| p.parse::<i16>().ok());
        let date = match (read(year), read(month), read(day)) {
            (Some(y), Some(m), Some(d)) if y >= 1900 => i8::try_from(m)
                .ok()
                .zip(i8::try_from(d).ok())
                .and_then(|(m, d)| Date::new(y, m, d).ok()),
            _ => None,
        };
        date.map(Self::of).ok_or_else(|| TimeError::Day(text.to_owned()))
    }
}

/// A month of the law's calendar. Text form: `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of a year; `None` if there is no such month.
    pub fn new(year: i16, month: i8) -> Option<Self> {
        Date::new(year, month, 1)
            .ok()
            .filter(|_| (1900..9999).contains(&year))
            .map(|_| Self { year, month })
    }

    /// Its first day.
    pub fn first_day(self) -> Day {
        Date::new(self.year, self.month, 1).map_or(Day(0), Day::of)
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        self.next().first_day().0 - self.first_day().0
    }

    /// From its first moment to the first moment of the next month.
    pub fn period(self) -> Period {
        Period {
            from: self.first_day().start(),
            to: self.next().first_day().start(),
        }
    }

    /// The month after.
    pub const fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Self {
                year: self.year,
                month: self.month + 1,
            }
        }
    }

    /// The month before.
    pub const fn previous(self) -> Self {
        if self.month == 1 {
            Self {
                year: self.year - 1,
                month: 12,
            }
        } else {
            Self {
                year: self.year,
                month: self.month - 1,
            }
        }
    }

    /// This many months later (earlier if negative).
    pub fn plus(self, months: i32) -> Self {
        (0..months.unsigned_abs()).fold(self, |m, _| if months < 0 { m.previous() } else { m.next() })
    }

    /// The year.
    pub const fn year(self) -> i16 {
        self.year
    }

    /// The month of the year, from 1.
    pub const fn month(self) -> i8 {
        self.month
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.year, self.month))
    }
}

impl FromStr for Month {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::Month(text.trim().to_owned());
        let (year, month) = text.trim().split_once('-').ok_or_else(bad)?;
        let (year, month) = (year.parse().map_err(|_| bad())?, month.parse().map_err(|_| bad())?);
        Self::new(year, month).ok_or_else(bad)
    }
}

/// A half-open stretch of time: `from` belongs to it, `to` does not. Invariant: `from < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Period {
    from: Instant,
    to: Instant,
}

impl Period {
    /// From `from` to before `to`.
    #[inline]
    pub fn new(from: Instant, to: Instant) -> Result<Self, TimeError> {
        Self::between(from, to).ok_or_else(|| TimeError::backwards(from, to))
    }

    /// From `from` to before `to`; none if nothing lies between them.
    #[inline]
    fn between(from: Instant, to: Instant) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// From `from` on, without end if `to` is none.
    pub fn open(from: Instant, to: Option<Instant>) -> Result<Self, TimeError> {
        Self::new(from, to.unwrap_or(Instant::MAX))
    }

    /// The first moment of it.
    pub const fn from(self) -> Instant {
        self.from
    }

    /// The first moment after it.
    pub const fn to(self) -> Instant {
        self.to
    }

    /// Its end, or none if it is still open.
    pub fn end(self) -> Option<Instant> {
        (self.to < Instant::MAX).then_some(self.to)
    }

    /// Length in seconds.
    pub const fn seconds(self) -> i64 {
        self.to.0 - self.from.0
    }

    /// Whether a moment is in it.
    #[inline]
    pub fn contains(self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }

    /// What two periods share.
    #[inline]
    pub fn and(self, other: Self) -> Option<Self> {
        Self::between(self.from.max(other.from), self.to.min(other.to))
    }

    /// How many days of the law's calendar it is charged for: the midnights in `(from, to]`.
    ///
    /// A day belongs to whoever holds the resource when the day ends, so that the first day counts, the last does
    /// not, and cutting a period anywhere never changes the sum (see `docs/domain/rate.md`).
    #[inline]
    pub fn days(self) -> i64 {
        self.to.day().0 - self.from.day().0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end() {
            Some(to) => write!(f, "[{}, {to})", self.from),
            None => write!(f, "[{}, …)", self.from),
        }
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
as_text!(Instant, Day, Month);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn beijing_midnight_is_the_day_before_in_utc() {
        // A contract that starts at 00:30 Beijing time starts on that day, although UTC still has the day before.
        let start = at("2026-03-01T00:30:00+08:00");
        assert_eq!(start, at("2026-02-28T16:30:00Z"));
        assert_eq!(start.day().to_string(), "2026-03-01");
        assert_eq!(start.to_string(), "2026-03-01T00:30:00+08:00");
        assert_eq!(at("2026-03-01"), at("2026-03-01 00:00:00"));
        assert_eq!(at("2026/3/1"), at("2026-03-01"));
    }

    #[test]
    fn months_have_their_own_length() {
        let month = |t: &str| t.parse::<Month>().unwrap();
        assert_eq!(
            (
                month("2026-02").days(),
                month("2028-02").days(),
                month("2026-12").days()
            ),
            (28, 29, 31)
        );
        assert_eq!(month("2026-12").next(), month("2027-01"));
        assert_eq!(month("2026-11").plus(-13), month("2025-10"));
        let year: i64 = (0..12).map(|n| month("2026-01").plus(n).period().seconds()).sum();
        assert_eq!(year, 365 * DAY_S);
        assert!("2026-13".parse::<Month>().is_err() && "2026".parse::<Month>().is_err());
        assert_eq!("2026-03-31".parse::<Day>().unwrap().month(), month("2026-03"));
    }

    #[test]
    fn first_day_counts_last_does_not() {
        let days = |a: &str, b: &str| Period::new(at(a), at(b)).unwrap().days();
        assert_eq!(days("2026-03-01", "2026-04-01"), 31);
        assert_eq!(days("2026-03-10 10:30:00", "2026-03-20 09:00:00"), 10);
        assert_eq!(days("2026-03-10 10:30:00", "2026-03-10 23:59:59"), 0);
        assert!(Period::new(at("2026-03-02"), at("2026-03-01")).is_err());
    }

    proptest! {
        #[test]
        fn cutting_keeps_days_and_seconds(a in 0_i64..4_000_000_000, len in 2_i64..100_000_000, cut in 0_i64..100_000_000) {
            let whole = Period::new(Instant(a), Instant(a + len)).unwrap();
            let middle = Instant(a + 1 + cut % (len - 1));
            let (left, right) = (Period::new(whole.from, middle).unwrap(), Period::new(middle, whole.to).unwrap());
            prop_assert_eq!(left.days() + right.days(), whole.days());
            prop_assert_eq!(left.seconds() + right.seconds(), whole.seconds());
        }

        #[test]
        fn days_and_instants_round_trip(day in -20_000_i64..100_000) {
            let day = Day(day);
            prop_assert_eq!(day.to_string().parse::<Day>().unwrap_or(day), day);
            prop_assert_eq!(day.start().day(), day);
            prop_assert_eq!(day.start().to_string().parse::<Instant>().unwrap(), day.start());
        }
    }
}
