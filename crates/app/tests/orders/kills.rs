//! A program that dies at any step of an order, before its effect or after it, twice: nothing is made twice.

use crate::world::{World, at};
use app::OpContext;
use app::orders::{
    BuiltIn, Handed, HandsError, HandsOf, NodeHands, RunEnd, Site, Wanted, follow_up, reply_to_end, run_order,
    simulated_look,
};
use domain::collect::ObservedState;
use domain::registry::{ResourceKind, Spec};
use domain::request::{RequestKind, RequestStatus};
use domain::work::{OrderState, StepKind, StepState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use test_support::TestStore;
use tokio::sync::Notify;

test_support::on_both_stores!(
    a_kill_at_every_step_makes_nothing_twice,
    a_kill_at_every_step_of_an_end_ends_it_once,
    an_outage_is_waited_for_and_then_gone_on_with,
    a_refusal_in_the_middle_is_undone
);

/// Dies at a call: never answers, and says so.
#[derive(Debug, Clone)]
struct Dying {
    /// Calls left before it dies; negative: never.
    left: Arc<AtomicI64>,
    /// Whether the effect comes before the death.
    after: bool,
    died: Arc<Notify>,
    /// What it changes on the node besides, told once.
    besides: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct DyingHands {
    inner: Box<dyn NodeHands>,
    dying: Dying,
}

impl HandsOf for Dying {
    fn hands<'a>(&'a self, ctx: &'a OpContext, site: Site<'a>) -> Handed<'a, Option<Box<dyn NodeHands>>> {
        Box::pin(async move {
            let inner = BuiltIn.hands(ctx, site).await?.unwrap();
            let hands: Box<dyn NodeHands> = Box::new(DyingHands {
                inner,
                dying: self.clone(),
            });
            Ok(Some(hands))
        })
    }
}

impl DyingHands {
    async fn call<T>(&self, effect: Handed<'_, T>) -> Result<T, HandsError> {
        let dies = self.dying.left.fetch_sub(1, Ordering::SeqCst) == 0;
        if dies && !self.dying.after {
            self.dying.died.notify_one();
            std::future::pending::<()>().await;
        }
        let done = effect.await;
        if dies {
            self.dying.died.notify_one();
            std::future::pending::<()>().await;
        }
        done
    }
}

impl NodeHands for DyingHands {
    fn find<'a>(&'a self, step: StepKind, mark: &'a str) -> Handed<'a, Option<String>> {
        Box::pin(self.call(self.inner.find(step, mark)))
    }
    fn network<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String> {
        Box::pin(self.call(self.inner.network(wanted)))
    }
    fn create<'a>(&'a self, wanted: Wanted<'a>) -> Handed<'a, String> {
        Box::pin(self.call(self.inner.create(wanted)))
    }
    fn resize<'a>(&'a self, id: &'a str, kind: ResourceKind, spec: &'a Spec) -> Handed<'a, ()> {
        Box::pin(self.call(self.inner.resize(id, kind, spec)))
    }
    fn start<'a>(&'a self, id: &'a str) -> Handed<'a, ()> {
        Box::pin(self.call(self.inner.start(id)))
    }
    fn stop<'a>(&'a self, id: &'a str) -> Handed<'a, ()> {
        Box::pin(self.call(self.inner.stop(id)))
    }
    fn snapshot<'a>(&'a self, id: &'a str, mark: &'a str) -> Handed<'a, String> {
        Box::pin(self.call(self.inner.snapshot(id, mark)))
    }
    fn delete<'a>(&'a self, id: &'a str, step: StepKind, kind: ResourceKind) -> Handed<'a, ()> {
        Box::pin(self.call(self.inner.delete(id, step, kind)))
    }
    fn is_gone<'a>(&'a self, id: &'a str, kind: ResourceKind) -> Handed<'a, bool> {
        Box::pin(self.call(self.inner.is_gone(id, kind)))
    }
    fn remarks(&self) -> Vec<String> {
        std::mem::take(&mut *self.dying.besides.lock().unwrap())
    }
}

/// Runs an order until it dies at a call, or to its end if there are fewer calls. Returns whether it died.
async fn run_and_die(world: &World, order: &str, call: i64, after: bool) -> bool {
    let dying = Dying {
        left: Arc::new(AtomicI64::new(call)),
        after,
        died: Arc::new(Notify::new()),
        besides: Arc::default(),
    };
    tokio::select! {
        ended = run_order(&world.ctx, order, &dying) => { ended.unwrap(); false }
        () = dying.died.notified() => true,
    }
}

async fn a_kill_at_every_step_makes_nothing_twice(store: TestStore) {
    let world = World::new(store).await;
    let (mut round, mut call, mut deaths) = (0, 0, 0_u32);
    loop {
        let mut died = false;
        for after in [false, true] {
            round += 1;
            let number = format!("SQ-202610-8{round:03}");
            world.approved(&number, 2, 1).await;
            let order = world.ordered(&number, "N1", true).await;
            // Twice at the same call of its run, then to the end.
            for _ in 0..2 {
                if run_and_die(&world, &order.number, call, after).await {
                    died = true;
                    deaths += 1;
                }
            }
            let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
            assert_eq!(ran, RunEnd::Over(OrderState::Done), "call {call}, after {after}");
            assert_eq!(world.request(&number).await.status, RequestStatus::OnTrial);
            let (look, _) = simulated_look(&world.ctx, "N1").unwrap();
            let marked = |seen: &&domain::collect::Observation| seen.name.starts_with(&format!("{}/", order.number));
            let made: Vec<_> = look.observations.iter().filter(marked).collect();
            assert_eq!(made.len(), 3, "call {call}, after {after}: {made:?}");
            let noted = world
                .ctx
                .store()
                .read()
                .await
                .unwrap()
                .order(&order.number)
                .await
                .unwrap()
                .unwrap();
            for seen in made {
                let known = noted
                    .steps
                    .iter()
                    .any(|step| step.native_id.as_deref() == Some(&seen.native_id));
                assert!(known, "{} is adopted", seen.native_id);
            }
        }
        if !died {
            break;
        }
        call += 1;
    }
    // Four steps, each looks for its mark and makes: eight calls of an undisturbed run.
    assert!(call >= 7 && deaths >= 24, "{call} calls, {deaths} deaths");
}

async fn a_refusal_in_the_middle_is_undone(store: TestStore) {
    let world = World::new(store).await;
    std::fs::create_dir_all(world.folder.path().join("N1")).unwrap();
    std::fs::write(world.folder.path().join("N1/limits.json"), r#"{"vcpu":"4"}"#).unwrap();
    let number = "SQ-202610-9001";
    world.approved(number, 2, 0).await;
    let order = world.ordered(number, "N1", false).await;
    let raised = "项目 p 的配额已调高：vCPU（核）由 2 调高到 4；回退时不会自动调低";
    let raising = Dying {
        left: Arc::new(AtomicI64::new(-1)),
        after: false,
        died: Arc::new(Notify::new()),
        besides: Arc::new(Mutex::new(vec![raised.to_owned()])),
    };
    let ran = run_order(&world.ctx, &order.number, &raising).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Undone));
    let undone = world.order_of(number).await;
    assert_eq!(undone.steps[0].state, StepState::Undone);
    assert_eq!(undone.steps[0].said(), raised, "what stays raised is not forgotten");
    assert_eq!(world.request(number).await.status, RequestStatus::Stuck);
    let (look, _) = simulated_look(&world.ctx, "N1").unwrap();
    assert!(!look.observations.is_empty(), "one server was made and taken back");
    assert!(
        look.observations
            .iter()
            .all(|seen| seen.state == ObservedState::Deleted)
    );
    // Somebody makes room, and the order is given anew.
    std::fs::write(world.folder.path().join("N1/limits.json"), r#"{"vcpu":"8"}"#).unwrap();
    let again = app::orders::resume_order(&world.operator(), (&order.number, None), "已扩容")
        .await
        .unwrap();
    assert_ne!(again.number, order.number);
    let ran = run_order(&world.ctx, &again.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    assert_eq!(world.request(number).await.status, RequestStatus::OnTrial);
}

async fn a_kill_at_every_step_of_an_end_ends_it_once(store: TestStore) {
    let world = World::new(store).await;
    let (mut round, mut call, mut deaths) = (0, 0, 0_u32);
    loop {
        let mut died = false;
        for after in [false, true] {
            round += 1;
            let (number, end) = (format!("SQ-202610-8{round:03}"), format!("SQ-202610-7{round:03}"));
            world.approved(&number, 1, 1).await;
            let opened = world.ordered(&number, "N1", true).await;
            run_order(&world.ctx, &opened.number, &BuiltIn).await.unwrap();
            world.confirmed(&number, &format!("2026-10-12 {round:02}:00:00")).await;
            let codes = [format!("{number}-1-1"), format!("{number}-2-1")];
            world
                .about(&end, RequestKind::Release, "vcpu=4", &[&codes[0], &codes[1]])
                .await;
            follow_up(&world.ctx).await.unwrap();
            reply_to_end(&world.applicant(), (&end, None), (true, "", false))
                .await
                .unwrap();
            world.on(&format!("2026-10-12 {round:02}:10:00"));
            assert_eq!(world.ended().await, std::slice::from_ref(&end));
            let order = world.order_of(&end).await;
            // Every attempt is later than the one before.
            for minute in [20, 30] {
                world.on(&format!("2026-10-12 {round:02}:{minute}:00"));
                if run_and_die(&world, &order.number, call, after).await {
                    died = true;
                    deaths += 1;
                }
            }
            world.on(&format!("2026-10-12 {round:02}:40:00"));
            let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
            assert_eq!(ran, RunEnd::Over(OrderState::Done), "call {call}, after {after}");
            assert_eq!(world.request(&end).await.status, RequestStatus::Ended);
            let (look, _) = simulated_look(&world.ctx, "N1").unwrap();
            let made = look
                .observations
                .iter()
                .filter(|seen| seen.name.starts_with(&format!("{}/", opened.number)));
            let made: Vec<_> = made.collect();
            assert_eq!(made.len(), 2, "nothing new: {made:?}");
            for (code, step) in codes.iter().zip([2, 3]) {
                let seen = made
                    .iter()
                    .find(|seen| seen.name == format!("{}/{step}", opened.number));
                let gone = seen.unwrap().deleted_at.unwrap();
                let ended = world.intervals(code).await[0].2.unwrap();
                assert!(ended <= gone, "{code} is paid until {ended}, gone at {gone}");
                assert!(ended >= at(&format!("2026-10-12 {round:02}:20:00")), "{ended}");
            }
        }
        if !died {
            break;
        }
        call += 1;
    }
    // Stop, delete, look for the server; delete, look for the volume.
    assert!(call >= 5 && deaths >= 16, "{call} calls, {deaths} deaths");
}

/// A node that is away for some calls.
#[derive(Debug, Clone)]
struct Away(Arc<AtomicI64>);

impl HandsOf for Away {
    fn hands<'a>(&'a self, ctx: &'a OpContext, site: Site<'a>) -> Handed<'a, Option<Box<dyn NodeHands>>> {
        Box::pin(async move {
            if self.0.fetch_sub(1, Ordering::SeqCst) > 0 {
                return Err(HandsError::Away("无法连接".to_owned()));
            }
            BuiltIn.hands(ctx, site).await
        })
    }
}

async fn an_outage_is_waited_for_and_then_gone_on_with(store: TestStore) {
    let world = World::new(store).await;
    let number = "SQ-202610-9001";
    world.approved(number, 1, 0).await;
    let order = world.ordered(number, "N1", false).await;
    let away = Away(Arc::new(AtomicI64::new(50)));
    for _ in 0..50 {
        let ran = run_order(&world.ctx, &order.number, &away).await.unwrap();
        assert_eq!(ran, RunEnd::Later("无法连接".into()));
    }
    let waiting = world.order_of(number).await;
    assert_eq!((waiting.state, waiting.steps[0].attempts), (OrderState::Waiting, 0));
    assert_eq!(waiting.steps[0].answer, "无法连接", "whoever looks sees why");
    assert_eq!(waiting.version, order.version + 1, "the same reason is noted once");
    let ran = run_order(&world.ctx, &order.number, &away).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
}
