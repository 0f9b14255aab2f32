//! An expert review while it goes on: opened, interests declared, opinions heard, decided. The decision makes the record
//! that the rules go by; until then nothing follows from it. What may follow which, [`Panel`] says.
//!
//! Invariant: a decision needs a declaration and an opinion of every reviewer who is left.

use super::review::{NewReview, SERIES, about, keep};
use super::{RequestError, seen};
use crate::series::number_of;
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::registry::Side;
use domain::rules::{Condition, ExpertReview, PanelError, ReviewDecision, ReviewScope};
pub use domain::rules::{NewPanel, Panel, PanelStep};
use kernel::Instant;
use store::{StoreError, UnitOfWork};

const PAPER: &str = "panel";

/// What is decided at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelDecision {
    /// The decision.
    pub decision: ReviewDecision,
    /// What it covers.
    pub scope: Vec<ReviewScope>,
    /// Under which conditions.
    pub conditions: Vec<Condition>,
    /// The first moment it no longer holds.
    pub expires: Option<Instant>,
}

fn refused(why: PanelError) -> AppError {
    RequestError::Invalid(why.to_string()).into()
}

async fn panels_in(work: &mut UnitOfWork, number: &str, version: i64) -> Result<Vec<Panel>, AppError> {
    let (panels, there) = work.paper::<Vec<Panel>>((number, PAPER)).await?.unwrap_or_default();
    if there == version {
        Ok(panels)
    } else {
        Err(StoreError::Conflict(format!("申请 {number} 的论证")).into())
    }
}

/// The reviews of an application on their way and over, and their version; the record of each that is over is in the
/// application. A provider sees none.
pub async fn panels(ctx: &OpContext, number: &str) -> Result<(Vec<Panel>, i64), AppError> {
    // Whoever holds reviews sees those of drafts too.
    if ctx.who()?.roles.contains(&Role::ExpertSecretary) {
        about(ctx, number).await?;
    } else {
        seen(ctx, number).await?;
    }
    if ctx.who()?.side == Side::Provider {
        return Ok((Vec::new(), 0));
    }
    let found = ctx.store().read().await?.paper::<Vec<Panel>>((number, PAPER)).await?;
    Ok(found.unwrap_or_default())
}

/// Opens a review of an application. `version` is the one of its reviews that was read; 0 for the first.
pub async fn open_panel(ctx: &OpContext, (number, version): (&str, i64), new: NewPanel) -> Result<Panel, AppError> {
    about(ctx, number).await?;
    let reviewers = new.reviewers().map_err(refused)?;
    let mut work = ctx.store().begin().await?;
    let mut panels = panels_in(&mut work, number, version).await?;
    let code = number_of(ctx, &mut work, SERIES).await?;
    let panel = Panel::open((code, ctx.now()), new, reviewers);
    panels.push(panel.clone());
    save(ctx, &mut work, (number, version), &panels, ("review.open", &panel)).await?;
    work.commit().await?;
    Ok(panel)
}

async fn save(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    (number, version): (&str, i64),
    panels: &[Panel],
    (action, panel): (&str, &Panel),
) -> Result<(), AppError> {
    work.set_paper((number, PAPER), &panels, version).await?;
    let detail = serde_json::json!({ "request": number, "review": panel });
    work.audit(ctx.now(), (ctx.actor(), action, &panel.code), detail.to_string())
        .await?;
    Ok(())
}

fn found<'p>(panels: &'p mut [Panel], code: &str) -> Result<&'p mut Panel, AppError> {
    let panel = panels.iter_mut().find(|panel| panel.code == code);
    panel.ok_or_else(|| unknown(code))
}

fn unknown(code: &str) -> AppError {
    AppError::NotFound {
        what: "论证",
        key: code.to_owned(),
        advice: "请刷新后重试",
    }
}

const fn audited_as(step: &PanelStep) -> &'static str {
    match step {
        PanelStep::Declare { .. } => "review.declare",
        PanelStep::Replace { .. } => "review.replace",
        PanelStep::Opine(_) => "review.opine",
    }
}

/// Notes one step of a review on its way.
pub async fn go_on_with_panel(
    ctx: &OpContext,
    (number, code, version): (&str, &str, i64),
    step: PanelStep,
) -> Result<Panel, AppError> {
    about(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let mut panels = panels_in(&mut work, number, version).await?;
    let panel = found(&mut panels, code)?;
    let action = audited_as(&step);
    panel.step(step).map_err(refused)?;
    let panel = panel.clone();
    save(ctx, &mut work, (number, version), &panels, (action, &panel)).await?;
    work.commit().await?;
    Ok(panel)
}

/// Notes, of a review that was decided, what shows that a condition is met, by the condition's place from 1. Returns the
/// record. Errors: there is no such review or condition; it was noted before.
pub async fn meet_condition(
    ctx: &OpContext,
    (number, code, version): (&str, &str, i64),
    (place, evidence): (usize, &str),
) -> Result<ExpertReview, AppError> {
    about(ctx, number).await?;
    let mut work = ctx.store().begin().await?;
    let panels = panels_in(&mut work, number, version).await?;
    let reviews = work.expert_reviews::<ExpertReview>(number).await?;
    let review = reviews.into_iter().find(|review| review.code == code);
    let mut review = review.ok_or_else(|| unknown(code))?;
    let met = review.meet(place, evidence);
    met.map_err(|why| RequestError::Invalid(why.to_string()))?;
    work.save_expert_review(code, &review).await?;
    work.set_paper((number, PAPER), &panels, version).await?;
    let detail = serde_json::json!({ "request": number, "condition": place, "evidence": evidence });
    work.audit(ctx.now(), (ctx.actor(), "review.meet", code), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(review)
}

/// Decides a review on its way, and records it: the rules go by it from now on. Errors: the record is not complete; all
/// that is missing is named.
pub async fn decide_panel(
    ctx: &OpContext,
    (number, code, version): (&str, &str, i64),
    decided: PanelDecision,
) -> Result<ExpertReview, AppError> {
    let request = about(ctx, number).await?;
    let now = ctx.now();
    let mut work = ctx.store().begin().await?;
    let mut panels = panels_in(&mut work, number, version).await?;
    let panel = found(&mut panels, code)?;
    panel.decide(decided.decision).map_err(refused)?;
    let panel = panel.clone();
    let new = NewReview {
        form: panel.form,
        subject: panel.subject,
        grounds: panel.grounds.clone(),
        reviewers: panel.reviewers.clone(),
        opinions: panel.opinions.clone(),
        decision: decided.decision,
        decided: now,
        scope: decided.scope,
        conditions: decided.conditions,
        expires: decided.expires,
    };
    let review = keep(ctx, &mut work, &request, (code.to_owned(), new)).await?;
    work.set_paper((number, PAPER), &panels, version).await?;
    let detail = serde_json::json!({ "request": number, "review": review });
    work.audit(now, (ctx.actor(), "review.record", &review.code), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(review)
}
