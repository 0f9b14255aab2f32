//! What was imported, and empty forms to fill in.

use super::ImportKind;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::Side;
use kernel::{ImportId, Instant, OrganisationCode};
use sources::tabular::{Template, template_csv};
use store::ImportRecord;

/// The action that importing a kind of file needs.
pub const fn action(kind: ImportKind) -> Action {
    match kind {
        ImportKind::ProviderBill => Action::BillSubmit,
        ImportKind::Prices => Action::PricePrepare,
        // As at the node itself: the file says nothing that could not be said there.
        ImportKind::Platforms => Action::NodeWrite,
        _ => Action::RegistryImport,
    }
}

/// Whether whoever acts may import files of a kind. [`import_file`](super::import_file) asks this itself; who would have
/// to receive the file first asks before. A provider hands in its own bills; that a bill is its own is judged when it is
/// read.
pub async fn may_import(ctx: &OpContext, kind: ImportKind) -> Result<(), AppError> {
    let who = ctx.who().ok().filter(|who| who.side == Side::Provider);
    may_import_for(ctx, kind, who.map(|who| &who.organisation)).await
}

/// Whether whoever acts may import a file of a kind that speaks for a provider.
pub(super) async fn may_import_for(
    ctx: &OpContext,
    kind: ImportKind,
    provider: Option<&OrganisationCode>,
) -> Result<(), AppError> {
    let about = Target {
        provider: provider.cloned(),
        ..Target::of("import", kind.word())
    };
    ctx.judge(action(kind), &about).await
}

/// The files that were imported, of one kind or of all, the newest or the oldest first, at most `limit`, after one of
/// the list if it is given. A provider sees what its own people handed in.
pub async fn receipts(
    ctx: &OpContext,
    kind: Option<ImportKind>,
    (after, oldest_first): (Option<ImportId>, bool),
    limit: i64,
) -> Result<Vec<ImportRecord>, AppError> {
    let who = ctx.who()?.clone();
    let is_provider = who.side == Side::Provider;
    may_import(
        ctx,
        if is_provider {
            ImportKind::ProviderBill
        } else {
            ImportKind::Systems
        },
    )
    .await?;
    let mut read = ctx.store().read().await?;
    let own = match is_provider {
        true => Some(ctx.own_and_below(&mut read, &who.organisation).await?),
        false => None,
    };
    let kind = kind.map(ImportKind::word);
    Ok(read.imports(kind, own.as_ref(), (after, oldest_first), limit).await?)
}

/// An empty form for files with these columns: as a workbook, or as CSV with an example row.
pub fn form(template: &Template, is_workbook: bool, at: Instant) -> Result<Vec<u8>, AppError> {
    if !is_workbook {
        return Ok(template_csv(template));
    }
    let column = |column: &sources::tabular::Column| documents::TemplateColumn {
        heading: column.zh.to_owned(),
        field: column.field.to_owned(),
        required: column.required,
        note: column.note_zh.to_owned(),
        example: column.example.to_owned(),
    };
    let columns: Vec<_> = template.columns.iter().map(column).collect();
    Ok(documents::template_xlsx(template.title_zh, &columns, at)?)
}
