//! Advancing a statement: each side in its turn, by name and date, until the authority has decided.

use super::list::{not_found, target};
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty};
use domain::registry::Side;
use domain::settle::{FlowError, Opinion, StatementStatus, Step, advance as decide};

/// What somebody says about a statement.
#[derive(Debug, Clone)]
pub struct AdvanceInput {
    /// Number of the statement.
    pub number: String,
    /// For which side.
    pub side: Side,
    /// Agree or return.
    pub step: Step,
    /// In their words.
    pub text: String,
}

/// Moves a statement on, or back, if whoever acts may for that side. Returns where it stands now, and that in words.
pub async fn advance(ctx: &OpContext, input: AdvanceInput) -> Result<(StatementStatus, &'static str), AppError> {
    advance_seen(ctx, input, None).await
}

/// The same, if it is still in the version that somebody saw. Errors: it changed meanwhile.
pub async fn advance_seen(
    ctx: &OpContext,
    input: AdvanceInput,
    seen: Option<i64>,
) -> Result<(StatementStatus, &'static str), AppError> {
    may_advance(ctx, &input).await?;
    if input.side == Side::Authority && input.step == Step::Agree {
        // Whoever closed the month prepared the settlement, and does not approve it.
        let mut read = ctx.store().read().await?;
        let record = read.statement(&input.number).await?;
        let month = record.map(|record| record.statement.month);
        let closed = read
            .closed_months()
            .await?
            .into_iter()
            .find(|closed| Some(closed.month) == month);
        drop(read);
        if let Some(closed) = closed {
            let done = (Duty::Prepare, closed.actor.as_str());
            ctx.keep_apart(("statement", &input.number), Duty::Authorise, done)
                .await?;
        }
    }
    let mut work = ctx.store().begin().await?;
    let record = work
        .statement(&input.number)
        .await?
        .ok_or_else(|| not_found(&input.number))?;
    if seen.is_some_and(|version| version != record.version) {
        return Err(store::StoreError::Conflict(format!("结算单 {}", input.number)).into());
    }
    let opinion = Opinion {
        actor: ctx.actor().to_owned(),
        side: input.side,
        step: input.step,
        text: input.text,
        at: ctx.now(),
    };
    let status = decide(record.status, record.statement.scope.confirmed_by(), &opinion)?;
    work.advance_statement(&record, status, &opinion).await?;
    let detail = serde_json::json!({
        "from": record.status, "to": status, "opinion": opinion, "digest": record.digest, "version": record.version,
    });
    work.audit(
        ctx.now(),
        (ctx.actor(), "statement.advance", &input.number),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok((status, status.stage(record.statement.scope.confirmed_by())))
}

/// Whether whoever acts speaks for that side, about this statement.
async fn may_advance(ctx: &OpContext, input: &AdvanceInput) -> Result<(), AppError> {
    if let Ok(who) = ctx.who()
        && who.side != input.side
    {
        let (own, wanted) = (who.side.zh(), input.side.zh());
        return Err(FlowError::NotTheirSide { own, wanted }.into());
    }
    let record = ctx.store().read().await?.statement(&input.number).await?;
    let record = record.ok_or_else(|| not_found(&input.number))?;
    let about = target(&input.number, &record.statement.scope);
    ctx.judge(Action::StatementAdvance, &about).await
}
