//! Why a file of evidence is not accepted, or cannot be given back.

use kernel::{ErrorKind, Kinded};
use thiserror::Error;

/// Largest file that is accepted; a limit of ours. Units: bytes.
pub const SIZE_MAX: usize = 20 * 1024 * 1024;

/// Why a file of evidence is not accepted, or cannot be given back.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// Nothing in it.
    #[error("文件「{0}」是空的，请重新选择")]
    Empty(String),
    /// Too large.
    #[error("文件「{0}」超过 {limit} MiB，请压缩或拆分后上传", limit = SIZE_MAX / 1024 / 1024)]
    TooLarge(String),
    /// A name that is none.
    #[error("文件名「{0}」不可用：应为 1 至 200 个字符，不含路径")]
    Name(String),
    /// A kind that is not accepted.
    #[error("文件「{0}」的内容不是 PDF、PNG、JPEG、XLSX、CSV 或 TXT（文本须为 UTF-8 编码），请转换后上传")]
    Kind(String),
    /// Its name says something else.
    #[error("文件「{0}」的内容是 {1}，与扩展名不符，请核对文件")]
    NotAsNamed(String, &'static str),
    /// No such matter.
    #[error("没有找到事项「{0}」；请刷新后重试")]
    NoMatter(String),
    /// No such file.
    #[error("没有找到凭证「{0}」；请刷新后重试")]
    NotFound(String),
    /// What is on disk is not what was handed in.
    #[error("凭证「{0}」的文件已损坏或缺失，请联系运维人员从备份恢复")]
    Damaged(String),
}

impl Kinded for EvidenceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge(_) => ErrorKind::TooLarge,
            Self::NoMatter(_) | Self::NotFound(_) => ErrorKind::NotFound,
            Self::Damaged(_) => ErrorKind::Internal,
            Self::Empty(_) | Self::Name(_) | Self::Kind(_) | Self::NotAsNamed(..) => ErrorKind::InvalidInput,
        }
    }
}
