//! Kinds of error, and the list of faults of a file.

use serde::Serialize;
use std::fmt;

/// What an error means for whoever asked. Each use case's error maps to one of these, exhaustively.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was given is wrong; the text says what to change.
    InvalidInput,
    /// Nobody is logged in.
    Unauthenticated,
    /// The actor may not do this.
    Forbidden,
    /// There is no such thing, or it may not be known.
    NotFound,
    /// It is there already, with other content.
    AlreadyExists,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// The state does not allow it yet, or no longer.
    FailedPrecondition,
    /// More than is accepted.
    TooLarge,
    /// A database, disk or node does not answer; trying again may help.
    Unavailable,
    /// A rule of ours is broken; nothing was published.
    Internal,
}

/// An error that knows its kind.
pub trait Kinded {
    /// The kind.
    fn kind(&self) -> ErrorKind;
}

/// One fault at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Row as a spreadsheet counts, the heading being row 1; 0 for the file as a whole.
    pub row: u64,
    /// Heading of the column, empty for the row as a whole.
    pub column: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// All faults of one file, in the order of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a fault.
    pub fn push(&mut self, row: u64, column: &str, message: impl fmt::Display) {
        self.0.push(Fault {
            row,
            column: column.to_owned(),
            message: message.to_string(),
        });
    }

    /// Takes over the faults of another list.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The faults, by row.
    pub fn sorted(&self) -> Vec<&Fault> {
        let mut faults: Vec<_> = self.0.iter().collect();
        faults.sort_by_key(|f| f.row);
        faults
    }

    /// `value` if there is no fault, else the faults.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Faults {
    /// The first twenty faults, a line each, and how many more there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        for (place, fault) in self.sorted().into_iter().take(SHOWN).enumerate() {
            let line_break = if place == 0 { "" } else { "\n" };
            match (fault.row, fault.column.as_str()) {
                (0, _) => write!(f, "{line_break}{}", fault.message)?,
                (row, "") => write!(f, "{line_break}第 {row} 行: {}", fault.message)?,
                (row, column) => write!(f, "{line_break}第 {row} 行「{column}」: {}", fault.message)?,
            }
        }
        if self.len() > SHOWN {
            write!(f, "\n… 共 {} 处", self.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
