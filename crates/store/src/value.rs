//! The two types of value that go to a database.

use crate::StoreError;
use serde::Serialize;

/// A value to bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer, or none.
    Int(Option<i64>),
    /// A text, or none.
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl Value {
    /// A body as JSON. Errors: it cannot be written; then nothing is stored in its place.
    pub(crate) fn json(table: &'static str, key: &str, body: &impl Serialize) -> Result<Self, StoreError> {
        let text = serde_json::to_string(body).map_err(|why| StoreError::BadRow {
            table,
            key: key.to_owned(),
            why: why.to_string(),
        })?;
        Ok(text.into())
    }
}
