//! From an approved application to a metered resource and to its erased end, on both stores. Figures are worked by hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod asked;
mod desks;
mod ends;
mod exceptions;
mod kills;
mod leftovers;
mod queue;
mod refusals;
mod room;
mod rounds;
mod sweeps;
mod taken_back;
mod there;
mod ways;
mod worked_example;
mod world;

use app::month::close_month;
use app::orders::{
    BuiltIn, RunEnd, begin_by_hand, choose_provider, confirm_trial, finish_by_hand, make_offer, run_order, take_effect,
};
use domain::authz::Role;
use domain::registry::Side;
use domain::request::{RequestKind, RequestStatus};
use domain::work::{Manner, OrderState};
use kernel::{ErrorKind, Kinded};
use test_support::TestStore;
use world::{World, at};

test_support::on_both_stores!(
    by_hand_it_is_paid_from_the_third_confirmation,
    the_simulated_node_opens_and_changes,
    offers_stay_below_the_catalogue_and_are_compared,
);

const SQ: &str = "SQ-202610-9001";

async fn by_hand_it_is_paid_from_the_third_confirmation(store: TestStore) {
    let world = World::new(store).await;
    world.approved(SQ, 1, 0).await;
    let order = world.ordered(SQ, "N2", false).await;
    assert_eq!(
        (order.manner, order.number.as_str()),
        (Manner::ByHand, "GD-202610-0001")
    );
    let operator = world.operator();
    let early = finish_by_hand(&operator, (&order.number, None)).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::InvalidInput, "{early}");
    begin_by_hand(&operator, (&order.number, None)).await.unwrap();
    let bare = finish_by_hand(&operator, (&order.number, None)).await.unwrap_err();
    assert!(bare.to_string().contains("还没有凭证"), "{bare}");
    let others = world.person(33, "P2", Side::Provider, Role::ProviderOperator);
    let theirs = app::evidence::hand_in(&others, &order.number, "a.txt", b"x")
        .await
        .unwrap_err();
    assert_eq!(theirs.kind(), ErrorKind::Forbidden, "{theirs}");
    let file = app::evidence::hand_in(&operator, &order.number, "a.txt", b"x")
        .await
        .unwrap();
    let step = app::orders::HandStep {
        step: 1,
        native_id: Some("vm-1".into()),
        evidence: file.id,
        done_at: world.ctx.now(),
        words: String::new(),
    };
    app::orders::record_by_hand(&operator, (&order.number, None), vec![step])
        .await
        .unwrap();
    finish_by_hand(&operator, (&order.number, None)).await.unwrap();
    assert_eq!(world.request(SQ).await.status, RequestStatus::OnTrial);

    // Whoever opened it does not confirm it, nor whoever applied.
    let opener = world.person(30, "P1", Side::Provider, Role::ProviderHead);
    let own = confirm_trial(&opener, (SQ, None), "").await.unwrap_err();
    assert_eq!(own.kind(), ErrorKind::Forbidden, "{own}");
    let applicant = world.person(10, "D1", Side::Unit, Role::UnitAcceptor);
    let own = confirm_trial(&applicant, (SQ, None), "").await.unwrap_err();
    assert_eq!(own.kind(), ErrorKind::Forbidden, "{own}");
    world.on("2026-10-12 09:00:00");
    let start = world.confirmed(SQ, "2026-10-13 16:30:00").await;
    assert_eq!(start, Some(at("2026-10-13 16:30:00")));
    assert_eq!(world.request(SQ).await.status, RequestStatus::InForce);

    // 4 vCPU x 1.00 a day x (18 days + 7.5 hours) = 73.25.
    world.on("2026-11-03 09:00:00");
    close_month(&world.ctx, "2026-10".parse().unwrap()).await.unwrap();
    let month = "2026-10".parse().unwrap();
    let statements = world.ctx.store().read().await.unwrap().statements(month).await.unwrap();
    assert_eq!(statements[0].statement.payable.fen(), 7_325);
}

async fn the_simulated_node_opens_and_changes(store: TestStore) {
    let world = World::new(store).await;
    let nodes = app::nodes::list(&world.ctx).await.unwrap();
    let names: Vec<_> = nodes.iter().map(|view| view.node.name.as_str()).collect();
    assert_eq!(names, ["N1（模拟）", "N2", "N3"], "it says what it is in every list");
    world.approved(SQ, 2, 1).await;
    let order = world.ordered(SQ, "N1", true).await;
    assert_eq!(order.manner, Manner::Interface);
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    let (look, _) = app::orders::simulated_look(&world.ctx, "N1").unwrap();
    assert_eq!(look.observations.len(), 3);
    assert!(look.observations.iter().all(|seen| seen.zone == "az1"));
    // Again: nothing more is made.
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    assert_eq!(
        app::orders::simulated_look(&world.ctx, "N1")
            .unwrap()
            .0
            .observations
            .len(),
        3
    );
    world.confirmed(SQ, "2026-10-12 00:00:00").await;

    let code = format!("{SQ}-1-1");
    let number = "SQ-202610-9002";
    let change = world.about(number, RequestKind::Change, "vcpu=8", &[&code]).await;
    let mut work = world.ctx.store().begin().await.unwrap();
    take_effect(&world.ctx, &mut work, &change).await.unwrap();
    work.audit(world.ctx.now(), ("t", "test", number), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let orders = world.orders_of(number).await;
    run_order(&world.ctx, &orders[0].number, &BuiltIn).await.unwrap();
    world.confirmed(number, "2026-10-20 12:00:00").await;
    let intervals = world.allocations(&code).await;
    let shown: Vec<_> = intervals
        .iter()
        .map(|i| (i.spec.to_string(), i.period.from(), i.period.end()))
        .collect();
    let (first, second) = (at("2026-10-12 00:00:00"), at("2026-10-20 12:00:00"));
    assert_eq!(
        shown,
        [
            ("vcpu=4".to_owned(), first, Some(second)),
            ("vcpu=8".to_owned(), second, None)
        ]
    );
    assert_eq!(intervals[0].native_id, intervals[1].native_id);
}

async fn offers_stay_below_the_catalogue_and_are_compared(store: TestStore) {
    let world = World::new(store).await;
    world.approved(SQ, 1, 0).await;
    let dear = World::offer("P1", "N2", "HT-1", "31.01", None);
    let error = make_offer(&world.head(), (SQ, None), dear).await.unwrap_err();
    assert!(error.to_string().contains("高于目录价 31 元"), "{error}");
    let foreign = World::offer("P2", "N3", "HT-2", "30", None);
    let error = make_offer(&world.head(), (SQ, None), foreign).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let stale = make_offer(
        &world.head(),
        (SQ, Some(9)),
        World::offer("P1", "N2", "HT-1", "31", None),
    )
    .await;
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict);
    make_offer(&world.head(), (SQ, None), World::offer("P1", "N2", "HT-1", "31", None))
        .await
        .unwrap();
    let (p1, operations) = ("P1".parse().unwrap(), world.operations());
    let error = choose_provider(&operations, (SQ, None), &p1, "").await.unwrap_err();
    assert!(error.to_string().contains("只有 1 家报价"), "{error}");
    let other = world.person(32, "P2", Side::Provider, Role::ProviderHead);
    make_offer(&other, (SQ, None), World::offer("P2", "N3", "HT-2", "30", None))
        .await
        .unwrap();
    let error = choose_provider(&operations, (SQ, None), &p1, " ").await.unwrap_err();
    assert!(error.to_string().contains("请记录选择理由"), "{error}");
    let (request, order) = choose_provider(&operations, (SQ, None), &p1, "同城双活").await.unwrap();
    assert_eq!(
        (request.status, order.provider.as_str()),
        (RequestStatus::Ordered, "P1")
    );
    // 4 x 31.00 a month for October, November and December.
    let holds = world.ctx.store().read().await.unwrap().holds_of(SQ).await.unwrap();
    assert_eq!(holds.iter().map(|(_, amount, _)| *amount).collect::<Vec<_>>(), [37_200]);
}
