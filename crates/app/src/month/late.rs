//! Facts that concern closed months: the one place that notes them.
//!
//! A closed month is never changed (I5). What arrives for one is stored with the other facts, and noted here, so that
//! the next rating and close of an open month post the difference.

use crate::{AppError, OpContext};
use kernel::{ImportId, Month, Period};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use store::{Connection, LateFact};

/// Why a closed month is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Something that was so then, and is known only now: it is posted without being asked for.
    LateData,
    /// An outage that is recorded or corrected only now: no charge changes, but what is deducted does.
    LateOutage,
    /// Terms or prices that are to hold for days that are settled: a proposal that needs somebody's reason.
    BackdatedPrice,
    /// Somebody had the month rated again, and gave a reason.
    Rerate,
}

impl Cause {
    const fn word(self) -> &'static str {
        match self {
            Self::LateData => LateFact::LATE_DATA,
            Self::LateOutage => LateFact::LATE_OUTAGE,
            Self::BackdatedPrice => LateFact::BACKDATED_PRICE,
            Self::Rerate => LateFact::RERATE,
        }
    }

    /// Whether it is posted without somebody's reason.
    const fn is_approved(self) -> bool {
        !matches!(self, Self::BackdatedPrice)
    }
}

/// What concerns closed months, gathered until it is noted.
#[derive(Debug)]
pub(crate) struct LateFacts {
    closed: Vec<Month>,
    /// Rows by month, cause and what it is about.
    rows: BTreeMap<(Month, Cause, Cow<'static, str>), u64>,
}

/// The file that facts come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LateFile<'f> {
    pub(crate) name: &'f str,
    pub(crate) import: ImportId,
}

/// What was noted.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// Facts that are new.
    pub(crate) facts: u64,
    /// The months that are concerned, by cause.
    pub(crate) months: BTreeMap<Cause, BTreeSet<Month>>,
}

impl Noted {
    /// What becomes of it, a sentence for each cause.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = String> {
        self.months.iter().map(|(cause, months)| late_words(*cause, months))
    }
}

impl LateFacts {
    /// With nothing in it, for the months that are closed now.
    pub(crate) async fn new(work: &mut Connection) -> Result<Self, AppError> {
        let closed = work.closed_months().await?.into_iter().map(|record| record.month);
        Ok(Self {
            closed: closed.collect(),
            rows: BTreeMap::new(),
        })
    }

    /// Gathers for every closed month that shares time with `period` that so many rows concern it.
    pub(crate) fn concerns(
        &mut self,
        period: Period,
        cause: Cause,
        subject: impl Into<Cow<'static, str>>,
        rows: usize,
    ) {
        let (subject, rows) = (subject.into(), u64::try_from(rows).unwrap_or(u64::MAX));
        for month in self.closed.iter().filter(|month| month.period().and(period).is_some()) {
            *self.rows.entry((*month, cause, subject.clone())).or_insert(0) += rows;
        }
    }

    /// Notes what was gathered. One open fact of the same wording, month and file is enough: the month is rated again
    /// as a whole.
    pub(crate) async fn note(
        self,
        ctx: &OpContext,
        work: &mut Connection,
        file: Option<LateFile<'_>>,
    ) -> Result<Noted, AppError> {
        let mut noted = Noted::default();
        if self.rows.is_empty() {
            return Ok(noted);
        }
        let open = work.open_late_facts().await?;
        for ((month, cause, subject), rows) in self.rows {
            noted.months.entry(cause).or_default().insert(month);
            let fact = LateFact {
                id: ctx.new_id(),
                month,
                cause: cause.word().to_owned(),
                detail: match file {
                    Some(file) => format!("{subject}（文件「{}」{rows} 行）", file.name),
                    None => subject.into_owned(),
                },
                at: ctx.now(),
                approved: cause.is_approved(),
                posted_in: None,
                import: file.map(|file| file.import),
            };
            let is_there = open.iter().any(|there| {
                there.month == fact.month
                    && there.cause == fact.cause
                    && there.detail == fact.detail
                    && there.import == fact.import
            });
            if !is_there {
                work.add_late_fact(&fact).await?;
                noted.facts += 1;
            }
        }
        Ok(noted)
    }
}

/// What becomes of what concerns closed months, for whoever brings it.
fn late_words(cause: Cause, months: &BTreeSet<Month>) -> String {
    let list = months.iter().map(Month::to_string).collect::<Vec<_>>().join("、");
    let first = months.first().map(Month::to_string).unwrap_or_default();
    match cause {
        Cause::LateData | Cause::Rerate => {
            format!("有内容属于已关账的月份 {list}：这些月份不再变动，差额在下次计价时作为更正行计入未关账月份")
        }
        Cause::LateOutage => format!(
            "有中断发生在已关账的月份 {list}：这些月份的结算单不再变动，应扣减的差额在下次关账时计入未关账月份的结算单"
        ),
        Cause::BackdatedPrice => format!(
            "有内容自已关账的月份 {list} 起追溯生效：这些月份不再变动，只登记为调整建议；\
             如应补差，请从 {first} 起逐月说明理由后重算"
        ),
    }
}
