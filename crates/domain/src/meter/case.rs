//! What a meter cannot decide alone: cases with a subject, an owner and a deadline.

use crate::registry::words;
use kernel::{Day, Instant, Month};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What a case is about.
    CaseKind {
        /// A resource exists that nobody approved.
        NotApproved = "not_approved", "存在但未批准";
        /// A resource was approved and is not seen.
        NotObserved = "not_observed", "已批准但未见存在";
        /// A resource is smaller than approved.
        SmallerThanApproved = "smaller_than_approved", "实际小于批准";
        /// A resource is larger than approved.
        LargerThanApproved = "larger_than_approved", "实际大于批准";
        /// A project of a node belongs to no system.
        UnmappedProject = "unmapped_project", "项目未对应信息系统";
        /// The resource is in a project of another system than it was approved for.
        WrongSystem = "wrong_system", "所在项目与批准系统不符";
        /// Nothing in the catalogue or the price book charges it.
        Unpriced = "unpriced", "无可用价格";
        /// The node could not be looked at for a while.
        NodeGap = "node_gap", "云节点采集中断";
        /// Measured values are missing.
        MissingSamples = "missing_samples", "计量数据缺失";
        /// A numbered file is missing.
        SequenceGap = "sequence_gap", "数据文件缺号";
        /// Something arrived that belongs to a closed month.
        LateData = "late_data", "迟到数据";
        /// A price was entered for days that are already rated and closed.
        BackdatedPrice = "backdated_price", "追溯调价";
        /// The same file number came with other content.
        ContradictingFile = "contradicting_file", "同号异文";
        /// A node lists one id more than once in one look, with different content.
        RepeatedId = "repeated_id", "标识重复";
        /// The provider bills a resource that we do not charge, or not in that way.
        BillDifference = "bill_difference", "账单差异";
    }
}

impl CaseKind {
    /// Calendar days that whoever owns the case has for it. An example default of ours, not law; a deployment
    /// configures its own.
    pub const fn days_to_answer(self) -> i64 {
        match self {
            Self::NotApproved | Self::WrongSystem | Self::ContradictingFile | Self::RepeatedId => 5,
            Self::NodeGap | Self::SequenceGap | Self::MissingSamples => 3,
            _ => 14,
        }
    }
}

words! {
    /// How a case ended.
    CaseOutcome {
        /// Somebody put it right.
        Corrected = "corrected", "已纠正";
        /// It is so, and may be so.
        Accepted = "accepted", "情况属实，予以认可";
        /// It is not so: what was found is wrong.
        Mistaken = "mistaken", "核实为误报";
        /// A later run did not find it any more. Only runs say so.
        Gone = "gone", "原因已消除";
    }
}

/// What has to happen for a case to end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseEnd {
    /// A metering of the same or a later month that does not find it: it speaks of something that lasts.
    AnyMetering,
    /// A metering of the same month that does not find it: it speaks of that month only.
    SameMonth,
    /// A person.
    Person,
}

impl CaseKind {
    /// What ends a case of this kind by itself.
    pub const fn end(self) -> CaseEnd {
        match self {
            Self::NotApproved
            | Self::NotObserved
            | Self::SmallerThanApproved
            | Self::LargerThanApproved
            | Self::UnmappedProject
            | Self::WrongSystem => CaseEnd::AnyMetering,
            Self::Unpriced | Self::NodeGap | Self::MissingSamples => CaseEnd::SameMonth,
            Self::SequenceGap
            | Self::LateData
            | Self::BackdatedPrice
            | Self::ContradictingFile
            | Self::RepeatedId
            | Self::BillDifference => CaseEnd::Person,
        }
    }
}

/// A case as a run of metering needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownCase<'c> {
    /// What it is about.
    pub kind: CaseKind,
    /// The thing it is about.
    pub subject: &'c str,
    /// The month whose run found it.
    pub month: Month,
    /// How it ended, and in which month: of a person the month of their word, of a run the month it metered. None
    /// while it is open.
    pub ended: Option<(CaseOutcome, Month)>,
}

/// What a run of metering does to cases, by their places in what was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseJudgement {
    /// Findings that open a case.
    pub opened: Vec<usize>,
    /// Known cases whose cause has gone.
    pub gone: Vec<usize>,
}

/// Judges what metering `month` found against the cases that are known.
///
/// A finding opens a case unless one is open, or a person ended one in this month or later: their word holds for the
/// month in which they gave it. A case ends if its kind ends by metering, the run did not find it, and the node was
/// looked at: `seen` says so of a subject, for nothing follows from absent data (I9).
pub fn judge_cases(
    month: Month,
    findings: &[Finding],
    known: &[KnownCase<'_>],
    seen: impl Fn(&KnownCase<'_>) -> bool,
) -> CaseJudgement {
    let covered = |case: &KnownCase<'_>| match case.ended {
        None => true,
        Some((CaseOutcome::Gone, gone_in)) => month < gone_in,
        Some((_, said_in)) => month <= said_in,
    };
    let mut covers: BTreeMap<(CaseKind, &str), bool> = BTreeMap::new();
    for case in known {
        *covers.entry((case.kind, case.subject)).or_default() |= covered(case);
    }
    let found: BTreeSet<(CaseKind, &str)> = findings.iter().map(|f| (f.kind, f.subject.as_str())).collect();
    let opened = findings.iter().enumerate().filter(|(_, finding)| {
        let there = covers.get(&(finding.kind, finding.subject.as_str()));
        !there.copied().unwrap_or(false)
    });
    let gone = known.iter().enumerate().filter(|(_, case)| {
        let ends = match case.kind.end() {
            CaseEnd::AnyMetering => month >= case.month,
            CaseEnd::SameMonth => month == case.month,
            CaseEnd::Person => false,
        };
        case.ended.is_none() && ends && !found.contains(&(case.kind, case.subject)) && seen(case)
    });
    CaseJudgement {
        opened: opened.map(|(place, _)| place).collect(),
        gone: gone.map(|(place, _)| place).collect(),
    }
}

/// Something a run found that a person must look at.
///
/// Invariant: the same finding of a later run has the same `kind` and `subject`, so that it is not opened twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub kind: CaseKind,
    /// The thing it is about: `node/native id`, allocation, project ...
    pub subject: String,
    /// Who has to look: code of an organisation (the provider, the department, the bureau).
    pub owner: String,
    /// What was found, in one Chinese sentence.
    pub detail: String,
    /// Since when it is so.
    pub since: Instant,
}

impl Finding {
    /// The day by which it has to be answered, when it is opened at `now`.
    pub fn deadline(&self, now: Instant) -> Day {
        now.day().plus(self.kind.days_to_answer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn finding(kind: CaseKind, subject: &str) -> Finding {
        Finding {
            kind,
            subject: subject.into(),
            owner: "P1".into(),
            detail: String::new(),
            since: Instant::from_unix_s(0),
        }
    }

    fn case(kind: CaseKind, found_in: &str, ended: Option<(CaseOutcome, &str)>) -> KnownCase<'static> {
        KnownCase {
            kind,
            subject: "x",
            month: month(found_in),
            ended: ended.map(|(outcome, text)| (outcome, month(text))),
        }
    }

    /// Whether a case opens and whether the known one ends.
    fn judged(run: &str, found: bool, known: KnownCase<'_>, seen: bool) -> (bool, bool) {
        let findings: Vec<Finding> = found.then(|| finding(known.kind, "x")).into_iter().collect();
        let judgement = judge_cases(month(run), &findings, &[known], |_| seen);
        (!judgement.opened.is_empty(), !judgement.gone.is_empty())
    }

    #[test]
    fn a_case_ends_when_its_cause_has_gone() {
        let lasting = case(CaseKind::NotApproved, "2026-03", None);
        // The month of the run, whether it finds it, whether the node was seen: opened, gone.
        let table = [
            ("2026-03", true, true, (false, false)),
            ("2026-03", false, true, (false, true)),
            ("2026-04", false, true, (false, true)),
            ("2026-04", true, true, (false, false)),
            ("2026-04", false, false, (false, false)),
            ("2026-02", false, true, (false, false)),
        ];
        for (run, found, seen, expected) in table {
            assert_eq!(judged(run, found, lasting, seen), expected, "{run} {found} {seen}");
        }
        // A gap of March is not filled by April.
        let of_month = case(CaseKind::NodeGap, "2026-03", None);
        assert_eq!(judged("2026-04", false, of_month, true), (false, false));
        assert_eq!(judged("2026-03", false, of_month, true), (false, true));
        let by_person = case(CaseKind::ContradictingFile, "2026-03", None);
        assert_eq!(judged("2026-03", false, by_person, true), (false, false));
    }

    #[test]
    fn the_word_of_a_person_holds_for_its_month() {
        let accepted = case(
            CaseKind::LargerThanApproved,
            "2026-03",
            Some((CaseOutcome::Accepted, "2026-04")),
        );
        for (run, opened) in [("2026-03", false), ("2026-04", false), ("2026-05", true)] {
            assert_eq!(judged(run, true, accepted, true), (opened, false), "{run}");
        }
        // April saw that it had gone: metering March again finds it again, and that is nothing new; in April it is.
        let gone = case(CaseKind::NotApproved, "2026-03", Some((CaseOutcome::Gone, "2026-04")));
        for (run, opened) in [("2026-03", false), ("2026-04", true)] {
            assert_eq!(judged(run, true, gone, true), (opened, false), "{run}");
        }
    }
}
