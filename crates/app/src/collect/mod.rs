//! Collecting: looks at nodes are taken in, each once, with their raw payload.
//!
//! A look is one transaction: its sightings, its measured values in the lake's manifest, its record and its audit
//! entry. Killed at any moment, the next run goes on with the first look that is not recorded.

mod files;
mod openstack;
mod payload;
mod simulated;
mod take;
#[cfg(test)]
mod tests;

pub(crate) use payload::payload_in;
pub(crate) use take::{case, manifest};

pub(crate) use openstack::access;
pub use openstack::{NoSecrets, NodeSecrets};
pub use sources::openstack::OpenStackConfig;

use crate::{AppError, OpContext};
use domain::registry::{CloudNode, NodeSource};
use kernel::NodeCode;
use serde::Serialize;

/// How to collect.
#[derive(Debug, Clone, Copy, Default)]
pub struct CollectOptions {
    /// Accept a look that shows nothing after one that showed something.
    pub confirm_empty: bool,
}

/// What a collect did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CollectOutcome {
    /// Looks taken in now.
    pub looks: u64,
    /// Looks that had been taken in before.
    pub known: u64,
    /// Resources in the new looks.
    pub observations: u64,
    /// Measured values in the new looks.
    pub samples: u64,
    /// Sightings that began, ended or went away.
    pub changes: u64,
    /// Looks that were refused, with the reason.
    pub refused: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl CollectOutcome {
    fn add(&mut self, other: Self) {
        self.looks += other.looks;
        self.known += other.known;
        self.observations += other.observations;
        self.samples += other.samples;
        self.changes += other.changes;
        self.refused.extend(other.refused);
        self.notes.extend(other.notes);
    }
}

/// Collects from one node, or from all.
pub async fn collect(
    ctx: &OpContext,
    node: Option<&NodeCode>,
    secrets: &dyn NodeSecrets,
    options: CollectOptions,
) -> Result<CollectOutcome, AppError> {
    let nodes: Vec<CloudNode> = {
        let mut read = ctx.store().read().await?;
        let history = read.history::<CloudNode>().await?;
        let all = history.all_at(ctx.now());
        all.filter(|n| node.is_none_or(|wanted| n.code == *wanted))
            .cloned()
            .collect()
    };
    if let (Some(code), true) = (node, nodes.is_empty()) {
        let advice = "请先登记云节点，或核对已登记的编码";
        return Err(AppError::NotFound {
            what: "云节点",
            key: code.to_string(),
            advice,
        });
    }
    let mut outcome = CollectOutcome::default();
    for node in &nodes {
        outcome.add(match &node.source {
            NodeSource::Files { folder } => files::collect_files(ctx, node, folder, options).await?,
            NodeSource::Simulated { folder } => simulated::collect_simulated(ctx, node, folder, options).await?,
            NodeSource::OpenStack {
                auth_url,
                region,
                account,
                ..
            } => {
                openstack::collect_openstack(ctx, node, (auth_url, region.as_deref(), account), secrets, options)
                    .await?
            }
        });
    }
    Ok(outcome)
}
