//! Names and properties of registered things, as they were when a month ended (invariant I11).
//!
//! Owns the rule which moment counts for a document of a month: its last second. What was not registered by then is
//! called by its code.

use crate::AppError;
use domain::catalogue::{Contract, ServiceItem};
use domain::registry::{CloudNode, History, InformationSystem, Organisation, PoolKind, ResourcePool, Side};
use kernel::{Instant, Month};
use store::Connection;

/// The registers, looked at from the end of a month.
pub(crate) struct Names {
    at: Instant,
    organisations: History<Organisation>,
    systems: History<InformationSystem>,
    nodes: History<CloudNode>,
    pools: History<ResourcePool>,
    items: History<ServiceItem>,
    contracts: History<Contract>,
}

impl Names {
    /// As of the end of a month.
    pub(crate) async fn at(read: &mut Connection, month: Month) -> Result<Self, AppError> {
        Ok(Self {
            at: month.period().to().plus_s(-1),
            organisations: read.history().await?,
            systems: read.history().await?,
            nodes: read.history().await?,
            pools: read.history().await?,
            items: read.history().await?,
            contracts: read.history().await?,
        })
    }

    /// The name of an organisation.
    pub(crate) fn organisation(&self, code: &str) -> String {
        self.organisations.name_at(code, self.at)
    }

    /// The name of a system.
    pub(crate) fn system(&self, code: &str) -> String {
        self.systems
            .at(code, self.at)
            .map_or_else(|| code.to_owned(), |system| system.name.clone())
    }

    /// The name of a node.
    pub(crate) fn node(&self, code: &str) -> String {
        self.nodes
            .at(code, self.at)
            .map_or_else(|| code.to_owned(), |node| node.name.clone())
    }

    /// The name of an item.
    pub(crate) fn item_name(&self, code: &str) -> String {
        self.item(code)
            .map_or_else(|| code.to_owned(), |item| item.name.clone())
    }

    /// An item of the catalogue.
    pub(crate) fn item(&self, code: &str) -> Option<&ServiceItem> {
        self.items.at(code, self.at)
    }

    /// A contract.
    pub(crate) fn contract(&self, code: &str) -> Option<&Contract> {
        self.contracts.at(code, self.at)
    }

    /// The contracts of a provider, in order of their numbers.
    pub(crate) fn contracts_of(&self, provider: &str) -> impl Iterator<Item = &Contract> {
        self.contracts
            .all_at(self.at)
            .filter(move |contract| contract.provider.as_str() == provider)
    }

    /// The nodes of a provider, in order of their codes.
    pub(crate) fn nodes_of(&self, provider: &str) -> impl Iterator<Item = &CloudNode> {
        self.nodes
            .all_at(self.at)
            .filter(move |node| node.provider.as_str() == provider)
    }

    /// A pool.
    pub(crate) fn pool(&self, code: &str) -> Option<&ResourcePool> {
        self.pools.at(code, self.at)
    }

    /// The kind a pool had at a moment of the month.
    pub(crate) fn pool_kind(&self, code: &str, at: Instant) -> Option<PoolKind> {
        self.pools.at(code, at).map(|pool| pool.kind)
    }

    /// The organisation of a side, if there is but one.
    pub(crate) fn only(&self, side: Side) -> Option<&Organisation> {
        let mut of_side = self
            .organisations
            .all_at(self.at)
            .filter(|o| o.side == side && o.merged_into.is_none());
        of_side.next().filter(|_| of_side.next().is_none())
    }

    /// The bureau that settles: of several organisations on its side the one above the others.
    pub(crate) fn authority(&self) -> Option<&Organisation> {
        let of_side = || {
            self.organisations
                .all_at(self.at)
                .filter(|o| o.side == Side::Authority && o.merged_into.is_none())
        };
        of_side().find(|o| o.parent.is_none()).or_else(|| of_side().next())
    }
}
