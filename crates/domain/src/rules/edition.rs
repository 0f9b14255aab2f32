//! One file of rules, and what rules and deadlines have in common: versions.

use super::{Deadline, Rule};
use kernel::Day;
use serde::{Deserialize, Serialize};

/// A document that rules are taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceDocument {
    /// Its key, the same as in docs/sources.md.
    pub key: String,
    /// Its title, or why there is none.
    pub document: String,
}

/// One file of rules. A file in force is not changed; a change is a new edition with new versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Its name: `2026-01`.
    pub edition: String,
    /// The documents its rules are taken from.
    #[serde(rename = "source")]
    pub sources: Vec<SourceDocument>,
    /// Its rules.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Rule>,
    /// Its deadlines.
    #[serde(rename = "deadline", default)]
    pub deadlines: Vec<Deadline>,
}

/// A thing with versions: what tells two of them apart, and when each holds.
pub(super) trait Versioned {
    fn from(&self) -> Day;
    fn to(&self) -> Option<Day>;
    fn version(&self) -> u32;
}

impl Versioned for Rule {
    fn from(&self) -> Day {
        self.from
    }
    fn to(&self) -> Option<Day> {
        self.to
    }
    fn version(&self) -> u32 {
        self.version
    }
}

impl Versioned for Deadline {
    fn from(&self) -> Day {
        self.from
    }
    fn to(&self) -> Option<Day> {
        self.to
    }
    fn version(&self) -> u32 {
        self.version
    }
}
