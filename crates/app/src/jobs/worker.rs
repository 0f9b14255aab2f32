//! A worker: takes jobs one after another until it is told to stop.

use super::plan::{Plan, schedule};
use super::work::{Handlers, Stop, Worked, work_once_until};
use crate::{AppError, OpContext};
use std::time::Duration;

/// How long a worker rests when there is nothing to do.
const REST: Duration = Duration::from_secs(1);

/// A worker. Several may run, in one process and in several.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its name; no two that run at once have the same.
    pub name: String,
    /// What it can do.
    pub handlers: Handlers,
    /// Recurring work; none if another worker looks after that.
    pub plan: Option<Plan>,
}

impl Worker {
    /// Works until `stop` is set. The step in hand is finished; the rest of its job is left to whoever comes next. What
    /// goes wrong with one job is noted there and told in the log, and the worker goes on.
    pub async fn run(&self, ctx: &OpContext, stop: &Stop) {
        tracing::info!(worker = self.name, "a worker begins");
        while !stop.is_set() {
            let rested = match self.turn(ctx, stop).await {
                Ok(Some(worked)) => {
                    let job = &worked.job;
                    tracing::info!(job = %job.id, kind = job.kind, state = worked.state.word(), "worked");
                    continue;
                }
                Ok(None) => stop.wait(REST).await,
                Err(error) => {
                    tracing::error!(worker = self.name, cause = %error, "a turn failed");
                    stop.wait(REST * 5).await
                }
            };
            if rested {
                break;
            }
        }
        tracing::info!(worker = self.name, "a worker ends");
    }

    /// Queues what has come round, and carries out one job. Returns none if none was due.
    pub async fn turn(&self, ctx: &OpContext, stop: &Stop) -> Result<Option<Worked>, AppError> {
        if let Some(plan) = &self.plan {
            schedule(ctx, plan, &self.handlers).await?;
        }
        work_once_until(ctx, &self.name, &self.handlers, stop).await
    }
}
