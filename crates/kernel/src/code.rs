//! Codes: the natural names by which people, files and documents know a registered thing.
//!
//! A code never changes and is never given out twice; names do change (invariant I11). Codes of different kinds are
//! different types, so that a system cannot stand where an organisation belongs.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use thiserror::Error;

/// Longest code that is accepted, in bytes.
pub const CODE_MAX_LEN: usize = 64;

/// A kind of registered thing.
pub trait CodeKind: 'static {
    /// The word for the kind in error texts.
    const NAME: &'static str;
}

/// Why a text is no code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} 不是有效的{kind}：只能用字母、数字和 . _ / : -，以字母或数字开头，不超过 {CODE_MAX_LEN} 个字符")]
pub struct CodeError {
    kind: &'static str,
    text: String,
}

/// The code of one `K`. Text form: itself. Ordered by bytes.
pub struct Code<K: CodeKind> {
    text: Box<str>,
    kind: PhantomData<fn() -> K>,
}

impl<K: CodeKind> Code<K> {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K: CodeKind> FromStr for Code<K> {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b':' | b'-');
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if !starts_well || text.len() > CODE_MAX_LEN || !text.bytes().all(plain) {
            return Err(CodeError {
                kind: K::NAME,
                text: text.to_owned(),
            });
        }
        Ok(Self {
            text: text.into(),
            kind: PhantomData,
        })
    }
}

impl<K: CodeKind> Clone for Code<K> {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            kind: PhantomData,
        }
    }
}

impl<K: CodeKind> PartialEq for Code<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K: CodeKind> Eq for Code<K> {}

impl<K: CodeKind> PartialOrd for Code<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: CodeKind> Ord for Code<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<K: CodeKind> Hash for Code<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<K: CodeKind> fmt::Display for Code<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<K: CodeKind> fmt::Debug for Code<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", K::NAME, self.text)
    }
}

impl<K: CodeKind> Serialize for Code<K> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl<'de, K: CodeKind> Deserialize<'de> for Code<K> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}
        impl CodeKind for $kind {
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $alias = Code<$kind>;
    )*};
}

kinds! {
    /// An organisation of any side: department, provider, bureau, supervisor ...
    OrganisationKind, OrganisationCode, "组织代码";
    /// A government information system.
    SystemKind, SystemCode, "系统代码";
    /// A cloud node (site) of a provider.
    NodeKind, NodeCode, "云节点代码";
    /// A resource pool on a node.
    PoolKindOfCode, PoolCode, "资源池代码";
    /// An item of the service catalogue.
    ItemKind, ItemCode, "服务条目代码";
    /// A contract, by its number.
    ContractKind, ContractCode, "合同编号";
    /// An allocation: what was approved and opened, by its order number.
    AllocationKind, AllocationCode, "分配单号";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_plain() {
        assert_eq!(" D001 ".parse::<OrganisationCode>().unwrap().as_str(), "D001");
        for bad in ["", "=1+1", "-x", "a b", "部门", &"x".repeat(65)] {
            assert!(bad.parse::<SystemCode>().is_err(), "{bad}");
        }
    }
}
