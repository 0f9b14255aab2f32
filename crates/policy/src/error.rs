//! What is wrong with a policy file.

use kernel::{ErrorKind, Faults, Kinded};
use thiserror::Error;

/// Why policies cannot be used.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// A file of authority that is no Cedar, or does not fit the schema.
    #[error("授权策略 {file} 有误，未启用任何策略:\n{faults}")]
    Authority {
        /// The file.
        file: String,
        /// Every fault, a line each.
        faults: String,
    },
    /// A file that is no TOML of its kind.
    #[error("策略文件 {file} 无法识别: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Where and why.
        why: String,
    },
    /// Rules, calendars or flows that contradict each other.
    #[error("策略文件共有 {count} 处错误，未启用任何一项:\n{list}", count = .0.len(), list = .0)]
    Faults(Faults),
}

impl Kinded for PolicyError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}
