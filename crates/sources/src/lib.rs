//! Where facts come from: cloud nodes, and the files that providers and clerks hand over; and the ways out to others:
//! mail and webhooks.
//!
//! Owns protocols and file formats. Does not decide what a fact means and stores nothing: it hands over the domain's
//! observations, samples and records, together with the payload they were read from.

pub mod delivery;
pub mod numbered;
pub mod openstack;
pub mod tabular;
