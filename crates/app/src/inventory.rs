//! What existed and what was approved at any past moment.

use crate::{AppError, OpContext};
use domain::registry::{CloudNode, NetworkZone};
use kernel::{Day, Instant, Period};
use serde::Serialize;
use std::collections::BTreeMap;

/// One resource at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InventoryRow {
    /// Node.
    pub node: String,
    /// The node's id; empty for what no node lists.
    pub native_id: String,
    /// Allocation, if it was approved.
    pub allocation: String,
    /// System it was approved for.
    pub system: String,
    /// Organisation of the system at that moment.
    pub organisation: String,
    /// Zone of the system.
    pub zone: String,
    /// Kind, in Chinese.
    pub kind: String,
    /// Class.
    pub class: String,
    /// What was approved.
    pub approved: String,
    /// What was seen.
    pub seen: String,
    /// State, in Chinese; empty if it was not seen.
    pub state: String,
    /// Since when it was seen so, or approved so.
    pub since: Instant,
    /// The first day for which it is not granted any more, by the applications in force now; none without an end.
    pub until: Option<Day>,
}

/// Which resources.
#[derive(Debug, Clone, Default)]
pub struct InventoryFilter {
    /// Only this node.
    pub node: Option<String>,
    /// Only this system.
    pub system: Option<String>,
    /// Only this organisation.
    pub organisation: Option<String>,
}

/// Everything that existed or was approved at a moment, by node and resource.
pub async fn inventory(ctx: &OpContext, at: Instant, filter: &InventoryFilter) -> Result<Vec<InventoryRow>, AppError> {
    let mut read = ctx.store().read().await?;
    let registry = read.registry().await?;
    let moment = Period::new(at, at.plus_s(1)).map_err(|why| AppError::Invalid(why.to_string()))?;
    let until = crate::orders::terms_in_force(&mut read).await?;
    let mut rows: BTreeMap<(String, String), InventoryRow> = BTreeMap::new();
    for allocation in read.allocations_within(moment).await? {
        let system = registry.systems.at(allocation.system.as_str(), at);
        let organisation = system.map(|s| registry.organisations.answering(&s.organisation, moment));
        let organisation = organisation
            .and_then(|o| o.into_iter().next())
            .map_or_else(String::new, |(_, code)| code.to_string());
        let native_id = allocation.native_id.clone().unwrap_or_default();
        let key = if native_id.is_empty() {
            allocation.code.to_string()
        } else {
            native_id.clone()
        };
        let row = InventoryRow {
            node: allocation.node.to_string(),
            native_id,
            allocation: allocation.code.to_string(),
            system: allocation.system.to_string(),
            organisation,
            zone: system.map_or_else(String::new, |s| NetworkZone::zh(s.zone).to_owned()),
            kind: allocation.kind.zh().to_owned(),
            class: allocation.class.clone(),
            approved: allocation.spec.to_string(),
            seen: String::new(),
            state: String::new(),
            since: allocation.period.from(),
            until: until.get(&allocation.code).copied().flatten(),
        };
        rows.insert((row.node.clone(), key), row);
    }
    let nodes: Vec<CloudNode> = registry.nodes.all_at(at).cloned().collect();
    for node in nodes {
        for sighting in read.sightings_within(&node.code, moment).await? {
            let seen = &sighting.seen;
            let row = rows
                .entry((node.code.to_string(), seen.native_id.clone()))
                .or_insert_with(|| InventoryRow {
                    node: node.code.to_string(),
                    native_id: seen.native_id.clone(),
                    allocation: String::new(),
                    system: String::new(),
                    organisation: String::new(),
                    zone: String::new(),
                    kind: seen.kind.zh().to_owned(),
                    class: seen.class.clone(),
                    approved: String::new(),
                    seen: String::new(),
                    state: String::new(),
                    since: sighting.period.from(),
                    until: None,
                });
            row.seen = seen.spec.to_string();
            row.state = seen.state.zh().to_owned();
        }
    }
    let wanted = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
    let rows = rows.into_values().filter(|row| {
        wanted(&filter.node, &row.node)
            && wanted(&filter.system, &row.system)
            && wanted(&filter.organisation, &row.organisation)
    });
    Ok(rows.collect())
}
