//! Months as they are handed in, on both stores: the golden months of `tests/golden/months` by the real ways in, and
//! every step done again and again.
//!
//! Registers, prices and approvals come as import files, what the nodes have as numbered deliveries. Nothing enters
//! the store by a back door, except what `golden` names.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

mod again;
mod bureau;
mod deliveries;
mod golden;
#[expect(dead_code, reason = "the tests of the domain use the rest")]
#[path = "../../../domain/tests/scenario/mod.rs"]
mod scenario;
mod sheets;
