//! Work outside the database: orders to nodes and providers as sagas, the states and rhythms of background jobs, and
//! what leaves the house by mail and webhook.
//!
//! Owns the plan of an order, what comes next, and what is undone when a step fails. It does not own how a step is
//! carried out, nor how a letter travels. Invariants: a step is noted as begun before it has any effect; a step that
//! may have had one is looked up by its mark before it is done again; what was done is undone in reverse order, or a
//! person must look; resources that the platform did not make are never destroyed by an undo.

mod delivery;
mod order;
mod plan;
mod rhythm;
mod saga;

pub use delivery::{ATTEMPTS_MAX, Channel, DeliveryState, Letters, letters, next_attempt, signature, wants};
pub use order::{JobState, Manner, OrderKind, OrderState, Step, StepKind, StepState, WorkOrder};
pub use plan::{Known, PlanError, plan};
pub use rhythm::{Rhythm, pause_s};
pub use saga::{Move, Outcome, after, begin, looked_at, mark, next_move, refuse};
