//! The life of a resource, from the day a department asks for it to the day its data is erased.
//!
//! Owns what an application holds, the ways it may go, who confirms a trial, and how a resource ends. It does not own
//! who decides (`flow`), by which rules (`rules`), or what a resource costs. Invariants: an application changes only
//! along [`next`]; a meter starts at the third confirmation of a trial and at no other moment (R14, R16); a resource is
//! over when its erasure is proven (R19).

mod application;
mod ending;
mod kind;
mod status;
mod trial;

pub use application::{
    Declaration, Place, RequestFault, RequestLine, ResourceRequest, allocation_code, check_application, check_counts,
    may_meet, rival,
};
pub use ending::{Ending, ErasureMethod, ErasureProof, ErasureProofError, check_erasure};
pub use kind::RequestKind;
pub use status::{RequestEvent, RequestStatus, StatusError, next};
pub use trial::{Confirmation, ConfirmationError, Trial, confirm};
