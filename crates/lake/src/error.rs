//! What can go wrong with a file of the lake.

use kernel::{ErrorKind, Kinded};
use parquet::errors::ParquetError;
use std::io;
use thiserror::Error;

/// Why a file of the lake cannot be written, read or removed. Nothing half written stays under its name.
#[derive(Debug, Error)]
pub enum LakeError {
    /// The folder or the disk refuses.
    #[error("用量湖无法{doing} {path}: {why}；请检查目录权限和磁盘空间后重试", why = kernel::io_reason(source))]
    Io {
        /// What was tried, as a Chinese verb.
        doing: &'static str,
        /// The file or folder.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Rows that could not be encoded, or not written because the disk is full.
    #[error("用量湖文件 {path} 写入失败: {source}；请检查磁盘空间后重试")]
    Encode {
        /// The file.
        path: String,
        /// Why.
        source: ParquetError,
    },
    /// There is no such file.
    #[error("用量湖中没有文件 {path}；请从备份恢复，或重新运行产生它的步骤")]
    Missing {
        /// The file.
        path: String,
    },
    /// Another file has the name already.
    #[error("用量湖文件 {path} 已存在且内容不同；已写成的文件不得改动，请以新的运行编号重新运行")]
    Exists {
        /// The file.
        path: String,
    },
    /// The content is not what was written.
    #[error("用量湖文件 {path} 已损坏（{what}）；请从备份恢复，或重新运行产生它的步骤")]
    Damaged {
        /// The file.
        path: String,
        /// How it was noticed.
        what: String,
    },
    /// A whole Parquet file, but not one of ours of this kind.
    #[error("文件 {path} 不是本版本的用量湖「{expected}」文件: {found}")]
    Foreign {
        /// The file.
        path: String,
        /// What was expected.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A name that could lead out of the folder or cannot be a file name.
    #[error("{name:?} 不能用作用量湖的文件名: 只允许字母、数字和 . _ -，且不以点开头")]
    Name {
        /// The name.
        name: String,
    },
    /// A difference whose parts are not in the order of the classes, each once.
    #[error("资源 {resource} 条目 {item} 的差异分类重复或次序不对")]
    Parts {
        /// The resource.
        resource: String,
        /// The item.
        item: String,
    },
}

impl Kinded for LakeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Encode { .. } => ErrorKind::Unavailable,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::Exists { .. } => ErrorKind::AlreadyExists,
            Self::Damaged { .. } | Self::Foreign { .. } => ErrorKind::FailedPrecondition,
            Self::Name { .. } => ErrorKind::InvalidInput,
            Self::Parts { .. } => ErrorKind::Internal,
        }
    }
}

/// Takes notice of damage to a file.
pub(crate) fn damaged(path: &str, what: impl Into<String>) -> LakeError {
    LakeError::Damaged {
        path: path.to_owned(),
        what: what.into(),
    }
}
