//! Numbered provider files: what a cloud node says of itself, delivered as files into a folder.
//!
//! One delivery is `<NODE>-<six digits>.inventory.csv`, optionally `<NODE>-<six digits>.samples.csv`, and the manifest
//! `<NODE>-<six digits>.json`, which is written last and names the files with their rows, bytes and SM3 digests. The
//! answer is a receipt beside them.
//!
//! Owns the names, the manifest, the checks and the writing counterpart for simulated nodes. Does not know which
//! deliveries were taken before, nor what a look means.
//!
//! Invariants: a delivery without a manifest does not exist yet; what is read agrees with its manifest to the byte, or
//! nothing of it is handed over; reading what was written gives the same look.

mod error;
mod read;
mod receipt;
mod rows;
mod write;

pub use error::{FileFaults, NumberedError};
pub use read::{RawFile, Received, read};
pub use receipt::{RECEIPT_FORMAT, Receipt, Verdict, write_receipt};
pub use rows::{INVENTORY, SAMPLES};
pub use write::deliver;

use domain::collect::LookKind;
use kernel::code::NodeCode;
use kernel::{Digest, Instant};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The word in a manifest for this format and its version.
pub const FORMAT: &str = "yunheng-node-file/1";
/// The largest sequence number.
pub const SEQUENCE_MAX: u64 = 999_999;

/// What the provider says it delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The node that speaks.
    pub node: NodeCode,
    /// Number of the delivery; each node counts its own, without gaps.
    pub sequence: u64,
    /// Everything, or changes only.
    pub kind: LookKind,
    /// The moment the files speak of.
    pub taken_at: Instant,
    /// The files.
    pub files: Vec<ManifestFile>,
}

/// One file of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name in the folder of the manifest.
    pub name: String,
    /// Rows with something in them, without the heading.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SM3 digest.
    pub sm3: Digest,
}

/// A delivery that lies in a folder with its manifest. Nothing of it has been read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    folder: PathBuf,
    node: NodeCode,
    sequence: u64,
}

impl Delivery {
    /// The delivery of a number, without looking whether it is there.
    ///
    /// Errors: the node's code cannot be part of a file name, or the number has more than six digits.
    pub fn new(folder: &Path, node: &NodeCode, sequence: u64) -> Result<Self, NumberedError> {
        if node.as_str().contains(['/', ':']) {
            return Err(NumberedError::NodeName(node.clone()));
        }
        if sequence > SEQUENCE_MAX {
            return Err(NumberedError::Sequence {
                node: node.clone(),
                sequence,
            });
        }
        Ok(Self {
            folder: folder.to_owned(),
            node: node.clone(),
            sequence,
        })
    }

    /// The node that speaks.
    pub fn node(&self) -> &NodeCode {
        &self.node
    }

    /// Number of the delivery.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Name of the manifest.
    pub fn manifest_name(&self) -> String {
        self.name("json")
    }

    /// Name of the inventory.
    pub fn inventory_name(&self) -> String {
        self.name("inventory.csv")
    }

    /// Name of the samples.
    pub fn samples_name(&self) -> String {
        self.name("samples.csv")
    }

    /// Name of our answer.
    pub fn receipt_name(&self) -> String {
        self.name("receipt.json")
    }

    fn name(&self, ending: &str) -> String {
        format!("{}-{:06}.{ending}", self.node, self.sequence)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The deliveries of a node in a folder, by number. Those without a manifest are not finished and not among them.
///
/// Errors: the folder cannot be read.
pub fn list(folder: &Path, node: &NodeCode) -> Result<Vec<Delivery>, NumberedError> {
    let unreadable = |source| NumberedError::Folder {
        folder: folder.to_owned(),
        source,
    };
    let mut deliveries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let sequence = name.to_str().and_then(|name| sequence_of(name, node));
        if let Some(sequence) = sequence {
            deliveries.push(Delivery::new(folder, node, sequence)?);
        }
    }
    deliveries.sort_by_key(Delivery::sequence);
    Ok(deliveries)
}

/// The number in the name of a node's manifest; `None` if it is something else.
fn sequence_of(name: &str, node: &NodeCode) -> Option<u64> {
    let digits = name
        .strip_prefix(node.as_str())?
        .strip_prefix('-')?
        .strip_suffix(".json")?;
    let is_number = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests;
