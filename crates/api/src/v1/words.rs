//! Words that operations read and write alike: of paths and queries, of headers, of answers.

use crate::problem::Problem;
use axum::http::header;
use domain::settle::WithheldSums;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The media type of a workbook.
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// What was withheld, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WithheldView {
    /// Units: yuan.
    withheld: String,
    /// Released since.
    released: String,
    /// Still withheld.
    left: String,
}

impl From<WithheldSums> for WithheldView {
    fn from(sums: WithheldSums) -> Self {
        Self {
            withheld: sums.withheld.to_string(),
            released: sums.released.to_string(),
            left: sums.left.to_string(),
        }
    }
}

/// Reads a whole number of a path or query.
pub(super) fn whole<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Problem> {
    let read = text.parse();
    read.map_err(|_| Problem::field(name, "应为整数"))
}

/// Reads what may be left out.
pub(super) fn parsed_if<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parsed(name, text)).transpose()
}

/// Reads a yes or no of a query; no if it is left out.
pub(super) fn flag(name: &str, text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::field(name, "应为 true 或 false")),
    }
}

/// Something of the house as it is written as JSON.
pub(super) fn value(given: impl Serialize) -> Value {
    serde_json::to_value(given).unwrap_or(Value::Null)
}

/// The header with the version that was read.
pub(super) fn etag(version: i64) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

/// Reads a code, a word or a moment of a path or query.
pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|why: T::Err| Problem::field(name, why.to_string()))
}
