//! The operations of `/api/v1`, one module an area: parse, call a use case, map to a view.

mod absences;
mod access;
mod accounts;
mod archives;
mod audit;
mod cases;
mod charges;
mod drafts;
mod endings;
mod evidence;
mod health;
mod imports;
mod inventory;
mod jobs;
mod limits;
mod me;
mod messages;
mod month_work;
mod months;
mod nodes;
mod offers;
mod orders;
mod price_books;
mod registers;
mod requests;
mod reviews;
mod roles;
mod sessions;
mod sign_in;
mod statements;
mod trials;
mod webhooks;

use crate::problem::ProblemBody;
use crate::server::Api;
use axum::http::header;
use serde::Serialize;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// The media type of a workbook.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What every answer may be made of.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody)))]
struct Base;

/// All operations.
pub(crate) fn operations() -> OpenApiRouter<Api> {
    let areas = OpenApiRouter::new()
        .merge(health::routes())
        .merge(sessions::routes())
        .merge(sign_in::routes())
        .merge(access::routes())
        .merge(me::routes())
        .merge(messages::routes())
        .merge(absences::routes())
        .merge(jobs::routes())
        .merge(webhooks::routes())
        .merge(requests::routes())
        .merge(drafts::routes())
        .merge(reviews::routes())
        .merge(archives::routes())
        .merge(limits::routes())
        .merge(evidence::routes())
        .merge(offers::routes())
        .merge(orders::routes())
        .merge(trials::routes())
        .merge(endings::routes())
        .merge(accounts::routes())
        .merge(roles::routes())
        .merge(nodes::routes())
        .merge(inventory::routes())
        .merge(months::routes())
        .merge(month_work::routes())
        .merge(imports::routes())
        .merge(registers::routes())
        .merge(price_books::routes())
        .merge(charges::routes())
        .merge(statements::routes())
        .merge(cases::routes())
        .merge(audit::routes());
    OpenApiRouter::with_openapi(Base::openapi()).nest("/api/v1", areas)
}

/// Reads a whole number of a path or query.
pub(crate) fn whole<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, crate::problem::Problem> {
    let read = text.parse();
    read.map_err(|_| crate::problem::Problem::field(name, "应为整数"))
}

/// Reads what may be left out.
pub(crate) fn parsed_if<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, crate::problem::Problem> {
    text.map(|text| parsed(name, text)).transpose()
}

/// Reads a yes or no of a query; no if it is left out.
pub(crate) fn flag(name: &str, text: Option<&str>) -> Result<bool, crate::problem::Problem> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(crate::problem::Problem::field(name, "应为 true 或 false")),
    }
}

/// Something of the house as it is written as JSON.
pub(crate) fn value(given: impl Serialize) -> Value {
    serde_json::to_value(given).unwrap_or(Value::Null)
}

/// The header with the version that was read.
pub(crate) fn etag(version: i64) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

/// Reads a code, a word or a moment of a path or query.
pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: &str,
) -> Result<T, crate::problem::Problem> {
    text.parse()
        .map_err(|why: T::Err| crate::problem::Problem::field(name, why.to_string()))
}
