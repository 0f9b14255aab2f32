//! Decision rules: what an application is judged by, as versioned data and pure checks.
//!
//! Owns the rule book (rules, their parameters, deadlines, each with source, period in force and approver), the
//! facts an application is judged by, and the checks themselves. Owns no flow: who decides after a check, and where
//! behaviour that is no check is enforced, is said in the book and done elsewhere. Invariants: the same facts and the
//! same versions give the same bytes; what is not known is never a pass and never a refusal; an exception holds
//! exactly as far as its review says.

mod book;
mod check;
mod code;
mod deadline;
mod edition;
mod exception;
mod facts;
mod finding;
mod level;
mod panel;
mod placement;
mod review;
mod rule;
mod stock;
mod validate;

pub use book::RuleBook;
pub use check::{Check, Evaluate, Outcome, Verdict, check_all, verdict};
pub use code::RuleCode;
pub use deadline::{Alternative, Deadline, DeadlineKind};
pub use edition::{Edition, SourceDocument};
pub use facts::{
    ApplicationKind, Arrival, Choice, CryptoConclusion, Line, Means, OwnPurchase, ProviderFacts, Purpose, QuotaLeft,
    Quote, QuotedPrice, RequestFacts, Stock, SystemFacts, UnitFacts,
};
pub use finding::ReducedLine;
pub use panel::{NewPanel, Panel, PanelError, PanelStep};
pub use review::{
    Composition, Condition, ConditionError, ExpertReview, Opinion, ReviewDecision, ReviewFault, ReviewForm,
    ReviewScope, ReviewSubject, Reviewer,
};
pub use rule::{Rule, RuleKind, Severity};
