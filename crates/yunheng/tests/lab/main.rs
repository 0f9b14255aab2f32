//! The program against a running OpenStack with seeded tenants; run by `make lab-test`, see docs/ops/openstack.md.
//!
//! What the program stores is compared with what the services list to plain requests. Tests take turns: one stops
//! services that the others need.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test needs and does not find fails it"
)]

#[path = "../program/charged.rs"]
mod charged;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../program/desk.rs"]
mod desk;
#[expect(dead_code, reason = "the connector's tests use the rest")]
#[path = "../../../sources/tests/openstack_lab/lab.rs"]
mod lab;

#[expect(dead_code, reason = "the orders' tests use the rest")]
#[path = "../../../app/tests/orders/world.rs"]
mod world;

mod behind;
mod inventory;
mod kills;
mod mirror;
mod office;
mod opening;
mod operator;
mod outage;
mod people;
mod tenant;
