//! One job at a time: taken with a lease, carried out, ended or put off.

use super::JobError;
use crate::{AppError, OpContext};
use domain::work::JobState;
use kernel::{ErrorKind, Instant, Kinded};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use store::Job;

/// How long a worker may be silent before another takes its job. Units: seconds.
const LEASE_S: i64 = 300;

/// The first pause before a job is tried again, and the longest. Units: seconds.
const PAUSE_S: (i64, i64) = (10, 3_600);

/// How the carrying out of a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As wanted; in words.
    Done(String),
    /// Not yet: to be tried again later.
    Again(String),
    /// Not as wanted, and trying again does not help.
    Failed(String),
    /// It stopped because somebody wanted it, or lost its lease.
    Stopped,
}

/// The answer of a handler.
pub type Doing<'a> = Pin<Box<dyn Future<Output = Result<Ended, AppError>> + Send + 'a>>;

/// Carries out jobs of one kind. What it does can be done again: its worker may be gone after any step.
pub trait Handler: Send + Sync {
    /// Carries one out.
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a>;
}

/// Handlers by kind of work.
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Arc<dyn Handler>>);

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Handlers {
    /// With one more, in place of another for the same kind.
    #[must_use]
    pub fn with(mut self, kind: &'static str, handler: Arc<dyn Handler>) -> Self {
        self.0.insert(kind, handler);
        self
    }
}

/// A job that is being carried out.
#[derive(Debug)]
pub struct Working {
    /// The house.
    pub ctx: OpContext,
    /// The job, as it was taken.
    pub job: Job,
    worker: String,
}

impl Working {
    /// Tells how far it got and keeps the lease. Returns whether to go on: nobody wants it to stop, and no other worker
    /// has taken it.
    pub async fn go_on(&self, done: i64, all: i64, stage: &str) -> Result<bool, AppError> {
        let until = self.ctx.now().plus_s(LEASE_S);
        let of = (self.job.id, self.worker.as_str());
        Ok(self.ctx.store().renew_lease(of, until, (done, all, stage)).await?)
    }
}

/// What a worker did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// The job.
    pub job: Job,
    /// Where it stands now.
    pub state: JobState,
    /// In words.
    pub outcome: String,
}

/// Takes one job that is due and carries it out. Returns none if none is due.
pub async fn work_once(ctx: &OpContext, worker: &str, handlers: &Handlers) -> Result<Option<Worked>, AppError> {
    let now = ctx.now();
    let Some(job) = ctx.store().lease_job(worker, (now, now.plus_s(LEASE_S))).await? else {
        return Ok(None);
    };
    let working = Working {
        ctx: ctx.clone(),
        job,
        worker: worker.to_owned(),
    };
    let ended = match handlers.0.get(working.job.kind.as_str()) {
        _ if working.job.cancel => Ended::Stopped,
        _ if working.job.attempts > working.job.attempts_max => Ended::Failed("多次中断，未能完成".to_owned()),
        None => Ended::Failed(format!("本程序不会办理「{}」类任务，请升级后重试", working.job.kind)),
        Some(handler) => match handler.carry_out(&working).await {
            Ok(ended) => ended,
            Err(error) if may_help(error.kind()) => Ended::Again(error.to_string()),
            Err(error) => Ended::Failed(error.to_string()),
        },
    };
    let (state, outcome, again) = settle(&working.job, ended, ctx.now());
    let of = (working.job.id, worker);
    ctx.store().end_lease(of, (state, &outcome), (ctx.now(), again)).await?;
    Ok(Some(Worked {
        job: working.job,
        state: again.map_or(state, |_| JobState::Queued),
        outcome,
    }))
}

/// Whether trying again may help: somebody else was first, or something did not answer.
const fn may_help(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::Unavailable)
}

fn settle(job: &Job, ended: Ended, now: Instant) -> (JobState, String, Option<Instant>) {
    match ended {
        Ended::Done(words) => (JobState::Done, words, None),
        Ended::Failed(words) => (JobState::Failed, words, None),
        Ended::Stopped => (
            JobState::Cancelled,
            JobError::NotNow(JobState::Cancelled.zh()).to_string(),
            None,
        ),
        Ended::Again(words) if job.attempts < job.attempts_max => {
            (JobState::Queued, words, Some(now.plus_s(pause_s(job.attempts))))
        }
        Ended::Again(words) => (JobState::Failed, format!("已尝试 {} 次：{words}", job.attempts), None),
    }
}

/// How long to wait after an attempt, from 1: twice as long each time, up to a limit.
fn pause_s(attempt: i64) -> i64 {
    let doublings = u32::try_from(attempt.clamp(1, 20) - 1).unwrap_or(0);
    PAUSE_S.0.saturating_mul(2_i64.saturating_pow(doublings)).min(PAUSE_S.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses: Vec<i64> = [1, 2, 3, 9, 10, 100].map(pause_s).to_vec();
        assert_eq!(pauses, [10, 20, 40, 2_560, 3_600, 3_600]);
    }
}
