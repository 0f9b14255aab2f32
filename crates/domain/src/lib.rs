//! The rules of the field: what a resource is, what was approved, what was seen, what it costs, and who confirms it.
//!
//! Pure: no I/O, no clock, no floating point near money. A step may use the types of the steps before it, in the
//! order of the modules below, never of those after.

#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

pub mod registry;

pub mod authz;

pub mod catalogue;

pub mod calendar;

pub mod rules;

pub mod flow;

pub mod budget;

pub mod request;

pub mod work;

pub mod collect;

pub mod meter;

pub mod rate;

pub mod reconcile;

pub mod settle;

pub mod audit;
