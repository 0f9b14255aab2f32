//! Checking a chain, entry by entry.

use super::{AuditEntry, SEAL_ACTION, Seal};
use kernel::Digest;
use thiserror::Error;

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// An entry is missing, added or swapped.
    #[error("审计链在第 {expected} 条处断开: 读到的编号是 {found}，有记录被删除、插入或调换")]
    Number {
        /// The number that should be here.
        expected: i64,
        /// The number that is here.
        found: i64,
    },
    /// An entry does not follow the one before.
    #[error("审计链在第 {0} 条处断开: 与前一条不衔接")]
    Link(i64),
    /// An entry was changed.
    #[error("审计记录第 {0} 条的内容被改动过")]
    Content(i64),
    /// A field that reads well, and is not written as it was.
    #[error("审计记录第 {number} 条的{field}不是原来的写法，被改动过")]
    Form {
        /// The entry.
        number: i64,
        /// The field.
        field: &'static str,
    },
    /// A row that cannot be read at all.
    #[error("审计记录第 {0} 条无法读取，被改动过")]
    Unreadable(i64),
    /// A row whose number is none of the chain's.
    #[error("审计链在第 {expected} 条处断开: 有一条编号为「{found}」的记录不在编号次序之内，是后来加入或改动过的")]
    Outside {
        /// The number that is not there, or would be next.
        expected: i64,
        /// What stands in the number's place.
        found: String,
    },
    /// A seal that does not seal the entry before it.
    #[error("审计记录第 {0} 条是封存记录，但与它封存的链头不符")]
    Seal(i64),
    /// An entry that was kept outside is not in the chain.
    #[error("审计链中没有留存的第 {0} 条链头，链的末尾可能被截断或改写")]
    Head(i64),
}

/// Checks entries one after another, as they are read.
#[derive(Debug, Clone, Default)]
pub struct ChainVerifier {
    last: Option<(i64, Digest)>,
}

impl ChainVerifier {
    /// Before the first entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before the entry that follows one that was checked already.
    pub const fn after(number: i64, digest: Digest) -> Self {
        Self {
            last: Some((number, digest)),
        }
    }

    /// Checks the next entry.
    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), ChainError> {
        let expected = self.expected();
        let digest = self.last.map_or(Digest::ZERO, |(_, digest)| digest);
        if entry.number != expected {
            return Err(ChainError::Number {
                expected,
                found: entry.number,
            });
        }
        if entry.previous != digest {
            return Err(ChainError::Link(entry.number));
        }
        if entry.compute() != entry.digest {
            return Err(ChainError::Content(entry.number));
        }
        if entry.action == SEAL_ACTION && Seal::of_entry(entry).is_none() {
            return Err(ChainError::Seal(entry.number));
        }
        self.last = Some((entry.number, entry.digest));
        Ok(())
    }

    /// Number and digest of the last entry that was checked: the head of the chain.
    pub const fn head(&self) -> Option<(i64, Digest)> {
        self.last
    }

    /// The number that the next entry must have.
    pub fn expected(&self) -> i64 {
        self.last.map_or(0, |(number, _)| number) + 1
    }
}

/// A head that was kept outside, from its text: number and digest with a colon between them. Errors: a sentence that
/// says how it is written.
pub fn read_head(text: &str) -> Result<(i64, Digest), String> {
    let bad = || "链头应写成 编号:摘要，摘要为 64 位十六进制数字".to_owned();
    let (number, digest) = text.split_once(':').ok_or_else(bad)?;
    // A printed page groups the digits, so that people can compare them.
    let digest: String = digest.split_whitespace().collect();
    let digest = digest.to_lowercase().parse().map_err(|_| bad())?;
    Ok((number.trim().parse().map_err(|_| bad())?, digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Instant;
    use proptest::prelude::*;

    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut chain: Vec<AuditEntry> = Vec::new();
        for n in 0..length {
            let last = chain.last().map(|e| (e.number, e.digest));
            chain.push(AuditEntry::next(
                last,
                Instant::from_unix_s(n),
                ("a", "month.close", "2026-03"),
                format!("{{\"n\":{n}}}"),
            ));
        }
        chain
    }

    fn verify(chain: &[AuditEntry]) -> Result<(), ChainError> {
        let mut verifier = ChainVerifier::new();
        chain.iter().try_for_each(|entry| verifier.check(entry))
    }

    proptest! {
        #[test]
        fn any_change_is_found(place in 0_usize..20, how in 0..6) {
            let good = chain(20);
            prop_assert_eq!(verify(&good), Ok(()));
            let mut bad = good.clone();
            match how {
                0 => { bad[place].detail.push(' '); }
                1 => { bad[place].at = bad[place].at.plus_s(1); }
                2 => { bad.remove(place); }
                3 if place < 19 => bad.swap(place, place + 1),
                4 => { let copy = bad[place].clone(); bad.insert(place, copy); }
                _ => { bad[place].actor = "b".into(); bad[place].digest = bad[place].compute(); bad.push(AuditEntry::next(Some((20, good[19].digest)), Instant::from_unix_s(9), ("a", "b", "c"), String::new())); }
            }
            let mut verifier = ChainVerifier::new();
            let found = bad.iter().try_for_each(|entry| verifier.check(entry)).is_err();
            // What is cut off at the end is found by nothing but the head that was kept.
            prop_assert_eq!(found, !(how == 2 && place == 19));
            prop_assert!(found || verifier.head() != Some((20, good[19].digest)));
        }
    }

    #[test]
    fn heads_as_people_type_them() {
        let digest = Digest::of(b"x");
        let text = digest.to_string();
        let grouped = format!("12: {} {}", &text[..32], text[32..].to_uppercase());
        assert_eq!(read_head(&format!("12:{text}")), Ok((12, digest)));
        assert_eq!(read_head(&grouped), Ok((12, digest)));
        assert!(read_head("12").is_err() && read_head("x:00").is_err() && read_head("12:00").is_err());
    }

    #[test]
    fn what_reads_the_same_and_is_written_otherwise_is_found() {
        let entry = &chain(1)[0];
        let (previous, digest) = (entry.previous.to_string(), entry.digest.to_string());
        let texts = ["1", "0", "a", "month.close", "2026-03", "{\"n\":0}", &previous, &digest];
        assert_eq!(AuditEntry::of_texts(1, texts).as_ref(), Ok(entry));
        for (place, text) in [(0, "01"), (1, "+0"), (6, "0"), (7, &digest.to_uppercase())] {
            let mut texts = texts;
            texts[place] = text;
            assert!(AuditEntry::of_texts(1, texts).is_err(), "{place}");
        }
    }

    #[test]
    fn a_seal_that_seals_something_else_is_found() {
        let mut verifier = ChainVerifier::new();
        let first = &chain(1)[0];
        verifier.check(first).unwrap();
        let seal = Seal::next(Some((1, first.digest)), Instant::from_unix_s(0), 1);
        let forged = Seal {
            number: 7,
            ..seal.clone()
        };
        let entry = |seal: &Seal| {
            let day = seal.day.to_string();
            let words = ("a", SEAL_ACTION, day.as_str());
            AuditEntry::next(Some((1, first.digest)), seal.at, words, seal.detail().unwrap())
        };
        assert_eq!(verifier.clone().check(&entry(&seal)), Ok(()));
        assert_eq!(verifier.check(&entry(&forged)), Err(ChainError::Seal(2)));
    }
}
