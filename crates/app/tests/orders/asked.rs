//! Work that people ask for: in their name, the same once, other work not swallowed, and a panic is a failure.

use crate::world::World;
use app::collect::NodeSecrets;
use app::jobs::{
    Handlers, Job, JobError, UpTo, ask_to_collect, ask_to_run_month, cancel, list, retry, show, work_once,
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
    what_is_tried_again_stands_under_the_name_of_whoever_asked,
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

async fn what_is_tried_again_stands_under_the_name_of_whoever_asked(store: TestStore) {
    let world = World::new(store).await;
    let operations = world.operations();
    let admin = world.person(40, "A1", Side::Authority, Role::SystemAdmin);
    let month = "2026-10".parse().unwrap();
    let id = ask_to_run_month(&operations, month, UpTo::Rate).await.unwrap();
    cancel(&admin, id).await.unwrap();
    let again = retry(&admin, id).await.unwrap().unwrap();
    assert_ne!(again, id);
    let job = show(&admin, again).await.unwrap();
    assert_eq!((job.asked_by.as_str(), job.state), ("u20", JobState::Queued));
    // Who tried it again stands in the chain.
    let entries = test_support::chain(world.ctx.store()).await;
    let retried = entries.iter().find(|entry| entry.action == "job.retry").unwrap();
    assert_eq!(retried.actor, "u40");
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
