//! The suite: every operation by everybody, changes that take effect once, answers, and a real socket.

mod desk;
mod document;
mod every_operation;
mod once;
mod people;
mod socket;
