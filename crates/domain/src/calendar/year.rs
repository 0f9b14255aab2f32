//! Which days are worked, and when a term ends.

use super::Term;
use kernel::{Day, Faults, Instant};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One stretch of rest days of a published arrangement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// Its name.
    pub name: String,
    /// Its first day of rest.
    pub first: Day,
    /// Its last day of rest; it belongs to the holiday.
    pub last: Day,
}

/// The arrangement of one year as it was published. A correction is a higher version, never a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarYear {
    /// The year.
    pub year: i16,
    /// Version of the arrangement, from 1; of several the highest counts.
    pub version: u32,
    /// Key of the source in docs/sources.md.
    pub source: String,
    /// Title of the document it was taken from.
    pub document: String,
    /// The day the document was published.
    pub published: Day,
    /// Who put it into force here.
    pub approver: String,
    /// Days on which nobody works although the week says so, and the weekends between them.
    pub holidays: Vec<Holiday>,
    /// Saturdays and Sundays that are worked in exchange.
    pub working: Vec<Day>,
}

/// What a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayKind {
    /// Whether offices work.
    pub working: bool,
    /// Whether that is only supposed, because the arrangement of the year is not configured.
    pub provisional: bool,
}

/// When a term ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The first moment that is too late.
    pub at: Instant,
    /// Whether a day that was counted lies in a year whose arrangement is not configured; it may move.
    pub provisional: bool,
}

/// The rest days and worked days of all configured years.
///
/// Counting (`civil-code-terms`): the day of the event is not counted; the last day counts whole, until its midnight
/// in Beijing. Working days are counted one by one. A term of calendar days whose last day is a rest day ends with
/// the next working day. Hours run from the event, day and night.
#[derive(Debug, Clone, Default)]
pub struct WorkingCalendar {
    years: BTreeMap<i16, Arrangement>,
}

#[derive(Debug, Clone, Default)]
struct Arrangement {
    version: u32,
    rest: BTreeSet<Day>,
    worked: BTreeSet<Day>,
}

/// 1970-01-01 was a Thursday; Monday is 0.
fn is_weekend(day: Day) -> bool {
    (day.epoch_days() + 3).rem_euclid(7) >= 5
}

/// A holiday longer than this is a slip of the pen.
const HOLIDAY_MAX_DAYS: i64 = 31;

impl CalendarYear {
    fn faults(&self, faults: &mut Faults) {
        let mut fault = |text: String| faults.push(0, "", format!("{} 年工作日历: {text}", self.year));
        for (what, text) in [
            ("来源", &self.source),
            ("文件名称", &self.document),
            ("批准人", &self.approver),
        ] {
            if text.trim().is_empty() {
                fault(format!("缺少{what}，请填写"));
            }
        }
        if self.version == 0 {
            fault("版本号从 1 起，请改正".into());
        }
        let mut rest = BTreeSet::new();
        for Holiday { name, first, last } in &self.holidays {
            if last < first || last.epoch_days() - first.epoch_days() >= HOLIDAY_MAX_DAYS {
                fault(format!("{name}放假 {first} 至 {last} 的起止不合理，请核对"));
                continue;
            }
            if [first, last].iter().any(|day| day.month().year() != self.year) {
                fault(format!("{name}放假 {first} 至 {last} 不全在当年，请拆到各自年份"));
            }
            for day in (0..=last.epoch_days() - first.epoch_days()).map(|n| first.plus(n)) {
                if !rest.insert(day) {
                    fault(format!("{day} 在两段放假中重复，请核对"));
                }
            }
        }
        let mut worked = BTreeSet::new();
        for day in &self.working {
            if day.month().year() != self.year {
                fault(format!("调休上班日 {day} 不在当年，请移到所在年份"));
            }
            if rest.contains(day) {
                fault(format!("{day} 既是放假又是调休上班，请核对"));
            } else if !is_weekend(*day) {
                fault(format!("调休上班日 {day} 不是周六或周日，请核对"));
            }
            if !worked.insert(*day) {
                fault(format!("调休上班日 {day} 重复，请删除其一"));
            }
        }
    }

    fn arrangement(&self) -> Arrangement {
        let days = |h: &Holiday| {
            let (first, length) = (h.first, h.last.epoch_days() - h.first.epoch_days());
            (0..=length).map(move |n| first.plus(n))
        };
        Arrangement {
            version: self.version,
            rest: self.holidays.iter().flat_map(days).collect(),
            worked: self.working.iter().copied().collect(),
        }
    }
}

impl WorkingCalendar {
    /// From the arrangements of all configured years.
    ///
    /// Errors: every fault of every year.
    pub fn new(years: &[CalendarYear]) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let mut seen = BTreeSet::new();
        let mut calendar = Self::default();
        for year in years {
            let before = faults.len();
            year.faults(&mut faults);
            if !seen.insert((year.year, year.version)) {
                let text = format!("{} 年工作日历第 {} 版出现了两次，请删除其一", year.year, year.version);
                faults.push(0, "", text);
            }
            let known = calendar.years.get(&year.year).map_or(0, |a| a.version);
            if faults.len() == before && year.version > known {
                calendar.years.insert(year.year, year.arrangement());
            }
        }
        faults.or(calendar)
    }

    /// The versions a deadline was reckoned with, to be kept beside it: `2025/1 2026/1`.
    pub fn edition(&self) -> String {
        let words: Vec<_> = self.years.iter().map(|(y, a)| format!("{y}/{}", a.version)).collect();
        words.join(" ")
    }

    /// What a day is. In a year that is not configured, Saturdays and Sundays are supposed to be the rest days.
    pub fn kind(&self, day: Day) -> DayKind {
        match self.years.get(&day.month().year()) {
            Some(year) => DayKind {
                working: year.worked.contains(&day) || !(is_weekend(day) || year.rest.contains(&day)),
                provisional: false,
            },
            None => DayKind {
                working: !is_weekend(day),
                provisional: true,
            },
        }
    }

    /// When a term that begins with an event at `start` ends.
    ///
    /// Example: accepted on Thursday 2026-04-30 at 10:00, `2wd`: 1 to 5 May are holidays, 6 and 7 May are worked, so
    /// it is late from 2026-05-08T00:00+08:00 on.
    pub fn due(&self, start: Instant, term: Term) -> Due {
        match term {
            Term::Hours(hours) => Due {
                at: start.plus_s(i64::from(hours) * 3_600),
                provisional: false,
            },
            Term::WorkingDays(days) => self.after_working_days(start.day(), days),
            Term::CalendarDays(days) => self.after_working_days(start.day().plus(i64::from(days) - 1), 1),
        }
    }

    /// The end of the n-th working day after `day`.
    fn after_working_days(&self, mut day: Day, working_days: u16) -> Due {
        let (mut left, mut provisional) = (working_days, false);
        while left > 0 {
            day = day.plus(1);
            let kind = self.kind(day);
            provisional |= kind.provisional;
            left -= u16::from(kind.working);
        }
        Due {
            at: day.plus(1).start(),
            provisional,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar() -> WorkingCalendar {
        let read = |text| toml::from_str::<CalendarYear>(text).unwrap();
        WorkingCalendar::new(&[
            read(include_str!("../../../../policies/calendar/2025.toml")),
            read(include_str!("../../../../policies/calendar/2026.toml")),
        ])
        .unwrap()
    }

    fn due(start: &str, term: &str) -> (String, bool) {
        let due = calendar().due(start.parse().unwrap(), term.parse().unwrap());
        // The last second that is in time says more than the first that is not.
        (due.at.plus_s(-1).to_string().replace("+08:00", ""), due.provisional)
    }

    #[test]
    fn terms_end_as_a_clerk_would_count_them() {
        for (start, term, last) in [
            // An ordinary week: Monday, then Tuesday, Wednesday, Thursday.
            ("2026-03-02 09:00", "3wd", "2026-03-05T23:59:59"),
            // One second before midnight is still the same day, and is not counted.
            ("2026-03-02 23:59:59", "3wd", "2026-03-05T23:59:59"),
            ("2026-03-03 00:00:00", "3wd", "2026-03-06T23:59:59"),
            // Over a weekend.
            ("2026-03-06 09:00", "2wd", "2026-03-10T23:59:59"),
            // Spring Festival 2026: Saturday the 14th is worked, 15 to 23 are not, 28 is worked.
            ("2026-02-13 17:00", "1wd", "2026-02-14T23:59:59"),
            ("2026-02-13 17:00", "2wd", "2026-02-24T23:59:59"),
            ("2026-02-13 17:00", "6wd", "2026-02-28T23:59:59"),
            // From a rest day.
            ("2026-05-02 12:00", "1wd", "2026-05-06T23:59:59"),
            // New Year 2026: 1 to 3 January rest, Sunday the 4th is worked.
            ("2025-12-31 12:00", "1wd", "2026-01-04T23:59:59"),
            // National Day 2025: 1 to 8 October rest, 11 is worked.
            ("2025-09-30 12:00", "3wd", "2025-10-11T23:59:59"),
            // Calendar days; the last one is a Sunday, or the second day of a holiday.
            ("2026-03-02 09:00", "15d", "2026-03-17T23:59:59"),
            ("2026-03-07 09:00", "15d", "2026-03-23T23:59:59"),
            ("2026-02-01 09:00", "15d", "2026-02-24T23:59:59"),
            // Hours do not know weekends.
            ("2026-03-06 17:30", "24h", "2026-03-07T17:29:59"),
        ] {
            assert_eq!(due(start, term), (last.into(), false), "{start} {term}");
        }
    }

    #[test]
    fn a_year_that_is_not_configured_is_said_to_be_provisional() {
        assert_eq!(due("2026-12-31 09:00", "1wd"), ("2027-01-01T23:59:59".into(), true));
        assert_eq!(due("2026-12-30 09:00", "1wd"), ("2026-12-31T23:59:59".into(), false));
        assert_eq!(due("2026-12-20 09:00", "15d"), ("2027-01-04T23:59:59".into(), true));
        assert!(!due("2026-12-31 09:00", "48h").1, "hours need no calendar");
        assert_eq!(calendar().edition(), "2025/1 2026/1");
    }

    #[test]
    fn the_published_years_have_the_published_days() {
        let calendar = calendar();
        let worked = |year: &str| {
            let first: Day = format!("{year}-01-01").parse().unwrap();
            (0..365).filter(|n| calendar.kind(first.plus(*n)).working).count()
        };
        // 365 days, 104 (2025: 52 Saturdays and Sundays each; 2026 as well), 13 statutory days, of which those on a
        // weekend are moved: 365 - 104 - 13 = 248.
        assert_eq!((worked("2025"), worked("2026")), (248, 248));
    }

    #[test]
    fn all_faults_of_a_calendar_are_listed() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let holiday = |name: &str, first, last| Holiday {
            name: name.into(),
            first: day(first),
            last: day(last),
        };
        let year = CalendarYear {
            year: 2026,
            version: 1,
            source: String::new(),
            document: "通知".into(),
            published: day("2025-11-04"),
            approver: "示例".into(),
            holidays: vec![
                holiday("甲", "2026-01-01", "2026-01-03"),
                holiday("乙", "2026-01-03", "2026-01-04"),
                holiday("丙", "2026-02-10", "2026-02-01"),
                holiday("丁", "2026-12-31", "2027-01-01"),
            ],
            working: vec![day("2026-01-04"), day("2026-01-05"), day("2027-01-02")],
        };
        let faults = WorkingCalendar::new(&[year.clone(), year]).unwrap_err();
        let text: Vec<_> = faults.sorted().iter().map(|f| f.message.clone()).collect();
        for part in [
            "缺少来源",
            "2026-01-03 在两段放假中重复",
            "丙放假",
            "丁放假",
            "2026-01-04 既是放假又是调休上班",
            "2026-01-05 不是周六或周日",
            "2027-01-02 不在当年",
            "第 1 版出现了两次",
        ] {
            assert!(text.iter().any(|t| t.contains(part)), "{part} in {text:?}");
        }
        assert_eq!(text.len(), 15, "seven in each copy, and the copy itself: {text:?}");
    }

    #[test]
    fn a_correction_replaces_the_arrangement() {
        let mut first: CalendarYear = toml::from_str(include_str!("../../../../policies/calendar/2026.toml")).unwrap();
        let mut second = first.clone();
        second.version = 2;
        second.working.clear();
        first.version = 1;
        let at = "2026-02-14".parse().unwrap();
        for order in [[first.clone(), second.clone()], [second, first]] {
            assert!(!WorkingCalendar::new(&order).unwrap().kind(at).working);
        }
    }

    proptest! {
        #[test]
        fn more_time_never_ends_earlier(start in 1_735_660_800_i64..1_800_000_000, days in 1_u16..300, later in 0_i64..1_000_000) {
            let calendar = calendar();
            let start = Instant::from_unix_s(start);
            for term in [Term::WorkingDays, Term::CalendarDays, Term::Hours] {
                let due = calendar.due(start, term(days));
                prop_assert!(due.at > start);
                prop_assert!(calendar.due(start, term(days + 1)).at >= due.at);
                prop_assert!(calendar.due(start.plus_s(later), term(days)).at >= due.at);
            }
            let due = calendar.due(start, Term::WorkingDays(days));
            let (first, last) = (start.day(), due.at.plus_s(-1).day());
            let counted = (1..=last.epoch_days() - first.epoch_days()).filter(|n| calendar.kind(first.plus(*n)).working);
            prop_assert_eq!(counted.count(), usize::from(days));
            prop_assert!(calendar.kind(last).working);
        }
    }
}
