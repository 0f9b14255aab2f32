//! Terms and deadlines: working days by the statutory calendar, calendar days, hours.
//!
//! Owns how a term is written and how it is counted. Owns no term of its own: how long something may take is data of
//! the rules. Invariants: the law's time is Beijing time; a year without a published calendar is never guessed, its
//! deadlines are marked provisional.
//!
//! Source: `civil-code-terms`, `holidays-2025`, `holidays-2026` in docs/sources.md.

mod term;
mod year;

pub use term::Term;
pub use year::{CalendarYear, DayKind, Due, Holiday, WorkingCalendar};
