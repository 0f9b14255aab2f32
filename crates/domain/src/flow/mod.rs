//! Approval flows: who decides what, in which order, and what became of it.
//!
//! Owns definitions of flows as versioned data, the check of a definition before it comes into force, and the run of
//! one application through it. Does not own which flow an application takes, what is asked for (`request`), by which
//! rules it is judged and how long a whole approval may take (`rules`), nor who may log in; deadlines are counted by the
//! caller's calendar.
//!
//! Invariants: a run keeps the version it began with; every task is decided at most once, by somebody who has the
//! right at that moment; no applicant decides their own application; a countersigned node is left only when every seat
//! has signed; a run that is open has a task somebody can act on, or shows that an administrator must help; the history
//! only grows.

mod act;
mod approve;
mod check;
mod definition;
mod directory;
mod play;
mod refusal;
mod run;
mod seats;
mod whole;

pub use act::{Act, Choice, ReturnTo, act, choices, may_decide, start, tick};
pub use check::{check_definition, check_written};
pub use definition::{
    APPLICANT, Fact, FactTest, FlowDefinition, FlowNode, FlowNodeCode, Holder, Mode, Place, When, WholeTerm,
};
pub use directory::{Absence, Directory};
pub use refusal::FlowRefusal;
pub use run::{
    Assignee, Deed, FlowApplication, FlowEvent, FlowRecord, FlowRun, FlowState, FlowTask, Notice, Right, SignPosition,
    TaskState, WholeApproval,
};

/// When a term that begins at a moment ends, by the caller's calendar.
pub type DueBy<'a> = dyn Fn(kernel::Instant, &crate::calendar::Term) -> kernel::Instant + 'a;
