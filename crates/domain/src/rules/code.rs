//! The code of a rule.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// The code of a rule: letters, then a number (`R1`, `R48`; own rules begin with other letters). Ordered by letters,
/// then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleCode {
    letters: String,
    pub(super) number: u32,
}

impl RuleCode {
    /// Whether it is one of the numbered rules of the field.
    pub fn is_of_the_field(&self) -> bool {
        self.letters == "R"
    }

    /// `R` and a number.
    pub(super) fn of_the_field(number: u32) -> Self {
        Self {
            letters: "R".to_owned(),
            number,
        }
    }
}

impl fmt::Display for RuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", self.letters, self.number))
    }
}

impl FromStr for RuleCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("规则编号「{text}」应为大写字母加数字，如 R1、X12");
        let (letters, digits) = text.split_at(text.find(|c: char| c.is_ascii_digit()).ok_or_else(bad)?);
        let plain = !letters.is_empty() && letters.len() <= 4 && letters.bytes().all(|b| b.is_ascii_uppercase());
        let number = digits
            .parse()
            .ok()
            .filter(|n| *n > 0 && plain && !digits.starts_with('0'));
        Ok(Self {
            letters: letters.to_owned(),
            number: number.ok_or_else(bad)?,
        })
    }
}

impl Serialize for RuleCode {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleCode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ordered_by_number() {
        let code = |t: &str| t.parse::<RuleCode>().unwrap();
        let mut codes: Vec<_> = ["R10", "X1", "R2", "R1"].map(code).into();
        codes.sort();
        assert_eq!(
            codes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["R1", "R2", "R10", "X1"]
        );
        for bad in ["", "R", "1", "R0", "R01", "r1", "R1a", "规则1"] {
            assert!(bad.parse::<RuleCode>().is_err(), "{bad}");
        }
    }
}
