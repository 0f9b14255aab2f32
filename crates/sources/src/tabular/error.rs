//! Why a file cannot be read at all.

use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Why a table cannot be read as a whole. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TabularError {
    /// Nothing in it, not even a heading.
    #[error("文件「{file}」是空的，没有标题行；请下载模板，填写后再导入")]
    Empty {
        /// The file.
        file: String,
    },
    /// More than [`super::Limits`] allow.
    #[error("文件「{file}」的{what}超过上限 {limit}，请拆成几个文件分别导入")]
    TooLarge {
        /// The file.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: u64,
    },
    /// Bytes that are no text in any known encoding, or in two at once.
    #[error(
        "文件「{file}」第 {row} 行起有无法识别的文字（按 {encoding} 读取）；文件可能被截断或混用了编码，请用 Excel 或 WPS 另存为「CSV UTF-8」后重试"
    )]
    NotText {
        /// The file.
        file: String,
        /// Line of the first bad byte.
        row: u64,
        /// The encoding that was tried.
        encoding: &'static str,
    },
    /// The file ends inside a quoted cell.
    #[error("文件「{file}」不完整：第 {row} 行的引号没有结束文件就断了，请重新获取文件")]
    Truncated {
        /// The file.
        file: String,
        /// Row in which the quote begins.
        row: u64,
    },
    /// Something stands between a closing quote and the next separator.
    #[error("文件「{file}」第 {row} 行的引号使用不对：单元格里的引号应写成两个，请用 Excel 或 WPS 另存为 CSV 后重试")]
    Quote {
        /// The file.
        file: String,
        /// Row in which the cell begins.
        row: u64,
    },
    /// A workbook of the old format, or one that asks for a password.
    #[error("文件「{file}」是旧版 .xls 或设了打开密码，请去掉密码并另存为 .xlsx 后重试")]
    OldOrLocked {
        /// The file.
        file: String,
    },
    /// Meant to be a workbook, and is none or is damaged.
    #[error(
        "文件「{file}」不是完整的 Excel 工作簿（.xlsx），可能没有传完或已损坏，请用 Excel 或 WPS 打开另存为 .xlsx 后重试"
    )]
    NotAWorkbook {
        /// The file.
        file: String,
        /// What the reader stumbled over, for the log.
        cause: String,
    },
}

impl TabularError {
    pub(super) fn too_large(file: &str, what: &'static str, limit: impl TryInto<u64>) -> Self {
        Self::TooLarge {
            file: file.to_owned(),
            what,
            limit: limit.try_into().unwrap_or(u64::MAX),
        }
    }

    pub(super) fn damaged(file: &str, cause: impl std::fmt::Display) -> Self {
        Self::NotAWorkbook {
            file: file.to_owned(),
            cause: cause.to_string(),
        }
    }
}

impl Kinded for TabularError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Empty { .. }
            | Self::NotText { .. }
            | Self::Truncated { .. }
            | Self::Quote { .. }
            | Self::OldOrLocked { .. }
            | Self::NotAWorkbook { .. } => ErrorKind::InvalidInput,
        }
    }
}
