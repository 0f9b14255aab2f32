//! The written form of a chain: a file that can be checked by itself, by anybody who has this page.
//!
//! The first line names the form. Then one line for each entry, as JSON in the order of [`Line`], without spaces; the
//! last line says how many there are and repeats the digest of the last. Every line ends with a line feed. There is one
//! way to write an entry, so a byte more, less or other anywhere is found, also where JSON would read the same.

use super::{AuditEntry, ChainError, ChainVerifier};
use kernel::{Digest, Instant};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Name and version of the form.
const FORM: &str = "yunheng-audit/1";

/// An entry as it is written: `number`, `at` for people, `at_s` as it is digested, and the rest as in [`AuditEntry`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    number: i64,
    at: String,
    at_s: i64,
    actor: String,
    action: String,
    object: String,
    detail: String,
    previous: String,
    digest: String,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    form: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    entries: i64,
    head: String,
}

/// What a file that was checked holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WrittenChain {
    /// How many entries.
    pub entries: i64,
    /// Digest of the last one.
    pub head: Digest,
}

/// The first line of a file, without its end.
pub fn first_line() -> serde_json::Result<String> {
    serde_json::to_string(&First { form: FORM.to_owned() })
}

/// The line of an entry, without its end.
pub fn line(entry: &AuditEntry) -> serde_json::Result<String> {
    serde_json::to_string(&Line {
        number: entry.number,
        at: entry.at.to_string(),
        at_s: entry.at.unix_s(),
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        object: entry.object.clone(),
        detail: entry.detail.clone(),
        previous: entry.previous.to_string(),
        digest: entry.digest.to_string(),
    })
}

/// The last line of a file, without its end, after the entry with this number and digest.
pub fn last_line(head: Option<(i64, Digest)>) -> serde_json::Result<String> {
    let (entries, head) = head.unwrap_or((0, Digest::ZERO));
    let head = head.to_string();
    serde_json::to_string(&Last { entries, head })
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// It does not begin as such a file does.
    #[error("文件第 1 行不是审计链导出文件的开头，被改动过，或不是这种文件")]
    First,
    /// A line that is no entry as this program writes it.
    #[error("文件第 {line} 行（审计记录第 {number} 条）不是原来的写法，被改动、插入或截断过")]
    Line {
        /// The line, from 1.
        line: i64,
        /// The entry that should stand there.
        number: i64,
    },
    /// An entry that does not fit.
    #[error("文件第 {line} 行：{why}")]
    Chain {
        /// The line, from 1.
        line: i64,
        /// Why not.
        why: ChainError,
    },
    /// The end is missing, or says something else.
    #[error("文件在第 {0} 行之后不完整：末尾的记录被删除、加入或改动过")]
    End(i64),
    /// Something stands behind the end.
    #[error("文件第 {0} 行之后还有内容，是后来加入的")]
    Behind(i64),
    /// An entry that was kept outside is not in it.
    #[error(transparent)]
    Head(ChainError),
}

/// Checks the lines of a file one after another.
#[derive(Debug, Clone)]
pub struct FileVerifier {
    chain: ChainVerifier,
    kept: Option<(i64, Digest)>,
    found: bool,
    lines: i64,
    ended: bool,
}

impl FileVerifier {
    /// Before the first line. With `kept`, a head that was kept outside, the file must hold that entry.
    pub fn new(kept: Option<(i64, Digest)>) -> Self {
        Self {
            chain: ChainVerifier::new(),
            kept,
            // Before the first entry there is nothing, and everybody knows its digest.
            found: kept.is_none_or(|kept| kept == (0, Digest::ZERO)),
            lines: 0,
            ended: false,
        }
    }

    /// Takes the next line, with its end as it stands in the file.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        if self.ended {
            return Err(FileError::Behind(self.lines));
        }
        self.lines += 1;
        let expected = self.chain.expected();
        let altered = FileError::Line {
            line: self.lines,
            number: expected,
        };
        let text = bytes
            .strip_suffix(b"\n")
            .and_then(|line| std::str::from_utf8(line).ok());
        if self.lines == 1 {
            return text
                .filter(|text| first_line().is_ok_and(|first| first == *text))
                .map(|_| ())
                .ok_or(FileError::First);
        }
        let text = text.ok_or_else(|| altered.clone())?;
        if last_line(self.chain.head()).is_ok_and(|last| last == text) {
            self.ended = true;
            return Ok(());
        }
        if serde_json::from_str::<Last>(text).is_ok() {
            return Err(FileError::End(self.lines - 1));
        }
        let parsed: Line = serde_json::from_str(text).map_err(|_| altered.clone())?;
        let (number, at_s) = (parsed.number.to_string(), parsed.at_s.to_string());
        let texts = [
            number.as_str(),
            &at_s,
            &parsed.actor,
            &parsed.action,
            &parsed.object,
            &parsed.detail,
            &parsed.previous,
            &parsed.digest,
        ];
        let line = self.lines;
        let chain = |why| FileError::Chain { line, why };
        let entry = AuditEntry::of_texts(expected, texts).map_err(chain)?;
        if parsed.at != Instant::from_unix_s(parsed.at_s).to_string()
            || !self::line(&entry).is_ok_and(|line| line == text)
        {
            return Err(altered);
        }
        self.chain.check(&entry).map_err(chain)?;
        self.found |= self.kept == Some((entry.number, entry.digest));
        Ok(())
    }

    /// After the last line.
    pub fn finish(self) -> Result<WrittenChain, FileError> {
        match self.kept {
            _ if self.lines == 0 => Err(FileError::First),
            _ if !self.ended => Err(FileError::End(self.lines)),
            Some((number, _)) if !self.found => Err(FileError::Head(ChainError::Head(number))),
            _ => {
                let (entries, head) = self.chain.head().unwrap_or((0, Digest::ZERO));
                Ok(WrittenChain { entries, head })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut chain: Vec<AuditEntry> = Vec::new();
        for n in 0..length {
            let last = chain.last().map(|e| (e.number, e.digest));
            let detail = format!("{{\"n\":{n},\"words\":\"春 \\\"城\\\"\"}}");
            let words = ("王", "month.close", "2026-03");
            chain.push(AuditEntry::next(last, Instant::from_unix_s(n * 100), words, detail));
        }
        chain
    }

    fn file(chain: &[AuditEntry]) -> Vec<u8> {
        let mut lines = vec![first_line().unwrap()];
        lines.extend(chain.iter().map(|entry| line(entry).unwrap()));
        lines.push(last_line(chain.last().map(|entry| (entry.number, entry.digest))).unwrap());
        lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
    }

    fn verify(bytes: &[u8], kept: Option<(i64, Digest)>) -> Result<WrittenChain, FileError> {
        let mut verifier = FileVerifier::new(kept);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            verifier.take(line)?;
        }
        verifier.finish()
    }

    /// The line that a complaint names.
    fn place(error: &FileError) -> i64 {
        match error {
            FileError::First => 1,
            FileError::Line { line, .. } | FileError::Chain { line, .. } => *line,
            FileError::End(after) | FileError::Behind(after) => *after + 1,
            FileError::Head(_) => 0,
        }
    }

    #[test]
    fn a_whole_file() {
        let entries = chain(3);
        let head = entries[2].digest;
        let whole = Ok(WrittenChain { entries: 3, head });
        assert_eq!(verify(&file(&entries), None), whole);
        assert_eq!(verify(&file(&entries), Some((2, entries[1].digest))), whole);
        assert_eq!(verify(&file(&[]), None).unwrap().entries, 0);
        let other = verify(&file(&entries), Some((2, head)));
        assert_eq!(other, Err(FileError::Head(ChainError::Head(2))));
        assert_eq!(verify(b"", None), Err(FileError::First));
    }

    #[test]
    fn cut_off_and_ended_anew_is_found_by_a_head_only() {
        let entries = chain(3);
        let short = file(&entries[..2]);
        assert!(verify(&short, None).is_ok(), "nobody can know without a head");
        let kept = Some((3, entries[2].digest));
        assert_eq!(verify(&short, kept), Err(FileError::Head(ChainError::Head(3))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_byte_of_a_file_is_watched(at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
            let good = file(&chain(6));
            let at = at.index(good.len());
            let mut bad = good.clone();
            match how {
                0 => bad[at] = byte,
                1 => bad.insert(at, byte),
                _ => { bad.remove(at); }
            }
            let line = 1 + i64::try_from(good[..at].iter().filter(|byte| **byte == b'\n').count()).unwrap();
            // A line feed before the one that ends a line is an empty line behind it.
            let line = line + i64::from(how == 1 && byte == b'\n' && good[at] == b'\n');
            match verify(&bad, None) {
                Ok(_) => prop_assert_eq!(bad, good),
                Err(error) => prop_assert_eq!(place(&error), line, "{}", error),
            }
        }

        #[test]
        fn any_line_of_a_file_is_watched(one in 0..8_usize, other in 0..8_usize, how in 0..3) {
            let good = file(&chain(6));
            let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
            let mut bad = lines.clone();
            let first = match how {
                0 => { bad.remove(one); one }
                1 => { bad.swap(one, other); one.min(other) }
                _ => { bad.insert(one, lines[other]); one }
            };
            let text = bad.concat();
            match verify(&text, None) {
                Ok(_) => prop_assert_eq!(text, good),
                // A line that was added twice in a row is told from its copy by nothing.
                Err(error) => {
                    let named = place(&error);
                    let first = i64::try_from(first).unwrap() + 1;
                    prop_assert!(named == first || (how == 2 && named == first + 1), "{first}: {error}");
                }
            }
        }
    }
}
