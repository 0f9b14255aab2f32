//! The answer to a delivery, for the provider to read.

use super::write::put;
use super::{Delivery, FileFaults, NumberedError, Received};
use kernel::code::NodeCode;
use kernel::{Digest, Instant};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

/// The word in a receipt for this format and its version.
pub const RECEIPT_FORMAT: &str = "yunheng-node-receipt/1";

/// Whether a delivery was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All of it.
    Accepted,
    /// Nothing of it.
    Refused,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Taken or not.
    pub verdict: Verdict,
    /// When that was decided.
    pub decided_at: Instant,
    /// Digest over the delivery as it was read; none if it could not be read whole.
    pub digest: Option<Digest>,
    /// Resources taken.
    pub observations: u64,
    /// Samples taken.
    pub samples: u64,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The faults, by file and row.
    pub faults: Vec<FileFaults>,
}

impl Receipt {
    /// For a delivery that was taken.
    pub fn accepted(received: &Received, decided_at: Instant) -> Self {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        Self {
            verdict: Verdict::Accepted,
            decided_at,
            digest: Some(received.digest),
            observations: count(received.look.observations.len()),
            samples: count(received.look.samples.len()),
            reason: None,
            faults: Vec::new(),
        }
    }

    /// For a delivery that was refused.
    pub fn refused(error: &NumberedError, decided_at: Instant) -> Self {
        let faults = error.faults().to_vec();
        let reason = match faults.is_empty() {
            true => error.to_string(),
            false => "文件内容有误，各处错误见 faults；请改正后用新的批次号重新交付".to_owned(),
        };
        Self {
            verdict: Verdict::Refused,
            decided_at,
            digest: None,
            observations: 0,
            samples: 0,
            reason: Some(reason),
            faults,
        }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    node: &'a NodeCode,
    sequence: u64,
    #[serde(flatten)]
    receipt: &'a Receipt,
}

/// Writes `<NODE>-<six digits>.receipt.json`, replacing an earlier one, and tells its path.
///
/// Errors: the node or number makes no file name, or the folder cannot be written.
pub fn write_receipt(folder: &Path, node: &NodeCode, sequence: u64, receipt: &Receipt) -> io::Result<PathBuf> {
    let delivery = Delivery::new(folder, node, sequence).map_err(io::Error::other)?;
    let written = Written {
        format: RECEIPT_FORMAT,
        node,
        sequence,
        receipt,
    };
    let mut bytes = serde_json::to_vec_pretty(&written)?;
    bytes.push(b'\n');
    put(&delivery, &delivery.receipt_name(), &bytes)
}
