//! From the words and numbers of one answer to those of an observation, each fault naming the resource.

use super::number::moment;
use super::states::meaning;
use super::{OpenStackConfig, OpenStackError, Place};
use domain::collect::ObservedState;
use domain::registry::ResourceKind;
use kernel::{Instant, Quantity};
use std::collections::BTreeMap;

/// How the entries of one list are understood.
pub(super) struct Words<'a> {
    pub(super) config: &'a OpenStackConfig,
    pub(super) place: Place,
}

impl Words<'_> {
    pub(super) fn state(&self, kind: ResourceKind, id: &str, word: &str) -> Result<ObservedState, OpenStackError> {
        meaning(kind, word, &self.config.state_words).ok_or_else(|| OpenStackError::UnknownState {
            service: self.place.service,
            id: id.to_owned(),
            word: word.to_owned(),
        })
    }

    pub(super) fn moment(&self, id: &str, text: Option<&str>) -> Result<Option<Instant>, OpenStackError> {
        let Some(text) = text.filter(|t| !t.is_empty()) else {
            return Ok(None);
        };
        moment(text)
            .map(Some)
            .map_err(|e| self.malformed(format!("资源 {id}: {e}")))
    }

    pub(super) fn quantity(&self, id: &str, quantity: Option<Quantity>) -> Result<Quantity, OpenStackError> {
        quantity.ok_or_else(|| self.malformed(format!("资源 {id}: 数值超出范围")))
    }

    pub(super) fn malformed(&self, cause: String) -> OpenStackError {
        OpenStackError::Malformed {
            place: self.place.clone(),
            cause,
        }
    }

    /// The information system: the key's value in the metadata, else the tag `key=value` or `key:value`.
    pub(super) fn system(&self, metadata: &BTreeMap<String, String>, tags: &[String]) -> Option<String> {
        let named = metadata
            .get(&self.config.system_tag_key)
            .map(|name| name.trim().to_owned());
        named
            .filter(|name| !name.is_empty())
            .or_else(|| tagged_system(self.config, tags))
    }
}

/// The information system that one of the tags names, as `key=value` or `key:value`.
pub(super) fn tagged_system(config: &OpenStackConfig, tags: &[String]) -> Option<String> {
    let of_tag = |tag: &String| {
        let name = tag
            .strip_prefix(&config.system_tag_key)?
            .strip_prefix(['=', ':'])?
            .trim();
        (!name.is_empty()).then(|| name.to_owned())
    };
    tags.iter().find_map(of_tag)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Credential, Secret, Service};
    use super::*;

    pub(in super::super) fn config() -> OpenStackConfig {
        let credential = Credential::Application {
            id: "a".into(),
            secret: Secret::new("b"),
        };
        OpenStackConfig::new("http://h", credential)
    }

    pub(in super::super) fn words(config: &OpenStackConfig) -> Words<'_> {
        Words {
            config,
            place: Place {
                service: Service::Compute,
                url: "http://h/list".into(),
            },
        }
    }

    #[test]
    fn the_system_is_named_by_metadata_or_tag() {
        let config = config();
        let words = words(&config);
        let none = BTreeMap::new();
        let metadata = BTreeMap::from([("yunheng:system".to_owned(), " sys_a ".to_owned())]);
        let tag = |t: &str| vec!["env:prod".to_owned(), t.to_owned()];
        assert_eq!(
            words.system(&metadata, &tag("yunheng:system=b")).as_deref(),
            Some("sys_a")
        );
        assert_eq!(words.system(&none, &tag("yunheng:system=b")).as_deref(), Some("b"));
        assert_eq!(words.system(&none, &tag("yunheng:system:c")).as_deref(), Some("c"));
        assert_eq!(words.system(&none, &tag("yunheng:systems=d")), None);
        assert_eq!(words.system(&none, &tag("yunheng:system=")), None);
    }

    #[test]
    fn faults_name_the_resource() {
        let config = config();
        let words = words(&config);
        let text = words
            .state(ResourceKind::Server, "srv-1", "FROZEN")
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("srv-1") && text.contains("FROZEN") && text.contains("state_words"),
            "{text}"
        );
        assert!(
            words
                .moment("srv-1", Some("soon"))
                .unwrap_err()
                .to_string()
                .contains("srv-1")
        );
        assert_eq!(words.moment("srv-1", None), Ok(None));
        assert!(words.quantity("srv-1", None).is_err());
    }
}
