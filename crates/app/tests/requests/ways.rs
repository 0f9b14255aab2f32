//! The ways of an application.

use crate::town::{Town, refusal, server, with_crypto_plan};
use app::messages::{messages, to_dos};
use app::requests::{
    NewReview, check, check_thought, decide, edit_draft, list, record_review, show, submit, tick, withdraw,
};
use domain::flow::{Act, Deed, ReturnTo};
use domain::registry::PoolKind;
use domain::request::RequestStatus;
use domain::rules::{Opinion, ReviewDecision, ReviewForm, ReviewScope, ReviewSubject, Reviewer, Verdict};
use kernel::{ErrorKind, Money};
use store::RequestFilter;
use test_support::TestStore;

pub async fn from_draft_to_approval(store: TestStore) {
    let town = Town::new(store).await;
    town.budget("D1", "10000").await;
    let wang = town.by("wang");

    let thought = check_thought(&wang, server("S1", PoolKind::Xinchuang)).await.unwrap();
    assert_eq!(thought.verdict, Verdict::ByPeople, "{:?}", thought.checks);
    assert_eq!(
        (thought.monthly, thought.months_left),
        (Some(Money::from_fen(28_000)), 3)
    );
    assert_eq!(thought.estimates[0].missing, None);
    let nodes: Vec<_> = thought.flow.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(nodes, ["本单位负责人审核", "主管部门初审", "技术审核", "分管领导审定"]);
    assert_eq!(thought.flow.nodes[1].people, ["intake同志"]);
    assert_eq!(
        list(&wang, &RequestFilter::default(), 10).await.unwrap(),
        [],
        "nothing is stored"
    );

    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    assert_eq!(draft.number, "SQ-202610-0001");
    let drafts = list(&town.by("head"), &RequestFilter::default(), 10).await.unwrap();
    assert_eq!(drafts, [], "nobody else sees a draft");
    let dry = check(&wang, &draft.number).await.unwrap();
    assert_eq!((dry.faults.len(), dry.monthly), (0, thought.monthly));
    assert_eq!(town.held("D1").await, 0, "a dry run holds nothing");

    let mut request = submit(&wang, &draft.number, draft.version).await.unwrap();
    assert_eq!(request.status, RequestStatus::InApproval);
    // October, November and December at 280 yuan.
    assert_eq!(town.held("D1").await, 84_000);
    let frozen = show(&wang, &request.number).await.unwrap().frozen.unwrap();
    assert_eq!(frozen.monthly, Some(Money::from_fen(28_000)));
    assert!(
        frozen
            .checks
            .iter()
            .any(|check| check.rule.to_string() == "R1" && check.version == 1)
    );

    for login in ["head", "intake", "technical", "leader"] {
        assert_eq!(request.status, RequestStatus::InApproval);
        request = town.agree(login, &request).await;
        assert!(to_dos(&town.by(login)).await.unwrap().is_empty());
    }
    assert_eq!(request.status, RequestStatus::Approved);
    assert_eq!(town.held("D1").await, 84_000, "held until it is opened");
    let seen = show(&town.by("leader"), &request.number).await.unwrap();
    assert_eq!(seen.request, request);
    assert_eq!(seen.frozen, Some(frozen), "what was frozen stays");
    let last = &messages(&wang, 10).await.unwrap()[0];
    assert_eq!((last.kind.as_str(), last.read), ("request.ended", None));
    let audited = town.audited(&request.number).await;
    let expected = [
        ("wang", "request.draft"),
        ("wang", "request.submit"),
        ("head", "request.agree"),
        ("intake", "request.agree"),
        ("technical", "request.agree"),
        ("leader", "request.agree"),
    ];
    assert_eq!(audited, expected.map(|(who, what)| (who.to_owned(), what.to_owned())));
}

fn review() -> NewReview {
    let reviewer = |name: &str| Reviewer {
        name: name.into(),
        affiliation: "春城大学".into(),
        declared: true,
        conflict: None,
    };
    let opinion = |name: &str| Opinion {
        reviewer: name.into(),
        in_favour: true,
        text: "同意".into(),
    };
    NewReview {
        form: ReviewForm::ExpertReview,
        subject: ReviewSubject::NonXinchuang,
        grounds: "商业软件暂无信创版本".into(),
        reviewers: vec![reviewer("甲"), reviewer("乙"), reviewer("丙")],
        opinions: vec![opinion("甲"), opinion("乙"), opinion("丙")],
        decision: ReviewDecision::Approve,
        decided: "2026-10-07 15:00:00".parse().unwrap(),
        scope: vec![ReviewScope {
            kind: domain::registry::ResourceKind::Server,
            class: None,
            pool: Some(PoolKind::X86),
            most: "vcpu=4 memory_gib=8".parse().unwrap(),
            used: domain::registry::Spec::new(),
        }],
        conditions: Vec::new(),
        expires: Some("2027-10-07 00:00:00".parse().unwrap()),
    }
}

pub async fn a_review_lets_a_pool_through(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    let draft = town.draft("wang", server("S1", PoolKind::X86)).await;
    let (kind, why) = refusal(submit(&wang, &draft.number, draft.version).await);
    assert_eq!(kind, ErrorKind::FailedPrecondition);
    assert!(why.contains("R1") && why.contains("信创"), "{why}");

    let incomplete = NewReview {
        expires: None,
        ..review()
    };
    let (kind, why) = refusal(record_review(&town.by("secretary"), &draft.number, incomplete).await);
    assert_eq!(
        (kind, why.as_str()),
        (ErrorKind::InvalidInput, "论证记录不完整：没有写明有效期，请补充")
    );
    let (kind, _) = refusal(record_review(&wang, &draft.number, review()).await);
    assert_eq!(kind, ErrorKind::Forbidden, "the applicant records no review");
    let recorded = record_review(&town.by("secretary"), &draft.number, review())
        .await
        .unwrap();
    assert_eq!(recorded.code, "LZ-202610-0001");

    let mut request = submit(&wang, &draft.number, draft.version).await.unwrap();
    for login in ["head", "intake", "technical", "secretary", "leader"] {
        request = town.agree(login, &request).await;
    }
    assert_eq!(request.status, RequestStatus::Approved);
}

pub async fn returned_mended_and_resubmitted(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    let bare = with_crypto_plan(server("S3", PoolKind::Xinchuang));
    let draft = town.draft("wang", bare.clone()).await;
    let (kind, why) = refusal(submit(&wang, &draft.number, draft.version).await);
    assert_eq!(kind, ErrorKind::FailedPrecondition);
    assert!(why.contains("R8") && why.contains("备案证明"), "{why}");

    let mut complete = bare;
    complete.declared.filing_certificate = Some("53000-26-0001".into());
    let edited = edit_draft(&wang, &draft.number, draft.version, complete.clone())
        .await
        .unwrap();
    let request = submit(&wang, &draft.number, edited.version).await.unwrap();
    let request = town.agree("head", &request).await;
    let send_back = Act::Return {
        task: town.task("intake", &request.number).await,
        to: ReturnTo::Applicant,
        reason: "请补充内存需求测算".into(),
    };
    let intake = town.by("intake");
    let returned = decide(&intake, &request.number, request.version, send_back)
        .await
        .unwrap();
    assert_eq!(returned.status, RequestStatus::Returned);
    assert_eq!(town.held("D1").await, 84_000, "what was returned keeps its room");

    // Half of it is enough: 2 x 50 + 4 x 10 = 140 yuan.
    complete.lines[0].spec = "vcpu=2 memory_gib=4".parse().unwrap();
    let edited = edit_draft(&wang, &request.number, returned.version, complete)
        .await
        .unwrap();
    assert_eq!(edited.status, RequestStatus::Returned);
    let mut again = submit(&wang, &request.number, edited.version).await.unwrap();
    assert_eq!(again.status, RequestStatus::InApproval);
    assert_eq!(town.held("D1").await, 42_000);
    for login in ["head", "intake", "technical", "leader"] {
        again = town.agree(login, &again).await;
    }
    assert_eq!(again.status, RequestStatus::Approved);
}

pub async fn taken_back_frees_room(store: TestStore) {
    let town = Town::new(store).await;
    town.budget("D1", "840").await;
    let wang = town.by("wang");
    let first = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let second = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let first = submit(&wang, &first.number, first.version).await.unwrap();
    let (kind, why) = refusal(submit(&wang, &second.number, second.version).await);
    assert_eq!(kind, ErrorKind::FailedPrecondition);
    assert!(
        why.contains("D1 2026 年度预算不足：本次需要 840.00 元，剩余 0.00 元"),
        "{why}"
    );

    let gone = withdraw(&wang, &first.number, first.version, "改用现有资源")
        .await
        .unwrap();
    assert_eq!((gone.status, town.held("D1").await), (RequestStatus::Withdrawn, 0));
    assert!(to_dos(&town.by("head")).await.unwrap().is_empty());
    submit(&wang, &second.number, second.version).await.unwrap();
    assert_eq!(town.held("D1").await, 84_000);

    // Refused frees as well.
    let task = town.task("head", &second.number).await;
    let second = show(&wang, &second.number).await.unwrap().request;
    let refuse = Act::Disagree {
        task,
        reason: "本年不再新增".into(),
        advice: "明年预算批复后再申请".into(),
    };
    let refused = decide(&town.by("head"), &second.number, second.version, refuse)
        .await
        .unwrap();
    assert_eq!((refused.status, town.held("D1").await), (RequestStatus::Refused, 0));
}

pub async fn time_reminds_and_escalates(store: TestStore) {
    let town = Town::new(store).await;
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let request = submit(&town.by("wang"), &draft.number, draft.version).await.unwrap();
    let request = town.agree("head", &request).await;
    assert_eq!(tick(town.platform()).await.unwrap().moved, 0);

    // Three working days from Thursday 8 October: Friday, then Saturday 10 October, which is worked, and Monday.
    town.now_is("2026-10-12 09:00:00");
    assert_eq!(tick(town.platform()).await.unwrap().moved, 1);
    assert_eq!(
        messages(&town.by("intake"), 10).await.unwrap()[0].kind,
        "request.reminder"
    );
    assert_eq!(tick(town.platform()).await.unwrap().moved, 0, "once is enough");

    town.now_is("2026-10-14 09:00:00");
    let outcome = tick(town.platform()).await.unwrap();
    assert_eq!((outcome.looked_at, outcome.moved), (1, 1));
    assert_eq!(tick(town.platform()).await.unwrap().moved, 0);
    let history = town.run(&request.number).await.history;
    assert!(history.iter().any(|record| record.deed == Deed::Escalate));
    // Whoever is above may decide now.
    let after = town.agree("operations", &request).await;
    assert_eq!(after.status, RequestStatus::InApproval);
    town.task("technical", &request.number).await;
}

/// The example of docs/domain/rules.md: handed in before the holiday of May, due with the end of Monday the 11th.
pub async fn the_whole_approval_is_timed_and_decides_nothing(store: TestStore) {
    let town = Town::at(store, "2026-04-30 10:00:00").await;
    let wang = town.by("wang");
    let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
    let due = Some("2026-05-12 00:00:00".parse().unwrap());
    assert_eq!(check(&wang, &draft.number).await.unwrap().flow.due, due);
    let request = submit(&wang, &draft.number, draft.version).await.unwrap();
    let whole = town.run(&request.number).await.whole;
    assert_eq!(whole.map(|whole| whole.due), due);
    // The head has no term of their own, so whatever is said is about the whole.
    let passes = async |moment: &str| {
        town.now_is(moment);
        tick(town.platform()).await.unwrap().moved
    };
    let last = async |login: &str| messages(&town.by(login), 10).await.unwrap().into_iter().next();
    let overdue = async || show(&wang, &request.number).await.unwrap().overdue;
    assert_eq!(passes("2026-05-08 23:59:59").await, 0);
    assert_eq!(passes("2026-05-09 00:00:00").await, 1);
    let reminder = last("head").await.unwrap();
    assert_eq!(reminder.kind, "request.reminder");
    assert!(
        reminder.text.contains("全部审批，办理期限 2026-05-11 23:59"),
        "{}",
        reminder.text
    );
    assert!(last("leader").await.is_none(), "those above hear of it when it is over");
    assert_eq!(passes("2026-05-11 23:59:59").await, 0);
    assert_eq!(overdue().await, Some(false));
    assert_eq!(passes("2026-05-12 00:00:00").await, 1);
    assert_eq!(passes("2026-05-12 00:00:01").await, 0, "once is enough");
    assert_eq!(overdue().await, Some(true));
    for login in ["head", "leader", "operations"] {
        assert_eq!(last(login).await.unwrap().kind, "request.overdue", "{login}");
    }
    for login in ["wang", "intake", "technical"] {
        assert_ne!(
            last(login).await.map(|told| told.kind),
            Some("request.overdue".to_owned())
        );
    }
    let history = town.run(&request.number).await.history;
    let warned = history.iter().filter(|record| record.opinion == "全部审批");
    let deeds: Vec<_> = warned.map(|record| (record.deed, record.task)).collect();
    assert_eq!(deeds, [(Deed::Remind, None), (Deed::Escalate, None)]);
    let mut request = request;
    for login in ["head", "intake", "technical", "leader"] {
        assert_eq!(request.status, RequestStatus::InApproval);
        request = town.agree(login, &request).await;
    }
    assert_eq!(request.status, RequestStatus::Approved, "late is not refused");
}

pub async fn one_flow_that_cannot_be_looked_at_stops_no_other(store: TestStore) {
    let town = Town::new(store).await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let draft = town.draft("wang", server("S1", PoolKind::Xinchuang)).await;
        numbers.push(submit(&town.by("wang"), &draft.number, draft.version).await.unwrap());
    }
    town.now_is("2026-10-12 09:00:00");
    town.agree("head", &numbers[0]).await;
    // The clock goes back behind what was written in the first; the second is looked at all the same.
    town.now_is("2026-10-09 09:00:00");
    let outcome = tick(town.platform()).await.unwrap();
    assert_eq!((outcome.looked_at, outcome.failed), (1, 1));
    town.now_is("2026-10-12 09:00:01");
    let outcome = tick(town.platform()).await.unwrap();
    assert_eq!((outcome.looked_at, outcome.failed), (2, 0));
}
