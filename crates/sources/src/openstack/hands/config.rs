//! How things are made on a node. Nothing here is guessed: what is not written is refused when it is needed.

use super::fault::{HandsFault, refused};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

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

/// Whether a text is a block of IPv4 addresses that a network can be made of: written from its first address, with room
/// for servers in it.
fn is_block(cidr: &str) -> bool {
    let parts = cidr.split_once('/');
    let parsed = parts.and_then(|(first, bits)| Some((first.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?)));
    parsed.is_some_and(|(first, bits)| (1..=30).contains(&bits) && u32::from(first).checked_shl(bits) == Some(0))
}

impl HandsConfig {
    /// Refuses what no node could be asked for.
    pub fn check(&self) -> Result<(), HandsFault> {
        if !is_block(&self.cidr) {
            return Err(refused(format!(
                "操作账号的 cidr「{}」应为 IPv4 网段，从首个地址写起，前缀 1 至 30 位，如 192.168.0.0/24",
                self.cidr
            )));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_no_network_can_have_is_refused_before_anything_is_made() {
        let of = |cidr: &str| {
            let config = HandsConfig {
                cidr: cidr.to_owned(),
                ..HandsConfig::default()
            };
            config.check()
        };
        for good in ["192.168.0.0/24", "10.0.0.0/8", "172.16.8.4/30", "128.0.0.0/1"] {
            assert_eq!(of(good), Ok(()), "{good}");
        }
        let bad = [
            "",
            "192.168.0.0",
            "192.168.0.0/",
            "192.168.0.0/33",
            "192.168.0.0/31",
            "0.0.0.0/0",
            "192.168.0.1/24",
            "192.168.0/24",
            "fd00::/64",
            "192.168.0.0/24 ",
        ];
        for bad in bad {
            assert!(
                matches!(of(bad), Err(HandsFault::Refused(why)) if why.contains(&format!("「{bad}」"))),
                "{bad}"
            );
        }
    }
}
