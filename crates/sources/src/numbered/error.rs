//! Why a delivery is refused.

use kernel::code::NodeCode;
use kernel::error::Fault;
use kernel::{ErrorKind, Faults, Kinded};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// The faults of one file of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileFaults {
    /// The file.
    pub file: String,
    /// What is wrong, by row.
    pub faults: Vec<Fault>,
}

impl FileFaults {
    pub(super) fn of(file: &str, faults: &Faults) -> Self {
        Self {
            file: file.to_owned(),
            faults: faults.sorted().into_iter().cloned().collect(),
        }
    }
}

impl fmt::Display for FileFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut faults = Faults::new();
        self.faults
            .iter()
            .for_each(|fault| faults.push(fault.row, &fault.column, &fault.message));
        write!(f, "文件「{}」:\n{faults}", self.file)
    }
}

fn all(files: &[FileFaults]) -> String {
    files.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Why a delivery cannot be taken. Each says what to do.
#[derive(Debug, Error)]
pub enum NumberedError {
    /// The folder cannot be read.
    #[error("无法读取交付目录「{}」，请检查目录是否存在、是否有读取权限", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there and cannot be read.
    #[error("无法读取文件「{file}」，请检查读取权限和磁盘")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The code cannot be part of a file name.
    #[error("节点代码「{0}」含有 / 或 :，不能用作文件名；用文件交付的节点请换用只含字母、数字、点、横线的代码")]
    NodeName(NodeCode),
    /// The number has too many digits.
    #[error("节点「{node}」的批次号 {sequence} 超过六位数")]
    Sequence {
        /// The node.
        node: NodeCode,
        /// The number.
        sequence: u64,
    },
    /// The manifest is no manifest.
    #[error("清单「{file}」不能读取，请云服务商重新生成整批文件")]
    Manifest {
        /// The manifest.
        file: String,
        /// What the reader stumbled over, for the log.
        cause: String,
    },
    /// The manifest contradicts its own name, or lists files that do not belong to it.
    #[error("清单「{file}」的{what}应为「{expected}」，实际为「{found}」，请云服务商核对后重新交付")]
    Mismatch {
        /// The manifest.
        file: String,
        /// What does not fit.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The manifest names a file that is not there.
    #[error("清单里的文件「{file}」不存在，请云服务商补交（清单应最后写入）")]
    Missing {
        /// The file.
        file: String,
    },
    /// A file of this number is there that the manifest does not name.
    #[error("文件「{file}」不在清单里，不能确定是否完整，请云服务商重新交付整批文件")]
    Unlisted {
        /// The file.
        file: String,
    },
    /// More or less bytes than the manifest says.
    #[error("文件「{file}」应有 {expected} 字节，实际 {found} 字节，可能没有传完，请重新交付整批文件")]
    Size {
        /// The file.
        file: String,
        /// Bytes by the manifest.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Other bytes than the manifest says.
    #[error("文件「{file}」的 SM3 摘要与清单不符，内容被改动过或已损坏，请重新交付整批文件")]
    Altered {
        /// The file.
        file: String,
    },
    /// Too large to be taken.
    #[error("文件「{file}」超过上限 {limit} 字节，请云服务商改为分批交付")]
    TooLarge {
        /// The file.
        file: String,
        /// Bytes that are accepted.
        limit: u64,
    },
    /// More or less rows than the manifest says.
    #[error("文件「{file}」应有 {expected} 行数据，实际 {found} 行，请云服务商核对后重新交付")]
    RowCount {
        /// The file.
        file: String,
        /// Rows by the manifest.
        expected: u64,
        /// Rows found.
        found: u64,
    },
    /// Rows that cannot be read, of all files at once.
    #[error("{}", all(.0))]
    Faulty(Vec<FileFaults>),
}

impl NumberedError {
    /// The faults by file and row, if there are any.
    pub fn faults(&self) -> &[FileFaults] {
        match self {
            Self::Faulty(files) => files,
            _ => &[],
        }
    }
}

impl Kinded for NumberedError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Folder { .. } | Self::Io { .. } => ErrorKind::Unavailable,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::NodeName(_)
            | Self::Sequence { .. }
            | Self::Manifest { .. }
            | Self::Mismatch { .. }
            | Self::Unlisted { .. }
            | Self::Size { .. }
            | Self::Altered { .. }
            | Self::RowCount { .. }
            | Self::Faulty(_) => ErrorKind::InvalidInput,
        }
    }
}
