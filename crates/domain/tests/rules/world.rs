//! The shipped rule book, the application of the worked example, and what a rule says after a change to it.

use domain::registry::{NetworkZone, PoolKind, ResourceKind};
use domain::rules::*;
use kernel::Instant;

pub const BOOK: &str = include_str!("../../../../policies/rules/2026-01.toml");

pub fn edition() -> Edition {
    toml::from_str(BOOK).unwrap()
}

pub fn book() -> RuleBook {
    RuleBook::new(vec![edition()]).unwrap()
}

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub fn now() -> Instant {
    at("2026-03-02 10:00")
}

pub fn no_own(expression: &str, _: &RequestFacts) -> Result<bool, String> {
    Err(format!("no interpreter for {expression}"))
}

pub fn line(number: u32, kind: ResourceKind, pool: Option<PoolKind>, quantities: &str) -> Line {
    Line {
        number,
        kind,
        item: None,
        class: String::new(),
        pool,
        quantities: quantities.parse().unwrap(),
        increment: true,
        purpose: Purpose::Production,
        until: None,
        own_purchase: None,
    }
}

pub fn stock(kind: ResourceKind, pool: PoolKind, spare: &str) -> Stock {
    Stock {
        kind,
        pool: Some(pool),
        class: None,
        spare: spare.parse().unwrap(),
        resources: vec!["N1/vm-17".into(), "N1/vm-18".into()],
        judged: 2,
        unjudged: 0,
        unjudged_because: String::new(),
        completeness: Some("0.97".parse().unwrap()),
        policy: "util/1".into(),
    }
}

pub fn provider(code: &str, level: Option<u8>, monthly: Option<&str>) -> ProviderFacts {
    ProviderFacts {
        code: code.parse().unwrap(),
        node: None,
        contract: None,
        platform_level: level,
        separate_pool: Some(false),
        operated_in_china: Some(true),
        data_in_china: Some(true),
        quote: monthly.map(|amount| Quote {
            prices: vec![QuotedPrice {
                item: "cpu".parse().unwrap(),
                price: "50".parse().unwrap(),
                catalogue_price: Some("52".parse().unwrap()),
                ceiling: None,
            }],
            monthly: amount.parse().unwrap(),
        }),
    }
}

pub fn review() -> ExpertReview {
    let reviewer = |name: &str| Reviewer {
        name: name.into(),
        affiliation: "某大学".into(),
        declared: true,
        conflict: None,
    };
    let opinion = |name: &str, in_favour| Opinion {
        reviewer: name.into(),
        in_favour,
        text: "意见".into(),
    };
    ExpertReview {
        code: "LZ-2026-003".into(),
        form: ReviewForm::ExpertReview,
        subject: ReviewSubject::NonXinchuang,
        system: "S1".parse().unwrap(),
        grounds: "专用软件没有信创版本".into(),
        reviewers: vec![reviewer("甲"), reviewer("乙"), reviewer("丙")],
        opinions: vec![opinion("甲", true), opinion("乙", true), opinion("丙", false)],
        decision: ReviewDecision::Approve,
        decided: at("2026-02-10 16:00"),
        scope: vec![ReviewScope {
            kind: ResourceKind::Server,
            class: None,
            pool: Some(PoolKind::X86),
            most: "vcpu=8 memory_gib=32 count=1".parse().unwrap(),
            used: domain::registry::Spec::new(),
        }],
        conditions: Vec::new(),
        expires: Some(at("2027-01-01")),
    }
}

/// The application of the worked example: see docs/domain/rules.md.
pub fn facts() -> RequestFacts {
    use PoolKind::{X86, Xinchuang};
    use ResourceKind::{Server, Volume};
    RequestFacts {
        application: ApplicationKind::New,
        unit: UnitFacts {
            code: "D017".parse().unwrap(),
            municipal: Some(true),
        },
        system: SystemFacts {
            code: "S1".parse().unwrap(),
            arrival: Arrival::New,
            classified: Some(false),
            mlps_level: Some(3),
            zone: NetworkZone::Extranet,
            data_grade: None,
            filing_certificate: None,
            crypto_plan: Some("密码应用方案 2026-01".into()),
            crypto_assessment: Some(CryptoConclusion::Basically),
        },
        off_cloud: false,
        lines: vec![
            line(1, Server, Some(Xinchuang), "vcpu=32 memory_gib=64 count=4"),
            line(2, Server, Some(X86), "vcpu=8 memory_gib=32 count=1"),
            line(3, Volume, Some(Xinchuang), "storage_gib=1000"),
        ],
        stock: vec![
            stock(Server, Xinchuang, "vcpu=20 memory_gib=40"),
            stock(Server, X86, ""),
            stock(Volume, Xinchuang, "storage_gib=300"),
        ],
        reviews: vec![review()],
        providers: vec![
            provider("P1", Some(3), Some("6000")),
            provider("P2", Some(2), None),
            provider("P3", Some(3), Some("5500")),
        ],
        choice: Some(Choice {
            provider: "P3".parse().unwrap(),
            reason: String::new(),
        }),
        means: Means::default(),
    }
}

pub fn checks(facts: &RequestFacts) -> Vec<Check> {
    check_all(&book(), facts, now(), &no_own)
}

pub fn check(facts: &RequestFacts, code: &str) -> Check {
    checks(facts).into_iter().find(|c| c.rule.to_string() == code).unwrap()
}

pub fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Block => "block",
        Outcome::Reduce { .. } => "reduce",
        Outcome::Supplement => "supplement",
        Outcome::Warn => "warn",
        Outcome::CannotJudge => "cannot_judge",
        Outcome::NotConfigured => "not_configured",
    }
}

/// What one rule says about the example after a change.
pub fn after(code: &str, change: impl FnOnce(&mut RequestFacts)) -> Check {
    let mut facts = facts();
    change(&mut facts);
    check(&facts, code)
}

pub fn says(code: &str, expected: &str, change: impl FnOnce(&mut RequestFacts)) -> String {
    let check = after(code, change);
    assert_eq!(word(&check.outcome), expected, "{code}: {}", check.reason);
    check.reason
}
