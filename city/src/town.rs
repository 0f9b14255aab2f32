//! The city as it would be if everybody did as the papers say: departments, systems, and what was opened for them.
//!
//! Mistakes are planted afterwards (see `plants`).

use crate::calendar::Calendar;
use crate::dice::{Dice, Purpose};
use crate::market::item_for;
use crate::terms::{Provider, providers};
use crate::{CityPlan, words};
use domain::catalogue::ServiceForm;
use domain::registry::{DataGrade, NetworkZone, PoolKind, ResourceKind, Spec, SystemOrigin};
use kernel::{Day, Instant, Period};

/// The organisation that is the city's data bureau.
pub(crate) const BUREAU: &str = "A001";

/// A government information system.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) code: String,
    pub(crate) name: String,
    /// Who owns it, as registered: from which day, which department.
    pub(crate) registered: Vec<(Day, String)>,
    /// Who answers for it: from when, which department (mergers are followed).
    pub(crate) answering: Vec<(Instant, String)>,
    pub(crate) level: u8,
    pub(crate) zone: NetworkZone,
    pub(crate) grade: DataGrade,
    pub(crate) origin: SystemOrigin,
    /// Place of its provider.
    pub(crate) node: usize,
    pub(crate) project: String,
}

impl System {
    /// Who answers for it at a moment.
    pub(crate) fn owner(&self, at: Instant) -> &str {
        let held = self.answering.iter().take_while(|(from, _)| *from <= at).last();
        held.or(self.answering.first()).map_or("", |(_, owner)| owner)
    }
}

/// A stretch in which a resource was of one size.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    pub(crate) from: Instant,
    pub(crate) to: Option<Instant>,
    pub(crate) spec: Spec,
}

impl Stretch {
    pub(crate) fn within(&self, month: Period) -> Option<Period> {
        Period::open(self.from, self.to).ok()?.and(month)
    }
}

/// What the provider does wrong with a resource in the bill of one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slip {
    /// It is billed although it was released.
    BilledAfterRelease,
    /// It is billed from its creation, not from acceptance.
    BilledFromCreation,
    /// It is forgotten.
    Forgotten,
}

/// A resource or a service: what was approved, and what the node says.
#[derive(Debug)]
pub(crate) struct Thing {
    pub(crate) code: String,
    /// Place of its system.
    pub(crate) system: usize,
    pub(crate) form: ServiceForm,
    pub(crate) kind: ResourceKind,
    pub(crate) class: &'static str,
    pub(crate) pool: Option<PoolKind>,
    pub(crate) native_id: Option<String>,
    pub(crate) name: String,
    pub(crate) project: String,
    /// Place of the thing it hangs on.
    pub(crate) parent: Option<usize>,
    /// What was approved, in order. Empty for what nobody approved.
    pub(crate) approved: Vec<Stretch>,
    /// What exists at the node, in order. Empty for what no node lists.
    pub(crate) exists: Vec<Stretch>,
    /// Month in which its papers are handed in, if later than they should be.
    pub(crate) handed_in: Option<usize>,
    /// Mistakes of bills, by month.
    pub(crate) slips: Vec<(usize, Slip)>,
    /// Chooses its curve of the trace.
    pub(crate) shape: u64,
    /// Whether something was planted in it already.
    pub(crate) taken: bool,
}

/// Everything of the city.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) plan: CityPlan,
    pub(crate) calendar: Calendar,
    pub(crate) providers: Vec<Provider>,
    /// Codes and names.
    pub(crate) departments: Vec<(String, String)>,
    pub(crate) systems: Vec<System>,
    pub(crate) things: Vec<Thing>,
    pub(crate) ids: Dice,
}

/// What is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) system: usize,
    pub(crate) form: ServiceForm,
    pub(crate) kind: ResourceKind,
    pub(crate) class: &'static str,
    pub(crate) pool: Option<PoolKind>,
    pub(crate) spec: Spec,
    pub(crate) created: Instant,
    pub(crate) accepted: Instant,
    pub(crate) parent: Option<usize>,
    pub(crate) name: String,
}

/// The systems of a city without anything opened for them yet.
pub(crate) fn found(plan: &CityPlan) -> Town {
    let calendar = Calendar::new(plan.until, plan.months);
    let departments: Vec<_> = (0..plan.scale.departments)
        .map(|n| (format!("D{:03}", n + 1), words::department(n)))
        .collect();
    let mut dice = Dice::new(plan.seed, Purpose::Systems);
    let ids = Dice::new(plan.seed, Purpose::Ids);
    let providers = providers(&calendar);
    let since = providers.first().map_or_else(Day::default, |p| p.starts);
    let counts = shares(&mut dice, plan.scale.systems, departments.len(), 3);
    let mut systems = Vec::with_capacity(plan.scale.systems);
    for (department, count) in counts.into_iter().enumerate() {
        for number in 0..count {
            let code = format!("S{:04}", systems.len() + 1);
            let owner = departments
                .get(department)
                .map_or_else(String::new, |(code, _)| code.clone());
            // The first systems go round the nodes, so that the smallest city still uses all three.
            let node = if systems.len() < 6 {
                systems.len() % 3
            } else {
                dice.weighted(&[(0, 45), (1, 35), (2, 20)])
            };
            systems.push(System {
                project: format!("gov-{}", code.to_lowercase()),
                code,
                name: words::system(department, number),
                registered: vec![(since, owner.clone())],
                answering: vec![(Instant::MIN, owner)],
                level: dice.weighted(&[(2, 70), (3, 30)]),
                zone: if dice.percent(40) {
                    NetworkZone::Internet
                } else {
                    NetworkZone::Extranet
                },
                grade: if dice.percent(15) {
                    DataGrade::Important
                } else {
                    DataGrade::General
                },
                origin: if dice.percent(70) {
                    SystemOrigin::Existing
                } else {
                    SystemOrigin::New
                },
                node,
            });
        }
    }
    Town {
        plan: *plan,
        calendar,
        providers,
        departments,
        systems,
        things: Vec::new(),
        ids,
    }
}

/// Shares `total` out over `parts` with a long tail, at least one each as far as it goes; the sum is exact.
pub(crate) fn shares(dice: &mut Dice, total: usize, parts: usize, steepness: u64) -> Vec<usize> {
    let weights: Vec<u64> = (0..parts)
        .map(|_| (0..steepness).fold(1, |w, _| w * (1 + dice.below(6))))
        .collect();
    let sum = weights.iter().sum::<u64>().max(1);
    let spare = u64::try_from(total.saturating_sub(parts)).unwrap_or(0);
    let first = usize::from(total >= parts);
    let mut counts: Vec<usize> = weights
        .iter()
        .map(|w| first + usize::try_from(spare * w / sum).unwrap_or(0))
        .collect();
    let missing = total.saturating_sub(counts.iter().sum());
    let mut order: Vec<usize> = (0..parts).collect();
    order.sort_by_key(|place| std::cmp::Reverse(weights.get(*place).copied()));
    for place in order.into_iter().cycle().take(if parts == 0 { 0 } else { missing }) {
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts
}

impl Town {
    /// Opens something: exists from `created`, approved and charged from `accepted`.
    pub(crate) fn open(&mut self, order: Order) -> usize {
        let place = self.things.len();
        let random = self.ids.bits();
        let listed = prefix(order.kind).filter(|_| item_for_listed(&order));
        let native_id = listed.map(|prefix| format!("{prefix}-{:06x}{place:06x}", random & 0x00ff_ffff));
        let project = self
            .systems
            .get(order.system)
            .map_or_else(String::new, |s| s.project.clone());
        let name = if order.name.is_empty() {
            native_id.clone().unwrap_or_default()
        } else {
            order.name
        };
        self.things.push(Thing {
            code: format!("FP-{:06}", place + 1),
            system: order.system,
            form: order.form,
            kind: order.kind,
            class: order.class,
            pool: order.pool,
            name,
            project,
            parent: order.parent,
            approved: vec![Stretch {
                from: order.accepted,
                to: None,
                spec: order.spec.clone(),
            }],
            exists: native_id
                .iter()
                .map(|_| Stretch {
                    from: order.created,
                    to: None,
                    spec: order.spec.clone(),
                })
                .collect(),
            native_id,
            handed_in: None,
            slips: Vec::new(),
            shape: random >> 24,
            taken: false,
        });
        place
    }

    /// The places of a thing and of all that hangs on it.
    pub(crate) fn family(&self, place: usize) -> Vec<usize> {
        let mut family = vec![place];
        for (child, thing) in self.things.iter().enumerate().skip(place) {
            if thing.parent.is_some_and(|parent| family.contains(&parent)) {
                family.push(child);
            }
            // What hangs on a thing was opened right after it, or much later as a service of its own.
            if child > place + 16 {
                break;
            }
        }
        family
    }

    /// Releases a thing with all that hangs on it; the node deletes it an hour later.
    pub(crate) fn release(&mut self, place: usize, at: Instant) {
        for member in self.family(place) {
            let Some(thing) = self.things.get_mut(member) else {
                continue;
            };
            if let Some(last) = thing.approved.last_mut() {
                last.to = Some(at);
            }
            if let Some(last) = thing.exists.last_mut() {
                last.to = Some(at.plus_s(3600));
            }
        }
    }

    /// Gives a thing another size, in the papers and at the node.
    pub(crate) fn resize(&mut self, place: usize, at: Instant, spec: &Spec) {
        let Some(thing) = self.things.get_mut(place) else {
            return;
        };
        for stretches in [&mut thing.approved, &mut thing.exists] {
            if let Some(last) = stretches.last_mut() {
                last.to = Some(at);
                stretches.push(Stretch {
                    from: at,
                    to: None,
                    spec: spec.clone(),
                });
            }
        }
    }

    /// Place of the node a thing is on.
    pub(crate) fn node_of(&self, thing: &Thing) -> usize {
        self.systems.get(thing.system).map_or(0, |system| system.node)
    }
}

/// Whether a node lists it: remote access accounts are kept by hand.
fn item_for_listed(order: &Order) -> bool {
    let measure = order.spec.iter().next().map(|(measure, _)| measure);
    let item = measure.and_then(|m| item_for((order.kind, order.class, m), order.pool, order.form));
    let basis = item
        .and_then(|place| crate::market::ITEMS.get(place))
        .map(|item| item.basis);
    !matches!(
        basis,
        Some(domain::catalogue::MeteringBasis::Allocated | domain::catalogue::MeteringBasis::Declared)
    )
}

/// How a node's ids of a kind begin; none for what no node lists.
fn prefix(kind: ResourceKind) -> Option<&'static str> {
    Some(match kind {
        ResourceKind::Server => "i",
        ResourceKind::BareMetal => "bm",
        ResourceKind::Volume => "v",
        ResourceKind::Snapshot => "sn",
        ResourceKind::FloatingIp => "ip",
        ResourceKind::Bandwidth => "bw",
        ResourceKind::ObjectStorage => "ob",
        ResourceKind::LoadBalancer => "lb",
        ResourceKind::Database => "db",
        ResourceKind::Image => "im",
        ResourceKind::Backup => "bk",
        ResourceKind::Security => "se",
        ResourceKind::Cabinet | ResourceKind::Line | ResourceKind::Work => return None,
    })
}
