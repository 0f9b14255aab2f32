//! The usage lake: immutable Parquet files in a folder, one file for each run and dataset.
//!
//! Owns the layout of the folder, the columns of the files and their integrity. Does not own which files count: that
//! is said by the store's manifest, in the same transaction as the run that wrote them. Knows no query engine.
//!
//! Invariants: a file is complete under its name or not there at all; it is never changed and never overwritten; the
//! same rows give the same bytes; a damaged file is an error that names the file, never wrong rows.

mod batch;
mod bills;
mod charges;
mod column;
mod differences;
mod error;
mod folder;
mod name;
mod reading;
mod samples;
mod usage;
mod writing;

#[cfg(test)]
mod tests;

pub use charges::ChargeLines;
pub use error::LakeError;
pub use folder::{Lake, LakeFile};
pub use name::{Dataset, LakeName};

/// What is written into every file; a reader refuses any other.
pub const FORMAT: &str = "yunheng-lake/1";

/// Rows of a row group: what is decoded at once.
pub const ROW_GROUP_ROWS: usize = 128 * 1024;
