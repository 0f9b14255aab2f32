//! The story as a document: who sent what, and what came back.

use super::act::{Act, Content, Said};
use kernel::Instant;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The document so far. Shape: Markdown.
#[derive(Debug, Default)]
pub(super) struct Transcript(String);

/// An act and its answer.
pub(super) struct Spoken<'a> {
    pub(super) who: &'a str,
    pub(super) at: Instant,
    pub(super) act: Act<'a>,
    pub(super) said: &'a Said,
    /// What of the answer is shown, as JSON pointers; everything if empty.
    pub(super) shows: &'a [&'a str],
}

impl Transcript {
    /// Begins a chapter.
    pub(super) fn chapter(&mut self, title: &str, about: &str) {
        let _ = writeln!(self.0, "\n## {title}\n\n{about}");
    }

    /// Tells something between two acts.
    pub(super) fn tell(&mut self, sentence: &str) {
        let _ = writeln!(self.0, "\n{sentence}");
    }

    /// An act and its answer.
    pub(super) fn say(&mut self, spoken: &Spoken<'_>) {
        let Spoken {
            who,
            at,
            act,
            said,
            shows,
        } = spoken;
        let _ = write!(self.0, "\n**{who}**，{at}\n\n```http\n{} {}\n", act.method, act.path);
        if let Some(etag) = act.etag {
            let _ = writeln!(self.0, "If-Match: {etag}");
        }
        match act.content {
            Content::Nothing => {}
            Content::Json(value) => {
                let _ = writeln!(self.0, "\n{}", pretty(value));
            }
            Content::File(name, bytes) => {
                let _ = writeln!(self.0, "\n（文件 {name}，{} 字节）", bytes.len());
            }
        }
        let _ = writeln!(self.0, "\nHTTP {}", said.status);
        let shown = if shows.is_empty() {
            said.body.clone()
        } else {
            parts(&said.body, shows)
        };
        if !shown.is_null() {
            let _ = writeln!(self.0, "\n{}", pretty(&shown));
        }
        self.0.push_str("```\n");
    }

    /// The whole document.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// What some pointers point at, each under the last part of its pointer.
fn parts(body: &Value, pointers: &[&str]) -> Value {
    let mut found = Map::new();
    for pointer in pointers {
        let name = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err());
        if let Some(value) = body.pointer(pointer) {
            found.insert(name.unwrap_or(pointer).to_owned(), value.clone());
        }
    }
    Value::Object(found)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_asked_for_is_shown() {
        let body = json!({ "number": "SQ-1", "secret": "x", "checks": [{ "reason": "信创" }] });
        assert_eq!(
            parts(&body, &["/number", "/checks/0/reason", "/nothing"]),
            json!({ "number": "SQ-1", "reason": "信创" })
        );
    }
}
