//! Sweeps: each place by an order of its own, and one matter that fails keeps no other waiting.

use crate::world::World;
use app::import::ImportKind;
use app::jobs::{NewJob, enqueue, house_handlers, kind, work_once};
use app::orders::{BuiltIn, end_noticed, propose_reclaim, reclaim_overdue};
use domain::request::{RequestKind, RequestLine, RequestStatus};
use domain::work::JobState;
use kernel::{ErrorKind, Kinded};
use std::sync::Arc;
use test_support::TestStore;

test_support::on_both_stores!(
    what_is_on_two_nodes_is_taken_back_by_two_orders,
    one_matter_that_fails_keeps_no_other_waiting,
);

const OLD: &str = "分配单号,系统代码,服务形式,资源类型,规格,云节点,云资源标识,计费开始,计费终止\n";

async fn what_is_on_two_nodes_is_taken_back_by_two_orders(store: TestStore) {
    let world = World::new(store).await;
    let mut rows = OLD.to_owned();
    for (n, node) in [(1, "N1"), (2, "N2")] {
        let number = format!("SQ-202610-900{n}");
        let line = RequestLine {
            until: Some("2026-10-25".parse().unwrap()),
            ..World::line(None)
        };
        world
            .store_request(&number, RequestKind::New, RequestStatus::InForce, vec![line])
            .await;
        rows += &format!("{number}-1-1,S1,shared_cloud,server,vcpu=4,{node},vm-{n},2026-03-01,\n");
    }
    world.import(ImportKind::Allocations, &rows).await;
    let both = ["SQ-202610-9001-1-1", "SQ-202610-9002-1-1"].map(|code| code.parse().unwrap());
    let refused = propose_reclaim(&world.operations(), &both, "长期闲置", "王工").await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("一个云节点"), "{refused}");

    let announced = reclaim_overdue(&world.on("2026-10-25 08:00:00").ctx).await.unwrap();
    assert_eq!((announced.done.len(), announced.failed), (2, 0));
    let again = reclaim_overdue(&world.ctx).await.unwrap();
    assert!(again.done.is_empty(), "once");
    let ended = end_noticed(&world.on("2026-11-20 08:00:00").ctx).await.unwrap();
    assert_eq!((ended.done.len(), ended.failed), (2, 0));
    let mut nodes = Vec::new();
    for number in &announced.done {
        let order = world.order_of(number).await;
        nodes.push((order.node.to_string(), order.steps.len()));
    }
    assert_eq!(nodes, [("N1".to_owned(), 1), ("N2".to_owned(), 1)]);
}

async fn one_matter_that_fails_keeps_no_other_waiting(store: TestStore) {
    let world = World::new(store).await;
    let rows = format!("{OLD}OLD-1,S1,shared_cloud,server,vcpu=4,N1,vm-1,2026-03-01,\n");
    world.import(ImportKind::Allocations, &rows).await;
    // The newest are looked at first; what they are about is not there.
    for (number, kind, code) in [
        ("SQ-202610-9001", RequestKind::Release, "OLD-1"),
        ("SQ-202610-9002", RequestKind::Release, "GONE-1"),
        ("SQ-202610-9003", RequestKind::Change, "GONE-2"),
    ] {
        world.about(number, kind, "vcpu=4", &[code]).await;
    }
    let handlers = house_handlers(Arc::new(BuiltIn));
    let turn = async |moment: &str| {
        world.on(moment);
        let mut work = world.ctx.store().begin().await.unwrap();
        let new = NewJob::about(kind::OVERDUE, "house");
        enqueue(&world.ctx, &mut work, new).await.unwrap().unwrap();
        work.audit(world.ctx.now(), ("t", "test", "job"), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
        let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
        (worked.state, worked.outcome)
    };
    let failed = |words: &str| (JobState::Failed, words.to_owned());
    assert_eq!(
        turn("2026-10-09 09:00:00").await,
        failed("补办 2 件，通知 0 件，下线 0 件，1 件未能处理，原因见日志")
    );
    assert_eq!(
        turn("2026-11-20 09:00:00").await,
        failed("补办 0 件，通知 0 件，下线 1 件，2 件未能处理，原因见日志")
    );
    assert_eq!(world.order_of("SQ-202610-9001").await.steps.len(), 1);
    assert_eq!(world.request("SQ-202610-9002").await.status, RequestStatus::Noticed);
}
