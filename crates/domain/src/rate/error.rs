//! Why a month cannot be rated.

use super::AmountError;
use crate::registry::PoolKind;
use kernel::{MoneyError, Period};
use std::fmt;
use thiserror::Error;

/// Why a month cannot be rated. Nothing of it is published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RateError {
    /// An amount that does not fit.
    #[error("资源 {resource} 条目 {item}: {source}")]
    Amount {
        /// The resource.
        resource: String,
        /// The item.
        item: String,
        /// Why.
        source: AmountError,
    },
    /// A sum that does not fit.
    #[error("合计{0}")]
    Sum(#[from] MoneyError),
    /// Usage for which no price is in force: all of it, in order of contract, item, node and pool.
    #[error("有用量没有可用价格，请补充价目后重新计价:{}", listed(.0))]
    NoPrices(Vec<MissingPrice>),
}

/// An item that was used at a place and has no price there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingPrice {
    /// The contract.
    pub contract: String,
    /// The item.
    pub item: String,
    /// The node.
    pub node: String,
    /// Word of the pool's kind; empty for none.
    pub pool: String,
    /// From the first moment to the last without a price and with usage.
    pub period: Period,
}

impl fmt::Display for MissingPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            contract,
            item,
            node,
            pool,
            period,
        } = self;
        let pool = pool.parse::<PoolKind>().map_or("", PoolKind::zh);
        write!(f, "合同 {contract} 条目 {item} 云节点 {node} {pool} {period}")
    }
}

fn listed(missing: &[MissingPrice]) -> String {
    missing.iter().map(|missing| format!("\n{missing}")).collect()
}
