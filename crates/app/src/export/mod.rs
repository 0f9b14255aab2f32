//! Exports of charge lines: as a table for people, and in the FOCUS format for machines.
//!
//! Both stream from the lake, month by month and a row group at a time, so that memory does not grow with the lines.
//! An export changes nothing. What was rated but not closed is exported too; the outcome names those months, because
//! their lines may still change.

mod charges;
mod focus;
mod focus_price;
mod focus_service;
mod month_lines;
#[cfg(test)]
mod sample;

pub use charges::{TableFormat, charges};
pub use focus::{FocusFormat, FocusOptions, focus};

use crate::AppError;
use kernel::{Money, Month};
use serde::Serialize;
use serde_json::{Value, json};

/// Which charge lines to export.
#[derive(Debug, Clone)]
pub struct ExportSelection {
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this organisation.
    pub organisation: Option<String>,
}

/// What an export gave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ExportOutcome {
    /// Rows that were written.
    pub lines: u64,
    /// The sum of their amounts.
    pub amount: Money,
    /// Months in it that are not closed: their lines may still change.
    pub open: Vec<Month>,
    /// Months without lines, because they were not rated.
    pub unrated: Vec<Month>,
}

impl ExportSelection {
    /// The months, in order. Errors: the last is before the first.
    fn months(&self) -> Result<Vec<Month>, AppError> {
        if self.to < self.from {
            return Err(AppError::Invalid(format!(
                "起始月份 {} 晚于截止月份 {}",
                self.from, self.to
            )));
        }
        let months = std::iter::successors(Some(self.from), |month| Some(month.next()));
        Ok(months.take_while(|month| *month <= self.to).collect())
    }

    /// What the audit entry of an export is about.
    fn object(&self) -> String {
        format!("{}..{}", self.from, self.to)
    }

    /// What of it was selected, and the form of the file, for the audit entry.
    fn detail(&self, form: &Value) -> Value {
        json!({ "provider": self.provider, "organisation": self.organisation, "form": form })
    }

    /// The selection in words.
    fn words(&self) -> String {
        let mut words = format!("账期 {} 至 {}", self.from, self.to);
        if let Some(provider) = &self.provider {
            words += &format!(" · 云服务商 {provider}");
        }
        if let Some(organisation) = &self.organisation {
            words += &format!(" · 使用单位 {organisation}");
        }
        words
    }
}

impl ExportOutcome {
    fn add(&mut self, amount: Money) -> Result<(), AppError> {
        self.lines += 1;
        self.amount = self.amount.plus(amount)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_of_a_selection() {
        let month = |text: &str| text.parse::<Month>().unwrap();
        let selection = |from, to| ExportSelection {
            from: month(from),
            to: month(to),
            provider: None,
            organisation: None,
        };
        let months = selection("2025-12", "2026-02").months().unwrap();
        assert_eq!(months, [month("2025-12"), month("2026-01"), month("2026-02")]);
        assert_eq!(selection("2026-02", "2026-02").months().unwrap().len(), 1);
        assert!(selection("2026-02", "2026-01").months().is_err());
    }
}
