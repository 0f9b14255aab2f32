//! One check, its outcome, and all of them together.

use super::finding::{Finding, Judgement};
use super::rule::CHECKS_OF_THE_FIELD;
use super::{
    ReducedLine, RequestFacts, Rule, RuleBook, RuleCode, RuleKind, Severity, exception, level, placement, stock,
};
use kernel::Instant;
use serde::{Deserialize, Serialize};

/// Evaluates the expression of an own rule over the facts. It is handed in: the domain has no interpreter.
/// Errors: a sentence that says why it could not be evaluated.
pub type Evaluate<'a> = &'a dyn Fn(&str, &RequestFacts) -> Result<bool, String>;

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The rule is met, or has nothing to say here.
    Pass,
    /// It cannot go on.
    Block,
    /// It can go on with these quantities; lines that are not here stay as they are.
    Reduce {
        /// The lines that change.
        to: Vec<ReducedLine>,
    },
    /// Something is missing.
    Supplement,
    /// The approver is told.
    Warn,
    /// A fact is missing; a person must look. Neither a pass nor a refusal.
    CannotJudge,
    /// The rule, or a parameter of it, is not configured. Neither a pass nor a refusal.
    NotConfigured,
}

impl Outcome {
    /// Its word, as in a check that is written down.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
            Self::Reduce { .. } => "reduce",
            Self::Supplement => "supplement",
            Self::Warn => "warn",
            Self::CannotJudge => "cannot_judge",
            Self::NotConfigured => "not_configured",
        }
    }
}

/// The result of one rule on one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The rule.
    pub rule: RuleCode,
    /// Its version; 0 if none is in force.
    pub version: u32,
    /// Its title.
    pub title: String,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Why; if something is wrong, what and what to do.
    pub reason: String,
    /// The facts it rests on.
    pub evidence: Vec<(String, String)>,
}

/// What one rule says about the facts at a moment.
fn find(kind: &RuleKind, book: &RuleBook, facts: &RequestFacts, at: Instant, evaluate: Evaluate<'_>) -> Finding {
    let composition = book.composition(at);
    match kind {
        RuleKind::XinchuangOnly { pool_needed } => exception::xinchuang_only(facts, pool_needed, at, composition),
        RuleKind::ReviewAsDecided { composition } => exception::review_as_decided(facts, composition.as_ref()),
        RuleKind::NotOfferedAlready {} => exception::not_offered_already(facts, at, composition),
        RuleKind::OnCloud {} => exception::on_cloud(facts, at, composition),
        RuleKind::StockBeforeIncrement {
            kinds,
            measures,
            completeness_at_least,
            ..
        } => stock::stock_before_increment(facts, kinds, measures, *completeness_at_least),
        RuleKind::NotClassified {} => level::not_classified(facts),
        RuleKind::LevelCeiling { highest, separate_pool } => level::level_ceiling(facts, *highest, *separate_pool),
        RuleKind::LevelWithinPlatform {} => level::level_within_platform(facts),
        RuleKind::FilingCertificate { from_level } => level::filing_certificate(facts, *from_level),
        RuleKind::CryptoPlan { enforced, from_level } => level::crypto_plan(facts, *enforced, *from_level),
        RuleKind::UntilDate { purposes } => placement::until_date(facts, purposes, at),
        RuleKind::InsideChina {} => placement::inside_china(facts),
        RuleKind::QuoteComparison { quotes_at_least } => placement::quote_comparison(facts, *quotes_at_least),
        RuleKind::Own { expression, failure } => own(expression, failure, facts, evaluate),
        RuleKind::Deadline { .. } | RuleKind::Behaviour { .. } => Finding::met("不是对申请的检查"),
    }
}

fn own(expression: &str, failure: &str, facts: &RequestFacts, evaluate: Evaluate<'_>) -> Finding {
    match evaluate(expression, facts) {
        Ok(true) => Finding::met("符合"),
        Ok(false) => Finding::broken(failure),
        Err(why) => Finding::unknown(format!("自定义规则无法计算：{why}；请核对规则的表达式，或补充所需信息")),
    }
    .with("表达式", expression)
}

/// Whether every line that adds something is reduced to nothing.
fn nothing_left(facts: &RequestFacts, to: &[ReducedLine]) -> bool {
    let gone = |number: u32| {
        let line = to.iter().find(|l| l.line == number);
        line.is_some_and(|l| l.quantities.iter().all(|(_, quantity)| quantity.is_zero()))
    };
    facts.increments().all(|line| gone(line.number))
}

fn outcome(judgement: Judgement, severity: Severity, facts: &RequestFacts) -> Outcome {
    match (judgement, severity) {
        (Judgement::Met, _) => Outcome::Pass,
        (Judgement::Told, _) => Outcome::Warn,
        (Judgement::Unknown, _) => Outcome::CannotJudge,
        (Judgement::NotConfigured, _) => Outcome::NotConfigured,
        (Judgement::Less(to), Severity::Reduce) if !nothing_left(facts, &to) => Outcome::Reduce { to },
        (_, Severity::Block | Severity::Reduce) => Outcome::Block,
        (_, Severity::Supplement) => Outcome::Supplement,
        (_, Severity::Warn) => Outcome::Warn,
    }
}

fn check(rule: &Rule, book: &RuleBook, facts: &RequestFacts, at: Instant, evaluate: Evaluate<'_>) -> Check {
    let finding = find(&rule.kind, book, facts, at, evaluate);
    Check {
        rule: rule.code.clone(),
        version: rule.version,
        title: rule.title.clone(),
        outcome: outcome(finding.judgement, rule.severity, facts),
        reason: finding.reason,
        evidence: finding.evidence,
    }
}

/// Every check on an application, by the rules in force at a moment, in order of their codes.
///
/// A rule of the field that has no version in force is there as well, as not configured: it is never passed by in
/// silence. The same book, facts and moment give the same checks.
pub fn check_all(book: &RuleBook, facts: &RequestFacts, at: Instant, evaluate: Evaluate<'_>) -> Vec<Check> {
    let in_force = book.in_force(at).filter(|rule| rule.kind.is_check());
    let mut checks: Vec<_> = in_force.map(|rule| check(rule, book, facts, at, evaluate)).collect();
    for (number, _, title) in CHECKS_OF_THE_FIELD {
        let code = RuleCode::of_the_field(*number);
        if book.rule(&code, at).is_none() {
            checks.push(Check {
                version: 0,
                title: (*title).to_owned(),
                outcome: Outcome::NotConfigured,
                reason: format!("规则 {code} 在 {} 没有生效的版本，请由主管部门配置或人工判断", at.day()),
                evidence: Vec::new(),
                rule: code,
            });
        }
    }
    checks.sort_by(|a, b| a.rule.cmp(&b.rule));
    checks
}

/// What all checks come to together, from the mildest to the harshest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every rule is met.
    Clear,
    /// Something for the approver to know.
    Told,
    /// A person must judge what the rules could not.
    ByPeople,
    /// It can go on with less.
    Reduced,
    /// Something is missing.
    Incomplete,
    /// It cannot go on.
    Blocked,
}

/// The harshest of all outcomes.
pub fn verdict(checks: &[Check]) -> Verdict {
    let each = checks.iter().map(|check| match check.outcome {
        Outcome::Pass => Verdict::Clear,
        Outcome::Warn => Verdict::Told,
        Outcome::CannotJudge | Outcome::NotConfigured => Verdict::ByPeople,
        Outcome::Reduce { .. } => Verdict::Reduced,
        Outcome::Supplement => Verdict::Incomplete,
        Outcome::Block => Verdict::Blocked,
    });
    each.max().unwrap_or(Verdict::Clear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_an_outcome_is_the_one_that_is_written_down() {
        let all = [
            Outcome::Pass,
            Outcome::Block,
            Outcome::Reduce { to: Vec::new() },
            Outcome::Supplement,
            Outcome::Warn,
            Outcome::CannotJudge,
            Outcome::NotConfigured,
        ];
        for outcome in all {
            let written = serde_json::to_value(&outcome).unwrap();
            assert_eq!(written["outcome"], outcome.word());
        }
    }
}
