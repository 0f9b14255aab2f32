//! When recurring work comes round.

use kernel::Instant;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// The shortest beat. Units: seconds.
const SHORTEST_S: i64 = 5;
/// The longest. Units: seconds.
const LONGEST_S: i64 = 7 * 86_400;
/// A last time further ahead than this was noted by a clock that was wrong. Units: seconds.
const AHEAD_MAX_S: i64 = 86_400;

/// How often recurring work is done. Text form: `30s`, `5m`, `2h` for a beat; `00:10` for once a day at that time in
/// Beijing; `off` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// At every multiple of so many seconds.
    Every(i64),
    /// Once a day, so many minutes after midnight in Beijing.
    Daily(i64),
    /// Never.
    Off,
}

/// How long to wait after an attempt, from 1: twice as long each time, from the first pause up to the longest. Units:
/// seconds.
pub fn pause_s(attempt: i64, (first, longest): (i64, i64)) -> i64 {
    let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or(0);
    first.saturating_mul(2_i64.saturating_pow(doublings)).min(longest)
}

impl Rhythm {
    /// The last moment at which it came round; none if it never does.
    fn latest(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Every(seconds) => Some(Instant::from_unix_s(
                now.unix_s().div_euclid(seconds).saturating_mul(seconds),
            )),
            Self::Daily(minutes) => {
                let today = now.day().start().plus_s(minutes * 60);
                Some(if today <= now { today } else { today.plus_s(-86_400) })
            }
            Self::Off => None,
        }
    }

    /// The moment for which the work is to be done now; none if it was done for it, or for a later one: a clock that
    /// was set back brings nothing round twice. A last time that lies more than a day ahead was noted by a clock that
    /// was wrong, and does not count.
    pub fn due(self, last: Option<Instant>, now: Instant) -> Option<Instant> {
        let latest = self.latest(now)?;
        let done = last.is_some_and(|last| latest <= last && last <= now.plus_s(AHEAD_MAX_S));
        (!done).then_some(latest)
    }
}

impl fmt::Display for Rhythm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(s) if s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
            Self::Every(s) if s % 60 == 0 => write!(f, "{}m", s / 60),
            Self::Every(s) => write!(f, "{s}s"),
            Self::Daily(minutes) => write!(f, "{:02}:{:02}", minutes / 60, minutes % 60),
            Self::Off => f.write_str("off"),
        }
    }
}

impl FromStr for Rhythm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim();
        let bad = || {
            format!(
                "周期「{text}」无法识别，请写成 30s、5m、2h（5 秒至 7 天），每日定时写成 00:10（北京时间），停用写 off"
            )
        };
        if bare == "off" {
            return Ok(Self::Off);
        }
        if let Some((hour, minute)) = bare.split_once(':') {
            let part = |text: &str, below: i64| {
                let two_digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
                let number = text.parse::<i64>().ok().filter(|number| *number < below);
                number.filter(|_| two_digits).ok_or_else(bad)
            };
            return Ok(Self::Daily(part(hour, 24)? * 60 + part(minute, 60)?));
        }
        let unit = [("s", 1), ("m", 60), ("h", 3_600)];
        let (digits, scale) = unit
            .iter()
            .find_map(|(word, scale)| Some((bare.strip_suffix(word)?, *scale)))
            .ok_or_else(bad)?;
        let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let count: i64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(bad)?;
        let seconds = count.checked_mul(scale);
        let seconds = seconds.filter(|seconds| (SHORTEST_S..=LONGEST_S).contains(seconds));
        seconds.map(Self::Every).ok_or_else(bad)
    }
}

impl Serialize for Rhythm {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rhythm {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn rhythms_read_and_write() {
        for text in ["30s", "5m", "90m", "2h", "00:10", "23:59", "off"] {
            assert_eq!(text.parse::<Rhythm>().unwrap().to_string(), text);
        }
        assert_eq!("120s".parse(), Ok(Rhythm::Every(120)));
        for bad in [
            "", "5", "4s", "m", "-5m", "8d", "200h", "24:00", "7:00", "00:60", "1.5h", "on",
        ] {
            assert!(bad.parse::<Rhythm>().is_err(), "{bad}");
        }
    }

    #[test]
    fn once_a_day_at_its_time_in_beijing() {
        let daily = Rhythm::Daily(10);
        let first = daily.due(None, at("2026-10-08 09:00:00"));
        assert_eq!(first, Some(at("2026-10-08 00:10:00")));
        assert_eq!(daily.due(first, at("2026-10-09 00:09:59")), None);
        assert_eq!(
            daily.due(first, at("2026-10-09 00:10:00")),
            Some(at("2026-10-09 00:10:00"))
        );
        assert_eq!(Rhythm::Off.due(None, at("2026-10-08")), None);
    }

    #[test]
    fn a_clock_that_was_wrong_by_years_stops_nothing() {
        let hourly = Rhythm::Every(3_600);
        let now = at("2026-10-08 09:30:00");
        assert_eq!(
            hourly.due(Some(at("2026-10-08 12:00:00")), now),
            None,
            "set back by hours"
        );
        assert_eq!(
            hourly.due(Some(at("2036-10-08 12:00:00")), now),
            Some(at("2026-10-08 09:00:00"))
        );
    }

    proptest! {
        /// Whatever the clock does within a day, nothing comes round twice for the same moment.
        #[test]
        fn nothing_comes_round_twice(steps in proptest::collection::vec(-1_800_i64..1_800, 1..40), beat in 5_i64..7_200) {
            let mut now = at("2026-10-08 09:00:00");
            let (mut last, mut seen) = (None, Vec::new());
            for step in steps {
                now = now.plus_s(step);
                if let Some(moment) = Rhythm::Every(beat).due(last, now) {
                    prop_assert!(moment <= now);
                    prop_assert!(!seen.contains(&moment));
                    seen.push(moment);
                    last = Some(moment);
                }
            }
        }
    }
}
