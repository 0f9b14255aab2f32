//! Charge lines: exported whole, and explained one by one.

use super::words::{XLSX, flag, parsed, parsed_if};
use crate::download;
use crate::filter::Filter;
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::export::{ExportSelection, FocusFormat, FocusOptions, TableFormat};
use app::{LineNumber, Reach};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::authz::{Action, Target};
use kernel::OrganisationCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(export_charges))
        .routes(routes!(export_focus))
        .routes(routes!(explain_line))
}

/// Which lines, in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChargesQuery {
    /// First month, as 2026-03.
    from: String,
    /// Last month; the first if not given.
    to: Option<String>,
    /// Only of this provider.
    provider: Option<String>,
    /// Only of this organisation. Whoever sees one organisation only gets that one.
    organisation: Option<String>,
    /// csv or xlsx; csv if not given.
    format: Option<String>,
}

/// Which lines, in which form of FOCUS.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FocusQuery {
    /// First month, as 2026-03.
    from: String,
    /// Last month; the first if not given.
    to: Option<String>,
    /// Only of this provider.
    provider: Option<String>,
    /// Only of this organisation. Whoever sees one organisation only gets that one.
    organisation: Option<String>,
    /// csv or parquet; csv if not given.
    format: Option<String>,
    /// true for codes in place of Chinese names.
    #[param(value_type = Option<bool>)]
    ascii: Option<String>,
}

/// A line, explained.
#[derive(Debug, Serialize, ToSchema)]
struct ExplanationView {
    line: String,
    /// Units: yuan.
    amount: String,
    /// Name and value: who, what, when.
    facts: Vec<NamedText>,
    approved: Vec<String>,
    seen: Vec<String>,
    /// Version, clause, source, approver, model.
    price: Vec<NamedText>,
    /// A step a line.
    arithmetic: Vec<String>,
    /// Digest of everything the run was made from.
    input: String,
    /// Digest of all its lines.
    output: String,
}

/// A name and what it is.
#[derive(Debug, Serialize, ToSchema)]
struct NamedText {
    name: String,
    text: String,
}

fn named(pairs: Vec<(String, String)>) -> Vec<NamedText> {
    pairs.into_iter().map(|(name, text)| NamedText { name, text }).collect()
}

/// All charge lines of some months, as a file
#[utoipa::path(get, path = "/charges", tag = "main job", params(ChargesQuery),
    responses((status = 200, description = "The lines", content(
        (Vec<u8> = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))))]
async fn export_charges(
    State(api): State<Api>,
    asker: Asker,
    Filter(query): Filter<ChargesQuery>,
) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let (media, format) = match query.format.as_deref() {
        None | Some("csv") => ("text/csv; charset=utf-8", TableFormat::Csv),
        Some("xlsx") => (XLSX, TableFormat::Xlsx),
        Some(_) => return Err(Problem::field("format", "应为 csv 或 xlsx")),
    };
    let selection = selection(
        &asker,
        (&query.from, query.to.as_deref()),
        (query.provider, query.organisation),
    )
    .await?;
    let name = format!("charges.{}", format.ending());
    let (ctx, own) = (asker.ctx.clone(), name.clone());
    let made = download::made(&asker.ctx, async move |folder| {
        let path = folder.join(own);
        app::export::charges(&ctx, &selection, format, &path).await?;
        Ok(path)
    });
    download::file(made.await?, media, &name)
}

/// All charge lines of some months in the FOCUS format, for other programs
#[utoipa::path(get, path = "/exports/focus", tag = "main job", params(FocusQuery),
    responses((status = 200, description = "The lines", content((Vec<u8> = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet")))))]
async fn export_focus(
    State(api): State<Api>,
    asker: Asker,
    Filter(query): Filter<FocusQuery>,
) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let (media, format) = match query.format.as_deref() {
        None | Some("csv") => ("text/csv; charset=utf-8", FocusFormat::Csv),
        Some("parquet") => ("application/vnd.apache.parquet", FocusFormat::Parquet),
        Some(_) => return Err(Problem::field("format", "应为 csv 或 parquet")),
    };
    let ascii_names = flag("ascii", query.ascii.as_deref())?;
    let selection = selection(
        &asker,
        (&query.from, query.to.as_deref()),
        (query.provider, query.organisation),
    )
    .await?;
    let name = format!("focus.{}", format.ending());
    let (ctx, own) = (asker.ctx.clone(), name.clone());
    let options = FocusOptions { ascii_names };
    let made = download::made(&asker.ctx, async move |folder| {
        let path = folder.join(own);
        app::export::focus(&ctx, &selection, (format, options), &path).await?;
        Ok(path)
    });
    download::file(made.await?, media, &name)
}

/// The lines that somebody wants, as far as they may see them.
async fn selection(
    asker: &Asker,
    (from, to): (&str, Option<&str>),
    (provider, organisation): (Option<String>, Option<String>),
) -> Result<ExportSelection, Problem> {
    let reach = asker.ctx.reach(Action::ChargesExport, "charges").await?;
    let from = parsed("from", from)?;
    let to = parsed_if("to", to)?.unwrap_or(from);
    let export = (Action::ChargesExport, "charges");
    let (provider, organisation) = match &reach {
        Reach::All => (provider, organisation),
        Reach::Providers(_) => {
            let own = within(asker, export, (provider, "provider"), &reach).await?;
            (Some(own), organisation)
        }
        Reach::Units(_) => {
            let own = within(asker, export, (organisation, "organisation"), &reach).await?;
            (provider, Some(own))
        }
    };
    Ok(ExportSelection {
        from,
        to,
        provider,
        organisation,
    })
}

/// A filter that does not go beyond what somebody may see: what they asked for, or else the only code that is theirs.
pub(super) async fn within(
    asker: &Asker,
    (action, kind): (Action, &'static str),
    (asked, name): (Option<String>, &str),
    reach: &Reach,
) -> Result<String, Problem> {
    let Some(code) = asked.or_else(|| reach.only().map(str::to_owned)) else {
        return Err(Problem::field(name, "您可以查看多个单位，请指明其中一个"));
    };
    let whose: Option<OrganisationCode> = Some(parsed(name, &code)?);
    let target = match reach {
        Reach::Units(_) => Target {
            unit: whose,
            ..Target::of(kind, &code)
        },
        Reach::Providers(_) | Reach::All => Target {
            provider: whose,
            ..Target::of(kind, &code)
        },
    };
    asker.ctx.authorise(action, &target).await?;
    Ok(code)
}

/// A charge line, explained to the last fen
#[utoipa::path(get, path = "/charges/{line}/explanation", tag = "main job",
    params(("line" = String, Path, description = "Number of the line, as 202603-000123")),
    responses((status = 200, description = "The explanation", body = ExplanationView)))]
async fn explain_line(asker: Asker, Path(line): Path<String>) -> Result<Json<ExplanationView>, Problem> {
    asker.ctx.reach(Action::StatementRead, "charge").await?;
    let number: LineNumber = parsed("line", &line)?;
    let known = app::explain::explain(&asker.ctx, number).await;
    let view = known.map_err(|error| Problem::hidden(error, "费用明细", &line))?;
    let target = Target {
        kind: "charge",
        id: line,
        unit: view.unit.parse().ok(),
        provider: view.provider.parse().ok(),
        owner: None,
    };
    asker.may_see(Action::StatementRead, &target, "费用明细").await?;
    Ok(Json(ExplanationView {
        line: view.line,
        amount: view.amount.to_string(),
        facts: named(view.facts),
        approved: view.approved,
        seen: view.seen,
        price: named(view.price),
        arithmetic: view.arithmetic,
        input: view.input.to_string(),
        output: view.output.to_string(),
    }))
}
