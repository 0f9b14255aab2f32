//! The rule book: all versions of all rules and deadlines, and which of them is in force.

use super::edition::Versioned;
use super::{Composition, Deadline, DeadlineKind, Edition, Rule, RuleCode, RuleKind, validate};
use crate::calendar::{Due, Term, WorkingCalendar};
use crate::registry::ResourceKind;
use kernel::{Day, Faults, Instant, Period};
use std::collections::BTreeMap;

/// All versions of all rules and deadlines.
///
/// Invariants: at any moment at most one version of a rule, and of a deadline, is in force; a version without an end
/// holds until the next one begins; every source is known; parameters are in range.
#[derive(Debug, Clone, Default)]
pub struct RuleBook {
    rules: BTreeMap<RuleCode, Vec<Rule>>,
    deadlines: BTreeMap<DeadlineKind, Vec<Deadline>>,
}

fn at_of<T: Versioned>(versions: &[T], at: Instant) -> Option<&T> {
    let day = at.day();
    let latest = versions.iter().rev().find(|v| v.from() <= day)?;
    latest.to().is_none_or(|to| day < to).then_some(latest)
}

fn sorted<K: Ord, T: Versioned>(things: impl Iterator<Item = (K, T)>) -> BTreeMap<K, Vec<T>> {
    let mut map: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for (key, thing) in things {
        map.entry(key).or_default().push(thing);
    }
    for versions in map.values_mut() {
        versions.sort_by_key(|v| (v.from(), v.version()));
    }
    map
}

impl RuleBook {
    /// From all editions.
    ///
    /// Errors: every fault of every edition: overlapping versions, unknown sources, parameters out of range, rules
    /// that point to deadlines that are not there.
    pub fn new(editions: Vec<Edition>) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        for edition in &editions {
            validate::edition(edition, &mut faults);
        }
        let (mut rules, mut deadlines) = (Vec::new(), Vec::new());
        for edition in editions {
            rules.extend(edition.rules.into_iter().map(|r| (r.code.clone(), r)));
            deadlines.extend(edition.deadlines.into_iter().map(|d| (d.kind, d)));
        }
        let book = Self {
            rules: sorted(rules.into_iter()),
            deadlines: sorted(deadlines.into_iter()),
        };
        for (code, versions) in &book.rules {
            validate::versions(&format!("规则 {code}"), versions, &mut faults);
        }
        for (kind, versions) in &book.deadlines {
            validate::versions(&format!("期限「{}」", kind.zh()), versions, &mut faults);
        }
        book.references(&mut faults);
        faults.or(book)
    }

    /// Rules that point to deadlines, and deadlines that point to rules.
    fn references(&self, faults: &mut Faults) {
        for rule in self.rules() {
            let RuleKind::Deadline { deadlines, .. } = &rule.kind else {
                continue;
            };
            for kind in deadlines {
                let there = self.deadline(*kind, rule.from.start());
                if there.is_none_or(|d: &Deadline| d.rule != rule.code) {
                    let what = format!("规则 {} 第 {} 版", rule.code, rule.version);
                    let text = format!("期限「{}」自 {} 起没有归于本规则的取值", kind.zh(), rule.from);
                    validate::push(faults, &what, &text);
                }
            }
        }
        for deadline in self.deadlines() {
            if self.rules().all(|rule| rule.code != deadline.rule) {
                let what = format!("期限「{}」第 {} 版", deadline.kind.zh(), deadline.version);
                validate::push(faults, &what, &format!("所属规则 {} 不存在", deadline.rule));
            }
        }
    }

    /// Every version, in order of the codes and of time.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values().flatten()
    }

    /// Every version of every deadline.
    pub fn deadlines(&self) -> impl Iterator<Item = &Deadline> {
        self.deadlines.values().flatten()
    }

    /// The rules in force at a moment, in order of their codes.
    pub fn in_force(&self, at: Instant) -> impl Iterator<Item = &Rule> {
        self.rules.values().filter_map(move |versions| at_of(versions, at))
    }

    /// One rule as it is in force at a moment.
    pub fn rule(&self, code: &RuleCode, at: Instant) -> Option<&Rule> {
        at_of(self.rules.get(code)?, at)
    }

    /// When one version of a rule is in force, its successor considered; none if it is not of this book.
    pub fn period(&self, rule: &Rule) -> Option<Period> {
        let versions = self.rules.get(&rule.code)?;
        let next = versions.iter().find(|v| v.from > rule.from).map(|v| v.from);
        let end = [rule.to, next].into_iter().flatten().min();
        Period::open(rule.from.start(), end.map(Day::start)).ok()
    }

    /// One deadline as it is in force at a moment; none means not configured.
    pub fn deadline(&self, kind: DeadlineKind, at: Instant) -> Option<&Deadline> {
        at_of(self.deadlines.get(&kind)?, at)
    }

    /// When something that began at `start` is due. The term in force at the beginning counts, or the contract's own
    /// where the deadline leaves it to the contract. None means not configured.
    pub fn due(
        &self,
        kind: DeadlineKind,
        contract: Option<Term>,
        start: Instant,
        calendar: &WorkingCalendar,
    ) -> Option<Due> {
        let deadline = self.deadline(kind, start)?;
        let term = contract.filter(|_| deadline.by_contract).unwrap_or(deadline.term);
        Some(calendar.due(start, term))
    }

    /// Kinds of resource that live in a pool, by the rule on pools in force at a moment (R1); none if no rule says.
    pub fn kinds_in_pools(&self, at: Instant) -> &[ResourceKind] {
        let found = self.in_force(at).find_map(|rule| match &rule.kind {
            RuleKind::XinchuangOnly { pool_needed } => Some(pool_needed.as_slice()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// Composition and quorum of reviews in force at a moment; none means not configured.
    pub(super) fn composition(&self, at: Instant) -> Option<&Composition> {
        self.in_force(at).find_map(|rule| match &rule.kind {
            RuleKind::ReviewAsDecided { composition } => composition.as_ref(),
            _ => None,
        })
    }
}
