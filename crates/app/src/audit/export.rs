//! The chain as a file that can be checked by itself.

use super::{BATCH, around, chain};
use crate::whole_file::write_whole;
use crate::{AppError, OpContext};
use domain::audit::{FileVerifier, WrittenChain, first_line, last_line, line};
use domain::authz::Action;
use kernel::Digest;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

/// The longest line that is read. Units: bytes.
const LINE_MAX: u64 = 1 << 28;

/// Writes the whole chain into a file, which appears complete or not at all. The entry that says so is the last in it.
/// The entries are written as they are stored; whether they are good is for whoever checks the file.
pub async fn export(ctx: &OpContext, path: &Path) -> Result<WrittenChain, AppError> {
    ctx.judge(Action::AuditRead, &chain()).await?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let work = async {
        let mut read = ctx.store().read().await?;
        let all = u64::try_from(read.audit_count().await?).unwrap_or(0);
        // The folder's files are written by blocking calls; the rows are fetched between them.
        let (mut lines, mut head) = (vec![first_line()?], None);
        let mut pieces = Vec::new();
        loop {
            let next = head.map_or(0, |(number, _)| number) + 1;
            let entries = read.audit_entries(next, BATCH).await?;
            let Some(last) = entries.last() else { break };
            head = Some((last.number, last.digest));
            for entry in &entries {
                lines.push(line(entry)?);
            }
            pieces.push(compressed(&lines)?);
            lines.clear();
            ctx.progress()
                .at("导出审计链", u64::try_from(last.number).unwrap_or(0), all);
        }
        lines.push(last_line(head)?);
        pieces.push(compressed(&lines)?);
        write_whole(path, |file| put(file, &pieces, path))?;
        let (entries, head) = head.unwrap_or((0, Digest::ZERO));
        Ok(WrittenChain { entries, head })
    };
    around(ctx, ("audit.export", "chain"), &json!({ "file": name }), work).await
}

/// Lines on their way to the file, compressed so that a long chain fits into memory.
fn compressed(lines: &[String]) -> Result<Vec<u8>, AppError> {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    zstd::encode_all(text.as_bytes(), 1).map_err(AppError::io(Path::new("审计链")))
}

fn put(file: &mut BufWriter<File>, pieces: &[Vec<u8>], path: &Path) -> Result<(), AppError> {
    for piece in pieces {
        let text = zstd::decode_all(piece.as_slice()).map_err(AppError::io(path))?;
        file.write_all(&text).map_err(AppError::io(path))?;
    }
    Ok(())
}

/// Checks a file by itself: no store is needed. With `kept`, a head that was kept outside, the file must hold that
/// entry. Errors: the first place that was altered, dropped, swapped or added.
pub fn verify_file(path: &Path, kept: Option<(i64, Digest)>) -> Result<WrittenChain, AppError> {
    let mut file = BufReader::new(File::open(path).map_err(AppError::io(path))?);
    let mut verifier = FileVerifier::new(kept);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let mut limited = file.by_ref().take(LINE_MAX);
        let read = limited.read_until(b'\n', &mut bytes).map_err(AppError::io(path))?;
        if read == 0 {
            return Ok(verifier.finish()?);
        }
        verifier.take(&bytes)?;
    }
}
