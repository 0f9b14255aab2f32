//! The lines of one month with all that is needed to name and judge them.

use super::{ExportOutcome, ExportSelection};
use crate::names::Names;
use crate::price_clause::PriceClauses;
use crate::{AppError, OpContext};
use domain::rate::{ChargeKind, ChargeRow, ChargeTable};
use domain::reconcile::{Difference, DifferenceClass};
use domain::settle::SlaDeduction;
use kernel::{Interner, Month};
use std::collections::HashMap;

/// A deduction on a department's statement.
pub(super) struct Deducted {
    pub(super) provider: String,
    pub(super) organisation: String,
    /// Number of the statement.
    pub(super) statement: String,
    /// Place on the statement, from 1.
    pub(super) place: usize,
    pub(super) deduction: SlaDeduction,
}

/// A month that was rated.
pub(super) struct MonthLines {
    pub(super) month: Month,
    pub(super) names: Names,
    pub(super) clauses: PriceClauses,
    path: String,
    /// Numbers of the departments' statements, by provider and organisation; none while the month is open.
    statements: HashMap<(String, String), String>,
    pub(super) deducted: Vec<Deducted>,
    verdicts: Verdicts,
}

/// What reconciling found, by provider that has a bill, resource and item.
#[derive(Default)]
struct Verdicts(HashMap<String, HashMap<(String, String), Verdict>>);

/// What reconciling found about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A correction; bills are compared with charges of their own month only.
    NotCompared,
    /// The provider's bill has not come in, or was not reconciled.
    NoBill,
    /// Resource and item agree to the fen.
    Agreeing,
    /// They differ by no more than the contract tolerates.
    Tolerated,
    /// They differ, mainly so.
    Differing(DifferenceClass),
}

impl Verdict {
    /// In words.
    pub(super) fn words(self) -> String {
        match self {
            Self::NotCompared => "更正行不参加对账".to_owned(),
            Self::NoBill => "未对账".to_owned(),
            Self::Agreeing => "一致".to_owned(),
            Self::Tolerated => "容差以内".to_owned(),
            Self::Differing(class) => format!("差异：{}", class.zh()),
        }
    }
}

impl Verdicts {
    fn take(&mut self, provider: String, differences: Vec<Difference>) {
        let of_provider = self.0.entry(provider).or_default();
        for difference in differences {
            let verdict = if difference.tolerated {
                Verdict::Tolerated
            } else {
                Verdict::Differing(difference.main_class())
            };
            of_provider.insert((difference.resource, difference.item), verdict);
        }
    }

    fn of(&self, texts: &Interner, row: &ChargeRow) -> Verdict {
        if row.kind == ChargeKind::Correction {
            return Verdict::NotCompared;
        }
        let text = |name: u32| texts.text(name).to_owned();
        let Some(differing) = self.0.get(texts.text(row.provider)) else {
            return Verdict::NoBill;
        };
        differing
            .get(&(text(row.resource), text(row.item)))
            .copied()
            .unwrap_or(Verdict::Agreeing)
    }
}

impl MonthLines {
    /// Reads what belongs to a month; none if it was not rated. Notes in `outcome` what is worth knowing.
    pub(super) async fn load(
        ctx: &OpContext,
        month: Month,
        outcome: &mut ExportOutcome,
    ) -> Result<Option<Self>, AppError> {
        let mut read = ctx.store().read().await?;
        let runs = read.current_runs(month).await?;
        let Some(path) = runs
            .iter()
            .find(|run| run.step == "rate")
            .and_then(|run| run.path.clone())
        else {
            outcome.unrated.push(month);
            return Ok(None);
        };
        if !read.is_closed(month).await? {
            outcome.open.push(month);
        }
        let mut lines = Self {
            month,
            names: Names::at(&mut read, month).await?,
            clauses: PriceClauses::new(read.price_books().await?),
            path,
            statements: HashMap::new(),
            deducted: Vec::new(),
            verdicts: Verdicts::default(),
        };
        for record in read.statements(month).await? {
            let statement = record.statement;
            let Some(organisation) = statement.scope.organisation else {
                continue;
            };
            let provider = statement.scope.provider;
            for (place, deduction) in statement.deductions.into_iter().enumerate() {
                let (provider, organisation) = (provider.clone(), organisation.clone());
                let statement = statement.number.clone();
                lines.deducted.push(Deducted {
                    provider,
                    organisation,
                    statement,
                    place: place + 1,
                    deduction,
                });
            }
            lines.statements.insert((provider, organisation), statement.number);
        }
        drop(read);
        for run in runs.into_iter().filter(|run| run.step == "reconcile") {
            let differences = ctx.lake().read_differences(run.path.as_deref().unwrap_or_default())?;
            lines.verdicts.take(run.scope, differences);
        }
        Ok(Some(lines))
    }

    /// The number of the statement a line stands on, once there is one.
    pub(super) fn statement(&self, provider: &str, organisation: &str) -> Option<&String> {
        self.statements.get(&(provider.to_owned(), organisation.to_owned()))
    }

    /// What reconciling found about a line.
    pub(super) fn verdict(&self, texts: &Interner, row: &ChargeRow) -> Verdict {
        self.verdicts.of(texts, row)
    }

    /// Shows the selected lines, a row group at a time; stops at the first error.
    pub(super) fn scan(
        &self,
        ctx: &OpContext,
        selection: &ExportSelection,
        mut visit: impl FnMut(&ChargeTable, &mut dyn Iterator<Item = (u64, &ChargeRow)>) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let mut result = Ok(());
        ctx.lake().scan_charges(&self.path, |first, table| {
            if result.is_err() {
                return;
            }
            let number = |wanted: &Option<String>| wanted.as_ref().map(|code| table.names.get(code));
            let (provider, organisation) = (number(&selection.provider), number(&selection.organisation));
            let wanted = |row: &ChargeRow| {
                provider.is_none_or(|name| name == Some(row.provider))
                    && organisation.is_none_or(|name| name == Some(row.organisation))
            };
            let mut rows = (first..).zip(&table.rows).filter(|(_, row)| wanted(row));
            result = visit(table, &mut rows);
        })?;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;
    use kernel::Money;

    #[test]
    fn a_line_is_judged_by_its_resource_and_item() {
        let table = sample::table();
        let difference = |resource: &str, tolerated| Difference {
            resource: resource.into(),
            item: "ECS-CPU".into(),
            organisation: "D1".into(),
            billed_to: None,
            ours: None,
            billed: None,
            difference: Money::from_fen(5),
            parts: vec![(DifferenceClass::Price, Money::from_fen(5))],
            tolerated,
        };
        let row = table.rows[0];
        let mut verdicts = Verdicts::default();
        assert_eq!(verdicts.of(&table.names, &row), Verdict::NoBill);
        verdicts.take("P1".into(), vec![difference("N1/vm-2", false)]);
        assert_eq!(verdicts.of(&table.names, &row), Verdict::Agreeing);
        verdicts.take("P1".into(), vec![difference("N1/vm-1", true)]);
        assert_eq!(verdicts.of(&table.names, &row), Verdict::Tolerated);
        verdicts.take("P1".into(), vec![difference("N1/vm-1", false)]);
        assert_eq!(verdicts.of(&table.names, &row).words(), "差异：单价");
        let correction = ChargeRow {
            kind: ChargeKind::Correction,
            ..row
        };
        assert_eq!(verdicts.of(&table.names, &correction), Verdict::NotCompared);
    }
}
