//! Webhooks of organisations, and what was sent: set up, listed, ended, sent once more by a person.

use super::MessageError;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::work::{Channel, DeliveryState};
use kernel::{DeliveryId, OrganisationCode, WebhookId};
use sources::delivery::{HooksConfig, check_address};
use store::{Delivery, Webhook};

/// Longest kind that is asked for, and most of them.
const KIND_MAX: (usize, usize) = (60, 50);

/// A webhook to set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Whose programs are told: what people of that organisation are told.
    pub organisation: OrganisationCode,
    /// The address.
    pub url: String,
    /// Kinds of message, or beginnings of kinds; none for all.
    pub kinds: Vec<String>,
}

/// Sets one up. Returns it, and the secret that signs what is sent, which is given out once. Errors: an organisation
/// that is not registered, an address that may not be called, a word that is no kind.
pub async fn make_webhook(ctx: &OpContext, new: NewWebhook) -> Result<(Webhook, String), AppError> {
    ctx.authorise(Action::WebhookWrite, &Target::of("webhook", "")).await?;
    // Whether plain calls are allowed is the sender's configuration; nobody sets one up without it being said there.
    let open = HooksConfig {
        plain_http: true,
        this_host: true,
        ca_file: None,
    };
    check_address(&new.url, &open).map_err(|why| MessageError::Invalid(format!("回调地址：{why}")))?;
    let is_word = |kind: &&String| {
        let fits = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
        !kind.is_empty() && kind.len() <= KIND_MAX.0 && kind.chars().all(fits)
    };
    if new.kinds.len() > KIND_MAX.1 || !new.kinds.iter().all(|kind| is_word(&kind)) {
        let text = "消息类别应为小写英文，如 request.ended 或 order；不填则为全部".to_owned();
        return Err(MessageError::Invalid(text).into());
    }
    let mut work = ctx.store().begin().await?;
    let organisations = ctx.organisations(&mut work).await?;
    if organisations.at(new.organisation.as_str(), ctx.now()).is_none() {
        return Err(MessageError::NotFound("组织", new.organisation.to_string()).into());
    }
    let mut secret = "yhw_".to_owned();
    for byte in (0..4).flat_map(|_| ctx.random()) {
        secret.push_str(&format!("{byte:02x}"));
    }
    let webhook = Webhook {
        id: ctx.new_id(),
        organisation: new.organisation.to_string(),
        url: new.url,
        kinds: new.kinds,
        secret: secret.clone(),
        made_by: ctx.actor().to_owned(),
        created: ctx.now(),
        ended: None,
    };
    work.add_webhook(&webhook).await?;
    // The address may carry a secret of the receiver's: only its digest is written down.
    let detail = serde_json::json!({
        "organisation": webhook.organisation, "kinds": webhook.kinds,
        "url_digest": kernel::Digest::of(webhook.url.as_bytes()),
    });
    let id = webhook.id.to_string();
    work.audit(ctx.now(), (ctx.actor(), "webhook.make", &id), detail.to_string())
        .await?;
    work.commit().await?;
    Ok((webhook, secret))
}

/// All of them, the newest first; those that ended too.
pub async fn webhooks(ctx: &OpContext) -> Result<Vec<Webhook>, AppError> {
    ctx.authorise(Action::WebhookWrite, &Target::of("webhook", "")).await?;
    Ok(ctx.store().read().await?.webhooks().await?)
}

/// Ends one; what still waits for it is given up.
pub async fn end_webhook(ctx: &OpContext, id: WebhookId) -> Result<(), AppError> {
    ctx.authorise(Action::WebhookWrite, &Target::of("webhook", id.to_string()))
        .await?;
    let mut work = ctx.store().begin().await?;
    let found = work.webhook(&id.to_string()).await?;
    if found.is_none_or(|webhook| webhook.ended.is_some()) {
        return Err(MessageError::NotFound("回调地址", id.to_string()).into());
    }
    work.end_webhook(id, ctx.now()).await?;
    let object = id.to_string();
    work.audit(ctx.now(), (ctx.actor(), "webhook.end", &object), "{}".to_owned())
        .await?;
    Ok(work.commit().await?)
}

/// The deliveries in a state, or in any, the newest or the oldest first, at most `limit`, after one of the list if it is
/// given.
pub async fn deliveries(
    ctx: &OpContext,
    state: Option<DeliveryState>,
    after: (Option<DeliveryId>, bool),
    limit: i64,
) -> Result<Vec<Delivery>, AppError> {
    ctx.authorise(Action::WebhookWrite, &Target::of("delivery", "")).await?;
    Ok(ctx.store().read().await?.deliveries(state, after, limit).await?)
}

/// Sends what was given up once more, under the same id. Returns it.
pub async fn replay(ctx: &OpContext, id: DeliveryId) -> Result<Delivery, AppError> {
    let object = id.to_string();
    ctx.authorise(Action::WebhookWrite, &Target::of("delivery", object.as_str()))
        .await?;
    let mut work = ctx.store().begin().await?;
    let found = work.delivery(id).await?;
    let found = found.ok_or_else(|| MessageError::NotFound("投递", object.clone()))?;
    if found.state != DeliveryState::Dead {
        return Err(MessageError::NotDead(found.state.zh()).into());
    }
    if found.channel == Channel::Webhook {
        let hook = work.webhook(&found.target).await?;
        hook.filter(|hook| hook.ended.is_none()).ok_or(MessageError::Ended)?;
    }
    work.replay_delivery(id, ctx.now()).await?;
    let detail = serde_json::json!({ "attempts": found.attempts, "trouble": found.trouble });
    work.audit(ctx.now(), (ctx.actor(), "delivery.replay", &object), detail.to_string())
        .await?;
    let again = work.delivery(id).await?;
    work.commit().await?;
    Ok(again.ok_or(MessageError::NotFound("投递", object))?)
}
