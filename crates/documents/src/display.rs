//! How instants, periods and long texts are written for people. Beijing time throughout.

use kernel::{Instant, Month, Period};

/// The parts of an instant in Beijing time.
pub(crate) struct Civil {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

/// The calendar parts of an instant; `None` outside the years 1900 to 9999.
pub(crate) fn civil(at: Instant) -> Option<Civil> {
    let text = at.to_string();
    let number = |from: usize, len: usize| text.get(from..from + len)?.parse::<u16>().ok();
    let small = |from: usize| number(from, 2).and_then(|n| u8::try_from(n).ok());
    Some(Civil {
        year: number(0, 4).filter(|year| *year >= 1900)?,
        month: small(5)?,
        day: small(8)?,
        hour: small(11)?,
        minute: small(14)?,
        second: small(17)?,
    })
}

/// `2026-03-01 08:30:00`.
pub(crate) fn moment(at: Instant) -> String {
    at.to_string().replace('T', " ").trim_end_matches("+08:00").to_owned()
}

/// `2026年3月`.
pub(crate) fn month_zh(month: Month) -> String {
    format!("{}年{}月", month.year(), month.month())
}

/// Both ends, without the time of day where it is midnight: `2026-03-01 ~ 2026-03-15 09:30`.
pub(crate) fn span(period: Period) -> String {
    let to = period.end().map_or_else(|| "…".to_owned(), short);
    format!("{} ~ {to}", short(period.from()))
}

fn short(at: Instant) -> String {
    let text = moment(at);
    let text = text.strip_suffix(":00").unwrap_or(&text);
    text.strip_suffix(" 00:00").unwrap_or(text).to_owned()
}

/// The text with invisible break points, so that a long code breaks inside its cell instead of running over it.
pub(crate) fn breakable(text: &str) -> String {
    const LONGEST: usize = 10;
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut run = 0;
    for c in text.chars() {
        out.push(c);
        run = if c.is_ascii() && c != ' ' { run + 1 } else { 0 };
        if run >= LONGEST || (run >= 4 && matches!(c, '-' | '_' | '/' | ':' | '.')) {
            out.push('\u{200b}');
            run = 0;
        }
    }
    out
}

/// How many lines a text takes in a column, none if it is empty; a Chinese character takes two places.
pub(crate) fn lines(text: &str, width: u16) -> u16 {
    let places = |line: &str| line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let of = |line: &str| places(line).div_ceil(usize::from(width.max(1))).max(1);
    u16::try_from(text.lines().map(of).sum::<usize>()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_lines_of_a_column() {
        assert_eq!(
            [lines("", 10), lines("0123456789", 10), lines("0123456789a", 10)],
            [0, 1, 2]
        );
        assert_eq!([lines("五个汉字了", 10), lines("六个汉字多了", 10)], [1, 2]);
        assert_eq!([lines("甲\n\n乙", 10), lines("甲", 0)], [3, 2]);
    }

    #[test]
    fn writes_beijing_time() {
        let at: Instant = "2026-02-28T16:30:05Z".parse().unwrap();
        assert_eq!(moment(at), "2026-03-01 00:30:05");
        let parts = civil(at).unwrap();
        assert_eq!(
            (
                parts.year,
                parts.month,
                parts.day,
                parts.hour,
                parts.minute,
                parts.second
            ),
            (2026, 3, 1, 0, 30, 5)
        );
        let period = Period::new("2026-03-01".parse().unwrap(), "2026-03-15 09:30:00".parse().unwrap()).unwrap();
        assert_eq!(span(period), "2026-03-01 ~ 2026-03-15 09:30");
        assert!(civil(Instant::MIN).is_none());
    }

    #[test]
    fn long_codes_get_break_points() {
        assert_eq!(breakable("D001 资源"), "D001 资源");
        assert_eq!(breakable("abcdefghijklmno"), "abcdefghij\u{200b}klmno");
        assert_eq!(breakable("node-a:vm"), "node-\u{200b}a:vm");
    }
}
