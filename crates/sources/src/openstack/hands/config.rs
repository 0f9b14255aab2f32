//! How things are made on a node. Nothing here is guessed: what is not written is refused when it is needed.

use super::fault::{HandsFault, refused};
use std::collections::BTreeMap;

/// How things are made on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandsConfig {
    /// Name or id of the network that public addresses come from; without it there are none.
    pub external_network: Option<String>,
    /// Block of addresses of a network that is made for a system.
    pub cidr: String,
    /// Name servers of such a network.
    pub name_servers: Vec<String>,
    /// By availability zone; under the empty name for pools without one.
    pub pools: BTreeMap<String, Pool>,
    /// Whether the quota of a project is raised when what was approved does not fit into it.
    pub raise_quota: bool,
    /// How long a thing may take to become what it should. Units: seconds.
    pub wait_s: u64,
    /// Pause between two looks at it. Units: milliseconds.
    pub poll_ms: u64,
}

/// How things are made in one availability zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// Name or id of the image that servers start from.
    pub image: Option<String>,
    /// What the names of the sizes for servers of this zone begin with; empty if all will do.
    pub flavor_prefix: String,
    /// Type of volumes that name no class; without it the node's own choice.
    pub volume_type: Option<String>,
    /// The zone that block storage knows it by; without it the node's own choice.
    pub volume_zone: Option<String>,
}

impl Default for HandsConfig {
    fn default() -> Self {
        Self {
            external_network: None,
            cidr: "192.168.0.0/24".to_owned(),
            name_servers: Vec::new(),
            pools: BTreeMap::new(),
            raise_quota: false,
            wait_s: 600,
            poll_ms: 2_000,
        }
    }
}

impl HandsConfig {
    pub(super) fn check(&self) -> Result<(), HandsFault> {
        if self.wait_s == 0 || self.poll_ms == 0 {
            return Err(refused("操作账号的 wait_s 与 poll_ms 应大于 0"));
        }
        Ok(())
    }

    /// What is configured for a zone.
    pub(super) fn pool(&self, zone: &str) -> Result<&Pool, HandsFault> {
        let found = self.pools.get(zone).or_else(|| self.pools.get(""));
        found.ok_or_else(|| {
            let zone = if zone.is_empty() { "\"\"" } else { zone };
            refused(format!(
                "操作账号没有配置可用区 {zone} 用哪个镜像和规格；请在配置文件 [accounts.账号.hands.pools.{zone}] 中填写"
            ))
        })
    }
}
