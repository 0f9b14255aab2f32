//! Everything an application is judged by. What is not known is none, never a guess.
//!
//! This is also what own rules see: their expression reads the serialised form of [`RequestFacts`], in which
//! quantities, prices and amounts are decimal texts, moments and days are texts, and what is not known is null.

use super::ExpertReview;
use crate::catalogue::Contract;
use crate::registry::{CloudNode, DataGrade, NetworkZone, PoolKind, ResourceKind, ResourcePool, Spec, words};
use kernel::{ContractCode, Day, Factor, ItemCode, Money, NodeCode, OrganisationCode, SystemCode, UnitPrice};
use serde::{Deserialize, Serialize};

words! {
    /// What is asked for.
    ApplicationKind {
        /// Resources for a system that has none yet, or further ones.
        New = "new", "新申请";
        /// Another size of what it has.
        Change = "change", "变更";
        /// What it has, for longer.
        Extend = "extend", "延期";
        /// What it has, no longer.
        Release = "release", "释放";
    }
}

words! {
    /// How a system comes to the cloud.
    Arrival {
        /// Built anew.
        New = "new", "新建";
        /// Moved with this application.
        Migrated = "migrated", "迁移上云";
        /// There already.
        Existing = "existing", "已在云上";
    }
}

words! {
    /// What a resource is for.
    Purpose {
        /// Operation.
        Production = "production", "生产";
        /// Development.
        Development = "development", "开发";
        /// Test.
        Test = "test", "测试";
        /// An emergency.
        Emergency = "emergency", "应急";
    }
}

words! {
    /// The outcome of the assessment of a crypto plan.
    CryptoConclusion {
        /// Conform.
        Conform = "conform", "符合";
        /// Basically conform.
        Basically = "basically", "基本符合";
        /// Not conform.
        NotConform = "not_conform", "不符合";
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitFacts {
    /// The organisation.
    pub code: OrganisationCode,
    /// Whether it is a municipal one; none if not known.
    pub municipal: Option<bool>,
}

/// For which system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemFacts {
    /// The system.
    pub code: SystemCode,
    /// How it comes to the cloud.
    pub arrival: Arrival,
    /// Whether it is classified (涉密); none if not declared.
    pub classified: Option<bool>,
    /// Its level of protection, 1 to 5; none if not graded.
    pub mlps_level: Option<u8>,
    /// Its network zone.
    pub zone: NetworkZone,
    /// Grade of its data; none if not graded.
    pub data_grade: Option<DataGrade>,
    /// Number of its filing certificate; none if not handed in.
    pub filing_certificate: Option<String>,
    /// Its crypto plan, by document; none if not handed in.
    pub crypto_plan: Option<String>,
    /// The outcome of the plan's assessment; none if not handed in.
    pub crypto_assessment: Option<CryptoConclusion>,
}

/// Hardware or software the unit wants to buy itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPurchase {
    /// What.
    pub what: String,
    /// Items of the catalogue that offer the same; none if nobody looked, empty if there is none.
    pub offered_as: Option<Vec<ItemCode>>,
}

/// One line of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u32,
    /// Kind of resource.
    pub kind: ResourceKind,
    /// Item of the catalogue, if it names one.
    pub item: Option<ItemCode>,
    /// Class of the resource (volume type, flavour family), empty if it has none.
    pub class: String,
    /// Kind of the pool; none if not said, or without meaning.
    pub pool: Option<PoolKind>,
    /// What is asked for in all, over all pieces; `count` is the number of pieces. Of a change: what is added.
    pub quantities: Spec,
    /// Whether it adds to what the system has.
    pub increment: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// First day it is needed no more; none if without end.
    pub until: Option<Day>,
    /// What the unit wants to buy itself instead.
    pub own_purchase: Option<OwnPurchase>,
}

/// Stock of unit and system of one kind in one pool, as far as utilisation could be judged.
///
/// Whoever gathers the facts states an entry for each kind and pool that a line asks for; a unit that holds nothing
/// has an entry with `judged` and `unjudged` zero. A missing entry means that nobody looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Kind of resource.
    pub kind: ResourceKind,
    /// Kind of the pool.
    pub pool: Option<PoolKind>,
    /// Class of the resource; none for every class.
    pub class: Option<String>,
    /// How much of it is known to be under-used.
    pub spare: Spec,
    /// The resources that is in.
    pub resources: Vec<String>,
    /// How many resources could be judged.
    pub judged: u32,
    /// How many could not.
    pub unjudged: u32,
    /// Why not.
    pub unjudged_because: String,
    /// Completeness of the utilisation behind the judgement, of the worst resource; none if nothing was judged.
    pub completeness: Option<Factor>,
    /// The version of the utilisation policy that judged.
    pub policy: String,
}

/// What one provider asks for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedPrice {
    /// The item.
    pub item: ItemCode,
    /// The quoted price of a unit and month.
    pub price: UnitPrice,
    /// The catalogue's price; none if not known.
    pub catalogue_price: Option<UnitPrice>,
    /// The catalogue's ceiling; none if not known.
    pub ceiling: Option<UnitPrice>,
}

/// An offer of one provider for the whole application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its prices.
    pub prices: Vec<QuotedPrice>,
    /// What the application would cost a month.
    pub monthly: Money,
}

/// A provider that could host the application, at one of its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderFacts {
    /// The provider.
    pub code: OrganisationCode,
    /// The node; none if it has none registered.
    #[serde(default)]
    pub node: Option<NodeCode>,
    /// The contract it would be under.
    pub contract: Option<ContractCode>,
    /// Level of protection of its platform; none if not known.
    pub platform_level: Option<u8>,
    /// Whether it has a separate pool for systems above the general cloud's level; none if not known.
    pub separate_pool: Option<bool>,
    /// Whether it is operated from inside China; none if not known.
    pub operated_in_china: Option<bool>,
    /// Whether data and backups are inside China; none if not known.
    pub data_in_china: Option<bool>,
    /// Its offer, if it has made one.
    pub quote: Option<Quote>,
}

impl ProviderFacts {
    /// A provider under a contract, at a node if it has one, by what is registered of the node and of those of its
    /// pools that could be used.
    pub fn registered(contract: &Contract, node: Option<&CloudNode>, pools: &[&ResourcePool]) -> Self {
        let platform = node.map(|node| &node.platform);
        let separate = |wanted: bool| pools.iter().filter(|pool| pool.separate == Some(wanted)).count();
        Self {
            code: contract.provider.clone(),
            node: node.map(|node| node.code.clone()),
            contract: Some(contract.code.clone()),
            platform_level: platform.and_then(|platform| platform.mlps_level),
            separate_pool: match (separate(true), separate(false)) {
                (0, shared) => (shared > 0 && shared == pools.len()).then_some(false),
                _ => Some(true),
            },
            operated_in_china: platform.and_then(|platform| platform.operated_in_china),
            data_in_china: platform.and_then(|platform| platform.data_in_china),
            quote: None,
        }
    }

    /// In a finding: the provider, and the node if it is known.
    pub(super) fn name(&self) -> String {
        match &self.node {
            Some(node) => format!("{}（{node}）", self.code),
            None => self.code.to_string(),
        }
    }
}

/// Which provider the authority has chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The provider.
    pub provider: OrganisationCode,
    /// The recorded reason; may be empty where the cheapest is chosen.
    pub reason: String,
}

/// What is left of a quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLeft {
    /// Kind of resource.
    pub kind: ResourceKind,
    /// What is left.
    pub left: Spec,
}

/// What it costs, and what there is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Means {
    /// What the application adds to a month; none if not priced.
    pub monthly_cost: Option<Money>,
    /// What is left of the unit's budget of the year; none if not known.
    pub budget_left: Option<Money>,
    /// What is left of the contract's sum; none if not known or without limit.
    pub ceiling_left: Option<Money>,
    /// What is left of the unit's quotas; a kind that is not here has none configured.
    pub quota_left: Vec<QuotaLeft>,
}

/// All facts of one application, or of one that is only thought of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFacts {
    /// What is asked for.
    pub application: ApplicationKind,
    /// Who asks.
    pub unit: UnitFacts,
    /// For which system.
    pub system: SystemFacts,
    /// Whether the unit wants to build it outside the cloud.
    pub off_cloud: bool,
    /// The lines, in order of their numbers.
    pub lines: Vec<Line>,
    /// Stock of unit and system.
    pub stock: Vec<Stock>,
    /// Reviews that were handed in.
    pub reviews: Vec<ExpertReview>,
    /// Providers that could host it.
    pub providers: Vec<ProviderFacts>,
    /// The provider that was chosen; none before the choice.
    pub choice: Option<Choice>,
    /// Cost and means.
    pub means: Means,
}

impl RequestFacts {
    /// The chosen provider, or before the choice all that could be chosen.
    pub(super) fn considered(&self) -> Vec<&ProviderFacts> {
        let chosen = self.choice.as_ref().map(|c| &c.provider);
        let providers = self.providers.iter();
        providers
            .filter(|p| chosen.is_none_or(|code| *code == p.code))
            .collect()
    }

    /// The lines that add something.
    pub(super) fn increments(&self) -> impl Iterator<Item = &Line> {
        let adds = self.application != ApplicationKind::Release;
        self.lines.iter().filter(move |line| adds && line.increment)
    }
}
