//! Versions of the services: reading what they offer and choosing what to ask for.

use super::{OpenStackError, Service};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A version of an API such as 2.87; 2.9 is before 2.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Microversion {
    /// Before the point.
    pub major: u32,
    /// After the point.
    pub minor: u32,
}

impl Microversion {
    pub(super) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl From<Microversion> for String {
    fn from(version: Microversion) -> Self {
        version.to_string()
    }
}

impl TryFrom<String> for Microversion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Microversion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim().trim_start_matches('v');
        let (major, minor) = bare.split_once('.').unwrap_or((bare, "0"));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Ok(Self { major, minor }),
            _ => Err(format!("「{text}」不是版本号，应写成 2.87 的形式")),
        }
    }
}

/// One entry of a version document.
#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    min_version: String,
}

#[derive(Debug, Deserialize)]
struct Document {
    version: Option<Entry>,
    #[serde(default)]
    versions: Vec<Entry>,
}

/// The oldest and the newest microversion of a major version in a version document; both are `major.1` or `major.0`
/// in spirit if the service has no microversions, which is `None`.
pub(super) fn offered(document: &[u8], major: u32) -> Result<Option<(Microversion, Microversion)>, String> {
    let document: Document = serde_json::from_slice(document).map_err(|e| e.to_string())?;
    let of_major = |e: &Entry| e.id.parse::<Microversion>().is_ok_and(|v| v.major == major);
    let entries = document.version.into_iter().chain(document.versions);
    // A service may list 2.0 without and 2.1 with microversions; the one with them is the better.
    let entry = entries
        .filter(of_major)
        .max_by_key(|e| !e.version.is_empty())
        .ok_or("没有列出所需的版本")?;
    match (entry.min_version.parse(), entry.version.parse()) {
        (Ok(least), Ok(most)) => Ok(Some((least, most))),
        _ => Ok(None),
    }
}

/// The newest version listed, for services that number their versions without negotiating.
pub(super) fn newest(document: &[u8]) -> Result<Option<Microversion>, String> {
    let document: Document = serde_json::from_slice(document).map_err(|e| e.to_string())?;
    Ok(document.versions.iter().filter_map(|e| e.id.parse().ok()).max())
}

/// The newest version that both sides know.
///
/// Errors: the service is older than `least` or has already given up everything up to `most`.
pub(super) fn choose(
    service: Service,
    (least, most): (Microversion, Microversion),
    (oldest, newest): (Microversion, Microversion),
) -> Result<Microversion, OpenStackError> {
    let version = most.min(newest);
    if version < least.max(oldest) {
        let (wanted, offered) = (format!("{least} 至 {most}"), format!("{oldest} 至 {newest}"));
        return Err(OpenStackError::Version {
            service,
            wanted,
            offered,
        });
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn v(major: u32, minor: u32) -> Microversion {
        Microversion::new(major, minor)
    }

    #[test]
    fn versions_are_no_decimals() {
        assert!(v(2, 9) < v(2, 10));
        assert_eq!("v2.15".parse(), Ok(v(2, 15)));
        assert_eq!("2".parse(), Ok(v(2, 0)));
        assert!("latest".parse::<Microversion>().is_err() && "".parse::<Microversion>().is_err());
    }

    #[test]
    fn negotiation_goes_down_to_what_both_know() {
        let choose = |offer| choose(Service::Compute, (v(2, 1), v(2, 87)), offer);
        assert_eq!(choose((v(2, 1), v(2, 93))), Ok(v(2, 87)));
        assert_eq!(choose((v(2, 1), v(2, 60))), Ok(v(2, 60)));
        assert_eq!(choose((v(2, 1), v(2, 1))), Ok(v(2, 1)));
        assert!(matches!(
            choose((v(2, 88), v(2, 110))),
            Err(OpenStackError::Version { .. })
        ));
        assert!(choose((v(2, 0), v(2, 0))).is_err());
    }

    #[test]
    fn documents_come_in_two_shapes() {
        let one = br#"{"version": {"id": "v2.1", "version": "2.93", "min_version": "2.1", "links": []}}"#;
        assert_eq!(offered(one, 2), Ok(Some((v(2, 1), v(2, 93)))));
        let many = br#"{"versions": [{"id": "v2.0", "version": "", "min_version": ""},
            {"id": "v2.1", "version": "2.60", "min_version": "2.1"}, {"id": "v3.0", "version": "3.70", "min_version": "3.0"}]}"#;
        assert_eq!(offered(many, 2), Ok(Some((v(2, 1), v(2, 60)))));
        assert_eq!(offered(many, 3), Ok(Some((v(3, 0), v(3, 70)))));
        assert_eq!(
            offered(br#"{"versions": [{"id": "v2.0", "status": "SUPPORTED"}]}"#, 2),
            Ok(None)
        );
        assert!(offered(many, 4).is_err() && offered(b"<html>", 2).is_err());
        assert_eq!(
            newest(br#"{"versions": [{"id": "v2.9"}, {"id": "v2.15"}]}"#),
            Ok(Some(v(2, 15)))
        );
    }
}
