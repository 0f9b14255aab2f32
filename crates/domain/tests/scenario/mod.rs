//! Golden months: scenarios as text files, read into the types of the domain, and their lines written as text. The
//! tests of the domain and those of the use cases read them by this one reader.
//!
//! A scenario that leaves a list out takes it from `base.toml`. What is under `[late]` became known after the month
//! was closed; it replaces the lists of the same name, and its lines are the corrections.

use domain::catalogue::{
    Commitment, Contract, MeteringBasis, PriceBook, PriceLine, PriceModel, PriceScope, ServiceForm, ServiceItem,
    ServiceLayer, Tier, TierScope,
};
use domain::collect::{Observation, ObservedState, Sample, Sighting};
use domain::meter::{
    Allocation, Coverage, Finding, MeterInput, MeterOutput, check_allocations, check_usage, meter_month,
};
use domain::rate::{ChargeKind, ChargeMethod, ChargeTable, RateInput, Tariffs, rate_month};
use domain::registry::{
    CloudNode, InformationSystem, Measure, NetworkZone, NodeSource, Organisation, PoolKind, ProjectMapping, Registered,
    Registry, ResourceKind, ResourcePool, Side, Spec, SystemOrigin, SystemStatus, Version,
};
use kernel::{
    AllocationCode, ContractCode, Day, Factor, Instant, ItemCode, Money, Month, NodeCode, OrganisationCode, Period,
    PoolCode, Quantity, SystemCode, UnitPrice,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where the scenarios are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/months")
}

/// The names of all scenarios, in order.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files
        .filter_map(|file| Some(file.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.retain(|name| name != "base");
    names.sort();
    names
}

/// The lists of one file. Those that are absent are another file's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    month: Option<Month>,
    organisations: Option<Vec<OrganisationRow>>,
    systems: Option<Vec<SystemRow>>,
    nodes: Option<Vec<NodeRow>>,
    pools: Option<Vec<PoolRow>>,
    contracts: Option<Vec<ContractRow>>,
    items: Option<Vec<ItemRow>>,
    prices: Option<Vec<BookRow>>,
    allocations: Option<Vec<AllocationRow>>,
    seen: Option<Seen>,
    samples: Option<Vec<SampleRow>>,
    not_looked_at: Option<Vec<Day>>,
    cause: Option<String>,
    /// `resource item organisation amount` of every line, worked by hand.
    by_hand: Option<Vec<String>>,
    /// Their sum, worked by hand.
    total: Option<Money>,
    late: Option<Box<Scenario>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Seen {
    Word(String),
    Rows(Vec<SeenRow>),
}

macro_rules! rows {
    ($($name:ident { $($(#[$attr:meta])* $field:ident: $kind:ty,)* })*) => {$(
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name { $($(#[$attr])* $field: $kind,)* }
    )*};
}

rows! {
    OrganisationRow { from: Instant, code: OrganisationCode, name: String, side: Option<Side>, merged_into: Option<OrganisationCode>, }
    SystemRow { from: Instant, code: SystemCode, organisation: OrganisationCode, }
    NodeRow { from: Instant, code: NodeCode, provider: OrganisationCode, }
    PoolRow { from: Instant, code: PoolCode, node: NodeCode, kind: PoolKind, }
    CommitmentRow { #[serde(default)] items: Vec<ItemCode>, minimum: Money, payer: OrganisationCode, }
    ContractRow {
        code: ContractCode, provider: OrganisationCode, starts: Day, ends: Day, proration: String,
        #[serde(default)] commitments: Vec<CommitmentRow>,
    }
    ItemRow { code: ItemCode, kind: ResourceKind, measure: Measure, basis: MeteringBasis, }
    BookRow { contract: ContractCode, version: u32, from: Day, lines: Vec<PriceRow>, }
    TierRow { up_to: Option<Quantity>, price: UnitPrice, }
    PackageRow { price: UnitPrice, included: Quantity, beyond: UnitPrice, }
    PriceRow {
        item: ItemCode, flat: Option<UnitPrice>, one_off: Option<UnitPrice>, graduated: Option<Vec<TierRow>>,
        volume: Option<Vec<TierRow>>, package: Option<PackageRow>, scope: Option<TierScope>, discount: Option<Factor>,
        cap: Option<Money>,
    }
    AllocationRow {
        code: AllocationCode, system: Option<SystemCode>, form: Option<ServiceForm>, kind: ResourceKind, spec: String,
        native_id: Option<String>, parent: Option<AllocationCode>, from: Instant, to: Option<Instant>,
    }
    SeenRow { native_id: String, kind: ResourceKind, spec: String, state: Option<ObservedState>, from: Instant, to: Option<Instant>, }
    SampleRow { native_id: String, measure: Measure, from: Day, to: Day, daily: Quantity, }
}

impl Scenario {
    /// Reads a scenario, filled up from `base.toml`.
    pub fn load(name: &str) -> Self {
        Self::read(name).or(&Self::read("base"))
    }

    /// A scenario from its text, filled up from `base.toml`.
    pub fn from_text(text: &str) -> Self {
        toml::from_str::<Self>(text).unwrap().or(&Self::read("base"))
    }

    fn read(name: &str) -> Self {
        let path = folder().join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn or(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            month: self.month.or(base.month),
            organisations: self.organisations.or(base.organisations),
            systems: self.systems.or(base.systems),
            nodes: self.nodes.or(base.nodes),
            pools: self.pools.or(base.pools),
            contracts: self.contracts.or(base.contracts),
            items: self.items.or(base.items),
            prices: self.prices.or(base.prices),
            allocations: self.allocations.or(base.allocations),
            seen: self.seen.or(base.seen),
            samples: self.samples.or(base.samples),
            not_looked_at: self.not_looked_at.or(base.not_looked_at),
            cause: self.cause,
            by_hand: self.by_hand,
            total: self.total,
            late: self.late,
        }
    }

    /// The scenario as it is known after the month was closed, and why it differs.
    pub fn late(&self) -> Option<(Self, String)> {
        let late = *self.late.clone()?;
        let cause = late.cause.clone().unwrap();
        Some((late.or(self), cause))
    }

    /// The month.
    pub fn month(&self) -> Month {
        self.month.unwrap()
    }

    /// What was worked by hand: `resource item organisation amount` of every line, and the total.
    pub fn by_hand(&self) -> (Vec<String>, Money) {
        (self.by_hand.clone().unwrap(), self.total.unwrap())
    }

    /// Organisations, systems, nodes, pools; project `p-S1` of every node belongs to system `S1`.
    pub fn registry(&self) -> Registry {
        fn add<T: Registered>(history: &mut domain::registry::History<T>, valid_from: Instant, body: T) {
            history.add(Version { valid_from, body }).unwrap();
        }
        let mut registry = Registry::default();
        for row in self.organisations.iter().flatten().cloned() {
            let OrganisationRow {
                from,
                code,
                name,
                side,
                merged_into,
            } = row;
            let body = Organisation {
                code,
                name,
                side: side.unwrap_or(Side::Unit),
                parent: None,
                merged_into,
                municipal: None,
            };
            add(&mut registry.organisations, from, body);
        }
        for row in self.nodes.iter().flatten().cloned() {
            let source = NodeSource::Files {
                folder: row.code.to_string(),
            };
            let node = CloudNode {
                name: row.code.to_string(),
                code: row.code,
                provider: row.provider,
                source,
                platform: domain::registry::Platform::default(),
            };
            add(&mut registry.nodes, row.from, node);
        }
        for row in self.pools.iter().flatten().cloned() {
            let pool = ResourcePool {
                name: row.code.to_string(),
                code: row.code,
                node: row.node,
                kind: row.kind,
                zones: Vec::new(),
                separate: None,
            };
            add(&mut registry.pools, row.from, pool);
        }
        for row in self.systems.iter().flatten().cloned() {
            for node in self.nodes.iter().flatten() {
                let mapping = ProjectMapping {
                    node: node.code.clone(),
                    project: format!("p-{}", row.code),
                    system: Some(row.code.clone()),
                };
                add(&mut registry.mappings, node.from, mapping);
            }
            let body = InformationSystem {
                name: row.code.to_string(),
                code: row.code,
                organisation: row.organisation,
                mlps_level: None,
                zone: NetworkZone::Extranet,
                data_grade: None,
                status: SystemStatus::Running,
                origin: SystemOrigin::Existing,
            };
            add(&mut registry.systems, row.from, body);
        }
        registry
    }

    /// The service catalogue.
    pub fn items(&self) -> Vec<ServiceItem> {
        let item = |row: ItemRow| ServiceItem {
            name: row.code.to_string(),
            code: row.code,
            layer: ServiceLayer::Infrastructure,
            form: ServiceForm::SharedCloud,
            kind: row.kind,
            measure: row.measure,
            unit: row.measure.zh().to_owned(),
            basis: row.basis,
            class: None,
            pool: None,
            zone: None,
            tenancy: None,
        };
        self.items.iter().flatten().cloned().map(item).collect()
    }

    /// Contracts.
    pub fn contracts(&self) -> Vec<Contract> {
        let contract = |row: ContractRow| Contract {
            title: row.code.to_string(),
            code: row.code,
            provider: row.provider,
            round: String::new(),
            lot: String::new(),
            starts: row.starts,
            ends: row.ends,
            ceiling: None,
            proration: row.proration.parse().unwrap(),
            tolerance: Money::ZERO,
            sla: None,
            commitments: row
                .commitments
                .into_iter()
                .map(|c| Commitment {
                    items: c.items,
                    minimum: c.minimum,
                    payer: c.payer,
                })
                .collect(),
            source: String::new(),
        };
        self.contracts.iter().flatten().cloned().map(contract).collect()
    }

    /// Price books.
    pub fn books(&self) -> Vec<PriceBook> {
        let book = |row: BookRow| PriceBook {
            contract: row.contract,
            version: row.version,
            effective_from: row.from,
            source: String::new(),
            approver: String::new(),
            lines: row.lines.into_iter().map(PriceRow::line).collect(),
        };
        let books: Vec<PriceBook> = self.prices.iter().flatten().cloned().map(book).collect();
        assert!(books.iter().all(|book| book.faults().is_empty()));
        books
    }

    /// Allocations. Everything is on the first node; whatever names no system is for `S1`.
    pub fn allocations(&self) -> Vec<Allocation> {
        let node = &self.nodes.as_ref().unwrap()[0].code;
        let allocation = |row: AllocationRow| Allocation {
            code: row.code,
            system: row.system.unwrap_or_else(|| "S1".parse().unwrap()),
            form: row.form.unwrap_or(ServiceForm::SharedCloud),
            kind: row.kind,
            class: String::new(),
            spec: row.spec.parse().unwrap(),
            node: node.clone(),
            pool: None,
            native_id: row.native_id,
            contract: None,
            parent: row.parent,
            period: Period::open(row.from, row.to).unwrap(),
        };
        let allocations: Vec<Allocation> = self.allocations.iter().flatten().cloned().map(allocation).collect();
        assert_eq!(check_allocations(&allocations), []);
        allocations
    }

    /// What the first node was seen to have: every allocation as approved, or as the scenario says.
    pub fn sightings(&self) -> BTreeMap<NodeCode, Vec<Sighting>> {
        let node = self.nodes.as_ref().unwrap()[0].code.clone();
        let allocations = self.allocations();
        let sightings = match self.seen.as_ref().unwrap() {
            Seen::Word(word) => {
                assert_eq!(word, "as approved");
                let listed = allocations.iter().filter(|a| a.native_id.is_some());
                listed
                    .map(|a| {
                        sighting(
                            a.native_id.as_deref().unwrap(),
                            a.kind,
                            &a.spec,
                            ObservedState::Live,
                            a.system.as_str(),
                            a.period,
                        )
                    })
                    .collect()
            }
            Seen::Rows(rows) => rows
                .iter()
                .map(|row| {
                    let of = allocations
                        .iter()
                        .find(|a| a.native_id.as_ref() == Some(&row.native_id));
                    let period = Period::open(row.from, row.to).unwrap();
                    let (spec, state) = (row.spec.parse().unwrap(), row.state.unwrap_or(ObservedState::Live));
                    sighting(
                        &row.native_id,
                        row.kind,
                        &spec,
                        state,
                        of.map_or("S1", |a| a.system.as_str()),
                        period,
                    )
                })
                .collect(),
        };
        BTreeMap::from([(node, sightings)])
    }

    /// A look at every midnight from the day before the month to the day after, except where the scenario says so.
    pub fn look_moments(&self) -> Vec<Instant> {
        let month = self.month();
        let missing = self.not_looked_at.clone().unwrap_or_default();
        let days = (-1..=month.days() + 1)
            .map(|n| month.first_day().plus(n))
            .filter(|day| !missing.contains(day));
        days.map(Day::start).collect()
    }

    /// When the first node was looked at.
    pub fn coverage(&self) -> BTreeMap<NodeCode, Coverage> {
        let coverage = Coverage::new(self.look_moments());
        BTreeMap::from([(self.nodes.as_ref().unwrap()[0].code.clone(), coverage)])
    }

    /// Measured values: one a day at noon.
    pub fn samples(&self) -> BTreeMap<NodeCode, Vec<Sample>> {
        let rows = self.samples.iter().flatten();
        let samples = rows.flat_map(|row| {
            let days = row.to.epoch_days() - row.from.epoch_days();
            let at = |n| row.from.plus(n).start().plus_s(12 * 3600);
            (0..days).map(move |n| Sample {
                native_id: row.native_id.clone(),
                measure: row.measure,
                at: at(n),
                value: row.daily,
            })
        });
        BTreeMap::from([(self.nodes.as_ref().unwrap()[0].code.clone(), samples.collect())])
    }

    /// Meters and rates the month by the domain alone.
    pub fn run(&self) -> (MeterOutput, ChargeTable) {
        let metered = self.meter(self.month().period());
        assert_eq!(check_usage(&metered.table, self.month().period()), []);
        let tariffs = Tariffs::new(self.books(), self.contracts());
        let rated = rate_month(&RateInput {
            month: self.month(),
            usage: &metered.table,
            tariffs: &tariffs,
        })
        .unwrap();
        (metered, rated)
    }

    /// Meters a stretch of time.
    pub fn meter(&self, period: Period) -> MeterOutput {
        self.facts().meter(period)
    }

    pub fn facts(&self) -> Facts {
        Facts {
            registry: self.registry(),
            items: self.items(),
            contracts: self.contracts(),
            allocations: self.allocations(),
            sightings: self.sightings(),
            coverage: self.coverage(),
            samples: self.samples(),
        }
    }
}

/// What is metered, for a test that changes a part of it.
pub struct Facts {
    pub registry: Registry,
    pub items: Vec<ServiceItem>,
    pub contracts: Vec<Contract>,
    pub allocations: Vec<Allocation>,
    pub sightings: BTreeMap<NodeCode, Vec<Sighting>>,
    pub coverage: BTreeMap<NodeCode, Coverage>,
    pub samples: BTreeMap<NodeCode, Vec<Sample>>,
}

impl Facts {
    /// Meters a stretch of time.
    pub fn meter(&self, period: Period) -> MeterOutput {
        meter_month(&MeterInput {
            month: period,
            registry: &self.registry,
            items: self.items.iter().collect(),
            contracts: self.contracts.iter().collect(),
            allocations: &self.allocations,
            sightings: &self.sightings,
            coverage: &self.coverage,
            samples: &self.samples,
        })
    }
}

impl PriceRow {
    fn line(self) -> PriceLine {
        let tiers = |rows: Vec<TierRow>| {
            rows.into_iter()
                .map(|row| Tier {
                    up_to: row.up_to,
                    price: row.price,
                })
                .collect()
        };
        let scope = self.scope.unwrap_or(TierScope::Resource);
        let models = [
            self.flat.map(|price| PriceModel::Flat { price }),
            self.one_off.map(|price| PriceModel::OneOff { price }),
            self.graduated.map(|rows| PriceModel::Graduated {
                tiers: tiers(rows),
                scope,
            }),
            self.volume.map(|rows| PriceModel::Volume {
                tiers: tiers(rows),
                scope,
            }),
            self.package.map(|p| PriceModel::Package {
                price: p.price,
                included: p.included,
                beyond: p.beyond,
            }),
        ];
        let mut models = models.into_iter().flatten();
        let model = models.next().unwrap();
        assert!(models.next().is_none(), "{}: one model a price", self.item);
        PriceLine {
            clause: self.item.to_string(),
            item: self.item,
            scope: PriceScope::default(),
            model,
            discount: self.discount.unwrap_or(Factor::ONE),
            ceiling: None,
            cap: self.cap,
        }
    }
}

/// A sighting in the project of a system.
pub fn sighting(
    native_id: &str,
    kind: ResourceKind,
    spec: &Spec,
    state: ObservedState,
    system: &str,
    period: Period,
) -> Sighting {
    let seen = Observation {
        native_id: native_id.to_owned(),
        kind,
        class: String::new(),
        name: String::new(),
        project: format!("p-{system}"),
        zone: String::new(),
        state,
        native_state: String::new(),
        spec: spec.clone(),
        created_at: None,
        changed_at: None,
        deleted_at: None,
        parent: None,
        system_tag: None,
    };
    Sighting { period, seen }
}

/// Every line in a row of its own, and their sum.
pub fn render(table: &ChargeTable) -> String {
    let mut text =
        "resource | item | organisation | from | to | quantity | part | factor | price | list | amount\n".to_owned();
    for row in &table.rows {
        let name = |name: u32| {
            Some(table.names.text(name))
                .filter(|text| !text.is_empty())
                .unwrap_or("-")
        };
        let _ = write!(
            text,
            "{} | {} | {} | ",
            name(row.resource),
            name(row.item),
            name(row.organisation)
        );
        let _ = write!(
            text,
            "{} | {} | {} | {} | {} | ",
            row.from, row.to, row.quantity, row.part, row.factor
        );
        let _ = write!(text, "{} | {} | {}", name(row.price), row.list, row.amount);
        if (row.kind, row.method) != (ChargeKind::Usage, ChargeMethod::Direct) {
            let _ = write!(text, " | {} {}", row.kind, row.method);
        }
        if row.kind == ChargeKind::Correction {
            let _ = write!(text, " of {}: {}", row.month, name(row.cause));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "total {}", table.total().unwrap());
    text
}

/// Every finding in a row of its own.
pub fn findings<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding {
            kind,
            subject,
            owner,
            detail,
            since,
        } = finding;
        let _ = writeln!(text, "case {kind} | {subject} | {owner} | {since} | {detail}");
    }
    text
}

/// `resource item organisation amount` of every line.
pub fn amounts(table: &ChargeTable) -> Vec<String> {
    let name = |name: u32| {
        Some(table.names.text(name))
            .filter(|text| !text.is_empty())
            .unwrap_or("-")
    };
    let line = |row: &domain::rate::ChargeRow| {
        format!(
            "{} {} {} {}",
            name(row.resource),
            name(row.item),
            name(row.organisation),
            row.amount
        )
    };
    table.rows.iter().map(line).collect()
}
