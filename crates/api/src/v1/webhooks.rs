//! Webhooks of organisations, and what was sent by mail and webhook; kept by the system administrator.

use super::words::{parsed, parsed_if};
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Turn};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::messages::{self, Delivery, NewWebhook, Webhook};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, make_webhook))
        .routes(routes!(end_webhook))
        .routes(routes!(list_deliveries))
        .routes(routes!(replay_delivery))
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookView {
    id: String,
    /// Code of the organisation whose programs are told.
    organisation: String,
    url: String,
    /// Kinds of message, or beginnings of kinds; empty for all.
    kinds: Vec<String>,
    made_by: String,
    made: String,
    ended: Option<String>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            organisation: webhook.organisation,
            url: webhook.url,
            kinds: webhook.kinds,
            made_by: webhook.made_by,
            made: webhook.created.to_string(),
            ended: webhook.ended.map(|at| at.to_string()),
        }
    }
}

/// A webhook to set up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhookBody {
    /// Code of the organisation whose programs are told.
    organisation: String,
    /// The address, https.
    url: String,
    /// Kinds of message, or beginnings of kinds, as `request.ended` or `order`; empty for all.
    #[serde(default)]
    kinds: Vec<String>,
}

/// A new webhook.
#[derive(Debug, Serialize, ToSchema)]
struct MadeWebhookView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// Signs what is sent; given out once, null when the answer is repeated.
    secret: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// waiting, delivered or dead.
    state: Option<String>,
}

/// A letter or a call. What it says, and the address, are not shown.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryView {
    id: String,
    /// mail or webhook.
    channel: String,
    /// Id of the account, or of the webhook.
    target: String,
    /// Kind of the message.
    kind: String,
    /// Number of the matter.
    subject: String,
    /// waiting, delivered or dead.
    state: String,
    /// That in Chinese.
    stage: String,
    attempts: i64,
    /// The next attempt, if it waits.
    next: Option<String>,
    /// Why it did not arrive the last time.
    trouble: Option<String>,
    made: String,
    ended: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.ended.is_none();
        Self {
            id: delivery.id.to_string(),
            channel: delivery.channel.word().to_owned(),
            target: delivery.target,
            kind: delivery.kind,
            subject: delivery.subject,
            state: delivery.state.word().to_owned(),
            stage: delivery.state.zh().to_owned(),
            attempts: delivery.attempts,
            next: waits.then(|| delivery.next.to_string()),
            trouble: delivery.trouble,
            made: delivery.created.to_string(),
            ended: delivery.ended.map(|at| at.to_string()),
        }
    }
}

/// Webhooks, the newest first
#[utoipa::path(get, path = "/webhooks", tag = "webhooks",
    responses((status = 200, description = "The webhooks", body = Vec<WebhookView>)))]
async fn list_webhooks(asker: Asker) -> Result<Json<Vec<WebhookView>>, Problem> {
    let found = messages::webhooks(&asker.ctx).await?;
    Ok(Json(found.into_iter().map(WebhookView::from).collect()))
}

/// Set up a webhook; its secret is given out once
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhookBody,
    responses((status = 201, description = "The webhook", body = MadeWebhookView)))]
async fn make_webhook(change: Change<NewWebhookBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: NewWebhookBody| {
        let new = NewWebhook {
            organisation: parsed("organisation", &body.organisation)?,
            url: body.url,
            kinds: body.kinds,
        };
        let (webhook, secret) = messages::make_webhook(&asker.ctx, new).await?;
        Ok(Answer::created(MadeWebhookView {
            webhook: webhook.into(),
            secret: Some(secret),
        }))
    };
    change.once(make).await
}

/// End a webhook; what still waits for it is given up
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path, description = "Id of the webhook")),
    responses((status = 204, description = "Ended")))]
async fn end_webhook(asker: Asker, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    messages::end_webhook(&asker.ctx, parsed("id", &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Letters and calls, the newest first
#[utoipa::path(get, path = "/deliveries", tag = "webhooks", params(DeliveryQuery,
    ("after" = Option<String>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 if not given", minimum = 1, maximum = 200),
    ("sort" = Option<String>, Query, description = "`id` for the oldest first, `-id` for the newest first; the newest first if not given"),
    ("format" = Option<String>, Query, description = "`csv` for the whole list as CSV")),
    responses((status = 200, description = "A page of deliveries", body = Page<DeliveryView>)))]
async fn list_deliveries(asker: Asker, Listed { filter, paging }: Listed<DeliveryQuery>) -> Result<Response, Problem> {
    let state = parsed_if("state", filter.state.as_deref())?;
    let ctx = &asker.ctx;
    let read = |turn: Turn| async move {
        let after = parsed_if("after", turn.after.as_deref())?;
        let found = messages::deliveries(ctx, state, (after, turn.oldest_first), turn.limit).await?;
        Ok(found.into_iter().map(DeliveryView::from).collect())
    };
    paging.answer_from("id", read).await
}

/// Send what was given up once more, under the same id
#[utoipa::path(post, path = "/deliveries/{id}/replay", tag = "webhooks", params(("id" = String, Path, description = "Id of the delivery")),
    responses((status = 200, description = "The delivery, waiting again", body = DeliveryView)))]
async fn replay_delivery(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        let delivery = messages::replay(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::ok(DeliveryView::from(delivery)))
    };
    change.once(make).await
}
