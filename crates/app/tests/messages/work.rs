//! Recurring work, workers that end or die, reminders.

use crate::receivers::MailServer;
use crate::world::{World, at};
use app::jobs::{
    Doing, Ended, Forget, Handler, Handlers, JobFilter, Plan, Stop, Working, kind, schedule, work_once, work_once_until,
};
use app::messages::{Remind, messages};
use domain::work::DeliveryState::{Delivered, Waiting};
use domain::work::{JobState, Rhythm};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use test_support::TestStore;

/// Does nothing, and counts.
#[derive(Default)]
struct Counting(AtomicU64);

impl Handler for Counting {
    fn carry_out<'a>(&'a self, _at: &'a Working) -> Doing<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(Ended::Done("好".into())) })
    }
}

pub async fn recurring_work_is_queued_once_whatever_the_clock_does(store: TestStore) {
    let world = World::new(store).await;
    let counting = Arc::new(Counting::default());
    let handlers = Handlers::default().with(kind::FORGET, counting.clone());
    let plan = Plan::default();
    let (one, other) = tokio::join!(
        schedule(&world.ctx, &plan, &handlers),
        schedule(&world.ctx, &plan, &handlers)
    );
    assert_eq!(one.unwrap() + other.unwrap(), 1, "two workers queue it once");
    let turn = async |moment: &str| {
        world.now_is(moment);
        let queued = schedule(&world.ctx, &plan, &handlers).await.unwrap();
        let done = work_once(&world.ctx, "甲", &handlers).await.unwrap();
        (queued, done.is_some())
    };
    assert_eq!(turn("2026-10-09 09:30:00").await, (0, true));
    assert_eq!(turn("2026-10-09 10:00:00").await, (1, true));
    // The clock is set back by three hours and runs on: nothing of the past is done again.
    for moment in ["07:00:00", "08:00:00", "09:00:00", "10:00:00", "10:59:59"] {
        assert_eq!(turn(&format!("2026-10-09 {moment}")).await, (0, false), "{moment}");
    }
    assert_eq!(turn("2026-10-09 11:00:00").await, (1, true));
    assert_eq!(counting.0.load(Ordering::SeqCst), 3);
    let off = Plan::default().with(kind::FORGET, Rhythm::Off).unwrap();
    world.now_is("2026-10-10 11:00:00");
    assert_eq!(schedule(&world.ctx, &off, &handlers).await.unwrap(), 0);
}

/// Stops when it is told to; somebody cancels it while it is at it.
struct Cancelled(Arc<World>);

impl Handler for Cancelled {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            app::jobs::cancel(&self.0.by("admin"), at.job.id).await?;
            Ok(match at.go_on(1, 3, "步骤").await? {
                true => Ended::Done("完成".into()),
                false => Ended::Stopped,
            })
        })
    }
}

pub async fn what_somebody_cancels_says_so(store: TestStore) {
    let world = Arc::new(World::new(store).await);
    let handlers = Handlers::default().with(kind::FORGET, Arc::new(Cancelled(Arc::clone(&world))));
    schedule(&world.ctx, &Plan::default(), &handlers).await.unwrap();
    let worked = work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!(
        (worked.state, worked.outcome.as_str()),
        (JobState::Cancelled, "已按要求取消")
    );
}

/// Is told to stop in the middle of its second step.
struct Interrupted(Stop, AtomicU64);

impl Handler for Interrupted {
    fn carry_out<'a>(&'a self, at: &'a Working) -> Doing<'a> {
        Box::pin(async move {
            for step in 0..3 {
                if !at.go_on(step, 3, "步骤").await? {
                    return Ok(Ended::Stopped);
                }
                self.1.fetch_add(1, Ordering::SeqCst);
                if step == 1 {
                    self.0.set();
                }
            }
            Ok(Ended::Done("完成".into()))
        })
    }
}

pub async fn a_worker_that_ends_leaves_its_job_to_the_next(store: TestStore) {
    let world = World::new(store).await;
    let stop = Stop::default();
    let interrupted = Arc::new(Interrupted(stop.clone(), AtomicU64::new(0)));
    let handlers = Handlers::default().with(kind::FORGET, interrupted.clone());
    schedule(&world.ctx, &Plan::default(), &handlers).await.unwrap();
    let worked = work_once_until(&world.ctx, "甲", &handlers, &stop)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (worked.state, worked.outcome.as_str()),
        (JobState::Queued, "工作进程停止，稍后继续")
    );
    assert_eq!(
        interrupted.1.load(Ordering::SeqCst),
        2,
        "the step in hand was finished, the next not begun"
    );
    // At once, by somebody else.
    let worked = work_once(&world.ctx, "乙", &handlers).await.unwrap().unwrap();
    assert_eq!((worked.state, worked.job.attempts), (JobState::Done, 2));
}

pub async fn a_worker_that_died_in_an_attempt_costs_a_pause(store: TestStore) {
    let world = World::new(store).await;
    let server = MailServer::new().await;
    let post = world.post(Some(server.port));
    world.tell("wang", "request.ended", "SQ-1", "办结：SQ-1").await;
    server.answers(&[451]);
    world.send(&post).await.unwrap();
    world.pass(60);
    // Begun by a worker that was killed then: two that begin it are told apart, and nothing is noted of it.
    let seen = world.deliveries().await[0].clone();
    let next = world.ctx.now().plus_s(60);
    assert!(world.store.begin_delivery(&seen, next).await.unwrap());
    assert!(
        !world.store.begin_delivery(&seen, next).await.unwrap(),
        "one worker each"
    );
    assert_eq!(world.states().await, [(Waiting, 2)]);
    assert_eq!(world.send(&post).await, None, "its pause");
    world.pass(60);
    assert!(world.send(&post).await.unwrap().contains("送达 1"));
    assert_eq!(world.states().await, [(Delivered, 3)]);
}

pub async fn deadlines_are_reminded_of_once(store: TestStore) {
    let world = World::new(store).await;
    // Due at the end of Monday the 12th; Saturday the 10th is worked, Sunday is not.
    world.task("operations", ("choose", "SQ-1"), "2026-10-13").await;
    world.task("head", ("request", "SQ-2"), "2026-10-13").await;
    let handlers = Handlers::default().with(kind::REMIND, Arc::new(Remind));
    let turn = async |moment: &str| {
        world.now_is(moment);
        assert_eq!(
            schedule(&world.ctx, &Plan::default(), &handlers).await.unwrap(),
            1,
            "{moment}"
        );
        work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap().outcome
    };
    assert_eq!(turn("2026-10-09 09:00:00").await, "提醒 0 件，代办通知 0 件");
    assert_eq!(turn("2026-10-10 00:00:00").await, "提醒 1 件，代办通知 0 件");
    assert_eq!(turn("2026-10-10 12:00:00").await, "提醒 0 件，代办通知 0 件", "once");
    assert_eq!(turn("2026-10-13 00:00:00").await, "提醒 1 件，代办通知 0 件");
    assert_eq!(turn("2026-10-14 00:00:00").await, "提醒 0 件，代办通知 0 件");
    let told = messages(&world.by("operations"), 10).await.unwrap();
    let kinds: Vec<_> = told.iter().map(|message| message.kind.as_str()).collect();
    assert_eq!(kinds, ["choose.overdue", "choose.reminder"]);
    assert!(
        told[1].text.contains("选定云服务商") && told[1].text.ends_with("办理期限 2026-10-12 23:59"),
        "{}",
        told[1].text
    );
    // Flows remind of their own tasks.
    assert_eq!(messages(&world.by("head"), 10).await.unwrap(), []);
    // Another deadline of the same task is another moment.
    world.task("operations", ("choose", "SQ-1"), "2026-10-16").await;
    assert_eq!(turn("2026-10-15 09:00:00").await, "提醒 1 件，代办通知 0 件");
}

pub async fn finished_jobs_are_forgotten(store: TestStore) {
    let world = World::new(store).await;
    let handlers = Handlers::default().with(kind::FORGET, Arc::new(Forget));
    let jobs = async || {
        world
            .store
            .read()
            .await
            .unwrap()
            .jobs(&JobFilter::default(), 10)
            .await
            .unwrap()
    };
    for day in ["2026-10-09", "2026-11-07", "2026-11-09"] {
        world.now_is(day);
        schedule(&world.ctx, &Plan::default(), &handlers).await.unwrap();
        work_once(&world.ctx, "甲", &handlers).await.unwrap().unwrap();
    }
    let left: Vec<_> = jobs().await.into_iter().map(|job| job.created).collect();
    assert_eq!(
        left,
        [at("2026-11-09"), at("2026-11-07")],
        "the first is older than thirty days"
    );
}
