//! What a scenario's node has, as the looks it delivers: one at each moment of the scenario, everything it has.
//!
//! Whatever changes or ends between two looks is claimed by the node with the moment. What ends at the moment of a
//! look is seen by it and missing in the next, without a claim: that the last look counts is for folding to find.

use crate::scenario::Scenario;
use domain::collect::{Look, LookKind, Observation, ObservedState, Sample, Sighting};
use kernel::{Instant, NodeCode};
use std::collections::BTreeMap;

/// The node, and its looks in order.
pub fn looks(scenario: &Scenario) -> (NodeCode, Vec<Look>) {
    let (node, sightings) = scenario.sightings().pop_first().unwrap();
    let samples = scenario.samples().remove(&node).unwrap_or_default();
    let mut by_id: BTreeMap<&str, Vec<&Sighting>> = BTreeMap::new();
    for sighting in &sightings {
        by_id.entry(&sighting.seen.native_id).or_default().push(sighting);
    }
    for stretches in by_id.values_mut() {
        stretches.sort_by_key(|sighting| sighting.period.from());
    }
    let mut looks = Vec::new();
    let mut before = Instant::MIN;
    for taken_at in scenario.look_moments() {
        let listed = by_id
            .values()
            .filter_map(|stretches| listed(stretches, before, taken_at));
        let measured = |sample: &&Sample| before < sample.at && sample.at <= taken_at;
        looks.push(Look {
            taken_at,
            kind: LookKind::Full,
            observations: listed.collect(),
            samples: samples.iter().filter(measured).cloned().collect(),
        });
        before = taken_at;
    }
    (node, looks)
}

/// How a look lists a resource; none if it does not.
fn listed(stretches: &[&Sighting], before: Instant, taken_at: Instant) -> Option<Observation> {
    let first = stretches[0];
    let mut begun = stretches.iter().filter(|s| s.period.from() <= taken_at);
    let last = begun.next_back()?;
    let (from, to) = (last.period.from(), last.period.to());
    let mut seen = Observation {
        created_at: Some(first.period.from()),
        changed_at: Some(from),
        ..last.seen.clone()
    };
    if to < taken_at {
        if to <= before {
            return None;
        }
        seen.state = ObservedState::Deleted;
        seen.deleted_at = Some(to);
    }
    Some(seen)
}
