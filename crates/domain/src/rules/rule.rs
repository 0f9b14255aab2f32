//! One rule in one version.

use super::{Composition, DeadlineKind, Purpose, RuleCode};
use crate::registry::{Measure, ResourceKind, words};
use kernel::{Day, Factor};
use serde::{Deserialize, Serialize};

words! {
    /// What follows when an application does not meet a rule.
    Severity {
        /// It cannot go on.
        Block = "block", "阻断";
        /// It goes on with less.
        Reduce = "reduce", "核减";
        /// It goes back for what is missing.
        Supplement = "supplement", "补正";
        /// The approver is told.
        Warn = "warn", "提示";
    }
}

/// What a rule checks, with its parameters. Internally tagged by `check` in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "snake_case", deny_unknown_fields)]
pub enum RuleKind {
    /// R1: increments of municipal units go to the Xinchuang pool.
    XinchuangOnly {
        /// Kinds of resource that must say which pool they are for; of other kinds only a stated x86 pool counts.
        pool_needed: Vec<ResourceKind>,
    },
    /// R2: a review is complete, and is executed exactly as decided.
    ReviewAsDecided {
        /// Composition and quorum; none means not configured, and neither is judged.
        composition: Option<Composition>,
    },
    /// R3: what the catalogue offers is not bought anew.
    NotOfferedAlready {},
    /// R4: stock before increment.
    StockBeforeIncrement {
        /// Kinds of resource whose stock counts.
        kinds: Vec<ResourceKind>,
        /// Measures that are compared.
        measures: Vec<Measure>,
        /// Looks and utilisation less complete than this are no basis for a finding.
        completeness_at_least: Factor,
        /// A server that was switched off for so long is idle; none means that nobody judges it. Units: days.
        stopped_days: Option<u16>,
    },
    /// R5: classified systems stay outside.
    NotClassified {},
    /// R6: systems above a level stay outside, or need a pool of their own.
    LevelCeiling {
        /// The highest level of the general cloud.
        highest: u8,
        /// Whether a higher one is let in where a provider has a separate pool for it.
        separate_pool: bool,
    },
    /// R7: no system of a higher level than its platform.
    LevelWithinPlatform {},
    /// R8: a migrated system brings its filing certificate.
    FilingCertificate {
        /// From this level on.
        from_level: u8,
    },
    /// R17: resources that are needed for a time only say until when.
    UntilDate {
        /// Purposes that are for a time only.
        purposes: Vec<Purpose>,
    },
    /// R37: operation and data inside China.
    InsideChina {},
    /// R41: a crypto plan and its assessment.
    CryptoPlan {
        /// The policy switch.
        enforced: bool,
        /// From this level on.
        from_level: u8,
    },
    /// R46: what is built anew is built on the cloud.
    OnCloud {},
    /// R48: the provider is chosen by comparing quotes within the catalogue price.
    QuoteComparison {
        /// At least so many quotes; none means not configured.
        quotes_at_least: Option<u8>,
    },
    /// A deadline; its terms stand in the table of deadlines.
    Deadline {
        /// Its kinds.
        deadlines: Vec<DeadlineKind>,
        /// Where it is watched, in words.
        enforced_by: String,
    },
    /// Behaviour of the product: nothing to check on an application; listed so that an auditor sees all.
    Behaviour {
        /// Where it is enforced, in words.
        enforced_by: String,
    },
    /// A rule of the city's own, over the facts of [`super::RequestFacts`], evaluated outside the domain.
    Own {
        /// A CEL expression; true means that the application meets the rule.
        expression: String,
        /// What is wrong and what to do, if it is false.
        failure: String,
    },
}

impl RuleKind {
    /// Whether it is a check on an application; the others are listed only.
    pub const fn is_check(&self) -> bool {
        !matches!(self, Self::Deadline { .. } | Self::Behaviour { .. })
    }

    /// The word of the check, as in files.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::XinchuangOnly { .. } => "xinchuang_only",
            Self::ReviewAsDecided { .. } => "review_as_decided",
            Self::NotOfferedAlready {} => "not_offered_already",
            Self::StockBeforeIncrement { .. } => "stock_before_increment",
            Self::NotClassified {} => "not_classified",
            Self::LevelCeiling { .. } => "level_ceiling",
            Self::LevelWithinPlatform {} => "level_within_platform",
            Self::FilingCertificate { .. } => "filing_certificate",
            Self::UntilDate { .. } => "until_date",
            Self::InsideChina {} => "inside_china",
            Self::CryptoPlan { .. } => "crypto_plan",
            Self::OnCloud {} => "on_cloud",
            Self::QuoteComparison { .. } => "quote_comparison",
            Self::Deadline { .. } => "deadline",
            Self::Behaviour { .. } => "behaviour",
            Self::Own { .. } => "own",
        }
    }
}

/// The rules of the field that are checks on an application, the check each of them is, and what it is called while no
/// version says it.
pub(super) const CHECKS_OF_THE_FIELD: &[(u32, &str, &str)] = &[
    (1, "xinchuang_only", "只用信创资源池"),
    (2, "review_as_decided", "例外按论证结论执行"),
    (3, "not_offered_already", "不重复采购已有软硬件"),
    (4, "stock_before_increment", "先盘活存量再增量"),
    (5, "not_classified", "涉密系统不上云"),
    (6, "level_ceiling", "等级保护级别上限"),
    (7, "level_within_platform", "系统等级不高于云平台"),
    (8, "filing_certificate", "等级保护备案证明"),
    (17, "until_date", "临时资源写明截止日"),
    (37, "inside_china", "运维地点和数据在境内"),
    (41, "crypto_plan", "密码应用方案及评估"),
    (46, "on_cloud", "新建系统上云"),
    (48, "quote_comparison", "比较报价"),
];

impl RuleCode {
    /// The check a rule of the field is, if it is one.
    pub(super) fn check_of_the_field(&self) -> Option<&'static str> {
        let own = CHECKS_OF_THE_FIELD.iter().find(|(number, ..)| *number == self.number);
        own.filter(|_| self.is_of_the_field()).map(|(_, word, _)| *word)
    }
}

/// One version of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its code, for ever.
    pub code: RuleCode,
    /// Its version, from 1.
    pub version: u32,
    /// What it demands, in a line.
    pub title: String,
    /// First day in force.
    pub from: Day,
    /// First day no longer in force; none: until the next version begins.
    pub to: Option<Day>,
    /// Key of its source; must be among the documents of its edition.
    pub source: String,
    /// Who put it into force; 示例 for a value that no published rule says.
    pub approver: String,
    /// What follows when it is not met.
    pub severity: Severity,
    /// The check and its parameters.
    pub kind: RuleKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_parameter_is_refused() {
        let read = |text: &str| toml::from_str::<RuleKind>(text);
        assert_eq!(
            read("check = 'level_ceiling'\nhighest = 3\nseparate_pool = false").unwrap(),
            RuleKind::LevelCeiling {
                highest: 3,
                separate_pool: false
            }
        );
        assert!(read("check = 'level_ceiling'\nhigest = 3\nseparate_pool = false").is_err());
        assert!(read("check = 'not_classified'\nfrom_level = 3").is_err());
        assert!(read("check = 'no_such_check'").is_err());
    }
}
