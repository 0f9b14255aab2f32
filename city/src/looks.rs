//! The daily files of the nodes.

use crate::meters::{Meters, look_at, look_of};
use crate::town::{Thing, Town};
use crate::{CityError, DeliveryKind};
use domain::collect::{Look, LookKind, Observation, ObservedState, Sample};
use domain::registry::{PoolKind, ResourceKind};
use kernel::{Instant, NodeCode, Period};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What goes wrong with deliveries. Looks are counted from 0; nodes by place.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    /// Looks that a node never takes.
    pub(crate) outages: BTreeSet<(usize, i64)>,
    /// Looks without samples.
    pub(crate) silent: BTreeSet<(usize, i64)>,
    /// Looks that arrive when their month is closed.
    pub(crate) late: BTreeSet<(usize, i64)>,
    /// Looks that are delivered a second time.
    pub(crate) again: BTreeSet<(usize, i64)>,
}

impl Troubles {
    /// Looks whose samples never arrive.
    pub(crate) fn lost(&self) -> BTreeSet<(usize, i64)> {
        self.outages.union(&self.silent).copied().collect()
    }
}

/// A folder with deliveries of one node.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// Month of the history it belongs to.
    pub(crate) month: usize,
    pub(crate) node: usize,
    pub(crate) kind: DeliveryKind,
    pub(crate) folder: PathBuf,
}

/// The availability zone of a pool on a node.
pub(crate) fn zone(node: &str, pool: PoolKind) -> String {
    let pool = match pool {
        PoolKind::X86 => "x86",
        PoolKind::Xinchuang => "xc",
    };
    format!("{}-{pool}-a", node.to_lowercase())
}

/// Writes all deliveries of one node; `done` is called after each month.
pub(crate) fn deliver_node(
    town: &Town,
    meters: &Meters,
    troubles: &Troubles,
    node: usize,
    root: &Path,
    done: &mut dyn FnMut(),
) -> Result<Vec<Parcel>, CityError> {
    let mut writer = Deliveries::new(town, meters, troubles, node, root)?;
    let mut month = 0;
    for number in 0..=look_of(town.calendar.opens(), town.calendar.ends()) {
        let of = writer.month_of(number);
        if of != month {
            month = of;
            done();
        }
        writer.look(number)?;
    }
    done();
    Ok(writer.parcels.into_values().collect())
}

struct Deliveries<'t> {
    town: &'t Town,
    meters: &'t Meters,
    troubles: &'t Troubles,
    node: usize,
    code: NodeCode,
    root: &'t Path,
    things: Vec<&'t Thing>,
    events: BTreeMap<i64, Vec<usize>>,
    /// Number of the next delivery.
    sequence: u64,
    /// The last look that was taken, if any.
    last: Option<i64>,
    /// Where the samples that have not been handed over begin.
    samples_from: Instant,
    parcels: BTreeMap<(usize, DeliveryKind), Parcel>,
}

impl<'t> Deliveries<'t> {
    fn new(
        town: &'t Town,
        meters: &'t Meters,
        troubles: &'t Troubles,
        node: usize,
        root: &'t Path,
    ) -> Result<Self, CityError> {
        let code = town.providers.get(node).map_or("", |p| p.node);
        let code: NodeCode = code.parse().map_err(|_| CityError::Plan("云节点编码不可用".into()))?;
        let things: Vec<&Thing> = town
            .things
            .iter()
            .filter(|t| !t.exists.is_empty() && town.node_of(t) == node)
            .collect();
        let opens = town.calendar.opens();
        let mut events: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (place, thing) in things.iter().enumerate() {
            let moments = thing
                .exists
                .iter()
                .map(|s| s.from)
                .chain(thing.exists.last().and_then(|s| s.to));
            let looks: BTreeSet<i64> = moments.map(|at| look_of(opens, at)).collect();
            looks
                .into_iter()
                .for_each(|look| events.entry(look).or_default().push(place));
        }
        Ok(Self {
            town,
            meters,
            troubles,
            node,
            code,
            root,
            things,
            events,
            sequence: 1,
            last: None,
            samples_from: opens,
            parcels: BTreeMap::new(),
        })
    }

    /// The look of the first day of a month shows how the month before ended, and is handed in with it.
    fn month_of(&self, number: i64) -> usize {
        self.town
            .calendar
            .index_of(look_at(self.town.calendar.opens(), (number - 1).max(0)))
    }

    fn look(&mut self, number: i64) -> Result<(), CityError> {
        let key = (self.node, number);
        if self.troubles.outages.contains(&key) {
            return Ok(());
        }
        let taken = look_at(self.town.calendar.opens(), number);
        let late = self.troubles.late.contains(&key);
        let kind = if taken.day().month().first_day() == taken.day() {
            LookKind::Full
        } else {
            LookKind::Changes
        };
        let samples = if late { Vec::new() } else { self.samples(taken) };
        let look = Look {
            taken_at: taken,
            kind,
            observations: self.observations(number, taken, kind),
            samples,
        };
        let sequence = self.sequence;
        self.sequence += 1;
        if !late {
            self.last = Some(number);
        }
        let usual = if late { DeliveryKind::Late } else { DeliveryKind::Usual };
        self.put(number, usual, sequence, &look)?;
        if self.troubles.again.contains(&key) {
            self.put(number, DeliveryKind::Again, sequence, &look)?;
        }
        Ok(())
    }

    fn put(&mut self, number: i64, kind: DeliveryKind, sequence: u64, look: &Look) -> Result<(), CityError> {
        let month = self.month_of(number);
        let ending = match kind {
            DeliveryKind::Usual => "",
            DeliveryKind::Late => "-late",
            DeliveryKind::Again => "-again",
        };
        let name = format!("{}{ending}", self.town.calendar.month(month));
        let folder = self.root.join("deliveries").join(self.code.as_str()).join(name);
        if !self.parcels.contains_key(&(month, kind)) {
            std::fs::create_dir_all(&folder).map_err(|e| CityError::write(&folder, e))?;
            let parcel = Parcel {
                month,
                node: self.node,
                kind,
                folder: folder.clone(),
            };
            self.parcels.insert((month, kind), parcel);
        }
        sources::numbered::deliver(&folder, &self.code, sequence, look).map_err(|e| CityError::write(&folder, e))?;
        Ok(())
    }

    fn observations(&self, number: i64, taken: Instant, kind: LookKind) -> Vec<Observation> {
        let since = self.last.map(|last| look_at(self.town.calendar.opens(), last));
        if kind == LookKind::Full {
            let seen = self.things.iter().filter_map(|thing| self.observation(thing, taken));
            return seen
                .filter(|seen| {
                    seen.deleted_at
                        .is_none_or(|gone| since.is_some_and(|since| gone > since))
                })
                .collect();
        }
        // What happened while nobody looked is in the next look; what is in a late file is in no other.
        let first = self.last.map_or(number, |last| last + 1);
        let windows = (first..=number).filter(|n| *n == number || !self.troubles.late.contains(&(self.node, *n)));
        let places: BTreeSet<usize> = windows.filter_map(|n| self.events.get(&n)).flatten().copied().collect();
        let things = places.into_iter().filter_map(|place| self.things.get(place));
        things.filter_map(|thing| self.observation(thing, taken)).collect()
    }

    fn observation(&self, thing: &Thing, taken: Instant) -> Option<Observation> {
        let (place, stretch) = thing
            .exists
            .iter()
            .enumerate()
            .take_while(|(_, s)| s.from <= taken)
            .last()?;
        let deleted_at = stretch.to.filter(|to| *to <= taken);
        let stopped = thing.kind == ResourceKind::Server && thing.shape.is_multiple_of(33);
        let (state, native_state) = match (deleted_at, stopped) {
            (Some(_), _) => (ObservedState::Deleted, "DELETED"),
            (None, true) => (ObservedState::Stopped, "SHUTOFF"),
            (None, false) => (ObservedState::Live, "ACTIVE"),
        };
        let parent = thing.parent.and_then(|place| self.town.things.get(place));
        Some(Observation {
            native_id: thing.native_id.clone()?,
            kind: thing.kind,
            class: thing.class.to_owned(),
            name: thing.name.clone(),
            project: thing.project.clone(),
            zone: thing
                .pool
                .map_or_else(String::new, |pool| zone(self.code.as_str(), pool)),
            state,
            native_state: native_state.to_owned(),
            spec: stretch.spec.clone(),
            created_at: thing.exists.first().map(|s| s.from),
            changed_at: (place > 0).then_some(stretch.from),
            deleted_at,
            parent: parent.and_then(|p| p.native_id.clone()),
            system_tag: None,
        })
    }

    fn samples(&mut self, taken: Instant) -> Vec<Sample> {
        let until = taken.plus_s(1);
        let window = Period::new(self.samples_from, until);
        self.samples_from = until;
        let Ok(window) = window else { return Vec::new() };
        let mut samples = Vec::new();
        for thing in &self.things {
            let (Some(measure), Some(native_id)) = (Meters::measure(thing), &thing.native_id) else {
                continue;
            };
            let values = self.meters.samples(self.node, thing, window).into_iter();
            samples.extend(values.map(|(at, value)| Sample {
                native_id: native_id.clone(),
                measure,
                at,
                value,
            }));
        }
        samples
    }
}
