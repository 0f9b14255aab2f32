//! One file on its way into the store: its unit of work, its faults, and what it does to closed months.

use super::file::{Counts, File, ImportOutcome};
use super::kind::ImportKind;
use crate::audit::changes_of;
pub(super) use crate::month::Cause;
use crate::month::{LateFacts, LateFile};
use crate::{AppError, OpContext};
use kernel::{Digest, Faults, ImportId, Instant, Period};
use serde::Serialize;
use serde_json::{Value, json};
use sources::tabular::Record;
use std::borrow::Cow;
use std::fmt::Display;
use store::{ImportRecord, UnitOfWork};

/// A row that could be read, and where it stands.
pub(super) struct Line<'r, T> {
    pub(super) record: Record<'r>,
    pub(super) value: T,
}

impl<T> Line<'_, T> {
    /// Notes a fault at a field of the row.
    pub(super) fn fault(&self, field: &str, message: impl Display, faults: &mut Faults) {
        self.record.fault(field, message, faults);
    }
}

/// One import.
pub(super) struct Job<'c> {
    pub(super) ctx: &'c OpContext,
    pub(super) work: UnitOfWork,
    pub(super) id: ImportId,
    pub(super) now: Instant,
    /// Digest of the file.
    pub(super) digest: Digest,
    /// Whether nothing is to be kept, neither in the store nor beside it.
    pub(super) only_try: bool,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
    /// What changed of what was known, field by field, for the audit entry.
    changes: Vec<Value>,
    kind: ImportKind,
    file: &'c str,
    late: LateFacts,
}

impl<'c> Job<'c> {
    /// Begins the unit of work. From here on nobody else writes.
    pub(super) async fn begin(
        ctx: &'c OpContext,
        File {
            kind, name, options, ..
        }: File<'c>,
        digest: Digest,
        faults: Faults,
    ) -> Result<Self, AppError> {
        let mut work = ctx.store().begin().await?;
        let late = LateFacts::new(&mut work).await?;
        Ok(Self {
            ctx,
            work,
            id: ctx.new_id(),
            now: ctx.now(),
            digest,
            only_try: options.dry_run,
            faults,
            counts: Counts::default(),
            changes: Vec::new(),
            kind,
            file: name,
            late,
        })
    }

    /// Errors: a fault was noted.
    pub(super) fn refuse_faults(&mut self) -> Result<(), AppError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(AppError::Faults(std::mem::take(&mut self.faults)))
        }
    }

    /// Notes for every closed month that shares time with `period` that so many rows concern it.
    pub(super) fn concerns(
        &mut self,
        period: Period,
        cause: Cause,
        subject: impl Into<Cow<'static, str>>,
        rows: usize,
    ) {
        self.late.concerns(period, cause, subject, rows);
    }

    /// Notes for the audit entry what changes of something that is known, from a moment or day on.
    pub(super) fn changed(
        &mut self,
        (code, from): (&str, impl Display),
        before: &impl Serialize,
        after: &impl Serialize,
    ) -> Result<(), AppError> {
        let fields = changes_of(before, after)?;
        self.changes
            .push(json!({ "code": code, "from": from.to_string(), "fields": fields }));
        Ok(())
    }

    /// Adds a sentence for whoever imports the file.
    pub(super) fn note(&mut self, sentence: String) {
        self.counts.notes.push(sentence);
    }

    /// Notes what concerns closed months, records the import, audits, and commits unless this is only a try.
    pub(super) async fn finish(mut self, rows: usize) -> Result<ImportOutcome, AppError> {
        self.refuse_faults()?;
        let file = LateFile {
            name: self.file,
            import: self.id,
        };
        let noted = self.late.note(self.ctx, &mut self.work, Some(file)).await?;
        self.counts.late_facts = noted.facts;
        self.counts.notes.extend(noted.sentences());
        let record = ImportRecord {
            id: self.id,
            kind: self.kind.word().to_owned(),
            file_name: self.file.to_owned(),
            digest: self.digest,
            rows: i64::try_from(rows).unwrap_or(i64::MAX),
            at: self.now,
            actor: self.ctx.actor().to_owned(),
        };
        self.work.add_import(&record).await?;
        let detail = json!({
            "import": self.id,
            "digest": self.digest,
            "rows": rows,
            "new": self.counts.new,
            "unchanged": self.counts.unchanged,
            "changed": self.counts.changed,
            "late_facts": self.counts.late_facts,
            "changes": self.changes,
        });
        let action = format!("import.{}", self.kind);
        self.work
            .audit(self.now, (self.ctx.actor(), &action, self.file), detail.to_string())
            .await?;
        if self.only_try {
            self.counts.notes.push("这是试导入，没有保存任何内容".to_owned());
        } else {
            self.work.commit().await?;
        }
        Ok(ImportOutcome {
            kind: self.kind,
            rows: u64::try_from(rows).unwrap_or(u64::MAX),
            counts: self.counts,
            already_imported: false,
            dry_run: self.only_try,
        })
    }
}
