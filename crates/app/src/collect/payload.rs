//! What was received, kept as it was: evidence for what is charged.
//!
//! Invariant: a payload is complete under its name or not there, and its name is the digest of what it holds.

use crate::AppError;
use kernel::Digest;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const FOLDER: &str = "payloads";

/// Keeps what was received, compressed, under its digest; answers where, below the data folder. Written before what
/// refers to it is committed, so that nothing ever refers to a payload that is not there; one that nothing refers to
/// is removed by `doctor`.
pub(super) fn keep_payload(data: &Path, digest: Digest, raw: &[(&str, &[u8])]) -> Result<String, AppError> {
    let path = path_of(digest);
    let target = data.join(&path);
    if target.exists() {
        return Ok(path);
    }
    let folder = target.parent().unwrap_or(data);
    make_folder(data, folder).map_err(AppError::io(folder))?;
    let unfinished = unfinished_name(&target);
    let written = write(&unfinished, raw).and_then(|()| fs::rename(&unfinished, &target));
    if written.is_err() {
        // What cannot be removed either is left to the next cleaning.
        let _ = fs::remove_file(&unfinished);
    }
    written
        .and_then(|()| sync_folder(folder))
        .map_err(AppError::io(&target))?;
    Ok(path)
}

/// Where the payload with a digest is kept, below the data folder.
fn path_of(digest: Digest) -> String {
    let digest = digest.to_string();
    format!("{FOLDER}/{}/{digest}.zst", digest.get(..2).unwrap_or("00"))
}

/// The payload that a sentence names, if it names one.
pub(crate) fn payload_in(sentence: &str) -> Option<&str> {
    let from = sentence.find(&format!("{FOLDER}/"))?;
    let rest = sentence.get(from..)?;
    let ending = ".zst";
    rest.get(..rest.find(ending)? + ending.len())
}

fn write(path: &Path, raw: &[(&str, &[u8])]) -> io::Result<()> {
    let file = File::options().write(true).create_new(true).open(path)?;
    let mut packed = zstd::Encoder::new(file, 3)?;
    for (name, content) in raw {
        writeln!(packed, "{name} {}", content.len())?;
        packed.write_all(content)?;
        packed.write_all(b"\n")?;
    }
    packed.finish()?.sync_all()
}

/// A name that no other writer uses, in this process or another.
fn unfinished_name(target: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    target.with_extension(format!("{}-{count}.unfinished", std::process::id()))
}

/// Makes a folder and saves the entries that lead to it.
fn make_folder(data: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let mut above = folder.ancestors().skip(1).take_while(|parent| parent.starts_with(data));
    above.try_for_each(sync_folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_kept_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"what was received");
        let raw: [(&str, &[u8]); 2] = [("a.csv", b"1,2"), ("b.csv", b"")];
        let path = keep_payload(folder.path(), digest, &raw).unwrap();
        assert_eq!(path, format!("payloads/{}/{digest}.zst", &digest.to_string()[..2]));
        let kept = fs::read(folder.path().join(&path)).unwrap();
        assert_eq!(zstd::decode_all(kept.as_slice()).unwrap(), b"a.csv 3\n1,2\nb.csv 0\n\n");
        // The same again, while somebody else's unfinished file lies there.
        let target = folder.path().join(&path);
        fs::write(target.with_extension("1-0.unfinished"), b"half").unwrap();
        assert_eq!(keep_payload(folder.path(), digest, &raw).unwrap(), path);
        assert_eq!(fs::read(&target).unwrap(), kept);
        let names = fs::read_dir(target.parent().unwrap()).unwrap().count();
        assert_eq!(names, 2, "nothing of ours is left over");
    }

    #[test]
    fn a_sentence_names_its_payload() {
        let path = path_of(Digest::of(b"x"));
        let sentence = format!("拒收；原始数据 {path}，请核实");
        assert_eq!(payload_in(&sentence), Some(path.as_str()));
        assert_eq!(payload_in("缺少第 3 号数据文件"), None);
        assert_eq!(payload_in("payloads/ 已满"), None);
    }
}
