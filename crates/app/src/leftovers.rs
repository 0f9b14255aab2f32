//! Files that a killed program left behind while something came in.
//!
//! Invariant: only what bears the name of something unfinished is removed. What is recorded bears its digest, or stands
//! elsewhere.

use crate::{AppError, OpContext, evidence};
use kernel::Instant;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Where files wait that are coming in, each under a name of its own until it is taken or refused.
pub const UPLOADS: &str = "uploads";
/// What is older than this is not coming in any more. Units: seconds.
const OLD_S: i64 = 86_400;

/// Removes what killed runs left behind a day ago or earlier: files that were coming in, and evidence that was not yet
/// written whole. Returns how many.
pub fn forget_leftovers(ctx: &OpContext) -> Result<usize, AppError> {
    let before = ctx.now().plus_s(-OLD_S);
    let is_upload = |name: &str| name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut removed = remove_old(&ctx.data().join(UPLOADS), before, &is_upload)?;
    let is_unfinished = |name: &str| name.starts_with('.') && name.ends_with(".unfinished");
    for folder in entries(&ctx.data().join(evidence::FOLDER))? {
        if folder.path().is_dir() {
            removed += remove_old(&folder.path(), before, &is_unfinished)?;
        }
    }
    Ok(removed)
}

/// What is in a folder; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, AppError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let all = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    all.map_err(AppError::io(folder))
}

fn remove_old(folder: &Path, before: Instant, fits: &dyn Fn(&str) -> bool) -> Result<usize, AppError> {
    let mut removed = 0;
    for entry in entries(folder)? {
        let path = entry.path();
        let changed = entry.metadata().ok().filter(fs::Metadata::is_file);
        let changed = changed.and_then(|about| about.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        let is_old = changed.is_some_and(|since| i64::try_from(since.as_secs()).is_ok_and(|s| s < before.unix_s()));
        if is_old && entry.file_name().to_str().is_some_and(fits) {
            fs::remove_file(&path).map_err(AppError::io(&path))?;
            removed += 1;
        }
    }
    Ok(removed)
}
