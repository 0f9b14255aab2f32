//! Versions of registered things over time.

use kernel::{Instant, Period};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use thiserror::Error;

/// A thing that is registered under a code and has versions.
pub trait Registered: Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned {
    /// The word for the register in the store.
    const REGISTER: &'static str;

    /// What such a thing is called by people, in Chinese.
    const ZH: &'static str;

    /// The code it is known by, for ever.
    fn code(&self) -> String;
}

/// What a thing was from a moment on, until its next version.
#[derive(Debug, Clone, PartialEq)]
pub struct Version<T> {
    /// From when on it was so.
    pub valid_from: Instant,
    /// What it was.
    pub body: T,
}

/// Why a version is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistoryError {
    /// The same moment says something else already.
    #[error("{what}「{code}」自 {valid_from} 起已有另一内容的登记；已登记的版本不可覆盖，请用新的生效时间登记变更")]
    Contradiction {
        /// What it is called.
        what: &'static str,
        /// The code.
        code: String,
        /// From when on.
        valid_from: Instant,
    },
}

/// All versions of all things of one register.
///
/// Invariant: per code, versions are in order of `valid_from` and no two start at the same moment.
#[derive(Debug, Clone)]
pub struct History<T> {
    versions: BTreeMap<String, Vec<Version<T>>>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self {
            versions: BTreeMap::new(),
        }
    }
}

impl<T: Registered> History<T> {
    /// Adds a version. Returns whether it was new: the same version of the same moment can be given twice.
    ///
    /// A version that repeats what already holds is kept, for it states a fact about its moment: whatever arrives
    /// later about the time before it must not reach past it. So the order in which versions arrive is irrelevant.
    ///
    /// Errors: another version starts at the same moment with other content.
    pub fn add(&mut self, version: Version<T>) -> Result<bool, HistoryError> {
        let code = version.body.code();
        let versions = self.versions.entry(code.clone()).or_default();
        let place = versions.partition_point(|v| v.valid_from < version.valid_from);
        match versions.get(place) {
            Some(there) if there.valid_from == version.valid_from => {
                if there.body == version.body {
                    return Ok(false);
                }
                return Err(HistoryError::Contradiction {
                    what: T::ZH,
                    code,
                    valid_from: version.valid_from,
                });
            }
            _ => {}
        }
        versions.insert(place, version);
        Ok(true)
    }

    /// What the thing with this code was at a moment; none before its first version.
    pub fn at(&self, code: &str, at: Instant) -> Option<&T> {
        let versions = self.versions.get(code)?;
        let place = versions.partition_point(|v| v.valid_from <= at);
        versions.get(place.checked_sub(1)?).map(|v| &v.body)
    }

    /// What it was last, whenever that was.
    pub fn latest(&self, code: &str) -> Option<&T> {
        self.versions.get(code)?.last().map(|v| &v.body)
    }

    /// What it was at a moment; before its first version, what it was first.
    pub fn at_or_first(&self, code: &str, at: Instant) -> Option<&T> {
        let first = || Some(&self.versions.get(code)?.first()?.body);
        self.at(code, at).or_else(first)
    }

    /// How long the version that begins at a moment holds.
    pub fn holds(&self, code: &str, from: Instant) -> Option<Period> {
        let ever_after = Period::open(from, None).ok()?;
        self.stretches(code, ever_after).first().map(|(period, _)| *period)
    }

    /// Whether the code was ever registered.
    pub fn knows(&self, code: &str) -> bool {
        self.versions.contains_key(code)
    }

    /// The stretches of `within` in which the thing was the same, in order; a stretch before its first version is
    /// left out.
    pub fn stretches(&self, code: &str, within: Period) -> Vec<(Period, &T)> {
        let Some(versions) = self.versions.get(code) else {
            return Vec::new();
        };
        let mut same: Vec<&Version<T>> = versions.iter().collect();
        same.dedup_by(|later, earlier| later.body == earlier.body);
        let ends = same.iter().skip(1).map(|v| v.valid_from);
        let ends = ends.chain(std::iter::once(Instant::MAX));
        let stretches = same.iter().zip(ends);
        let whole = stretches.filter_map(|(v, end)| Some((Period::new(v.valid_from, end).ok()?, &v.body)));
        whole
            .filter_map(|(period, body)| Some((period.and(within)?, body)))
            .collect()
    }

    /// Every code and its versions, in order of the codes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Version<T>])> {
        self.versions
            .iter()
            .map(|(code, versions)| (code.as_str(), versions.as_slice()))
    }

    /// Everything that was registered at a moment, in order of the codes.
    pub fn all_at(&self, at: Instant) -> impl Iterator<Item = &T> {
        self.versions.keys().filter_map(move |code| self.at(code, at))
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Thing(String, i32);

    impl Registered for Thing {
        const REGISTER: &'static str = "thing";
        const ZH: &'static str = "物件";

        fn code(&self) -> String {
            self.0.clone()
        }
    }

    fn version(at: i64, value: i32) -> Version<Thing> {
        Version {
            valid_from: Instant::from_unix_s(at),
            body: Thing("a".into(), value),
        }
    }

    #[test]
    fn the_past_stays_as_it_was() {
        let mut history = History::default();
        assert_eq!(history.add(version(100, 1)), Ok(true));
        assert_eq!(history.add(version(200, 2)), Ok(true));
        assert_eq!(history.add(version(150, 1)), Ok(true), "a repeat of what holds");
        assert_eq!(
            history.add(version(200, 2)),
            Ok(false),
            "the same file twice changes nothing"
        );
        let refused = history.add(version(200, 3)).unwrap_err().to_string();
        assert!(refused.starts_with("物件「a」自 1970-01-01T08:03:20"), "{refused}");
        assert!(!refused.contains("thing"), "{refused}");
        let at = |t| history.at("a", Instant::from_unix_s(t)).map(|t| t.1);
        assert_eq!((at(99), at(100), at(199), at(200)), (None, Some(1), Some(1), Some(2)));
        let at_or_first = |t| history.at_or_first("a", Instant::from_unix_s(t)).map(|t| t.1);
        assert_eq!((at_or_first(99), at_or_first(200)), (Some(1), Some(2)));
        let holds = |t| history.holds("a", Instant::from_unix_s(t)).map(|p| p.to().unix_s());
        assert_eq!((holds(100), holds(200)), (Some(200), Some(Instant::MAX.unix_s())));
        let within = Period::new(Instant::from_unix_s(50), Instant::from_unix_s(250)).unwrap();
        let stretches: Vec<_> = history
            .stretches("a", within)
            .iter()
            .map(|(p, t)| (p.from().unix_s(), p.to().unix_s(), t.1))
            .collect();
        assert_eq!(stretches, [(100, 200, 1), (200, 250, 2)], "a repeat divides nothing");
    }

    /// What was said of a moment holds from it on, whatever arrives later about the time before.
    #[test]
    fn the_order_of_arrival_is_irrelevant() {
        let said = [version(100, 1), version(150, 2), version(200, 1), version(300, 3)];
        let seen = |order: [usize; 4]| {
            let mut history = History::default();
            for place in order {
                assert_eq!(history.add(said[place].clone()), Ok(true), "{order:?}");
            }
            [100, 149, 150, 199, 200, 299, 300].map(|t| history.at("a", Instant::from_unix_s(t)).map(|t| t.1))
        };
        let expected = [1, 1, 2, 2, 1, 1, 3].map(Some);
        for order in [[0, 1, 2, 3], [0, 2, 1, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            assert_eq!(seen(order), expected, "{order:?}");
        }
    }
}
