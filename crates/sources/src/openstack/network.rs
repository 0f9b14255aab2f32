//! Neutron: floating addresses.

use super::catalogue::Endpoint;
use super::paging::Paging;
use super::reading::{Ask, Reading};
use super::words::Words;
use super::{OpenStackConfig, OpenStackError};
use domain::collect::Observation;
use domain::registry::{Measure, ResourceKind, Spec};
use kernel::Quantity;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
struct FloatingIp {
    id: String,
    floating_ip_address: Option<String>,
    status: String,
    /// The old name of the field below; newer services send both.
    tenant_id: Option<String>,
    project_id: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    port_details: Option<Port>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Port {
    device_id: Option<String>,
    device_owner: Option<String>,
}

/// All floating addresses of all projects.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    config: &OpenStackConfig,
) -> Result<Vec<Observation>, OpenStackError> {
    let ask = Ask {
        endpoint,
        path: "/floatingips",
        query: Vec::new(),
        paging: Paging::Links("floatingips"),
    };
    let words = Words {
        config,
        place: ask.place(),
    };
    let found: Vec<FloatingIp> = reading.list(ask).await?;
    found.into_iter().map(|ip| observe(ip, &words)).collect()
}

fn observe(ip: FloatingIp, words: &Words) -> Result<Observation, OpenStackError> {
    let of_server = |p: Port| {
        p.device_owner
            .is_some_and(|o| o.starts_with("compute:"))
            .then_some(p.device_id)?
    };
    let project = ip.project_id.or(ip.tenant_id);
    let project = project.ok_or_else(|| words.malformed(format!("资源 {}: 缺少 project_id", ip.id)))?;
    Ok(Observation {
        kind: ResourceKind::FloatingIp,
        class: String::new(),
        name: ip.floating_ip_address.unwrap_or_default(),
        project,
        zone: String::new(),
        state: words.state(ResourceKind::FloatingIp, &ip.id, &ip.status)?,
        native_state: ip.status,
        spec: Spec::new().with(Measure::Count, Quantity::ONE),
        created_at: words.moment(&ip.id, ip.created_at.as_deref())?,
        changed_at: words.moment(&ip.id, ip.updated_at.as_deref())?,
        deleted_at: None,
        parent: ip.port_details.and_then(of_server).filter(|id| !id.is_empty()),
        system_tag: words.system(&BTreeMap::new(), &ip.tags),
        native_id: ip.id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::words::tests::{config, words};
    use super::*;
    use domain::collect::ObservedState;

    #[test]
    fn an_address_hangs_on_the_server_behind_its_port() {
        let see = |status: &str, port: &str| {
            let text = format!(
                r#"{{"id": "f1", "floating_ip_address": "172.24.4.7", "status": "{status}", "project_id": "p1",
                "created_at": "2026-03-01T00:00:00Z", "port_details": {port}, "tags": ["yunheng:system=oa"]}}"#
            );
            let config = config();
            observe(serde_json::from_str(&text).unwrap(), &words(&config)).unwrap()
        };
        let bound = see("ACTIVE", r#"{"device_id": "s1", "device_owner": "compute:x86"}"#);
        assert_eq!(
            (bound.parent.as_deref(), bound.state),
            (Some("s1"), ObservedState::Live)
        );
        assert_eq!(
            (bound.name.as_str(), bound.system_tag.as_deref()),
            ("172.24.4.7", Some("oa"))
        );
        let router = see(
            "ACTIVE",
            r#"{"device_id": "r1", "device_owner": "network:router_interface"}"#,
        );
        assert_eq!(router.parent, None);
        let free = see("DOWN", "null");
        assert_eq!(
            (free.parent, free.state, free.spec.to_string().as_str()),
            (None, ObservedState::Stopped, "count=1")
        );
    }
}
