//! One-time links: setting a password brings an account alive.

use super::sessions::comes_from;
use crate::idempotency::Given;
use crate::problem::Problem;
use crate::state::Api;
use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
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
async fn accept_invitation(State(api): State<Api>, request: Request) -> Result<Json<AcceptedView>, Problem> {
    let (address, _) = comes_from(&api, &request)?;
    let Given(body) = Given::<AcceptBody>::from_request(request, &api).await?;
    let given = (body.secret.as_str(), body.password.as_str());
    let account = app::accounts::accept_invitation(&api.ctx, given, &address).await?;
    Ok(Json(AcceptedView { login: account.login }))
}
