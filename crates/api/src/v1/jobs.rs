//! Background work: what waits, how far it got, how it ended; stopping it, and beginning it again.

use super::words::{parsed, parsed_if};
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Turn};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::jobs::{self, JobFilter, kind};
use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(show_job))
        .routes(routes!(cancel_job))
        .routes(routes!(retry_job))
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JobQuery {
    /// queued, running, done, failed or cancelled.
    state: Option<String>,
    /// Only of this kind, as `order.run`.
    kind: Option<String>,
    /// Only about this matter.
    subject: Option<String>,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
struct JobView {
    id: String,
    kind: String,
    /// The kind in Chinese.
    kind_name: String,
    /// What it is about.
    subject: String,
    /// queued, running, done, failed or cancelled.
    state: String,
    /// That in Chinese.
    stage: String,
    /// How often it was begun.
    attempts: i64,
    /// How often it may be begun.
    attempts_max: i64,
    /// Not before then.
    run: String,
    /// Its worker's lease, if it runs.
    lease_until: Option<String>,
    /// Whether somebody wants it to stop.
    cancel_wanted: bool,
    /// Pieces done.
    done: i64,
    /// Of how many; 0 while not known.
    total: i64,
    /// What it is at.
    at: String,
    /// How it ended, or why it is tried again.
    outcome: Option<String>,
    asked_by: String,
    asked: String,
    ended: Option<String>,
}

impl From<jobs::Job> for JobView {
    fn from(job: jobs::Job) -> Self {
        Self {
            id: job.id.to_string(),
            kind_name: kind::zh(&job.kind).to_owned(),
            kind: job.kind,
            subject: job.subject,
            state: job.state.word().to_owned(),
            stage: job.state.zh().to_owned(),
            attempts: job.attempts,
            attempts_max: job.attempts_max,
            run: job.run.to_string(),
            lease_until: job.lease.map(|(_, until)| until.to_string()),
            cancel_wanted: job.cancel,
            done: job.progress.0,
            total: job.progress.1,
            at: job.progress.2,
            outcome: job.outcome,
            asked_by: job.asked_by,
            asked: job.created.to_string(),
            ended: job.ended.map(|at| at.to_string()),
        }
    }
}

/// A job that was queued anew.
#[derive(Debug, Serialize, ToSchema)]
struct RetriedView {
    /// The new job; none if the same waits or runs already.
    job: Option<String>,
}

/// Background jobs, the newest first
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobQuery,
    ("after" = Option<String>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 if not given", minimum = 1, maximum = 200),
    ("sort" = Option<String>, Query, description = "`id` for the oldest first, `-id` for the newest first; the newest first if not given"),
    ("format" = Option<String>, Query, description = "`csv` for the whole list as CSV")),
    responses((status = 200, description = "A page of jobs", body = Page<JobView>)))]
async fn list_jobs(asker: Asker, Listed { filter, paging }: Listed<JobQuery>) -> Result<Response, Problem> {
    let filter = JobFilter {
        state: parsed_if("state", filter.state.as_deref())?,
        kind: filter.kind,
        subject: filter.subject,
        ..JobFilter::default()
    };
    let (ctx, filter) = (&asker.ctx, &filter);
    let read = |turn: Turn| async move {
        let filter = JobFilter {
            after: parsed_if("after", turn.after.as_deref())?,
            oldest_first: turn.oldest_first,
            ..filter.clone()
        };
        let found = jobs::list(ctx, &filter, turn.limit).await?;
        Ok(found.into_iter().map(JobView::from).collect())
    };
    paging.answer_from("id", read).await
}

/// A job with its progress
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = JobView)))]
async fn show_job(asker: Asker, Path(id): Path<String>) -> Result<Json<JobView>, Problem> {
    Ok(Json(jobs::show(&asker.ctx, parsed("id", &id)?).await?.into()))
}

/// Stop a job: one that waits at once, one that runs at its next step
#[utoipa::path(post, path = "/jobs/{id}/cancellation", tag = "jobs", params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, description = "The job as it stands now", body = JobView)))]
async fn cancel_job(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        let id = parsed("id", &id)?;
        jobs::cancel(&asker.ctx, id).await?;
        Ok(Answer::ok(JobView::from(jobs::show(&asker.ctx, id).await?)))
    };
    change.once(make).await
}

/// Begin a job again that failed or was cancelled
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path, description = "Id of the job")),
    responses((status = 200, description = "The new job", body = RetriedView)))]
async fn retry_job(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        let job = jobs::retry(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::ok(RetriedView {
            job: job.map(|id| id.to_string()),
        }))
    };
    change.once(make).await
}
