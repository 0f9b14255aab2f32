//! Statements: read, printed, and handed from side to side.

use super::words::{WithheldView, XLSX, etag, parsed, value};
use crate::download;
use crate::filter::{Filter, Listed};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::AppError;
use app::statements::{self, AdvanceInput, Format, ReleasedBy, RenderSelection, StatementView};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use domain::authz::Action;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_statements))
        .routes(routes!(show_statement))
        .routes(routes!(print_statement))
        .routes(routes!(advance_statement))
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatementQuery {
    /// The month, as 2026-03.
    month: String,
    /// Only where it stands so, as draft.
    status: Option<String>,
}

/// A statement in a list.
#[derive(Debug, Serialize, ToSchema)]
struct StatementRowView {
    number: String,
    /// Code of the provider.
    provider_code: String,
    /// Its name then.
    provider: String,
    /// Code of the unit; none for the provider's own.
    unit_code: Option<String>,
    /// Its name then.
    unit: Option<String>,
    /// Units: yuan.
    charged: String,
    withheld: String,
    released: String,
    deducted: String,
    payable: String,
    status: String,
    /// Whose turn it is, in Chinese.
    stage: String,
}

/// A statement, whole.
#[derive(Debug, Serialize, ToSchema)]
struct StatementBody {
    number: String,
    month: String,
    provider_code: String,
    unit_code: Option<String>,
    /// Units: yuan.
    charges: String,
    corrections: String,
    payable: String,
    status: String,
    /// Whose turn it is, in Chinese.
    stage: String,
    /// Counts its changes; also the ETag.
    version: i64,
    /// Digest of its content.
    digest: String,
    /// Its rows by item.
    #[schema(value_type = Vec<Object>)]
    items: Value,
    #[schema(value_type = Vec<Object>)]
    withheld: Value,
    /// What it withheld, what later statements released of it, what is left.
    withheld_sums: WithheldView,
    /// What later statements released of it.
    released_by: Vec<ReleasedByView>,
    #[schema(value_type = Vec<Object>)]
    releases: Value,
    #[schema(value_type = Vec<Object>)]
    deductions: Value,
    /// What was said about it.
    #[schema(value_type = Vec<Object>)]
    opinions: Value,
}

/// A later release of something that a statement withheld.
#[derive(Debug, Serialize, ToSchema)]
struct ReleasedByView {
    /// Number of the unit's statement that paid it.
    statement: String,
    resource: String,
    item: String,
    /// Units: yuan.
    amount: String,
}

impl From<ReleasedBy> for ReleasedByView {
    fn from(released: ReleasedBy) -> Self {
        Self {
            statement: released.statement,
            resource: released.resource,
            item: released.item,
            amount: released.amount.to_string(),
        }
    }
}

/// The form of a document.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DocumentQuery {
    /// pdf or xlsx; pdf if not given.
    format: Option<String>,
}

/// What one's side says about a statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatementOpinionBody {
    /// agree or return.
    step: String,
    /// In one's words; required when returning.
    #[serde(default)]
    text: String,
}

/// Where a statement stands now.
#[derive(Debug, Serialize, ToSchema)]
struct AdvancedView {
    status: String,
    stage: String,
}

/// A statement that the asker may see. What is none of their business is not there.
async fn seen_by(asker: &Asker, number: &str) -> Result<StatementView, Problem> {
    asker.ctx.reach(Action::StatementRead, "statement").await?;
    let known = statements::show(&asker.ctx, number).await;
    let view = known.map_err(|error| Problem::hidden(error, "结算单", number))?;
    let target = statements::target(number, &view.statement.scope);
    asker.may_see(Action::StatementRead, &target, "结算单").await?;
    Ok(view)
}

/// The statements of a month
#[utoipa::path(get, path = "/statements", tag = "main job", params(Paging, StatementQuery),
    responses((status = 200, description = "A page of statements, by number", body = Page<StatementRowView>)))]
async fn list_statements(asker: Asker, Listed { filter, paging }: Listed<StatementQuery>) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::StatementRead, "statement").await?;
    let rows = statements::list(&asker.ctx, parsed("month", &filter.month)?).await?;
    let wanted = rows.into_iter().filter(|row| {
        reach.holds(row.scope.organisation.as_deref(), Some(&row.scope.provider))
            && filter.status.as_ref().is_none_or(|status| row.status.word() == status)
    });
    let views = wanted.map(|row| StatementRowView {
        number: row.number,
        provider_code: row.scope.provider,
        provider: row.provider,
        unit_code: row.scope.organisation,
        unit: row.department,
        charged: row.charged.to_string(),
        withheld: row.withheld.to_string(),
        released: row.released.to_string(),
        deducted: row.deducted.to_string(),
        payable: row.payable.to_string(),
        status: row.status.word().to_owned(),
        stage: row.stage.to_owned(),
    });
    paging.answer(views.collect(), "number")
}

/// A statement with what was said about it
#[utoipa::path(get, path = "/statements/{number}", tag = "main job", params(("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "The statement", body = StatementBody, headers(("ETag" = String, description = "Its version")))))]
async fn show_statement(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let view = seen_by(&asker, &number).await?;
    let statement = view.statement;
    let body = StatementBody {
        number: statement.number,
        month: statement.month.to_string(),
        provider_code: statement.scope.provider,
        unit_code: statement.scope.organisation,
        charges: statement.charges.to_string(),
        corrections: statement.corrections.to_string(),
        payable: statement.payable.to_string(),
        status: view.status.word().to_owned(),
        stage: view.stage.to_owned(),
        version: view.version,
        digest: view.digest.to_string(),
        items: value(statement.items),
        withheld: value(statement.withheld),
        withheld_sums: view.withheld_sums.into(),
        released_by: view.released_by.into_iter().map(ReleasedByView::from).collect(),
        releases: value(statement.releases),
        deductions: value(statement.deductions),
        opinions: value(view.opinions),
    };
    Ok((etag(view.version), Json(body)).into_response())
}

/// A statement as PDF or XLSX
#[utoipa::path(get, path = "/statements/{number}/document", tag = "main job", params(DocumentQuery, ("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "The document", content(
        (Vec<u8> = "application/pdf"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))))]
async fn print_statement(
    State(api): State<Api>,
    asker: Asker,
    Path(number): Path<String>,
    Filter(query): Filter<DocumentQuery>,
) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let view = seen_by(&asker, &number).await?;
    let (format, media) = match query.format.as_deref() {
        None | Some("pdf") => (Format::Pdf, "application/pdf"),
        Some("xlsx") => (Format::Xlsx, XLSX),
        Some(_) => return Err(Problem::field("format", "应为 pdf 或 xlsx")),
    };
    let name = format!("{}.{}", view.statement.number, format.ending());
    let detail = serde_json::json!({ "format": format.ending(), "version": view.version });
    let ctx = asker.ctx.clone();
    let number = view.statement.number.clone();
    let made = download::made(&asker.ctx, async move |folder| {
        let selection = RenderSelection {
            month: view.statement.month,
            numbers: vec![view.statement.number],
            formats: vec![format],
            folder: folder.clone(),
            is_demo: api.edge.is_demo,
        };
        let print = async {
            let files = statements::render(&ctx, selection, &api.renderer).await?;
            let drawn = files
                .first()
                .and_then(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
            drawn.ok_or_else(|| AppError::Invalid(format!("结算单 {number} 没有生成，请稍后重试")))
        };
        let drawn = app::audit::around(&ctx, ("statement.print", &number), &detail, print).await?;
        Ok(folder.join(drawn))
    });
    download::file(made.await?, media, &name)
}

/// Say what one's side thinks: agree and hand on, or return
#[utoipa::path(post, path = "/statements/{number}/opinions", tag = "main job", request_body = StatementOpinionBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "Where it stands now", body = AdvancedView)))]
async fn advance_statement(
    Path(number): Path<String>,
    change: Change<StatementOpinionBody>,
) -> Result<Response, Problem> {
    let seen = change.seen();
    let make = async |asker: Asker, body: StatementOpinionBody| {
        seen_by(&asker, &number).await?;
        let input = AdvanceInput {
            number: number.clone(),
            side: asker.who()?.side,
            step: parsed("step", &body.step)?,
            text: body.text,
        };
        let (status, stage) = statements::advance_seen(&asker.ctx, input, Some(seen?)).await?;
        Ok(Answer::ok(AdvancedView {
            status: status.word().to_owned(),
            stage: stage.to_owned(),
        }))
    };
    change.once(make).await
}
