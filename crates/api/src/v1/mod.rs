//! The operations of `/api/v1`, one module an area: parse, call a use case, map to a view.

mod access;
mod accounts;
mod audit;
mod cases;
mod charges;
mod health;
mod inventory;
mod me;
mod messages;
mod months;
mod nodes;
mod requests;
mod roles;
mod sessions;
mod statements;

use crate::problem::ProblemBody;
use crate::server::Api;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What every answer may be made of.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody)))]
struct Base;

/// All operations.
pub(crate) fn operations() -> OpenApiRouter<Api> {
    let areas = OpenApiRouter::new()
        .merge(health::routes())
        .merge(sessions::routes())
        .merge(access::routes())
        .merge(me::routes())
        .merge(messages::routes())
        .merge(requests::routes())
        .merge(accounts::routes())
        .merge(roles::routes())
        .merge(nodes::routes())
        .merge(inventory::routes())
        .merge(months::routes())
        .merge(charges::routes())
        .merge(statements::routes())
        .merge(cases::routes())
        .merge(audit::routes());
    OpenApiRouter::with_openapi(Base::openapi()).nest("/api/v1", areas)
}

/// Reads a code, a number or a moment of a path or query.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: &str,
) -> Result<T, crate::problem::Problem> {
    text.parse()
        .map_err(|why: T::Err| crate::problem::Problem::field(name, why.to_string()))
}
