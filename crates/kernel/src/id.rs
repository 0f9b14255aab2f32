//! Ids of things that have no natural code: runs, cases, differences, imports ...

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use uuid::Uuid;

/// A kind of thing with ids of its own.
pub trait IdKind: 'static {
    /// What stands before the underscore in text.
    const PREFIX: &'static str;
}

/// A UUIDv7 of one kind. Text form: `prefix_` and 32 hexadecimal digits, which sorts by time of making.
pub struct Id<K: IdKind> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

impl<K: IdKind> Id<K> {
    /// From the milliseconds since 1970 and 10 random bytes, both from the operation's context.
    pub fn from_parts(unix_ms: u64, random: &[u8; 10]) -> Self {
        Self {
            uuid: uuid::Builder::from_unix_timestamp_millis(unix_ms, random).into_uuid(),
            kind: PhantomData,
        }
    }
}

impl<K: IdKind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: IdKind> Copy for Id<K> {}

impl<K: IdKind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K: IdKind> Eq for Id<K> {}

impl<K: IdKind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: IdKind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K: IdKind> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.uuid.as_simple())
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uuid = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        let uuid = uuid.and_then(|hex| Uuid::try_parse(hex).ok());
        let uuid = uuid.ok_or_else(|| format!("{text:?} 不是编号；编号形如 {}_ 加 32 位十六进制数字", K::PREFIX))?;
        Ok(Self {
            uuid,
            kind: PhantomData,
        })
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}
        impl IdKind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A run of metering, rating or reconciling.
    RunKind, RunId, "run";
    /// A case: something a person must look at.
    CaseKind, CaseId, "cas";
    /// A file that was imported.
    ImportKind, ImportId, "imp";
    /// Somebody, or a machine, who may log in.
    AccountKind, AccountId, "acc";
    /// A login.
    SessionKind, SessionId, "ses";
    /// A personal token for programs.
    TokenKind, TokenId, "tok";
    /// A piece of background work.
    JobKind, JobId, "job";
    /// A message to an account.
    MessageKind, MessageId, "msg";
    /// A message on its way out of the house.
    DeliveryKind, DeliveryId, "dlv";
    /// An address where an organisation's programs are told.
    WebhookKind, WebhookId, "whk";
    /// A time in which somebody is away.
    AbsenceKind, AbsenceId, "abs";
    /// A file that proves something.
    EvidenceKind, EvidenceId, "evi";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_kinds_differ() {
        let id = RunId::from_parts(1_772_323_200_000, &[7; 10]);
        assert!(id.to_string().starts_with("run_019c"));
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
        assert!(id.to_string().parse::<CaseId>().is_err());
    }
}
