//! What the passing of time does with applications on their way: reminders, and overdue tasks given to those above.

use super::RequestError;
use super::people::{People, due_by, flow_of, people};
use super::publish::{Turn, publish};
use crate::{AppError, OpContext};
use domain::flow::{FlowEvent, FlowRun, FlowState, tick as pass};
use serde::Serialize;
use serde_json::json;
use store::Sight;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TickOutcome {
    /// Applications that are on their way.
    pub looked_at: u64,
    /// Those in which something was due.
    pub moved: u64,
    /// Those that could not be looked at; the others are, and the log says why.
    pub failed: u64,
}

/// Looks at every application on its way. Done again at the same moment it changes nothing. It takes no input and asks
/// for no permission: it is the platform's own work. Errors: the store does not answer, or the policies cannot be used.
pub async fn tick(ctx: &OpContext) -> Result<TickOutcome, AppError> {
    let mut outcome = TickOutcome::default();
    let (people, subjects) = {
        let mut read = ctx.store().read().await?;
        let mut subjects = read.flows_in(FlowState::Open.word()).await?;
        subjects.extend(read.flows_in(FlowState::Returned.word()).await?);
        (people(ctx, &mut read, None).await?, subjects)
    };
    ctx.policies()?;
    for (place, subject) in (0..).zip(&subjects) {
        ctx.progress()
            .at("流程期限", place, u64::try_from(subjects.len()).unwrap_or(0));
        if !ctx.progress().goes_on() {
            break;
        }
        match look_at(ctx, &people, subject).await {
            Ok(None) => {}
            Ok(Some(moved)) => {
                outcome.looked_at += 1;
                outcome.moved += u64::from(moved);
            }
            // One that cannot be looked at does not keep the others waiting.
            Err(AppError::Request(why)) => {
                tracing::error!(subject, cause = %why, "a flow could not be looked at");
                outcome.failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

/// Returns whether something was due; none if it is no application on its way.
async fn look_at(ctx: &OpContext, people: &People, subject: &str) -> Result<Option<bool>, AppError> {
    let mut read = ctx.store().read().await?;
    // Flows of other matters are looked at by whoever owns those.
    if read.request(subject, &Sight::All).await?.is_none() {
        return Ok(None);
    }
    let Some((run, _)) = read.flow::<FlowRun>(subject).await? else {
        return Ok(None);
    };
    drop(read);
    let (after, _) = passed(ctx, people, &run)?;
    Ok(Some(after != run && move_on(ctx, people, subject).await?))
}

fn passed(ctx: &OpContext, people: &People, run: &FlowRun) -> Result<(FlowRun, Vec<FlowEvent>), AppError> {
    let due = due_by(ctx)?;
    let passed = pass(run, flow_of(ctx, run)?, &people.directory, ctx.now(), &due);
    Ok(passed.map_err(RequestError::Flow)?)
}

/// Once more, now that nobody else can write: somebody may have decided meanwhile.
async fn move_on(ctx: &OpContext, people: &People, subject: &str) -> Result<bool, AppError> {
    let mut work = ctx.store().begin().await?;
    let request = work.request(subject, &Sight::All).await?;
    let flow = work.flow::<FlowRun>(subject).await?;
    let (Some(request), Some((run, version))) = (request, flow) else {
        return Ok(false);
    };
    let (after, events) = passed(ctx, people, &run)?;
    if after == run {
        return Ok(false);
    }
    let turn = Turn {
        definition: flow_of(ctx, &run)?,
        run: &after,
        version: Some(version),
        events: &events,
    };
    publish(ctx, &mut work, (&request, people), turn).await?;
    let new = after.history.iter().skip(run.history.len());
    let deeds: Vec<_> = new.map(|record| (record.deed, record.task)).collect();
    work.audit(
        ctx.now(),
        (ctx.actor(), "request.tick", subject),
        json!({ "deeds": deeds }).to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(true)
}
