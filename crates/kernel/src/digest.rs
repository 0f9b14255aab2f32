//! SM3 digests (GB/T 32905): of files, of a run's inputs and lines, of the links of the audit chain.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sm3::{Digest as _, Sm3};
use std::fmt;
use std::str::FromStr;

/// An SM3 digest of 32 bytes. Text form: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest before anything: the predecessor of the first link of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digester = Digester::new();
        digester.raw(bytes);
        digester.finish()
    }

    /// The authentication code of a message under a key: HMAC with SM3 as its hash, block of 64 bytes.
    pub fn hmac(key: &[u8], message: &[u8]) -> Self {
        const BLOCK: usize = 64;
        let hashed = Self::of(key).0;
        let key = if key.len() > BLOCK { hashed.as_slice() } else { key };
        let padded = |with: u8| -> Vec<u8> {
            let zeros = std::iter::repeat_n(&0_u8, BLOCK.saturating_sub(key.len()));
            key.iter().chain(zeros).map(|byte| byte ^ with).collect()
        };
        let inner = Self::of(&[padded(0x36).as_slice(), message].concat());
        Self::of(&[padded(0x5c).as_slice(), &inner.0].concat())
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight digits, for people and file names.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} 不是 SM3 摘要；摘要为 64 位十六进制数字");
        if text.len() != 64 || !text.is_ascii() {
            return Err(bad());
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// Takes in values one after another. Texts carry their length, so that `("ab", "c")` and `("a", "bc")` differ.
#[derive(Clone, Default)]
pub struct Digester(Sm3);

impl Digester {
    /// With nothing taken in yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// Takes in a number.
    pub fn number(&mut self, number: i64) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    /// Takes in a text with its length.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.raw(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes())
            .raw(text.as_bytes())
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_vector() {
        // GB/T 32905-2016, appendix A.1
        let hex = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        assert_eq!(Digest::of(b"abc").to_string(), hex);
        assert_eq!(hex.parse::<Digest>().unwrap(), Digest::of(b"abc"));
        assert!("66c7".parse::<Digest>().is_err());
    }

    #[test]
    fn authentication_codes_are_those_of_others() {
        // By `openssl dgst -sm3 -hmac`, and by Python's hmac with sm3 for the key longer than a block.
        let fox = b"The quick brown fox jumps over the lazy dog";
        let hex = "bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398";
        assert_eq!(Digest::hmac(b"key", fox).to_string(), hex);
        let hex = "2d87dd3ffa1452e8e40d9123a02824fb7dd98ae4a52683287245f1736dc610ef";
        assert_eq!(Digest::hmac(&[b'k'; 100], b"abc").to_string(), hex);
    }

    #[test]
    fn texts_do_not_run_together() {
        let of = |a: &str, b: &str| {
            let mut digester = Digester::new();
            digester.text(a).text(b);
            digester.finish()
        };
        assert_ne!(of("ab", "c"), of("a", "bc"));
    }
}
