//! A program that dies at any step of an order, before its effect or after it, twice: nothing is made twice.

use crate::world::World;
use app::orders::{BuiltIn, Handed, HandsError, HandsOf, NodeHands, RunEnd, Wanted, run_order, simulated_look};
use app::{AppError, OpContext};
use domain::collect::ObservedState;
use domain::registry::{CloudNode, ResourceKind, Spec};
use domain::request::RequestStatus;
use domain::work::{OrderState, StepKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use test_support::TestStore;
use tokio::sync::Notify;

test_support::on_both_stores!(
    a_kill_at_every_step_makes_nothing_twice,
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
}

#[derive(Debug)]
struct DyingHands {
    inner: Box<dyn NodeHands>,
    dying: Dying,
}

impl HandsOf for Dying {
    fn hands(&self, ctx: &OpContext, node: &CloudNode) -> Result<Option<Box<dyn NodeHands>>, AppError> {
        let inner = BuiltIn.hands(ctx, node)?.unwrap();
        Ok(Some(Box::new(DyingHands {
            inner,
            dying: self.clone(),
        })))
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
}

/// Runs an order until it dies at a call, or to its end if there are fewer calls. Returns whether it died.
async fn run_and_die(world: &World, order: &str, call: i64, after: bool) -> bool {
    let dying = Dying {
        left: Arc::new(AtomicI64::new(call)),
        after,
        died: Arc::new(Notify::new()),
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
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Undone));
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
