//! From an approved application to a metered resource, and to its erased end.
//!
//! Owns offers and the choice, work orders by hand and at a node's interface, trial, release, reclaim and the proof of
//! erasure. It does not own the way to an approval, nor how a node is spoken to: that is [`NodeHands`]. Invariants: a
//! step is stored as begun before it has any effect; what an attempt left behind is found by its mark and adopted;
//! what the platform did not open is never deleted by it; the meter runs from the third confirmation to the moment the
//! deletion was ordered, never longer; who applied, approved, opened and accepted are different people.

mod anew;
mod announce;
mod by_hand;
mod call_off;
mod choose;
mod conditions;
mod consequences;
mod erasure;
mod error;
mod extend;
mod give;
mod hands;
mod list;
mod matter;
mod offers;
mod openstack;
mod reclaim;
mod refuse;
mod release;
mod run;
mod show;
mod simulated;
mod stuck;
mod trial;

pub use announce::{announce_end, ending_of};
pub use by_hand::{HandNote, HandStep, begin_by_hand, finish_by_hand, record_by_hand, take_over_by_hand};
pub use call_off::call_off;
pub use choose::{Chosen, choose_provider};
pub use erasure::{NewProof, check_proof, hand_in_proof, proofs};
pub use error::OrderError;
pub use extend::{terms, terms_in_force, until_of};
pub use give::{follow_up, take_effect};
pub use hands::{Handed, HandsError, HandsOf, NodeHands, Site, Wanted};
pub use list::list;
pub use offers::{NewOffer, Offer, OfferedPrice, PricedLine, make_offer, offers};
pub use openstack::EveryNode;
pub use reclaim::{decide_objection, propose_reclaim, reclaim_overdue, reply_to_end};
pub use refuse::refuse_order;
pub use release::end_noticed;
pub use run::{RunEnd, resume_order, run_order};
pub use show::{OrderView, choice_of, show};
pub use simulated::{BuiltIn, SimulatedHands, simulated_look};
pub use store::OrderFilter;
pub use stuck::{StuckOrder, order, orders_of, stuck_orders};
pub use trial::{confirm_trial, trial_of};
