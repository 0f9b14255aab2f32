//! A file that is imported: how it was handed in, and what importing it did.

use super::ImportKind;
use serde::Serialize;

/// How a file is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportOptions {
    /// Check everything and say what would happen, but store nothing.
    pub dry_run: bool,
}

/// What importing a file did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportOutcome {
    /// What the file was taken for.
    pub kind: ImportKind,
    /// Rows without the heading.
    pub rows: u64,
    /// What they did.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether the same content was imported before, so that nothing was done.
    pub already_imported: bool,
    /// Whether this was only a try, so that nothing was stored.
    pub dry_run: bool,
}

/// What the rows of a file did. The first three sum to the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Rows that said something new.
    pub new: u64,
    /// Rows that said what is known already.
    pub unchanged: u64,
    /// Rows that changed what is known.
    pub changed: u64,
    /// Facts that were noted for closed months.
    pub late_facts: u64,
    /// What a person should know, in Chinese sentences.
    pub notes: Vec<String>,
}

/// A file as it was handed in.
#[derive(Clone, Copy)]
pub(super) struct File<'f> {
    pub(super) kind: ImportKind,
    pub(super) name: &'f str,
    pub(super) bytes: &'f [u8],
    pub(super) options: ImportOptions,
}
