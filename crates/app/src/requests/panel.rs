//! An expert review while it goes on: opened, interests declared, opinions heard, decided. The decision makes the record
//! that the rules go by; until then nothing follows from it.
//!
//! Invariants: nobody with a conflict of interest is heard; a decision needs a declaration and an opinion of every
//! reviewer who is left; what was decided is not changed any more.

use super::review::{NewReview, SERIES, about, keep};
use super::{RequestError, seen};
use crate::series::number_of;
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::registry::Side;
use domain::rules::{
    Condition, ExpertReview, Opinion, ReviewDecision, ReviewForm, ReviewScope, ReviewSubject, Reviewer,
};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use store::{StoreError, UnitOfWork};

const PAPER: &str = "panel";

/// A review to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPanel {
    /// Its form.
    pub form: ReviewForm,
    /// What the exception is for.
    pub subject: ReviewSubject,
    /// Why the exception is needed.
    pub grounds: String,
    /// Who is to review: name and where from.
    pub reviewers: Vec<(String, String)>,
}

/// A review on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// Its number, which the record keeps.
    pub code: String,
    /// Its form.
    pub form: ReviewForm,
    /// What the exception is for.
    pub subject: ReviewSubject,
    /// Why the exception is needed.
    pub grounds: String,
    /// The reviewers, with what they declared.
    pub reviewers: Vec<Reviewer>,
    /// Those who left because of a conflict of interest.
    pub recused: Vec<Reviewer>,
    /// What was said.
    pub opinions: Vec<Opinion>,
    /// When it was opened.
    pub opened: Instant,
    /// What it came to; none while it goes on.
    pub decision: Option<ReviewDecision>,
}

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

/// One step of a review on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelStep {
    /// A reviewer declares about interests: none, or which conflict.
    Declare {
        /// Who.
        reviewer: String,
        /// The conflict, if there is one.
        conflict: Option<String>,
    },
    /// A reviewer with a conflict leaves, and another comes.
    Replace {
        /// Who leaves.
        reviewer: String,
        /// Who comes: name and where from; none if nobody does.
        by: Option<(String, String)>,
    },
    /// A reviewer gives an opinion.
    Opine(Opinion),
}

fn invalid(text: impl Into<String>) -> AppError {
    RequestError::Invalid(text.into()).into()
}

fn reviewer((name, affiliation): (String, String)) -> Result<Reviewer, AppError> {
    if name.trim().is_empty() {
        return Err(invalid("评审人员的姓名不能为空"));
    }
    Ok(Reviewer {
        name,
        affiliation,
        declared: false,
        conflict: None,
    })
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
    if new.grounds.trim().is_empty() || new.reviewers.is_empty() {
        return Err(invalid("请写明需要例外的理由，并列出评审人员"));
    }
    let reviewers = new.reviewers.into_iter().map(reviewer).collect::<Result<Vec<_>, _>>()?;
    let mut work = ctx.store().begin().await?;
    let mut panels = panels_in(&mut work, number, version).await?;
    let panel = Panel {
        code: number_of(ctx, &mut work, SERIES).await?,
        form: new.form,
        subject: new.subject,
        grounds: new.grounds,
        reviewers,
        recused: Vec::new(),
        opinions: Vec::new(),
        opened: ctx.now(),
        decision: None,
    };
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

fn on_its_way<'p>(panels: &'p mut [Panel], code: &str) -> Result<&'p mut Panel, AppError> {
    let panel = panels.iter_mut().find(|panel| panel.code == code);
    let panel = panel.ok_or_else(|| AppError::NotFound {
        what: "论证",
        key: code.to_owned(),
        advice: "请刷新后重试",
    })?;
    match panel.decision {
        None => Ok(panel),
        Some(_) => Err(invalid(format!("论证 {code} 已有结论，不能再改；如需改变请另行论证"))),
    }
}

fn apply(panel: &mut Panel, step: PanelStep) -> Result<&'static str, AppError> {
    let stranger = |name: &str| invalid(format!("{name}不在评审名单之内，请核对姓名"));
    match step {
        PanelStep::Declare { reviewer, conflict } => {
            let found = panel.reviewers.iter_mut().find(|known| known.name == reviewer);
            let known = found.ok_or_else(|| stranger(&reviewer))?;
            known.declared = true;
            known.conflict = conflict.filter(|why| !why.trim().is_empty());
            if known.conflict.is_some() {
                panel.opinions.retain(|opinion| opinion.reviewer != reviewer);
            }
            Ok("review.declare")
        }
        PanelStep::Replace { reviewer: leaving, by } => {
            let place = panel.reviewers.iter().position(|known| known.name == leaving);
            let place = place.ok_or_else(|| stranger(&leaving))?;
            if panel.reviewers.get(place).is_none_or(|known| known.conflict.is_none()) {
                return Err(invalid(format!("{leaving}没有申报利益冲突，不能更换")));
            }
            panel.recused.push(panel.reviewers.remove(place));
            panel.opinions.retain(|opinion| opinion.reviewer != leaving);
            panel.reviewers.extend(by.map(reviewer).transpose()?);
            Ok("review.replace")
        }
        PanelStep::Opine(opinion) => {
            let known = panel.reviewers.iter().find(|known| known.name == opinion.reviewer);
            let known = known.ok_or_else(|| stranger(&opinion.reviewer))?;
            if !known.declared || known.conflict.is_some() {
                let why = "没有利益冲突声明，或者有利益冲突，不能发表意见";
                return Err(invalid(format!("{}{why}", known.name)));
            }
            panel.opinions.retain(|before| before.reviewer != opinion.reviewer);
            panel.opinions.push(opinion);
            Ok("review.opine")
        }
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
    let panel = on_its_way(&mut panels, code)?;
    let action = apply(panel, step)?;
    let panel = panel.clone();
    save(ctx, &mut work, (number, version), &panels, (action, &panel)).await?;
    work.commit().await?;
    Ok(panel)
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
    let panel = on_its_way(&mut panels, code)?;
    panel.decision = Some(decided.decision);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        Panel {
            code: "LZ-202610-0001".into(),
            form: ReviewForm::ExpertReview,
            subject: ReviewSubject::NonXinchuang,
            grounds: "专用软件不支持".into(),
            reviewers: ["甲", "乙"]
                .map(|name| reviewer((name.into(), "大学".into())).unwrap())
                .into(),
            recused: Vec::new(),
            opinions: Vec::new(),
            opened: Instant::from_unix_s(0),
            decision: None,
        }
    }

    fn opinion(name: &str) -> PanelStep {
        PanelStep::Opine(Opinion {
            reviewer: name.into(),
            in_favour: true,
            text: "同意".into(),
        })
    }

    #[test]
    fn nobody_is_heard_before_a_declaration_or_with_a_conflict() {
        let mut panel = panel();
        assert!(apply(&mut panel, opinion("甲")).is_err());
        let declare = |conflict: Option<&str>| PanelStep::Declare {
            reviewer: "甲".into(),
            conflict: conflict.map(str::to_owned),
        };
        apply(&mut panel, declare(None)).unwrap();
        apply(&mut panel, opinion("甲")).unwrap();
        apply(&mut panel, declare(Some("参与过该项目"))).unwrap();
        assert!(
            panel.opinions.is_empty(),
            "what was said with a conflict does not count"
        );
        assert!(apply(&mut panel, opinion("甲")).is_err());
        assert!(apply(&mut panel, opinion("丙")).is_err());
    }

    #[test]
    fn only_who_has_a_conflict_is_replaced() {
        let mut panel = panel();
        let replace = |by: Option<&str>| PanelStep::Replace {
            reviewer: "乙".into(),
            by: by.map(|name| (name.to_owned(), "研究院".to_owned())),
        };
        assert!(apply(&mut panel, replace(Some("丙"))).is_err());
        let conflict = Some("亲属任职".to_owned());
        let declared = PanelStep::Declare {
            reviewer: "乙".into(),
            conflict,
        };
        apply(&mut panel, declared).unwrap();
        apply(&mut panel, replace(Some("丙"))).unwrap();
        let names: Vec<_> = panel.reviewers.iter().map(|r| r.name.as_str()).collect();
        assert_eq!((names, panel.recused.len()), (vec!["甲", "丙"], 1));
    }
}
