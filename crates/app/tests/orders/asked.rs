//! Work that people ask for: in their name, the same once, other work not swallowed, and a panic is a failure.

use crate::world::World;
use app::collect::NodeSecrets;
use app::jobs::{
    Handlers, Job, JobError, UpTo, ask_to_close_month, ask_to_collect, ask_to_run_month, cancel, list, retry, show,
    work_once,
};
use app::{AppError, OpContext};
use domain::authz::Role;
use domain::registry::Side;
use domain::work::JobState;
use kernel::{ErrorKind, Kinded};
use sources::openstack::OpenStackConfig;
use std::sync::Arc;
use store::JobFilter;
use test_support::TestStore;

test_support::on_both_stores!(
    work_that_panics_has_failed_and_says_why,
    business_is_tried_again_by_whoever_may_ask_for_it_and_in_their_name,
    a_running_month_stops_before_its_next_step,
    a_running_close_stops_before_the_month_is_frozen,
    other_work_on_the_same_matter_is_refused_and_not_swallowed,
);

/// Secrets that nobody thought of.
struct Panicking;

impl NodeSecrets for Panicking {
    fn openstack(&self, _auth_url: &str, account: &str) -> Result<OpenStackConfig, String> {
        panic!("no secrets for {account}")
    }
}

async fn newest(by: &OpContext) -> Job {
    list(by, &JobFilter::default(), 1).await.unwrap().pop().unwrap()
}

async fn work_that_panics_has_failed_and_says_why(store: TestStore) {
    let world = World::new(store).await;
    world.cloud_node().await;
    let operations = world.operations();
    let id = ask_to_collect(&operations, Some("N9".parse().unwrap()), false)
        .await
        .unwrap();
    let handlers = Handlers::default().with_main_job(Arc::new(Panicking));
    let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!((worked.job.id, worked.state), (id, JobState::Failed));
    assert_eq!(worked.outcome, "任务异常中断：no secrets for 采集");
}

async fn business_is_tried_again_by_whoever_may_ask_for_it_and_in_their_name(store: TestStore) {
    let world = World::new(store).await;
    let operations = world.operations();
    let admin = world.person(40, "A1", Side::Authority, Role::SystemAdmin);
    let month = "2026-10".parse().unwrap();
    let id = ask_to_run_month(&operations, month, UpTo::Rate).await.unwrap();
    cancel(&admin, id).await.unwrap();
    // Whoever looks after jobs does no business with them in the name of others.
    let refused = retry(&admin, id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden, "{refused}");
    let colleague = world.person(25, "A1", Side::Authority, Role::AuthorityOperations);
    let again = retry(&colleague, id).await.unwrap().unwrap();
    assert_ne!(again, id);
    let job = show(&admin, again).await.unwrap();
    assert_eq!((job.asked_by.as_str(), job.state), ("u25", JobState::Queued));
    let entries = test_support::chain(world.ctx.store()).await;
    let retried = entries.iter().find(|entry| entry.action == "job.retry").unwrap();
    assert_eq!(retried.actor, "u25");

    // A close that failed: the month is not over.
    let leader = world.person(23, "A1", Side::Authority, Role::AuthorityLeader);
    cancel(&admin, again).await.unwrap();
    let close = ask_to_close_month(&leader, month).await.unwrap();
    let handlers = Handlers::default().with_main_job(Arc::new(Panicking));
    let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!((worked.job.id, worked.state), (close, JobState::Failed));
    for other in [&admin, &operations] {
        let refused = retry(other, close).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Forbidden, "{refused}");
    }
    assert!(retry(&leader, close).await.unwrap().is_some());
}

/// Has the database want running jobs to stop as soon as a step of a month is done.
async fn stopped_after(world: &World, step: &str, is_sqlite: bool) {
    let wish = "UPDATE job SET cancel = 1 WHERE state = 'running';";
    let statements = if is_sqlite {
        vec![format!(
            "CREATE TRIGGER wish AFTER INSERT ON run WHEN NEW.step = '{step}' BEGIN {wish} END"
        )]
    } else {
        vec![
            format!("CREATE FUNCTION wish() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {wish} RETURN NEW; END $$"),
            format!(
                "CREATE TRIGGER wish AFTER INSERT ON run FOR EACH ROW WHEN (NEW.step = '{step}') EXECUTE FUNCTION wish()"
            ),
        ]
    };
    let mut work = world.ctx.store().begin().await.unwrap();
    for statement in statements {
        work.execute(&statement, &[]).await.unwrap();
    }
    work.audit(world.ctx.now(), ("t", "test.trigger", ""), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

async fn a_running_month_stops_before_its_next_step(store: TestStore) {
    let is_sqlite = store.file().is_some();
    let world = World::new(store).await;
    world.on("2026-11-03 09:00:00");
    let month = "2026-10".parse().unwrap();
    let handlers = Handlers::default().with_main_job(Arc::new(Panicking));
    let work = async || work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    let there = async |step: &str| {
        let mut read = world.ctx.store().read().await.unwrap();
        read.current_run(step, month, "").await.unwrap().is_some()
    };
    stopped_after(&world, "meter", is_sqlite).await;
    let operations = world.operations();
    let id = ask_to_run_month(&operations, month, UpTo::Reconcile).await.unwrap();
    let worked = work().await;
    assert_eq!(
        (worked.job.id, worked.state),
        (id, JobState::Cancelled),
        "{}",
        worked.outcome
    );
    assert!(there("meter").await && !there("rate").await, "not one step more");
    // Tried again it goes on where it stopped.
    retry(&operations, id).await.unwrap().unwrap();
    let worked = work().await;
    assert_eq!(worked.state, JobState::Done, "{}", worked.outcome);
    assert!(there("rate").await);
}

async fn a_running_close_stops_before_the_month_is_frozen(store: TestStore) {
    let is_sqlite = store.file().is_some();
    let world = World::new(store).await;
    world.on("2026-11-03 09:00:00");
    let month = "2026-10".parse().unwrap();
    stopped_after(&world, "rate", is_sqlite).await;
    let leader = world.person(23, "A1", Side::Authority, Role::AuthorityLeader);
    let id = ask_to_close_month(&leader, month).await.unwrap();
    let handlers = Handlers::default().with_main_job(Arc::new(Panicking));
    let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!(
        (worked.job.id, worked.state),
        (id, JobState::Cancelled),
        "{}",
        worked.outcome
    );
    let mut read = world.ctx.store().read().await.unwrap();
    assert!(read.current_run("rate", month, "").await.unwrap().is_some());
    assert!(!read.is_closed(month).await.unwrap());
}

async fn other_work_on_the_same_matter_is_refused_and_not_swallowed(store: TestStore) {
    let world = World::new(store).await;
    let operations = world.operations();
    let month = "2026-10".parse().unwrap();
    let id = ask_to_run_month(&operations, month, UpTo::Meter).await.unwrap();
    let same = ask_to_run_month(&operations, month, UpTo::Meter).await.unwrap();
    assert_eq!(same, id, "the same is on its way");
    let other = ask_to_run_month(&operations, month, UpTo::Reconcile).await.unwrap_err();
    assert!(matches!(other, AppError::Job(JobError::Other(..))), "{other}");
    assert_eq!(other.kind(), ErrorKind::FailedPrecondition);
    assert!(
        other
            .to_string()
            .contains("2026-10 已有内容不同的「月度计量计价对账」任务"),
        "{other}"
    );
    let admin = world.person(40, "A1", Side::Authority, Role::SystemAdmin);
    assert_eq!(newest(&admin).await.id, id, "nothing was queued");
}
