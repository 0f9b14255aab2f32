//! One job at a time: taken with a lease, carried out, ended or put off.

use crate::{AppError, OpContext, Progress};
use domain::work::{JobState, pause_s};
use kernel::{ErrorKind, Instant, Kinded};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use store::{Job, StoreError};
use tokio::sync::watch;

/// How long a worker may be silent before another takes its job. Units: seconds.
const LEASE_S: i64 = 300;

/// How often a lease is renewed while one step takes long.
pub(super) const BEAT: Duration = Duration::from_secs(30);

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
    /// It stopped because somebody wanted it, or the worker ends, or it lost its lease.
    Stopped,
}

/// Tells workers to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// From now on.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was told.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is told.
    pub async fn told(&self) {
        // The sender is here, so that the waiting ends with the word only.
        let _ = self.0.subscribe().wait_for(|told| *told).await;
    }

    /// Waits until it is told, no longer than `patience`. Returns whether it was.
    pub async fn wait(&self, patience: Duration) -> bool {
        let mut told = self.0.subscribe();
        let told = tokio::time::timeout(patience, told.wait_for(|told| *told)).await;
        told.is_ok()
    }
}

impl Progress for Stop {
    fn at(&self, _what: &str, _done: u64, _all: u64) {}

    fn goes_on(&self) -> bool {
        !self.is_set()
    }
}

/// The answer of a handler.
pub type Doing<'a> = Pin<Box<dyn Future<Output = Result<Ended, AppError>> + Send + 'a>>;

/// Carries out jobs of one kind. What it does can be done again: its worker may be gone after any step.
pub trait Handler: Send + Sync {
    /// Carries one out.
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a>;

    /// Whether it is left where it stands, in the middle of a step, once the lease is lost or somebody wants it to stop.
    /// What it made then is found by whoever takes it up.
    fn may_be_cut_off(&self) -> bool {
        false
    }

    /// How often its lease is renewed. Short of the lease by far, so that a worker that is slow to say that it is still
    /// at it does not lose it.
    fn beat(&self) -> Duration {
        BEAT
    }
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

    /// Whether work of a kind can be done.
    pub fn know(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
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
    stop: Stop,
}

impl Working {
    /// Tells how far it got and keeps the lease. Returns whether to go on: nobody wants it to stop, the worker does not
    /// end, and no other worker has taken it.
    pub async fn go_on(&self, done: i64, all: i64, stage: &str) -> Result<bool, AppError> {
        let until = self.ctx.now().plus_s(LEASE_S);
        let of = (self.job.id, self.worker.as_str());
        let own = self.ctx.store().renew_lease(of, until, (done, all, stage)).await?;
        Ok(own && !self.stop.is_set())
    }

    /// Renews the lease again and again, for as long as a step takes. Returns if the work is to be cut off.
    async fn keep(&self, handler: &dyn Handler) {
        loop {
            tokio::time::sleep(handler.beat()).await;
            let until = self.ctx.now().plus_s(LEASE_S);
            let of = (self.job.id, self.worker.as_str());
            match self.ctx.store().keep_lease(of, until).await {
                Ok(false) if handler.may_be_cut_off() => return,
                Ok(_) => {}
                Err(error) => tracing::warn!(job = %self.job.id, cause = %error, "a lease was not renewed"),
            }
        }
    }

    /// Whether somebody wants it to stop.
    async fn is_cancelled(&self) -> Result<bool, AppError> {
        let now = self.ctx.store().read().await?.job(self.job.id).await?;
        Ok(now.is_none_or(|job| job.cancel))
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
    work_once_until(ctx, worker, handlers, &Stop::default()).await
}

/// The same, by a worker that may be told to stop meanwhile.
pub async fn work_once_until(
    ctx: &OpContext,
    worker: &str,
    handlers: &Handlers,
    stop: &Stop,
) -> Result<Option<Worked>, AppError> {
    let now = ctx.now();
    let Some(job) = ctx.store().lease_job(worker, (now, now.plus_s(LEASE_S))).await? else {
        return Ok(None);
    };
    let working = Working {
        ctx: ctx.clone().watched(Arc::new(stop.clone())),
        job,
        worker: worker.to_owned(),
        stop: stop.clone(),
    };
    let ended = carried_out(&working, handlers).await;
    let (state, outcome, again) = match ended {
        // Not the job's fault: it neither waits nor counts as tried out.
        Ended::Stopped | Ended::Again(_) if stop.is_set() && !working.is_cancelled().await? => {
            let words = "工作进程停止，稍后继续".to_owned();
            (JobState::Queued, words, Some(ctx.now()))
        }
        ended => settle(&working.job, ended, ctx.now()),
    };
    let of = (working.job.id, worker);
    let noted = ctx.store().end_lease(of, (state, &outcome), (ctx.now(), again)).await;
    let job = working.job;
    match noted {
        Ok(()) => Ok(Some(Worked {
            job,
            state: again.map_or(state, |_| JobState::Queued),
            outcome,
        })),
        // The lease was over: whoever has the job now says how it ended.
        Err(StoreError::Conflict(_)) => Ok(Some(Worked {
            job,
            state: JobState::Running,
            outcome: "租约已过，由其他工作进程接手".to_owned(),
        })),
        Err(error) => Err(error.into()),
    }
}

async fn carried_out(working: &Working, handlers: &Handlers) -> Ended {
    let job = &working.job;
    let handler = match handlers.0.get(job.kind.as_str()) {
        _ if job.cancel => return Ended::Stopped,
        _ if job.attempts > job.attempts_max => return Ended::Failed("多次中断，未能完成".to_owned()),
        None => return Ended::Failed(format!("本程序不会办理「{}」类任务，请升级后重试", job.kind)),
        Some(handler) => handler,
    };
    // The renewing stands beside the work and never in its place: the work may hold the one writer that it needs.
    let done = tokio::select! {
        done = handler.carry_out(working) => done,
        () = working.keep(&**handler) => Ok(Ended::Stopped),
    };
    match done {
        Ok(ended) => ended,
        Err(error) if may_help(error.kind()) => Ended::Again(error.to_string()),
        Err(error) => Ended::Failed(error.to_string()),
    }
}

/// Whether trying again may help: somebody else was first, or something did not answer.
pub(super) const fn may_help(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::Unavailable)
}

fn settle(job: &Job, ended: Ended, now: Instant) -> (JobState, String, Option<Instant>) {
    match ended {
        Ended::Done(words) => (JobState::Done, words, None),
        Ended::Failed(words) => (JobState::Failed, words, None),
        Ended::Stopped => (JobState::Cancelled, "已按要求取消".to_owned(), None),
        Ended::Again(words) if job.attempts < job.attempts_max => (
            JobState::Queued,
            words,
            Some(now.plus_s(pause_s(job.attempts, PAUSE_S))),
        ),
        Ended::Again(words) => (JobState::Failed, format!("已尝试 {} 次：{words}", job.attempts), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends once somebody renewed the lease it was given.
    struct Long;

    impl Handler for Long {
        fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
            Box::pin(async move {
                let first = at.job.lease.clone();
                loop {
                    let now = at.ctx.store().read().await?.job(at.job.id).await?;
                    if now.is_some_and(|job| job.lease > first) {
                        return Ok(Ended::Done("续租".to_owned()));
                    }
                    tokio::task::yield_now().await;
                }
            })
        }

        fn beat(&self) -> Duration {
            Duration::from_millis(1)
        }
    }

    #[tokio::test]
    async fn a_long_step_keeps_its_lease() {
        let store = test_support::sqlite().await;
        let data = tempfile::tempdir().unwrap();
        let (hand, clock) = test_support::clock_at(Instant::from_unix_s(1_773_104_400));
        let ctx = OpContext::new("t", store.store(), data.path(), clock, test_support::counted()).unwrap();
        let mut work = ctx.store().begin().await.unwrap();
        let new = super::super::NewJob::about("long", "x");
        super::super::enqueue(&ctx, &mut work, new).await.unwrap();
        work.audit(ctx.now(), ("t", "test", "x"), "{}".into()).await.unwrap();
        work.commit().await.unwrap();
        let now = ctx.now();
        let job = ctx
            .store()
            .lease_job("甲", (now, now.plus_s(LEASE_S)))
            .await
            .unwrap()
            .unwrap();
        hand.fetch_add(200, std::sync::atomic::Ordering::SeqCst);
        let working = Working {
            ctx: ctx.clone(),
            job,
            worker: "甲".to_owned(),
            stop: Stop::default(),
        };
        let handlers = Handlers::default().with("long", Arc::new(Long));
        let ended = carried_out(&working, &handlers).await;
        assert_eq!(ended, Ended::Done("续租".to_owned()));
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses: Vec<i64> = [1, 2, 3, 9, 10, 100].map(|attempt| pause_s(attempt, PAUSE_S)).to_vec();
        assert_eq!(pauses, [10, 20, 40, 2_560, 3_600, 3_600]);
    }
}
