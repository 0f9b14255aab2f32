//! The round of the nodes: the collect from each is asked for in the platform's own name, and the authority is told of
//! those that could not be collected from.

use super::main_job::queue_collect;
use super::queue::kind;
use super::sweeps::holders_of_side;
use super::swept::{Swept, swept};
use super::work::{Doing, Ended, Handler, Working};
use crate::messages::{moment, notify};
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::meter::LOOK_PAUSE_MAX_S;
use domain::registry::{CloudNode, Side};
use domain::work::JobState;
use kernel::Instant;
use store::{Job, JobFilter, LookRecord};

/// Asks for the collect from every node that is registered now, a job each: a node that is silent holds up no other, and
/// one that is still being tried is not asked for again.
#[derive(Debug, Clone, Copy)]
pub struct Round;

impl Handler for Round {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let ctx = &at.ctx;
            if !at.go_on(0, 0, "定时采集").await? {
                return Ok(Ended::Stopped);
            }
            let nodes: Vec<CloudNode> = {
                let history = ctx.store().read().await?.history::<CloudNode>().await?;
                history.all_at(ctx.now()).cloned().collect()
            };
            let (mut told, mut queued) = (Swept::default(), Swept::default());
            for node in &nodes {
                // First: what is queued now is the newest of the node, and has not failed.
                told.note_if(node.code.as_str(), tell_of(ctx, node).await)?;
                queued.note_if(node.code.as_str(), queue_collect(ctx, &node.code).await)?;
            }
            let words = format!(
                "云节点 {} 个：排队采集 {} 个，告警 {} 个",
                nodes.len(),
                queued.done.len(),
                told.done.len()
            );
            Ok(swept(words, told.failed + queued.failed))
        })
    }
}

/// Tells the authority's operations of a node whose last collect failed, once a day. The provider is not told: why it
/// failed may name accounts and files of the house.
async fn tell_of(ctx: &OpContext, node: &CloudNode) -> Result<bool, AppError> {
    let code = node.code.as_str();
    let (about, today) = (("node.not_collected", code), ctx.now().day().start());
    let (last, look) = {
        let mut read = ctx.store().read().await?;
        let filter = JobFilter {
            kind: Some(kind::COLLECT.to_owned()),
            subject: Some(code.to_owned()),
            ..JobFilter::default()
        };
        let last = read.jobs(&filter, 1).await?.pop();
        let look = read.look_before(&node.code, Instant::MAX).await?;
        let Some(last) = last.filter(|last| has_failed(last, look.as_ref())) else {
            return Ok(false);
        };
        if read.is_reminded(about, today).await? {
            return Ok(false);
        }
        (last, look)
    };
    let mut work = ctx.store().begin().await?;
    if !work.note_reminder(about, today, ctx.now()).await? {
        return Ok(false);
    }
    let told = holders_of_side(ctx, &mut work, (Side::Authority, Role::AuthorityOperations)).await?;
    let why = last.outcome.unwrap_or_default();
    let seen = look.map_or_else(
        || "从未采集到数据".to_owned(),
        |look| format!("最近一次采集到的是 {} 的数据", moment(look.taken_at)),
    );
    let text = format!(
        "云节点 {code}（{}）{} 未能采集：{why}。{seen}；前后两次相隔超过 {} 小时，计量时立案。平台按周期再次采集，排除原因后也可以立即采集",
        node.name,
        moment(last.ended.unwrap_or(last.created)),
        LOOK_PAUSE_MAX_S / 3_600
    );
    let title = format!("未能采集：云节点 {code}");
    notify(ctx, &mut work, &told, about, (&title, &text)).await?;
    let detail = serde_json::json!({ "job": last.id, "why": why });
    work.audit(ctx.now(), (ctx.actor(), "node.alarm", code), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(true)
}

/// Whether a collect failed, and nothing has come from the node since.
fn has_failed(last: &Job, look: Option<&LookRecord>) -> bool {
    let ended = last.ended.unwrap_or(last.created);
    last.state == JobState::Failed && look.is_none_or(|look| look.received_at <= ended)
}
