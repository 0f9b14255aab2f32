//! Cloud nodes, their pools, and whose their projects are. Node, provider and pool are independent of each other.

use super::{Registered, words};
use kernel::{NodeCode, OrganisationCode, PoolCode, SystemCode};
use serde::{Deserialize, Serialize};

words! {
    /// The kind of a resource pool.
    PoolKind {
        /// x86 processors.
        X86 = "x86", "X86池";
        /// Domestic processors (信创).
        Xinchuang = "xinchuang", "信创池";
    }
}

/// How a node is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NodeSource {
    /// Numbered files that the provider puts into a folder.
    Files {
        /// The folder.
        folder: String,
    },
    /// An OpenStack cloud, asked over its API.
    #[serde(rename = "openstack")]
    OpenStack {
        /// Address of its identity service.
        auth_url: String,
        /// Region, if there are several.
        region: Option<String>,
        /// Name of the account that looks; where its secret lies is in the configuration, never in the store.
        account: String,
        /// Name of the account that the platform may act with. Without it the node is looked at only, and its orders are
        /// carried out by people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
    },
    /// The built-in simulated node: a folder of files that behaves like a node. It is not a cloud, and says so.
    Simulated {
        /// The folder.
        folder: String,
    },
}

impl NodeSource {
    /// Whether the platform can act on such a node. On an OpenStack node it may only if the node was registered with an
    /// account for it.
    pub const fn has_actuator(&self) -> bool {
        matches!(self, Self::Simulated { .. } | Self::OpenStack { operator: Some(_), .. })
    }
}

/// What is registered of the platform at a node, for the rules on levels and places. What nobody has registered is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// Its level of protection, 1 to 5 (R7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mlps_level: Option<u8>,
    /// Number of the filing certificate of that level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing: Option<String>,
    /// Whether it is operated from inside China (R37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operated_in_china: Option<bool>,
    /// Whether data and backups are inside China (R37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_in_china: Option<bool>,
}

impl Platform {
    /// Whether nothing is registered of it.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// A site of a provider where resources exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudNode {
    /// Its code, for ever.
    pub code: NodeCode,
    /// Its name at that time.
    pub name: String,
    /// The provider that runs it.
    pub provider: OrganisationCode,
    /// How it is looked at.
    pub source: NodeSource,
    /// What is registered of its platform.
    #[serde(default, skip_serializing_if = "Platform::is_unknown")]
    pub platform: Platform,
}

impl Registered for CloudNode {
    const REGISTER: &'static str = "node";
    const ZH: &'static str = "云节点";

    fn code(&self) -> String {
        self.code.to_string()
    }
}

/// A pool of resources of one kind on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePool {
    /// Its code, for ever.
    pub code: PoolCode,
    /// Its name at that time.
    pub name: String,
    /// The node it is on.
    pub node: NodeCode,
    /// Its kind.
    pub kind: PoolKind,
    /// The node's availability zones that belong to it.
    pub zones: Vec<String>,
    /// Whether it is apart from the general cloud, for systems above its level (R6); none if nobody has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate: Option<bool>,
}

impl Registered for ResourcePool {
    const REGISTER: &'static str = "pool";
    const ZH: &'static str = "资源池";

    fn code(&self) -> String {
        self.code.to_string()
    }
}

/// Whose a project (tenant) of a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectMapping {
    /// The node.
    pub node: NodeCode,
    /// The node's own name or id of the project.
    pub project: String,
    /// The system it belongs to; none if it belongs to no system any more.
    pub system: Option<SystemCode>,
}

impl Registered for ProjectMapping {
    const REGISTER: &'static str = "project";
    const ZH: &'static str = "项目对应";

    fn code(&self) -> String {
        Self::key(&self.node, &self.project)
    }
}

impl ProjectMapping {
    /// The code of the mapping of one project of one node.
    pub fn key(node: &NodeCode, project: &str) -> String {
        format!("{node}:{project}")
    }
}
