//! What the passing of time does with applications on their way: reminders, and overdue tasks given to those above.

use super::RequestError;
use super::people::{People, due_by, flow_of, people};
use super::publish::{Turn, publish};
use crate::{AppError, OpContext};
use domain::flow::{FlowEvent, FlowRun, tick as pass};
use serde::Serialize;
use serde_json::json;

/// Applications that are read at once.
const AT_ONCE: i64 = 200;

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
    let people = people(ctx, &mut ctx.store().read().await?, None).await?;
    ctx.policies()?;
    let mut last = String::new();
    loop {
        let mut read = ctx.store().read().await?;
        let flows = read.flows_under_way::<FlowRun>(&last, AT_ONCE).await?;
        drop(read);
        let Some((subject, _)) = flows.last() else {
            return Ok(outcome);
        };
        last.clone_from(subject);
        for (subject, run) in &flows {
            ctx.progress().at("流程期限", outcome.looked_at + outcome.failed, 0);
            if !ctx.progress().goes_on() {
                return Ok(outcome);
            }
            match look_at(ctx, &people, (subject, run)).await {
                Ok(moved) => {
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
        // There may be thousands, and people wait.
        tokio::task::yield_now().await;
    }
}

/// Returns whether something was due.
async fn look_at(ctx: &OpContext, people: &People, (subject, run): (&str, &FlowRun)) -> Result<bool, AppError> {
    let (after, _) = passed(ctx, people, run)?;
    Ok(after != *run && move_on(ctx, people, subject).await?)
}

fn passed(ctx: &OpContext, people: &People, run: &FlowRun) -> Result<(FlowRun, Vec<FlowEvent>), AppError> {
    let due = due_by(ctx)?;
    let passed = pass(run, flow_of(ctx, run)?, &people.directory, ctx.now(), &due);
    Ok(passed.map_err(RequestError::Flow)?)
}

/// Once more, now that nobody else can write: somebody may have decided meanwhile.
async fn move_on(ctx: &OpContext, people: &People, subject: &str) -> Result<bool, AppError> {
    let mut work = ctx.store().begin().await?;
    let Some((request, Some((run, version)))) = work.request_and_flow::<FlowRun>(subject).await? else {
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
