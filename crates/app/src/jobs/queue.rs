//! Queueing, looking, cancelling and trying again.

use super::JobError;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::work::JobState;
use kernel::{Instant, JobId};
use store::{Connection, Job, JobFilter};

/// Kinds of work of the house.
pub mod kind {
    /// Carries an order out at a node's interface. Subject: the order.
    pub const ORDER: &str = "order.run";
    /// Reminders and escalations of flows.
    pub const FLOWS: &str = "flow.tick";
    /// Ends what is over its time.
    pub const OVERDUE: &str = "order.overdue";
    /// Takes up orders that nobody carries on.
    pub const RESUME: &str = "order.resume";
    /// Tells of orders that are open for too long.
    pub const ALARM: &str = "order.alarm";
    /// Frees the room of applications that were returned and left lying.
    pub const ROOM: &str = "room.expire";
    /// Reminds of tasks outside of flows, and tells deputies.
    pub const REMIND: &str = "todo.remind";
    /// Sends messages by mail and webhook.
    pub const POST: &str = "message.post";
    /// Seals the audit chain for the day.
    pub const SEAL: &str = "audit.seal";
    /// Forgets sessions, kept answers and finished jobs that are past their time.
    pub const FORGET: &str = "house.forget";
    /// Meters, rates and reconciles a month. Subject: the month.
    pub const MONTH_RUN: &str = "month.run";
    /// Closes a month. Subject: the month.
    pub const MONTH_CLOSE: &str = "month.close";
    /// Collects from nodes. Subject: the node, or `*` for all.
    pub const COLLECT: &str = "node.collect";
    /// Goes round the nodes: asks for the collect from each.
    pub const ROUND: &str = "node.round";

    /// A kind in Chinese; the word itself for what this program does not know.
    pub fn zh(kind: &str) -> &str {
        match kind {
            ORDER => "办理工单",
            FLOWS => "流程提醒与升级",
            OVERDUE => "到期资源处理",
            RESUME => "续办工单",
            ALARM => "滞留工单告警",
            ROOM => "释放退回申请的占用",
            REMIND => "待办提醒",
            POST => "投递消息",
            SEAL => "封存审计链",
            FORGET => "清理过期记录",
            MONTH_RUN => "月度计量计价对账",
            MONTH_CLOSE => "月度关账",
            COLLECT => "采集云节点",
            ROUND => "定时采集各云节点",
            other => other,
        }
    }
}

/// Times a job may be begun if nothing else is said.
const ATTEMPTS_MAX: i64 = 20;

/// Work to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What kind of work.
    pub kind: &'static str,
    /// About which matter.
    pub subject: String,
    /// What else it needs, as JSON.
    pub payload: String,
    /// Not before then; none for now.
    pub run: Option<Instant>,
    /// Times it may be begun.
    pub attempts_max: i64,
}

impl NewJob {
    /// Work of a kind about a matter, as soon as possible.
    pub fn about(kind: &'static str, subject: &str) -> Self {
        Self {
            kind,
            subject: subject.to_owned(),
            payload: "{}".to_owned(),
            run: None,
            attempts_max: ATTEMPTS_MAX,
        }
    }
}

/// Queues work in the caller's unit of work, unless the same is waiting or running. Returns its id if it was queued.
pub async fn enqueue(ctx: &OpContext, work: &mut Connection, new: NewJob) -> Result<Option<JobId>, AppError> {
    let job = job_of(ctx, new);
    Ok(work.queue_job(&job).await?.then_some(job.id))
}

/// The job for work that whoever acts wants, not begun.
pub(super) fn job_of(ctx: &OpContext, new: NewJob) -> Job {
    Job {
        id: ctx.new_id(),
        kind: new.kind.to_owned(),
        subject: new.subject,
        payload: new.payload,
        state: JobState::Queued,
        run: new.run.unwrap_or(ctx.now()),
        attempts: 0,
        attempts_max: new.attempts_max,
        lease: None,
        cancel: false,
        progress: (0, 0, String::new()),
        outcome: None,
        asked_by: ctx.actor().to_owned(),
        created: ctx.now(),
        ended: None,
    }
}

/// The newest jobs that fit, at most `limit`.
pub async fn list(ctx: &OpContext, filter: &JobFilter, limit: i64) -> Result<Vec<Job>, AppError> {
    ctx.judge(Action::JobRead, &Target::of("job", "")).await?;
    Ok(ctx.store().read().await?.jobs(filter, limit).await?)
}

/// A job with its progress.
pub async fn show(ctx: &OpContext, id: JobId) -> Result<Job, AppError> {
    ctx.judge(Action::JobRead, &Target::of("job", id.to_string())).await?;
    let job = ctx.store().read().await?.job(id).await?;
    Ok(job.ok_or_else(|| JobError::NotFound(id.to_string()))?)
}

/// Asks for a job to stop: one that waits is over at once, one that runs stops at its next step.
pub async fn cancel(ctx: &OpContext, id: JobId) -> Result<(), AppError> {
    ctx.judge(Action::JobWrite, &Target::of("job", id.to_string())).await?;
    let mut work = ctx.store().begin().await?;
    let job = work.job(id).await?.ok_or_else(|| JobError::NotFound(id.to_string()))?;
    if !matches!(job.state, JobState::Queued | JobState::Running) {
        return Err(JobError::NotNow(job.state.zh()).into());
    }
    work.cancel_job(id, ctx.now()).await?;
    let detail = serde_json::json!({ "kind": job.kind, "subject": job.subject });
    work.audit(
        ctx.now(),
        (ctx.actor(), "job.cancel", &id.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(())
}

/// What somebody must be allowed to have a job done again: as if they asked for it, where it is business that is done in
/// the name of whoever asks; else to look after jobs.
fn asked_anew(job: Option<&Job>) -> Option<(Action, &'static str)> {
    match job?.kind.as_str() {
        kind::MONTH_RUN => Some((Action::MonthRun, "month")),
        kind::MONTH_CLOSE => Some((Action::MonthClose, "month")),
        kind::COLLECT => Some((Action::NodeCollect, "node")),
        _ => None,
    }
}

/// Queues a job that failed or was cancelled anew. Business stands under the name of whoever tries it again, who must be
/// allowed to ask for it; other work under the name that it had. Returns the new one; none if the same is waiting or
/// running.
pub async fn retry(ctx: &OpContext, id: JobId) -> Result<Option<JobId>, AppError> {
    let known = ctx.store().read().await?.job(id).await?;
    let business = asked_anew(known.as_ref());
    let (action, target) = match (business, known) {
        (Some((action, what)), Some(job)) => (action, Target::of(what, job.subject)),
        _ => (Action::JobWrite, Target::of("job", id.to_string())),
    };
    ctx.judge(action, &target).await?;
    let mut work = ctx.store().begin().await?;
    let job = work.job(id).await?.ok_or_else(|| JobError::NotFound(id.to_string()))?;
    if !matches!(job.state, JobState::Failed | JobState::Cancelled) {
        return Err(JobError::NotNow(job.state.zh()).into());
    }
    let again = Job {
        id: ctx.new_id(),
        run: ctx.now(),
        created: ctx.now(),
        asked_by: match business {
            Some(_) => ctx.actor().to_owned(),
            None => job.asked_by,
        },
        ..job
    };
    let queued = work.queue_job(&again).await?.then_some(again.id);
    let detail = serde_json::json!({ "kind": again.kind, "subject": again.subject, "job": queued });
    work.audit(
        ctx.now(),
        (ctx.actor(), "job.retry", &id.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(queued)
}
