//! Allocations: what was approved and opened for a system.

use crate::catalogue::ServiceForm;
use crate::registry::{ResourceKind, Spec};
use kernel::{AllocationCode, ContractCode, Day, Instant, NodeCode, Period, PoolCode, SystemCode};
use std::collections::BTreeMap;
use thiserror::Error;

/// One interval of an allocation: what was approved, unchanged, from acceptance (or change) to release (or change).
///
/// A resize is two intervals with the same code. Work that is charged once has the moment of its acceptance as
/// `from` and no more than that day as its period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Order number; the same for all intervals of one resource.
    pub code: AllocationCode,
    /// The system it was approved for. A transfer to another system is a new interval.
    pub system: SystemCode,
    /// The form it was approved in.
    pub form: ServiceForm,
    /// Kind of resource.
    pub kind: ResourceKind,
    /// Class (volume type, flavor family, product); empty if there is none.
    pub class: String,
    /// What was approved.
    pub spec: Spec,
    /// The node it was opened on.
    pub node: NodeCode,
    /// The pool, for kinds that are in one.
    pub pool: Option<PoolCode>,
    /// The node's id of the resource; none for what no node lists (cabinets, work, services recorded by hand).
    pub native_id: Option<String>,
    /// The contract it was ordered under; none: whichever contract of the node's provider is in force.
    pub contract: Option<ContractCode>,
    /// The allocation it hangs on, whose end is its end too.
    pub parent: Option<AllocationCode>,
    /// From acceptance to release.
    pub period: Period,
}

/// What is wrong with a set of allocations.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AllocationError {
    /// Two intervals of one allocation share time.
    #[error("分配 {code} 的两段时间重叠: {a} 与 {b}")]
    Overlap {
        /// The allocation.
        code: AllocationCode,
        /// One interval.
        a: Period,
        /// The other.
        b: Period,
    },
    /// Two allocations claim the same resource at the same time.
    #[error("云节点 {node} 的资源 {native_id} 在 {at} 同时属于分配 {a} 和 {b}")]
    Shared {
        /// The node.
        node: NodeCode,
        /// The resource.
        native_id: String,
        /// Since when.
        at: Day,
        /// One allocation.
        a: AllocationCode,
        /// The other.
        b: AllocationCode,
    },
}

/// Checks that no allocation overlaps itself and no resource belongs to two (invariant I4).
pub fn check_allocations(allocations: &[Allocation]) -> Vec<AllocationError> {
    let mut errors = Vec::new();
    let mut by_code: BTreeMap<&AllocationCode, Vec<&Allocation>> = BTreeMap::new();
    let mut by_resource: BTreeMap<(&NodeCode, &str), Vec<&Allocation>> = BTreeMap::new();
    for allocation in allocations {
        by_code.entry(&allocation.code).or_default().push(allocation);
        if let Some(native_id) = &allocation.native_id {
            by_resource
                .entry((&allocation.node, native_id))
                .or_default()
                .push(allocation);
        }
    }
    for (code, mut intervals) in by_code {
        intervals.sort_by_key(|a| a.period);
        errors.extend(overlaps(&intervals).map(|(a, b)| AllocationError::Overlap {
            code: code.clone(),
            a: a.period,
            b: b.period,
        }));
    }
    for ((node, native_id), mut intervals) in by_resource {
        intervals.sort_by_key(|a| a.period);
        let shared = overlaps(&intervals).filter(|(a, b)| a.code != b.code);
        errors.extend(shared.map(|(a, b)| AllocationError::Shared {
            node: node.clone(),
            native_id: native_id.to_owned(),
            at: b.period.from().day(),
            a: a.code.clone(),
            b: b.code.clone(),
        }));
    }
    errors
}

fn overlaps<'s, 'a>(sorted: &'s [&'a Allocation]) -> impl Iterator<Item = (&'a Allocation, &'a Allocation)> + 's {
    sorted.windows(2).filter_map(|pair| match pair {
        [a, b] if b.period.from() < a.period.to() => Some((*a, *b)),
        _ => None,
    })
}

/// Where an allocation ends when its parents' ends are counted too: the earliest end up the chain.
pub(super) fn ends_with_parents(allocations: &[Allocation]) -> BTreeMap<&AllocationCode, Instant> {
    let mut last: BTreeMap<&AllocationCode, &Allocation> = BTreeMap::new();
    for allocation in allocations {
        let newest = last.entry(&allocation.code).or_insert(allocation);
        if allocation.period.from() > newest.period.from() {
            *newest = allocation;
        }
    }
    let chain_end = |start: &Allocation| {
        let mut end = start.period.to();
        let mut next = start.parent.as_ref();
        let mut steps = 0;
        while let Some(parent) = next.and_then(|code| last.get(code)).filter(|_| steps < 16) {
            end = end.min(parent.period.to());
            next = parent.parent.as_ref();
            steps += 1;
        }
        end
    };
    last.iter()
        .map(|(code, allocation)| (*code, chain_end(allocation)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Measure;
    use kernel::Quantity;

    fn allocation(code: &str, native_id: &str, from: &str, to: Option<&str>) -> Allocation {
        Allocation {
            code: code.parse().unwrap(),
            system: "S1".parse().unwrap(),
            form: ServiceForm::SharedCloud,
            kind: ResourceKind::Volume,
            class: String::new(),
            spec: Spec::new().with(Measure::StorageGib, Quantity::ONE),
            node: "N1".parse().unwrap(),
            pool: None,
            native_id: Some(native_id.into()),
            contract: None,
            parent: None,
            period: Period::open(from.parse().unwrap(), to.map(|t| t.parse().unwrap())).unwrap(),
        }
    }

    #[test]
    fn one_resource_one_allocation_at_a_time() {
        let resized = [
            allocation("A1", "v", "2026-03-01", Some("2026-03-10")),
            allocation("A1", "v", "2026-03-10", None),
        ];
        assert_eq!(check_allocations(&resized), []);
        let twice = [
            allocation("A1", "v", "2026-03-01", None),
            allocation("A2", "v", "2026-03-10", None),
        ];
        assert!(matches!(
            check_allocations(&twice).as_slice(),
            [AllocationError::Shared { .. }]
        ));
        let overlapping = [
            allocation("A1", "v", "2026-03-01", None),
            allocation("A1", "v", "2026-03-10", None),
        ];
        assert!(matches!(
            check_allocations(&overlapping).as_slice(),
            [AllocationError::Overlap { .. }]
        ));
    }

    #[test]
    fn a_child_ends_with_its_parent() {
        let server = allocation("A1", "s", "2026-03-01", Some("2026-03-10"));
        let backup = Allocation {
            parent: Some(server.code.clone()),
            ..allocation("A2", "b", "2026-03-01", None)
        };
        let set = [server, backup];
        let ends = ends_with_parents(&set);
        let code: AllocationCode = "A2".parse().unwrap();
        assert_eq!(
            ends.get(&code).map(|end| end.to_string()),
            Some("2026-03-10T00:00:00+08:00".into())
        );
    }
}
