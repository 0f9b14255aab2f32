//! Applications: written, checked, handed in, decided, and seen by whoever may see them.
//!
//! Owns the way of an application up to the end of its approval, and the room it holds. Owns neither the choice of the
//! provider nor anything after it, nor any rule, price or flow: those are data. Invariants: what an approver sees was
//! frozen when the application was handed in; room is held in the transaction that hands in and freed in the one that
//! refuses or takes back; a refused attempt is in the audit chain; what may not be seen is not there (404).

mod archive;
mod check;
mod chosen;
mod decide;
mod draft;
mod error;
mod estimate;
mod facts;
mod ground;
mod limits;
mod list;
mod panel;
pub(crate) mod people;
pub(crate) mod publish;
mod reduce;
mod review;
pub(crate) mod room;
mod sheet;
mod show;
pub(crate) mod sight;
mod stock;
mod submit;
mod tick;

pub use archive::{archive, archive_name};
pub use check::{Checked, FlowPreview, NodePreview, check, check_thought};
pub use chosen::{Candidate, candidates};
pub use decide::{decide, urge, withdraw};
pub use draft::{Draft, delete_draft, edit_draft, make_draft};
pub use error::RequestError;
pub use estimate::{Estimate, EstimateLine};
pub use limits::{LimitView, limit, limits, set_limit};
pub use list::list;
pub use panel::{
    NewPanel, Panel, PanelDecision, PanelStep, decide_panel, go_on_with_panel, meet_condition, open_panel, panels,
};
pub use reduce::accept_reduction;
pub use review::{NewReview, record_review};
pub use room::RoomView;
pub use sheet::{fill_from_sheet, line_template, lines_of_sheet};
pub use show::{RequestView, seen, show};
pub use store::RequestFilter;
pub use submit::{Frozen, submit};
pub use tick::{TickOutcome, tick};
