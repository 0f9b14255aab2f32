//! Approved applications of which nothing came: taken back, or given to another provider.

use crate::world::{World, at};
use app::messages::{messages, to_dos};
use app::orders::{BuiltIn, RunEnd, begin_by_hand, choose_provider, make_offer, refuse_order, resume_order, run_order};
use app::requests::withdraw;
use domain::authz::Role;
use domain::budget::HoldState;
use domain::registry::Side;
use domain::request::{RequestKind, RequestLine, RequestStatus, ResourceRequest};
use domain::work::OrderState;
use kernel::{ErrorKind, Kinded};
use store::Sight;
use test_support::TestStore;

test_support::on_both_stores!(
    what_was_approved_is_taken_back_before_the_choice,
    what_its_provider_refused_is_taken_back_and_frees_its_room,
    another_provider_offers_for_what_was_refused,
    a_change_that_cannot_be_made_is_taken_back,
);

/// An application for one server that everybody agreed to.
async fn approved(store: TestStore) -> (World, ResourceRequest) {
    let world = World::new(store).await;
    world.hire().await;
    let request = world.decided(RequestKind::New, vec![World::line(None)]).await;
    assert_eq!(request.status, RequestStatus::Approved);
    (world, request)
}

/// The applicant takes an application back as it stands now.
async fn take_back(world: &World, number: &str) -> Result<ResourceRequest, app::AppError> {
    let version = world.request(number).await.version;
    withdraw(&world.applicant(), number, version, "改用现有资源").await
}

async fn what_was_approved_is_taken_back_before_the_choice(store: TestStore) {
    let (world, request) = approved(store).await;
    let number = request.number.as_str();
    assert_eq!(to_dos(&world.operations()).await.unwrap()[0].to_do.kind, "choose");
    assert!(world.holds(number).await.contains(&HoldState::Held));
    let old = withdraw(&world.applicant(), number, request.version - 1, "").await;
    assert_eq!(old.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(
        take_back(&world, number).await.unwrap().status,
        RequestStatus::Withdrawn
    );
    let holds = world.holds(number).await;
    assert!(holds.iter().all(|state| *state == HoldState::Freed), "{holds:?}");
    assert!(to_dos(&world.operations()).await.unwrap().is_empty());
    let told = messages(&world.operations(), 10).await.unwrap();
    assert!(told.iter().any(|told| told.kind == "request.withdrawn"), "{told:?}");
    let late = make_offer(
        &world.head(),
        (number, None),
        World::offer("P1", "N2", "HT-1", "30", None),
    )
    .await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::FailedPrecondition);
}

async fn what_its_provider_refused_is_taken_back_and_frees_its_room(store: TestStore) {
    let (world, request) = approved(store).await;
    let number = request.number.as_str();
    let order = world.ordered(number, "N2", false).await;
    let early = take_back(&world, number).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::FailedPrecondition, "it is ordered: {early}");
    refuse_order(&world.head(), (&order.number, None), "机房扩容中")
        .await
        .unwrap();
    assert_eq!(world.request(number).await.status, RequestStatus::Stuck);
    let holds = world.holds(number).await;
    assert!(
        holds.len() == 3 && holds.iter().all(|state| *state == HoldState::Held),
        "{holds:?}"
    );

    assert_eq!(
        take_back(&world, number).await.unwrap().status,
        RequestStatus::Withdrawn
    );
    assert_eq!(
        world.holds(number).await,
        [HoldState::Freed; 3],
        "quota, budget and ceiling"
    );
    assert!(to_dos(&world.operations()).await.unwrap().is_empty());
    // A second click gives the same answer; nobody takes it up again.
    assert_eq!(
        take_back(&world, number).await.unwrap().status,
        RequestStatus::Withdrawn
    );
    let late = resume_order(&world.operator(), (&order.number, None), "可以办理了").await;
    let late = late.unwrap_err().to_string();
    assert!(late.contains("已撤回"), "{late}");
    let other = choose_provider(&world.operations(), (number, None), &"P2".parse().unwrap(), "x").await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::FailedPrecondition);
    assert_eq!(world.orders_of(number).await.len(), 1);
}

async fn another_provider_offers_for_what_was_refused(store: TestStore) {
    let (world, request) = approved(store).await;
    let number = request.number.as_str();
    let third = Sight::Provider("P3".into());
    let is_seen = async || {
        let mut read = world.ctx.store().read().await.unwrap();
        read.request(number, &third).await.unwrap().is_some()
    };
    assert!(is_seen().await, "it waits for offers");
    let order = world.ordered(number, "N2", false).await;
    assert!(!is_seen().await, "it is ordered");
    let other = world.person(32, "P2", Side::Provider, Role::ProviderHead);
    let cheaper = || World::offer("P2", "N3", "HT-2", "29", None);
    let early = make_offer(&other, (number, None), cheaper()).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::FailedPrecondition, "{early}");
    refuse_order(&world.head(), (&order.number, None), "机房扩容中")
        .await
        .unwrap();
    assert!(is_seen().await, "it waits for offers again");
    // 4 vCPU at 29.00 a month.
    let offer = make_offer(&other, (number, None), cheaper()).await.unwrap();
    assert_eq!(offer.monthly.fen(), 11_600);
    let again = resume_order(&world.operator(), (&order.number, None), "可以办理了")
        .await
        .unwrap();
    let busy = make_offer(&other, (number, None), cheaper()).await.unwrap_err();
    assert!(busy.to_string().contains(&again.number), "the first goes on: {busy}");
    assert!(!is_seen().await);
    begin_by_hand(&world.operator(), (&again.number, None)).await.unwrap();
    let busy = take_back(&world, number).await.unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::FailedPrecondition, "{busy}");
}

async fn a_change_that_cannot_be_made_is_taken_back(store: TestStore) {
    let (world, request) = approved(store).await;
    let order = world.ordered(&request.number, "N1", false).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    world.confirmed(&request.number, "2026-10-12 00:00:00").await;
    world.on("2026-10-19 09:00:00");
    let code = format!("{}-1-1", request.number);
    std::fs::write(world.folder.path().join("N1/limits.json"), r#"{"vcpu":"4"}"#).unwrap();
    let larger = RequestLine {
        spec: "vcpu=8".parse().unwrap(),
        ..World::line(Some(&code))
    };
    let change = world.decided(RequestKind::Change, vec![larger]).await.number;
    let waiting = take_back(&world, &change).await.unwrap_err();
    assert_eq!(waiting.kind(), ErrorKind::FailedPrecondition, "{waiting}");
    let order = world.order_of(&change).await;
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Undone));
    assert_eq!(world.request(&change).await.status, RequestStatus::Stuck);
    assert_eq!(
        take_back(&world, &change).await.unwrap().status,
        RequestStatus::Withdrawn
    );
    let holds = world.holds(&change).await;
    assert!(holds.iter().all(|state| *state == HoldState::Freed), "{holds:?}");
    // What is in use stays in use, and keeps its room.
    let there = [("vcpu=4".to_owned(), at("2026-10-12 00:00:00"), None)];
    assert_eq!(world.intervals(&code).await, there);
    assert!(world.holds(&request.number).await.contains(&HoldState::Used));
}
