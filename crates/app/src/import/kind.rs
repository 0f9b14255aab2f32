//! The kinds of file, by their words.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A kind of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportKind {
    /// Organisations of every side.
    Organisations,
    /// Information systems.
    Systems,
    /// What is registered of the platforms of cloud nodes and of their pools.
    Platforms,
    /// Which project of a node belongs to which system.
    Projects,
    /// The service catalogue.
    Catalogue,
    /// Contracts and their terms.
    Contracts,
    /// Versions of price books.
    Prices,
    /// What was approved and opened.
    Allocations,
    /// Accepted work.
    DeclaredWork,
    /// A provider's bill of a month.
    ProviderBill,
    /// Outages of resources.
    Outages,
}

impl ImportKind {
    /// Every kind, in the order in which a new deployment needs them.
    pub const ALL: [Self; 11] = [
        Self::Organisations,
        Self::Systems,
        Self::Platforms,
        Self::Projects,
        Self::Catalogue,
        Self::Contracts,
        Self::Prices,
        Self::Allocations,
        Self::DeclaredWork,
        Self::ProviderBill,
        Self::Outages,
    ];

    /// The word in commands.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Organisations => "organisations",
            Self::Systems => "systems",
            Self::Platforms => "platforms",
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

    /// The word for people; also the name of the sheet in a workbook.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Organisations => "组织机构",
            Self::Systems => "信息系统",
            Self::Platforms => "云平台",
            Self::Projects => "项目对应",
            Self::Catalogue => "服务目录",
            Self::Contracts => "合同",
            Self::Prices => "价目",
            Self::Allocations => "资源分配",
            Self::DeclaredWork => "服务工作",
            Self::ProviderBill => "云服务商账单",
            Self::Outages => "服务中断",
        }
    }

    /// Rows that one file may have.
    pub(super) const fn rows_max(self) -> usize {
        match self {
            Self::Platforms | Self::Catalogue | Self::Contracts => 5_000,
            Self::Organisations | Self::Systems | Self::Projects | Self::Prices => 50_000,
            Self::Allocations | Self::DeclaredWork | Self::ProviderBill | Self::Outages => 300_000,
        }
    }
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ImportKind {
    type Err = String;

    /// Accepts the word, also with underscores, or its Chinese form.
    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim().replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word || kind.zh() == word)
            .ok_or_else(|| {
                let words: Vec<_> = Self::ALL
                    .iter()
                    .map(|kind| format!("{}（{}）", kind.word(), kind.zh()))
                    .collect();
                format!("{text:?} 不是可导入的类别，请填写其中之一: {}", words.join("、"))
            })
    }
}

impl Serialize for ImportKind {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}
