//! What a node has to give: hypervisors and flavors.

use super::OpenStackError;
use super::catalogue::Endpoint;
use super::number::{gib_of_mib, whole};
use super::paging::Paging;
use super::reading::{Ask, Reading};
use domain::registry::{Measure, Spec};
use kernel::Quantity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One hypervisor: what it has and what of it is given out. Units: as the measures say; no overcommitment in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// The node's id of the hypervisor.
    pub native_id: String,
    /// Name of the host.
    pub host: String,
    /// Availability zone; maps to a pool. Empty if the node did not say.
    pub zone: String,
    /// Whether it answers.
    pub up: bool,
    /// Whether it takes new servers.
    pub enabled: bool,
    /// What it has.
    pub total: Spec,
    /// What its servers hold.
    pub used: Spec,
    /// How many servers run on it.
    pub servers: u64,
}

/// A size that servers can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flavor {
    /// The node's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Virtual processors.
    pub vcpus: u64,
    /// Units: MiB.
    #[serde(rename = "ram")]
    pub memory_mib: u64,
    /// Units: GiB. 0 means: as large as the image.
    #[serde(rename = "disk")]
    pub disk_gib: u64,
    /// Whether every project may use it.
    #[serde(rename = "os-flavor-access:is_public", default)]
    pub public: bool,
    /// What else the provider wrote into it. Not told before microversion 2.61.
    #[serde(default)]
    pub extra_specs: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Hypervisor {
    id: serde_json::Value,
    hypervisor_hostname: String,
    state: Option<String>,
    status: Option<String>,
    service: Option<HostOf>,
    vcpus: Option<u64>,
    vcpus_used: Option<u64>,
    memory_mb: Option<u64>,
    memory_mb_used: Option<u64>,
    local_gb: Option<u64>,
    local_gb_used: Option<u64>,
    running_vms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct HostOf {
    host: String,
}

#[derive(Debug, Deserialize)]
struct Compute {
    host: String,
    zone: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Computes {
    services: Vec<Compute>,
}

/// All flavors, private ones too.
pub(super) async fn flavors(reading: &mut Reading<'_>, endpoint: &Endpoint) -> Result<Vec<Flavor>, OpenStackError> {
    let query = vec![("is_public", "None".to_owned())];
    let ask = Ask {
        endpoint,
        path: "/flavors/detail",
        query,
        paging: Paging::Links("flavors"),
    };
    let mut flavors: Vec<Flavor> = reading.list(ask).await?;
    flavors.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(flavors)
}

/// All hypervisors, with the zone of their hosts.
pub(super) async fn read(reading: &mut Reading<'_>, endpoint: &Endpoint) -> Result<Vec<Capacity>, OpenStackError> {
    let computes: Computes = reading
        .one(endpoint, "/os-services", &[("binary", "nova-compute")])
        .await?;
    let zones: BTreeMap<_, _> = computes
        .services
        .into_iter()
        .map(|s| (s.host, s.zone.unwrap_or_default()))
        .collect();
    let ask = Ask {
        endpoint,
        path: "/os-hypervisors/detail",
        query: Vec::new(),
        paging: Paging::Links("hypervisors"),
    };
    let place = ask.place();
    let mut found = Vec::new();
    for hypervisor in reading.list::<Hypervisor>(ask).await? {
        let name = hypervisor.hypervisor_hostname.clone();
        let capacity = capacity(hypervisor, &zones).ok_or_else(|| OpenStackError::Malformed {
            place: place.clone(),
            cause: format!("宿主机 {name}: 数值超出范围"),
        });
        found.push(capacity?);
    }
    found.sort_by(|a, b| a.host.cmp(&b.host).then_with(|| a.native_id.cmp(&b.native_id)));
    Ok(found)
}

fn capacity(h: Hypervisor, zones: &BTreeMap<String, String>) -> Option<Capacity> {
    let host = h.service.map_or(h.hypervisor_hostname, |s| s.host);
    let total = spec(h.vcpus, h.memory_mb, h.local_gb)?;
    let used = spec(h.vcpus_used, h.memory_mb_used, h.local_gb_used)?;
    Some(Capacity {
        native_id: h.id.as_str().map_or_else(|| h.id.to_string(), str::to_owned),
        zone: zones.get(&host).cloned().unwrap_or_default(),
        host,
        up: h.state.as_deref() == Some("up"),
        enabled: h.status.as_deref() == Some("enabled"),
        total,
        used,
        servers: h.running_vms.unwrap_or_default(),
    })
}

/// `None` only if a number does not fit; one that is not told is left out.
fn spec(vcpus: Option<u64>, memory_mib: Option<u64>, disk_gib: Option<u64>) -> Option<Spec> {
    let put = |spec: Spec, measure, told: Option<u64>, convert: fn(u64) -> Option<Quantity>| match told {
        Some(number) => Some(spec.with(measure, convert(number)?)),
        None => Some(spec),
    };
    let spec = put(Spec::new(), Measure::Vcpu, vcpus, whole)?;
    let spec = put(spec, Measure::MemoryGib, memory_mib, gib_of_mib)?;
    put(spec, Measure::StorageGib, disk_gib, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hypervisor_with_its_zone() {
        let text = r#"{"id": "u-1", "hypervisor_hostname": "n1.local", "state": "up", "status": "disabled",
            "service": {"host": "n1", "id": "x"}, "vcpus": 64, "vcpus_used": 10, "memory_mb": 131072,
            "memory_mb_used": 1536, "local_gb": 1000, "running_vms": 3, "cpu_info": ""}"#;
        let zones = BTreeMap::from([("n1".to_owned(), "x86".to_owned())]);
        let got = capacity(serde_json::from_str(text).unwrap(), &zones).unwrap();
        assert_eq!(
            (got.host.as_str(), got.zone.as_str(), got.up, got.enabled),
            ("n1", "x86", true, false)
        );
        assert_eq!(got.total.to_string(), "vcpu=64 memory_gib=128 storage_gib=1000");
        assert_eq!(got.used.to_string(), "vcpu=10 memory_gib=1.5");
    }
}
