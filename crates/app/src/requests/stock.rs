//! The stock of a unit, as far as it can be judged now: a server that was switched off at every look for as long as the
//! rule says is idle. The load of what is running is not judged, and the entry says so (R4).

use super::ground::Ground;
use crate::{AppError, OpContext};
use domain::collect::ObservedState;
use domain::meter::Allocation;
use domain::registry::{PoolKind, ResourceKind, Spec};
use domain::request::ResourceRequest;
use domain::rules::{Line, RuleKind, Stock};
use kernel::{AllocationCode, Factor, Instant, NodeCode, Period, Quantity};
use std::collections::{BTreeMap, BTreeSet};
use store::Connection;

/// Why the load of running resources reduces no application.
const UNJUDGED: &str = "平台尚未开展负载利用率判定，只判定了连续停机";

/// Length of a day. Units: seconds.
const DAY_S: i64 = 86_400;

/// The unit's servers that were switched off for long, and how completely their nodes were looked at.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// How long a server has to be switched off, by the rule in force; none if no rule says.
    days: Option<u16>,
    servers: BTreeSet<AllocationCode>,
    /// The end of what was seen.
    until: Option<Instant>,
    /// Share of the days with a look, by node.
    completeness: BTreeMap<NodeCode, Factor>,
}

impl Idle {
    /// Reads it for an application.
    pub(super) async fn load(
        ctx: &OpContext,
        read: &mut Connection,
        ground: &Ground,
        request: &ResourceRequest,
    ) -> Result<Self, AppError> {
        let days = ctx
            .policies()?
            .rules
            .in_force(ground.at)
            .find_map(|rule| match rule.kind {
                RuleKind::StockBeforeIncrement { stopped_days, .. } => stopped_days,
                _ => None,
            });
        let Some(days) = days else { return Ok(Self::default()) };
        let mut idle = Self {
            days: Some(days),
            ..Self::default()
        };
        let span = DAY_S * i64::from(days);
        let mut by_node: BTreeMap<&NodeCode, BTreeMap<&str, &AllocationCode>> = BTreeMap::new();
        for allocation in own(ground, request).filter(|a| a.kind == ResourceKind::Server) {
            if let Some(id) = &allocation.native_id {
                by_node
                    .entry(&allocation.node)
                    .or_default()
                    .insert(id, &allocation.code);
            }
        }
        for (node, servers) in by_node {
            // Judged by the days up to the last look: files of a node may come in once a month.
            let last = read
                .look_before(node, ground.at.plus_s(1))
                .await?
                .map(|look| look.taken_at.plus_s(1));
            let Some(until) = last.filter(|until| until.plus_s(span) > ground.at) else {
                continue;
            };
            let Ok(window) = Period::new(until.plus_s(-span), until) else {
                continue;
            };
            let looks = read.look_moments(node, window).await?;
            idle.completeness
                .insert(node.clone(), share_of_days(&looks, window, days));
            idle.until = idle.until.max(Some(until));
            let ids: Vec<&str> = servers.keys().copied().collect();
            for sighting in read.sightings_of(node, &ids, ground.at).await? {
                let off = sighting.seen.state == ObservedState::Stopped && sighting.period.from() <= window.from();
                let code = servers.get(sighting.seen.native_id.as_str()).filter(|_| off);
                idle.servers.extend(code.map(|code| (*code).clone()));
            }
        }
        Ok(idle)
    }

    /// What was judged by, in words.
    fn policy(&self) -> String {
        let (Some(days), Some(until)) = (self.days, self.until) else {
            return String::new();
        };
        format!("截至 {} 连续停机 {days} 天以上为闲置", until.day())
    }

    fn completeness(&self, of: &Allocation) -> Factor {
        self.completeness.get(&of.node).copied().unwrap_or(Factor::ZERO)
    }
}

/// On how many of the days of a window there was a look. Rounding: down to a millionth.
fn share_of_days(looks: &[Instant], window: Period, days: u16) -> Factor {
    let inside = looks.iter().filter(|at| window.from() <= **at && **at < window.to());
    let seen: BTreeSet<i64> = inside
        .map(|at| at.unix_s().saturating_sub(window.from().unix_s()).div_euclid(DAY_S))
        .collect();
    let seen = i64::try_from(seen.len()).unwrap_or(i64::MAX);
    let millionths = seen.saturating_mul(1_000_000).checked_div(i64::from(days)).unwrap_or(0);
    Factor::from_micros(millionths)
}

/// Everything of the unit, and of the system.
fn own<'g>(ground: &'g Ground, request: &'g ResourceRequest) -> impl Iterator<Item = &'g Allocation> {
    let of_unit = |system: &kernel::SystemCode| {
        let body = ground.registry.systems.at(system.as_str(), ground.at);
        body.is_some_and(|body| body.organisation == request.unit)
    };
    let all = ground.allocations.values();
    all.filter(move |a| a.system == request.system || of_unit(&a.system))
}

/// What the unit has of every kind and pool that is asked for.
pub(super) fn stock(ground: &Ground, request: &ResourceRequest, lines: &[Line], idle: &Idle) -> Vec<Stock> {
    let asked: BTreeSet<(ResourceKind, Option<PoolKind>)> =
        lines.iter().filter(|l| l.increment).map(|l| (l.kind, l.pool)).collect();
    let own: Vec<&Allocation> = own(ground, request).collect();
    let entry = |(kind, pool): (ResourceKind, Option<PoolKind>)| {
        let there = own
            .iter()
            .filter(|a| a.kind == kind && (pool.is_none() || ground.pool_of(a) == pool));
        let (spare, rest): (Vec<&Allocation>, Vec<&Allocation>) = there
            .copied()
            .filter(|a| !request.declared.takes_up.contains(&a.code))
            .partition(|a| idle.servers.contains(&a.code));
        Stock {
            kind,
            pool,
            class: None,
            spare: sum(&spare),
            resources: spare.iter().map(|a| a.code.to_string()).collect(),
            judged: count(&spare),
            unjudged: count(&rest),
            unjudged_because: UNJUDGED.to_owned(),
            completeness: spare.iter().map(|a| idle.completeness(a)).min(),
            policy: idle.policy(),
        }
    };
    asked.into_iter().map(entry).collect()
}

fn count(allocations: &[&Allocation]) -> u32 {
    u32::try_from(allocations.len()).unwrap_or(u32::MAX)
}

/// All that is in some resources, their number included. What is beyond any quantity is left out: it reduces nothing.
fn sum(allocations: &[&Allocation]) -> Spec {
    let mut sum = allocations.iter().fold(Spec::new(), |sum, allocation| {
        allocation.spec.iter().fold(sum, |sum, (measure, quantity)| {
            let there = sum.get(measure).unwrap_or(Quantity::ZERO);
            let more = there.checked_add(quantity).unwrap_or(there);
            sum.with(measure, more)
        })
    });
    if !allocations.is_empty() {
        let pieces = Quantity::from_whole(i64::from(count(allocations))).unwrap_or(Quantity::ZERO);
        sum = sum.with(domain::registry::Measure::Count, pieces);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_with_a_look_are_counted_once() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let window = Period::new(at("2026-10-01 12:00:00"), at("2026-10-11 12:00:00")).unwrap();
        let looks = [
            at("2026-09-30 00:00:00"),
            at("2026-10-01 12:00:00"),
            at("2026-10-01 18:00:00"),
            at("2026-10-02 12:00:00"),
            at("2026-10-11 12:00:00"),
        ];
        assert_eq!(share_of_days(&looks, window, 10).to_string(), "0.2");
        assert_eq!(share_of_days(&[], window, 10), Factor::ZERO);
        assert_eq!(share_of_days(&looks, window, 0), Factor::ZERO);
    }
}
