//! The sweep: allocations held against sightings over one month.
//!
//! Each allocation is cut wherever something that matters changes (owner, contract, what was seen) and becomes
//! usage rows; what does not fit together becomes a finding, and so does whatever was approved and cannot be charged.
//! Sweeping the same facts in any order gives the same table and the same findings.
//!
//! A resource that exists before its acceptance is in the making and no finding; one that exists after its release,
//! or between two allocations, is.

mod findings;

use super::allocation::ends_with_parents;
use super::{Allocation, CaseKind, Coverage, Finding, Presence, UsageRow, UsageTable, mean_quantity, p95_quantity};
use crate::catalogue::{CatalogueError, Contract, MeteringBasis, ServiceItem, ServiceUse, match_item};
use crate::collect::{Sample, Sighting};
use crate::registry::{Measure, NetworkZone, PoolKind, ProjectMapping, Registry, ResourceKind};
use kernel::{AllocationCode, ContractCode, Instant, NodeCode, OrganisationCode, Period, Quantity, SystemCode};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that is needed to meter one month.
#[derive(Debug)]
pub struct MeterInput<'a> {
    /// The month.
    pub month: Period,
    /// Who and what there is.
    pub registry: &'a Registry,
    /// The catalogue as it is at the end of the month.
    pub items: Vec<&'a ServiceItem>,
    /// Contracts as they are at the end of the month.
    pub contracts: Vec<&'a Contract>,
    /// Allocations that share time with the month, and their parents.
    pub allocations: &'a [Allocation],
    /// Sightings that share time with the month, by node.
    pub sightings: &'a BTreeMap<NodeCode, Vec<Sighting>>,
    /// The looks at each node.
    pub coverage: &'a BTreeMap<NodeCode, Coverage>,
    /// Measured values inside the month, by node.
    pub samples: &'a BTreeMap<NodeCode, Vec<Sample>>,
}

/// How completely one node was seen in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// The node.
    pub node: NodeCode,
    /// Days with at least one look.
    pub days_seen: i64,
    /// Days of the month.
    pub days: i64,
    /// Measured values there were.
    pub values: i64,
    /// Stretches without a look.
    pub gaps: Vec<Period>,
}

/// What metering a month gives.
#[derive(Debug, Clone, Default)]
pub struct MeterOutput {
    /// The usage, in its fixed order.
    pub table: UsageTable,
    /// What a person must look at, sorted.
    pub findings: Vec<Finding>,
    /// Completeness by node.
    pub completeness: Vec<Metered>,
}

/// Meters a month.
pub fn meter_month(input: &MeterInput<'_>) -> MeterOutput {
    let mut sweep = Sweep::new(input);
    for allocation in input.allocations {
        sweep.allocation(allocation);
    }
    sweep.unapproved();
    let completeness = sweep.completeness();
    let mut table = sweep.table;
    table.sort();
    MeterOutput {
        table,
        findings: sweep.findings.into_iter().collect(),
        completeness,
    }
}

type ResourceKey<'a> = (&'a NodeCode, &'a str);
type SeriesKey<'a> = (&'a NodeCode, &'a str, Measure);

/// One stretch of an allocation in which owner and contract are the same.
#[derive(Clone)]
struct Stretch {
    period: Period,
    organisation: OrganisationCode,
    provider: String,
    contract: Option<ContractCode>,
    zone: NetworkZone,
}

struct Sweep<'a> {
    input: &'a MeterInput<'a>,
    contracts: Vec<&'a Contract>,
    ends: BTreeMap<&'a AllocationCode, Instant>,
    seen: HashMap<ResourceKey<'a>, Vec<&'a Sighting>>,
    values: HashMap<SeriesKey<'a>, Vec<(Instant, Quantity)>>,
    owners: HashMap<SystemCode, Vec<Stretch>>,
    matched: HashMap<MatchKey, Result<&'a ServiceItem, CatalogueError>>,
    table: UsageTable,
    findings: BTreeSet<Finding>,
}

type MatchKey = (
    ResourceKind,
    Measure,
    String,
    Option<PoolKind>,
    NetworkZone,
    crate::catalogue::ServiceForm,
);

impl<'a> Sweep<'a> {
    fn new(input: &'a MeterInput<'a>) -> Self {
        let mut seen: HashMap<ResourceKey<'a>, Vec<&'a Sighting>> = HashMap::new();
        for (node, sightings) in input.sightings {
            for sighting in sightings {
                seen.entry((node, &sighting.seen.native_id)).or_default().push(sighting);
            }
        }
        seen.values_mut().for_each(|list| list.sort_by_key(|s| s.period));
        let mut values: HashMap<_, Vec<_>> = HashMap::new();
        for (node, samples) in input.samples {
            for sample in samples.iter().filter(|s| input.month.contains(s.at)) {
                let series = values
                    .entry((node, sample.native_id.as_str(), sample.measure))
                    .or_default();
                series.push((sample.at, sample.value));
            }
        }
        // The same value may come in two files; it counts once.
        for series in values.values_mut() {
            series.sort_unstable();
            series.dedup_by_key(|(at, _)| *at);
        }
        let mut contracts = input.contracts.clone();
        contracts.sort_by(|a, b| (a.starts, &a.code).cmp(&(b.starts, &b.code)));
        Self {
            input,
            contracts,
            ends: ends_with_parents(input.allocations),
            seen,
            values,
            owners: HashMap::new(),
            matched: HashMap::new(),
            table: UsageTable::default(),
            findings: BTreeSet::new(),
        }
    }

    fn allocation(&mut self, allocation: &'a Allocation) {
        let end = self.ends.get(&allocation.code).copied().unwrap_or(Instant::MAX);
        let clipped = Period::new(allocation.period.from(), allocation.period.to().min(end));
        let Some(period) = clipped.ok().and_then(|p| p.and(self.input.month)) else {
            return;
        };
        let all = allocation
            .native_id
            .as_deref()
            .and_then(|id| self.seen.get(&(&allocation.node, id)));
        let sightings: Vec<&Sighting> = all
            .into_iter()
            .flatten()
            .copied()
            .filter(|s| s.seen.kind == allocation.kind)
            .collect();
        self.compare(allocation, period, &sightings);
        for stretch in self.stretches(allocation, period) {
            // Work is done once: whoever answered for the system on acceptance pays for it, and in that month only.
            if allocation.kind == ResourceKind::Work && !stretch.period.contains(allocation.period.from()) {
                continue;
            }
            for (measure, approved) in allocation.spec.iter() {
                let Some(item) = self.item(allocation, measure, &stretch) else {
                    continue;
                };
                let amounts = self.amounts(allocation, measure, approved, item, stretch.period, &sightings);
                for (period, quantity) in join(amounts) {
                    self.push(allocation, &stretch, item, period, quantity);
                }
            }
        }
    }

    /// The payable quantity over the parts of `within`.
    fn amounts(
        &mut self,
        allocation: &'a Allocation,
        measure: Measure,
        approved: Quantity,
        item: &ServiceItem,
        within: Period,
        sightings: &[&Sighting],
    ) -> Vec<(Period, Quantity)> {
        let presence = Presence::new(sightings);
        match item.basis {
            MeteringBasis::Allocated | MeteringBasis::Declared => vec![(within, approved)],
            MeteringBasis::Observed | MeteringBasis::Lesser => {
                let lesser = item.basis == MeteringBasis::Lesser;
                let (mut sized, mut unsized_since) = (Vec::new(), None);
                for (period, spec) in presence.existing(within) {
                    match spec.get(measure) {
                        Some(size) => sized.push((period, if lesser { size.min(approved) } else { size })),
                        None => unsized_since = unsized_since.or(Some(period.from())),
                    }
                }
                if let Some(since) = unsized_since {
                    let detail = format!("云节点未报告「{}」，未计费", measure.zh());
                    self.find(CaseKind::MissingSamples, allocation, since, detail);
                }
                sized
            }
            MeteringBasis::MeasuredMean | MeteringBasis::MeasuredP95 => {
                let existing: Vec<Period> = presence.existing(within).map(|(period, _)| period).collect();
                let key = (
                    &allocation.node,
                    allocation.native_id.as_deref().unwrap_or_default(),
                    measure,
                );
                let series = self.values.get(&key).map(Vec::as_slice).unwrap_or_default();
                let inside: Vec<_> = series
                    .iter()
                    .filter(|(at, _)| existing.iter().any(|p| p.contains(*at)))
                    .collect();
                let values: Vec<Quantity> = inside.iter().map(|(_, value)| *value).collect();
                let mean = item.basis == MeteringBasis::MeasuredMean;
                let measured = if mean {
                    mean_quantity(&values)
                } else {
                    p95_quantity(&values)
                };
                let days: BTreeSet<_> = inside.iter().map(|(at, _)| at.day()).collect();
                let expected: i64 = existing.iter().map(|period| period.days()).sum();
                let missing = expected - i64::try_from(days.len()).unwrap_or(i64::MAX);
                if missing > 0 {
                    let charged = if measured.is_some() {
                        "按其余各天的数据计量"
                    } else {
                        "未计费"
                    };
                    let what = measure.zh();
                    let detail = format!("{within} 应有 {expected} 天「{what}」的计量数据，缺 {missing} 天，{charged}");
                    self.find(CaseKind::MissingSamples, allocation, within.from(), detail);
                }
                let quantity = measured.map(|m| m.quantity);
                quantity
                    .into_iter()
                    .flat_map(|q| existing.iter().map(move |period| (*period, q)))
                    .collect()
            }
        }
    }

    /// The system a resource is in at its node at a moment: by its tag, else by its project.
    fn system_of(&self, node: &NodeCode, sighting: &Sighting, at: Instant) -> Option<String> {
        if let Some(tag) = &sighting.seen.system_tag {
            return Some(tag.clone());
        }
        let key = ProjectMapping::key(node, &sighting.seen.project);
        let mapping = self.input.registry.mappings.at(&key, at)?;
        mapping.system.as_ref().map(ToString::to_string)
    }

    /// Who ran a node at a moment; before it was registered, whoever was the first to.
    fn provider(&self, node: &NodeCode, at: Instant) -> String {
        let node = self.input.registry.nodes.at_or_first(node.as_str(), at);
        node.map_or_else(String::new, |node| node.provider.to_string())
    }

    fn find(&mut self, kind: CaseKind, allocation: &Allocation, since: Instant, detail: String) {
        let subject = allocation.code.to_string();
        let owner = self.provider(&allocation.node, since);
        self.findings.insert(Finding {
            kind,
            subject,
            owner,
            detail,
            since,
        });
    }

    fn stretches(&mut self, allocation: &Allocation, period: Period) -> Vec<Stretch> {
        let owners = self.owners(&allocation.system);
        for unknown in uncovered(period, owners.iter().map(|owner| owner.period)) {
            let detail = format!(
                "信息系统 {} 在 {unknown} 没有登记，无法确定付费单位，未计费",
                allocation.system
            );
            self.find(CaseKind::Unpriced, allocation, unknown.from(), detail);
        }
        let mut stretches = Vec::new();
        for owner in owners {
            for (part, provider) in owner
                .period
                .and(period)
                .map(|p| self.providers(&allocation.node, p))
                .unwrap_or_default()
            {
                let owner = Stretch {
                    provider,
                    ..owner.clone()
                };
                self.under_contracts(allocation, part, &owner, &mut stretches);
            }
        }
        stretches.sort_by_key(|s| s.period);
        stretches
    }

    /// Who ran a node over a period. What else was registered of it meanwhile, a name or a level, is no matter.
    fn providers(&self, node: &NodeCode, period: Period) -> Vec<(Period, String)> {
        let known = self.input.registry.nodes.stretches(node.as_str(), period);
        let known = known.into_iter().map(|(p, node)| (p, node.provider.to_string()));
        let known = join(known.collect());
        let before = uncovered(period, known.iter().map(|(p, _)| *p))
            .into_iter()
            .map(|p| (p, self.provider(node, p.from())));
        before.collect::<Vec<_>>().into_iter().chain(known).collect()
    }

    /// Cuts a part of an allocation at the ends of contracts; of contracts that overlap, the one that started first
    /// goes on until it ends.
    fn under_contracts(&self, allocation: &Allocation, part: Period, owner: &Stretch, stretches: &mut Vec<Stretch>) {
        let mut open = vec![part];
        for contract in &self.contracts {
            let wanted = allocation.contract.as_ref().map_or_else(
                || contract.provider.as_str() == owner.provider,
                |code| *code == contract.code,
            );
            let Some(term) = contract.term().filter(|_| wanted) else {
                continue;
            };
            let taken: Vec<Period> = open.iter().filter_map(|p| p.and(term)).collect();
            open = open.iter().flat_map(|p| without(*p, term)).collect();
            let contract = Some(contract.code.clone());
            stretches.extend(taken.into_iter().map(|period| Stretch {
                period,
                contract: contract.clone(),
                ..owner.clone()
            }));
        }
        stretches.extend(open.into_iter().map(|period| Stretch {
            period,
            contract: None,
            ..owner.clone()
        }));
    }

    /// Who answers for a system over the month, and in which zone it is.
    fn owners(&mut self, system: &SystemCode) -> Vec<Stretch> {
        if let Some(known) = self.owners.get(system) {
            return known.clone();
        }
        let registry = self.input.registry;
        let mut parts = Vec::new();
        for (period, body) in registry.systems.stretches(system.as_str(), self.input.month) {
            let answering = registry.organisations.answering(&body.organisation, period).into_iter();
            parts.extend(answering.map(|(period, organisation)| (period, (organisation, body.zone))));
        }
        // Whatever else changed about them, a new name for one, cuts nothing.
        let stretches = join(parts).into_iter().map(|(period, (organisation, zone))| Stretch {
            period,
            organisation,
            provider: String::new(),
            contract: None,
            zone,
        });
        let stretches: Vec<Stretch> = stretches.collect();
        self.owners.insert(system.clone(), stretches.clone());
        stretches
    }

    fn item(&mut self, allocation: &Allocation, measure: Measure, stretch: &Stretch) -> Option<&'a ServiceItem> {
        let pool = allocation
            .pool
            .as_ref()
            .and_then(|code| self.input.registry.pools.at(code.as_str(), stretch.period.from()));
        let pool = pool.map(|pool| pool.kind);
        let key = (
            allocation.kind,
            measure,
            allocation.class.clone(),
            pool,
            stretch.zone,
            allocation.form,
        );
        let wanted = ServiceUse {
            kind: allocation.kind,
            measure,
            class: &allocation.class,
            pool,
            zone: stretch.zone,
            form: allocation.form,
        };
        let input = self.input;
        let matched = self
            .matched
            .entry(key)
            .or_insert_with(|| match_item(input.items.iter().copied(), &wanted))
            .clone();
        let unpriced = match matched {
            Ok(item) if stretch.contract.is_some() => return Some(item),
            Ok(_) => "当时没有有效的合同".to_owned(),
            Err(error) => error.to_string(),
        };
        self.find(
            CaseKind::Unpriced,
            allocation,
            stretch.period.from(),
            format!("{}: {unpriced}", measure.zh()),
        );
        None
    }

    fn push(
        &mut self,
        allocation: &Allocation,
        stretch: &Stretch,
        item: &ServiceItem,
        period: Period,
        quantity: Quantity,
    ) {
        let resource = match &allocation.native_id {
            Some(native_id) => format!("{}/{native_id}", allocation.node),
            None => allocation.code.to_string(),
        };
        let pool = allocation.pool.as_ref();
        let pool_kind = pool.and_then(|code| self.input.registry.pools.at(code.as_str(), period.from()));
        let names = &mut self.table.names;
        self.table.rows.push(UsageRow {
            resource: names.intern(&resource),
            allocation: names.intern(allocation.code.as_str()),
            system: names.intern(allocation.system.as_str()),
            organisation: names.intern(stretch.organisation.as_str()),
            provider: names.intern(&stretch.provider),
            contract: names.intern(stretch.contract.as_ref().map_or("", ContractCode::as_str)),
            node: names.intern(allocation.node.as_str()),
            pool: names.intern(pool.map_or("", |pool| pool.as_str())),
            pool_kind: names.intern(pool_kind.map_or("", |pool| pool.kind.word())),
            item: names.intern(item.code.as_str()),
            quantity,
            from: period.from(),
            to: period.to(),
        });
    }
}

/// Joins neighbouring parts of which the same is so.
fn join<T: PartialEq>(mut parts: Vec<(Period, T)>) -> Vec<(Period, T)> {
    parts.sort_by_key(|(period, _)| *period);
    let mut joined: Vec<(Period, T)> = Vec::with_capacity(parts.len());
    for (period, is) in parts {
        if let Some((last, same)) = joined.last_mut()
            && *same == is
            && last.to() == period.from()
            && let Ok(longer) = Period::new(last.from(), period.to())
        {
            *last = longer;
            continue;
        }
        joined.push((period, is));
    }
    joined
}

/// The parts of `period` that none of `taken` covers, in order.
fn uncovered(period: Period, taken: impl Iterator<Item = Period>) -> Vec<Period> {
    taken.fold(vec![period], |open, taken| {
        open.into_iter().flat_map(|p| without(p, taken)).collect()
    })
}

/// The parts of `period` outside `term`.
fn without(period: Period, term: Period) -> impl Iterator<Item = Period> {
    let before = Period::new(period.from(), period.to().min(term.from()));
    let after = Period::new(period.from().max(term.to()), period.to());
    [before, after].into_iter().flatten()
}
