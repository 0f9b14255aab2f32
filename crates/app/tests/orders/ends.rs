//! Ends: released and erased, adopted and left alone, over their time.

use crate::world::{World, at};
use app::orders::{
    BuiltIn, NewProof, RunEnd, check_proof, follow_up, hand_in_proof, reply_to_end, run_order, take_over_by_hand,
};
use domain::authz::Role;
use domain::collect::ObservedState;
use domain::registry::Side;
use domain::request::{ErasureMethod, RequestKind, RequestStatus};
use domain::work::{Manner, OrderState};
use kernel::{ErrorKind, Kinded};
use test_support::TestStore;

test_support::on_both_stores!(
    released_erased_and_archived,
    what_others_made_is_not_deleted,
    an_unconfirmed_trial_is_taken_back_after_notice,
);

const SQ: &str = "SQ-202610-9001";
const END: &str = "SQ-202610-9002";

async fn released_erased_and_archived(store: TestStore) {
    let world = World::new(store).await;
    world.approved(SQ, 1, 0).await;
    let order = world.ordered(SQ, "N1", false).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    world.confirmed(SQ, "2026-10-12 00:00:00").await;
    let code = format!("{SQ}-1-1");
    world.about(END, RequestKind::Release, "vcpu=4", &[&code]).await;
    assert_eq!(follow_up(&world.ctx).await.unwrap().done.len(), 1);
    assert_eq!(follow_up(&world.ctx).await.unwrap().done.len(), 0);
    // Seven days of notice, whole days, from the 12th: over with the 20th, at the earliest.
    assert!(world.on("2026-10-19 12:00:00").ended().await.is_empty());
    assert_eq!(world.on("2026-10-20 10:00:00").ended().await, [END]);
    assert!(world.ended().await.is_empty());
    let orders = world.orders_of(END).await;
    assert_eq!((orders.len(), orders[0].manner), (1, Manner::Interface));
    let ran = run_order(&world.ctx, &orders[0].number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    assert_eq!(world.request(END).await.status, RequestStatus::Ended);
    let intervals = world.intervals(&code).await;
    assert_eq!(intervals[0].2, Some(at("2026-10-20 10:00:00")));

    world.on("2026-10-21 10:00:00");
    let operator = world.operator();
    let code: kernel::AllocationCode = code.parse().unwrap();
    let early = check_proof(&world.acceptor(), (END, None), &code).await.unwrap_err();
    assert!(early.to_string().contains("还没有数据清除凭证"), "{early}");
    let file = app::evidence::hand_in(&operator, END, "清除报告.pdf", b"%PDF-1.7 report")
        .await
        .unwrap();
    let proof = |covers_copies, at| NewProof {
        allocation: code.clone(),
        method: ErasureMethod::Overwritten,
        covers_copies,
        evidence: file.id,
        at,
    };
    let partial = proof(false, world.ctx.now());
    assert!(hand_in_proof(&operator, (END, None), partial).await.is_err());
    let early = proof(true, at("2026-10-20 09:00:00"));
    assert!(hand_in_proof(&operator, (END, None), early).await.is_err());
    hand_in_proof(&operator, (END, None), proof(true, world.ctx.now()))
        .await
        .unwrap();
    let own = world.person(30, "D1", Side::Unit, Role::UnitAcceptor);
    assert!(
        check_proof(&own, (END, None), &code).await.is_err(),
        "nobody checks their own work"
    );
    let done = check_proof(&world.acceptor(), (END, None), &code).await.unwrap();
    assert_eq!(done.status, RequestStatus::Archived);
    let balance_of = world.ctx.store().read().await.unwrap().holds_of(SQ).await.unwrap();
    assert!(
        balance_of.iter().all(|(.., state)| state.word() == "freed"),
        "{balance_of:?}"
    );
    let (read, bytes) = app::evidence::read_back(&world.technical(), file.id).await.unwrap();
    assert_eq!(
        (read.media_type.as_str(), bytes.as_slice()),
        ("application/pdf", &b"%PDF-1.7 report"[..])
    );
    let kept = std::fs::read_dir(world.folder.path().join("evidence"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let kept = std::fs::read_dir(kept.path()).unwrap().next().unwrap().unwrap();
    std::fs::write(kept.path(), b"another").unwrap();
    let damaged = app::evidence::read_back(&world.technical(), file.id).await.unwrap_err();
    assert_eq!(damaged.kind(), ErrorKind::Internal, "{damaged}");
}

async fn what_others_made_is_not_deleted(store: TestStore) {
    let world = World::new(store).await;
    world.employ(&[world.operator(), world.operations()]).await;
    let text = "分配单号,系统代码,服务形式,资源类型,规格,云节点,云资源标识,计费开始,计费终止\n\
                OLD-1,S1,shared_cloud,server,vcpu=4,N1,vm-old,2026-03-01,\n";
    world.import(app::import::ImportKind::Allocations, text).await;
    world.about(END, RequestKind::Release, "vcpu=4", &["OLD-1"]).await;
    follow_up(&world.ctx).await.unwrap();
    let applicant = world.person(12, "D1", Side::Unit, Role::UnitApplicant);
    reply_to_end(&applicant, (END, None), (true, "", false)).await.unwrap();
    assert_eq!(world.ended().await, [END]);
    let orders = world.orders_of(END).await;
    assert_eq!(orders[0].manner, Manner::ByHand, "the platform did not open it");
    // Even an order that says otherwise is not carried out.
    let mut forged = orders[0].clone();
    forged.manner = Manner::Interface;
    let mut work = world.ctx.store().begin().await.unwrap();
    work.save_order(&forged).await.unwrap();
    work.audit(world.ctx.now(), ("t", "test", END), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let ran = run_order(&world.ctx, &forged.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::NeedsPerson));
    assert_eq!(world.request(END).await.status, RequestStatus::Stuck);
    let intervals = world.intervals("OLD-1").await;
    assert_eq!(intervals[0].2, None);
    let titles = async |who: &app::OpContext| {
        let list = app::messages::to_dos(who).await.unwrap();
        list.into_iter().map(|mine| mine.to_do.title).collect::<Vec<_>>()
    };
    // A person at the provider takes it over; the evidence says when it was gone.
    let (operator, operations) = (world.operator(), world.operations());
    let trouble = titles(&operations).await;
    assert!(
        trouble.len() == 1 && trouble[0].contains("不是由平台开通的"),
        "{trouble:?}"
    );
    let taken = take_over_by_hand(&operator, (&forged.number, None), "由云服务商人工删除")
        .await
        .unwrap();
    assert_eq!(taken.trouble, None, "a person is at it");
    assert_eq!(titles(&operations).await, Vec::<String>::new());
    let by_hand = format!("请办理下线工单 {}（申请 {END}）", forged.number);
    assert_eq!(titles(&operator).await, [by_hand]);
    world
        .on("2026-10-11 15:00:00")
        .finished_by_hand(&forged, &operator)
        .await;
    assert_eq!(world.request(END).await.status, RequestStatus::Ended);
    let intervals = world.intervals("OLD-1").await;
    assert_eq!(intervals[0].2, Some(at("2026-10-11 15:00:00")));
}

async fn an_unconfirmed_trial_is_taken_back_after_notice(store: TestStore) {
    let world = World::new(store).await;
    world.approved(SQ, 1, 0).await;
    let order = world.ordered(SQ, "N1", false).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert!(world.on("2026-10-20 09:00:00").overdue().await.is_empty());
    assert_eq!(world.on("2026-10-27 09:00:00").overdue().await, [SQ]);
    assert!(world.overdue().await.is_empty());
    assert_eq!(world.request(SQ).await.status, RequestStatus::Noticed);
    assert_eq!(world.on("2026-11-06 09:00:00").ended().await, [SQ]);
    let orders = world.orders_of(SQ).await;
    assert_eq!(orders.len(), 2);
    let ran = run_order(&world.ctx, &orders[1].number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    assert_eq!(world.request(SQ).await.status, RequestStatus::Ended);
    let (look, _) = app::orders::simulated_look(&world.ctx, "N1").unwrap();
    assert!(
        look.observations
            .iter()
            .all(|seen| seen.state == ObservedState::Deleted)
    );
    let never = world.intervals(&format!("{SQ}-1-1")).await;
    assert!(never.is_empty(), "what was never confirmed was never metered");
}
