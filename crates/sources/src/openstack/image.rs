//! Glance: images of all owners, hidden and community ones too.

use super::catalogue::Endpoint;
use super::number::gib_of_bytes;
use super::paging::Paging;
use super::reading::{Ask, Reading};
use super::words::Words;
use super::{Microversion, OpenStackConfig, OpenStackError};
use domain::collect::{Observation, ObservedState};
use domain::registry::{Measure, ResourceKind, Spec};
use serde::Deserialize;
use std::collections::BTreeMap;

/// From here on a listing can ask for all visibilities at once, community images among them.
const ALL_VISIBLE: Microversion = Microversion::new(2, 5);
/// From here on images can be hidden, and then stand in a listing of their own.
const HIDDEN: Microversion = Microversion::new(2, 7);

#[derive(Debug, Deserialize)]
struct Image {
    id: String,
    name: Option<String>,
    status: String,
    size: Option<u64>,
    owner: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    /// Properties stand beside the fields.
    #[serde(flatten)]
    properties: BTreeMap<String, serde_json::Value>,
}

/// All images.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    config: &OpenStackConfig,
) -> Result<Vec<Observation>, OpenStackError> {
    let can = |version| endpoint.version.is_some_and(|v| v >= version);
    let mut found = Vec::new();
    for hidden in [false, true] {
        if hidden && !can(HIDDEN) {
            break;
        }
        let mut query = Vec::new();
        if can(ALL_VISIBLE) {
            query.push(("visibility", "all".to_owned()));
        }
        if hidden {
            query.push(("os_hidden", "true".to_owned()));
        }
        let ask = Ask {
            endpoint,
            path: "/images",
            query,
            paging: Paging::Next("images"),
        };
        let words = Words {
            config,
            place: ask.place(),
        };
        for image in reading.list(ask).await? {
            found.push(observe(image, &words)?);
        }
    }
    Ok(found)
}

fn observe(image: Image, words: &Words) -> Result<Observation, OpenStackError> {
    let state = words.state(ResourceKind::Image, &image.id, &image.status)?;
    let changed_at = words.moment(&image.id, image.updated_at.as_deref())?;
    let spec = match image.size {
        Some(bytes) => Spec::new().with(Measure::StorageGib, words.quantity(&image.id, gib_of_bytes(bytes))?),
        None => Spec::new(),
    };
    let texts = image
        .properties
        .into_iter()
        .filter_map(|(k, v)| Some((k, v.as_str()?.to_owned())))
        .collect();
    Ok(Observation {
        kind: ResourceKind::Image,
        class: String::new(),
        name: image.name.unwrap_or_default(),
        project: image.owner.unwrap_or_default(),
        zone: String::new(),
        state,
        native_state: image.status,
        spec,
        created_at: words.moment(&image.id, image.created_at.as_deref())?,
        changed_at,
        deleted_at: changed_at.filter(|_| state == ObservedState::Deleted),
        parent: None,
        system_tag: words.system(&texts, &image.tags),
        native_id: image.id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::tests::{config, words};
    use super::*;

    #[test]
    fn an_image_without_content_has_no_size() {
        let see = |status: &str, size: &str| {
            let text = format!(
                r#"{{"id": "i1", "name": "os", "status": "{status}", "size": {size}, "owner": null, "min_disk": 10,
                "yunheng:system": "oa", "created_at": "2026-03-01T00:00:00Z", "protected": false, "tags": []}}"#
            );
            let config = config();
            observe(serde_json::from_str(&text).unwrap(), &words(&config)).unwrap()
        };
        let full = see("active", "1610612736");
        assert_eq!(
            (full.spec.to_string().as_str(), full.state),
            ("storage_gib=1.5", ObservedState::Live)
        );
        assert_eq!((full.project.as_str(), full.system_tag.as_deref()), ("", Some("oa")));
        let empty = see("queued", "null");
        assert!(empty.spec.is_empty() && empty.state == ObservedState::Failed);
    }
}
