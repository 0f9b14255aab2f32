//! Background work: in a process of its own, or beside the HTTP API.

use crate::config::Config;
use crate::exit::{Failure, INTERNAL, INVALID};
use crate::output::say;
use crate::outside::post;
use crate::stop::until_stopped;
use crate::wiring::Setting;
use app::OpContext;
use app::collect::NodeSecrets;
use app::jobs::{ExpireRoom, Handlers, Stop, Worker, house_handlers, kind};
use app::messages::Deliver;
use app::orders::EveryNode;
use domain::work::Rhythm;
use std::sync::Arc;
use tokio::task::JoinSet;

/// `worker`: until somebody stops it; the steps in hand are finished.
pub(crate) async fn run(setting: &Setting) -> Result<(), Failure> {
    let ctx = setting.open_house().await?;
    let team = Team::of(setting)?;
    forget_leftovers(&ctx);
    say(&format!("后台工作进程已启动：{}", team.words()))?;
    let stop = Stop::default();
    let (done, ()) = tokio::join!(team.work(&ctx, &stop), until_stopped(stop.clone()));
    done
}

/// Removes what killed runs left behind. A file that cannot be removed keeps nothing from starting.
pub(super) fn forget_leftovers(ctx: &OpContext) {
    match app::forget_leftovers(ctx) {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "leftovers of files that were coming in are removed"),
        Err(error) => tracing::warn!(cause = %error, "leftovers of files that were coming in stay"),
    }
}

/// The workers of a process.
pub(crate) struct Team {
    workers: Vec<Worker>,
    mail: bool,
}

impl Team {
    /// As it is configured. Errors: something of the configuration cannot be used.
    pub(crate) fn of(setting: &Setting) -> Result<Self, Failure> {
        let invalid = |why: String| Failure::new(INVALID, format!("[worker] {why}"));
        let config = &setting.config;
        let mut plan = config.worker.plan().map_err(invalid)?;
        if setting.data.join(super::demo::MARK).exists() {
            // The demo city has its own days: what its nodes say today belongs to none of them.
            plan = plan.with(kind::ROUND, Rhythm::Off).map_err(invalid)?;
        }
        let many = config.worker.side_by_side().map_err(invalid)?;
        let post = post(config.mail.as_ref(), &config.webhooks)?;
        let mail = post.mailer.is_some();
        let secrets: Arc<dyn NodeSecrets> = Arc::<Config>::clone(config);
        let hands = Arc::new(EveryNode::new(Arc::clone(&secrets)));
        let mut handlers: Handlers = house_handlers(hands)
            .with_main_job(secrets)
            .with(kind::POST, Arc::new(Deliver(Arc::new(post))));
        if let Some(after) = config.worker.returned_room_after {
            handlers = handlers.with(kind::ROOM, Arc::new(ExpireRoom { after }));
        }
        // Two workers of one name would take each other's leases for their own.
        let run: String = own_run()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let worker = |place: usize| Worker {
            name: format!("{run}/{place}"),
            handlers: handlers.clone(),
            plan: (place == 1).then(|| plan.clone()),
        };
        Ok(Self {
            workers: (1..=many).map(worker).collect(),
            mail,
        })
    }

    fn words(&self) -> String {
        let mail = if self.mail {
            "邮件已配置"
        } else {
            "邮件未配置，只发站内通知与回调"
        };
        format!("并行 {} 项，{mail}", self.workers.len())
    }

    /// Works until `stop` is set. Errors: a worker broke off.
    pub(crate) async fn work(self, ctx: &OpContext, stop: &Stop) -> Result<(), Failure> {
        let ctx = ctx.as_platform();
        let mut running = JoinSet::new();
        for worker in self.workers {
            let (ctx, stop) = (ctx.clone(), stop.clone());
            running.spawn(async move { worker.run(&ctx, &stop).await });
        }
        while let Some(ended) = running.join_next().await {
            if ended.is_err() {
                stop.set();
                return Err(Failure::new(INTERNAL, "后台任务意外中断，原因见日志；请重新启动"));
            }
        }
        Ok(())
    }
}

/// Bytes that tell this run of the program from all others.
fn own_run() -> Result<[u8; 10], Failure> {
    Ok((crate::wiring::system_entropy()?)())
}
