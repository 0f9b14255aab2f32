//! What the caller gets: the steps to play, and what has to be found.

use domain::meter::CaseKind;
use domain::registry::PoolKind;
use kernel::{Day, Month};
use std::path::PathBuf;

/// A kind of file that is imported; the word is that of the import command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportKind {
    /// Organisations.
    Organisations,
    /// Information systems.
    Systems,
    /// Which project of a node belongs to which system.
    Projects,
    /// Service catalogue.
    Catalogue,
    /// Contracts.
    Contracts,
    /// One version of the prices of one contract.
    Prices,
    /// Allocations.
    Allocations,
    /// Accepted work.
    DeclaredWork,
    /// A provider's bill.
    ProviderBill,
    /// Outages.
    Outages,
}

impl ImportKind {
    /// The word in commands and file names.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Organisations => "organisations",
            Self::Systems => "systems",
            Self::Projects => "projects",
            Self::Catalogue => "catalogue",
            Self::Contracts => "contracts",
            Self::Prices => "prices",
            Self::Allocations => "allocations",
            Self::DeclaredWork => "declared-work",
            Self::ProviderBill => "provider-bill",
            Self::Outages => "outages",
        }
    }
}

/// How a folder of deliveries comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKind {
    /// With its month.
    Usual,
    /// After its month was closed.
    Late,
    /// Although it was delivered before.
    Again,
}

/// A resource pool of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolPlan {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: PoolKind,
    /// The availability zones that belong to it.
    pub zones: Vec<String>,
}

/// One thing to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Import a file.
    Import {
        /// What it is.
        kind: ImportKind,
        /// Where it lies.
        path: PathBuf,
    },
    /// Add a node that delivers numbered files.
    NodeAdd {
        /// Its code.
        code: String,
        /// Its name.
        name: String,
        /// Code of its provider.
        provider: String,
        /// The folder into which the provider puts its files: empty when the node is added.
        folder: PathBuf,
        /// Since when it is there.
        since: Day,
        /// Its pools.
        pools: Vec<PoolPlan>,
    },
    /// The provider delivers: copy every file of `folder` into the node's folder (manifests, the `.json`, last), then collect.
    Deliver {
        /// Code of the node.
        node: String,
        /// The files.
        folder: PathBuf,
        /// In time or not.
        kind: DeliveryKind,
    },
    /// Meter, rate and reconcile the month, and close it. The last month of a history has no such step: it is left ready.
    CloseMonth(Month),
}

/// How many there are of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Departments.
    pub departments: usize,
    /// Information systems.
    pub systems: usize,
    /// Servers that are approved at the end.
    pub servers: usize,
    /// Processors of these.
    pub vcpu: i64,
    /// Resources and services that were ever opened, work included.
    pub resources: usize,
    /// Lines of all bills.
    pub bill_lines: usize,
}

/// What was planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plant {
    /// Prices change on the 15th.
    PriceChange,
    /// A server is resized.
    Resize,
    /// A department is merged into another.
    Merger,
    /// A system moves to another department in the middle of a month.
    Transfer,
    /// The provider bills the department that had the system before.
    BilledToOldOwner,
    /// A server is deleted at the node, the papers know nothing of it.
    DeletedBehindTheBack,
    /// A server runs that nobody approved.
    NeverApproved,
    /// A server is in a project that belongs to no system.
    UnmappedProject,
    /// A server is smaller than approved, and billed as approved.
    SmallerThanApproved,
    /// An allocation is handed in after its month was closed.
    LateAllocation,
    /// A released server is billed.
    BilledAfterRelease,
    /// The old price is billed after a change.
    BilledAtOldPrice,
    /// A server is left out of the bill.
    LeftOutOfBill,
    /// A server is billed from its creation instead of its acceptance.
    BilledFromCreation,
    /// A bill is submitted with mistakes, and again without.
    BillInTwoVersions,
    /// A numbered file arrives after its month was closed.
    LateFile,
    /// A node delivers nothing for three days.
    NodeOutage,
    /// A node delivers no samples for a day.
    DayWithoutSamples,
    /// The same file is delivered twice.
    DuplicateDelivery,
    /// An outage that counts.
    OutageDeducted,
    /// An outage that does not count.
    OutageExcluded,
    /// A name that a spreadsheet would take for a formula.
    FormulaName,
    /// A name with rare characters.
    RareCharacters,
    /// A file in GBK.
    GbkFile,
}

/// Class of a difference between our charges and a provider's bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceClass {
    /// Another quantity.
    Quantity,
    /// Another price.
    Price,
    /// Another period.
    Period,
    /// Another department.
    Owner,
    /// Charged by us and not in the bill.
    Missing,
    /// In the bill and not charged by us.
    Extra,
}

/// How what was planted has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expected {
    /// As a case of this kind about the subject (for late data: about its node).
    Case(CaseKind),
    /// As a difference of this class to the provider's bill.
    Difference(DifferenceClass),
    /// As two lines with a cut at the moment of the change.
    LineSplit,
    /// As a correction line in an open month.
    Correction,
    /// As a deduction for the subject.
    Deduction,
    /// Without a deduction.
    NoDeduction,
    /// Without any change.
    NoChange,
    /// The differences are those of the last version.
    LastVersionCounts,
    /// The name stands in documents as it is.
    NameIntact,
    /// The file is read like any other.
    Readable,
}

/// Something that was planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// What.
    pub plant: Plant,
    /// In which month it shows first.
    pub month: Month,
    /// About what: allocation, `node/native id`, `node:project`, `node@day`, node, system, department, provider,
    /// contract or file.
    pub subject: String,
    /// How it shows.
    pub expected: Expected,
}

/// A city that was made.
#[derive(Debug, Clone)]
pub struct City {
    /// Its months, the last one being left open.
    pub months: Vec<Month>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What has to be found.
    pub planted: Vec<Planted>,
    /// How big it is.
    pub counts: Counts,
}
