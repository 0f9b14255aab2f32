//! What must hold of a rule book before anything is judged by it.

use super::edition::Versioned;
use super::{Edition, Rule, RuleKind, Severity};
use kernel::{Factor, Faults};
use std::collections::BTreeSet;

/// Highest level of the multi-level protection scheme.
const LEVEL_MAX: u8 = 5;
/// Most reviewers, and most quotes, that are believed.
const PEOPLE_MAX: u8 = 50;
/// Longest expression, in characters.
const EXPRESSION_MAX: usize = 4_000;

pub(super) fn push(faults: &mut Faults, what: &str, text: &str) {
    faults.push(0, "", format!("{what}: {text}"));
}

/// Texts, sources and parameters of one edition.
pub(super) fn edition(edition: &Edition, faults: &mut Faults) {
    let mut keys = BTreeSet::new();
    for source in &edition.sources {
        if source.document.trim().is_empty() {
            push(faults, &format!("来源 {}", source.key), "缺少文件名称，请填写");
        }
        if !keys.insert(source.key.as_str()) {
            push(faults, &format!("来源 {}", source.key), "出现了两次，请删除其一");
        }
    }
    for rule in &edition.rules {
        let what = format!("规则 {} 第 {} 版", rule.code, rule.version);
        let texts = [("标题", &rule.title), ("批准人", &rule.approver)];
        for (name, _) in texts.iter().filter(|(_, text)| text.trim().is_empty()) {
            push(faults, &what, &format!("缺少{name}，请填写"));
        }
        known(&keys, &rule.source, &what, faults);
        for text in rule_faults(rule) {
            push(faults, &what, &text);
        }
    }
    for deadline in &edition.deadlines {
        let what = format!("期限「{}」第 {} 版", deadline.kind.zh(), deadline.version);
        if deadline.approver.trim().is_empty() {
            push(faults, &what, "缺少批准人，请填写");
        }
        known(&keys, &deadline.source, &what, faults);
        for alternative in &deadline.alternatives {
            known(&keys, &alternative.source, &what, faults);
        }
    }
}

fn known(keys: &BTreeSet<&str>, source: &str, what: &str, faults: &mut Faults) {
    if !keys.contains(source) {
        let text = format!("来源「{source}」不在本文件的来源清单中，请补充来源或改正");
        push(faults, what, &text);
    }
}

fn level(name: &str, value: u8) -> Option<String> {
    (!(1..=LEVEL_MAX).contains(&value)).then(|| format!("{name} = {value} 超出范围，应为 1 至 {LEVEL_MAX}"))
}

fn empty(name: &str, is_empty: bool) -> Option<String> {
    is_empty.then(|| format!("{name} 不能为空"))
}

fn rule_faults(rule: &Rule) -> Vec<String> {
    let mut faults = parameter_faults(&rule.kind);
    match rule.code.check_of_the_field() {
        Some(word) if word != rule.kind.word() => {
            faults.push(format!("应为检查 {word}，写成了 {}", rule.kind.word()));
        }
        None if rule.code.is_of_the_field() && rule.kind.is_check() => {
            faults.push(format!("不是对申请的检查，不能写成 {}", rule.kind.word()));
        }
        _ => {}
    }
    let can_reduce = matches!(rule.kind, RuleKind::StockBeforeIncrement { .. });
    if rule.severity == Severity::Reduce && !can_reduce {
        faults.push("此检查不能核减，severity 请改为 block、supplement 或 warn".into());
    }
    faults
}

fn parameter_faults(kind: &RuleKind) -> Vec<String> {
    let faults: Vec<Option<String>> = match kind {
        RuleKind::XinchuangOnly { pool_needed } => vec![empty("pool_needed", pool_needed.is_empty())],
        RuleKind::ReviewAsDecided { composition: Some(c) } => vec![
            (!(1..=PEOPLE_MAX).contains(&c.reviewers_at_least))
                .then(|| format!("reviewers_at_least 应为 1 至 {PEOPLE_MAX}")),
            (c.in_favour_at_least.is_zero() || c.in_favour_at_least > Factor::ONE)
                .then(|| "in_favour_at_least 应大于 0、不超过 1".into()),
        ],
        RuleKind::StockBeforeIncrement {
            kinds,
            measures,
            completeness_at_least,
            stopped_days,
        } => vec![
            (*stopped_days == Some(0)).then(|| "stopped_days 应至少为 1；不判定停机的，不要写".into()),
            empty("kinds", kinds.is_empty()),
            empty("measures", measures.is_empty()),
            (completeness_at_least.is_zero() || *completeness_at_least > Factor::ONE)
                .then(|| "completeness_at_least 应大于 0、不超过 1".into()),
        ],
        RuleKind::LevelCeiling { highest, .. } => vec![level("highest", *highest)],
        RuleKind::FilingCertificate { from_level } | RuleKind::CryptoPlan { from_level, .. } => {
            vec![level("from_level", *from_level)]
        }
        RuleKind::UntilDate { purposes } => vec![empty("purposes", purposes.is_empty())],
        RuleKind::QuoteComparison {
            quotes_at_least: Some(least),
        } => vec![(!(1..=PEOPLE_MAX).contains(least)).then(|| format!("quotes_at_least 应为 1 至 {PEOPLE_MAX}"))],
        RuleKind::Deadline { deadlines, enforced_by } => vec![
            empty("deadlines", deadlines.is_empty()),
            empty("enforced_by", enforced_by.trim().is_empty()),
        ],
        RuleKind::Behaviour { enforced_by } => vec![empty("enforced_by", enforced_by.trim().is_empty())],
        RuleKind::Own { expression, failure } => vec![
            empty("expression", expression.trim().is_empty()),
            empty("failure", failure.trim().is_empty()),
            (expression.chars().count() > EXPRESSION_MAX).then(|| format!("expression 不超过 {EXPRESSION_MAX} 字")),
        ],
        RuleKind::ReviewAsDecided { composition: None }
        | RuleKind::QuoteComparison { quotes_at_least: None }
        | RuleKind::NotOfferedAlready {}
        | RuleKind::NotClassified {}
        | RuleKind::LevelWithinPlatform {}
        | RuleKind::InsideChina {}
        | RuleKind::OnCloud {} => Vec::new(),
    };
    faults.into_iter().flatten().collect()
}

/// Versions of one thing, in order of their beginnings.
pub(super) fn versions<T: Versioned>(what: &str, versions: &[T], faults: &mut Faults) {
    for version in versions {
        if version.version() == 0 {
            push(faults, what, "版本号从 1 起，请改正");
        }
        if version.to().is_some_and(|to| to <= version.from()) {
            push(
                faults,
                what,
                &format!("第 {} 版的失效日必须晚于生效日", version.version()),
            );
        }
    }
    for pair in versions.windows(2) {
        let [before, after] = pair else { continue };
        let (first, second) = (before.version(), after.version());
        if second <= first {
            push(
                faults,
                what,
                &format!("第 {second} 版在第 {first} 版之后生效，版本号应更大"),
            );
        }
        if before.from() == after.from() || before.to().is_some_and(|to| to > after.from()) {
            let text = format!("第 {first} 版与第 {second} 版的有效期重叠，请调整生效日或失效日");
            push(faults, what, &text);
        }
    }
}
