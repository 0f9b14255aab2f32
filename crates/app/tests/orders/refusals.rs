//! A provider refuses an order, and where it goes then; and what keeps a provider from being chosen.

use crate::SQ;
use crate::world::{World, at};
use app::messages::to_dos;
use app::nodes::{NewNode, add};
use app::orders::{
    BuiltIn, HandStep, begin_by_hand, choice_of, choose_provider, confirm_trial, record_by_hand, refuse_order,
    resume_order, run_order,
};
use domain::authz::Role;
use domain::budget::{HoldState, Purse};
use domain::registry::{NodeSource, Platform, Side};
use domain::request::{RequestKind, RequestStatus};
use domain::rules::Outcome;
use domain::work::{OrderState, WorkOrder};
use kernel::{ErrorKind, Kinded, OrganisationCode};
use test_support::TestStore;

test_support::on_both_stores!(
    a_refused_order_goes_to_another_provider,
    a_refused_order_goes_on_with_the_same_provider,
    what_is_there_stays_for_a_person,
    what_is_not_theirs_to_do_is_in_the_chain,
    a_node_below_the_level_of_the_system_is_not_chosen,
);

/// An order that P1 is to carry out by hand.
async fn ordered(store: TestStore) -> (World, WorkOrder) {
    let world = World::new(store).await;
    world.hire().await;
    world.approved(SQ, 1, 0).await;
    let order = world.ordered(SQ, "N2", false).await;
    (world, order)
}

async fn choose(world: &World, provider: &str) -> Result<WorkOrder, app::AppError> {
    let provider: OrganisationCode = provider.parse().unwrap();
    let chosen = choose_provider(&world.operations(), (SQ, None), &provider, "甲云公司不能办理").await;
    chosen.map(|(_, order)| order)
}

async fn a_refused_order_goes_to_another_provider(store: TestStore) {
    let (world, order) = ordered(store).await;
    let number = order.number.as_str();
    let bare = refuse_order(&world.head(), (number, None), " ").await.unwrap_err();
    assert_eq!(bare.kind(), ErrorKind::InvalidInput, "{bare}");
    for who in [
        world.person(32, "P2", Side::Provider, Role::ProviderHead),
        world.operations(),
    ] {
        let theirs = refuse_order(&who, (number, None), "x").await.unwrap_err();
        assert_eq!(theirs.kind(), ErrorKind::Forbidden, "{theirs}");
    }
    let early = choose(&world, "P2").await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::FailedPrecondition, "{early}");

    let refused = refuse_order(&world.head(), (number, Some(order.version)), "机房扩容中")
        .await
        .unwrap();
    assert_eq!(refused.state, OrderState::Undone);
    assert_eq!(world.request(SQ).await.status, RequestStatus::Stuck);
    let told = to_dos(&world.operations()).await.unwrap();
    assert!(told[0].to_do.title.contains("云服务商不能办理：机房扩容中"), "{told:?}");
    let again = refuse_order(&world.head(), (number, None), "x").await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::FailedPrecondition, "{again}");

    let second = choose(&world, "P2").await.unwrap();
    let request = world.request(SQ).await;
    assert_eq!(
        (request.status, request.place.unwrap().node.as_str()),
        (RequestStatus::Ordered, "N3")
    );
    assert_eq!(second.provider.as_str(), "P2");
    assert!(to_dos(&world.operations()).await.unwrap().is_empty());
    let held = world.ctx.store().read().await.unwrap().holds_of(SQ).await.unwrap();
    let held: Vec<_> = held
        .into_iter()
        .filter_map(|(purse, _, state)| match purse {
            Purse::Ceiling { contract } => Some((contract.to_string(), state)),
            _ => None,
        })
        .collect();
    assert_eq!(
        held,
        [("HT-2".to_owned(), HoldState::Held)],
        "the first contract has its room back"
    );
    // The first provider does not take up again what another one has now.
    let late = resume_order(&world.operator(), (number, None), "可以办理了")
        .await
        .unwrap_err();
    assert!(late.to_string().contains(&second.number), "{late}");
    let operator = world.person(33, "P2", Side::Provider, Role::ProviderOperator);
    begin_by_hand(&operator, (&second.number, None)).await.unwrap();
    assert_eq!(world.request(SQ).await.status, RequestStatus::Opening);
    let entries = test_support::chain(world.ctx.store()).await;
    assert!(
        entries
            .iter()
            .any(|entry| entry.action == "order.refuse" && entry.detail.contains("机房扩容中"))
    );
}

async fn a_refused_order_goes_on_with_the_same_provider(store: TestStore) {
    let (world, order) = ordered(store).await;
    refuse_order(&world.operator(), (&order.number, None), "缺少规格说明")
        .await
        .unwrap();
    let next = resume_order(&world.operator(), (&order.number, None), "已说明")
        .await
        .unwrap();
    assert_ne!(next.number, order.number);
    let twice = resume_order(&world.operator(), (&order.number, None), "已说明")
        .await
        .unwrap_err();
    assert_eq!(
        twice.kind(),
        ErrorKind::InvalidInput,
        "one order follows, not two: {twice}"
    );
    begin_by_hand(&world.operator(), (&next.number, None)).await.unwrap();
    assert_eq!(world.request(SQ).await.status, RequestStatus::Opening);
}

async fn what_is_there_stays_for_a_person(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    world.approved(SQ, 2, 0).await;
    let order = world.ordered(SQ, "N2", false).await;
    let (operator, number) = (world.operator(), order.number.as_str());
    begin_by_hand(&operator, (number, None)).await.unwrap();
    let file = app::evidence::hand_in(&operator, number, "a.txt", b"x").await.unwrap();
    let first = HandStep {
        step: 1,
        native_id: Some("vm-1".into()),
        evidence: file.id,
        done_at: world.ctx.now(),
        words: String::new(),
    };
    record_by_hand(&operator, (number, None), vec![first]).await.unwrap();
    let refused = refuse_order(&operator, (number, None), "资源不足").await.unwrap();
    assert_eq!(refused.state, OrderState::NeedsPerson);
    assert_eq!(world.request(SQ).await.status, RequestStatus::Stuck);
    let other = choose(&world, "P2").await.unwrap_err();
    assert_eq!(
        other.kind(),
        ErrorKind::FailedPrecondition,
        "something is there: {other}"
    );
}

async fn what_is_not_theirs_to_do_is_in_the_chain(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let request = world.decided(RequestKind::New, vec![World::line(None)]).await;
    let number = request.number.as_str();
    let refused = async || {
        let entries = test_support::chain(world.ctx.store()).await.into_iter();
        let refused = entries.filter(|entry| entry.action == "access.refused");
        refused
            .map(|entry| (entry.actor, entry.object, entry.detail))
            .collect::<Vec<_>>()
    };
    assert_eq!(refused().await, []);
    // Whoever applied chooses nobody, and whoever agreed to it confirms nothing.
    let applied = world.person(12, "A1", Side::Authority, Role::AuthorityOperations);
    let own = choose_provider(&applied, (number, None), &"P1".parse().unwrap(), "")
        .await
        .unwrap_err();
    assert_eq!(own.kind(), ErrorKind::Forbidden, "{own}");
    let order = world.ordered(number, "N1", false).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    world.on("2026-10-12 00:00:00");
    let agreed = world.person(24, "A1", Side::Authority, Role::AuthorityTechnical);
    let own = confirm_trial(&agreed, (number, None), "").await.unwrap_err();
    assert_eq!(own.kind(), ErrorKind::Forbidden, "{own}");
    let noted = refused().await;
    let said = |n: usize| (noted[n].0.as_str(), noted[n].1.as_str());
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert_eq!([said(0), said(1)], [("u12", number), ("u24", number)]);
    assert!(noted[0].2.contains("order.choose_provider") && noted[1].2.contains("trial.confirm"));
    // What the policies refuse is noted once, as before; what only comes too late is no attempt.
    confirm_trial(&world.operator(), (number, None), "").await.unwrap_err();
    assert_eq!(refused().await.len(), 3);
    let again = choose_provider(&world.operations(), (number, None), &"P1".parse().unwrap(), "").await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::FailedPrecondition);
    assert_eq!(refused().await.len(), 3);
}

/// What is registered of N2 from a day on.
async fn platform(world: &World, since: &str, level: Option<u8>, inside: Option<bool>) {
    let node = NewNode {
        code: "N2".parse().unwrap(),
        name: "N2".into(),
        provider: "P1".parse().unwrap(),
        source: NodeSource::Files { folder: "N2".into() },
        platform: Platform {
            mlps_level: level,
            operated_in_china: inside,
            data_in_china: inside,
            ..Platform::default()
        },
        pools: Vec::new(),
        valid_from: at(since),
    };
    assert!(add(&world.ctx, node).await.unwrap().new);
}

async fn a_node_below_the_level_of_the_system_is_not_chosen(store: TestStore) {
    let world = World::new(store).await;
    world.approved(SQ, 1, 0).await;
    platform(&world, "2026-02-01", Some(1), Some(true)).await;
    let mine = World::offer("P1", "N2", "HT-1", "30", None);
    app::orders::make_offer(&world.head(), (SQ, None), mine).await.unwrap();
    let other = world.person(32, "P2", Side::Provider, Role::ProviderHead);
    let theirs = World::offer("P2", "N3", "HT-2", "35", None);
    app::orders::make_offer(&other, (SQ, None), theirs).await.unwrap();
    let low = choose(&world, "P1").await.unwrap_err();
    assert_eq!(low.kind(), ErrorKind::FailedPrecondition, "{low}");
    assert!(low.to_string().contains("等级低于系统的第 2 级"), "{low}");
    platform(&world, "2026-03-01", Some(3), Some(false)).await;
    let abroad = choose(&world, "P1").await.unwrap_err();
    assert!(abroad.to_string().contains("境外"), "{abroad}");
    platform(&world, "2026-04-01", Some(3), Some(true)).await;
    choose(&world, "P1").await.unwrap();
    let chosen = choice_of(&world.operations(), SQ).await.unwrap().unwrap();
    let outcomes: Vec<_> = chosen
        .placement
        .iter()
        .map(|check| (check.rule.to_string(), &check.outcome))
        .collect();
    let expected = ["R6", "R7", "R37"].map(|rule| (rule.to_owned(), &Outcome::Pass));
    assert_eq!(outcomes, expected);
}
