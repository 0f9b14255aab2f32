//! Tests of the program as it is run: its commands, exit codes, files, and what is left when it is killed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test needs and does not find fails it"
)]

mod at_once;
mod authority;
mod charged;
mod cli;
mod demo;
mod desk;
mod hostile;
mod idempotence;
mod kill;
mod people;
mod refused;
mod shown;
mod worker;
