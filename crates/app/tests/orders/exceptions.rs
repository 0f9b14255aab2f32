//! Exceptions are carried out as they were decided: what the unit buys itself or builds outside is not opened on the cloud,
//! and what a review demands first comes first.

use crate::world::World;
use app::messages::messages;
use app::orders::{HandStep, begin_by_hand, choose_provider, finish_by_hand, follow_up, record_by_hand};
use app::requests::{archive, check, meet_condition, show, submit, withdraw};
use domain::budget::{HoldState, Purse};
use domain::registry::{Measure, ResourceKind};
use domain::request::{Declaration, RequestKind, RequestLine, RequestStatus, ResourceRequest};
use domain::rules::ReviewSubject;
use kernel::{ErrorKind, Kinded, Money};
use test_support::TestStore;

test_support::on_both_stores!(
    what_the_unit_buys_itself_is_not_opened,
    what_is_built_outside_is_archived_with_its_approval,
    conditions_come_before_the_choice,
    conditions_come_before_the_order_of_a_change,
);

/// A draft for a server of 4 vCPU, and a volume of 100 GiB that the unit wants to buy itself.
async fn half_own(world: &World) -> ResourceRequest {
    let volume = RequestLine {
        line: 2,
        kind: ResourceKind::Volume,
        spec: "storage_gib=100".parse().unwrap(),
        ..World::line(None)
    };
    let declared = Declaration {
        own_purchases: [(2, "存储一体机".to_owned())].into(),
        ..Declaration::default()
    };
    world
        .drafted(RequestKind::New, vec![World::line(None), volume], declared)
        .await
}

const OWN: (ReviewSubject, ResourceKind, &str) = (ReviewSubject::OwnPurchase, ResourceKind::Volume, "storage_gib=100");
const FIRST: &str = "先完成漏洞修复";

async fn what_the_unit_buys_itself_is_not_opened(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let draft = half_own(&world).await;
    let number = draft.number.as_str();
    let refused = submit(&world.applicant(), number, draft.version).await.unwrap_err();
    assert!(refused.to_string().contains("R3"), "{refused}");
    world.reviewed(number, OWN, Vec::new()).await;
    let dry = check(&world.applicant(), number).await.unwrap();
    assert_eq!(
        dry.left_out,
        ["第 2 行由单位自行采购（存储一体机）：不占用额度，不报价，不在云上开通"]
    );
    // The dearer of both: 4 vCPU at 40.00.
    assert_eq!(dry.monthly, Some(Money::from_fen(16_000)));

    assert_eq!(world.passed(&draft).await.status, RequestStatus::Approved);
    // A price for the server is enough.
    let order = world.ordered(number, "N2", false).await;
    let codes: Vec<_> = order.steps.iter().map(|step| step.allocation.to_string()).collect();
    assert_eq!(codes, [format!("{number}-1-1")]);
    let held = world.ctx.store().read().await.unwrap().holds_of(number).await.unwrap();
    let mut held: Vec<_> = held
        .into_iter()
        .map(|(purse, amount, _)| match purse {
            Purse::Quota { measure, .. } => (measure.word(), amount),
            Purse::Budget { .. } => ("budget", amount),
            Purse::Ceiling { .. } => ("ceiling", amount),
        })
        .collect();
    held.sort_unstable();
    // October, November and December of the 4 x 30.00 that were offered.
    let expected = [
        ("budget", 36_000),
        ("ceiling", 36_000),
        (Measure::Vcpu.word(), 4_000_000),
    ];
    assert_eq!(held, expected);

    let operator = world.operator();
    begin_by_hand(&operator, (&order.number, None)).await.unwrap();
    let file = app::evidence::hand_in(&operator, &order.number, "a.txt", b"x")
        .await
        .unwrap();
    let step = HandStep {
        step: 1,
        native_id: Some("vm-1".into()),
        evidence: file.id,
        done_at: world.ctx.now(),
        words: String::new(),
    };
    record_by_hand(&operator, (&order.number, None), vec![step])
        .await
        .unwrap();
    finish_by_hand(&operator, (&order.number, None)).await.unwrap();
    world.confirmed(number, "2026-10-12 00:00:00").await;
    assert_eq!(world.allocations(&format!("{number}-1-1")).await.len(), 1);
    assert!(world.allocations(&format!("{number}-2-1")).await.is_empty());
    assert_eq!(world.holds(number).await, [HoldState::Used; 3]);
}

async fn what_is_built_outside_is_archived_with_its_approval(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let declared = Declaration {
        off_cloud: true,
        ..Declaration::default()
    };
    let draft = world.drafted(RequestKind::New, Vec::new(), declared).await;
    let number = draft.number.as_str();
    let refused = submit(&world.applicant(), number, draft.version).await.unwrap_err();
    assert!(refused.to_string().contains("R46"), "{refused}");
    let outside = (ReviewSubject::OffCloud, ResourceKind::Server, "count=1");
    world.reviewed(number, outside, Vec::new()).await;
    let passed = world.passed(&draft).await;
    assert_eq!(passed.status, RequestStatus::Archived);
    assert_eq!(world.request(number).await, passed);
    assert!(world.holds(number).await.is_empty() && world.orders_of(number).await.is_empty());
    let told = messages(&world.applicant(), 10).await.unwrap();
    assert!(
        told.iter().any(|told| told.title.contains("云上没有需要办理的")),
        "{told:?}"
    );
    let frozen = show(&world.applicant(), number).await.unwrap().frozen.unwrap();
    assert!(frozen.facts.off_cloud && frozen.monthly.is_none() && frozen.estimates.is_empty());
    let file = world.folder.path().join("a.zip");
    archive(&world.applicant(), number, &file).await.unwrap();
    assert!(file.is_file());
}

async fn conditions_come_before_the_choice(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let draft = half_own(&world).await;
    let number = draft.number.as_str();
    let review = world.reviewed(number, OWN, vec![World::condition(FIRST)]).await;
    let dry = check(&world.applicant(), number).await.unwrap();
    let r2 = dry.checks.iter().find(|check| check.rule.to_string() == "R2").unwrap();
    assert!(r2.reason.contains(FIRST), "{r2:?}");
    assert_eq!(world.passed(&draft).await.status, RequestStatus::Approved);
    let told = messages(&world.applicant(), 10).await.unwrap();
    let told = told
        .iter()
        .find(|message| message.kind == "request.conditions")
        .unwrap();
    assert!(told.text.contains(FIRST), "{told:?}");
    world.offered(number, "N2", false).await;
    let p1 = "P1".parse().unwrap();
    let early = choose_provider(&world.operations(), (number, None), &p1, "")
        .await
        .unwrap_err();
    assert_eq!(early.kind(), ErrorKind::FailedPrecondition, "{early}");
    assert!(
        early.to_string().contains(&review.code) && early.to_string().contains(FIRST),
        "{early}"
    );
    assert_eq!(world.request(number).await.status, RequestStatus::Approved);

    let about = |version| (number, review.code.as_str(), version);
    let theirs = meet_condition(&world.applicant(), about(0), (1, "报告 12")).await;
    assert_eq!(theirs.unwrap_err().kind(), ErrorKind::Forbidden);
    for (place, evidence) in [(0, "报告 12"), (2, "报告 12"), (1, " ")] {
        let wrong = meet_condition(&world.secretary(), about(0), (place, evidence)).await;
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidInput, "{place} {evidence}");
    }
    let met = meet_condition(&world.secretary(), about(0), (1, "报告 12"))
        .await
        .unwrap();
    assert_eq!(met.conditions[0].evidence.as_deref(), Some("报告 12"));
    let stale = meet_condition(&world.secretary(), about(0), (1, "报告 13")).await;
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict);
    let twice = meet_condition(&world.secretary(), about(1), (1, "报告 13")).await;
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::InvalidInput);
    let shown = show(&world.applicant(), number).await.unwrap().reviews;
    assert_eq!(shown, [met], "what was noted stays");
    let (chosen, _) = choose_provider(&world.operations(), (number, None), &p1, "")
        .await
        .unwrap();
    assert_eq!(chosen.status, RequestStatus::Ordered);
}

async fn conditions_come_before_the_order_of_a_change(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let request = world.decided(RequestKind::New, vec![World::line(None)]).await;
    let order = world.ordered(&request.number, "N1", false).await;
    app::orders::run_order(&world.ctx, &order.number, &app::orders::BuiltIn)
        .await
        .unwrap();
    world.confirmed(&request.number, "2026-10-12 00:00:00").await;
    world.on("2026-10-19 09:00:00");
    let code = format!("{}-1-1", request.number);
    let larger = RequestLine {
        spec: "vcpu=8".parse().unwrap(),
        ..World::line(Some(&code))
    };
    let approved = async || {
        let draft = world
            .drafted(RequestKind::Change, vec![larger.clone()], Declaration::default())
            .await;
        let review = world.reviewed(&draft.number, OWN, vec![World::condition(FIRST)]).await;
        assert_eq!(world.passed(&draft).await.status, RequestStatus::Ordered);
        assert!(
            world.orders_of(&draft.number).await.is_empty(),
            "it waits for the evidence"
        );
        assert!(follow_up(&world.ctx).await.unwrap().done.is_empty());
        (draft.number, review.code)
    };
    // Without its order it can be taken back.
    let (first, _) = approved().await;
    let version = world.request(&first).await.version;
    let gone = withdraw(&world.applicant(), &first, version, "不再需要").await.unwrap();
    assert_eq!(gone.status, RequestStatus::Withdrawn);
    let (second, code) = approved().await;
    meet_condition(&world.secretary(), (&second, &code, 0), (1, "报告 12"))
        .await
        .unwrap();
    assert_eq!(
        &follow_up(&world.ctx).await.unwrap().done,
        std::slice::from_ref(&second)
    );
    assert_eq!(world.order_of(&second).await.steps.len(), 1);
}
