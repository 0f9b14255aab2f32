//! What is done with a draft beside writing it: lines from a spreadsheet, an accepted reduction, throwing it away.

use super::requests::{RequestRow, seen};
use super::words::XLSX;
use crate::aside::aside;
use crate::download;
use crate::filter::Filter;
use crate::idempotency::{Answer, Change, seen_version};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use crate::upload::{FileName, Upload};
use app::requests;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest spreadsheet of lines. Units: MiB.
const MIB_MAX: usize = 8;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(delete_request))
        .routes(routes!(fill_lines))
        .routes(routes!(accept_reduction))
        .routes(routes!(line_form))
}

/// The form of a form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FormQuery {
    /// xlsx or csv; xlsx if not given.
    pub(super) format: Option<String>,
}

impl FormQuery {
    /// Whether it is a workbook, its media type and ending.
    pub(super) fn form(&self) -> Result<(bool, &'static str, &'static str), Problem> {
        match self.format.as_deref() {
            None | Some("xlsx") => Ok((true, XLSX, "xlsx")),
            Some("csv") => Ok((false, "text/csv; charset=utf-8", "csv")),
            Some(_) => Err(Problem::field("format", "应为 xlsx 或 csv")),
        }
    }
}

/// Throw a draft away; its number is not given out again
#[utoipa::path(delete, path = "/requests/{number}", tag = "requests",
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 204, description = "Thrown away")))]
async fn delete_request(asker: Asker, Path(number): Path<String>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    seen(&asker, &number).await?;
    requests::delete_draft(&asker.ctx, &number, seen_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put the lines of a spreadsheet in place of those of a draft; all faults are told by row
#[utoipa::path(post, path = "/requests/{number}/lines", tag = "requests",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(FileName, ("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The draft", body = RequestRow)))]
async fn fill_lines(
    Path(number): Path<String>,
    Filter(file): Filter<FileName>,
    change: Change<Upload<MIB_MAX>>,
) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, upload: Upload<MIB_MAX>| {
        seen(&asker, &number).await?;
        let bytes = upload.receive(&asker.ctx).await?.bytes()?;
        let (ctx, version) = (asker.ctx, version?);
        let filled = aside(async move || {
            let sheet = (file.name.as_str(), bytes.as_slice());
            requests::fill_from_sheet(&ctx, (&number, version), sheet).await
        });
        Ok(Answer::ok(RequestRow::from(filled.await?)))
    };
    change.once(make).await
}

/// Cut the lines of a draft to what the rules allow now
#[utoipa::path(post, path = "/requests/{number}/reduction", tag = "requests",
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The draft", body = RequestRow)))]
async fn accept_reduction(Path(number): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, ()| {
        seen(&asker, &number).await?;
        let request = requests::accept_reduction(&asker.ctx, &number, version?).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}

/// An empty form for lines of an application
#[utoipa::path(get, path = "/forms/request-lines", tag = "requests", params(FormQuery),
    responses((status = 200, description = "The form", content(
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Vec<u8> = "text/csv")))))]
async fn line_form(asker: Asker, Filter(query): Filter<FormQuery>) -> Result<Response, Problem> {
    asker.ctx.reach(domain::authz::Action::RegistryRead, "form").await?;
    let (is_workbook, media, ending) = query.form()?;
    let bytes = app::import::form(requests::line_template(), is_workbook, asker.ctx.now())?;
    Ok(download::bytes(bytes, media, &format!("申请明细.{ending}")))
}
