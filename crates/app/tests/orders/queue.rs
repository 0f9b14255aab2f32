//! Background work: one worker each, again later, never for ever.

use crate::world::{World, at};
use app::OpContext;
use app::jobs::{
    Doing, Ended, Handler, Handlers, NewJob, RunOrders, Working, enqueue, house_handlers, kind, work_once,
};
use app::orders::{BuiltIn, Handed, HandsOf, NodeHands, Site};
use domain::authz::Role;
use domain::registry::Side;
use domain::request::RequestStatus;
use domain::work::JobState;
use kernel::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use test_support::TestStore;

test_support::on_both_stores!(
    two_workers_share_no_job,
    what_fails_is_tried_again_and_not_for_ever,
    a_job_of_a_dead_worker_is_taken_over,
    the_lease_is_kept_while_a_step_takes_long,
);

struct Counting(AtomicU64, Ended);

impl Handler for Counting {
    fn carry_out<'a>(&'a self, _at: &'a Working) -> Doing<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(self.1.clone()) })
    }
}

async fn queued(world: &World, attempts_max: i64) {
    let mut work = world.ctx.store().begin().await.unwrap();
    let job = NewJob {
        attempts_max,
        ..NewJob::about(kind::FLOWS, "house")
    };
    assert!(enqueue(&world.ctx, &mut work, job.clone()).await.unwrap().is_some());
    assert!(
        enqueue(&world.ctx, &mut work, job).await.unwrap().is_none(),
        "once only"
    );
    work.audit(world.ctx.now(), ("t", "test", "job"), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

async fn two_workers_share_no_job(store: TestStore) {
    let world = World::new(store).await;
    let number = "SQ-202610-9001";
    world.approved(number, 2, 1).await;
    world.ordered(number, "N1", true).await;
    let handlers = house_handlers(Arc::new(BuiltIn));
    let (one, other) = tokio::join!(
        work_once(&world.ctx, "甲", &handlers),
        work_once(&world.ctx, "乙", &handlers)
    );
    let worked: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
    assert_eq!(worked.len(), 1, "one gets it");
    assert_eq!(
        (worked[0].state, worked[0].outcome.as_str()),
        (JobState::Done, "已完成")
    );
    assert_eq!(world.request(number).await.status, RequestStatus::OnTrial);
    assert_eq!(
        app::orders::simulated_look(&world.ctx, "N1")
            .unwrap()
            .0
            .observations
            .len(),
        3
    );
}

async fn what_fails_is_tried_again_and_not_for_ever(store: TestStore) {
    let world = World::new(store).await;
    queued(&world, 3).await;
    let counting = Arc::new(Counting(AtomicU64::new(0), Ended::Again("没有答复".into())));
    let handlers = Handlers::default().with(kind::FLOWS, counting.clone());
    let mut states = Vec::new();
    for minute in ["09:00:00", "09:00:09", "09:00:10", "09:01:00", "10:00:00"] {
        world.on(&format!("2026-10-09 {minute}"));
        let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap();
        states.push(worked.map(|worked| worked.state));
    }
    let (queued, failed) = (Some(JobState::Queued), Some(JobState::Failed));
    assert_eq!(states, [queued, None, queued, failed, None]);
    assert_eq!(counting.0.load(Ordering::SeqCst), 3);
}

async fn a_job_of_a_dead_worker_is_taken_over(store: TestStore) {
    let world = World::new(store).await;
    queued(&world, 5).await;
    let now = world.ctx.now();
    let taken = world
        .ctx
        .store()
        .lease_job("死者", (now, now.plus_s(300)))
        .await
        .unwrap()
        .unwrap();
    let counting = Arc::new(Counting(AtomicU64::new(0), Ended::Done("好".into())));
    let handlers = Handlers::default().with(kind::FLOWS, counting);
    assert!(work_once(&world.ctx, "甲", &handlers).await.unwrap().is_none());
    world.on("2026-10-09 09:05:01");
    let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!(
        (worked.job.id, worked.job.attempts, worked.state),
        (taken.id, 2, JobState::Done)
    );
    let renewed = world
        .ctx
        .store()
        .renew_lease((taken.id, "死者"), now.plus_s(900), (0, 0, ""))
        .await
        .unwrap();
    assert!(!renewed, "the dead worker's lease is over");
    // Cancelled before it begins: over at once.
    self::queued(&world, 5).await;
    let admin = world.person(40, "A1", Side::Authority, Role::SystemAdmin);
    let jobs = app::jobs::list(&admin, &store::JobFilter::default(), 10).await.unwrap();
    app::jobs::cancel(&admin, jobs[0].id).await.unwrap();
    assert!(work_once(&world.ctx, "甲", &handlers).await.unwrap().is_none());
    assert_eq!(
        app::jobs::show(&admin, jobs[0].id).await.unwrap().state,
        JobState::Cancelled
    );
}

/// A node whose login takes so long that the lease is nearly over; it is not over before the lease was renewed.
struct Slow(Arc<World>);

async fn lease(ctx: &OpContext, order: &str) -> Option<Instant> {
    let mut read = ctx.store().read().await.unwrap();
    let job = read.open_job(kind::ORDER, order).await.unwrap();
    job.and_then(|job| job.lease).map(|(_, until)| until)
}

impl HandsOf for Slow {
    fn hands<'a>(&'a self, ctx: &'a OpContext, site: Site<'a>) -> Handed<'a, Option<Box<dyn NodeHands>>> {
        Box::pin(async move {
            let taken = at("2026-10-09 09:00:00").plus_s(300);
            assert_eq!(lease(ctx, "GD-202610-0001").await, Some(taken));
            self.0.on("2026-10-09 09:04:50");
            while lease(ctx, "GD-202610-0001").await == Some(taken) {
                tokio::task::yield_now().await;
            }
            BuiltIn.hands(ctx, site).await
        })
    }
}

async fn the_lease_is_kept_while_a_step_takes_long(store: TestStore) {
    let world = Arc::new(World::new(store).await);
    let number = "SQ-202610-9001";
    world.approved(number, 1, 0).await;
    let order = world.ordered(number, "N1", false).await;
    assert_eq!(order.number, "GD-202610-0001");
    let slow = RunOrders::new(Arc::new(Slow(Arc::clone(&world)))).beating(Duration::from_millis(1));
    let handlers = Handlers::default().with(kind::ORDER, Arc::new(slow));
    let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!((worked.state, worked.job.attempts), (JobState::Done, 1));
    assert_eq!(world.request(number).await.status, RequestStatus::OnTrial);
}
