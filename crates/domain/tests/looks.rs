//! Looks folded into sightings: late, repeated, in any order.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it cannot go on"
)]

mod dice;
#[expect(dead_code, reason = "other tests use the rest")]
mod scenario;

use dice::Dice;
use domain::collect::{Look, LookKind, Observation, ObservedState, Sighting, SightingChange, fold_look, repeated_ids};
use domain::registry::{Measure, ResourceKind, Spec};
use kernel::{Instant, Period, Quantity};
use proptest::prelude::*;
use scenario::sighting;
use std::collections::{BTreeMap, BTreeSet};

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn seen(state: ObservedState, cores: i64) -> Observation {
    let spec = Spec::new().with(Measure::Vcpu, Quantity::from_whole(cores).unwrap());
    sighting(
        "vm-1",
        ResourceKind::Server,
        &spec,
        state,
        "S1",
        Period::open(at("2026-03-01"), None).unwrap(),
    )
    .seen
}

fn look(taken_at: &str, kind: LookKind, observations: Vec<Observation>) -> Look {
    Look {
        taken_at: at(taken_at),
        kind,
        observations,
        samples: Vec::new(),
    }
}

fn stored(from: &str, to: Option<&str>, cores: i64) -> Sighting {
    let period = Period::open(at(from), to.map(at)).unwrap();
    Sighting {
        period,
        seen: seen(ObservedState::Live, cores),
    }
}

fn end(from: &str, to: &str) -> SightingChange {
    SightingChange::End {
        native_id: "vm-1".into(),
        from: at(from),
        to: at(to),
    }
}

#[test]
fn a_repeated_listing_opens_nothing_twice() {
    let known = [stored("2026-03-01", None, 4)];
    for kind in [LookKind::Full, LookKind::Changes] {
        let again = look("2026-03-05", kind, vec![seen(ObservedState::Live, 4)]);
        assert_eq!(fold_look(&again, &known, Some(at("2026-03-04")), None), []);
    }
    let twice = look(
        "2026-03-05",
        LookKind::Full,
        vec![seen(ObservedState::Live, 4), seen(ObservedState::Live, 8)],
    );
    assert_eq!(repeated_ids(&twice), ["vm-1"]);
    assert_eq!(
        fold_look(&twice, &known, Some(at("2026-03-04")), None),
        [],
        "the first entry counts, in any case only one"
    );
}

#[test]
fn what_a_full_look_does_not_list_ends_at_the_last_that_did() {
    let known = [stored("2026-03-01", None, 4)];
    let empty = look("2026-03-05", LookKind::Full, Vec::new());
    assert_eq!(
        fold_look(&empty, &known, Some(at("2026-03-04")), None),
        [end("2026-03-01", "2026-03-04")]
    );
    let nothing_new = look("2026-03-05", LookKind::Changes, Vec::new());
    assert_eq!(fold_look(&nothing_new, &known, Some(at("2026-03-04")), None), []);
}

#[test]
fn every_state_goes_straight_to_deleted() {
    for state in ObservedState::ALL {
        let known = [Sighting {
            seen: seen(*state, 4),
            ..stored("2026-03-01", None, 4)
        }];
        let gone = Observation {
            deleted_at: Some(at("2026-03-04 09:00:00")),
            ..seen(ObservedState::Deleted, 4)
        };
        let changes = fold_look(
            &look("2026-03-05", LookKind::Changes, vec![gone]),
            &known,
            Some(at("2026-03-04")),
            None,
        );
        assert_eq!(changes, [end("2026-03-01", "2026-03-04 09:00:00")], "{state}");
    }
}

#[test]
fn deleted_twice_is_deleted_once() {
    let created_at = Some(at("2026-03-01"));
    let gone = Observation {
        created_at,
        deleted_at: Some(at("2026-03-04 09:00:00")),
        ..seen(ObservedState::Deleted, 4)
    };
    let ended = [stored("2026-03-01", Some("2026-03-04 09:00:00"), 4)];
    for (taken, last) in [("2026-03-05", "2026-03-04"), ("2026-03-06", "2026-03-05")] {
        let again = look(taken, LookKind::Changes, vec![gone.clone()]);
        assert_eq!(fold_look(&again, &ended, Some(at(last)), None), [], "{taken}");
    }
    let never_seen = fold_look(
        &look("2026-03-05", LookKind::Changes, vec![gone]),
        &[],
        Some(at("2026-03-04")),
        None,
    );
    assert!(
        matches!(never_seen.as_slice(), [SightingChange::Add(s)] if s.period.seconds() == 9 * 3600),
        "born before, so from the last look on"
    );
}

#[test]
fn a_deleted_resource_keeps_the_system_it_named_when_it_was_seen() {
    let gone = Observation {
        created_at: Some(at("2026-03-01")),
        deleted_at: Some(at("2026-03-05 09:00:00")),
        system_tag: None,
        ..seen(ObservedState::Deleted, 4)
    };
    let tagged = |from: &str, to: Option<&str>| {
        let mut sighting = stored(from, to, 4);
        sighting.seen.system_tag = Some("S9".into());
        sighting
    };
    let told = look("2026-03-06", LookKind::Full, vec![gone.clone()]);
    // Seen to the end: the stretch that is stored ends, and says what it said.
    assert_eq!(
        fold_look(&told, &[tagged("2026-03-01", None)], Some(at("2026-03-05")), None),
        [end("2026-03-01", "2026-03-05 09:00:00")]
    );
    // Missed by the look of the 5th: the rest is told afterwards, without the tag.
    let missed = [tagged("2026-03-01", Some("2026-03-04"))];
    let changes = fold_look(&told, &missed, Some(at("2026-03-05")), None);
    let [SightingChange::Add(rest)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (rest.period.from(), rest.period.to(), rest.seen.system_tag.as_deref()),
        (at("2026-03-05"), at("2026-03-05 09:00:00"), Some("S9"))
    );
    // What was seen counts first; of what was never seen, what the node says afterwards.
    let renamed = Observation {
        system_tag: Some("S8".into()),
        ..gone
    };
    for (known, system) in [(missed.as_slice(), "S9"), (&[], "S8")] {
        let told = look("2026-03-06", LookKind::Full, vec![renamed.clone()]);
        let changes = fold_look(&told, known, Some(at("2026-03-05")), None);
        assert!(matches!(changes.as_slice(), [SightingChange::Add(s)] if s.seen.system_tag.as_deref() == Some(system)));
    }
}

#[test]
fn a_deleted_resource_that_comes_back_leaves_a_gap() {
    let ended = [stored("2026-03-01", Some("2026-03-04"), 4)];
    let back = Observation {
        created_at: Some(at("2026-03-01")),
        ..seen(ObservedState::Live, 4)
    };
    let changes = fold_look(
        &look("2026-03-09", LookKind::Full, vec![back]),
        &ended,
        Some(at("2026-03-08")),
        None,
    );
    assert!(
        matches!(changes.as_slice(), [SightingChange::Add(s)] if s.period.from() == at("2026-03-09")),
        "{changes:?}"
    );
}

#[test]
fn resized_and_stopped_between_two_looks_is_one_change() {
    let known = [stored("2026-03-01", None, 4)];
    let now = Observation {
        changed_at: Some(at("2026-03-04 10:00:00")),
        ..seen(ObservedState::Stopped, 8)
    };
    let changes = fold_look(
        &look("2026-03-05", LookKind::Full, vec![now.clone()]),
        &known,
        Some(at("2026-03-04")),
        None,
    );
    let from = at("2026-03-04 10:00:00");
    let added = SightingChange::Add(Sighting {
        period: Period::open(from, None).unwrap(),
        seen: now,
    });
    assert_eq!(changes, [end("2026-03-01", "2026-03-04 10:00:00"), added]);
}

#[test]
fn late_by_a_second_an_hour_and_forty_days() {
    // The server was there on the 1st, was made smaller at the late look, and was as before in the next full one.
    for (late, next) in [
        ("2026-03-09 23:59:59", "2026-03-10"),
        ("2026-03-09 23:00:00", "2026-03-10"),
        ("2026-03-05", "2026-04-14"),
    ] {
        let known = [stored("2026-03-01", None, 4)];
        let smaller = look(late, LookKind::Changes, vec![seen(ObservedState::Live, 2)]);
        let changes = fold_look(&smaller, &known, Some(at("2026-03-04")), Some(at(next)));
        let added = |s: Sighting| SightingChange::Add(s);
        let expected = [
            end("2026-03-01", late),
            added(stored(late, Some(next), 2)),
            added(stored(next, None, 4)),
        ];
        assert_eq!(changes, expected, "the late look says nothing of the time after {next}");
    }
    // A resource that only a late look saw does not live on.
    let only_then = look("2026-03-05", LookKind::Full, vec![seen(ObservedState::Live, 2)]);
    assert_eq!(
        fold_look(&only_then, &[], Some(at("2026-03-04")), Some(at("2026-03-06"))),
        []
    );
}

#[test]
fn a_source_clock_that_jumps_ahead_claims_nothing_for_it() {
    let ahead = Observation {
        created_at: Some(at("2026-03-05 02:00:00")),
        ..seen(ObservedState::Live, 4)
    };
    let changes = fold_look(
        &look("2026-03-05", LookKind::Full, vec![ahead]),
        &[],
        Some(at("2026-03-04")),
        None,
    );
    assert!(matches!(changes.as_slice(), [SightingChange::Add(s)] if s.period.from() == at("2026-03-05")));
}

/// The stored sightings of a node, as a store keeps them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Stored(BTreeMap<(String, Instant), Sighting>);

impl Stored {
    fn known(&self, last: Option<Instant>) -> Vec<Sighting> {
        self.0
            .values()
            .filter(|s| last.is_none_or(|last| s.period.to() >= last))
            .cloned()
            .collect()
    }

    fn apply(&mut self, changes: &[SightingChange]) {
        for change in changes {
            match change {
                SightingChange::Add(_) => {}
                SightingChange::End { native_id, from, to } => {
                    let stored = self.0.get_mut(&(native_id.clone(), *from)).unwrap();
                    stored.period = Period::new(*from, *to).unwrap();
                }
                SightingChange::Drop { native_id, from } => {
                    assert!(self.0.remove(&(native_id.clone(), *from)).is_some())
                }
            }
        }
        for change in changes {
            if let SightingChange::Add(sighting) = change {
                let key = (sighting.seen.native_id.clone(), sighting.period.from());
                assert!(
                    self.0.insert(key, sighting.clone()).is_none(),
                    "two stretches begin at the same moment"
                );
            }
        }
        let all: Vec<_> = self.0.values().collect();
        let overlap =
            |a: &Sighting, b: &Sighting| a.seen.native_id == b.seen.native_id && b.period.from() < a.period.to();
        assert!(
            all.windows(2).all(|pair| !overlap(pair[0], pair[1])),
            "stretches overlap: {all:?}"
        );
    }

    /// When a resource existed, neighbouring stretches joined, whatever it was.
    fn existence(&self, native_id: &str) -> Vec<(Instant, Instant)> {
        let mut joined: Vec<(Instant, Instant)> = Vec::new();
        for sighting in self.0.values().filter(|s| s.seen.native_id == native_id) {
            match joined.last_mut() {
                Some(last) if last.1 == sighting.period.from() => last.1 = sighting.period.to(),
                _ => joined.push((sighting.period.from(), sighting.period.to())),
            }
        }
        joined
    }
}

/// One life of a resource: made, perhaps resized, gone; in units of looks.
#[derive(Debug, Clone)]
struct Life {
    born: usize,
    resized: usize,
    gone: usize,
    claims: bool,
}

const LOOKS: usize = 7;

fn look_at(n: usize) -> Instant {
    Instant::from_unix_s(1_772_294_400 + i64::try_from(n).unwrap() * 86_400)
}

impl Life {
    fn seen_by(&self, n: usize, id: usize) -> Option<Observation> {
        let cores = if n < self.resized { 4 } else { 8 };
        let spec = Spec::new().with(Measure::Vcpu, Quantity::from_whole(cores).unwrap());
        let template = sighting(
            &format!("vm-{id}"),
            ResourceKind::Server,
            &spec,
            ObservedState::Live,
            "S1",
            Period::open(look_at(0), None).unwrap(),
        );
        // Made an hour before the first look that could see it; resized an hour before the first that could tell.
        let created_at = Some(look_at(self.born).plus_s(-3_600));
        let changed_at = (self.claims && n >= self.resized).then(|| look_at(self.resized).plus_s(-3_600));
        (self.born <= n && n < self.gone).then_some(Observation {
            created_at,
            changed_at,
            ..template.seen
        })
    }
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let life = (0..LOOKS, 0..=LOOKS, 0..=LOOKS, any::<bool>());
    prop::collection::vec(
        life.prop_map(|(born, resized, gone, claims)| Life {
            born,
            resized,
            gone,
            claims,
        }),
        1..4,
    )
}

/// Takes in the looks in the given order; every look twice.
fn take_in(lives: &[Life], order: &[usize]) -> Stored {
    let mut stored = Stored::default();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for n in order {
        let observations = lives
            .iter()
            .enumerate()
            .filter_map(|(id, life)| life.seen_by(*n, id))
            .collect();
        let look = Look {
            taken_at: look_at(*n),
            kind: LookKind::Full,
            observations,
            samples: Vec::new(),
        };
        let last = done.range(..n).next_back().map(|n| look_at(*n));
        let next = done.range(n + 1..).next().map(|n| look_at(*n));
        stored.apply(&fold_look(&look, &stored.known(last), last, next));
        let again = fold_look(&look, &stored.known(last), last, next);
        assert_eq!(again, [], "the same look again changes nothing: {stored:?}");
        done.insert(*n);
    }
    stored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn looks_may_come_in_any_order(lives in lives(), seed: u64) {
        let mut order: Vec<usize> = (0..LOOKS).collect();
        let in_order = take_in(&lives, &order);
        Dice(seed).shuffle(&mut order);
        let shuffled = take_in(&lives, &order);
        for (id, life) in lives.iter().enumerate() {
            let native_id = format!("vm-{id}");
            prop_assert_eq!(in_order.existence(&native_id), shuffled.existence(&native_id), "{:?} {:?}", life, order);
            // What a look saw holds at its moment, unless it was the last one that saw it. Where nobody says when it
            // was resized and looks come after one that missed it already, only its existence is certain.
            for n in life.born..life.gone.min(LOOKS) {
                let at = look_at(n);
                let stretch = shuffled.0.values().find(|s| s.seen.native_id == native_id && s.period.contains(at));
                let is_last = n + 1 == life.gone && n + 1 < LOOKS;
                let is_vague = !life.claims && life.gone < LOOKS;
                let says = |s: &Sighting| Some(&s.seen.spec) == life.seen_by(n, id).as_ref().map(|o| &o.spec);
                prop_assert!(is_last || is_vague || stretch.is_some_and(says), "look {} of {:?} in order {:?}", n, life, order);
            }
        }
    }
}
