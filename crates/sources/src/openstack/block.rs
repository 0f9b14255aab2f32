//! Cinder: volumes and their snapshots. Deleted ones vanish from its lists.

use super::catalogue::Endpoint;
use super::number::whole;
use super::paging::Paging;
use super::reading::{Ask, Reading};
use super::words::Words;
use super::{OpenStackConfig, OpenStackError};
use domain::collect::{Observation, ObservedState};
use domain::registry::{Measure, ResourceKind, Spec};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Volume {
    id: String,
    name: Option<String>,
    status: String,
    size: u64,
    volume_type: Option<String>,
    availability_zone: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    #[serde(rename = "os-vol-tenant-attr:tenant_id")]
    project: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Debug, Deserialize)]
struct Attachment {
    server_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Snapshot {
    id: String,
    name: Option<String>,
    status: String,
    size: u64,
    volume_id: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    #[serde(rename = "os-extended-snapshot-attributes:project_id")]
    project: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// All volumes and snapshots of all projects.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    config: &OpenStackConfig,
) -> Result<Vec<Observation>, OpenStackError> {
    // Snapshots first: one that is listed then has its volume in the later list, unless both are gone by then.
    let ask = |path, key| Ask {
        endpoint,
        path,
        query: vec![("all_tenants", "1".to_owned())],
        paging: Paging::Links(key),
    };
    let (snapshots, volumes) = (ask("/snapshots/detail", "snapshots"), ask("/volumes/detail", "volumes"));
    let (of_snapshots, of_volumes) = (
        Words {
            config,
            place: snapshots.place(),
        },
        Words {
            config,
            place: volumes.place(),
        },
    );
    let snapshots: Vec<Snapshot> = reading.list(snapshots).await?;
    let volumes: Vec<Volume> = reading.list(volumes).await?;
    let mut found = Vec::with_capacity(volumes.len() + snapshots.len());
    for volume in volumes {
        found.push(observe_volume(volume, &of_volumes)?);
    }
    let parents: BTreeMap<_, _> = found
        .iter()
        .map(|v| (v.native_id.clone(), (v.class.clone(), v.zone.clone())))
        .collect();
    for snapshot in snapshots {
        found.push(observe_snapshot(snapshot, &parents, &of_snapshots)?);
    }
    Ok(found)
}

fn observe_volume(volume: Volume, words: &Words) -> Result<Observation, OpenStackError> {
    let state = words.state(ResourceKind::Volume, &volume.id, &volume.status)?;
    let changed_at = words.moment(&volume.id, volume.updated_at.as_deref())?;
    let size = words.quantity(&volume.id, whole(volume.size))?;
    Ok(Observation {
        kind: ResourceKind::Volume,
        class: volume.volume_type.unwrap_or_default(),
        name: volume.name.unwrap_or_default(),
        project: volume.project,
        zone: volume.availability_zone.unwrap_or_default(),
        state,
        native_state: volume.status,
        spec: Spec::new().with(Measure::StorageGib, size),
        created_at: words.moment(&volume.id, volume.created_at.as_deref())?,
        changed_at,
        deleted_at: changed_at.filter(|_| state == ObservedState::Deleted),
        // A volume may hang on several servers, in any order; the smallest id is always the same one.
        parent: volume.attachments.into_iter().filter_map(|a| a.server_id).min(),
        system_tag: words.system(&volume.metadata, &[]),
        native_id: volume.id,
    })
}

/// A snapshot has the class and the zone of its volume.
fn observe_snapshot(
    snapshot: Snapshot,
    parents: &BTreeMap<String, (String, String)>,
    words: &Words,
) -> Result<Observation, OpenStackError> {
    let state = words.state(ResourceKind::Snapshot, &snapshot.id, &snapshot.status)?;
    let changed_at = words.moment(&snapshot.id, snapshot.updated_at.as_deref())?;
    let size = words.quantity(&snapshot.id, whole(snapshot.size))?;
    let (class, zone) = snapshot
        .volume_id
        .as_ref()
        .and_then(|v| parents.get(v))
        .cloned()
        .unwrap_or_default();
    Ok(Observation {
        kind: ResourceKind::Snapshot,
        class,
        name: snapshot.name.unwrap_or_default(),
        project: snapshot.project,
        zone,
        state,
        native_state: snapshot.status,
        spec: Spec::new().with(Measure::StorageGib, size),
        created_at: words.moment(&snapshot.id, snapshot.created_at.as_deref())?,
        changed_at,
        deleted_at: changed_at.filter(|_| state == ObservedState::Deleted),
        parent: snapshot.volume_id,
        system_tag: words.system(&snapshot.metadata, &[]),
        native_id: snapshot.id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::tests::{config, words};
    use super::*;

    #[test]
    fn a_volume_hangs_on_its_server_and_a_snapshot_on_its_volume() {
        let volume: Volume = serde_json::from_str(
            r#"{"id": "v1", "name": null, "status": "in-use", "size": 100, "volume_type": "ssd", "availability_zone": "x86",
            "created_at": "2026-03-01T00:00:00.000000", "updated_at": null, "os-vol-tenant-attr:tenant_id": "p1",
            "metadata": {}, "attachments": [{"server_id": "s2"}, {"server_id": "s1"}]}"#,
        )
        .unwrap();
        let config = config();
        let v = observe_volume(volume, &words(&config)).unwrap();
        assert_eq!(
            (v.parent.as_deref(), v.class.as_str(), v.spec.to_string().as_str()),
            (Some("s1"), "ssd", "storage_gib=100")
        );
        assert_eq!(v.created_at, "2026-03-01T08:00:00+08:00".parse().ok());
        let snapshot: Snapshot = serde_json::from_str(
            r#"{"id": "n1", "name": "nightly", "status": "available", "size": 100, "volume_id": "v1",
            "created_at": "2026-03-02T00:00:00.000000", "os-extended-snapshot-attributes:project_id": "p1"}"#,
        )
        .unwrap();
        let parents = BTreeMap::from([("v1".to_owned(), (v.class, v.zone))]);
        let n = observe_snapshot(snapshot, &parents, &words(&config)).unwrap();
        assert_eq!(
            (n.parent.as_deref(), n.class.as_str(), n.zone.as_str()),
            (Some("v1"), "ssd", "x86")
        );
    }
}
