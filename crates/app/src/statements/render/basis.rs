//! What statements are rendered from.
//!
//! Owns how much of it is in memory: what all statements share, and the lines and differences of one provider, as
//! numbers and interned names.

use crate::line_number::LineNumber;
use crate::month::{self, MonthView};
use crate::names::Names;
use crate::price_clause::PriceClauses;
use crate::statements::list::not_found;
use crate::{AppError, OpContext};
use domain::rate::{ChargeRow, ChargeTable};
use domain::reconcile::Difference;
use domain::settle::{Opinion, StatementScope};
use kernel::{Instant, Month};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use store::{Answer, Connection, RunRecord, StatementRecord};

/// A statement with what was said about it.
pub(super) struct Stated {
    pub(super) record: StatementRecord,
    pub(super) opinions: Vec<Opinion>,
}

/// What all selected statements of a month share. No line and no difference: those come provider by provider.
pub(super) struct MonthBasis {
    pub(super) month: Month,
    pub(super) is_demo: bool,
    pub(super) closed_at: Instant,
    pub(super) names: Names,
    pub(super) clauses: PriceClauses,
    pub(super) view: MonthView,
    pub(super) rated: RunRecord,
    pub(super) answers: Vec<Answer>,
    /// Numbers of the statements of corrected months.
    pub(super) corrected: HashMap<(Month, StatementScope), String>,
    /// Where the differences of a provider are, if it was reconciled.
    differences: HashMap<String, String>,
    statements: Vec<Stated>,
}

/// What the selected statements of one provider are made from.
pub(super) struct Basis<'a> {
    pub(super) of_month: &'a MonthBasis,
    /// Differences by the organisation they belong to; none if the provider was not reconciled.
    pub(super) differences: Option<HashMap<String, Vec<Difference>>>,
    /// The charge lines of the statements, and the number of each in its month.
    pub(super) table: ChargeTable,
    lines: Vec<u64>,
    /// Places of lines by organisation.
    places: HashMap<String, Vec<usize>>,
    statements: &'a [Stated],
}

impl MonthBasis {
    /// Reads what the statements with these numbers share, or all of the month.
    ///
    /// Errors: the month is not closed; a number that the month does not have.
    pub(super) async fn load(
        ctx: &OpContext,
        month: Month,
        numbers: &[String],
        is_demo: bool,
    ) -> Result<Self, AppError> {
        let view = month::show(ctx, month).await?;
        let unclosed = || AppError::NotYet {
            month,
            what: "生成结算单",
            why: "尚未关账，结算单在关账时编制，请先关账".to_owned(),
        };
        let closed_at = view.closed_at.ok_or_else(unclosed)?;
        let mut read = ctx.store().read().await?;
        let statements = selected(&mut read, month, numbers).await?;
        let rated = read.current_run("rate", month, "").await?.ok_or_else(unclosed)?;
        let mut differences = HashMap::new();
        for provider in statements.iter().map(Stated::provider).collect::<BTreeSet<_>>() {
            let run = read.current_run("reconcile", month, provider).await?;
            if let Some(path) = run.and_then(|run| run.path) {
                differences.insert(provider.to_owned(), path);
            }
        }
        Ok(Self {
            month,
            is_demo,
            closed_at,
            names: Names::at(&mut read, month).await?,
            clauses: PriceClauses::new(read.price_books().await?),
            view,
            rated,
            answers: read.answers(month).await?,
            corrected: corrected(&mut read, &statements).await?,
            differences,
            statements,
        })
    }

    /// The selected statements in order of their numbers, those of one provider together.
    pub(super) fn by_provider(&self) -> impl Iterator<Item = &[Stated]> {
        self.statements.chunk_by(|a, b| a.provider() == b.provider())
    }

    /// How many statements are selected.
    pub(super) fn count(&self) -> usize {
        self.statements.len()
    }
}

impl Stated {
    fn provider(&self) -> &str {
        &self.record.statement.scope.provider
    }
}

impl<'a> Basis<'a> {
    /// Reads the lines and differences of some statements of one provider. Memory: about 250 bytes a line.
    pub(super) fn load(ctx: &OpContext, of_month: &'a MonthBasis, statements: &'a [Stated]) -> Result<Self, AppError> {
        let provider = statements.first().map_or("", Stated::provider);
        let scopes = || statements.iter().map(|stated| &stated.record.statement.scope);
        let organisations: HashSet<&str> = scopes().filter_map(|scope| scope.organisation.as_deref()).collect();
        let all = scopes().any(|scope| scope.organisation.is_none());
        let path = of_month.rated.path.as_deref().unwrap_or_default();
        let found = ctx.lake().read_charges_where(path, |names, row| {
            names.text(row.provider) == provider && (all || organisations.contains(names.text(row.organisation)))
        })?;
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, row) in found.table.rows.iter().enumerate() {
            let organisation = found.table.names.text(row.organisation);
            match places.get_mut(organisation) {
                Some(places) => places.push(place),
                None => {
                    places.insert(organisation.to_owned(), vec![place]);
                }
            }
        }
        let differences = of_month.differences.get(provider);
        let differences = differences.map(|path| by_organisation(ctx, path)).transpose()?;
        let (table, lines) = (found.table, found.lines);
        Ok(Self {
            of_month,
            differences,
            table,
            lines,
            places,
            statements,
        })
    }

    /// The statements, by number.
    pub(super) const fn statements(&self) -> &'a [Stated] {
        self.statements
    }

    /// The lines of a scope, in their order: number and row.
    pub(super) fn rows(&self, scope: &StatementScope) -> impl Iterator<Item = (LineNumber, &ChargeRow)> {
        let of_organisation = scope
            .organisation
            .as_ref()
            .map(|code| self.places.get(code).map(Vec::as_slice).unwrap_or_default());
        let all = if of_organisation.is_none() { self.lines.len() } else { 0 };
        let places = of_organisation.into_iter().flatten().copied().chain(0..all);
        places.filter_map(|place| {
            let line = LineNumber::new(self.of_month.month, *self.lines.get(place)?);
            Some((line, self.table.rows.get(place)?))
        })
    }
}

fn by_organisation(ctx: &OpContext, path: &str) -> Result<HashMap<String, Vec<Difference>>, AppError> {
    let mut differences: HashMap<String, Vec<Difference>> = HashMap::new();
    for difference in ctx.lake().read_differences(path)? {
        let organisation = difference.organisation.clone();
        differences.entry(organisation).or_default().push(difference);
    }
    Ok(differences)
}

async fn selected(read: &mut Connection, month: Month, numbers: &[String]) -> Result<Vec<Stated>, AppError> {
    let mut records = read.statements(month).await?;
    if let Some(unknown) = numbers
        .iter()
        .find(|wanted| !records.iter().any(|r| r.statement.number == **wanted))
    {
        return Err(not_found(unknown));
    }
    records.retain(|record| numbers.is_empty() || numbers.contains(&record.statement.number));
    let mut statements = Vec::with_capacity(records.len());
    for record in records {
        let opinions = read.opinions(&record.statement.number).await?;
        statements.push(Stated { record, opinions });
    }
    Ok(statements)
}

/// The numbers of all statements of the months that the selected ones correct.
async fn corrected(
    read: &mut Connection,
    statements: &[Stated],
) -> Result<HashMap<(Month, StatementScope), String>, AppError> {
    let items = statements.iter().flat_map(|stated| &stated.record.statement.items);
    let months: BTreeSet<Month> = items.filter_map(|item| item.corrects).collect();
    let mut numbers = BTreeMap::new();
    for month in months {
        for record in read.statements(month).await? {
            numbers.insert((month, record.statement.scope), record.statement.number);
        }
    }
    Ok(numbers.into_iter().collect())
}
