//! Who plays: a unit that has a server switched off for long, two providers, the authority, and the ground it plays on.

use crate::exit::{Failure, INTERNAL};
use app::OpContext;
use domain::authz::Role;
use domain::collect::ObservedState;
use domain::meter::Allocation;
use domain::registry::{
    CloudNode, History, InformationSystem, NetworkZone, Organisation, PoolKind, ResourceKind, ResourcePool,
};
use kernel::{Instant, NodeCode, OrganisationCode, Period};
use std::collections::{BTreeMap, BTreeSet};

/// A server is idle after so long; as the example of rule R4 says. Units: seconds.
const IDLE_S: i64 = 30 * 86_400;

/// The authority, and the node that stands for a cloud.
pub(super) const BUREAU: &str = "A001";
pub(super) const NODE: &str = "N9";

/// Somebody to be seated: login, name, organisation and role.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) login: &'static str,
    pub(super) name: &'static str,
    pub(super) organisation: String,
    pub(super) role: Role,
}

/// A unit, and a system of it to apply for.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) system: String,
    pub(super) system_name: String,
}

/// Two units, and who is there.
#[derive(Debug)]
pub(super) struct Cast {
    /// One without idle servers.
    pub(super) unit: Unit,
    /// One with a server that stands still; none in a city that has none.
    pub(super) idle: Option<(Allocation, Unit)>,
    pub(super) parts: Vec<Part>,
}

/// What is there now, to choose from.
struct Town {
    now: Instant,
    systems: BTreeMap<String, InformationSystem>,
    units: History<Organisation>,
    pools: History<ResourcePool>,
    in_use: Vec<Allocation>,
    /// Servers that have been switched off for long.
    still: BTreeSet<(NodeCode, String)>,
}

impl Town {
    async fn seen(ctx: &OpContext) -> Result<Self, Failure> {
        let now = ctx.now();
        let instant = Period::new(now, now.plus_s(1)).map_err(|why| Failure::new(INTERNAL, why.to_string()))?;
        let mut read = ctx.store().read().await?;
        let systems = read.history::<InformationSystem>().await?;
        let nodes = read.history::<CloudNode>().await?;
        let mut still = BTreeSet::new();
        for node in nodes.all_at(now) {
            for sighting in read.sightings_within(&node.code, instant).await? {
                let off = sighting.seen.state == ObservedState::Stopped && sighting.seen.kind == ResourceKind::Server;
                if off && sighting.period.from() <= now.plus_s(-IDLE_S) {
                    still.insert((node.code.clone(), sighting.seen.native_id));
                }
            }
        }
        let systems = systems
            .all_at(now)
            .map(|system| (system.code.to_string(), system.clone()));
        Ok(Self {
            now,
            systems: systems.collect(),
            units: read.history().await?,
            pools: read.history().await?,
            in_use: read.allocations_within(instant).await?,
            still,
        })
    }

    fn system_of(&self, allocation: &Allocation) -> Option<&InformationSystem> {
        self.systems.get(allocation.system.as_str())
    }

    fn stands_still(&self, allocation: &Allocation) -> bool {
        let id = allocation.native_id.clone().map(|id| (allocation.node.clone(), id));
        id.is_some_and(|id| self.still.contains(&id))
    }

    fn is_xinchuang(&self, allocation: &Allocation) -> bool {
        let pool = allocation.pool.as_ref();
        let pool = pool.and_then(|pool| self.pools.at(pool.as_str(), self.now));
        pool.is_some_and(|pool| pool.kind == PoolKind::Xinchuang)
    }

    /// Systems that need nothing special.
    fn plain(&self) -> impl Iterator<Item = &InformationSystem> {
        let is_plain = |system: &&InformationSystem| {
            system.mlps_level.is_some_and(|level| level <= 2) && system.zone == NetworkZone::Extranet
        };
        self.systems.values().filter(is_plain)
    }

    /// A server that stands still, and a system of the same unit.
    fn idle(&self) -> Option<(Allocation, Unit)> {
        let mut idle = self
            .in_use
            .iter()
            .filter(|of| self.is_xinchuang(of) && self.stands_still(of));
        idle.find_map(|allocation| {
            let unit = &self.system_of(allocation)?.organisation;
            let system = self.plain().find(|system| system.organisation == *unit)?;
            Some((allocation.clone(), self.unit(system)))
        })
    }

    /// A unit without anything that stands still: it is not told to use that first.
    fn without_idle(&self) -> Option<Unit> {
        let idle = self.in_use.iter().filter(|of| self.stands_still(of));
        let having: BTreeSet<&OrganisationCode> =
            idle.filter_map(|of| Some(&self.system_of(of)?.organisation)).collect();
        let system = self.plain().find(|system| !having.contains(&system.organisation))?;
        Some(self.unit(system))
    }

    fn unit(&self, system: &InformationSystem) -> Unit {
        let named = self.units.at(system.organisation.as_str(), self.now);
        Unit {
            code: system.organisation.to_string(),
            name: named.map_or_else(String::new, |unit| unit.name.clone()),
            system: system.code.to_string(),
            system_name: system.name.clone(),
        }
    }
}

impl Cast {
    /// Looks at the city and fills the parts.
    pub(super) async fn of(ctx: &OpContext) -> Result<Self, Failure> {
        let town = Town::seen(ctx).await?;
        let unit = town
            .without_idle()
            .ok_or_else(|| Failure::new(INTERNAL, "演示城市中没有合适的系统，故事无法开始"))?;
        let idle = town.idle();
        Ok(Self {
            parts: parts(&unit.code, idle.as_ref().map(|(_, unit)| unit.code.as_str())),
            unit,
            idle,
        })
    }

    /// The units of the story, the one without idle servers first.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit> {
        std::iter::once(&self.unit).chain(self.idle.as_ref().map(|(_, unit)| unit))
    }

    /// What people call somebody: organisation side and name.
    pub(super) fn title(part: &Part) -> String {
        format!("{} {}", part.role.zh(), part.name)
    }
}

fn parts(unit: &str, other: Option<&str>) -> Vec<Part> {
    let part = |login, name, organisation: &str, role| Part {
        login,
        name,
        organisation: organisation.to_owned(),
        role,
    };
    let mut parts = vec![
        part("jingban", "周启明（演示）", unit, Role::UnitApplicant),
        part("fuze", "何静（演示）", unit, Role::UnitHead),
        part("yanshou", "林越（演示）", unit, Role::UnitAcceptor),
        part("chushen", "马晓（演示）", BUREAU, Role::AuthorityIntake),
        part("jishu", "沈卓（演示）", BUREAU, Role::AuthorityTechnical),
        part("hecha", "唐宁（演示）", BUREAU, Role::AuthorityTechnical),
        part("mishu", "秦岚（演示）", BUREAU, Role::ExpertSecretary),
        part("lingdao", "陆川（演示）", BUREAU, Role::AuthorityLeader),
        part("yunying", "郑和平（演示）", BUREAU, Role::AuthorityOperations),
        part("jiayun", "高远（演示）", "P1", Role::ProviderHead),
        part("jiayunwei", "方正（演示）", "P1", Role::ProviderOperator),
        part("yiyun", "苏晴（演示）", "P2", Role::ProviderHead),
    ];
    if let Some(other) = other {
        parts.extend([
            part("jingban2", "许言（演示）", other, Role::UnitApplicant),
            part("fuze2", "程朗（演示）", other, Role::UnitHead),
            part("yanshou2", "韩雪（演示）", other, Role::UnitAcceptor),
        ]);
    }
    parts
}
