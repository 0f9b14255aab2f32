//! An expert review while it goes on: opened, interests declared, opinions heard, decided.
//!
//! Invariants: nobody with a conflict of interest is heard; only who declared a conflict is replaced; what was decided
//! is not changed any more. Whether a decided review is complete is for [`ExpertReview`](super::ExpertReview) to say.

use super::{Opinion, ReviewDecision, ReviewForm, ReviewSubject, Reviewer};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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

/// Why a review is not opened, or does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PanelError {
    /// Grounds or reviewers are missing.
    #[error("请写明需要例外的理由，并列出评审人员")]
    Incomplete,
    /// A reviewer without a name.
    #[error("评审人员的姓名不能为空")]
    Nameless,
    /// Somebody who is no reviewer.
    #[error("{0}不在评审名单之内，请核对姓名")]
    Stranger(String),
    /// Whoever has no conflict stays.
    #[error("{0}没有申报利益冲突，不能更换")]
    NoConflict(String),
    /// Nobody is heard before a declaration, or with a conflict.
    #[error("{0}没有利益冲突声明，或者有利益冲突，不能发表意见")]
    NotHeard(String),
    /// It is over.
    #[error("论证 {0} 已有结论，不能再改；如需改变请另行论证")]
    Decided(String),
}

fn reviewer((name, affiliation): (String, String)) -> Result<Reviewer, PanelError> {
    if name.trim().is_empty() {
        return Err(PanelError::Nameless);
    }
    Ok(Reviewer {
        name,
        affiliation,
        declared: false,
        conflict: None,
    })
}

impl NewPanel {
    /// Who is to review, once grounds and names are there. Errors: something is missing.
    pub fn reviewers(&self) -> Result<Vec<Reviewer>, PanelError> {
        if self.grounds.trim().is_empty() || self.reviewers.is_empty() {
            return Err(PanelError::Incomplete);
        }
        self.reviewers.iter().cloned().map(reviewer).collect()
    }
}

impl Panel {
    /// Opens a review under a number, with its [`NewPanel::reviewers`], who have declared nothing yet.
    pub fn open((code, opened): (String, Instant), new: NewPanel, reviewers: Vec<Reviewer>) -> Self {
        Self {
            code,
            form: new.form,
            subject: new.subject,
            grounds: new.grounds,
            reviewers,
            recused: Vec::new(),
            opinions: Vec::new(),
            opened,
            decision: None,
        }
    }

    /// Takes one step. Errors: it does not follow from what was declared, or the review is over.
    pub fn step(&mut self, step: PanelStep) -> Result<(), PanelError> {
        self.goes_on()?;
        match step {
            PanelStep::Declare { reviewer, conflict } => self.declare(&reviewer, conflict),
            PanelStep::Replace { reviewer, by } => self.replace(&reviewer, by),
            PanelStep::Opine(opinion) => self.opine(opinion),
        }
    }

    /// Decides it: nothing follows any more. Errors: it was decided before.
    pub fn decide(&mut self, decision: ReviewDecision) -> Result<(), PanelError> {
        self.goes_on()?;
        self.decision = Some(decision);
        Ok(())
    }

    fn goes_on(&self) -> Result<(), PanelError> {
        match self.decision {
            None => Ok(()),
            Some(_) => Err(PanelError::Decided(self.code.clone())),
        }
    }

    fn declare(&mut self, name: &str, conflict: Option<String>) -> Result<(), PanelError> {
        let found = self.reviewers.iter_mut().find(|known| known.name == name);
        let known = found.ok_or_else(|| PanelError::Stranger(name.to_owned()))?;
        known.declared = true;
        known.conflict = conflict.filter(|why| !why.trim().is_empty());
        if known.conflict.is_some() {
            self.unsay(name);
        }
        Ok(())
    }

    fn replace(&mut self, leaving: &str, by: Option<(String, String)>) -> Result<(), PanelError> {
        let place = self.reviewers.iter().position(|known| known.name == leaving);
        let place = place.ok_or_else(|| PanelError::Stranger(leaving.to_owned()))?;
        if self.reviewers.get(place).is_none_or(|known| known.conflict.is_none()) {
            return Err(PanelError::NoConflict(leaving.to_owned()));
        }
        let by = by.map(reviewer).transpose()?;
        self.recused.push(self.reviewers.remove(place));
        self.unsay(leaving);
        self.reviewers.extend(by);
        Ok(())
    }

    fn opine(&mut self, opinion: Opinion) -> Result<(), PanelError> {
        let known = self.reviewers.iter().find(|known| known.name == opinion.reviewer);
        let known = known.ok_or_else(|| PanelError::Stranger(opinion.reviewer.clone()))?;
        if !known.declared || known.conflict.is_some() {
            return Err(PanelError::NotHeard(known.name.clone()));
        }
        self.unsay(&opinion.reviewer);
        self.opinions.push(opinion);
        Ok(())
    }

    /// Takes away what somebody said before.
    fn unsay(&mut self, name: &str) {
        self.opinions.retain(|opinion| opinion.reviewer != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        let new = NewPanel {
            form: ReviewForm::ExpertReview,
            subject: ReviewSubject::NonXinchuang,
            grounds: "专用软件不支持".into(),
            reviewers: ["甲", "乙"].map(|name| (name.into(), "大学".into())).into(),
        };
        let reviewers = new.reviewers().unwrap();
        Panel::open(("LZ-202610-0001".into(), Instant::from_unix_s(0)), new, reviewers)
    }

    fn opinion(name: &str) -> PanelStep {
        PanelStep::Opine(Opinion {
            reviewer: name.into(),
            in_favour: true,
            text: "同意".into(),
        })
    }

    #[test]
    fn it_is_opened_with_grounds_and_named_reviewers() {
        let new = |grounds: &str, names: &[&str]| {
            let new = NewPanel {
                form: ReviewForm::ExpertReview,
                subject: ReviewSubject::OffCloud,
                grounds: grounds.into(),
                reviewers: names.iter().map(|name| ((*name).into(), "大学".into())).collect(),
            };
            new.reviewers().map(|found| found.len())
        };
        assert_eq!(new("理由", &["甲", "乙"]), Ok(2));
        assert_eq!(new(" ", &["甲"]), Err(PanelError::Incomplete));
        assert_eq!(new("理由", &[]), Err(PanelError::Incomplete));
        assert_eq!(new("理由", &["甲", " "]), Err(PanelError::Nameless));
    }

    #[test]
    fn nobody_is_heard_before_a_declaration_or_with_a_conflict() {
        let mut panel = panel();
        assert!(panel.step(opinion("甲")).is_err());
        let declare = |conflict: Option<&str>| PanelStep::Declare {
            reviewer: "甲".into(),
            conflict: conflict.map(str::to_owned),
        };
        panel.step(declare(None)).unwrap();
        panel.step(opinion("甲")).unwrap();
        panel.step(declare(Some("参与过该项目"))).unwrap();
        assert!(
            panel.opinions.is_empty(),
            "what was said with a conflict does not count"
        );
        assert_eq!(panel.step(opinion("甲")), Err(PanelError::NotHeard("甲".into())));
        assert_eq!(panel.step(opinion("丙")), Err(PanelError::Stranger("丙".into())));
    }

    #[test]
    fn only_who_has_a_conflict_is_replaced() {
        let mut panel = panel();
        let replace = |by: Option<&str>| PanelStep::Replace {
            reviewer: "乙".into(),
            by: by.map(|name| (name.to_owned(), "研究院".to_owned())),
        };
        assert_eq!(
            panel.step(replace(Some("丙"))),
            Err(PanelError::NoConflict("乙".into()))
        );
        let conflict = Some("亲属任职".to_owned());
        let declared = PanelStep::Declare {
            reviewer: "乙".into(),
            conflict,
        };
        panel.step(declared).unwrap();
        panel.step(replace(Some("丙"))).unwrap();
        let names: Vec<_> = panel.reviewers.iter().map(|r| r.name.as_str()).collect();
        assert_eq!((names, panel.recused.len()), (vec!["甲", "丙"], 1));
    }

    #[test]
    fn what_was_decided_is_not_changed_any_more() {
        let mut panel = panel();
        panel.decide(ReviewDecision::Reject).unwrap();
        let over = Err(PanelError::Decided("LZ-202610-0001".into()));
        assert_eq!(panel.decide(ReviewDecision::Approve), over);
        assert_eq!(panel.step(opinion("甲")), over);
        assert_eq!(panel.decision, Some(ReviewDecision::Reject));
    }
}
