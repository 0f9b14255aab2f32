//! The steps of the main job as background work: asked for by people who may, done by a worker in their name.
//!
//! The steps take no input but the month or the node, and do the missing work only, so that a job that was broken off is
//! simply done again. Invariant: what a job writes stands in the audit chain under the name of whoever asked for it.

use super::work::{Doing, Ended, Handler, Working};
use super::{JobError, NewJob, enqueue, kind};
use crate::collect::{CollectOptions, NodeSecrets, collect};
use crate::month::{close_month, meter, rate, reconcile_month, refuse_closed};
use crate::{AppError, OpContext, Progress};
use domain::authz::{Action, Target};
use kernel::{JobId, Month, NodeCode};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use store::UnitOfWork;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinError;

/// Times such a job is begun: what fails for good fails at once, and a worker may die in between.
const ATTEMPTS_MAX: i64 = 5;

/// How far a run of a month goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpTo {
    /// Meter only.
    Meter,
    /// Meter and rate.
    Rate,
    /// Meter, rate and reconcile.
    Reconcile,
}

/// What a job for a month or for nodes is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "work")]
enum Payload {
    Run {
        month: Month,
        up_to: UpTo,
    },
    Close {
        month: Month,
    },
    Collect {
        node: Option<NodeCode>,
        confirm_empty: bool,
    },
}

/// The subject of a collect from all nodes.
const ALL: &str = "*";

/// The audit action of asking for a collect.
const ASK_COLLECT: &str = "node.ask_collect";

fn job(sort: &'static str, subject: &str, payload: &str) -> NewJob {
    NewJob {
        payload: payload.to_owned(),
        attempts_max: ATTEMPTS_MAX,
        ..NewJob::about(sort, subject)
    }
}

/// Notes who asked, and ends the unit of work.
async fn note_asked(
    ctx: &OpContext,
    mut work: UnitOfWork,
    (action, subject): (&str, &str),
    (id, payload): (JobId, &str),
) -> Result<(), AppError> {
    let detail = serde_json::json!({ "job": id, "payload": payload });
    work.audit(ctx.now(), (ctx.actor(), action, subject), detail.to_string())
        .await?;
    Ok(work.commit().await?)
}

async fn ask(
    ctx: &OpContext,
    (sort, subject, action): (&'static str, &str, &str),
    payload: &Payload,
) -> Result<JobId, AppError> {
    let payload = serde_json::to_string(payload)?;
    let mut work = ctx.store().begin().await?;
    let id = match enqueue(ctx, &mut work, job(sort, subject, &payload)).await? {
        Some(id) => id,
        // The same waits or runs already: whoever asks is told of that one.
        None => {
            let open = work.open_job(sort, subject).await?;
            let open = open.ok_or_else(|| store::StoreError::Conflict(subject.to_owned()))?;
            // Other work on the same matter would be lost without a word.
            if open.payload != payload {
                return Err(JobError::Other(kind::zh(sort), subject.to_owned()).into());
            }
            open.id
        }
    };
    note_asked(ctx, work, (action, subject), (id, &payload)).await?;
    Ok(id)
}

/// Asks for a month to be metered, rated and reconciled, as far as is said. Returns the job; the one that is on its way
/// if the same was asked for. Errors: the month is closed; it is being run as far as something else.
pub async fn ask_to_run_month(ctx: &OpContext, month: Month, up_to: UpTo) -> Result<JobId, AppError> {
    ctx.authorise(Action::MonthRun, &Target::of("month", month.to_string()))
        .await?;
    refuse_closed(ctx, month).await?;
    let payload = Payload::Run { month, up_to };
    ask(ctx, (kind::MONTH_RUN, &month.to_string(), "month.ask_run"), &payload).await
}

/// Asks for a month to be closed. Returns the job.
pub async fn ask_to_close_month(ctx: &OpContext, month: Month) -> Result<JobId, AppError> {
    ctx.authorise(Action::MonthClose, &Target::of("month", month.to_string()))
        .await?;
    refuse_closed(ctx, month).await?;
    let payload = Payload::Close { month };
    ask(
        ctx,
        (kind::MONTH_CLOSE, &month.to_string(), "month.ask_close"),
        &payload,
    )
    .await
}

/// Asks for a node, or all of them, to be collected from. Returns the job; the one that is on its way if the same was
/// asked for. Errors: there is no such node; it is being collected from in another way.
pub async fn ask_to_collect(ctx: &OpContext, node: Option<NodeCode>, confirm_empty: bool) -> Result<JobId, AppError> {
    let subject = node.as_ref().map_or_else(|| ALL.to_owned(), ToString::to_string);
    ctx.authorise(Action::NodeCollect, &Target::of("node", subject.clone()))
        .await?;
    if let Some(code) = &node {
        let nodes = crate::nodes::list(ctx).await?;
        if !nodes.iter().any(|view| view.node.code == *code) {
            return Err(AppError::NotFound {
                what: "云节点",
                key: code.to_string(),
                advice: "请核对已登记的云节点编码",
            });
        }
    }
    let payload = Payload::Collect { node, confirm_empty };
    ask(ctx, (kind::COLLECT, &subject, ASK_COLLECT), &payload).await
}

/// Queues the ordinary collect from a node as the platform's own work, which never takes an empty list for true. One
/// that is on its way, of the node or of all, by whoever, counts. Returns whether it was queued.
pub(super) async fn queue_collect(ctx: &OpContext, node: &NodeCode) -> Result<bool, AppError> {
    let payload = serde_json::to_string(&Payload::Collect {
        node: Some(node.clone()),
        confirm_empty: false,
    })?;
    let mut work = ctx.store().begin().await?;
    if work.open_job(kind::COLLECT, ALL).await?.is_some() {
        return Ok(false);
    }
    let new = job(kind::COLLECT, node.as_str(), &payload);
    let Some(id) = enqueue(ctx, &mut work, new).await? else {
        return Ok(false);
    };
    note_asked(ctx, work, (ASK_COLLECT, node.as_str()), (id, &payload)).await?;
    Ok(true)
}

/// What long work says to its worker.
enum Word {
    /// How far it got.
    At(String, u64, u64),
    /// Whether it may begin its next step.
    MayIGoOn(oneshot::Sender<bool>),
}

/// Speaks to a worker.
struct Told(UnboundedSender<Word>);

impl Progress for Told {
    fn at(&self, what: &str, done: u64, all: u64) {
        // Nobody listens any more once the work is over.
        let _ = self.0.send(Word::At(what.to_owned(), done, all));
    }

    fn looks_whether_it_goes_on(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async {
            let (tell, answer) = oneshot::channel();
            let _ = self.0.send(Word::MayIGoOn(tell));
            // Without an answer nobody wants anything of it.
            answer.await.unwrap_or(true)
        })
    }
}

/// Carries out the main job.
pub struct MainJob(pub Arc<dyn NodeSecrets>);

impl Handler for MainJob {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            let payload: Payload = match serde_json::from_str(&at.job.payload) {
                Ok(payload) => payload,
                Err(why) => return Ok(Ended::Failed(format!("任务内容无法识别：{why}"))),
            };
            let (tell, told) = unbounded_channel();
            let ctx = at.ctx.named(&at.job.asked_by).watched(Arc::new(Told(tell)));
            let secrets = Arc::clone(&self.0);
            let runtime = tokio::runtime::Handle::current();
            // It takes processors for minutes, so it does not hold up those who wait for the network.
            let doing = tokio::task::spawn_blocking(move || runtime.block_on(carry_out(&ctx, payload, &*secrets)));
            let goes_on = watch(at, told).await;
            match doing.await {
                Ok(Ok(words)) => Ok(Ended::Done(words)),
                Ok(Err(AppError::Job(JobError::Stopped))) => Ok(Ended::Stopped),
                Ok(Err(_)) if !goes_on => Ok(Ended::Stopped),
                Ok(Err(why)) => Err(why),
                Err(broken) => Ok(Ended::Failed(format!("任务异常中断：{}", text_of(broken)))),
            }
        })
    }
}

/// What work said that panicked.
fn text_of(broken: JoinError) -> String {
    let said = match broken.try_into_panic() {
        Ok(said) => said,
        Err(broken) => return broken.to_string(),
    };
    let text = said.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| said.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "未说明原因".to_owned())
}

/// Passes on how far the work got and whether it may go on, until it is over. Returns whether it may still go on. A note
/// that cannot be written changes nothing about the work.
async fn watch(at: &Working, mut told: UnboundedReceiver<Word>) -> bool {
    let mut goes_on = true;
    let mut last = (0, 0, String::new());
    while let Some(word) = told.recv().await {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let asked = match word {
            Word::At(stage, done, all) => {
                last = (count(done), count(all), stage);
                None
            }
            Word::MayIGoOn(answer) => Some(answer),
        };
        match at.go_on(last.0, last.1, &last.2).await {
            Ok(on) => goes_on &= on,
            Err(why) => tracing::warn!(job = %at.job.id, cause = %why, "progress was not noted"),
        }
        if let Some(answer) = asked {
            // Whoever asked may be gone.
            let _ = answer.send(goes_on);
        }
    }
    goes_on
}

/// Who handed in no bill, so that nothing of theirs was compared.
fn unbilled(providers: &[String]) -> String {
    match providers {
        [] => String::new(),
        codes => format!("；未交账单 {} 家：{}", codes.len(), codes.join("、")),
    }
}

async fn carry_out(ctx: &OpContext, payload: Payload, secrets: &dyn NodeSecrets) -> Result<String, AppError> {
    match payload {
        Payload::Run { month, up_to } => {
            let metered = meter(ctx, month).await?;
            let mut words = format!("{month} 计量：用量 {} 条", metered.summary.intervals);
            if up_to >= UpTo::Rate {
                ctx.go_on().await?;
                let rated = rate(ctx, month).await?;
                words += &format!("；计价：费用 {} 行", rated.summary.lines);
            }
            if up_to >= UpTo::Reconcile {
                ctx.go_on().await?;
                let reconciled = reconcile_month(ctx, month).await?;
                words += &format!("；对账：云服务商 {} 家", reconciled.providers.len());
                words += &unbilled(&reconciled.without_bill);
            }
            Ok(words)
        }
        Payload::Close { month } => {
            let closed = close_month(ctx, month).await?;
            let (statements, payable) = (closed.statements, closed.payable.grouped());
            let words = format!("{month} 已关账：结算单 {statements} 份，应付 {payable} 元");
            Ok(words + &unbilled(&closed.without_bill))
        }
        Payload::Collect { node, confirm_empty } => {
            let outcome = collect(ctx, node.as_ref(), secrets, CollectOptions { confirm_empty }).await?;
            let refused = outcome.refused.join("；");
            let mut words = format!(
                "新采集 {} 次（资源 {} 条，计量值 {} 条），此前已采集 {} 次",
                outcome.looks, outcome.observations, outcome.samples, outcome.known
            );
            if !refused.is_empty() {
                words += &format!("；拒收：{refused}");
            }
            for note in &outcome.notes {
                words += &format!("；{note}");
            }
            Ok(words)
        }
    }
}
