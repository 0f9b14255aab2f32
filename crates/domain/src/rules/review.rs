//! Reviews by experts, and technical assessments: the only way to an exception, and only as far as they say.
//!
//! How many reviewers there must be, and how many of them in favour, no source says (`unknown-review-composition` in
//! docs/sources.md): it is judged only where the city has configured it.

use crate::registry::{PoolKind, ResourceKind, Spec, words};
use kernel::{Factor, Instant, SystemCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

words! {
    /// The form of a review.
    ReviewForm {
        /// By experts.
        ExpertReview = "expert_review", "专家论证";
        /// A technical assessment.
        TechnicalAssessment = "technical_assessment", "技术评估";
    }
}

words! {
    /// What an exception is asked for.
    ReviewSubject {
        /// Resources outside the Xinchuang pool (R1).
        NonXinchuang = "non_xinchuang", "使用非信创资源";
        /// Own hardware or software although the catalogue offers it (R3).
        OwnPurchase = "own_purchase", "自行采购软硬件";
        /// A new system outside the cloud (R46).
        OffCloud = "off_cloud", "不上云";
    }
}

words! {
    /// What was decided.
    ReviewDecision {
        /// The exception is granted.
        Approve = "approve", "同意";
        /// It is not.
        Reject = "reject", "不同意";
    }
}

/// One reviewer, and what was declared about interests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// Name.
    pub name: String,
    /// Where from.
    pub affiliation: String,
    /// Whether a declaration about conflicts of interest was given.
    pub declared: bool,
    /// The conflict that was declared.
    pub conflict: Option<String>,
}

/// The opinion of one reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Whose.
    pub reviewer: String,
    /// Whether in favour.
    pub in_favour: bool,
    /// In words.
    pub text: String,
}

/// Something the decision demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What.
    pub text: String,
    /// Whether it must be met before anything is opened; others are watched afterwards.
    pub before_opening: bool,
    /// What shows that it is met.
    pub evidence: Option<String>,
}

/// What the exception covers: so much of one kind, in one pool, and no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewScope {
    /// Kind of resource.
    pub kind: ResourceKind,
    /// Only this class; none for every class.
    pub class: Option<String>,
    /// The pool it was granted for.
    pub pool: Option<PoolKind>,
    /// The most that was granted; a measure that is not here was not granted.
    pub most: Spec,
    /// What earlier applications have taken of it.
    pub used: Spec,
}

/// A review and what it decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpertReview {
    /// Its number.
    pub code: String,
    /// Its form.
    pub form: ReviewForm,
    /// What the exception is for.
    pub subject: ReviewSubject,
    /// The system it is for.
    pub system: SystemCode,
    /// Why the exception is needed.
    pub grounds: String,
    /// The reviewers.
    pub reviewers: Vec<Reviewer>,
    /// Their opinions.
    pub opinions: Vec<Opinion>,
    /// What was decided.
    pub decision: ReviewDecision,
    /// When.
    pub decided: Instant,
    /// What it covers. An exception from building on the cloud covers the system as a whole.
    pub scope: Vec<ReviewScope>,
    /// Under which conditions.
    pub conditions: Vec<Condition>,
    /// The first moment it no longer holds.
    pub expires: Option<Instant>,
}

/// Who must have taken part, where the city has said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// At least so many reviewers.
    pub reviewers_at_least: u8,
    /// At least this part of them in favour.
    pub in_favour_at_least: Factor,
}

/// Why a review does not stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewFault {
    /// No grounds.
    NoGrounds,
    /// No reviewers.
    NoReviewers,
    /// The same reviewer twice.
    Twice(String),
    /// A reviewer gave no declaration.
    Undeclared(String),
    /// A reviewer has an interest in it.
    Conflict(String, String),
    /// A reviewer gave no opinion.
    NoOpinion(String),
    /// An opinion of somebody who is no reviewer, or a second one.
    StrangeOpinion(String),
    /// No end.
    NoExpiry,
    /// It ends before it was decided.
    ExpiryBeforeDecision,
    /// It covers nothing.
    NoScope,
    /// Fewer reviewers than configured: there are, there must be.
    TooFew(usize, u8),
    /// Fewer in favour than configured: in favour, of.
    NotEnoughInFavour(usize, usize),
    /// It was decided against.
    Rejected,
    /// It is decided only later than the moment of the question.
    NotYet,
    /// It holds no longer.
    Expired(Instant),
}

/// Longest text that says what shows that a condition is met. Units: characters.
const EVIDENCE_MAX: usize = 500;

/// Why nothing is noted of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConditionError {
    /// There is none at this place.
    #[error("论证结论没有第 {0} 项条件，请核对")]
    Unknown(usize),
    /// What shows it was noted before.
    #[error("第 {0} 项条件的落实凭据已登记：{1}")]
    Met(usize, String),
    /// Nothing that shows it.
    #[error("请写明条件落实的凭据，例如报告的名称和编号，不超过 {max} 字", max = EVIDENCE_MAX)]
    NoEvidence,
}

impl fmt::Display for ReviewFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGrounds => write!(f, "没有写明理由，请补充"),
            Self::NoReviewers => write!(f, "没有评审人员，请补充名单"),
            Self::Twice(name) => write!(f, "评审人员{name}出现了两次，请核对"),
            Self::Undeclared(name) => write!(f, "评审人员{name}没有利益冲突声明，请补充"),
            Self::Conflict(name, why) => write!(f, "评审人员{name}有利益冲突（{why}），应回避后重新论证"),
            Self::NoOpinion(name) => write!(f, "评审人员{name}没有意见，请补充"),
            Self::StrangeOpinion(name) => write!(f, "{name}的意见重复，或不在评审名单之内，请核对"),
            Self::NoExpiry => write!(f, "没有写明有效期，请补充"),
            Self::ExpiryBeforeDecision => write!(f, "有效期早于作出结论之时，请核对"),
            Self::NoScope => write!(f, "没有写明批准的资源范围，请补充"),
            Self::TooFew(there, least) => write!(f, "评审人员 {there} 人，少于规定的 {least} 人"),
            Self::NotEnoughInFavour(favour, of) => write!(f, "{of} 人中 {favour} 人同意，未达到规定比例"),
            Self::Rejected => write!(f, "结论为不同意"),
            Self::NotYet => write!(f, "尚未作出结论"),
            Self::Expired(at) => write!(f, "已于 {at} 失效，如仍需要请重新论证"),
        }
    }
}

impl ExpertReview {
    /// What is missing in the record itself, whatever was decided; composition and quorum only where configured.
    pub fn faults(&self, composition: Option<&Composition>) -> Vec<ReviewFault> {
        let mut faults = Vec::new();
        if self.grounds.trim().is_empty() {
            faults.push(ReviewFault::NoGrounds);
        }
        if self.reviewers.is_empty() {
            faults.push(ReviewFault::NoReviewers);
        }
        self.reviewer_faults(&mut faults);
        match self.expires {
            None => faults.push(ReviewFault::NoExpiry),
            Some(end) if end <= self.decided => faults.push(ReviewFault::ExpiryBeforeDecision),
            Some(_) => {}
        }
        if self.scope.is_empty() && self.subject != ReviewSubject::OffCloud {
            faults.push(ReviewFault::NoScope);
        }
        if let Some(composition) = composition {
            self.quorum_faults(composition, &mut faults);
        }
        faults
    }

    fn reviewer_faults(&self, faults: &mut Vec<ReviewFault>) {
        let mut names = BTreeSet::new();
        let mut heard = BTreeSet::new();
        for reviewer in &self.reviewers {
            let name = reviewer.name.clone();
            if !names.insert(reviewer.name.as_str()) {
                faults.push(ReviewFault::Twice(name));
                continue;
            }
            if self.opinions.iter().all(|o| o.reviewer != name) {
                faults.push(ReviewFault::NoOpinion(name.clone()));
            }
            match &reviewer.conflict {
                Some(why) => faults.push(ReviewFault::Conflict(name, why.clone())),
                None if !reviewer.declared => faults.push(ReviewFault::Undeclared(name)),
                None => {}
            }
        }
        for Opinion { reviewer, .. } in &self.opinions {
            if !names.contains(reviewer.as_str()) || !heard.insert(reviewer) {
                faults.push(ReviewFault::StrangeOpinion(reviewer.clone()));
            }
        }
    }

    fn quorum_faults(&self, composition: &Composition, faults: &mut Vec<ReviewFault>) {
        let there = self.reviewers.len();
        if there < usize::from(composition.reviewers_at_least) {
            faults.push(ReviewFault::TooFew(there, composition.reviewers_at_least));
        }
        let favour = self.opinions.iter().filter(|o| o.in_favour).count();
        let (have, of) = (i128::try_from(favour), i128::try_from(there));
        let (have, of) = (have.unwrap_or(0), of.unwrap_or(i128::MAX >> 64));
        let one = i128::from(Factor::ONE.micros());
        if have * one < of * i128::from(composition.in_favour_at_least.micros()) {
            faults.push(ReviewFault::NotEnoughInFavour(favour, there));
        }
    }

    /// Whether an exception may be taken from it at a moment; else everything that stands against it.
    pub fn stands(&self, at: Instant, composition: Option<&Composition>) -> Result<(), Vec<ReviewFault>> {
        let mut faults = self.faults(composition);
        if self.decision == ReviewDecision::Reject {
            faults.push(ReviewFault::Rejected);
        }
        if at < self.decided {
            faults.push(ReviewFault::NotYet);
        }
        if let Some(end) = self.expires.filter(|end| *end <= at) {
            faults.push(ReviewFault::Expired(end));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// What must be met before anything is opened and has not been shown yet. The application may go its way meanwhile.
    pub fn open_conditions(&self) -> impl Iterator<Item = &Condition> {
        let demanded = self
            .conditions
            .iter()
            .filter(|_| self.decision == ReviewDecision::Approve);
        demanded.filter(|condition| condition.before_opening && condition.evidence.is_none())
    }

    /// Notes what shows that a condition is met, by its place from 1. What was noted stays.
    pub fn meet(&mut self, place: usize, evidence: &str) -> Result<(), ConditionError> {
        let condition = place.checked_sub(1).and_then(|n| self.conditions.get_mut(n));
        let condition = condition.ok_or(ConditionError::Unknown(place))?;
        if let Some(there) = &condition.evidence {
            return Err(ConditionError::Met(place, there.clone()));
        }
        let evidence = evidence.trim();
        if evidence.is_empty() || evidence.chars().count() > EVIDENCE_MAX {
            return Err(ConditionError::NoEvidence);
        }
        condition.evidence = Some(evidence.to_owned());
        Ok(())
    }
}
