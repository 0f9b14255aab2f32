//! Files of the main job: checked, taken in, and what was taken in before; empty forms for them.

use super::drafts::FormQuery;
use super::words::{flag, parsed, parsed_if};
use crate::aside::aside;
use crate::download;
use crate::filter::{Filter, Listed};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Turn};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use crate::upload::Upload;
use app::import::{self, ImportKind, ImportOptions, ImportOutcome, ImportRecord};
use axum::extract::Path;
use axum::response::Response;
use domain::authz::Action;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest file. Units: MiB.
const MIB_MAX: usize = 64;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_imports))
        .routes(routes!(import_file))
        .routes(routes!(import_form))
}

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Only of this kind.
    kind: Option<String>,
}

/// The file that comes in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NewImportQuery {
    /// Name of the file, with its ending.
    #[param(max_length = 200, min_length = 1)]
    name: String,
    /// true to check everything and store nothing; false if not given.
    #[param(value_type = Option<bool>)]
    dry_run: Option<String>,
}

/// A file that was imported.
#[derive(Debug, Serialize, ToSchema)]
struct ImportView {
    id: String,
    kind: String,
    file_name: String,
    /// SM3 of the file, hexadecimal.
    digest: String,
    rows: i64,
    at: String,
    actor: String,
}

/// What importing a file did.
#[derive(Debug, Serialize, ToSchema)]
struct ImportedView {
    kind: String,
    rows: u64,
    new: u64,
    unchanged: u64,
    changed: u64,
    /// Facts that were noted for closed months.
    late_facts: u64,
    /// What a person should know.
    notes: Vec<String>,
    /// Whether the same content was imported before, so that nothing was done.
    already_imported: bool,
    /// Whether this was only a try, so that nothing was stored.
    dry_run: bool,
    /// SM3 of the file, hexadecimal.
    digest: String,
    /// SHA-256 of the file, hexadecimal.
    sha256: String,
}

impl From<ImportRecord> for ImportView {
    fn from(record: ImportRecord) -> Self {
        Self {
            id: record.id.to_string(),
            kind: record.kind,
            file_name: record.file_name,
            digest: record.digest.to_string(),
            rows: record.rows,
            at: record.at.to_string(),
            actor: record.actor,
        }
    }
}

fn imported(outcome: ImportOutcome, digest: String, sha256: String) -> ImportedView {
    ImportedView {
        kind: outcome.kind.word().to_owned(),
        rows: outcome.rows,
        new: outcome.counts.new,
        unchanged: outcome.counts.unchanged,
        changed: outcome.counts.changed,
        late_facts: outcome.counts.late_facts,
        notes: outcome.counts.notes,
        already_imported: outcome.already_imported,
        dry_run: outcome.dry_run,
        digest,
        sha256,
    }
}

/// The files that were imported, the newest first
#[utoipa::path(get, path = "/imports", tag = "main job", params(ImportQuery,
    ("after" = Option<String>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 if not given", minimum = 1, maximum = 200),
    ("sort" = Option<String>, Query, description = "`id` for the oldest first, `-id` for the newest first; the newest first if not given"),
    ("format" = Option<String>, Query, description = "`csv` for the whole list as CSV")),
    responses((status = 200, description = "A page of files", body = Page<ImportView>)))]
async fn list_imports(asker: Asker, Listed { filter, paging }: Listed<ImportQuery>) -> Result<Response, Problem> {
    let kind = parsed_if("kind", filter.kind.as_deref())?;
    let ctx = &asker.ctx;
    let read = |turn: Turn| async move {
        let after = parsed_if("after", turn.after.as_deref())?;
        let records = import::receipts(ctx, kind, (after, turn.oldest_first), turn.limit).await?;
        Ok(records.into_iter().map(ImportView::from).collect())
    };
    paging.answer_from("id", read).await
}

/// Import a file, CSV or XLSX, or only check it; all faults are told by row
#[utoipa::path(post, path = "/imports/{kind}", tag = "main job",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(NewImportQuery, ("kind" = String, Path, description = "organisations, systems, platforms, projects, catalogue, contracts, prices, allocations, declared-work, provider-bill or outages")),
    responses((status = 201, description = "What it did", body = ImportedView)))]
async fn import_file(
    Path(kind): Path<String>,
    Filter(query): Filter<NewImportQuery>,
    change: Change<Upload<MIB_MAX>>,
) -> Result<Response, Problem> {
    let make = async |asker: Asker, upload: Upload<MIB_MAX>| {
        let kind: ImportKind = parsed("kind", &kind)?;
        // Asked here too, so that nothing is received of a file that would be refused.
        import::may_import(&asker.ctx, kind).await?;
        let dry_run = flag("dry_run", query.dry_run.as_deref())?;
        let received = upload.receive(&asker.ctx).await?;
        let bytes = received.bytes()?;
        let options = ImportOptions { dry_run };
        let (ctx, name) = (asker.ctx, query.name);
        let outcome = aside(async move || import::import_file(&ctx, kind, &name, &bytes, options).await).await?;
        let view = imported(outcome, received.digest.to_string(), received.sha256.clone());
        Ok(Answer::created(view))
    };
    change.once(make).await
}

/// An empty form for a kind of file
#[utoipa::path(get, path = "/forms/imports/{kind}", tag = "main job", params(FormQuery,
    ("kind" = String, Path, description = "organisations, systems, platforms, projects, catalogue, contracts, prices, allocations, declared-work, provider-bill or outages")),
    responses((status = 200, description = "The form", content(
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Vec<u8> = "text/csv")))))]
async fn import_form(
    asker: Asker,
    Path(kind): Path<String>,
    Filter(query): Filter<FormQuery>,
) -> Result<Response, Problem> {
    asker.ctx.reach(Action::RegistryRead, "form").await?;
    let kind: ImportKind = parsed("kind", &kind)?;
    let (is_workbook, media, ending) = query.form()?;
    let bytes = import::form(kind.template(), is_workbook, asker.ctx.now())?;
    Ok(download::bytes(bytes, media, &format!("{}.{ending}", kind.zh())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_is_what_an_import_takes() {
        assert_eq!(MIB_MAX << 20, import::bytes_max());
    }
}
