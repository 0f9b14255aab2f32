//! The suite: every operation by everybody, changes that take effect once, answers, and a real socket.

mod desk;
mod document;
mod estate;
mod every_operation;
mod files;
mod foreign;
mod life;
mod machines;
mod months;
mod nodes;
mod once;
mod people;
mod prices;
mod provider;
mod sign_in;
mod socket;
mod told;
mod ways_in;
