//! Price models: how a quantity becomes money.

use crate::registry::words;
use kernel::{Quantity, UnitPrice};
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// Over what the quantity is added up before a tier is chosen.
    TierScope {
        /// Each resource by itself.
        Resource = "resource", "单个资源";
        /// All resources of a system.
        System = "system", "同一系统";
        /// All resources of an organisation.
        Organisation = "organisation", "同一单位";
        /// Everything under the contract.
        Contract = "contract", "整个合同";
    }
}

/// One step of a tiered price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Up to and including this quantity; none for the last tier.
    pub up_to: Option<Quantity>,
    /// Price of one unit in this tier.
    pub price: UnitPrice,
}

/// How a quantity becomes money for one full price term (a month, unless the model is one-off).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum PriceModel {
    /// Quantity x price.
    Flat {
        /// Price of one unit.
        price: UnitPrice,
    },
    /// Each part of the quantity at the price of the tier it lies in (超额累进).
    Graduated {
        /// The tiers, rising, the last one open.
        tiers: Vec<Tier>,
        /// What the quantity is added up over.
        scope: TierScope,
    },
    /// The whole quantity at the price of the tier that it reaches (全额累进).
    Volume {
        /// The tiers, rising, the last one open.
        tiers: Vec<Tier>,
        /// What the quantity is added up over.
        scope: TierScope,
    },
    /// A fixed price for an included quantity, and a price for each unit beyond it; per resource.
    Package {
        /// Price of the package.
        price: UnitPrice,
        /// Quantity that is included.
        included: Quantity,
        /// Price of one unit beyond it.
        beyond: UnitPrice,
    },
    /// Quantity x price, once, without proration: work.
    OneOff {
        /// Price of one unit.
        price: UnitPrice,
    },
}

/// Why a price model is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PriceModelError {
    /// No tier, or not rising, or the last one closed.
    #[error("阶梯必须从小到大排列，且只有最后一档不写上限")]
    Tiers,
}

impl PriceModel {
    /// Checks the tiers.
    pub fn check(&self) -> Result<(), PriceModelError> {
        let (Self::Graduated { tiers, .. } | Self::Volume { tiers, .. }) = self else {
            return Ok(());
        };
        let Some((last, closed)) = tiers.split_last() else {
            return Err(PriceModelError::Tiers);
        };
        let bounds: Vec<_> = closed.iter().map(|tier| tier.up_to.map(Quantity::micros)).collect();
        let rising = bounds
            .windows(2)
            .all(|pair| matches!(pair, [Some(a), Some(b)] if a < b));
        let positive = bounds.iter().all(|bound| bound.is_some_and(|b| b > 0));
        if last.up_to.is_none() && rising && positive {
            Ok(())
        } else {
            Err(PriceModelError::Tiers)
        }
    }

    /// Over what the quantity must be added up before this model can be applied.
    pub const fn scope(&self) -> TierScope {
        match self {
            Self::Graduated { scope, .. } | Self::Volume { scope, .. } => *scope,
            Self::Flat { .. } | Self::Package { .. } | Self::OneOff { .. } => TierScope::Resource,
        }
    }

    /// The dearest price of one unit in the model; what a ceiling is held against (R30). The fixed price of a package
    /// counts per included unit and is not part of this.
    pub fn dearest_unit(&self) -> UnitPrice {
        match self {
            Self::Flat { price } | Self::OneOff { price } => *price,
            Self::Graduated { tiers, .. } | Self::Volume { tiers, .. } => {
                tiers.iter().map(|tier| tier.price).max().unwrap_or(UnitPrice::ZERO)
            }
            Self::Package { beyond, .. } => *beyond,
        }
    }

    /// Whether it is charged once, without proration.
    pub const fn is_one_off(&self) -> bool {
        matches!(self, Self::OneOff { .. })
    }
}
