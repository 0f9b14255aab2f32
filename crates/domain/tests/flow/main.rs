//! Approval flows: every act in every state, worked examples, the shipped definitions, and random people.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

mod play;
mod policies;
mod rights;
mod table;
mod whole;
mod worked;
mod world;
