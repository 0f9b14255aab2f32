//! Step 2: what exists, held against what was approved, as usage intervals.
//!
//! Owns allocations, the sweep that turns them and the sightings into usage, the invariants I4 and I9, and what
//! becomes a case. Does not know prices.

mod allocation;
mod case;
mod invariants;
mod measured;
mod presence;
mod sweep;
mod usage;

pub use allocation::{Allocation, AllocationError, check_allocations};
pub use case::{CaseEnd, CaseJudgement, CaseKind, CaseOutcome, Finding, KnownCase, judge_cases};
pub use invariants::{BrokenInvariant, check_usage, quantity_seconds};
pub use measured::{MeasuredQuantity, mean_quantity, p95_quantity};
pub use presence::{Coverage, LOOK_PAUSE_MAX_S, Presence};
pub use sweep::{MeterInput, MeterOutput, Metered, meter_month};
pub use usage::{UsageRow, UsageTable};
