//! Delivering: each letter and call is tried until it arrives or is given up.
//!
//! An attempt is noted before it is made, with the moment of the next one: a worker that dies in between costs that
//! pause and nothing else, and the receiver may get it twice under the same id.

use super::letter::LetterBody;
use super::post::Post;
use super::send::{has_mail, turn};
use super::{administrators, notify};
use crate::jobs::{Doing, Ended, Handler, Working};
use crate::{AppError, OpContext};
use domain::authz::{AccountState, Role};
use domain::work::{ATTEMPTS_MAX, Channel, DeliveryState, next_attempt, signature};
use kernel::Instant;
use sources::delivery::{Call, DeliveryError, Letter};
use std::sync::Arc;
use store::Delivery;

/// Deliveries that are looked up at a time.
const BATCH: i64 = 100;
/// Failures in a row after which the mail server is left alone for a while.
const MAIL_FAILURES_MAX: u32 = 3;
/// That while, also for a webhook that did not answer. Units: seconds.
const REST_S: i64 = 60;
/// The kind of the notice about what was given up; it makes no further notice if it is given up itself.
const DEAD: &str = "delivery.dead";

/// Turns messages into letters and calls, and delivers what is due.
#[derive(Debug, Clone)]
pub struct Deliver(pub Arc<Post>);

impl Handler for Deliver {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            if !at.go_on(0, 0, "整理通知").await? {
                return Ok(Ended::Stopped);
            }
            let mail = turn(&at.ctx, &self.0, Channel::Mail).await?;
            let calls = turn(&at.ctx, &self.0, Channel::Webhook).await?;
            let mut run = Run::default();
            loop {
                let now = at.ctx.now();
                let due = at.ctx.store().read().await?.deliveries_due(now, BATCH).await?;
                if due.is_empty() {
                    break;
                }
                for delivery in due {
                    if !at.go_on(run.tried(), 0, "投递").await? {
                        return Ok(Ended::Stopped);
                    }
                    self.0.deliver(&at.ctx, &delivery, &mut run).await?;
                }
            }
            Ok(Ended::Done(format!(
                "邮件 {} 封，回调 {} 次；送达 {}，待重试 {}，失败 {}",
                mail.deliveries, calls.deliveries, run.arrived, run.again, run.dead
            )))
        })
    }
}

/// What one run did.
#[derive(Debug, Default)]
struct Run {
    arrived: i64,
    again: i64,
    dead: i64,
    mail_failures: u32,
}

impl Run {
    const fn tried(&self) -> i64 {
        self.arrived + self.again + self.dead
    }
}

impl Post {
    async fn deliver(&self, ctx: &OpContext, delivery: &Delivery, run: &mut Run) -> Result<(), AppError> {
        let now = ctx.now();
        let attempt = delivery.attempts + 1;
        let next = next_attempt(attempt, now);
        let result = if delivery.attempts >= ATTEMPTS_MAX {
            // Begun for the last time by a worker that died at it.
            Err(DeliveryError::Refused("多次中断，未能投递".to_owned()))
        } else {
            let begun = next.unwrap_or_else(|| now.plus_s(REST_S));
            if !ctx.store().begin_delivery(delivery, begun).await? {
                return Ok(());
            }
            self.attempt(ctx, delivery).await?
        };
        let (state, trouble) = match (result, next) {
            (Ok(()), _) => (DeliveryState::Delivered, None),
            (Err(DeliveryError::Again(why)), Some(_)) => (DeliveryState::Waiting, Some(why)),
            (Err(why), _) => (DeliveryState::Dead, Some(why.to_string())),
        };
        let noted = (state, trouble.as_deref());
        ctx.store().end_delivery(delivery.id, noted, ctx.now()).await?;
        match state {
            DeliveryState::Delivered => {
                run.arrived += 1;
                if delivery.channel == Channel::Mail {
                    run.mail_failures = 0;
                }
            }
            DeliveryState::Waiting => {
                run.again += 1;
                self.rest(ctx, delivery, run, now).await?;
            }
            DeliveryState::Dead => {
                run.dead += 1;
                give_up(ctx, delivery, trouble.as_deref().unwrap_or_default()).await?;
            }
        }
        tracing::info!(delivery = %delivery.id, channel = delivery.channel.word(), state = state.word(), attempt, "delivered");
        Ok(())
    }

    /// Leaves a receiver that does not answer alone for a while, so that it keeps nobody else waiting.
    async fn rest(&self, ctx: &OpContext, delivery: &Delivery, run: &mut Run, now: Instant) -> Result<(), AppError> {
        let until = now.plus_s(REST_S);
        match delivery.channel {
            Channel::Webhook => {
                let target = Some(delivery.target.as_str());
                ctx.store()
                    .postpone_deliveries((Channel::Webhook, target), (now, until))
                    .await?;
            }
            Channel::Mail => {
                run.mail_failures += 1;
                if run.mail_failures >= MAIL_FAILURES_MAX {
                    ctx.store()
                        .postpone_deliveries((Channel::Mail, None), (now, until))
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn attempt(&self, ctx: &OpContext, delivery: &Delivery) -> Result<Result<(), DeliveryError>, AppError> {
        match delivery.channel {
            Channel::Mail => self.mail(ctx, delivery).await,
            Channel::Webhook => self.call(ctx, delivery).await,
        }
    }

    async fn mail(&self, ctx: &OpContext, delivery: &Delivery) -> Result<Result<(), DeliveryError>, AppError> {
        let Some(mailer) = &self.mailer else {
            return Ok(Err(DeliveryError::Again("未配置邮件服务器".to_owned())));
        };
        let refused = |why: &str| Ok(Err(DeliveryError::Refused(why.to_owned())));
        let Ok(id) = delivery.target.parse() else {
            return refused("收件账号不存在");
        };
        // Much may have changed since the letter was made.
        let account = ctx.store().read().await?.account(id).await?;
        if account
            .as_ref()
            .is_none_or(|account| account.state != AccountState::Active)
        {
            return refused("账号未启用或已停用，不发送邮件");
        }
        let Some(to) = account.filter(has_mail).and_then(|account| account.mail) else {
            return refused("账号没有邮箱地址，请在账号中填写");
        };
        let Ok(body) = serde_json::from_str::<LetterBody>(&delivery.body) else {
            return refused("邮件内容无法识别");
        };
        let letter = Letter {
            id: delivery.id.to_string(),
            to,
            subject: body.subject,
            text: format!("{}投递编号：{}\n", body.text, delivery.id),
            at: delivery.created,
        };
        Ok(mailer.send(&letter).await)
    }

    async fn call(&self, ctx: &OpContext, delivery: &Delivery) -> Result<Result<(), DeliveryError>, AppError> {
        let hook = ctx.store().read().await?.webhook(&delivery.target).await?;
        let Some(hook) = hook.filter(|hook| hook.ended.is_none()) else {
            return Ok(Err(DeliveryError::Refused("回调地址已停用".to_owned())));
        };
        let now = ctx.now();
        let call = Call {
            id: delivery.id.to_string(),
            url: hook.url,
            event: delivery.kind.clone(),
            at: now,
            signature: signature(&hook.secret, delivery.id, now, &delivery.body),
            body: delivery.body.clone(),
        };
        Ok(self.hooks.send(&call).await)
    }
}

/// Tells the system administrators of what was given up.
async fn give_up(ctx: &OpContext, delivery: &Delivery, trouble: &str) -> Result<(), AppError> {
    let mut work = ctx.store().begin().await?;
    let id = delivery.id.to_string();
    if delivery.kind != DEAD {
        let administrators = administrators(&mut work, Role::SystemAdmin).await?;
        let title = format!("{}投递失败：{id}", delivery.channel.zh());
        let text = format!(
            "关于事项 {} 的通知未能送达：{trouble}。排除原因后可重新投递。",
            delivery.subject
        );
        notify(ctx, &mut work, &administrators, (DEAD, &id), (&title, &text)).await?;
    }
    let detail = serde_json::json!({
        "channel": delivery.channel, "kind": delivery.kind, "subject": delivery.subject, "trouble": trouble,
    });
    work.audit(ctx.now(), (ctx.actor(), DEAD, &id), detail.to_string())
        .await?;
    Ok(work.commit().await?)
}
