//! Plays the city through the platform's own steps, from the files alone, and checks that what it finds is what was
//! planted and nothing else: the bills are reckoned here and the charges there, by different people.

use crate::{City, CityPlan, Expected, ImportKind, Plant, Scale, Step, build};
use domain::catalogue::{
    Commitment, Contract, PriceBook, PriceLine, PriceModel, PriceScope, Proration, ServiceItem, Tier, TierScope,
};
use domain::collect::{Look, LookKind, Sample, Sighting, SightingChange, fold_look};
use domain::meter::{Allocation, CaseKind, Coverage, Finding, MeterInput, check_allocations, check_usage, meter_month};
use domain::rate::{RateInput, Tariffs, rate_month};
use domain::registry::{
    CloudNode, History, InformationSystem, NodeSource, Organisation, ProjectMapping, Registered, Registry,
    ResourcePool, Version,
};
use kernel::{Day, Factor, Instant, Month, NodeCode, Period};
use sources::numbered;
use sources::tabular::{Limits, read_table};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::str::FromStr;

/// A row of a file, by heading.
struct Line(BTreeMap<String, String>);

impl Line {
    fn text(&self, heading: &str) -> &str {
        self.0.get(heading).unwrap_or_else(|| panic!("no column {heading}"))
    }

    fn read<T: FromStr<Err: Debug>>(&self, heading: &str) -> T {
        let text = self.text(heading);
        text.parse()
            .unwrap_or_else(|error| panic!("{heading} {text:?}: {error:?}"))
    }

    fn maybe<T: FromStr<Err: Debug>>(&self, heading: &str) -> Option<T> {
        (!self.text(heading).is_empty()).then(|| self.read(heading))
    }

    fn since(&self) -> Instant {
        self.read::<Day>("生效日期").start()
    }
}

fn rows(path: &Path) -> Vec<Line> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let table = read_table(name, &std::fs::read(path).unwrap(), Limits::default()).unwrap();
    assert!(table.faults.is_empty(), "{name}: {}", table.faults);
    let line = |row: sources::tabular::Row| Line(table.columns.iter().cloned().zip(row.cells).collect());
    table.rows.into_iter().map(line).collect()
}

/// resource, item -> fen by month and owner.
type Sums = BTreeMap<(String, String), BTreeMap<String, i64>>;

/// Fen by organisation.
type Owners<'a> = BTreeMap<&'a str, i64>;

/// What the platform would know.
#[derive(Default)]
struct Platform {
    registry: Registry,
    items: History<ServiceItem>,
    contracts: History<Contract>,
    books: Vec<PriceBook>,
    allocations: BTreeMap<(String, Instant), Allocation>,
    sightings: BTreeMap<NodeCode, Vec<Sighting>>,
    looks: BTreeMap<NodeCode, Vec<(Instant, LookKind)>>,
    samples: BTreeMap<NodeCode, Vec<Sample>>,
    bills: BTreeMap<(String, Month), Sums>,
    charges: BTreeMap<Month, Sums>,
    findings: BTreeSet<(Month, Finding)>,
    outages: usize,
}

fn add<T: Registered>(history: &mut History<T>, valid_from: Instant, body: T) {
    history.add(Version { valid_from, body }).unwrap();
}

impl Platform {
    fn play(city: &City) -> Self {
        let mut platform = Self::default();
        for step in &city.steps {
            match step {
                Step::Import { kind, path } => rows(path).iter().for_each(|line| platform.import(*kind, line)),
                Step::NodeAdd {
                    code,
                    name,
                    provider,
                    since,
                    pools,
                    ..
                } => {
                    let node = CloudNode {
                        code: code.parse().unwrap(),
                        name: name.clone(),
                        provider: provider.parse().unwrap(),
                        source: NodeSource::Files { folder: String::new() },
                        platform: domain::registry::Platform::default(),
                    };
                    for pool in pools {
                        let body = ResourcePool {
                            code: pool.code.parse().unwrap(),
                            name: pool.name.clone(),
                            node: node.code.clone(),
                            kind: pool.kind,
                            zones: pool.zones.clone(),
                            separate: None,
                        };
                        add(&mut platform.registry.pools, since.start(), body);
                    }
                    add(&mut platform.registry.nodes, since.start(), node);
                }
                Step::Deliver { node, folder, .. } => platform.collect(&node.parse().unwrap(), folder),
                Step::CloseMonth(month) => platform.close(*month),
            }
        }
        platform.close(*city.months.last().unwrap());
        platform
    }

    fn import(&mut self, kind: ImportKind, line: &Line) {
        match kind {
            ImportKind::Organisations => {
                let body = Organisation {
                    code: line.read("代码"),
                    name: line.read("名称"),
                    side: line.read("类别"),
                    parent: line.maybe("上级代码"),
                    merged_into: line.maybe("并入代码"),
                    municipal: None,
                };
                add(&mut self.registry.organisations, line.since(), body);
            }
            ImportKind::Systems => {
                let body = InformationSystem {
                    code: line.read("代码"),
                    name: line.read("名称"),
                    organisation: line.read("所属单位代码"),
                    mlps_level: line.maybe("等保级别"),
                    zone: line.read("网络区域"),
                    data_grade: line.maybe("数据分级"),
                    status: line.read("状态"),
                    origin: line.read("来源"),
                };
                add(&mut self.registry.systems, line.since(), body);
            }
            ImportKind::Projects => {
                let body = ProjectMapping {
                    node: line.read("云节点"),
                    project: line.read("项目"),
                    system: line.maybe("系统代码"),
                };
                add(&mut self.registry.mappings, line.since(), body);
            }
            ImportKind::Catalogue => self.item(line),
            ImportKind::Contracts => self.contract(line),
            ImportKind::Prices => self.price(line),
            ImportKind::Allocations | ImportKind::DeclaredWork => self.allocation(kind, line),
            ImportKind::ProviderBill => self.billed(line),
            ImportKind::Outages => {
                let _: NodeCode = line.read("云节点");
                let (from, to): (Instant, Instant) = (line.read("开始"), line.read("结束"));
                assert!(from < to);
                self.outages += 1;
            }
        }
    }

    fn item(&mut self, line: &Line) {
        let body = ServiceItem {
            code: line.read("代码"),
            name: line.read("名称"),
            layer: line.read("层级"),
            form: line.read("服务形式"),
            kind: line.read("资源类型"),
            measure: line.read("计量项"),
            unit: line.read("单位"),
            basis: line.read("计量依据"),
            class: line.maybe("规格类别"),
            pool: line.maybe("资源池类型"),
            zone: line.maybe("网络区域"),
            tenancy: line.maybe("适用形式"),
        };
        add(&mut self.items, line.since(), body);
    }

    fn contract(&mut self, line: &Line) {
        let commitments = line.text("最低承诺").split(';').filter(|t| !t.is_empty()).map(|text| {
            let (minimum, rest) = text.split_once('@').unwrap();
            let (payer, items) = rest.split_once(':').unwrap_or((rest, ""));
            Commitment {
                items: items
                    .split(',')
                    .filter(|t| !t.is_empty())
                    .map(|t| t.parse().unwrap())
                    .collect(),
                minimum: minimum.parse().unwrap(),
                payer: payer.parse().unwrap(),
            }
        });
        let body = Contract {
            code: line.read("合同编号"),
            title: line.read("合同名称"),
            provider: line.read("云服务商代码"),
            round: line.read("采购批次"),
            lot: line.read("分包"),
            starts: line.read("服务开始日"),
            ends: line.read("服务终止日"),
            ceiling: line.maybe("合同上限（元）"),
            proration: line.read::<Proration>("折算方式"),
            tolerance: line.read("对账容差（元）"),
            sla: None,
            commitments: commitments.collect(),
            source: line.read("依据"),
        };
        body.check().unwrap();
        let _: domain::catalogue::OutageRounding = line.read("停机取整");
        add(&mut self.contracts, line.since(), body);
    }

    fn price(&mut self, line: &Line) {
        let tiers = || -> Vec<Tier> {
            let tier = |text: &str| {
                let (up_to, price) = text.split_once(':').unwrap();
                Tier {
                    up_to: (!up_to.is_empty()).then(|| up_to.parse().unwrap()),
                    price: price.parse().unwrap(),
                }
            };
            line.text("阶梯").split(';').map(tier).collect()
        };
        let model = match line.text("计价方式") {
            "flat" => PriceModel::Flat {
                price: line.read("单价（元）"),
            },
            "one_off" => PriceModel::OneOff {
                price: line.read("单价（元）"),
            },
            "graduated" => PriceModel::Graduated {
                tiers: tiers(),
                scope: line.read::<TierScope>("阶梯范围"),
            },
            "volume" => PriceModel::Volume {
                tiers: tiers(),
                scope: line.read::<TierScope>("阶梯范围"),
            },
            "package" => PriceModel::Package {
                price: line.read("单价（元）"),
                included: line.read("包含量"),
                beyond: line.read("超出单价（元）"),
            },
            other => panic!("{other}"),
        };
        let (contract, version) = (line.read("合同编号"), line.read("价目版本"));
        let place = self
            .books
            .iter()
            .position(|b| b.contract == contract && b.version == version);
        let place = place.unwrap_or_else(|| {
            let (effective_from, source, approver) = (line.read("生效日期"), line.read("依据"), line.read("批准人"));
            self.books.push(PriceBook {
                contract,
                version,
                effective_from,
                source,
                approver,
                lines: Vec::new(),
            });
            self.books.len() - 1
        });
        self.books[place].lines.push(PriceLine {
            item: line.read("条目代码"),
            scope: PriceScope {
                node: line.maybe("云节点"),
                pool: line.maybe("资源池类型"),
            },
            model,
            discount: line.read::<Factor>("折扣"),
            ceiling: line.maybe("最高限价（元）"),
            cap: line.maybe("单资源月封顶（元）"),
            clause: line.read("条款"),
        });
    }

    fn allocation(&mut self, kind: ImportKind, line: &Line) {
        let work = kind == ImportKind::DeclaredWork;
        let from: Instant = if work {
            line.read::<Day>("验收日期").start()
        } else {
            line.read("计费开始")
        };
        let to = if work {
            Some(from.plus_s(86_400))
        } else {
            line.maybe("计费终止")
        };
        let allocation = Allocation {
            code: line.read(if work { "工作单号" } else { "分配单号" }),
            system: line.read("系统代码"),
            form: line.read("服务形式"),
            kind: if work {
                domain::registry::ResourceKind::Work
            } else {
                line.read("资源类型")
            },
            class: line.text(if work { "工作类别" } else { "规格类别" }).to_owned(),
            spec: line.read(if work { "工作量" } else { "规格" }),
            node: line.read("云节点"),
            pool: if work { None } else { line.maybe("资源池代码") },
            native_id: if work { None } else { line.maybe("云资源标识") },
            contract: line.maybe("合同编号"),
            parent: if work { None } else { line.maybe("上级分配单号") },
            period: Period::open(from, to).unwrap(),
        };
        self.allocations.insert((allocation.code.to_string(), from), allocation);
    }

    fn billed(&mut self, line: &Line) {
        let key = (line.text("云服务商代码").to_owned(), line.read::<Month>("账期"));
        let version: u32 = line.read("账单版本");
        if version > 1 && line.text("行号") == "1" {
            self.bills.remove(&key);
        }
        let native = line.text("云资源标识");
        // What no node lists goes by its order number, as in our own charges.
        let on_node = !native.starts_with("FP-") && !native.starts_with("GD-");
        let resource = if on_node {
            format!("{}/{native}", line.text("云节点"))
        } else {
            native.to_owned()
        };
        let amount: kernel::Money = line.read("金额（元）");
        let sums = self
            .bills
            .entry(key)
            .or_default()
            .entry((resource, line.text("条目代码").to_owned()))
            .or_default();
        *sums.entry(line.text("使用单位代码").to_owned()).or_default() += amount.fen();
    }

    fn collect(&mut self, node: &NodeCode, folder: &Path) {
        for delivery in numbered::list(folder, node).unwrap() {
            self.look(node, numbered::read(&delivery).unwrap().look);
        }
    }

    fn look(&mut self, node: &NodeCode, look: Look) {
        let looks = self.looks.entry(node.clone()).or_default();
        if looks.iter().any(|(at, _)| *at == look.taken_at) {
            return; // The same number again: taken once.
        }
        let last = looks.iter().map(|(at, _)| *at).filter(|at| *at < look.taken_at).max();
        let later_full = looks
            .iter()
            .filter(|(at, kind)| *kind == LookKind::Full && *at > look.taken_at);
        let next_full = later_full.map(|(at, _)| *at).min();
        looks.push((look.taken_at, look.kind));
        let sightings = self.sightings.entry(node.clone()).or_default();
        let known: Vec<_> = sightings
            .iter()
            .filter(|s| last.is_none_or(|last| s.period.to() >= last))
            .cloned()
            .collect();
        let place = |sightings: &[Sighting], native_id: &str, from: Instant| {
            sightings
                .iter()
                .position(|s| s.seen.native_id == native_id && s.period.from() == from)
                .unwrap()
        };
        let mut added = Vec::new();
        for change in fold_look(&look, &known, last, next_full) {
            match change {
                SightingChange::Add(sighting) => added.push(sighting),
                SightingChange::End { native_id, from, to } => {
                    let place = place(sightings, &native_id, from);
                    sightings[place].period = Period::new(from, to).unwrap();
                }
                SightingChange::Drop { native_id, from } => {
                    sightings.remove(place(sightings, &native_id, from));
                }
            }
        }
        sightings.extend(added);
        self.samples.entry(node.clone()).or_default().extend(look.samples);
    }

    fn close(&mut self, month: Month) {
        let period = month.period();
        let end = period.to().plus_s(-1);
        let allocations: Vec<_> = self
            .allocations
            .values()
            .filter(|a| a.period.from() < period.to())
            .cloned()
            .collect();
        assert_eq!(check_allocations(&allocations), [], "{month}");
        let coverage = self
            .looks
            .iter()
            .map(|(node, looks)| (node.clone(), Coverage::new(looks.iter().map(|(at, _)| *at).collect())))
            .collect();
        let inside = |s: &&Sample| period.contains(s.at);
        let samples = self
            .samples
            .iter()
            .map(|(n, list)| (n.clone(), list.iter().filter(inside).cloned().collect()))
            .collect();
        let shared = |s: &&Sighting| s.period.and(period).is_some();
        let sightings = self
            .sightings
            .iter()
            .map(|(n, list)| (n.clone(), list.iter().filter(shared).cloned().collect()))
            .collect();
        let output = meter_month(&MeterInput {
            month: period,
            registry: &self.registry,
            items: self.items.all_at(end).collect(),
            contracts: self.contracts.all_at(end).collect(),
            allocations: &allocations,
            sightings: &sightings,
            coverage: &coverage,
            samples: &samples,
        });
        assert_eq!(check_usage(&output.table, period), [], "{month}");
        let tariffs = Tariffs::new(self.books.clone(), self.contracts.all_at(end).cloned());
        let charges = rate_month(&RateInput {
            month,
            usage: &output.table,
            tariffs: &tariffs,
        })
        .unwrap();
        let mut sums = Sums::new();
        for row in &charges.rows {
            let text = |name| charges.names.text(name).to_owned();
            let owners = sums.entry((text(row.resource), text(row.item))).or_default();
            *owners.entry(text(row.organisation)).or_default() += row.amount.fen();
        }
        self.charges.insert(month, sums);
        self.findings
            .extend(output.findings.into_iter().map(|finding| (month, finding)));
    }

    /// Resource, item and whether the amount or only its owner differs, beyond the tolerance of 10 fen.
    fn differences(&self, month: Month) -> BTreeSet<(String, String)> {
        let mut all: BTreeMap<&(String, String), (Owners<'_>, Owners<'_>)> = BTreeMap::new();
        for (key, owners) in &self.charges[&month] {
            all.entry(key)
                .or_default()
                .0
                .extend(owners.iter().map(|(o, fen)| (o.as_str(), *fen)));
        }
        for (_, sums) in self.bills.iter().filter(|((_, at), _)| *at == month) {
            for (key, owners) in sums {
                all.entry(key)
                    .or_default()
                    .1
                    .extend(owners.iter().map(|(o, fen)| (o.as_str(), *fen)));
            }
        }
        let owners = |(ours, theirs): &(Owners<'_>, Owners<'_>)| {
            let names: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
            let fen = |map: &Owners<'_>, name| map.get(name).copied().unwrap_or(0);
            names
                .into_iter()
                .any(|name| (fen(ours, name) - fen(theirs, name)).abs() > 10)
        };
        // A shortfall of a commitment is charged by us alone.
        let differing = all
            .iter()
            .filter(|((resource, _), both)| !resource.contains(":commitment") && owners(both));
        differing.map(|(key, _)| (*key).clone()).collect()
    }
}

fn played(scale: Scale) -> (City, Platform) {
    let folder = tempfile::tempdir().unwrap();
    let plan = CityPlan {
        seed: 7,
        until: "2026-06".parse().unwrap(),
        months: 13,
        scale,
    };
    let city = build(&plan, folder.path(), &mut |_, _, _| {}).unwrap();
    let platform = Platform::play(&city);
    (city, platform)
}

/// What differs from the bills is what was planted, in its months, and nothing else.
fn check_differences(city: &City, platform: &Platform) {
    let subjects = |plant: Plant| -> BTreeSet<&str> {
        city.planted
            .iter()
            .filter(|p| p.plant == plant)
            .map(|p| p.subject.as_str())
            .collect()
    };
    let found: Vec<BTreeSet<(String, String)>> = city.months.iter().map(|month| platform.differences(*month)).collect();
    let about =
        |month: usize| -> BTreeSet<String> { found[month].iter().map(|(resource, _)| resource.clone()).collect() };
    for quiet in [0, 1, 2, 8, 9, 10, 11, 12] {
        assert_eq!(found[quiet], BTreeSet::new(), "month {quiet}");
    }
    let has = |month: usize, plant: Plant| {
        let resources = about(month);
        assert!(
            subjects(plant).iter().any(|s| resources.contains(*s)),
            "{plant:?} in {month}: {resources:?}"
        );
    };
    has(3, Plant::SmallerThanApproved);
    has(3, Plant::BilledFromCreation);
    has(5, Plant::BilledAfterRelease);
    has(6, Plant::BilledAfterRelease);
    has(6, Plant::LeftOutOfBill);
    has(6, Plant::LateAllocation);
    has(7, Plant::LateAllocation);
    // Month 3: two servers, of one the disk too. Month 4: still too small, and server and disk of the late file.
    assert_eq!(
        (about(3).len(), about(4).len()),
        (3, 3),
        "{:?} {:?}",
        found[3],
        found[4]
    );
    let items: BTreeSet<&str> = found[7].iter().map(|(_, item)| item.as_str()).collect();
    // Processors and fast disks at the old price; memory and system disk of the papers that are late.
    assert_eq!(
        items,
        BTreeSet::from(["ECS-X86-CPU", "ECS-X86-MEM", "VOL-GEN", "VOL-SSD"])
    );
    assert_eq!(platform.outages, 2);
}

#[test]
fn a_village_shows_what_was_planted_and_nothing_else() {
    let (city, platform) = played(Scale::VILLAGE);
    check_differences(&city, &platform);
    for planted in &city.planted {
        // What is late is noticed when it arrives, not by metering its month.
        let Expected::Case(kind) = planted.expected else {
            continue;
        };
        let found = platform.findings.iter().any(|(month, finding)| {
            *month == planted.month && finding.kind == kind && finding.subject == planted.subject
        });
        assert!(found || kind == CaseKind::LateData, "{planted:?}");
    }
    let kinds: BTreeSet<CaseKind> = platform.findings.iter().map(|(_, f)| f.kind).collect();
    let expected = [
        CaseKind::NotApproved,
        CaseKind::NotObserved,
        CaseKind::SmallerThanApproved,
        CaseKind::UnmappedProject,
        CaseKind::NodeGap,
        CaseKind::MissingSamples,
    ];
    assert_eq!(kinds, expected.into_iter().collect(), "{:#?}", platform.findings);
    let missing = platform
        .findings
        .iter()
        .filter(|(_, f)| f.kind == CaseKind::MissingSamples);
    let missing: BTreeSet<_> = missing.map(|(month, f)| (*month, f.owner.as_str())).collect();
    assert_eq!(
        missing,
        BTreeSet::from([(city.months[8], "P2"), (city.months[9], "P1")]),
        "days without samples"
    );
}

#[test]
fn the_bills_of_a_town_differ_only_where_planted() {
    // Enough departments for tiers that are shared, and for the cap.
    let (city, platform) = played(Scale {
        departments: 12,
        systems: 70,
        servers: 300,
    });
    check_differences(&city, &platform);
    let last = &platform.charges[city.months.last().unwrap()];
    let capped = last
        .iter()
        .filter(|((_, item), owners)| item == "BW-P95" && owners.values().sum::<i64>() == 600_000);
    assert!(capped.count() > 0, "no line is held to its cap");
}
