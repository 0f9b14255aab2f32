//! Step 1: what the nodes say exists, and how much of it was used.
//!
//! Owns observations, samples and the timeline that is folded from them. Does not know what was approved.

mod observation;
mod timeline;

pub use observation::{Look, LookKind, Observation, ObservedState, Sample};
pub use timeline::{Sighting, SightingChange, fold_look, repeated_ids};
