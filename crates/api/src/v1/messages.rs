//! One's own tasks and messages.

use super::words::{flag, parsed};
use crate::filter::Filter;
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::messages::{self, Urgency, kind_zh};
use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The newest messages that are shown.
const MESSAGES_MAX: i64 = 200;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_to_dos))
        .routes(routes!(count_to_dos))
        .routes(routes!(list_messages))
        .routes(routes!(read_message))
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ToDoQuery {
    /// Only of this kind.
    kind: Option<String>,
    /// `true` for those that are late only.
    late: Option<String>,
    /// `due` or `-due` for the earliest or latest deadline first, those without one last; `since` or `-since` for the oldest
    /// or newest first. The most urgent first if not given.
    sort: Option<String>,
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
struct ToDoView {
    kind: String,
    /// The kind in Chinese.
    kind_name: String,
    /// Number of the matter.
    subject: String,
    task: String,
    title: String,
    since: String,
    /// The first moment that is too late.
    due: Option<String>,
    /// How much time is left, in working days or hours.
    left: LeftView,
    /// Name of whoever is away, if it is done for them.
    on_behalf_of: Option<String>,
}

/// How much time a task has left.
#[derive(Debug, Serialize, ToSchema)]
struct LeftView {
    /// open, working_days, hours or late.
    is: &'static str,
    /// Working days or hours that are left, or working days that it is late; none without a deadline.
    count: Option<u16>,
    /// In Chinese.
    text: String,
}

impl From<Urgency> for LeftView {
    fn from(urgency: Urgency) -> Self {
        let (is, count) = match urgency {
            Urgency::Open => ("open", None),
            Urgency::WorkingDays { left } => ("working_days", Some(left)),
            Urgency::Hours { left } => ("hours", Some(left)),
            Urgency::Late { by } => ("late", Some(by)),
        };
        Self {
            is,
            count,
            text: urgency.zh(),
        }
    }
}

/// How many tasks of a kind.
#[derive(Debug, Serialize, ToSchema)]
struct ToDoCountView {
    kind: String,
    kind_name: String,
    open: u64,
    /// How many of them are late.
    late: u64,
    /// The next deadline.
    next_due: Option<String>,
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

/// One's own tasks, the most urgent first; also those of people who are away and for whom one acts
#[utoipa::path(get, path = "/me/to-dos", tag = "me", params(ToDoQuery),
    responses((status = 200, description = "The tasks", body = Vec<ToDoView>)))]
async fn list_to_dos(asker: Asker, Filter(filter): Filter<ToDoQuery>) -> Result<Json<Vec<ToDoView>>, Problem> {
    let late = flag("late", filter.late.as_deref())?;
    let mut tasks = messages::to_dos(&asker.ctx).await?;
    match filter.sort.as_deref() {
        None | Some("due") => {}
        Some("-due") => tasks.sort_by_key(|mine| (mine.to_do.due.is_none(), Reverse(mine.to_do.due))),
        Some("since") => tasks.sort_by_key(|mine| mine.to_do.opened),
        Some("-since") => tasks.sort_by_key(|mine| Reverse(mine.to_do.opened)),
        Some(_) => return Err(Problem::field("sort", "应为 due、-due、since 或 -since")),
    }
    let fits = |mine: &messages::Mine| {
        filter.kind.as_ref().is_none_or(|kind| *kind == mine.to_do.kind)
            && (!late || matches!(mine.urgency, Urgency::Late { .. }))
    };
    let views = tasks.into_iter().filter(fits).map(|mine| ToDoView {
        kind_name: kind_zh(&mine.to_do.kind).to_owned(),
        kind: mine.to_do.kind,
        subject: mine.to_do.subject,
        task: mine.to_do.task,
        title: mine.to_do.title,
        since: mine.to_do.opened.to_string(),
        due: mine.to_do.due.map(|due| due.to_string()),
        left: mine.urgency.into(),
        on_behalf_of: mine.on_behalf_of,
    });
    Ok(Json(views.collect()))
}

/// How many tasks one has, by kind
#[utoipa::path(get, path = "/me/to-dos/counts", tag = "me",
    responses((status = 200, description = "The counts", body = Vec<ToDoCountView>)))]
async fn count_to_dos(asker: Asker) -> Result<Json<Vec<ToDoCountView>>, Problem> {
    let counts = messages::counts(&asker.ctx).await?;
    let views = counts.into_iter().map(|count| ToDoCountView {
        kind_name: kind_zh(&count.kind).to_owned(),
        kind: count.kind,
        open: count.open,
        late: count.late,
        next_due: count.next_due.map(|due| due.to_string()),
    });
    Ok(Json(views.collect()))
}

/// One's own messages, the newest first
#[utoipa::path(get, path = "/me/messages", tag = "me",
    responses((status = 200, description = "The messages", body = Vec<MessageView>)))]
async fn list_messages(asker: Asker) -> Result<Json<Vec<MessageView>>, Problem> {
    let messages = messages::messages(&asker.ctx, MESSAGES_MAX).await?;
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
        messages::read_message(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}
