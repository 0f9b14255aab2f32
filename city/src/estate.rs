//! What is opened for the systems: servers with their disks and guards, and the services around them.

use crate::dice::{Dice, Purpose};
use crate::market::{self as m};
use crate::town::{Order, Town, shares};
use crate::words;
use domain::catalogue::ServiceForm;
use domain::registry::{Measure, NetworkZone, PoolKind, ResourceKind, Spec, SystemOrigin};
use kernel::{Instant, Quantity};

/// Processors, GiB of memory, weight. The mean is 6.8 processors and 3.5 GiB a processor (demo-ratios in docs/sources.md).
const FLAVOURS: &[((i64, i64), u64)] = &[
    ((2, 4), 10),
    ((2, 8), 12),
    ((4, 8), 12),
    ((4, 16), 26),
    ((8, 16), 8),
    ((8, 32), 18),
    ((16, 32), 2),
    ((16, 64), 9),
    ((32, 128), 3),
];

/// A whole number of something.
pub(crate) fn whole(number: i64) -> Quantity {
    Quantity::from_whole(number).unwrap_or_default()
}

pub(crate) fn one(measure: Measure, number: i64) -> Spec {
    Spec::new().with(measure, whole(number))
}

pub(crate) fn flavour(vcpu: i64, memory_gib: i64) -> Spec {
    one(Measure::Vcpu, vcpu).with(Measure::MemoryGib, whole(memory_gib))
}

/// Days of a month on which papers are signed: never the days in whose files something is planted.
const SIGNING_DAYS: &[i64] = &[2, 3, 4, 5, 10, 11, 14, 15, 16, 19, 20, 22, 23, 24, 25, 26];

struct Builder<'t> {
    town: &'t mut Town,
    dice: Dice,
}

/// Opens everything.
pub(crate) fn settle(town: &mut Town) {
    let seed = town.plan.seed;
    let mut builder = Builder {
        town,
        dice: Dice::new(seed, Purpose::Servers),
    };
    builder.servers();
    builder.dice = Dice::new(seed, Purpose::Services);
    builder.services();
    builder.dice = Dice::new(seed, Purpose::Work);
    builder.works();
}

impl Builder<'_> {
    /// A signing moment in a month of the history.
    fn signing(&mut self, month: usize) -> Instant {
        let day = self.dice.pick(SIGNING_DAYS);
        let minute = self.dice.between(9 * 60, 17 * 60);
        self.town.calendar.at(month, day, minute)
    }

    /// When something was accepted: mostly before the history, else in it.
    fn acceptance(&mut self) -> Instant {
        let months = u64::try_from(self.town.calendar.count()).unwrap_or(1);
        if self.dice.percent(86) || months < 2 {
            let days_before = self.dice.between(20, 170);
            return self
                .town
                .calendar
                .opens()
                .plus_s(-days_before * 86_400 + self.dice.between(9 * 60, 17 * 60) * 60);
        }
        let month = usize::try_from(self.dice.below(months)).unwrap_or(0);
        self.signing(month)
    }

    fn order(&mut self, system: usize, kind: ResourceKind, class: &'static str, spec: Spec) -> Order {
        let accepted = self.acceptance();
        Order {
            system,
            form: ServiceForm::SharedCloud,
            kind,
            class,
            pool: None,
            spec,
            created: accepted.plus_s(-7200),
            accepted,
            parent: None,
            name: String::new(),
        }
    }

    fn servers(&mut self) {
        let total = self.town.plan.scale.servers;
        let counts = shares(&mut self.dice, total + total / 25, self.town.systems.len(), 3);
        let mut released = 0;
        for (system, count) in counts.into_iter().enumerate() {
            for _ in 0..count {
                let place = self.server(system);
                let settled = self.town.things.get(place).is_some_and(|thing| {
                    thing
                        .approved
                        .first()
                        .is_some_and(|first| first.from < self.town.calendar.opens())
                });
                let months = u64::try_from(self.town.calendar.count()).unwrap_or(1);
                if !settled || months < 2 {
                    continue;
                }
                let month = 1 + usize::try_from(self.dice.below(months - 1)).unwrap_or(0);
                let at = self.signing(month);
                let roll = self.dice.below(100);
                if roll < 5 && released < total / 25 {
                    released += 1;
                    self.town.release(place, at);
                    self.mark(place);
                } else if roll < 11 {
                    self.grow_or_shrink(place, at);
                    self.mark(place);
                }
            }
        }
    }

    fn mark(&mut self, place: usize) {
        if let Some(thing) = self.town.things.get_mut(place) {
            thing.taken = true;
        }
    }

    fn grow_or_shrink(&mut self, place: usize, at: Instant) {
        let Some(first) = self.town.things.get(place).and_then(|thing| thing.approved.first()) else {
            return;
        };
        let size = |measure| first.spec.get(measure).map_or(0, |q| q.micros() / 1_000_000);
        let (vcpu, memory) = (size(Measure::Vcpu), size(Measure::MemoryGib));
        let spec = if self.dice.percent(60) || vcpu < 4 {
            flavour(vcpu * 2, memory * 2)
        } else {
            flavour(vcpu / 2, memory / 2)
        };
        self.town.resize(place, at, &spec);
    }

    fn server(&mut self, system: usize) -> usize {
        let (origin, number) = (self.town.systems.get(system).map(|s| s.origin), self.town.things.len());
        let chance = if origin == Some(SystemOrigin::New) { 80 } else { 30 };
        let pool = if self.dice.percent(chance) {
            PoolKind::Xinchuang
        } else {
            PoolKind::X86
        };
        let (vcpu, memory) = self.dice.weighted(FLAVOURS);
        let name = words::server(&mut self.dice, number);
        let dedicated = origin == Some(SystemOrigin::Existing) && self.dice.percent(8);
        let class = if !dedicated && self.dice.percent(10) {
            m::COMPUTE
        } else {
            m::GENERAL
        };
        let mut order = self.order(system, ResourceKind::Server, class, flavour(vcpu, memory));
        order.pool = Some(pool);
        order.name = name;
        if dedicated {
            order.form = ServiceForm::DedicatedCloud;
        }
        let server = self.town.open_server(order);
        let data_volumes = self.dice.weighted(&[(0, 45), (1, 40), (2, 15)]);
        for _ in 0..data_volumes {
            let gib = self
                .dice
                .weighted(&[(200, 20), (500, 30), (1000, 25), (2000, 18), (4000, 7)]);
            let class = self
                .dice
                .weighted(&[(m::VOLUME_ORDINARY, 25), (m::VOLUME_GENERAL, 15), (m::VOLUME_FAST, 60)]);
            self.town
                .open_child(server, ResourceKind::Volume, class, one(Measure::StorageGib, gib));
        }
        let guard = self
            .dice
            .weighted(&[("", 60), (m::HOST_SECURITY, 34), (m::HOST_SECURITY_TOP, 6)]);
        if !guard.is_empty() {
            let place = self
                .town
                .open_child(server, ResourceKind::Security, guard, one(Measure::Count, 1));
            if let Some(thing) = self.town.things.get_mut(place) {
                thing.form = ServiceForm::Security;
            }
        }
        server
    }

    fn services(&mut self) {
        for system in 0..self.town.systems.len() {
            let zone = self.town.systems.get(system).map(|s| s.zone);
            if zone == Some(NetworkZone::Internet) {
                self.internet(system);
            }
            self.storage(system);
            self.platform(system);
            self.guards(system);
            self.hosting(system);
        }
    }

    fn open(&mut self, system: usize, kind: ResourceKind, class: &'static str, spec: Spec) -> usize {
        let order = self.order(system, kind, class, spec);
        self.town.open(order)
    }

    fn open_as(&mut self, form: ServiceForm, system: usize, (kind, class): (ResourceKind, &'static str), spec: Spec) {
        let mut order = self.order(system, kind, class, spec);
        order.form = form;
        self.town.open(order);
    }

    fn internet(&mut self, system: usize) {
        for _ in 0..self.dice.between(1, 3) {
            self.open(system, ResourceKind::FloatingIp, "", one(Measure::Count, 1));
        }
        if self.dice.percent(40) {
            let mbps = self.dice.weighted(&[(100, 50), (200, 30), (500, 15), (1000, 5)]);
            self.open(
                system,
                ResourceKind::Bandwidth,
                m::P95,
                one(Measure::BandwidthMbps, mbps),
            );
        } else {
            let mbps = self.dice.weighted(&[(2, 20), (5, 30), (10, 30), (20, 15), (50, 5)]);
            self.open(
                system,
                ResourceKind::Bandwidth,
                m::FIXED,
                one(Measure::BandwidthMbps, mbps),
            );
        }
    }

    fn storage(&mut self, system: usize) {
        if self.dice.percent(50) {
            let class = if self.dice.percent(75) {
                m::OBJECT_STANDARD
            } else {
                m::OBJECT_INFREQUENT
            };
            let gib = self.dice.weighted(&[(500, 30), (2000, 40), (5000, 20), (20_000, 10)]);
            self.open(
                system,
                ResourceKind::ObjectStorage,
                class,
                one(Measure::StorageGib, gib),
            );
        }
        if self.dice.percent(45) {
            let class = if self.dice.percent(70) {
                m::BACKUP_SERVER
            } else {
                m::BACKUP_DATABASE
            };
            let gib = self.dice.weighted(&[(200, 40), (500, 35), (1000, 20), (3000, 5)]);
            self.open_as(
                ServiceForm::DataBackup,
                system,
                (ResourceKind::Backup, class),
                one(Measure::StorageGib, gib),
            );
        }
        if self.dice.percent(20) {
            let gib = self.dice.weighted(&[(100, 60), (500, 40)]);
            self.open(system, ResourceKind::Snapshot, "", one(Measure::StorageGib, gib));
        }
    }

    fn platform(&mut self, system: usize) {
        if self.dice.percent(30) {
            let class = if self.dice.percent(70) {
                m::BALANCER_1
            } else {
                m::BALANCER_2
            };
            self.open(system, ResourceKind::LoadBalancer, class, one(Measure::Count, 1));
        }
        let pool = if self.dice.percent(50) {
            PoolKind::Xinchuang
        } else {
            PoolKind::X86
        };
        if self.dice.percent(22) {
            let mut order = self.order(system, ResourceKind::Database, m::POSTGRES, one(Measure::Count, 1));
            order.pool = Some(pool);
            self.town.open(order);
        }
        if self.dice.percent(3) {
            let mut order = self.order(system, ResourceKind::BareMetal, m::BARE_METAL, one(Measure::Count, 1));
            order.pool = Some(pool);
            order.form = ServiceForm::DedicatedCloud;
            self.town.open(order);
        }
    }

    fn guards(&mut self, system: usize) {
        let security = ServiceForm::Security;
        let (level, zone) = self
            .town
            .systems
            .get(system)
            .map_or((2, NetworkZone::Extranet), |s| (s.level, s.zone));
        if zone == NetworkZone::Internet && self.dice.percent(25) {
            self.open_as(
                security,
                system,
                (ResourceKind::Security, m::WAF),
                one(Measure::Count, 1),
            );
        }
        if zone == NetworkZone::Internet && self.dice.percent(20) {
            self.open_as(
                security,
                system,
                (ResourceKind::Security, m::ANTI_TAMPER),
                one(Measure::Count, 1),
            );
        }
        if level >= 3 {
            let assets = self.dice.between(4, 30);
            self.open_as(
                security,
                system,
                (ResourceKind::Security, m::BASTION),
                one(Measure::Count, assets),
            );
            let sources = self.dice.between(5, 24);
            self.open_as(
                security,
                system,
                (ResourceKind::Security, m::LOG_AUDIT),
                one(Measure::Count, sources),
            );
        }
        if level >= 3 && self.dice.percent(15) {
            self.open_as(
                security,
                system,
                (ResourceKind::Security, m::FIREWALL),
                one(Measure::Count, 1),
            );
        }
        if self.dice.percent(12) {
            let accounts = self.dice.between(2, 12);
            self.open_as(
                security,
                system,
                (ResourceKind::Security, m::REMOTE_ACCESS),
                one(Measure::Count, accounts),
            );
        }
    }

    fn hosting(&mut self, system: usize) {
        let origin = self.town.systems.get(system).map(|s| s.origin);
        if origin == Some(SystemOrigin::Existing) && self.dice.percent(12) {
            let units = self.dice.weighted(&[(4, 40), (10, 40), (42, 20)]);
            self.open_as(
                ServiceForm::CabinetHosting,
                system,
                (ResourceKind::Cabinet, ""),
                one(Measure::RackUnit, units),
            );
        }
        if self.dice.percent(20) {
            let mbps = self.dice.weighted(&[(10, 50), (20, 30), (50, 15), (100, 5)]);
            self.open_as(
                ServiceForm::IndustryLine,
                system,
                (ResourceKind::Line, ""),
                one(Measure::BandwidthMbps, mbps),
            );
        }
    }

    /// Work that is accepted in the course of the history: migrations of existing systems, assessments of others.
    fn works(&mut self) {
        let months = u64::try_from(self.town.calendar.count()).unwrap_or(1);
        for system in 0..self.town.systems.len() {
            let existing = self
                .town
                .systems
                .get(system)
                .is_some_and(|s| s.origin == SystemOrigin::Existing);
            let (form, class, spec) = if existing && self.dice.percent(25) {
                (
                    ServiceForm::Migration,
                    m::MIGRATION,
                    one(Measure::PersonDay, self.dice.between(5, 40)),
                )
            } else if self.dice.percent(14) {
                (ServiceForm::AdaptationAssessment, m::ADAPTATION, one(Measure::Count, 1))
            } else {
                continue;
            };
            let month = usize::try_from(self.dice.below(months)).unwrap_or(0);
            // The form of acceptance has a day, no hour.
            let accepted = self.signing(month).day().start();
            let mut order = self.order(system, ResourceKind::Work, class, spec);
            (order.form, order.accepted, order.created) = (form, accepted, accepted);
            let place = self.town.open(order);
            if let Some(thing) = self.town.things.get_mut(place) {
                thing.code = format!("GD-{:06}", place + 1);
                if let Some(only) = thing.approved.first_mut() {
                    only.to = Some(accepted.day().plus(1).start());
                }
            }
        }
    }
}

impl Town {
    /// Opens a server and its system volume.
    pub(crate) fn open_server(&mut self, order: Order) -> usize {
        let server = self.open(order);
        self.open_child(
            server,
            ResourceKind::Volume,
            m::VOLUME_GENERAL,
            one(Measure::StorageGib, 100),
        );
        server
    }

    /// Opens something that hangs on a thing and has its dates and pool.
    pub(crate) fn open_child(&mut self, parent: usize, kind: ResourceKind, class: &'static str, spec: Spec) -> usize {
        let (system, pool, created, accepted) =
            self.things
                .get(parent)
                .map_or((0, None, Instant::MIN, Instant::MIN), |p| {
                    let accepted = p.approved.first().map_or(Instant::MIN, |s| s.from);
                    (
                        p.system,
                        p.pool,
                        p.exists.first().map_or(accepted, |s| s.from),
                        accepted,
                    )
                });
        self.open(Order {
            system,
            form: ServiceForm::SharedCloud,
            kind,
            class,
            pool: if kind == ResourceKind::Volume { pool } else { None },
            spec,
            created,
            accepted,
            parent: Some(parent),
            name: String::new(),
        })
    }
}
