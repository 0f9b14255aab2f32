//! How long something may take.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// Longest term that is accepted, in its own unit.
const LONGEST: u16 = 9_999;

/// How long something may take. Text form: `5wd` (working days), `15d` (calendar days), `24h` (hours); files may also
/// say 5个工作日, 15天, 24小时. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Term {
    /// Days on which offices work.
    WorkingDays(u16),
    /// Days of the calendar.
    CalendarDays(u16),
    /// Hours of the clock, day and night.
    Hours(u16),
}

impl Term {
    /// As Chinese documents write it.
    pub fn zh(self) -> String {
        match self {
            Self::WorkingDays(n) => format!("{n} 个工作日"),
            Self::CalendarDays(n) => format!("{n} 天"),
            Self::Hours(n) => format!("{n} 小时"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkingDays(n) => write!(f, "{n}wd"),
            Self::CalendarDays(n) => write!(f, "{n}d"),
            Self::Hours(n) => write!(f, "{n}h"),
        }
    }
}

type Unit = fn(u16) -> Term;
const UNITS: &[(&str, Unit)] = &[
    ("wd", Term::WorkingDays),
    ("个工作日", Term::WorkingDays),
    ("d", Term::CalendarDays),
    ("天", Term::CalendarDays),
    ("h", Term::Hours),
    ("小时", Term::Hours),
];

impl FromStr for Term {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare: String = text.split_whitespace().collect();
        let bad = || {
            format!("期限「{text}」无法识别，请写成 5wd（工作日）、15d（自然日）或 24h（小时），数字为 1 至 {LONGEST}")
        };
        let split = bare.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (digits, unit) = bare.split_at(split);
        let count: u16 = digits.parse().map_err(|_| bad())?;
        let unit = UNITS.iter().find(|(word, _)| *word == unit);
        unit.filter(|_| (1..=LONGEST).contains(&count))
            .map(|(_, term)| term(count))
            .ok_or_else(bad)
    }
}

impl Serialize for Term {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Term {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_read_and_write() {
        for (text, term) in [
            ("5wd", Term::WorkingDays(5)),
            ("15d", Term::CalendarDays(15)),
            ("24h", Term::Hours(24)),
        ] {
            assert_eq!(text.parse(), Ok(term));
            assert_eq!(term.to_string(), text);
            assert_eq!(term.zh().parse(), Ok(term), "documents' form reads back");
            assert_eq!(
                serde_json::from_str::<Term>(&serde_json::to_string(&term).unwrap()).unwrap(),
                term
            );
        }
        for bad in ["", "5", "wd", "0d", "-1d", "1.5d", "5 weeks", "10000d", "99999999999h"] {
            assert!(bad.parse::<Term>().is_err(), "{bad}");
        }
    }
}
