//! One's own tasks and messages.

use super::parsed;
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::server::Api;
use crate::session::Asker;
use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The newest messages that are shown.
const MESSAGES_MAX: i64 = 200;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_to_dos))
        .routes(routes!(list_messages))
        .routes(routes!(read_message))
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
struct ToDoView {
    kind: String,
    /// Number of the matter.
    subject: String,
    task: String,
    title: String,
    since: String,
    due: Option<String>,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
struct MessageView {
    id: String,
    kind: String,
    /// Number of the matter.
    subject: String,
    title: String,
    text: String,
    at: String,
    /// When it was read.
    read: Option<String>,
}

/// One's own tasks
#[utoipa::path(get, path = "/me/to-dos", tag = "me",
    responses((status = 200, description = "The tasks", body = Vec<ToDoView>)))]
async fn list_to_dos(asker: Asker) -> Result<Json<Vec<ToDoView>>, Problem> {
    let tasks = app::requests::to_dos(&asker.ctx).await?;
    let views = tasks.into_iter().map(|task| ToDoView {
        kind: task.kind,
        subject: task.subject,
        task: task.task,
        title: task.title,
        since: task.opened.to_string(),
        due: task.due.map(|due| due.to_string()),
    });
    Ok(Json(views.collect()))
}

/// One's own messages, the newest first
#[utoipa::path(get, path = "/me/messages", tag = "me",
    responses((status = 200, description = "The messages", body = Vec<MessageView>)))]
async fn list_messages(asker: Asker) -> Result<Json<Vec<MessageView>>, Problem> {
    let messages = app::requests::messages(&asker.ctx, MESSAGES_MAX).await?;
    let views = messages.into_iter().map(|message| MessageView {
        id: message.id.to_string(),
        kind: message.kind,
        subject: message.subject,
        title: message.title,
        text: message.text,
        at: message.at.to_string(),
        read: message.read.map(|at| at.to_string()),
    });
    Ok(Json(views.collect()))
}

/// Mark a message as read
#[utoipa::path(post, path = "/me/messages/{id}/read", tag = "me", params(("id" = String, Path, description = "Id of the message")),
    responses((status = 204, description = "Marked")))]
async fn read_message(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        app::requests::read_message(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}
