//! Who and what there is: organisations, information systems, cloud nodes, pools, and the vocabulary of resources.
//!
//! Registered things are known by their codes and have versions over time (invariant I11): a question about the past
//! is answered with the names and the tree of that day.

mod history;
mod node;
mod organisation;
mod resource;
mod system;

pub use history::{History, HistoryError, Registered, Version};
pub use node::{CloudNode, NodeSource, Platform, PoolKind, ProjectMapping, ResourcePool};
pub use organisation::{Organisation, Side};
pub(crate) use resource::words;
pub use resource::{Measure, ResourceKind, Spec};
pub use system::{DataGrade, InformationSystem, NetworkZone, SystemOrigin, SystemStatus};

/// Everything registered, as one value to hand to the pure steps.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Organisations of every side.
    pub organisations: History<Organisation>,
    /// Government information systems.
    pub systems: History<InformationSystem>,
    /// Cloud nodes.
    pub nodes: History<CloudNode>,
    /// Resource pools.
    pub pools: History<ResourcePool>,
    /// Which project of a node belongs to which system.
    pub mappings: History<ProjectMapping>,
}
