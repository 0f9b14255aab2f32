//! One-time links: setting a password brings an account alive.

use crate::idempotency::Given;
use crate::problem::Problem;
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(accept_invitation))
}

/// A one-time link and the password to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptBody {
    /// What the link ends in.
    secret: String,
    /// The new password.
    password: String,
}

/// An account that came alive.
#[derive(Debug, Serialize, ToSchema)]
struct AcceptedView {
    /// The name to log in with.
    login: String,
}

/// Set a password by a one-time link
#[utoipa::path(post, path = "/invitations/acceptance", tag = "sessions", request_body = AcceptBody,
    responses((status = 200, description = "The account can log in", body = AcceptedView)))]
async fn accept_invitation(
    State(api): State<Api>,
    Given(body): Given<AcceptBody>,
) -> Result<Json<AcceptedView>, Problem> {
    let account = app::accounts::accept_invitation(&api.ctx, &body.secret, &body.password).await?;
    Ok(Json(AcceptedView { login: account.login }))
}
