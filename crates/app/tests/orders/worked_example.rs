//! The worked example of docs/domain/opening.md: a server from its application to its erased end, with every figure.

use crate::world::{World, at};
use app::collect::{CollectOptions, NoSecrets, collect};
use app::month::close_month;
use app::orders::{BuiltIn, NewProof, RunEnd, check_proof, hand_in_proof, reply_to_end, run_order};
use domain::request::{ErasureMethod, RequestKind, RequestLine, RequestStatus};
use domain::work::{Manner, OrderState};
use kernel::AllocationCode;
use test_support::TestStore;

test_support::on_both_stores!(a_server_from_its_application_to_its_erased_end);

/// Somebody looks at the node, and confirms that nothing is left on it once that is so.
async fn looked_at(world: &World, when: &str, confirm_empty: bool) {
    world.on(when);
    let node = "N1".parse().unwrap();
    collect(&world.ctx, Some(&node), &NoSecrets, CollectOptions { confirm_empty })
        .await
        .unwrap();
}

async fn opened(world: &World) -> String {
    let request = world.decided(RequestKind::New, vec![World::line(None)]).await;
    assert_eq!(
        (request.number.as_str(), request.status),
        ("SQ-202610-0001", RequestStatus::Approved)
    );
    let order = world.ordered(&request.number, "N1", false).await;
    assert_eq!(
        (order.number.as_str(), order.manner),
        ("GD-202610-0001", Manner::Interface)
    );
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    looked_at(world, "2026-10-10 02:00:00", false).await;
    world.confirmed(&request.number, "2026-10-12 00:00:00").await;
    format!("{}-1-1", request.number)
}

async fn changed(world: &World, code: &str) {
    world.on("2026-10-19 09:00:00");
    let larger = RequestLine {
        spec: "vcpu=8".parse().unwrap(),
        ..World::line(Some(code))
    };
    let change = world.decided(RequestKind::Change, vec![larger]).await;
    let order = world.order_of(&change.number).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    looked_at(world, "2026-10-20 02:00:00", false).await;
    world.confirmed(&change.number, "2026-10-20 12:00:00").await;
}

async fn ended(world: &World, code: &str) -> String {
    let release = world.decided(RequestKind::Release, vec![World::line(Some(code))]).await;
    let number = release.number;
    reply_to_end(&world.applicant(), (&number, None), (true, "", false))
        .await
        .unwrap();
    world.on("2026-11-10 10:00:00");
    assert_eq!(world.ended().await, std::slice::from_ref(&number));
    let order = world.order_of(&number).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    looked_at(world, "2026-11-11 02:00:00", true).await;
    number
}

async fn erased(world: &World, number: &str, code: &str) {
    let (operator, allocation) = (world.operator(), code.parse::<AllocationCode>().unwrap());
    let file = app::evidence::hand_in(&operator, number, "清除报告.pdf", b"%PDF-1.7 report")
        .await
        .unwrap();
    let proof = NewProof {
        allocation: allocation.clone(),
        method: ErasureMethod::Overwritten,
        covers_copies: true,
        evidence: file.id,
        at: world.ctx.now(),
    };
    hand_in_proof(&operator, (number, None), proof).await.unwrap();
    let archived = check_proof(&world.acceptor(), (number, None), &allocation)
        .await
        .unwrap();
    assert_eq!(archived.status, RequestStatus::Archived);
}

async fn payable(world: &World, month: &str) -> i64 {
    let month = month.parse().unwrap();
    close_month(&world.ctx, month).await.unwrap();
    let statements = world.ctx.store().read().await.unwrap().statements(month).await.unwrap();
    statements.first().map_or(0, |stored| stored.statement.payable.fen())
}

async fn a_server_from_its_application_to_its_erased_end(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let code = opened(&world).await;
    changed(&world, &code).await;
    looked_at(&world, "2026-11-01 02:00:00", false).await;
    // A vCPU costs 31.00 a month: 1.00 a day in October, charged by the second.
    // 12 October 00:00 to 20 October 12:00, 4 vCPU: 4 x 8.5 = 34.00.
    // 20 October 12:00 to 1 November, 8 vCPU: 8 x 11.5 = 92.00.
    assert_eq!(payable(&world, "2026-10").await, 3_400 + 9_200);
    let number = ended(&world, &code).await;
    erased(&world, &number, &code).await;
    let (first, second, over) = (
        at("2026-10-12 00:00:00"),
        at("2026-10-20 12:00:00"),
        at("2026-11-10 10:00:00"),
    );
    let expected = [
        ("vcpu=4".to_owned(), first, Some(second)),
        ("vcpu=8".to_owned(), second, Some(over)),
    ];
    assert_eq!(world.intervals(&code).await, expected);
    // November has 30 days: 8 x 31.00 x 9 days and 10 hours of 30 = 248.00 x 813600 / 2592000 = 77.8444.
    world.on("2026-12-02 09:00:00");
    assert_eq!(payable(&world, "2026-11").await, 7_784);
    world.on("2027-01-02 09:00:00");
    assert_eq!(payable(&world, "2026-12").await, 0);
    let holds = world
        .ctx
        .store()
        .read()
        .await
        .unwrap()
        .holds_of("SQ-202610-0001")
        .await
        .unwrap();
    assert!(holds.iter().all(|(.., state)| state.word() == "freed"), "{holds:?}");
}
