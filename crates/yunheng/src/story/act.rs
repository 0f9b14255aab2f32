//! What somebody sends to the interface, and what comes back.

use axum::http::{Method, StatusCode};
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) etag: Option<String>,
    pub(super) body: Value,
}

impl Said {
    /// A text in the answer; empty if it is not there.
    pub(super) fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer);
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) content: Content<'a>,
    pub(super) etag: Option<&'a str>,
    /// What of the answer the transcript shows; none to leave the act out of it.
    pub(super) shows: Option<&'a [&'a str]>,
}

/// What is in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(&'a Value),
    /// A file, with its name.
    File(&'a str, &'a [u8]),
}
