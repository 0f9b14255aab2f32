//! Writes all files, and puts them into the order in which a real city would hand them in.

use crate::bills::{Biller, careless};
use crate::looks::{Parcel, deliver_node};
use crate::meters::Meters;
use crate::papers::{self, Paper, Writing, file_name};
use crate::plants::Plants;
use crate::town::Town;
use crate::{City, CityError, Counts, DeliveryKind, Expected, ImportKind, Plant, Planted, Step};
use domain::registry::ResourceKind;
use kernel::Month;
use std::path::Path;

/// Writes everything and tells the steps.
pub(crate) fn write(
    town: &Town,
    plants: Plants,
    root: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<City, CityError> {
    let meters = Meters::new(&town.calendar, plants.troubles.lost());
    let parcels = deliveries(town, &meters, &plants, root, progress)?;
    let mut script = Script {
        town,
        plants: &plants,
        root,
        meters: &meters,
        steps: Vec::new(),
        bill_lines: 0,
    };
    script.beginning()?;
    let count = town.calendar.count();
    for month in 0..count {
        progress("账单与业务表", number(month), number(count));
        script.month(month, &parcels)?;
    }
    progress("账单与业务表", number(count), number(count));
    let Script { steps, bill_lines, .. } = script;
    let mut planted = plants.planted;
    planted.extend(steps.iter().find_map(gbk_file));
    Ok(City {
        months: town.calendar.months(),
        steps,
        planted,
        counts: counts(town, bill_lines),
    })
}

fn deliveries(
    town: &Town,
    meters: &Meters,
    plants: &Plants,
    root: &Path,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Vec<Parcel>, CityError> {
    let total = number(town.providers.len() * town.calendar.count());
    let mut made = 0;
    let mut parcels = Vec::new();
    for node in 0..town.providers.len() {
        let mut done = || {
            made += 1;
            progress("云节点交付文件", made, total);
        };
        parcels.extend(deliver_node(town, meters, &plants.troubles, node, root, &mut done)?);
    }
    Ok(parcels)
}

/// Outages are the file that is written in GBK.
fn gbk_file(step: &Step) -> Option<Planted> {
    let Step::Import {
        kind: ImportKind::Outages,
        path,
    } = step
    else {
        return None;
    };
    let month = path.parent()?.file_name()?.to_str()?.parse::<Month>().ok()?;
    let subject = path.file_name()?.to_str()?.to_owned();
    Some(Planted {
        plant: Plant::GbkFile,
        month,
        subject,
        expected: Expected::Readable,
    })
}

fn counts(town: &Town, bill_lines: usize) -> Counts {
    let last = town.calendar.ends().plus_s(-1);
    let live = |thing: &&crate::town::Thing| {
        thing.kind == ResourceKind::Server
            && thing
                .approved
                .iter()
                .any(|s| s.from <= last && s.to.is_none_or(|to| last < to))
    };
    Counts {
        departments: town.departments.len(),
        systems: town.systems.len(),
        servers: town.things.iter().filter(live).count(),
        vcpu: papers::vcpu(town, last),
        resources: town.things.len(),
        bill_lines,
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

struct Script<'t> {
    town: &'t Town,
    plants: &'t Plants,
    root: &'t Path,
    meters: &'t Meters,
    steps: Vec<Step>,
    bill_lines: usize,
}

impl Script<'_> {
    fn import(&mut self, kind: ImportKind, month: usize, ending: &str, paper: Paper) -> Result<(), CityError> {
        if paper.is_empty() {
            // Nothing to hand in this month.
            return Ok(());
        }
        let writing = if kind == ImportKind::Outages {
            Writing::Gbk
        } else {
            Writing::Marked
        };
        let name = file_name(kind, &self.town.calendar.month(month).to_string(), ending);
        let path = paper.put(self.root, &name, writing)?;
        self.steps.push(Step::Import { kind, path });
        Ok(())
    }

    /// What is there before the first month.
    fn beginning(&mut self) -> Result<(), CityError> {
        let town = self.town;
        self.import(ImportKind::Organisations, 0, "", papers::organisations(town))?;
        self.import(ImportKind::Systems, 0, "", papers::systems(&town.systems, 0))?;
        self.import(ImportKind::Catalogue, 0, "", papers::catalogue(town))?;
        self.import(ImportKind::Contracts, 0, "", papers::contracts(town))?;
        for provider in &town.providers {
            if let Some(book) = provider.books.first() {
                let ending = format!("-{}-v{}", provider.code, book.version);
                self.import(ImportKind::Prices, 0, &ending, papers::prices(provider, book))?;
            }
            let folder = self.root.join("nodes").join(provider.node);
            std::fs::create_dir_all(&folder).map_err(|e| CityError::write(&folder, e))?;
            self.steps.push(Step::NodeAdd {
                code: provider.node.to_owned(),
                name: provider.node_name.clone(),
                provider: provider.code.to_owned(),
                folder,
                since: papers::since(town),
                pools: papers::pools(provider),
            });
        }
        self.import(ImportKind::Projects, 0, "", papers::projects(town))
    }

    fn month(&mut self, month: usize, parcels: &[Parcel]) -> Result<(), CityError> {
        // What belongs to the month before and comes only now that it is closed.
        if let Some(before) = month.checked_sub(1) {
            self.deliver(before, DeliveryKind::Late, parcels);
        }
        self.changes(month)?;
        self.import(
            ImportKind::Allocations,
            month,
            "",
            papers::allocations(self.town, month),
        )?;
        self.deliver(month, DeliveryKind::Usual, parcels);
        self.deliver(month, DeliveryKind::Again, parcels);
        if let Some(paper) = papers::works(self.town, month) {
            self.import(ImportKind::DeclaredWork, month, "", paper)?;
        }
        let outages: Vec<_> = self
            .plants
            .outages
            .iter()
            .filter(|outage| outage.month == month)
            .collect();
        if !outages.is_empty() {
            self.import(ImportKind::Outages, month, "", papers::outages(outages))?;
        }
        self.bills(month)?;
        if month + 1 < self.town.calendar.count() {
            self.steps.push(Step::CloseMonth(self.town.calendar.month(month)));
        }
        Ok(())
    }

    /// Registrations and prices that change in a month.
    fn changes(&mut self, month: usize) -> Result<(), CityError> {
        let town = self.town;
        if let Some(merger) = self.plants.merger.as_ref().filter(|merger| merger.month == month) {
            self.import(
                ImportKind::Organisations,
                month,
                "-merger",
                papers::merger(town, merger),
            )?;
        }
        if let Some((system, _)) = self.plants.moved.filter(|(_, at)| *at == month) {
            self.import(
                ImportKind::Systems,
                month,
                "-transfer",
                papers::systems(town.systems.get(system), 1),
            )?;
        }
        for provider in &town.providers {
            let later = provider.books.iter().skip(1);
            for book in later.filter(|book| town.calendar.index_of(book.from.start()) == month) {
                let ending = format!("-{}-v{}", provider.code, book.version);
                self.import(ImportKind::Prices, month, &ending, papers::prices(provider, book))?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, month: usize, kind: DeliveryKind, parcels: &[Parcel]) {
        for parcel in parcels
            .iter()
            .filter(|parcel| parcel.month == month && parcel.kind == kind)
        {
            let node = self.town.providers.get(parcel.node).map_or("", |p| p.node).to_owned();
            self.steps.push(Step::Deliver {
                node,
                folder: parcel.folder.clone(),
                kind,
            });
        }
    }

    fn bills(&mut self, month: usize) -> Result<(), CityError> {
        let town = self.town;
        for (place, provider) in town.providers.iter().enumerate() {
            let biller = Biller {
                town,
                meters: self.meters,
                mistakes: &self.plants.mistakes,
                provider: place,
            };
            let lines = biller.bill(month);
            let mut version = 1;
            if self.plants.mistakes.careless == Some((place, month)) {
                let ending = format!("-{}-v{version}", provider.code);
                let paper = papers::bill(town, (place, month, version), &careless(&lines));
                self.import(ImportKind::ProviderBill, month, &ending, paper)?;
                version += 1;
            }
            self.bill_lines += lines.len();
            let ending = format!("-{}-v{version}", provider.code);
            self.import(
                ImportKind::ProviderBill,
                month,
                &ending,
                papers::bill(town, (place, month, version), &lines),
            )?;
        }
        Ok(())
    }
}
