//! From looks to sightings: for each resource, from when to when it was seen to be what.
//!
//! Invariants: sightings of one resource do not overlap; applying a look a second time changes nothing; looks that
//! arrive late are put into their place in the past and change nothing of what later looks saw.

use super::{Look, LookKind, Observation, ObservedState};
use kernel::{Instant, Period};
use std::collections::{HashMap, HashSet};

/// A resource seen to be the same over a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// From the first moment it is known to have been so to the first moment it was not; open while it still is.
    pub period: Period,
    /// What it was. Moments inside are those of the look that began the stretch.
    pub seen: Observation,
}

/// What a look changes in the stored sightings of a node.
#[expect(clippy::large_enum_variant, reason = "nearly all changes are additions")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SightingChange {
    /// A new stretch begins.
    Add(Sighting),
    /// The stretch of this resource that begins at `from` ends at `to` instead (earlier, or, by a late look, later).
    End {
        /// The resource.
        native_id: String,
        /// Where the stretch begins.
        from: Instant,
        /// Where it ends now.
        to: Instant,
    },
    /// The stretch of this resource that begins at `from` never was: it would have no length.
    Drop {
        /// The resource.
        native_id: String,
        /// Where the stretch began.
        from: Instant,
    },
}

/// Whether two observations are the same as far as a meter is concerned.
fn same(a: &Observation, b: &Observation) -> bool {
    a.state == b.state
        && a.spec == b.spec
        && a.kind == b.kind
        && a.class == b.class
        && a.project == b.project
        && a.zone == b.zone
        && a.parent == b.parent
        && a.system_tag == b.system_tag
}

/// What is stored of one resource around a look.
#[derive(Default)]
struct Around<'a> {
    /// The stretch the look falls into.
    open: Option<&'a Sighting>,
    /// The last stretch that ended by then.
    ended: Option<&'a Sighting>,
    /// Where the next stretch begins.
    later: Option<Instant>,
}

/// What one look changes. Ends and drops are to be applied before additions.
///
/// `known` are the stored sightings of the node that end at or after the look before (more of them do no harm);
/// `last` is the moment of the look before, none for the first; `next_full` is the moment of the first full look
/// after this one that was taken in already, none unless this one is late.
///
/// A new resource begins when the node says it was made, if that lies after the look before; else at this look. A
/// resource that is gone ends when the node says it was deleted, if that lies between the two looks; else at the
/// last look that saw it: what nobody saw is not paid for. The information system it named is remembered from when it
/// was seen: nodes forget the tags of what is deleted. A resize happens when the node says it was changed, with
/// the same bounds; else at this look. A deleted resource that is listed again begins anew, with a gap. Of a native
/// id that is listed twice the first entry counts; see [`repeated_ids`].
///
/// A late look speaks for the time up to the next full look, and from there on what that one saw goes on. Where looks
/// come after one that missed the resource already and the node says nothing of the moment of a resize, its size is
/// known only to the pause between two looks; its existence is exact.
pub fn fold_look(
    look: &Look,
    known: &[Sighting],
    last: Option<Instant>,
    next_full: Option<Instant>,
) -> Vec<SightingChange> {
    let taken = look.taken_at;
    let fold = Fold {
        taken,
        last,
        next_full: next_full.filter(|next| *next > taken),
    };
    let mut around: HashMap<&str, Around<'_>> = HashMap::new();
    for sighting in known {
        let here = around.entry(sighting.seen.native_id.as_str()).or_default();
        let (from, to) = (sighting.period.from(), sighting.period.to());
        if from > taken {
            here.later = Some(here.later.map_or(from, |later| later.min(from)));
        } else if taken < to {
            here.open = Some(sighting);
        } else if here.ended.is_none_or(|ended| ended.period.to() < to) {
            here.ended = Some(sighting);
        }
    }
    let nothing = Around::default();
    let mut changes = Vec::new();
    let mut listed = HashSet::with_capacity(look.observations.len());
    for seen in &look.observations {
        if listed.insert(seen.native_id.as_str()) {
            fold.observation(
                seen,
                around.get(seen.native_id.as_str()).unwrap_or(&nothing),
                &mut changes,
            );
        }
    }
    if look.kind == LookKind::Full {
        let open = around
            .iter()
            .filter(|(id, _)| !listed.contains(**id))
            .filter_map(|(_, here)| here.open);
        let mut gone: Vec<&Sighting> = open.collect();
        gone.sort_by(|a, b| a.seen.native_id.cmp(&b.seen.native_id));
        for before in gone {
            changes.push(end_at(before, last.unwrap_or(taken)));
            fold.resume(before, &mut changes);
        }
    }
    changes
}

/// Native ids that a look lists more than once, be it as the same kind or as another. Such a look contradicts
/// itself; whoever takes it in must say so.
pub fn repeated_ids(look: &Look) -> Vec<&str> {
    let mut seen = HashSet::with_capacity(look.observations.len());
    let ids = look.observations.iter().map(|o| o.native_id.as_str());
    let mut repeated: Vec<&str> = ids.filter(|id| !seen.insert(*id)).collect();
    repeated.sort_unstable();
    repeated.dedup();
    repeated
}

/// One look and its neighbours in time.
struct Fold {
    taken: Instant,
    last: Option<Instant>,
    next_full: Option<Instant>,
}

impl Fold {
    fn observation(&self, seen: &Observation, here: &Around<'_>, changes: &mut Vec<SightingChange>) {
        match (here.open, seen.state) {
            (None, ObservedState::Deleted) => {
                // What ended since the look before was ended by this very look, or by a later one: it is known.
                let is_known = here
                    .ended
                    .is_some_and(|s| self.last.is_none_or(|last| s.period.to() >= last));
                let gone = self.born_and_gone(seen, here.ended).filter(|_| !is_known);
                changes.extend(gone.map(SightingChange::Add));
            }
            (Some(before), ObservedState::Deleted) => {
                changes.push(end_at(
                    before,
                    self.bounded(seen.deleted_at, self.last.unwrap_or(self.taken)),
                ));
                self.resume(before, changes);
            }
            (None, _) => self.appeared(seen, here, changes),
            (Some(before), _) if same(&before.seen, seen) => {}
            (Some(before), _) => {
                let from = if self.saw_nothing_of(before) {
                    before.period.from()
                } else {
                    self.bounded(seen.changed_at, self.taken).max(before.period.from())
                };
                changes.push(end_at(before, from));
                let to = self.resumes_at(before).unwrap_or(before.period.to());
                changes.extend(added(from, to, seen));
                self.resume(before, changes);
            }
        }
    }

    /// A resource that is listed and was not there before.
    fn appeared(&self, seen: &Observation, here: &Around<'_>, changes: &mut Vec<SightingChange>) {
        let gone_by = self
            .next_full
            .filter(|next| here.later.is_none_or(|later| later > *next));
        // Late: not in the next full look any more, so that this is the last look that saw it.
        let to = if gone_by.is_some() {
            self.taken
        } else {
            here.later.unwrap_or(Instant::MAX)
        };
        let ended = here.ended.map_or(Instant::MIN, |s| s.period.to());
        match here
            .ended
            .filter(|s| self.next_full.is_some() && Some(s.period.to()) == self.last)
        {
            // It was taken for gone since the look before; this look saw it. What that look saw of it at its very
            // end was dropped, so that a change without a claim is put there, at the earliest.
            Some(before) => {
                let earliest = before.period.to();
                let until = if same(&before.seen, seen) {
                    self.taken
                } else {
                    self.bounded(seen.changed_at, earliest)
                };
                changes.push(end_at(before, until));
                changes.extend(added(until, to, seen));
            }
            None => changes.extend(added(self.bounded(seen.created_at, self.taken).max(ended), to, seen)),
        }
    }

    /// A resource that was made and deleted between two looks, or that the look before missed: it is known only from
    /// what the node says afterwards, and its information system also from when it was seen.
    fn born_and_gone(&self, seen: &Observation, ended: Option<&Sighting>) -> Option<Sighting> {
        let (created, deleted) = (seen.created_at?, seen.deleted_at?);
        let from = self.last.map_or(created, |last| created.max(last));
        let period = Period::new(from, deleted.min(self.taken)).ok()?;
        let remembered = ended.and_then(|before| before.seen.system_tag.clone());
        let seen = Observation {
            state: ObservedState::Live,
            system_tag: remembered.or_else(|| seen.system_tag.clone()),
            ..seen.clone()
        };
        Some(Sighting { period, seen })
    }

    /// Bounds a moment that the node claims by the two looks it lies between: `(last, taken]`. Without a claim, or
    /// with one outside, `fallback` is taken.
    fn bounded(&self, claim: Option<Instant>, fallback: Instant) -> Instant {
        let inside = claim.filter(|claim| *claim <= self.taken && self.last.is_none_or(|last| *claim > last));
        inside.unwrap_or(fallback)
    }

    /// Whether a stretch goes back, between the look before and this one, only to what a later look was told.
    fn saw_nothing_of(&self, before: &Sighting) -> bool {
        self.next_full.is_some() && self.last.is_none_or(|last| before.period.from() > last)
    }

    /// The next full look, if it saw this stretch go on.
    fn resumes_at(&self, before: &Sighting) -> Option<Instant> {
        self.next_full.filter(|next| before.period.contains(*next))
    }

    fn resume(&self, before: &Sighting, changes: &mut Vec<SightingChange>) {
        let again = self
            .resumes_at(before)
            .and_then(|from| added(from, before.period.to(), &before.seen));
        changes.extend(again);
    }
}

fn added(from: Instant, to: Instant, seen: &Observation) -> Option<SightingChange> {
    let period = Period::new(from, to).ok()?;
    Some(SightingChange::Add(Sighting {
        period,
        seen: seen.clone(),
    }))
}

fn end_at(sighting: &Sighting, to: Instant) -> SightingChange {
    let native_id = sighting.seen.native_id.clone();
    let from = sighting.period.from();
    if to > from {
        SightingChange::End { native_id, from, to }
    } else {
        SightingChange::Drop { native_id, from }
    }
}
