//! The number of a charge line, as documents print it and people type it.
//!
//! A line is known by the month whose rating made it and its place in that rating, from 1. A closed month is never
//! rated again, so the number of a line on a statement never comes to mean another line.

use kernel::Month;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Digits of the place that are always written.
const PLACE_DIGITS: usize = 6;

/// The number of a charge line. Text form: `202603-000123`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineNumber {
    /// The month whose rating made the line.
    pub month: Month,
    /// Its place in that rating, from 1.
    pub line: u64,
}

/// A text that is no number of a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("「{0}」不是费用明细编号；应写成 202603-000123，即账期年月和明细序号")]
pub struct LineNumberError(String);

impl LineNumber {
    /// Of a line of a month.
    pub const fn new(month: Month, line: u64) -> Self {
        Self { month, line }
    }
}

impl fmt::Display for LineNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { month, line } = self;
        f.pad(&format!(
            "{:04}{:02}-{line:0PLACE_DIGITS$}",
            month.year(),
            month.month()
        ))
    }
}

impl FromStr for LineNumber {
    type Err = LineNumberError;

    fn from_str(text: &str) -> Result<Self, LineNumberError> {
        read(text.trim()).ok_or_else(|| LineNumberError(text.trim().to_owned()))
    }
}

fn read(text: &str) -> Option<LineNumber> {
    let (month, line) = text.split_once('-')?;
    let all_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if month.len() != 6 || line.len() < PLACE_DIGITS || !all_digits(month) || !all_digits(line) {
        return None;
    }
    let (year, month) = month.split_at_checked(4)?;
    let month = Month::new(year.parse().ok()?, month.parse().ok()?)?;
    let line = line.parse().ok().filter(|line| *line > 0)?;
    Some(LineNumber { month, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_are_written() {
        let month = Month::new(2026, 3).unwrap();
        for (line, text) in [
            (1, "202603-000001"),
            (123, "202603-000123"),
            (12_345_678, "202603-12345678"),
        ] {
            assert_eq!(LineNumber::new(month, line).to_string(), text);
            assert_eq!(text.parse(), Ok(LineNumber::new(month, line)));
        }
        assert_eq!(
            " 202612-000009\n".parse(),
            Ok(LineNumber::new(Month::new(2026, 12).unwrap(), 9))
        );
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in [
            "",
            "202603",
            "202613-000001",
            "202603-000000",
            "202603-12",
            "2026-03-000123",
            "202603-+00012",
            "２０2603-000123",
        ] {
            let fault = text.parse::<LineNumber>().unwrap_err().to_string();
            assert!(fault.contains("202603-000123"), "{text}: {fault}");
        }
    }
}
