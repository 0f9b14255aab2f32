//! Trials: opened, not paid for, until the three parties have confirmed.

use super::requests::seen;
use super::words::etag;
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::orders;
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::request::{Confirmation, Trial};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(show_trial))
        .routes(routes!(confirm_trial))
}

/// A trial.
#[derive(Debug, Serialize, ToSchema)]
struct TrialView {
    /// When everything was opened.
    from: String,
    /// Not before then, where a rule sets a least length.
    earliest: String,
    /// By when it must be confirmed.
    due: String,
    confirmations: Vec<ConfirmationView>,
    /// The moment of the third confirmation, from which the resources are metered.
    metered_from: Option<String>,
}

/// A party's confirmation.
#[derive(Debug, Serialize, ToSchema)]
struct ConfirmationView {
    /// unit, authority or provider.
    side: String,
    login: String,
    at: String,
    words: String,
}

fn view(trial: Trial) -> TrialView {
    let metered_from = trial.metered_from();
    let confirmation = |given: Confirmation| ConfirmationView {
        side: given.side.word().to_owned(),
        login: given.login,
        at: given.at.to_string(),
        words: given.words,
    };
    TrialView {
        from: trial.from.to_string(),
        earliest: trial.earliest.to_string(),
        due: trial.due.to_string(),
        metered_from: metered_from.map(|at| at.to_string()),
        confirmations: trial.confirmations.into_iter().map(confirmation).collect(),
    }
}

/// A confirmation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmationBody {
    /// In one's words; may be empty.
    #[serde(default)]
    words: String,
}

/// The trial of an application; null before it began
#[utoipa::path(get, path = "/requests/{number}/trial", tag = "orders", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The trial", body = Option<TrialView>, headers(("ETag" = String, description = "Version of the application")))))]
async fn show_trial(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let request = seen(&asker, &number).await?;
    let trial = orders::trial_of(&asker.ctx, &number).await;
    let trial = trial.map_err(|error| Problem::unseen(error, "申请", &number))?;
    let shown = trial.map(view);
    Ok((etag(request.version), Json(shown)).into_response())
}

/// Confirm a trial for one's side; the third confirmation starts the meter
#[utoipa::path(post, path = "/requests/{number}/trial/confirmations", tag = "orders", request_body = ConfirmationBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 201, description = "The trial", body = TrialView)))]
async fn confirm_trial(Path(number): Path<String>, change: Change<ConfirmationBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ConfirmationBody| {
        seen(&asker, &number).await?;
        let (trial, _) = orders::confirm_trial(&asker.ctx, (&number, Some(version?)), &body.words).await?;
        Ok(Answer::created(view(trial)))
    };
    change.once(make).await
}
