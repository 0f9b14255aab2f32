//! What is wrong on purpose: each thing that a settlement on actual use has to find, once, at a fixed place.

use crate::estate::flavour;
use crate::looks::Troubles;
use crate::market::GENERAL;
use crate::meters::{LOOK_MINUTE, Meters, look_of};
use crate::terms::{CHANGE_FIRST, CHANGE_SECOND};
use crate::town::{Order, Slip, Town};
use crate::words::DEMO;
use crate::{DifferenceClass, Expected, Plant, Planted};
use domain::catalogue::ServiceForm;
use domain::meter::CaseKind;
use domain::registry::{PoolKind, ResourceKind};
use kernel::{Day, Instant};

/// What the providers' bills get wrong. Months and providers by place.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    /// A system whose transfer the provider has not noticed in this month.
    pub(crate) stale_owner: Option<(usize, usize)>,
    /// A provider that bills at the old price in this month.
    pub(crate) old_price: Option<(usize, usize)>,
    /// A provider that has to submit its bill of this month twice.
    pub(crate) careless: Option<(usize, usize)>,
}

/// An outage as the supervisor notes it.
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) month: usize,
    pub(crate) node: &'static str,
    pub(crate) native_id: String,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// Why it does not count; empty if it does.
    pub(crate) excluded: &'static str,
    pub(crate) source: String,
}

/// A department merged into another.
#[derive(Debug)]
pub(crate) struct Merger {
    pub(crate) month: usize,
    /// Place of the department that ceases.
    pub(crate) department: usize,
    /// Code of the one it is merged into.
    pub(crate) heir: String,
    pub(crate) from: Day,
}

/// Everything that was planted.
#[derive(Debug, Default)]
pub(crate) struct Plants {
    pub(crate) planted: Vec<Planted>,
    pub(crate) troubles: Troubles,
    pub(crate) mistakes: Mistakes,
    pub(crate) outages: Vec<Outage>,
    pub(crate) merger: Option<Merger>,
    /// The system that moved, and in which month.
    pub(crate) moved: Option<(usize, usize)>,
}

/// Plants everything that fits into the history: a short one has only what happens in its months.
pub(crate) fn plant(town: &mut Town) -> Plants {
    let mut planter = Planter {
        town,
        plants: Plants::default(),
    };
    planter.names();
    planter.papers();
    planter.organisations();
    planter.behind_the_back();
    planter.bills();
    planter.deliveries();
    planter.outages();
    planter.plants
}

struct Planter<'t> {
    town: &'t mut Town,
    plants: Plants,
}

impl Planter<'_> {
    fn note(&mut self, plant: Plant, month: usize, subject: String, expected: Expected) {
        let month = self.town.calendar.month(month);
        self.plants.planted.push(Planted {
            plant,
            month,
            subject,
            expected,
        });
    }

    /// Whether the history has this month.
    fn has(&self, month: usize) -> bool {
        month < self.town.calendar.count()
    }

    fn node(&self, node: usize) -> &'static str {
        self.town.providers.get(node).map_or("", |p| p.node)
    }

    /// A plain server on a node that was there before the history and in which nothing else happens.
    fn take(&mut self, node: usize) -> Option<usize> {
        let opens = self.town.calendar.opens();
        let systems = &self.town.systems;
        let fits = |thing: &crate::town::Thing| {
            thing.kind == ResourceKind::Server
                && !thing.taken
                && thing.form == ServiceForm::SharedCloud
                && systems.get(thing.system).is_some_and(|s| s.node == node)
                && thing.approved.iter().all(|s| s.from < opens)
        };
        let place = self.town.things.iter().position(fits)?;
        self.town.things.get_mut(place)?.taken = true;
        Some(place)
    }

    /// A new small server on a node, with its system volume.
    fn add(&mut self, node: usize, created: Instant, accepted: Instant) -> Option<usize> {
        let system = self.town.systems.iter().position(|s| s.node == node)?;
        let place = self.town.open_server(Order {
            system,
            form: ServiceForm::SharedCloud,
            kind: ResourceKind::Server,
            class: GENERAL,
            pool: Some(PoolKind::X86),
            spec: flavour(8, 32),
            created,
            accepted,
            parent: None,
            name: String::new(),
        });
        self.town.things.get_mut(place)?.taken = true;
        Some(place)
    }

    fn code(&self, place: usize) -> String {
        self.town.things.get(place).map_or_else(String::new, |t| t.code.clone())
    }

    fn resource(&self, place: usize) -> String {
        let Some(thing) = self.town.things.get(place) else {
            return String::new();
        };
        format!(
            "{}/{}",
            self.node(self.town.node_of(thing)),
            thing.native_id.as_deref().unwrap_or_default()
        )
    }

    /// Names that a table or a font may stumble over.
    fn names(&mut self) {
        let named = [
            (
                0,
                Plant::FormulaName,
                format!("=HYPERLINK(\"http://example.invalid\",\"点击\"){DEMO}"),
            ),
            (
                1,
                Plant::RareCharacters,
                format!("钤韪蘅瓒古籍（彝傣文献）编目系统{DEMO}"),
            ),
        ];
        for (place, plant, name) in named {
            let Some(system) = self.town.systems.get_mut(place) else {
                continue;
            };
            system.name = name;
            let code = system.code.clone();
            self.note(plant, 0, code, Expected::NameIntact);
        }
    }

    /// Changes that are as they should be.
    fn papers(&mut self) {
        if self.has(CHANGE_FIRST) {
            let subject = self
                .town
                .providers
                .first()
                .map_or_else(String::new, |p| p.contract.clone());
            self.note(Plant::PriceChange, CHANGE_FIRST, subject, Expected::LineSplit);
        }
        if self.has(1)
            && let Some(place) = self.take(0)
        {
            let at = self.town.calendar.at(1, 9, 14 * 60);
            let (larger, largest) = (flavour(16, 64), flavour(32, 128));
            let size = self
                .town
                .things
                .get(place)
                .and_then(|t| t.approved.first())
                .map(|s| s.spec.clone());
            self.town.resize(
                place,
                at,
                if size.as_ref() == Some(&larger) {
                    &largest
                } else {
                    &larger
                },
            );
            self.note(Plant::Resize, 1, self.code(place), Expected::LineSplit);
        }
    }

    fn organisations(&mut self) {
        let count = self.town.departments.len();
        if self.has(5) && count >= 2 {
            let day = self.town.calendar.day(5, 20);
            let code =
                |town: &Town, place: usize| town.departments.get(place).map_or_else(String::new, |(c, _)| c.clone());
            let (gone, heir) = (code(self.town, count - 1), code(self.town, count - 2));
            for system in self.town.systems.iter_mut().filter(|s| s.owner(day.start()) == gone) {
                system.answering.push((day.start(), heir.clone()));
            }
            self.note(Plant::Merger, 5, gone, Expected::LineSplit);
            self.plants.merger = Some(Merger {
                month: 5,
                department: count - 1,
                heir,
                from: day,
            });
        }
        let first = self.town.departments.first().map(|(code, _)| code.clone());
        // The last of the first department's systems on the first node; its heir is the second department.
        let moving = self
            .town
            .systems
            .iter()
            .rposition(|s| s.node == 0 && first.as_deref() == s.registered.first().map(|(_, d)| d.as_str()));
        let heir = self.town.departments.get(1).map(|(code, _)| code.clone());
        if self.has(6)
            && let (Some(place), Some(heir)) = (moving, heir)
        {
            let day = self.town.calendar.day(6, 11);
            let Some(system) = self.town.systems.get_mut(place) else {
                return;
            };
            system.registered.push((day, heir.clone()));
            system.answering.push((day.start(), heir));
            let code = system.code.clone();
            self.plants.moved = Some((place, 6));
            self.plants.mistakes.stale_owner = Some((place, 6));
            self.note(Plant::Transfer, 6, code.clone(), Expected::LineSplit);
            self.note(
                Plant::BilledToOldOwner,
                6,
                code,
                Expected::Difference(DifferenceClass::Owner),
            );
        }
    }

    /// Differences between the papers and the node.
    fn behind_the_back(&mut self) {
        if self.has(6)
            && let Some(place) = self.take(1)
        {
            let at = self.town.calendar.at(5, 12, 3 * 60);
            if let Some(last) = self.town.things.get_mut(place).and_then(|t| t.exists.last_mut()) {
                last.to = Some(at);
            }
            self.note(
                Plant::DeletedBehindTheBack,
                6,
                self.code(place),
                Expected::Case(CaseKind::NotObserved),
            );
        }
        if self.has(2) {
            let at = self.town.calendar.at(2, 8, 22 * 60);
            if let Some(place) = self.add(0, at, at) {
                for member in self.town.family(place) {
                    if let Some(thing) = self.town.things.get_mut(member) {
                        thing.approved.clear();
                    }
                }
                self.note(
                    Plant::NeverApproved,
                    2,
                    self.resource(place),
                    Expected::Case(CaseKind::NotApproved),
                );
            }
        }
        if let Some(place) = self.take(2) {
            let project = self
                .town
                .things
                .get(place)
                .map_or_else(String::new, |t| format!("{}-legacy", t.project));
            for member in self.town.family(place) {
                if let Some(thing) = self.town.things.get_mut(member) {
                    thing.project.clone_from(&project);
                }
            }
            let subject = format!("{}:{project}", self.node(2));
            self.note(
                Plant::UnmappedProject,
                0,
                subject,
                Expected::Case(CaseKind::UnmappedProject),
            );
        }
        if self.has(3) {
            let created = self.town.calendar.at(3, 5, 9 * 60);
            let small = flavour(4, 16);
            if let Some(place) = self.add(1, created, created.plus_s(7200)) {
                let put_right = self.has(6).then(|| self.town.calendar.at(6, 16, 10 * 60));
                if let Some(exists) = self.town.things.get_mut(place).map(|t| &mut t.exists)
                    && let Some(only) = exists.first_mut()
                {
                    let approved = std::mem::replace(&mut only.spec, small);
                    only.to = put_right;
                    exists.extend(put_right.map(|from| crate::town::Stretch {
                        from,
                        to: None,
                        spec: approved,
                    }));
                }
                self.note(
                    Plant::SmallerThanApproved,
                    3,
                    self.code(place),
                    Expected::Case(CaseKind::SmallerThanApproved),
                );
                self.note(
                    Plant::SmallerThanApproved,
                    3,
                    self.resource(place),
                    Expected::Difference(DifferenceClass::Quantity),
                );
            }
        }
        if self.has(8) {
            let created = self.town.calendar.at(6, 10, 9 * 60);
            if let Some(place) = self.add(1, created, created.plus_s(7200)) {
                for member in self.town.family(place) {
                    if let Some(thing) = self.town.things.get_mut(member) {
                        thing.handed_in = Some(8);
                    }
                }
                self.note(
                    Plant::LateAllocation,
                    6,
                    self.resource(place),
                    Expected::Case(CaseKind::NotApproved),
                );
                self.note(Plant::LateAllocation, 6, self.code(place), Expected::Correction);
            }
        }
    }

    fn slip(&mut self, place: usize, months: &[usize], slip: Slip) {
        for member in self.town.family(place) {
            if let Some(thing) = self.town.things.get_mut(member) {
                thing.slips.extend(months.iter().map(|month| (*month, slip)));
            }
        }
    }

    /// Mistakes of the providers' bills.
    fn bills(&mut self) {
        if self.has(6)
            && let Some(place) = self.take(2)
        {
            let at = self.town.calendar.at(4, 10, 15 * 60);
            self.town.release(place, at);
            self.slip(place, &[5, 6], Slip::BilledAfterRelease);
            self.note(
                Plant::BilledAfterRelease,
                5,
                self.resource(place),
                Expected::Difference(DifferenceClass::Extra),
            );
        }
        if self.has(CHANGE_SECOND) {
            self.plants.mistakes.old_price = Some((1, CHANGE_SECOND));
            let subject = self
                .town
                .providers
                .get(1)
                .map_or_else(String::new, |p| p.contract.clone());
            self.note(
                Plant::BilledAtOldPrice,
                CHANGE_SECOND,
                subject,
                Expected::Difference(DifferenceClass::Price),
            );
        }
        if self.has(6)
            && let Some(place) = self.take(1)
        {
            self.slip(place, &[6], Slip::Forgotten);
            self.note(
                Plant::LeftOutOfBill,
                6,
                self.resource(place),
                Expected::Difference(DifferenceClass::Missing),
            );
        }
        if self.has(3) {
            let created = self.town.calendar.at(3, 5, 11 * 60);
            let accepted = self.town.calendar.at(3, 20, 11 * 60);
            if let Some(place) = self.add(1, created, accepted) {
                self.slip(place, &[3], Slip::BilledFromCreation);
                self.note(
                    Plant::BilledFromCreation,
                    3,
                    self.resource(place),
                    Expected::Difference(DifferenceClass::Period),
                );
            }
        }
        if self.has(2) {
            self.plants.mistakes.careless = Some((2, 2));
            let provider = self
                .town
                .providers
                .get(2)
                .map_or_else(String::new, |p| p.code.to_owned());
            self.note(Plant::BillInTwoVersions, 2, provider, Expected::LastVersionCounts);
        }
    }

    fn look(&self, month: usize, day: i64) -> i64 {
        // The look taken half an hour into this day.
        look_of(
            self.town.calendar.opens(),
            self.town.calendar.at(month, day, LOOK_MINUTE),
        )
    }

    fn deliveries(&mut self) {
        if self.has(5) {
            // Opened in the afternoon of the 17th, seen by the look of the 18th, whose file is late.
            let created = self.town.calendar.at(4, 17, 14 * 60);
            if let Some(place) = self.add(2, created, created.plus_s(7200)) {
                let look = self.look(4, 18);
                self.plants.troubles.late.insert((2, look));
                self.note(
                    Plant::LateFile,
                    4,
                    self.node(2).to_owned(),
                    Expected::Case(CaseKind::LateData),
                );
                self.note(Plant::LateFile, 4, self.code(place), Expected::Correction);
            }
        }
        if self.has(8) {
            for day in 7..=9 {
                let look = self.look(8, day);
                self.plants.troubles.outages.insert((1, look));
            }
            let subject = format!("{}@{}", self.node(1), self.town.calendar.day(8, 6));
            self.note(Plant::NodeOutage, 8, subject, Expected::Case(CaseKind::NodeGap));
        }
        if self.has(9) {
            let look = self.look(9, 12);
            self.plants.troubles.silent.insert((0, look));
            let from = self.town.calendar.period(9).from();
            let measured = self.town.things.iter().position(|thing| {
                self.town.node_of(thing) == 0
                    && Meters::measure(thing).is_some()
                    && thing.approved.first().is_some_and(|s| s.from < from)
            });
            if let Some(place) = measured {
                self.note(
                    Plant::DayWithoutSamples,
                    9,
                    self.code(place),
                    Expected::Case(CaseKind::MissingSamples),
                );
            }
        }
        if self.has(3) {
            let look = self.look(3, 5);
            self.plants.troubles.again.insert((0, look));
            self.note(Plant::DuplicateDelivery, 3, self.node(0).to_owned(), Expected::NoChange);
        }
    }

    fn outages(&mut self) {
        if !self.has(3) {
            return;
        }
        let cases = [
            (0, 13, "", Plant::OutageDeducted, Expected::Deduction),
            (
                1,
                21,
                "已公告的计划内维护",
                Plant::OutageExcluded,
                Expected::NoDeduction,
            ),
        ];
        for (node, day, excluded, plant, expected) in cases {
            let Some(place) = self.take(node) else { continue };
            let from = self.town.calendar.at(3, day, 10 * 60);
            let native_id = self
                .town
                .things
                .get(place)
                .and_then(|t| t.native_id.clone())
                .unwrap_or_default();
            self.plants.outages.push(Outage {
                month: 3,
                node: self.node(node),
                native_id,
                from,
                to: from.plus_s(3 * 3600),
                excluded,
                source: format!("监理故障记录第{day}号{DEMO}"),
            });
            self.note(plant, 3, self.resource(place), expected);
        }
    }
}
