//! What does not fit together, as findings: approved and not seen, seen and not approved, not looked at.

use super::{ResourceKey, Sweep, uncovered};
use crate::collect::Sighting;
use crate::meter::{Allocation, CaseKind, Coverage, Finding, Metered, Presence};
use crate::registry::ProjectMapping;
use kernel::{Instant, NodeCode, Period};
use std::collections::{BTreeSet, HashMap};

impl<'a> Sweep<'a> {
    /// Findings about one allocation: not seen, of another size, in another system's project.
    pub(super) fn compare(&mut self, allocation: &'a Allocation, period: Period, sightings: &[&Sighting]) {
        let Some(native_id) = &allocation.native_id else { return };
        let presence = Presence::new(sightings);
        let existing: Vec<_> = presence.existing(period).collect();
        if let Some(since) = self.unseen_since(&allocation.node, period, existing.iter().map(|(part, _)| *part)) {
            let said = sightings
                .iter()
                .find(|s| s.period.contains(since))
                .map(|s| s.seen.state.zh());
            let said = said.map_or_else(
                || "云节点未见".to_owned(),
                |state| format!("云节点报告其状态为「{state}」"),
            );
            let detail = format!("资源 {native_id} 自 {since} 起应存在，{said}，未计费");
            self.find(CaseKind::NotObserved, allocation, since, detail);
        }
        for (part, spec) in existing {
            for (measure, approved) in allocation.spec.iter() {
                let Some(size) = spec.get(measure).filter(|size| *size != approved) else {
                    continue;
                };
                let smaller = size < approved;
                let kind = if smaller {
                    CaseKind::SmallerThanApproved
                } else {
                    CaseKind::LargerThanApproved
                };
                let detail = format!("{native_id} 的{}批准 {approved}，实际 {size}", measure.zh());
                self.find(kind, allocation, part.from(), detail);
            }
        }
        for sighting in sightings {
            let Some(shared) = sighting.period.and(period) else {
                continue;
            };
            let system = self.system_of(&allocation.node, sighting, shared.from());
            if let Some(system) = system.filter(|system| *system != allocation.system.as_str()) {
                let detail = format!("资源 {native_id} 批准给 {}，却在 {system} 的项目中", allocation.system);
                self.find(CaseKind::WrongSystem, allocation, shared.from(), detail);
            }
        }
    }

    /// Since when a resource should have been seen and was not, though its node was looked at. Less than a day
    /// (no midnight) is nothing: it costs nothing, and acceptance and the first look never fall together.
    fn unseen_since(&self, node: &NodeCode, period: Period, existing: impl Iterator<Item = Period>) -> Option<Instant> {
        let coverage = self.input.coverage.get(node)?;
        let looked_at = Period::new(Instant::MIN, coverage.last()?).ok()?.and(period)?;
        let accounted = existing.chain(coverage.gaps(self.input.month));
        let unseen = uncovered(looked_at, accounted);
        unseen.into_iter().find(|part| part.days() > 0).map(Period::from)
    }

    /// Findings about resources that no allocation covers, and about projects that belong to nobody.
    pub(super) fn unapproved(&mut self) {
        let mut covered: HashMap<ResourceKey<'_>, Vec<Period>> = HashMap::new();
        for allocation in self.input.allocations {
            let Some(native_id) = allocation.native_id.as_deref() else {
                continue;
            };
            let end = self.ends.get(&allocation.code).copied().unwrap_or(Instant::MAX);
            let period = Period::new(allocation.period.from(), end.min(allocation.period.to()));
            covered.entry((&allocation.node, native_id)).or_default().extend(period);
        }
        let mut found = Vec::new();
        for ((node, native_id), sightings) in &self.seen {
            let approved = covered.get(&(*node, *native_id)).cloned().unwrap_or_default();
            let first = approved.iter().map(|p| p.from()).min().unwrap_or(Instant::MIN);
            let released = approved.iter().any(|p| p.to() <= self.input.month.to());
            let rest = Period::new(first, Instant::MAX)
                .ok()
                .and_then(|after| after.and(self.input.month));
            let rest = rest
                .map(|rest| uncovered(rest, approved.into_iter()))
                .unwrap_or_default();
            let presence = Presence::new(sightings);
            let extra: Vec<Period> = rest
                .iter()
                .flat_map(|rest| presence.existing(*rest).map(|(p, _)| p))
                .collect();
            let provider = self.provider(node, self.input.month.from());
            if let Some(since) = extra
                .first()
                .filter(|_| extra.iter().map(|p| p.days()).sum::<i64>() > 0)
            {
                let what = sightings.first().map_or("", |s| s.seen.kind.zh());
                let why = if released {
                    "已释放，仍然存在"
                } else {
                    "没有任何批准"
                };
                found.push(Finding {
                    kind: CaseKind::NotApproved,
                    subject: format!("{node}/{native_id}"),
                    owner: provider.clone(),
                    detail: format!("{what} {native_id} {why}，不计费"),
                    since: since.from(),
                });
            }
            for sighting in sightings {
                let Some(shared) = sighting.period.and(self.input.month) else {
                    continue;
                };
                if self.system_of(node, sighting, shared.from()).is_none() {
                    found.push(Finding {
                        kind: CaseKind::UnmappedProject,
                        subject: ProjectMapping::key(node, &sighting.seen.project),
                        owner: provider.clone(),
                        detail: format!("云节点 {node} 的项目 {} 未对应任何信息系统", sighting.seen.project),
                        since: self.input.month.from(),
                    });
                }
            }
        }
        self.findings.extend(found);
    }

    pub(super) fn completeness(&mut self) -> Vec<Metered> {
        let month = self.input.month;
        let approved = self
            .input
            .allocations
            .iter()
            .filter(|a| a.native_id.is_some() && a.period.and(month).is_some());
        let nodes: BTreeSet<&NodeCode> = self.input.coverage.keys().chain(approved.map(|a| &a.node)).collect();
        let unseen = Coverage::default();
        let mut all = Vec::new();
        for node in nodes {
            let coverage = self.input.coverage.get(node).unwrap_or(&unseen);
            let (days_seen, days) = coverage.days_seen(month);
            // Before a node was registered there was nothing to look at.
            let registered = self.input.registry.nodes.stretches(node.as_str(), month);
            let from = registered.first().map_or(month.from(), |(period, _)| period.from());
            let gaps = Period::new(from, month.to())
                .map(|within| coverage.gaps(within))
                .unwrap_or_default();
            for gap in &gaps {
                self.findings.insert(Finding {
                    kind: CaseKind::NodeGap,
                    subject: format!("{node}@{}", gap.from().day()),
                    owner: self.provider(node, gap.from()),
                    detail: format!("云节点 {node} 在 {gap} 未采集到数据"),
                    since: gap.from(),
                });
            }
            let values = self.input.samples.get(node).map_or(0, Vec::len);
            let values = i64::try_from(values).unwrap_or(i64::MAX);
            all.push(Metered {
                node: node.clone(),
                days_seen,
                days,
                values,
                gaps,
            });
        }
        all
    }
}
