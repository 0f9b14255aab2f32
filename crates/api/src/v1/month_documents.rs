//! Documents of a month's differences: with a provider's bill, and of a closed month that is rated again.

use super::charges::within;
use super::drafts::FormQuery;
use super::words::parsed;
use crate::download;
use crate::filter::Filter;
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::{Reach, month};
use axum::extract::{Path, State};
use axum::response::Response;
use domain::authz::Action;
use kernel::{Month, OrganisationCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(print_differences))
        .routes(routes!(print_rerating))
}

/// Whose differences, in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DifferenceDocumentQuery {
    /// The provider, by code; one's own if not given.
    provider: Option<String>,
    /// xlsx or csv; xlsx if not given.
    format: Option<String>,
}

/// Why a month is rated again, and in which form the differences are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RerateDocumentQuery {
    /// In one's words; it stands in the document.
    reason: String,
    /// xlsx or csv; xlsx if not given.
    format: Option<String>,
}

/// The differences of a month with a provider's bill, with what both sides say and what was answered; a provider gets its own
#[utoipa::path(get, path = "/months/{month}/differences/document", tag = "main job",
    params(DifferenceDocumentQuery, ("month" = String, Path, description = "As 2026-03")),
    responses((status = 200, description = "The document", content(
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Vec<u8> = "text/csv")))))]
async fn print_differences(
    State(api): State<Api>,
    asker: Asker,
    Path(month): Path<String>,
    Filter(query): Filter<DifferenceDocumentQuery>,
) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let (_, media, ending) = FormQuery { format: query.format }.form()?;
    let month: Month = parsed("month", &month)?;
    let reach = asker.ctx.reach(Action::MonthRead, "month").await?;
    let provider = match &reach {
        Reach::All => query
            .provider
            .ok_or_else(|| Problem::field("provider", "请指明云服务商"))?,
        _ => {
            let read = (Action::MonthRead, "month");
            within(&asker, read, (query.provider, "provider"), &reach).await?
        }
    };
    let provider: OrganisationCode = parsed("provider", &provider)?;
    let name = format!("differences-{month}-{provider}.{ending}");
    let ctx = asker.ctx.clone();
    let made = download::made(&asker.ctx, async move |folder| {
        let path = folder.join(format!("differences.{ending}"));
        month::reconciliation_document(&ctx, month, provider.as_str(), &path).await?;
        Ok(path)
    });
    download::file(made.await?, media, &name)
}

/// What rating a closed month again would change, as a document; it changes nothing
#[utoipa::path(get, path = "/months/{month}/rerating/document", tag = "main job",
    params(RerateDocumentQuery, ("month" = String, Path, description = "As 2026-03")),
    responses((status = 200, description = "The document", content(
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Vec<u8> = "text/csv")))))]
async fn print_rerating(
    State(api): State<Api>,
    asker: Asker,
    Path(month): Path<String>,
    Filter(query): Filter<RerateDocumentQuery>,
) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let (_, media, ending) = FormQuery { format: query.format }.form()?;
    let month: Month = parsed("month", &month)?;
    let name = format!("rerating-{month}.{ending}");
    let ctx = asker.ctx.clone();
    let made = download::made(&asker.ctx, async move |folder| {
        let path = folder.join(format!("rerating.{ending}"));
        let outcome = month::rerate(&ctx, month, &query.reason, false).await?;
        month::difference_document(&ctx, &outcome, &query.reason, &path).await?;
        Ok(path)
    });
    download::file(made.await?, media, &name)
}
