//! What statements are rendered from, read once for all of them.

use crate::month::{self, MonthView};
use crate::names::Names;
use crate::price_clause::PriceClauses;
use crate::statements::list::not_found;
use crate::{AppError, OpContext};
use domain::rate::ChargeTable;
use domain::reconcile::Difference;
use domain::settle::{Opinion, StatementScope};
use kernel::{Instant, Month};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{Answer, Connection, RunRecord, StatementRecord};

/// A statement with what was said about it.
pub(super) struct Stated {
    pub(super) record: StatementRecord,
    pub(super) opinions: Vec<Opinion>,
}

/// Everything that the selected statements of a month say.
pub(super) struct Basis {
    pub(super) month: Month,
    pub(super) is_demo: bool,
    pub(super) closed_at: Instant,
    pub(super) names: Names,
    pub(super) clauses: PriceClauses,
    pub(super) view: MonthView,
    pub(super) rated: RunRecord,
    /// By provider that was reconciled.
    pub(super) differences: HashMap<String, Vec<Difference>>,
    pub(super) answers: Vec<Answer>,
    /// Numbers of the statements of corrected months.
    pub(super) corrected: HashMap<(Month, StatementScope), String>,
    /// The charge lines of the selected statements, and the number of each in its month.
    pub(super) table: ChargeTable,
    pub(super) lines: Vec<u64>,
    /// Places of lines by scope.
    places: HashMap<StatementScope, Vec<usize>>,
    statements: Vec<Stated>,
}

impl Basis {
    /// Reads everything for the statements with these numbers, or for all of the month. The lake is read once.
    ///
    /// Errors: the month is not closed; a number that the month does not have.
    pub(super) async fn load(
        ctx: &OpContext,
        month: Month,
        numbers: &[String],
        is_demo: bool,
    ) -> Result<Self, AppError> {
        let view = month::show(ctx, month).await?;
        let not_yet = |why: String| AppError::NotYet {
            month,
            what: "生成结算单",
            why,
        };
        let unclosed = || {
            not_yet(format!(
                "尚未关账，结算单在关账时编制，请先运行 yunheng month close {month}"
            ))
        };
        let closed_at = view.closed_at.ok_or_else(unclosed)?;
        let mut read = ctx.store().read().await?;
        let statements = selected(&mut read, month, numbers).await?;
        let rated = read.current_run("rate", month, "").await?.ok_or_else(unclosed)?;
        let scopes: BTreeSet<StatementScope> = statements.iter().map(|s| s.record.statement.scope.clone()).collect();
        let mut differences = HashMap::new();
        for provider in scopes.iter().map(|scope| &scope.provider).collect::<BTreeSet<_>>() {
            let run = read.current_run("reconcile", month, provider).await?;
            let Some(path) = run.and_then(|run| run.path) else {
                continue;
            };
            differences.insert(provider.clone(), ctx.lake().read_differences(&path)?);
        }
        let corrected = corrected(&mut read, &statements).await?;
        let names = Names::at(&mut read, month).await?;
        let clauses = PriceClauses::new(read.price_books().await?);
        let answers = read.answers(month).await?;
        drop(read);
        let path = rated.path.as_deref().unwrap_or_default();
        let found = ctx.lake().read_charges_where(path, |names, row| {
            let (provider, organisation) = (names.text(row.provider), names.text(row.organisation));
            scopes_of(provider, organisation)
                .iter()
                .any(|scope| scopes.contains(scope))
        })?;
        let mut places: HashMap<StatementScope, Vec<usize>> = HashMap::new();
        for (place, row) in found.table.rows.iter().enumerate() {
            let texts = &found.table.names;
            for scope in scopes_of(texts.text(row.provider), texts.text(row.organisation)) {
                if scopes.contains(&scope) {
                    places.entry(scope).or_default().push(place);
                }
            }
        }
        let (table, lines) = (found.table, found.lines);
        Ok(Self {
            month,
            is_demo,
            closed_at,
            names,
            clauses,
            view,
            rated,
            differences,
            answers,
            corrected,
            table,
            lines,
            places,
            statements,
        })
    }

    /// The selected statements, by number.
    pub(super) fn statements(&self) -> &[Stated] {
        &self.statements
    }

    /// Places of a scope's lines in the table, in their order.
    pub(super) fn places_of(&self, scope: &StatementScope) -> &[usize] {
        self.places.get(scope).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The statements on which a line stands: the department's and the provider's.
fn scopes_of(provider: &str, organisation: &str) -> [StatementScope; 2] {
    let scope = |organisation| StatementScope {
        provider: provider.to_owned(),
        organisation,
    };
    [scope(Some(organisation.to_owned())), scope(None)]
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
