//! Importing a file: registers, facts of platforms, catalogue, contracts, prices, allocations, accepted work, providers' bills, outages.
//!
//! Owns what the columns of each kind of file are called and what a row must refer to. The rules themselves are the
//! domain's. One file is one unit of work: any fault, and nothing of it is stored; all faults are listed by row.
//!
//! Invariants: the same content takes effect once, however often it is sent (I6); what is stored is never overwritten
//! by a file that says something else; a closed month is never changed, what concerns it is noted instead (I5).

mod allocations;
mod approved;
mod catalogue;
pub(crate) mod cells;
mod contracts;
mod declared_work;
mod file;
mod job;
mod kind;
mod organisations;
mod outages;
mod platforms;
mod prices;
mod projects;
mod provider_bill;
mod receipts;
mod registers;
mod systems;
#[cfg(test)]
mod tests;

pub use file::{Counts, ImportOptions, ImportOutcome};
pub use kind::ImportKind;
pub use receipts::{form, may_import, receipts};
pub use store::ImportRecord;

use crate::{AppError, OpContext};
use file::File;
use job::{Job, Line};
use kernel::{Digest, Faults, OrganisationCode};
use receipts::may_import_for;
use sources::tabular::{Limits, Record, Records, Template, read_for, records};
use std::collections::BTreeSet;

/// Bytes that a file may have; one that has more is refused.
pub fn bytes_max() -> usize {
    Limits::default().bytes
}

impl ImportKind {
    /// Its columns.
    pub const fn template(self) -> &'static Template {
        match self {
            ImportKind::Organisations => &organisations::TEMPLATE,
            ImportKind::Systems => &systems::TEMPLATE,
            ImportKind::Platforms => &platforms::TEMPLATE,
            ImportKind::Projects => &projects::TEMPLATE,
            ImportKind::Catalogue => &catalogue::TEMPLATE,
            ImportKind::Contracts => &contracts::TEMPLATE,
            ImportKind::Prices => &prices::TEMPLATE,
            ImportKind::Allocations => &allocations::TEMPLATE,
            ImportKind::DeclaredWork => &declared_work::TEMPLATE,
            ImportKind::ProviderBill => &provider_bill::TEMPLATE,
            ImportKind::Outages => &outages::TEMPLATE,
        }
    }
}

/// Imports a file, if whoever acts may. `name` is the file's name, `bytes` its content.
///
/// Errors: the file cannot be read, has faults (all of them, by row), contradicts what was handed in before, or
/// concerns a closed month in a way that is not accepted. Nothing is stored then.
pub async fn import_file(
    ctx: &OpContext,
    kind: ImportKind,
    name: &str,
    bytes: &[u8],
    options: ImportOptions,
) -> Result<ImportOutcome, AppError> {
    may_import(ctx, kind).await?;
    let file = File {
        kind,
        name,
        bytes,
        options,
    };
    match kind {
        ImportKind::Organisations => run::<organisations::Organisations>(ctx, file).await,
        ImportKind::Systems => run::<systems::Systems>(ctx, file).await,
        ImportKind::Platforms => run::<platforms::Platforms>(ctx, file).await,
        ImportKind::Projects => run::<projects::Projects>(ctx, file).await,
        ImportKind::Catalogue => run::<catalogue::Catalogue>(ctx, file).await,
        ImportKind::Contracts => run::<contracts::Contracts>(ctx, file).await,
        ImportKind::Prices => run::<prices::Prices>(ctx, file).await,
        ImportKind::Allocations => run::<allocations::Allocations>(ctx, file).await,
        ImportKind::DeclaredWork => run::<declared_work::DeclaredWork>(ctx, file).await,
        ImportKind::ProviderBill => run::<provider_bill::Bill>(ctx, file).await,
        ImportKind::Outages => run::<outages::Outages>(ctx, file).await,
    }
}

/// A kind of file: how a row is read, and how the rows are checked and stored.
trait Sheet {
    /// What a row says.
    type Row;

    /// Reads one row. Notes every fault in it; `None` if there was one.
    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row>;

    /// The providers in whose name the rows speak. Whoever acts is judged for each of them, before anything is begun.
    fn providers<'l>(_rows: &'l [Line<'_, Self::Row>]) -> BTreeSet<&'l OrganisationCode> {
        BTreeSet::new()
    }

    /// Checks the rows against what is stored and against each other, notes every fault, and stores them if there is
    /// none.
    async fn take(job: &mut Job<'_>, records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError>;
}

async fn run<S: Sheet>(ctx: &OpContext, file: File<'_>) -> Result<ImportOutcome, AppError> {
    let File { kind, name, bytes, .. } = file;
    let digest = Digest::of(bytes);
    if let Some(before) = ctx.store().read().await?.find_import(kind.word(), digest).await? {
        return Ok(again(file, &before));
    }
    let limits = Limits {
        rows: kind.rows_max(),
        ..Limits::default()
    };
    let table = read_for(kind.template(), name, bytes, limits)?;
    let mut faults = Faults::new();
    let Some(records) = records(&table, kind.template(), &mut faults) else {
        return Err(AppError::Faults(faults));
    };
    let mut rows = Vec::with_capacity(records.len());
    for record in records.iter() {
        rows.extend(S::read(&record, &mut faults).map(|value| Line { record, value }));
    }
    for provider in S::providers(&rows) {
        may_import_for(ctx, kind, Some(provider)).await?;
    }
    let mut job = Job::begin(ctx, file, digest, faults).await?;
    // Once more, now that nobody else can write: two programs may have been given the same file.
    if let Some(before) = job.work.find_import(kind.word(), digest).await? {
        return Ok(again(file, &before));
    }
    S::take(&mut job, &records, rows).await?;
    job.finish(records.len()).await
}

fn again(file: File<'_>, before: &ImportRecord) -> ImportOutcome {
    let rows = u64::try_from(before.rows).unwrap_or(0);
    let note = format!(
        "内容与 {} 由 {} 导入的文件「{}」相同，未重复导入",
        before.at, before.actor, before.file_name
    );
    let counts = Counts {
        unchanged: rows,
        notes: vec![note],
        ..Counts::default()
    };
    ImportOutcome {
        kind: file.kind,
        rows,
        counts,
        already_imported: true,
        dry_run: file.options.dry_run,
    }
}
