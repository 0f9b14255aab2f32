//! The shipped rule book, and the worked example of docs/domain/rules.md.

#[cfg(test)]
mod edges;
#[cfg(test)]
mod world;

use domain::calendar::{CalendarYear, Term, WorkingCalendar};
use domain::rules::*;
use std::collections::BTreeSet;
use world::*;

const SOURCES: &str = include_str!("../../../../docs/sources.md");
const PAGE: &str = include_str!("../../../../docs/domain/rules.md");

#[test]
fn the_shipped_book_holds_every_rule_of_the_list() {
    let book = book();
    let there: Vec<_> = book.in_force(now()).map(|r| r.code.to_string()).collect();
    let list: Vec<_> = (1..=20).chain([37, 41, 46, 48]).map(|n| format!("R{n}")).collect();
    assert_eq!(there, list);
    assert_eq!(book.in_force(at("2025-12-31 23:59:59")).count(), 0);
    for kind in DeadlineKind::ALL {
        assert!(book.deadline(*kind, now()).is_some(), "{kind}");
    }
    for rule in book.rules() {
        assert!(
            PAGE.contains(&format!("| {} |", rule.code)),
            "{} is not in the page",
            rule.code
        );
        assert!(book.period(rule).unwrap().end().is_none());
    }
}

#[test]
fn sources_of_the_book_are_in_the_list_of_sources_and_used() {
    let edition = edition();
    let mut used: BTreeSet<_> = edition.rules.iter().map(|r| r.source.as_str()).collect();
    for deadline in &edition.deadlines {
        used.insert(&deadline.source);
        used.extend(deadline.alternatives.iter().map(|a| a.source.as_str()));
    }
    for source in &edition.sources {
        assert!(SOURCES.contains(&format!("| `{}` |", source.key)), "{}", source.key);
        assert!(used.contains(source.key.as_str()), "{} is used by nothing", source.key);
    }
}

#[test]
fn the_worked_example_of_the_page() {
    let checks = checks(&facts());
    let outcomes: Vec<_> = checks
        .iter()
        .map(|c| format!("{} {}", c.rule, word(&c.outcome)))
        .collect();
    assert_eq!(
        outcomes,
        [
            "R1 pass",
            "R2 not_configured",
            "R3 pass",
            "R4 reduce",
            "R5 pass",
            "R6 pass",
            "R7 pass",
            "R8 pass",
            "R17 pass",
            "R37 pass",
            "R41 pass",
            "R46 pass",
            "R48 pass"
        ]
    );
    // 4 pieces of 8 vCPU and 16 GiB; spare 20 and 40: 20/8 = 2.5, 40/16 = 2.5, so 2 whole pieces. Volume: 1000 - 300.
    let reduced = |line, text: &str| ReducedLine {
        line,
        quantities: text.parse().unwrap(),
    };
    let r4 = &checks[3];
    assert_eq!(
        r4.outcome,
        Outcome::Reduce {
            to: vec![
                reduced(1, "vcpu=16 memory_gib=32 count=2"),
                reduced(3, "storage_gib=700")
            ]
        }
    );
    assert_eq!(verdict(&checks), Verdict::Reduced);
    for quoted in [&r4.reason, &checks[1].reason] {
        assert!(PAGE.contains(quoted.as_str()), "the page should say: {quoted}");
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let bytes = |facts: &RequestFacts| serde_json::to_string(&checks(facts)).unwrap();
    let facts = facts();
    let read: RequestFacts = serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
    assert_eq!(read, facts);
    assert_eq!(bytes(&facts), bytes(&read));
    let again: Vec<Check> = serde_json::from_str(&bytes(&facts)).unwrap();
    assert_eq!(again, checks(&facts));
}

#[test]
fn own_rules_are_evaluated_outside() {
    let text = format!(
        "{BOOK}\n[[rule]]\ncode = 'X1'\nversion = 1\ntitle = '月费用有预算'\nfrom = '2026-01-01'\nsource = 'kunming-stock'\n\
         approver = '示例'\nseverity = 'warn'\nkind = {{ check = 'own', expression = 'has_means', failure = '预算不足，请调整' }}\n"
    );
    let book = RuleBook::new(vec![toml::from_str(&text).unwrap()]).unwrap();
    let has_means = |expression: &str, facts: &RequestFacts| match (expression, facts.means.monthly_cost) {
        ("has_means", Some(cost)) => Ok(Some(cost) <= facts.means.budget_left),
        _ => Err("没有月费用".to_owned()),
    };
    let last = |cost: Option<&str>| {
        let mut facts = facts();
        facts.means.monthly_cost = cost.map(|c| c.parse().unwrap());
        facts.means.budget_left = Some("5500".parse().unwrap());
        check_all(&book, &facts, now(), &has_means).pop().unwrap()
    };
    assert_eq!(last(Some("5500")).outcome, Outcome::Pass);
    let over = last(Some("5500.01"));
    assert_eq!(
        (over.rule.to_string().as_str(), over.outcome, over.reason.as_str()),
        ("X1", Outcome::Warn, "预算不足，请调整")
    );
    assert_eq!(last(None).outcome, Outcome::CannotJudge);
}

#[test]
fn a_rule_that_is_missing_is_not_passed_by() {
    let mut edition = edition();
    edition.rules.retain(|r| r.code.to_string() != "R5");
    let book = RuleBook::new(vec![edition]).unwrap();
    let checks = check_all(&book, &facts(), now(), &no_own);
    let r5 = checks.iter().find(|c| c.rule.to_string() == "R5").unwrap();
    assert_eq!((word(&r5.outcome), r5.version), ("not_configured", 0));
    assert_eq!(r5.title, "涉密系统不上云");
    assert_eq!(checks.len(), 13);
    let before = check_all(&book, &facts(), at("2025-12-31"), &no_own);
    assert!(before.iter().all(|c| c.outcome == Outcome::NotConfigured) && before.len() == 13);
}

#[test]
fn a_new_version_takes_over_on_its_day() {
    let mut later = Edition {
        edition: "2026-07".into(),
        rules: edition()
            .rules
            .into_iter()
            .filter(|r| r.code.to_string() == "R6")
            .collect(),
        deadlines: Vec::new(),
        ..edition()
    };
    later.rules[0].version = 2;
    later.rules[0].from = "2026-07-01".parse().unwrap();
    later.rules[0].kind = RuleKind::LevelCeiling {
        highest: 2,
        separate_pool: true,
    };
    let book = RuleBook::new(vec![later.clone(), edition()]).unwrap();
    let r6 = |at| {
        let checks = check_all(&book, &facts(), at, &no_own);
        let check = checks.into_iter().find(|c| c.rule.to_string() == "R6").unwrap();
        (check.version, word(&check.outcome))
    };
    assert_eq!(r6(at("2026-06-30 23:59:59")), (1, "pass"));
    assert_eq!(r6(at("2026-07-01 00:00:00")), (2, "block"), "level 3, no separate pool");
    let first = book.rule(&"R6".parse().unwrap(), now()).unwrap();
    assert_eq!(book.period(first).unwrap().end(), Some(at("2026-07-01")));
    later.rules[0].from = "2026-01-01".parse().unwrap();
    let faults = RuleBook::new(vec![edition(), later]).unwrap_err().to_string();
    assert!(faults.contains("规则 R6: 第 1 版与第 2 版的有效期重叠"), "{faults}");
}

#[test]
fn all_faults_of_a_book_are_listed() {
    let mut edition = edition();
    let rule = |code: &str| edition.rules.iter().position(|r| r.code.to_string() == code).unwrap();
    let (r1, r5, r6, r8, r48) = (rule("R1"), rule("R5"), rule("R6"), rule("R8"), rule("R48"));
    edition.rules[r1].source = "hearsay".into();
    edition.rules[r5].kind = RuleKind::InsideChina {};
    edition.rules[r6].kind = RuleKind::LevelCeiling {
        highest: 6,
        separate_pool: false,
    };
    edition.rules[r8].severity = Severity::Reduce;
    edition.rules[r8].to = Some("2025-12-31".parse().unwrap());
    edition.rules[r48].kind = RuleKind::QuoteComparison {
        quotes_at_least: Some(0),
    };
    edition.rules[r48].approver = String::new();
    edition.deadlines.retain(|d| d.kind != DeadlineKind::Trial);
    edition.deadlines[0].rule = "R99".parse().unwrap();
    let faults = RuleBook::new(vec![edition]).unwrap_err();
    let text: Vec<_> = faults.sorted().iter().map(|f| f.message.clone()).collect();
    let expected = [
        "规则 R1 第 1 版: 来源「hearsay」",
        "规则 R5 第 1 版: 应为检查 not_classified",
        "规则 R6 第 1 版: highest = 6 超出范围",
        "规则 R8 第 1 版: 此检查不能核减",
        "规则 R8: 第 1 版的失效日必须晚于生效日",
        "规则 R48 第 1 版: 缺少批准人",
        "规则 R48 第 1 版: quotes_at_least 应为",
        "规则 R13 第 1 版: 期限「测试期」",
        "规则 R9 第 1 版: 期限「受理」",
        "期限「受理」第 1 版: 所属规则 R99 不存在",
    ];
    for part in expected {
        assert!(text.iter().any(|t| t.starts_with(part)), "{part} in {text:#?}");
    }
    assert_eq!(text.len(), expected.len(), "{text:#?}");
}

#[test]
fn deadlines_by_the_book() {
    let read = |text| toml::from_str::<CalendarYear>(text).unwrap();
    let calendar = WorkingCalendar::new(&[read(include_str!("../../../../policies/calendar/2026.toml"))]).unwrap();
    let book = book();
    let due = |kind, contract| book.due(kind, contract, at("2026-04-30 10:00"), &calendar).unwrap().at;
    // 1 to 5 May are holidays; 6, 7 and 8 May are worked, and so is Saturday the 9th.
    assert_eq!(due(DeadlineKind::Acceptance, None), at("2026-05-09"));
    assert_eq!(due(DeadlineKind::WholeApproval, None), at("2026-05-12"));
    // Delivery is left to the contract, acceptance is not.
    assert_eq!(due(DeadlineKind::Delivery, None), at("2026-05-01 10:00"));
    assert_eq!(
        due(DeadlineKind::Delivery, Some(Term::WorkingDays(5))),
        at("2026-05-12")
    );
    assert_eq!(due(DeadlineKind::Acceptance, Some(Term::Hours(1))), at("2026-05-09"));
    assert!(
        book.due(DeadlineKind::Trial, None, at("2025-06-01"), &calendar)
            .is_none()
    );
}
