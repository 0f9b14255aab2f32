//! Resources that are there, and what one application after another makes of them.

use crate::ways::in_use;
use crate::world::{World, at};
use app::import::ImportKind;
use app::orders::{BuiltIn, RunEnd, confirm_trial, follow_up, propose_reclaim, reply_to_end, run_order};
use domain::request::{RequestKind, RequestLine, RequestStatus};
use domain::work::{Manner, OrderState};
use kernel::{ErrorKind, Kinded};
use test_support::TestStore;

test_support::on_both_stores!(
    a_change_leaves_what_it_does_not_speak_of,
    what_was_approved_up_to_a_day_is_changed_and_ends_before_it,
    one_resource_is_ended_by_one_application,
    a_change_is_not_confirmed_while_its_resource_is_deleted,
);

const OLD: &str = "分配单号,系统代码,服务形式,资源类型,规格,云节点,云资源标识,计费开始,计费终止\n";
const CHANGE: &str = "SQ-202610-9002";
const END: &str = "SQ-202610-9003";

async fn imported(world: &World, rows: &str) {
    world.import(ImportKind::Allocations, &format!("{OLD}{rows}")).await;
}

/// A change of a resource to 8 vCPU, carried out by hand and confirmed at a moment.
async fn changed(world: &World, code: &str, confirmed: &str) {
    world.about(CHANGE, RequestKind::Change, "vcpu=8", &[code]).await;
    follow_up(&world.ctx).await.unwrap();
    world.carried_out_by_hand(CHANGE).await;
    world.confirmed(CHANGE, confirmed).await;
}

async fn a_change_leaves_what_it_does_not_speak_of(store: TestStore) {
    let world = World::new(store).await;
    imported(
        &world,
        "OLD-1,S1,shared_cloud,server,vcpu=4 memory_gib=16,N2,vm-old,2026-03-01,\n",
    )
    .await;
    changed(&world, "OLD-1", "2026-10-20 12:00:00").await;
    let order = world.order_of(CHANGE).await;
    assert_eq!(order.manner, Manner::ByHand);
    assert_eq!(order.steps[0].spec.to_string(), "vcpu=8 memory_gib=16");
    let (first, second) = (at("2026-03-01 00:00:00"), at("2026-10-20 12:00:00"));
    let expected = [
        ("vcpu=4 memory_gib=16".to_owned(), first, Some(second)),
        ("vcpu=8 memory_gib=16".to_owned(), second, None),
    ];
    assert_eq!(world.intervals("OLD-1").await, expected);
}

async fn what_was_approved_up_to_a_day_is_changed_and_ends_before_it(store: TestStore) {
    let world = World::new(store).await;
    let row = |n: u8| format!("OLD-{n},S1,shared_cloud,server,vcpu=4,N2,vm-{n},2026-03-01,2026-12-01\n");
    imported(&world, &[row(1), row(2), row(3)].concat()).await;
    changed(&world, "OLD-1", "2026-10-10 12:00:00").await;
    let (first, second, last) = (
        at("2026-03-01 00:00:00"),
        at("2026-10-10 12:00:00"),
        at("2026-12-01 00:00:00"),
    );
    let expected = [
        ("vcpu=4".to_owned(), first, Some(second)),
        ("vcpu=8".to_owned(), second, Some(last)),
    ];
    assert_eq!(world.intervals("OLD-1").await, expected);

    world.about(END, RequestKind::Release, "vcpu=4", &["OLD-2"]).await;
    follow_up(&world.ctx).await.unwrap();
    reply_to_end(&world.applicant(), (END, None), (true, "", false))
        .await
        .unwrap();
    assert_eq!(world.ended().await, [END]);
    world.on("2026-10-11 15:00:00").carried_out_by_hand(END).await;
    assert_eq!(world.request(END).await.status, RequestStatus::Ended);
    let over = at("2026-10-11 15:00:00");
    assert_eq!(
        world.intervals("OLD-2").await,
        [("vcpu=4".to_owned(), first, Some(over))]
    );

    // It can be taken back, by people and by the platform where a day before was granted.
    let code = "OLD-3".parse().unwrap();
    let proposed = propose_reclaim(&world.operations(), &[code], "长期闲置", "王工").await;
    assert_eq!(proposed.unwrap().status, RequestStatus::Draft);
    let granted = RequestLine {
        until: Some("2026-11-01".parse().unwrap()),
        ..World::line(Some("OLD-3"))
    };
    world
        .store_request(
            "SQ-202610-9004",
            RequestKind::Extend,
            RequestStatus::InForce,
            vec![granted],
        )
        .await;
    let announced = world.on("2026-11-01 08:00:00").overdue().await;
    assert_eq!(announced.len(), 1);
    let reclaim = world.request(&announced[0]).await;
    assert_eq!(reclaim.lines[0].allocation, Some("OLD-3".parse().unwrap()));
}

async fn one_resource_is_ended_by_one_application(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    imported(&world, "OLD-1,S1,shared_cloud,server,vcpu=4,N2,vm-old,2026-03-01,\n").await;
    let about = |spec: &str| RequestLine {
        spec: spec.parse().unwrap(),
        ..World::line(Some("OLD-1"))
    };
    let first = world.decided(RequestKind::Release, vec![about("vcpu=4")]).await;
    for (kind, spec) in [(RequestKind::Release, "vcpu=4"), (RequestKind::Change, "vcpu=8")] {
        let second = world.handed_in(kind, vec![about(spec)]).await.unwrap_err();
        assert_eq!(second.kind(), ErrorKind::FailedPrecondition, "{second}");
        let expected = format!("资源 OLD-1 已有办理中的申请 {}，待其办结或撤回后才能提交", first.number);
        assert_eq!(second.to_string(), expected);
    }
    // More time is asked for all the same: that is what keeps it from an end by its date.
    let longer = RequestLine {
        until: Some("2026-12-01".parse().unwrap()),
        ..about("vcpu=4")
    };
    let extended = world.decided(RequestKind::Extend, vec![longer]).await;
    assert_eq!(extended.status, RequestStatus::InForce);
}

async fn a_change_is_not_confirmed_while_its_resource_is_deleted(store: TestStore) {
    let world = in_use(store, None).await;
    let code = "SQ-202610-9001-1-1";
    world.about(CHANGE, RequestKind::Change, "vcpu=8", &[code]).await;
    follow_up(&world.ctx).await.unwrap();
    let order = world.order_of(CHANGE).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(world.request(CHANGE).await.status, RequestStatus::OnTrial);
    // Both came in before one stood in the way of the other.
    world.about(END, RequestKind::Release, "vcpu=4", &[code]).await;
    follow_up(&world.ctx).await.unwrap();
    reply_to_end(&world.applicant(), (END, None), (true, "", false))
        .await
        .unwrap();
    assert_eq!(world.on("2026-10-13 09:00:00").ended().await, [END]);
    for who in [world.acceptor(), world.head()] {
        confirm_trial(&who, (CHANGE, None), "").await.unwrap();
    }
    let late = confirm_trial(&world.technical(), (CHANGE, None), "").await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::FailedPrecondition, "{late}");
    let expected = format!("资源 {code} 正由申请 {END} 下线，变更不能再确认");
    assert_eq!(late.to_string(), expected);
    let order = world.order_of(END).await;
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    assert_eq!(world.request(END).await.status, RequestStatus::Ended);
    let (first, over) = (at("2026-10-12 00:00:00"), at("2026-10-13 09:00:00"));
    assert_eq!(world.intervals(code).await, [("vcpu=4".to_owned(), first, Some(over))]);
}
