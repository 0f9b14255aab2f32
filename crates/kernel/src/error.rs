//! Kinds of error, and the list of faults of a file.

use serde::Serialize;
use std::{fmt, io};

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

/// Why a file or folder cannot be read or written, as a Chinese clause: what a clerk can mend is said in words, the rest
/// as the system says it.
pub fn io_reason(error: &io::Error) -> String {
    use io::ErrorKind as E;
    let known = match error.kind() {
        E::NotFound => "文件或目录不存在，请核对路径",
        E::PermissionDenied => "没有权限，请检查文件和目录的权限",
        E::IsADirectory => "这是目录，不是文件",
        E::NotADirectory => "路径中有一段不是目录，请核对路径",
        E::AlreadyExists => "同名的文件或目录已经存在",
        E::DirectoryNotEmpty => "目录不是空的",
        E::StorageFull | E::QuotaExceeded => "磁盘空间不足，请清理磁盘后重试",
        E::FileTooLarge => "超出系统允许的文件大小",
        E::ReadOnlyFilesystem => "所在的文件系统是只读的",
        E::InvalidFilename => "文件名不可用，可能太长",
        _ => return format!("系统报告 {error}"),
    };
    known.to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_said_in_words() {
        let missing = std::fs::read("no such file").unwrap_err();
        assert_eq!(io_reason(&missing), "文件或目录不存在，请核对路径");
        assert!(!io_reason(&io::ErrorKind::StorageFull.into()).contains("os error"));
        // What has no words here is not hidden.
        assert_eq!(io_reason(&io::Error::other("loose cable")), "系统报告 loose cable");
    }
}
