//! The audit chain: every write leaves an entry, and each entry carries the digest of the one before (SM3).
//!
//! Owns the entry and its digest, the check of a chain, the written form in which a chain is taken out of the house and
//! checked without a store, the seal of a day, and what of two bodies differs. Owns no storage.
//!
//! Invariant I7: entries are numbered from 1 without gaps, in the order of commit. Changing, dropping, adding or
//! swapping any of them breaks the chain at that place. What was cut off at the end, or written anew from some place on,
//! is found by a head that was kept outside ([`Seal`]).

mod chain;
mod change;
mod seal;
mod written;

pub use chain::{ChainError, ChainVerifier, read_head};
pub use change::{Changed, changes};
pub use seal::{SEAL_ACTION, Seal};
pub use written::{FileError, FileVerifier, WrittenChain, first_line, last_line, line};

use kernel::{Digest, Digester, Instant};
use serde::Serialize;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

impl AuditEntry {
    /// An entry from its eight fields as texts, in the order of the fields, exactly as they stand in a table. Whatever
    /// is not written as this program writes it was altered, even if it reads the same (`A` for `a` in a digest).
    pub fn of_texts(expected: i64, texts: [&str; 8]) -> Result<Self, ChainError> {
        let [number, at_s, actor, action, object, detail, previous, digest] = texts;
        let form = |field| {
            move || ChainError::Form {
                number: expected,
                field,
            }
        };
        let integer = |text: &str, field| exact::<i64>(text).ok_or_else(form(field));
        let outside = || ChainError::Outside {
            expected,
            found: number.to_owned(),
        };
        let number = exact::<i64>(number).ok_or_else(outside)?;
        Ok(Self {
            number,
            at: Instant::from_unix_s(integer(at_s, "时间")?),
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            detail: detail.to_owned(),
            previous: exact(previous).ok_or_else(form("前一条摘要"))?,
            digest: exact(digest).ok_or_else(form("摘要"))?,
        })
    }
}

/// A value from the one text that it is written as.
fn exact<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|value| value.to_string() == text)
}
