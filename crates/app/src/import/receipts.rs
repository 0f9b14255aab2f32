//! What was imported, and empty forms to fill in.

use super::ImportKind;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::Side;
use kernel::{ImportId, Instant};
use sources::tabular::{Template, template_csv};
use store::ImportRecord;

/// The action that importing a kind of file needs.
pub const fn action(kind: ImportKind) -> Action {
    match kind {
        ImportKind::ProviderBill => Action::BillSubmit,
        ImportKind::Prices => Action::PricePrepare,
        _ => Action::RegistryImport,
    }
}

/// Whether whoever acts may import files of a kind. A provider hands in its own bills; that a bill is its own is checked
/// when it is read.
pub async fn may_import(ctx: &OpContext, kind: ImportKind) -> Result<(), AppError> {
    let who = ctx.who()?.clone();
    let about = Target {
        kind: "import",
        id: kind.word().to_owned(),
        provider: Some(who.organisation).filter(|_| who.side == Side::Provider),
        ..Target::default()
    };
    ctx.authorise(action(kind), &about).await?;
    Ok(())
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
    let kind = kind.map(ImportKind::word);
    if !is_provider {
        return Ok(read.imports(kind, (after, oldest_first), limit).await?);
    }
    let own = ctx.own_and_below(&who.organisation).await?;
    let (mut seen, mut after) = (Vec::new(), after);
    // What others handed in is passed over, however much of it comes before their own.
    loop {
        let records = read.imports(kind, (after, oldest_first), limit).await?;
        let there = i64::try_from(records.len()).unwrap_or(i64::MAX);
        after = records.last().map(|record| record.id);
        for record in records {
            let giver = read.account_by_login(&record.actor).await?;
            if giver.is_some_and(|giver| own.contains(giver.organisation.as_str())) {
                seen.push(record);
            }
        }
        let enough = usize::try_from(limit).is_ok_and(|limit| seen.len() >= limit);
        if there < limit || enough {
            seen.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            return Ok(seen);
        }
    }
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
