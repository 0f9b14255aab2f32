//! Who plays: a unit that has a server switched off for long, two providers, the authority, and the ground it plays on.

use crate::exit::{Failure, INTERNAL};
use app::nodes::{NewNode, NewPool};
use app::{AppError, OpContext};
use domain::authz::Role;
use domain::collect::ObservedState;
use domain::meter::Allocation;
use domain::registry::{CloudNode, InformationSystem, NetworkZone, NodeSource, Organisation, PoolKind, ResourceKind};
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

impl Cast {
    /// Looks at the city and fills the parts.
    pub(super) async fn of(ctx: &OpContext) -> Result<Self, Failure> {
        let now = ctx.now();
        let mut read = ctx.store().read().await.map_err(AppError::from)?;
        let systems = read.history::<InformationSystem>().await.map_err(AppError::from)?;
        let units = read.history::<Organisation>().await.map_err(AppError::from)?;
        let nodes = read.history::<CloudNode>().await.map_err(AppError::from)?;
        let pools = read
            .history::<domain::registry::ResourcePool>()
            .await
            .map_err(AppError::from)?;
        let instant = Period::new(now, now.plus_s(1)).map_err(|why| Failure::new(INTERNAL, why.to_string()))?;
        let in_use = read.allocations_within(instant).await.map_err(AppError::from)?;
        let mut still: BTreeSet<(NodeCode, String)> = BTreeSet::new();
        for node in nodes.all_at(now) {
            for sighting in read
                .sightings_within(&node.code, instant)
                .await
                .map_err(AppError::from)?
            {
                let off = sighting.seen.state == ObservedState::Stopped && sighting.seen.kind == ResourceKind::Server;
                if off && sighting.period.from() <= now.plus_s(-IDLE_S) {
                    still.insert((node.code.clone(), sighting.seen.native_id));
                }
            }
        }
        let plain = |system: &InformationSystem| {
            system.mlps_level.is_some_and(|level| level <= 2) && system.zone == NetworkZone::Extranet
        };
        let xinchuang = |allocation: &&Allocation| {
            let kind = allocation
                .pool
                .as_ref()
                .and_then(|pool| Some(pools.at(pool.as_str(), now)?.kind));
            kind == Some(PoolKind::Xinchuang)
        };
        let stands_still = |allocation: &&Allocation| {
            let id = allocation.native_id.clone().map(|id| (allocation.node.clone(), id));
            id.is_some_and(|id| still.contains(&id))
        };
        let by_code: BTreeMap<&str, &InformationSystem> = systems
            .all_at(now)
            .map(|system| (system.code.as_str(), system))
            .collect();
        let of = |allocation: &Allocation| by_code.get(allocation.system.as_str()).copied();
        let plain_of =
            |unit: &OrganisationCode| by_code.values().copied().find(|s| s.organisation == *unit && plain(s));
        let idle = in_use
            .iter()
            .filter(xinchuang)
            .filter(stands_still)
            .find_map(|allocation| {
                let system = plain_of(&of(allocation)?.organisation)?;
                Some((allocation.clone(), system))
            });
        // Whoever has nothing that stands still is not told to use it first.
        let busy: BTreeSet<&OrganisationCode> = in_use
            .iter()
            .filter(stands_still)
            .filter_map(|a| Some(&of(a)?.organisation))
            .collect();
        let system = by_code
            .values()
            .copied()
            .find(|s| plain(s) && !busy.contains(&s.organisation));
        let Some(system) = system else {
            return Err(Failure::new(
                INTERNAL,
                "演示城市中没有合适的系统，故事无法开始".to_owned(),
            ));
        };
        let unit = |system: &InformationSystem| {
            let named = units.at(system.organisation.as_str(), now);
            Unit {
                code: system.organisation.to_string(),
                name: named.map_or_else(String::new, |unit| unit.name.clone()),
                system: system.code.to_string(),
                system_name: system.name.clone(),
            }
        };
        let (unit, idle) = (
            unit(system),
            idle.map(|(allocation, system)| (allocation, unit(system))),
        );
        Ok(Self {
            parts: parts(&unit.code, idle.as_ref().map(|(_, unit)| unit.code.as_str())),
            unit,
            idle,
        })
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

/// Registers the simulated node of the first provider: a cloud to open on, for there is no real one in a demo.
pub(super) async fn node(ctx: &OpContext) -> Result<(), Failure> {
    let pool = |code: &str, name: &str, kind| {
        Ok::<_, Failure>(NewPool {
            code: crate::commands::parsed(code)?,
            name: name.to_owned(),
            kind,
            zones: vec![code.to_lowercase()],
            separate: None,
        })
    };
    let new = NewNode {
        code: crate::commands::parsed(NODE)?,
        name: "内置模拟节点（不是真实的云）".to_owned(),
        provider: crate::commands::parsed("P1")?,
        source: NodeSource::Simulated {
            folder: "simulated".to_owned(),
        },
        platform: domain::registry::Platform::default(),
        pools: vec![
            pool("N9-XC", "模拟节点信创区", PoolKind::Xinchuang)?,
            pool("N9-X86", "模拟节点X86区", PoolKind::X86)?,
        ],
        valid_from: Instant::from_unix_s(ctx.now().day().start().unix_s()),
    };
    app::nodes::add(ctx, new).await?;
    Ok(())
}
