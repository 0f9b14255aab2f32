//! The work of the house itself.

use super::work::{Doing, Ended, Handler, Handlers, Working};
use super::{NewJob, enqueue, kind};
use crate::orders::{self, HandsOf, RunEnd};
use crate::{AppError, OpContext};
use std::sync::Arc;

/// Kept answers are forgotten after this long: nobody sends the same change again so late. Units: seconds.
const ANSWERS_KEPT_S: i64 = 7 * 86_400;

/// Carries orders out at the interfaces of nodes.
pub struct RunOrders(pub Arc<dyn HandsOf>);

impl Handler for RunOrders {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            if !at.go_on(0, 0, "办理工单").await? {
                return Ok(Ended::Stopped);
            }
            Ok(match orders::run_order(&at.ctx, &at.job.subject, &*self.0).await? {
                RunEnd::Over(state) => Ended::Done(state.zh().to_owned()),
                RunEnd::Later(why) => Ended::Again(why),
            })
        })
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
            let announced = orders::reclaim_overdue(&at.ctx).await?.len();
            if !at.go_on(2, 3, "通知期满").await? {
                return Ok(Ended::Stopped);
            }
            let ended = orders::end_noticed(&at.ctx).await?.len();
            Ok(Ended::Done(format!(
                "补办 {followed} 件，通知 {announced} 件，下线 {ended} 件"
            )))
        })
    }
}

/// Forgets sessions and kept answers that are past their time.
#[derive(Debug, Clone, Copy)]
pub struct Forget;

impl Handler for Forget {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let ctx = &at.ctx;
            let mut work = ctx.store().begin().await?;
            let sessions = work.forget_sessions(ctx.now()).await?;
            let answers = work.forget_answers(ctx.now().plus_s(-ANSWERS_KEPT_S)).await?;
            let detail = serde_json::json!({ "sessions": sessions, "answers": answers });
            work.audit(ctx.now(), (ctx.actor(), "house.forget", ""), detail.to_string())
                .await?;
            work.commit().await?;
            Ok(Ended::Done(format!("会话 {sessions} 个，应答 {answers} 条")))
        })
    }
}

/// The handlers of the house, with hands for the nodes that the platform acts on. Those of flows come from whoever has
/// them, with [`Handlers::with`].
pub fn house_handlers(hands: Arc<dyn HandsOf>) -> Handlers {
    Handlers::default()
        .with(kind::ORDER, Arc::new(RunOrders(hands)))
        .with(kind::OVERDUE, Arc::new(Overdue))
        .with(kind::FORGET, Arc::new(Forget))
}

/// Queues the work that comes back every hour; what waits or runs is not queued again. Returns how many were queued.
pub async fn schedule(ctx: &OpContext) -> Result<usize, AppError> {
    let hour = ctx.now().unix_s().div_euclid(3_600).to_string();
    let mut work = ctx.store().begin().await?;
    let mut queued = Vec::new();
    for kind in [kind::FLOWS, kind::OVERDUE, kind::FORGET] {
        if enqueue(ctx, &mut work, NewJob::about(kind, "house")).await?.is_some() {
            queued.push(kind);
        }
    }
    if !queued.is_empty() {
        let detail = serde_json::json!({ "queued": queued });
        work.audit(ctx.now(), (ctx.actor(), "house.schedule", &hour), detail.to_string())
            .await?;
        work.commit().await?;
    }
    Ok(queued.len())
}
