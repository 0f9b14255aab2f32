//! HTTP: `/api/v1`, sessions, problems, the OpenAPI document.
//!
//! Owns the form of requests and answers: paths, cookies, headers, pages, limits. Owns no rule and no SQL: an operation
//! parses, calls a use case, and maps what it gives to a view. Every operation but login, the acceptance of an
//! invitation, health and the document itself asks who is there first (I8). Every change takes effect once, however
//! often it is sent (I6).

mod aside;
mod download;
mod filter;
mod idempotency;
mod openapi;
mod page;
mod problem;
mod rate;
mod server;
mod session;
mod state;
mod upload;
mod v1;
mod wording;

pub use openapi::document;
pub use server::{router, router_with, serve};
pub use state::Edge;
