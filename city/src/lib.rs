//! The demo city 春城市: a synthetic municipal government cloud, as the files a real one would hand in.
//!
//! Owns the city, what is planted in it, and the order in which its files are handed in. Writes files into one folder,
//! and into a node's folder when they are delivered, and nothing else: no store, no lake; whoever plays the demo imports
//! the files like any others.
//!
//! Invariants: the same plan gives the same bytes in every file; every name says that it is demo data; unit prices are
//! public list prices or say that they are invented.

mod bills;
mod calendar;
mod dice;
mod estate;
mod looks;
mod market;
mod meters;
mod papers;
mod plants;
mod report;
mod script;
mod terms;
mod town;
mod traces;
mod words;

pub use report::{City, Counts, DeliveryKind, DifferenceClass, Expected, ImportKind, Plant, Planted, PoolPlan, Step};

use kernel::Month;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How big a city is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Departments.
    pub departments: usize,
    /// Information systems.
    pub systems: usize,
    /// Servers that are there at the end. Everything else follows: about four resources a server.
    pub servers: usize,
}

impl Scale {
    /// The demo: as many departments and systems as Kunming says it has, and 4.3 servers a system.
    pub const CITY: Self = Self {
        departments: 52,
        systems: 293,
        servers: 1260,
    };
    /// For tests.
    pub const VILLAGE: Self = Self {
        departments: 4,
        systems: 10,
        servers: 40,
    };

    /// About as many resources as asked for, in the proportions of the demo.
    pub const fn of_resources(resources: usize) -> Self {
        let servers = resources / 4;
        Self {
            departments: 52,
            systems: if servers < 43 { 10 } else { servers * 10 / 43 },
            servers,
        }
    }
}

/// What decides every byte of a city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CityPlan {
    /// Seed of all chance.
    pub seed: u64,
    /// The last full month of the history.
    pub until: Month,
    /// How many months it has; thirteen is the demo. What is planted in later months is left out of a shorter one.
    pub months: usize,
    /// How big it is.
    pub scale: Scale,
}

/// Why a city could not be made.
#[derive(Debug, Error)]
pub enum CityError {
    /// A file cannot be written.
    #[error("无法写入 {path}: {source}；请检查目录权限和剩余空间")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A delivery cannot be read.
    #[error("无法读取 {path}: {source}；请检查目录权限")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The plan makes no sense.
    #[error("演示城市的规模不可用: {0}")]
    Plan(String),
}

impl CityError {
    fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}

/// Writes the files of a city into a folder and tells in which order they are handed in.
///
/// `progress` is told what is being made, how far it is and how much there is of it. The folder should be empty;
/// deliveries of another plan in it are refused.
///
/// Errors: the plan is empty or too large; a file cannot be written.
pub fn build(plan: &CityPlan, folder: &Path, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<City, CityError> {
    check(plan)?;
    let mut town = town::found(plan);
    estate::settle(&mut town);
    let plants = plants::plant(&mut town);
    script::write(&town, plants, folder, progress)
}

/// Puts the files of a delivery into a node's folder as its provider would: manifests last.
///
/// Errors: a file cannot be read or written.
pub fn deliver(delivery: &Path, inbox: &Path) -> Result<(), CityError> {
    let read = |source| CityError::Read {
        path: delivery.to_owned(),
        source,
    };
    std::fs::create_dir_all(inbox).map_err(|why| CityError::write(inbox, why))?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(delivery).map_err(read)? {
        let entry = entry.map_err(read)?;
        let is_manifest = entry.path().extension().is_some_and(|ending| ending == "json");
        files.push((is_manifest, entry.path(), inbox.join(entry.file_name())));
    }
    files.sort();
    for (_, from, to) in files {
        std::fs::copy(&from, &to).map_err(|why| CityError::write(&to, why))?;
    }
    Ok(())
}

fn check(plan: &CityPlan) -> Result<(), CityError> {
    let Scale {
        departments,
        systems,
        servers,
    } = plan.scale;
    let fault = if !(1..=30).contains(&plan.months) {
        "月数应在 1 到 30 之间（合同期三年，历史从第七个月开始）"
    } else if departments == 0 || systems < departments.max(6) || servers < systems {
        "至少要有一个单位、六个系统，且系统不少于单位，服务器不少于系统"
    } else if servers > 1_000_000 {
        "服务器不超过一百万台"
    } else {
        return Ok(());
    };
    Err(CityError::Plan(fault.to_owned()))
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
