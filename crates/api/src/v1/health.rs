//! Whether the platform answers.

use crate::problem::Problem;
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(health))
}

/// That it answers, and that its store does.
#[derive(Debug, Serialize, ToSchema)]
struct HealthView {
    /// Always `ok`; a store that does not answer is a problem instead.
    state: &'static str,
    /// The time of the platform.
    now: String,
}

/// Whether the platform and its store answer
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, description = "It answers", body = HealthView)))]
async fn health(State(api): State<Api>) -> Result<Json<HealthView>, Problem> {
    app::health::answers(&api.ctx).await?;
    Ok(Json(HealthView {
        state: "ok",
        now: api.ctx.now().to_string(),
    }))
}
