//! One file on its way into the store: its unit of work, its faults, and what it does to closed months.

use super::{Counts, File, ImportKind, ImportOutcome};
use crate::{AppError, OpContext};
use kernel::{Digest, Faults, ImportId, Instant, Month, Period};
use sources::tabular::Record;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use store::{ImportRecord, LateFact, UnitOfWork};

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

/// Why a closed month is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Something that was so then, and is known only now: it is posted without being asked for.
    LateData,
    /// Terms or prices that are to hold for days that are settled: a proposal that needs somebody's reason.
    BackdatedPrice,
}

impl Cause {
    const fn word(self) -> &'static str {
        match self {
            Self::LateData => LateFact::LATE_DATA,
            Self::BackdatedPrice => LateFact::BACKDATED_PRICE,
        }
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
    kind: ImportKind,
    file: &'c str,
    closed: Vec<Month>,
    /// Rows by month, cause and what it is about.
    late: BTreeMap<(Month, Cause, Cow<'static, str>), u64>,
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
        let closed = work
            .closed_months()
            .await?
            .into_iter()
            .map(|record| record.month)
            .collect();
        Ok(Self {
            ctx,
            work,
            id: ctx.new_id(),
            now: ctx.now(),
            digest,
            only_try: options.dry_run,
            faults,
            counts: Counts::default(),
            kind,
            file: name,
            closed,
            late: BTreeMap::new(),
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
        let (subject, rows) = (subject.into(), u64::try_from(rows).unwrap_or(u64::MAX));
        for month in self.closed.iter().filter(|month| month.period().and(period).is_some()) {
            *self.late.entry((*month, cause, subject.clone())).or_insert(0) += rows;
        }
    }

    /// The closed months that share time with a period.
    pub(super) fn closed_within(&self, period: Period) -> impl Iterator<Item = Month> + '_ {
        self.closed
            .iter()
            .copied()
            .filter(move |month| month.period().and(period).is_some())
    }

    /// Adds a sentence for whoever imports the file.
    pub(super) fn note(&mut self, sentence: String) {
        self.counts.notes.push(sentence);
    }

    /// Notes what concerns closed months, records the import, audits, and commits unless this is only a try.
    pub(super) async fn finish(mut self, rows: usize) -> Result<ImportOutcome, AppError> {
        self.refuse_faults()?;
        self.counts.late_facts = self.note_late().await?;
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
        let detail = serde_json::json!({
            "import": self.id,
            "digest": self.digest,
            "rows": rows,
            "new": self.counts.new,
            "unchanged": self.counts.unchanged,
            "changed": self.counts.changed,
            "late_facts": self.counts.late_facts,
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

    async fn note_late(&mut self) -> Result<u64, AppError> {
        let late = std::mem::take(&mut self.late);
        let mut months: BTreeMap<Cause, BTreeSet<Month>> = BTreeMap::new();
        let mut count = 0;
        for ((month, cause, subject), rows) in late {
            months.entry(cause).or_default().insert(month);
            let fact = LateFact {
                id: self.ctx.new_id(),
                month,
                cause: cause.word().to_owned(),
                detail: format!("{subject}（文件「{}」{rows} 行）", self.file),
                at: self.now,
                approved: cause == Cause::LateData,
                posted_in: None,
            };
            self.work.add_late_fact(&fact).await?;
            count += 1;
        }
        for (cause, months) in months {
            let list = months.iter().map(Month::to_string).collect::<Vec<_>>().join("、");
            let first = months.first().map(Month::to_string).unwrap_or_default();
            self.counts.notes.push(match cause {
                Cause::LateData => {
                    format!("有内容属于已关账的月份 {list}：这些月份不再变动，差额在下次计价时作为更正行计入未关账月份")
                }
                Cause::BackdatedPrice => format!(
                    "有内容自已关账的月份 {list} 起追溯生效：这些月份不再变动，只登记为调整建议；\
                     如应补差，请逐月运行 yunheng month rerate {first} --reason 原因"
                ),
            });
        }
        Ok(count)
    }
}
