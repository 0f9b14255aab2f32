//! Tests of the program as it is run: its commands, exit codes, files, and what is left when it is killed.

mod cli;
mod demo;
mod desk;
mod hostile;
mod idempotence;
mod kill;
