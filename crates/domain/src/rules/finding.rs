//! What a check found, before the rule's severity says what follows.

use crate::registry::Spec;
use serde::{Deserialize, Serialize};

/// What is left of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReducedLine {
    /// Number of the line.
    pub line: u32,
    /// What it may still ask for; all zero if nothing.
    pub quantities: Spec,
}

/// What a check found, before the rule's severity says what follows.
#[derive(Debug)]
pub(super) enum Judgement {
    Met,
    /// Met, and yet something for people to know.
    Told,
    Broken,
    Less(Vec<ReducedLine>),
    Unknown,
    NotConfigured,
}

#[derive(Debug)]
pub(super) struct Finding {
    pub(super) judgement: Judgement,
    pub(super) reason: String,
    pub(super) evidence: Vec<(String, String)>,
}

impl Finding {
    pub(super) fn new(judgement: Judgement, reason: impl Into<String>) -> Self {
        Self {
            judgement,
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    pub(super) fn met(reason: impl Into<String>) -> Self {
        Self::new(Judgement::Met, reason)
    }

    pub(super) fn told(reason: impl Into<String>) -> Self {
        Self::new(Judgement::Told, reason)
    }

    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::new(Judgement::Broken, reason)
    }

    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Judgement::Unknown, reason)
    }

    pub(super) fn not_configured(reason: impl Into<String>) -> Self {
        Self::new(Judgement::NotConfigured, reason)
    }

    pub(super) fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.evidence.push((name.into(), value.to_string()));
        self
    }

    pub(super) fn with_all(mut self, evidence: Vec<(String, String)>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}
