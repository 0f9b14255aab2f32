//! Who prepared a version of a price book, and who approved it.

use super::PriceBook;
use kernel::Instant;

/// A version with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceBookRecord {
    /// The version.
    pub book: PriceBook,
    /// When it was stored.
    pub recorded: Instant,
    /// Login name of the account that imported it; none if the operator at the machine did.
    pub preparer: Option<String>,
    /// Who approved it.
    pub approval: Option<PriceApproval>,
}

/// That a version was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceApproval {
    /// Login name.
    pub by: String,
    /// When.
    pub at: Instant,
    /// The opinion.
    pub opinion: String,
}

impl PriceBookRecord {
    /// Whether it waits for an approval.
    pub fn waits(&self) -> bool {
        self.preparer.is_some() && self.approval.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_imported_waits_until_it_is_approved() {
        let at = Instant::from_unix_s(0);
        let record = |preparer: Option<&str>, is_approved: bool| PriceBookRecord {
            book: PriceBook {
                contract: "HT-1".parse().unwrap(),
                version: 1,
                effective_from: at.day(),
                source: String::new(),
                approver: String::new(),
                lines: Vec::new(),
            },
            recorded: at,
            preparer: preparer.map(str::to_owned),
            approval: is_approved.then(|| PriceApproval {
                by: "乙".into(),
                at,
                opinion: "同意".into(),
            }),
        };
        assert!(record(Some("甲"), false).waits());
        assert!(!record(Some("甲"), true).waits());
        assert!(!record(None, false).waits(), "nobody to be apart from");
    }
}
