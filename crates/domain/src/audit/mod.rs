//! The audit chain: every write leaves an entry, and each entry carries the digest of the one before (SM3).
//!
//! Invariant I7: entries are numbered from 1 without gaps, in the order of commit. Changing, dropping, adding or
//! swapping any of them breaks the chain at that place.

use kernel::{Digest, Digester, Instant};
use thiserror::Error;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1.
    pub number: i64,
    /// When it was written, by the operation's clock.
    pub at: Instant,
    /// Who did it.
    pub actor: String,
    /// What was done: `month.close`, `import.prices` ...
    pub action: String,
    /// To what.
    pub object: String,
    /// What changed, as JSON.
    pub detail: String,
    /// Digest of the entry before; zero for the first.
    pub previous: Digest,
    /// Digest of this entry, over all of the above.
    pub digest: Digest,
}

impl AuditEntry {
    /// The entry that follows `previous` (number and digest of the last one, or none).
    pub fn next(
        previous: Option<(i64, Digest)>,
        at: Instant,
        (actor, action, object): (&str, &str, &str),
        detail: String,
    ) -> Self {
        let (number, previous) = previous.map_or((1, Digest::ZERO), |(number, digest)| (number + 1, digest));
        let mut entry = Self {
            number,
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            detail,
            previous,
            digest: Digest::ZERO,
        };
        entry.digest = entry.compute();
        entry
    }

    /// The digest that the entry must have.
    pub fn compute(&self) -> Digest {
        let mut digester = Digester::new();
        digester.number(self.number).number(self.at.unix_s());
        digester
            .text(&self.actor)
            .text(&self.action)
            .text(&self.object)
            .text(&self.detail);
        digester.text(&self.previous.to_string());
        digester.finish()
    }
}

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

    /// Checks the next entry.
    pub fn check(&mut self, entry: &AuditEntry) -> Result<(), ChainError> {
        let (last, digest) = self.last.unwrap_or((0, Digest::ZERO));
        if entry.number != last + 1 {
            return Err(ChainError::Number {
                expected: last + 1,
                found: entry.number,
            });
        }
        if entry.previous != digest {
            return Err(ChainError::Link(entry.number));
        }
        if entry.compute() != entry.digest {
            return Err(ChainError::Content(entry.number));
        }
        self.last = Some((entry.number, entry.digest));
        Ok(())
    }

    /// Number and digest of the last entry that was checked: the head of the chain.
    pub const fn head(&self) -> Option<(i64, Digest)> {
        self.last
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
                2 if place < 19 => { bad.remove(place); }
                3 if place < 19 => bad.swap(place, place + 1),
                4 => { let copy = bad[place].clone(); bad.insert(place, copy); }
                _ => { bad[place].actor = "b".into(); bad[place].digest = bad[place].compute(); bad.push(AuditEntry::next(Some((20, good[19].digest)), Instant::from_unix_s(9), ("a", "b", "c"), String::new())); }
            }
            let last_replaced = matches!(how, 2 | 3) && place == 19;
            prop_assert!(verify(&bad).is_err() || last_replaced || (how == 5 && place == 19 && verify(&bad).is_err()));
        }
    }
}
