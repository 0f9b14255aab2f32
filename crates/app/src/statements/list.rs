//! Listing and showing statements.

use crate::{AppError, OpContext};
use domain::authz::Target;
use domain::settle::{Opinion, Position, Statement, StatementScope, StatementStatus, WithheldLedger, WithheldSums};
use kernel::{Digest, Money, Month};
use serde::Serialize;

/// A statement in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementRow {
    /// Number.
    pub number: String,
    /// Whose it is, by codes.
    #[serde(skip)]
    pub scope: StatementScope,
    /// Provider, by the name it had.
    pub provider: String,
    /// Department, by the name it had; none for the provider's own.
    pub department: Option<String>,
    /// Charges and corrections.
    pub charged: Money,
    /// Withheld.
    pub withheld: Money,
    /// Withheld by earlier months and paid now.
    pub released: Money,
    /// Deducted.
    pub deducted: Money,
    /// To be paid.
    pub payable: Money,
    /// Where it stands.
    pub status: StatementStatus,
    /// That in words: whose turn it is.
    pub stage: &'static str,
}

/// A statement, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementView {
    /// The statement.
    pub statement: Statement,
    /// Where it stands.
    pub status: StatementStatus,
    /// That in words: whose turn it is.
    pub stage: &'static str,
    /// What it withheld, what later statements released of it, and what is left.
    pub withheld_sums: WithheldSums,
    /// What later statements released of it: their number, resource, item and amount.
    pub released_by: Vec<ReleasedBy>,
    /// Counts its changes.
    pub version: i64,
    /// Digest of its content.
    pub digest: Digest,
    /// What was said about it.
    pub opinions: Vec<Opinion>,
}

/// A later release of something that a statement withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleasedBy {
    /// The department's statement that paid it.
    pub statement: String,
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// How much.
    pub amount: Money,
}

/// The statements of a month, by number.
pub async fn list(ctx: &OpContext, month: Month) -> Result<Vec<StatementRow>, AppError> {
    let mut read = ctx.store().read().await?;
    let organisations = ctx.organisations(&mut read).await?;
    let at = month.period().to().plus_s(-1);
    let mut rows = Vec::new();
    for record in read.statements(month).await? {
        let statement = record.statement;
        rows.push(StatementRow {
            provider: organisations.name_at(&statement.scope.provider, at),
            department: statement
                .scope
                .organisation
                .as_deref()
                .map(|code| organisations.name_at(code, at)),
            charged: statement.charges.plus(statement.corrections)?,
            withheld: statement.withheld_total()?,
            released: statement.released_total()?,
            deducted: statement.deductions_total()?,
            payable: statement.payable,
            status: record.status,
            stage: record.status.stage(statement.scope.confirmed_by()),
            number: statement.number,
            scope: statement.scope,
        });
    }
    Ok(rows)
}

/// One statement with what was said about it.
pub async fn show(ctx: &OpContext, number: &str) -> Result<StatementView, AppError> {
    let mut read = ctx.store().read().await?;
    let record = read.statement(number).await?.ok_or_else(|| not_found(number))?;
    let opinions = read.opinions(number).await?;
    let records = read.statements_that_withheld().await?;
    let ledger = WithheldLedger::of(records.iter().map(|record| &record.statement))?;
    let scope = &record.statement.scope;
    let is_its = |position: &Position| {
        position.month == record.statement.month
            && position.scope.provider == scope.provider
            && (scope.organisation.is_none() || position.scope == *scope)
    };
    let released = ledger
        .positions()
        .filter(|position| is_its(position))
        .flat_map(|position| {
            position.released.iter().map(|(statement, amount)| ReleasedBy {
                statement: statement.clone(),
                resource: position.resource.clone(),
                item: position.item.clone(),
                amount: *amount,
            })
        });
    Ok(StatementView {
        stage: record.status.stage(scope.confirmed_by()),
        withheld_sums: ledger.sums(is_its)?,
        released_by: released.collect(),
        statement: record.statement,
        status: record.status,
        version: record.version,
        digest: record.digest,
        opinions,
    })
}

/// What a statement is to the policies.
pub fn target(number: &str, scope: &StatementScope) -> Target {
    Target {
        kind: "statement",
        id: number.to_owned(),
        unit: scope.organisation.as_deref().and_then(|code| code.parse().ok()),
        provider: scope.provider.parse().ok(),
        owner: None,
    }
}

pub(super) fn not_found(number: &str) -> AppError {
    let advice = "请在该月的结算单清单中查看编号";
    AppError::NotFound {
        what: "结算单",
        key: number.to_owned(),
        advice,
    }
}
