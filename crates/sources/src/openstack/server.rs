//! Nova: servers, those that exist and those that were deleted.
//!
//! `created_at` is when the server was asked for, not Nova's `launched_at`, because Nova sets that anew with every
//! resize, revert and rescue.

use super::catalogue::Endpoint;
use super::number::{gib_of_mib, whole};
use super::paging::Paging;
use super::reading::{Ask, Reading};
use super::words::Words;
use super::{Flavor, OpenStackConfig, OpenStackError};
use domain::collect::{Observation, ObservedState};
use domain::registry::{Measure, ResourceKind, Spec};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct Server {
    id: String,
    name: Option<String>,
    status: String,
    tenant_id: String,
    created: Option<String>,
    updated: Option<String>,
    #[serde(rename = "OS-SRV-USG:terminated_at")]
    terminated_at: Option<String>,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    zone: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<String>,
    /// An object, or an empty text if the root disk is a volume.
    #[serde(default)]
    image: serde_json::Value,
    flavor: Option<Size>,
}

/// The flavor as it was when the server was built or resized; only its id before microversion 2.47.
#[derive(Debug, Clone, Deserialize)]
struct Size {
    id: Option<String>,
    vcpus: Option<u64>,
    ram: Option<u64>,
    disk: Option<u64>,
    #[serde(default)]
    extra_specs: BTreeMap<String, String>,
}

/// All servers of all projects, the deleted ones last.
///
/// Errors: any page that fails; a server of a cell that is down.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    config: &OpenStackConfig,
    flavors: &[Flavor],
) -> Result<Vec<Observation>, OpenStackError> {
    let mut found = Vec::new();
    for deleted in [false, true] {
        let mut query = vec![
            ("all_tenants", "1".to_owned()),
            ("deleted", if deleted { "True" } else { "False" }.into()),
        ];
        if let Some(since) = config.changes_since.filter(|_| deleted) {
            query.push(("changes-since", since.to_string()));
        }
        let ask = Ask {
            endpoint,
            path: "/servers/detail",
            query,
            paging: Paging::Links("servers"),
        };
        let words = Words {
            config,
            place: ask.place(),
        };
        for server in reading.list::<Server>(ask).await? {
            found.push(observe(server, deleted, flavors, &words)?);
        }
    }
    Ok(found)
}

fn observe(server: Server, deleted: bool, flavors: &[Flavor], words: &Words) -> Result<Observation, OpenStackError> {
    if server.status == "UNKNOWN" {
        let why = format!("云主机 {} 所在的单元(cell)不可用", server.id);
        return Err(OpenStackError::Incomplete {
            place: words.place.clone(),
            why,
        });
    }
    // A server that failed to build keeps the word ERROR after it was deleted; the list it is in decides.
    let known = words.state(ResourceKind::Server, &server.id, &server.status);
    let state = if deleted { ObservedState::Deleted } else { known? };
    let changed_at = words.moment(&server.id, server.updated.as_deref())?;
    let ended_at = words.moment(&server.id, server.terminated_at.as_deref())?;
    let gone = state == ObservedState::Deleted;
    let size = server.flavor.as_ref().map(|f| sized(f, flavors));
    let family = words
        .config
        .family_key
        .as_ref()
        .and_then(|key| size.as_ref()?.extra_specs.get(key).cloned());
    Ok(Observation {
        kind: ResourceKind::Server,
        class: family.unwrap_or_default(),
        name: server.name.unwrap_or_default(),
        project: server.tenant_id,
        zone: server.zone.unwrap_or_default(),
        state,
        native_state: server.status,
        spec: spec(&server.id, size.as_ref(), server.image.is_object(), words)?,
        created_at: words.moment(&server.id, server.created.as_deref())?,
        changed_at,
        deleted_at: ended_at.or(changed_at).filter(|_| gone),
        parent: None,
        system_tag: words.system(&server.metadata, &server.tags),
        native_id: server.id,
    })
}

/// The embedded flavor, or the one of that id if only the id is embedded.
fn sized(size: &Size, flavors: &[Flavor]) -> Size {
    let listed = flavors
        .iter()
        .find(|f| size.vcpus.is_none() && Some(&f.id) == size.id.as_ref());
    listed.map_or_else(
        || size.clone(),
        |f| Size {
            id: size.id.clone(),
            vcpus: Some(f.vcpus),
            ram: Some(f.memory_mib),
            disk: Some(f.disk_gib),
            extra_specs: f.extra_specs.clone(),
        },
    )
}

/// Processors and memory; and the root disk where it is the host's. A disk of 0 takes the size of its image, which is
/// not told, and a root disk that is a volume is observed as that volume.
fn spec(id: &str, size: Option<&Size>, local: bool, words: &Words) -> Result<Spec, OpenStackError> {
    let mut spec = Spec::new();
    let Some(size) = size else { return Ok(spec) };
    if let Some(vcpus) = size.vcpus {
        spec = spec.with(Measure::Vcpu, words.quantity(id, whole(vcpus))?);
    }
    if let Some(ram) = size.ram {
        spec = spec.with(Measure::MemoryGib, words.quantity(id, gib_of_mib(ram))?);
    }
    if let Some(disk) = size.disk.filter(|disk| local && *disk > 0) {
        spec = spec.with(Measure::StorageGib, words.quantity(id, whole(disk))?);
    }
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::super::words::tests::{config, words};
    use super::*;

    fn server(more: &str) -> Server {
        let text = format!(
            r#"{{"id": "s1", "name": "web", "tenant_id": "p1", "created": "2026-03-01T00:00:00Z",
            "updated": "2026-03-05T00:00:00Z", "OS-SRV-USG:launched_at": "2026-03-04T00:00:00.000000",
            "OS-EXT-AZ:availability_zone": "x86", "metadata": {{"yunheng:system": "sys_oa"}}, {more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    const FLAVOR: &str = r#""flavor": {"vcpus": 4, "ram": 8192, "disk": 80, "original_name": "x86.large",
        "extra_specs": {"family": "x86"}}"#;

    fn see(more: &str, deleted: bool) -> Result<Observation, OpenStackError> {
        let config = OpenStackConfig {
            family_key: Some("family".into()),
            ..config()
        };
        observe(server(more), deleted, &[], &words(&config))
    }

    #[test]
    fn a_server_is_what_it_was_built_as() {
        let o = see(
            &format!(r#""status": "ACTIVE", "image": {{"id": "i"}}, {FLAVOR}"#),
            false,
        )
        .unwrap();
        assert_eq!(o.spec.to_string(), "vcpu=4 memory_gib=8 storage_gib=80");
        assert_eq!(
            (o.state, o.class.as_str(), o.zone.as_str()),
            (ObservedState::Live, "x86", "x86")
        );
        assert_eq!(o.system_tag.as_deref(), Some("sys_oa"));
        assert_eq!(o.created_at, "2026-03-01T00:00:00Z".parse().ok());
        assert_eq!(o.deleted_at, None);
    }

    #[test]
    fn a_root_disk_that_is_a_volume_is_counted_there() {
        let o = see(&format!(r#""status": "ACTIVE", "image": "", {FLAVOR}"#), false).unwrap();
        assert_eq!(o.spec.to_string(), "vcpu=4 memory_gib=8");
    }

    #[test]
    fn the_list_decides_about_deletion() {
        let o = see(&format!(r#""status": "ERROR", {FLAVOR}"#), true).unwrap();
        assert_eq!((o.state, o.native_state.as_str()), (ObservedState::Deleted, "ERROR"));
        assert_eq!(o.deleted_at, o.changed_at);
        let ended = r#""status": "DELETED", "OS-SRV-USG:terminated_at": "2026-03-04T12:00:00.000000""#;
        let o = see(&format!("{ended}, {FLAVOR}"), true).unwrap();
        assert_eq!(o.deleted_at, "2026-03-04T12:00:00Z".parse().ok());
    }

    #[test]
    fn a_cell_that_is_down_spoils_the_look() {
        let error = see(r#""status": "UNKNOWN""#, false).unwrap_err();
        assert!(matches!(error, OpenStackError::Incomplete { .. }));
        assert!(matches!(
            see(r#""status": "FROZEN""#, false),
            Err(OpenStackError::UnknownState { .. })
        ));
    }

    #[test]
    fn old_services_tell_only_the_id_of_the_flavor() {
        let config = config();
        let flavor = Flavor {
            id: "7".into(),
            name: "x86.small".into(),
            vcpus: 1,
            memory_mib: 2048,
            disk_gib: 20,
            public: true,
            extra_specs: BTreeMap::new(),
        };
        let old = |id: &str| {
            server(&format!(
                r#""status": "ACTIVE", "image": {{"id": "i"}}, "flavor": {{"id": "{id}"}}"#
            ))
        };
        let o = observe(old("7"), false, std::slice::from_ref(&flavor), &words(&config)).unwrap();
        assert_eq!(o.spec.to_string(), "vcpu=1 memory_gib=2 storage_gib=20");
        // The flavor is gone: unknown, not zero.
        assert!(
            observe(old("8"), false, &[flavor], &words(&config))
                .unwrap()
                .spec
                .is_empty()
        );
    }
}
