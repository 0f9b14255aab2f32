//! Cases: what a person must look at, and how it ends.
//!
//! A case ends by the word of a person, with an outcome and a reason, or by the run of metering that did not find its
//! cause any more. It ends once; what comes up again is a case of its own.

mod error;

pub use error::CaseError;

use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::meter::{CaseKind, CaseOutcome};
use kernel::{CaseId, Instant};
use store::{CaseEnding, CaseFile};

/// Which cases, by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CaseState {
    /// Those that nobody has settled.
    #[default]
    Open,
    /// Those that ended.
    Settled,
    /// All.
    All,
}

/// Which cases to list.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// By how they stand.
    pub state: CaseState,
    /// Only of this kind.
    pub kind: Option<CaseKind>,
    /// Only of this owner: code of an organisation.
    pub owner: Option<String>,
    /// Only open ones whose deadline has passed.
    pub overdue: bool,
}

impl CaseFilter {
    fn wants(&self, case: &CaseFile, now: Instant) -> bool {
        let is_open = case.ended.is_none();
        let state = match self.state {
            CaseState::Open => is_open,
            CaseState::Settled => !is_open,
            CaseState::All => true,
        };
        state
            && self.kind.is_none_or(|kind| kind == case.finding.kind)
            && self.owner.as_ref().is_none_or(|owner| *owner == case.finding.owner)
            && (!self.overdue || (is_open && case.deadline < now.day()))
    }
}

/// How somebody settles a case.
#[derive(Debug, Clone)]
pub struct SettleCase {
    /// The case.
    pub id: CaseId,
    /// With what.
    pub outcome: CaseOutcome,
    /// Why.
    pub reason: String,
}

/// The cases that a filter wants, the oldest first.
pub async fn list(ctx: &OpContext, filter: &CaseFilter) -> Result<Vec<CaseFile>, AppError> {
    let mut cases = ctx.store().read().await?.cases().await?;
    cases.retain(|case| filter.wants(case, ctx.now()));
    Ok(cases)
}

/// Settles a case, if whoever acts may. Returns it as it stands then.
pub async fn settle(ctx: &OpContext, input: SettleCase) -> Result<CaseFile, AppError> {
    let about = Target {
        kind: "case",
        id: input.id.to_string(),
        ..Target::default()
    };
    ctx.judge(Action::CaseSettle, &about).await?;
    let reason = input.reason.trim();
    if reason.is_empty() {
        return Err(CaseError::ReasonMissing.into());
    }
    if input.outcome == CaseOutcome::Gone {
        return Err(CaseError::NotForPersons.into());
    }
    let mut work = ctx.store().begin().await?;
    let case = work.case(input.id).await?.ok_or_else(|| AppError::NotFound {
        what: "案件",
        key: input.id.to_string(),
        advice: "请在待核事项的全部清单中查看编号",
    })?;
    if let Some(ended) = case.ended {
        return Err(CaseError::Ended {
            at: ended.at,
            by: ended.by,
            outcome: ended.outcome,
        }
        .into());
    }
    let now = ctx.now();
    let ending = CaseEnding {
        outcome: input.outcome,
        reason: reason.to_owned(),
        by: ctx.actor().to_owned(),
        at: now,
        month: now.day().month(),
    };
    work.end_case(case.id, &ending).await?;
    let detail = serde_json::json!({
        "kind": case.finding.kind, "subject": case.finding.subject, "outcome": ending.outcome, "reason": ending.reason,
    });
    work.audit(
        now,
        (ctx.actor(), "case.settle", &case.id.to_string()),
        detail.to_string(),
    )
    .await?;
    work.commit().await?;
    Ok(CaseFile {
        ended: Some(ending),
        ..case
    })
}
