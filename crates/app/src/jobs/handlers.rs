//! The work of the house itself.

use super::kind;
use super::main_job::MainJob;
use super::round::Round;
use super::sweeps::{Alarm, Flows, Resume};
use super::swept::swept;
use super::work::{BEAT, Doing, Ended, Handler, Handlers, Working, may_help};
use crate::collect::NodeSecrets;
use crate::messages::{Remind, administrators, notify};
use crate::orders::{self, HandsOf, RunEnd};
use crate::{AppError, OpContext};
use domain::authz::Role;
use kernel::Kinded as _;
use std::sync::Arc;
use std::time::Duration;

/// Kept answers are forgotten after this long: nobody sends the same change again so late. Units: seconds.
const ANSWERS_KEPT_S: i64 = 7 * 86_400;

/// Jobs and deliveries that ended as wanted are forgotten after this long; the others later. Units: seconds.
const DONE_KEPT_S: i64 = 30 * 86_400;
const FAILED_KEPT_S: i64 = 180 * 86_400;

/// The day's seal could not be made: as a message, and in the audit chain.
const NOT_SEALED: &str = "audit.not_sealed";

/// Carries orders out at the interfaces of nodes.
pub struct RunOrders {
    hands: Arc<dyn HandsOf>,
    beat: Option<Duration>,
}

impl RunOrders {
    /// With hands for nodes.
    pub fn new(hands: Arc<dyn HandsOf>) -> Self {
        Self { hands, beat: None }
    }

    /// The same, saying more often that it is still at it.
    #[must_use]
    pub fn beating(self, beat: Duration) -> Self {
        Self {
            beat: Some(beat),
            ..self
        }
    }
}

impl Handler for RunOrders {
    /// When the worker ends, the order ends its step first and says so itself.
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            if !at.go_on(0, 0, "办理工单").await? {
                return Ok(Ended::Stopped);
            }
            Ok(match orders::run_order(&at.ctx, &at.job.subject, &*self.hands).await? {
                RunEnd::Over(state) => Ended::Done(state.zh().to_owned()),
                RunEnd::Later(why) => Ended::Again(why),
            })
        })
    }

    /// A node takes minutes for one step; whoever takes the order up finds what was made.
    fn may_be_cut_off(&self) -> bool {
        true
    }

    fn beat(&self) -> Duration {
        self.beat.unwrap_or(BEAT)
    }
}

/// Announces and orders the end of what is over its time, and sets going what an approval left to do.
#[derive(Debug, Clone, Copy)]
pub struct Overdue;

impl Handler for Overdue {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let followed = orders::follow_up(&at.ctx).await?;
            if !at.go_on(1, 3, "到期资源").await? {
                return Ok(Ended::Stopped);
            }
            let announced = orders::reclaim_overdue(&at.ctx).await?;
            if !at.go_on(2, 3, "通知期满").await? {
                return Ok(Ended::Stopped);
            }
            let ended = orders::end_noticed(&at.ctx).await?;
            let (followed_up, noticed, gone) = (followed.done.len(), announced.done.len(), ended.done.len());
            let words = format!("补办 {followed_up} 件，通知 {noticed} 件，下线 {gone} 件");
            Ok(swept(words, followed.failed + announced.failed + ended.failed))
        })
    }
}

/// Forgets sessions, kept answers, finished jobs and deliveries that are past their time.
#[derive(Debug, Clone, Copy)]
pub struct Forget;

impl Handler for Forget {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let ctx = &at.ctx;
            let mut work = ctx.store().begin().await?;
            let sessions = work.forget_sessions(ctx.now()).await?;
            let answers = work.forget_answers(ctx.now().plus_s(-ANSWERS_KEPT_S)).await?;
            let (done, failed) = (ctx.now().plus_s(-DONE_KEPT_S), ctx.now().plus_s(-FAILED_KEPT_S));
            let jobs = work.forget_jobs(done, failed).await?;
            if sessions + answers + jobs == 0 {
                return Ok(Ended::Done("没有过期记录".to_owned()));
            }
            let detail = serde_json::json!({ "sessions": sessions, "answers": answers, "jobs": jobs });
            work.audit(ctx.now(), (ctx.actor(), "house.forget", ""), detail.to_string())
                .await?;
            work.commit().await?;
            let words = format!("会话 {sessions} 个，应答 {answers} 条，任务与投递 {jobs} 条");
            Ok(Ended::Done(words))
        })
    }
}

/// Seals the audit chain for the day.
#[derive(Debug, Clone, Copy)]
pub struct Seal;

impl Handler for Seal {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let sealed = match crate::audit::seal(&at.ctx).await {
                Err(why) if !may_help(why.kind()) => {
                    // Why it was not sealed is told even where the chain takes no entry any more.
                    if let Err(untold) = tell_of(&at.ctx, &why).await {
                        tracing::error!(cause = %untold, "that the chain was not sealed could not be told");
                    }
                    return Err(why);
                }
                sealed => sealed?,
            };
            let seal = &sealed.seal;
            let words = if sealed.already { "此前已封存" } else { "已封存" };
            Ok(Ended::Done(format!("{} {words}", seal.day)))
        })
    }
}

/// Tells the audit administrators that the chain was not sealed, and why.
async fn tell_of(ctx: &OpContext, why: &AppError) -> Result<(), AppError> {
    let day = ctx.now().day().to_string();
    let mut work = ctx.store().begin().await?;
    let told = administrators(&mut work, Role::AuditAdmin).await?;
    let title = format!("审计链未能封存：{day}");
    let text = format!("{why}。请核对审计链，并按断链之后的办法处理");
    notify(ctx, &mut work, &told, (NOT_SEALED, &day), (&title, &text)).await?;
    let detail = serde_json::json!({ "why": why.to_string() });
    work.audit(ctx.now(), (ctx.actor(), NOT_SEALED, &day), detail.to_string())
        .await?;
    Ok(work.commit().await?)
}

/// The handlers of the house, with hands for the nodes that the platform acts on. Those that need to know where to
/// send, or when room expires, come from whoever has that, with [`Handlers::with`].
pub fn house_handlers(hands: Arc<dyn HandsOf>) -> Handlers {
    Handlers::default()
        .with(kind::ORDER, Arc::new(RunOrders::new(hands)))
        .with(kind::OVERDUE, Arc::new(Overdue))
        .with(kind::RESUME, Arc::new(Resume))
        .with(kind::ALARM, Arc::new(Alarm))
        .with(kind::FLOWS, Arc::new(Flows))
        .with(kind::REMIND, Arc::new(Remind))
        .with(kind::SEAL, Arc::new(Seal))
        .with(kind::FORGET, Arc::new(Forget))
}

impl Handlers {
    /// With the handlers of the main job, and the round of the nodes; secrets for the nodes that are asked.
    #[must_use]
    pub fn with_main_job(self, secrets: Arc<dyn NodeSecrets>) -> Self {
        let handler: Arc<dyn Handler> = Arc::new(MainJob(secrets));
        self.with(kind::MONTH_RUN, Arc::clone(&handler))
            .with(kind::MONTH_CLOSE, Arc::clone(&handler))
            .with(kind::COLLECT, handler)
            .with(kind::ROUND, Arc::new(Round))
    }
}
