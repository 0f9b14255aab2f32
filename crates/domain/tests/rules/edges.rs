//! What each rule says at its edges.

use crate::world::*;
use domain::registry::{PoolKind, ResourceKind};
use domain::rules::*;

#[test]
fn r1_an_exception_holds_exactly_as_decided() {
    says("R1", "pass", |_| {});
    says("R1", "pass", |f| f.unit.municipal = Some(false));
    says("R1", "cannot_judge", |f| f.unit.municipal = None);
    says("R1", "block", |f| f.reviews.clear());
    says("R1", "pass", |f| {
        f.reviews.clear();
        f.lines.remove(1);
    });
    says("R1", "cannot_judge", |f| f.lines[0].pool = None);
    says("R1", "pass", |f| f.application = ApplicationKind::Release);
    // More than was granted, another measure, another kind, another class, another pool, another system.
    says("R1", "block", |f| {
        f.lines[1].quantities = "vcpu=9 memory_gib=32 count=1".parse().unwrap()
    });
    says("R1", "block", |f| {
        f.lines[1].quantities = "vcpu=8 storage_gib=1".parse().unwrap()
    });
    says("R1", "block", |f| f.lines[1].kind = ResourceKind::BareMetal);
    says("R1", "block", |f| f.reviews[0].scope[0].class = Some("gpu".into()));
    says("R1", "block", |f| {
        f.reviews[0].scope[0].pool = Some(PoolKind::Xinchuang)
    });
    says("R1", "block", |f| f.reviews[0].system = "S2".parse().unwrap());
    says("R1", "block", |f| f.reviews[0].subject = ReviewSubject::OwnPurchase);
    // Twice the same line, or one taken by an earlier application: the scope is used up.
    says("R1", "block", |f| {
        f.lines.push(Line {
            number: 4,
            ..f.lines[1].clone()
        })
    });
    says("R1", "block", |f| {
        f.reviews[0].scope[0].used = "count=1".parse().unwrap()
    });
    // Decided otherwise, later, or no longer in force: to the second.
    says("R1", "block", |f| f.reviews[0].decision = ReviewDecision::Reject);
    says("R1", "block", |f| f.reviews[0].decided = now().plus_s(1));
    says("R1", "pass", |f| f.reviews[0].expires = Some(now().plus_s(1)));
    assert!(says("R1", "block", |f| f.reviews[0].expires = Some(now())).contains("没有有效的专家论证"));
    says("R1", "block", |f| {
        f.reviews[0].reviewers[2].conflict = Some("投标人员工".into())
    });
    let condition = |evidence: Option<&str>| Condition {
        text: "先完成漏洞修复".into(),
        before_opening: true,
        evidence: evidence.map(Into::into),
    };
    // A condition before opening holds up the opening, not the application: it is told, and awaited before the choice.
    says("R1", "pass", |f| f.reviews[0].conditions = vec![condition(None)]);
    let open = says("R2", "not_configured", |f| {
        f.reviews[0].conditions = vec![condition(None)]
    });
    assert!(
        open.contains("开通前须先落实并登记凭据：专家论证 LZ-2026-003「先完成漏洞修复」"),
        "{open}"
    );
    let met = says("R2", "not_configured", |f| {
        f.reviews[0].conditions = vec![condition(Some("报告 12"))]
    });
    assert!(!met.contains("开通前"), "{met}");
    let why = after("R1", |f| f.reviews[0].decision = ReviewDecision::Reject).evidence;
    assert_eq!(why, [("专家论证 LZ-2026-003".to_owned(), "结论为不同意".to_owned())]);
}

#[test]
fn r2_the_record_of_a_review_is_complete() {
    assert!(says("R2", "not_configured", |_| {}).contains("没有配置"));
    says("R2", "pass", |f| f.reviews.clear());
    says("R2", "not_configured", |f| {
        f.reviews[0].decision = ReviewDecision::Reject
    });
    let faults = [
        says("R2", "block", |f| f.reviews[0].grounds = " ".into()),
        says("R2", "block", |f| f.reviews[0].expires = None),
        says("R2", "block", |f| f.reviews[0].reviewers[0].declared = false),
        says("R2", "block", |f| {
            f.reviews[0].reviewers[0].conflict = Some("亲属".into())
        }),
        says("R2", "block", |f| drop(f.reviews[0].opinions.pop())),
        says("R2", "block", |f| f.reviews[0].opinions[0].reviewer = "丁".into()),
        says("R2", "block", |f| f.reviews[0].scope.clear()),
        says("R2", "block", |f| f.reviews[0].reviewers.clear()),
    ];
    for (fault, part) in faults.iter().zip([
        "理由",
        "有效期",
        "声明",
        "亲属",
        "丙没有意见",
        "丁的意见",
        "范围",
        "没有评审人员",
    ]) {
        assert!(fault.contains(part), "{part} in {fault}");
    }
    // Composition, where a city configures it: three of three reviewers, two thirds in favour; 2 of 3 is 0.666….
    let quorum = |least, part: &str| Composition {
        reviewers_at_least: least,
        in_favour_at_least: part.parse().unwrap(),
    };
    let review = review();
    assert_eq!(review.faults(Some(&quorum(3, "0.666666"))), []);
    assert_eq!(
        review.faults(Some(&quorum(3, "0.666667"))),
        [ReviewFault::NotEnoughInFavour(2, 3)]
    );
    assert_eq!(review.faults(Some(&quorum(5, "0.5"))), [ReviewFault::TooFew(3, 5)]);
    // Configured composition counts for R1 as well.
    let mut edition = edition();
    let r2 = edition.rules.iter_mut().find(|r| r.code.to_string() == "R2").unwrap();
    r2.kind = RuleKind::ReviewAsDecided {
        composition: Some(quorum(5, "0.5")),
    };
    let checks = check_all(&RuleBook::new(vec![edition]).unwrap(), &facts(), now(), &no_own);
    assert_eq!((word(&checks[0].outcome), word(&checks[1].outcome)), ("block", "block"));
}

#[test]
fn r3_what_the_catalogue_offers_is_not_bought_anew() {
    let purchase = |items: Option<&[&str]>| {
        let items = items.map(|items| items.iter().map(|i| i.parse().unwrap()).collect());
        move |f: &mut RequestFacts| {
            f.lines[0].own_purchase = Some(OwnPurchase {
                what: "数据库一体机".into(),
                offered_as: items,
            });
        }
    };
    says("R3", "pass", |_| {});
    says("R3", "pass", purchase(Some(&[])));
    assert!(says("R3", "cannot_judge", purchase(None)).contains("比对"));
    let check = after("R3", purchase(Some(&["db-dm", "db-og"])));
    assert_eq!(word(&check.outcome), "block");
    assert!(
        check.evidence.iter().any(|(_, items)| items == "db-dm；db-og"),
        "{check:?}"
    );
    says("R3", "pass", |f| {
        purchase(Some(&["db-dm"]))(f);
        let mut exception = review();
        exception.subject = ReviewSubject::OwnPurchase;
        exception.scope[0].pool = f.lines[0].pool;
        exception.scope[0].most = f.lines[0].quantities.clone();
        f.reviews.push(exception);
    });
}

#[test]
fn r4_only_what_is_known_reduces() {
    // Nothing known: neither a pass nor a reduction.
    says("R4", "cannot_judge", |f| f.stock.clear());
    let unknown = |f: &mut RequestFacts| {
        for stock in &mut f.stock {
            (stock.judged, stock.unjudged, stock.completeness) = (0, 3, None);
            stock.unjudged_because = "节点未报送利用率".into();
        }
    };
    assert!(says("R4", "cannot_judge", unknown).contains("节点未报送利用率"));
    let thin = |f: &mut RequestFacts| {
        f.stock
            .iter_mut()
            .for_each(|s| s.completeness = Some("0.899999".parse().unwrap()))
    };
    assert!(says("R4", "cannot_judge", thin).contains("0.899999"));
    says("R4", "reduce", |f| {
        f.stock
            .iter_mut()
            .for_each(|s| s.completeness = Some("0.9".parse().unwrap()))
    });
    // A unit that holds nothing, and one that uses all it holds.
    says("R4", "pass", |f| {
        f.stock.iter_mut().for_each(|s| {
            s.spare = domain::registry::Spec::new();
            (s.judged, s.completeness) = (0, None);
        })
    });
    says("R4", "pass", |f| {
        f.stock.iter_mut().for_each(|s| s.spare = domain::registry::Spec::new())
    });
    // Less than one piece is no piece; the memory of no more than one piece serves one.
    let spare = |text: &'static str| {
        move |f: &mut RequestFacts| {
            f.lines.truncate(1);
            f.stock[0].spare = text.parse().unwrap();
        }
    };
    says("R4", "pass", spare("vcpu=100 memory_gib=15"));
    let Outcome::Reduce { to } = after("R4", spare("vcpu=100 memory_gib=31")).outcome else {
        panic!()
    };
    assert_eq!(to[0].quantities.to_string(), "vcpu=24 memory_gib=48 count=3");
    // Stock serves all that was asked for: nothing is left to approve.
    assert!(says("R4", "block", spare("vcpu=32 memory_gib=64")).contains("核减为 vCPU 0 核"));
    // The same stock does not serve two lines.
    let Outcome::Reduce { to } = after("R4", |f| {
        f.lines[1] = Line {
            number: 2,
            ..f.lines[0].clone()
        };
    })
    .outcome
    else {
        panic!()
    };
    assert_eq!(to.iter().map(|l| l.line).collect::<Vec<_>>(), [1, 3]);
    // A partly known stock reduces by the known part, and says what is not known.
    let partly = says("R4", "reduce", |f| {
        f.stock[0].unjudged = 1;
        f.stock[0].unjudged_because = "完整度不足".into();
    });
    assert!(partly.contains("另有无法判断的：第 1 行：1 个资源"), "{partly}");
    // What adds nothing is not asked.
    says("R4", "pass", |f| {
        f.stock.clear();
        f.lines.iter_mut().for_each(|l| l.increment = false);
    });
}

#[test]
fn r5_to_r8_and_r41_levels_and_papers() {
    says("R5", "block", |f| f.system.classified = Some(true));
    says("R5", "cannot_judge", |f| f.system.classified = None);
    says("R5", "pass", |f| {
        f.system.classified = Some(true);
        f.application = ApplicationKind::Release;
    });
    says("R6", "pass", |f| f.system.mlps_level = Some(3));
    says("R6", "block", |f| f.system.mlps_level = Some(4));
    says("R6", "cannot_judge", |f| f.system.mlps_level = None);
    // R7: the chosen platform counts; before the choice one that will do is enough.
    says("R7", "pass", |_| {});
    says("R7", "block", |f| {
        f.choice.as_mut().unwrap().provider = "P2".parse().unwrap()
    });
    says("R7", "pass", |f| f.choice = None);
    says("R7", "block", |f| {
        f.choice = None;
        f.providers.iter_mut().for_each(|p| p.platform_level = Some(2));
    });
    says("R7", "cannot_judge", |f| f.providers[2].platform_level = None);
    says("R7", "cannot_judge", |f| f.providers.clear());
    says("R8", "supplement", |f| f.system.arrival = Arrival::Migrated);
    says("R8", "supplement", |f| {
        f.system.arrival = Arrival::Migrated;
        f.system.mlps_level = None;
    });
    says("R8", "pass", |f| {
        f.system.arrival = Arrival::Migrated;
        f.system.mlps_level = Some(2);
    });
    says("R8", "pass", |f| {
        f.system.arrival = Arrival::Migrated;
        f.system.filing_certificate = Some("备案 530100".into());
    });
    says("R41", "block", |f| f.system.crypto_plan = None);
    says("R41", "block", |f| f.system.crypto_assessment = None);
    says("R41", "block", |f| {
        f.system.crypto_assessment = Some(CryptoConclusion::NotConform)
    });
    says("R41", "pass", |f| {
        f.system.crypto_plan = None;
        f.system.mlps_level = Some(2);
    });
    says("R41", "cannot_judge", |f| {
        f.system.crypto_plan = None;
        f.system.mlps_level = None;
    });
}

#[test]
fn r17_r37_r46_r48_where_and_for_how_long() {
    says("R17", "supplement", |f| f.lines[0].purpose = Purpose::Test);
    says("R17", "supplement", |f| {
        f.lines[0].purpose = Purpose::Emergency;
        f.lines[0].until = Some(now().day());
    });
    says("R17", "pass", |f| {
        f.lines[0].purpose = Purpose::Development;
        f.lines[0].until = Some(now().day().plus(1));
    });
    says("R37", "block", |f| f.providers[2].data_in_china = Some(false));
    says("R37", "cannot_judge", |f| f.providers[2].operated_in_china = None);
    says("R37", "pass", |f| f.providers[0].operated_in_china = Some(false));
    says("R46", "block", |f| f.off_cloud = true);
    says("R46", "pass", |f| {
        f.off_cloud = true;
        f.reviews[0].subject = ReviewSubject::OffCloud;
    });
    // What is no match for the cloud may be built outside it.
    for rule in ["R6", "R7", "R37"] {
        let outside = |off_cloud| {
            move |f: &mut RequestFacts| {
                f.off_cloud = off_cloud;
                f.system.mlps_level = Some(4);
                f.providers[2].data_in_china = Some(false);
            }
        };
        says(rule, "block", outside(false));
        says(rule, "pass", outside(true));
    }
    says("R48", "pass", |_| {});
    says("R48", "cannot_judge", |f| f.choice = None);
    says("R48", "block", |f| {
        f.choice.as_mut().unwrap().provider = "P2".parse().unwrap()
    });
    assert!(
        says("R48", "block", |f| f.choice.as_mut().unwrap().provider =
            "P1".parse().unwrap())
        .contains("理由")
    );
    says("R48", "pass", |f| {
        let choice = f.choice.as_mut().unwrap();
        (choice.provider, choice.reason) = ("P1".parse().unwrap(), "已有数据在该平台".into());
    });
    assert!(says("R48", "block", |f| f.providers[0].quote = None).contains("只有 1 家"));
    let price = |f: &mut RequestFacts, price: &str, limit: Option<&str>| {
        let quoted = &mut f.providers[2].quote.as_mut().unwrap().prices[0];
        quoted.price = price.parse().unwrap();
        quoted.catalogue_price = limit.map(|l| l.parse().unwrap());
    };
    says("R48", "pass", |f| price(f, "52", Some("52")));
    says("R48", "block", |f| price(f, "52.000001", Some("52")));
    says("R48", "cannot_judge", |f| price(f, "52", None));
}
