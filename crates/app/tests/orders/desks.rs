//! Lists of tasks and notices: who has what, and until when.

use crate::SQ;
use crate::world::{World, at};
use app::OpContext;
use app::messages::{messages, to_dos};
use app::orders::{
    BuiltIn, NewProof, RunEnd, check_proof, confirm_trial, decide_objection, follow_up, hand_in_proof, reply_to_end,
    run_order,
};
use domain::authz::Role;
use domain::registry::Side;
use domain::request::{ErasureMethod, RequestKind, RequestStatus};
use domain::work::OrderState;
use kernel::{ErrorKind, Kinded};
use test_support::TestStore;

test_support::on_both_stores!(
    whoever_confirmed_has_nothing_left_to_confirm,
    the_provider_keeps_its_task_until_every_proof_is_there,
    what_became_of_an_objection_is_told_and_is_final,
);

const END: &str = "SQ-202610-9002";

/// What somebody has to do, in words that do not change.
async fn tasks(who: &OpContext) -> Vec<(String, String, String)> {
    let list = to_dos(who).await.unwrap();
    let list = list.into_iter().map(|mine| mine.to_do);
    list.map(|to_do| (to_do.kind, to_do.subject, to_do.task)).collect()
}

fn task(kind: &str, subject: &str, task: &str) -> Vec<(String, String, String)> {
    vec![(kind.to_owned(), subject.to_owned(), task.to_owned())]
}

/// Whoever applied for everything here, as one who accepts for the unit.
fn applied(world: &World) -> OpContext {
    world.person(10, "D1", Side::Unit, Role::UnitAcceptor)
}

/// Servers that are opened on the simulated node and on trial.
async fn on_trial(world: &World, servers: u32) {
    world.approved(SQ, servers, 0).await;
    let order = world.ordered(SQ, "N1", false).await;
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
}

async fn whoever_confirmed_has_nothing_left_to_confirm(store: TestStore) {
    let world = World::new(store).await;
    let (acceptor, head, technical) = (world.acceptor(), world.head(), world.technical());
    let other = world.person(14, "D1", Side::Unit, Role::UnitAcceptor);
    let unfit = applied(&world);
    let all = [acceptor, other, head, technical, unfit];
    world.employ(&all).await;
    on_trial(&world, 1).await;
    let [acceptor, other, head, technical, unfit] = &all;
    let confirm = task("confirm", SQ, "trial");
    for who in [acceptor, other, head, technical] {
        assert_eq!(tasks(who).await, confirm);
    }
    assert_eq!(tasks(unfit).await, [], "whoever applied would be refused");
    let own = confirm_trial(unfit, (SQ, None), "").await.unwrap_err();
    assert_eq!(own.kind(), ErrorKind::Forbidden, "{own}");

    let before = to_dos(head).await.unwrap();
    world.on("2026-10-10 09:00:00");
    confirm_trial(acceptor, (SQ, None), "").await.unwrap();
    for done in [acceptor, other] {
        assert_eq!(tasks(done).await, [], "the unit has confirmed");
    }
    let after = to_dos(head).await.unwrap();
    assert_eq!(after[0].to_do, before[0].to_do, "the others have it as before");
    assert_eq!(tasks(technical).await, confirm);
    confirm_trial(head, (SQ, None), "").await.unwrap();
    assert_eq!(tasks(head).await, []);
    confirm_trial(technical, (SQ, None), "").await.unwrap();
    assert_eq!(tasks(technical).await, []);
}

async fn the_provider_keeps_its_task_until_every_proof_is_there(store: TestStore) {
    let world = World::new(store).await;
    let (acceptor, operator, unfit) = (world.acceptor(), world.operator(), applied(&world));
    world.employ(&[acceptor.clone(), operator.clone(), unfit.clone()]).await;
    on_trial(&world, 2).await;
    world.confirmed(SQ, "2026-10-12 00:00:00").await;
    let codes = [1, 2].map(|piece| format!("{SQ}-1-{piece}"));
    world
        .about(END, RequestKind::Release, "vcpu=4", &[&codes[0], &codes[1]])
        .await;
    follow_up(&world.ctx).await.unwrap();
    assert_eq!(world.on("2026-10-20 10:00:00").ended().await, [END]);
    let order = world.order_of(END).await;
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    let upload = task("erasure", END, "proof");
    assert_eq!(tasks(&operator).await, upload);

    world.on("2026-10-21 10:00:00");
    let file = app::evidence::hand_in(&operator, END, "清除报告.pdf", b"%PDF-1.7 report")
        .await
        .unwrap();
    let proof = |code: &str| NewProof {
        allocation: code.parse().unwrap(),
        method: ErasureMethod::Overwritten,
        covers_copies: true,
        evidence: file.id,
        at: at("2026-10-21 09:00:00"),
    };
    hand_in_proof(&operator, (END, None), proof(&codes[0])).await.unwrap();
    assert_eq!(tasks(&operator).await, upload, "one of two");
    assert_eq!(tasks(&acceptor).await, []);
    hand_in_proof(&operator, (END, None), proof(&codes[1])).await.unwrap();
    assert_eq!(tasks(&operator).await, []);
    assert_eq!(tasks(&acceptor).await, task("erasure", END, "check"));
    assert_eq!(tasks(&unfit).await, [], "whoever applied would be refused");
    for code in &codes {
        check_proof(&acceptor, (END, None), &code.parse().unwrap())
            .await
            .unwrap();
    }
    assert_eq!(world.request(END).await.status, RequestStatus::Archived);
    assert_eq!(tasks(&acceptor).await, []);
}

async fn what_became_of_an_objection_is_told_and_is_final(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let (applicant, operations) = (world.applicant(), world.operations());
    let head = world.person(13, "D1", Side::Unit, Role::UnitHead);
    let text = "分配单号,系统代码,服务形式,资源类型,规格,云节点,云资源标识,计费开始,计费终止\n\
                OLD-1,S1,shared_cloud,server,vcpu=4,N2,vm-1,2026-03-01,\n";
    world.import(app::import::ImportKind::Allocations, text).await;
    // Seven days from the 9th: the 15th is the last but one, the 16th is worked.
    for (number, keep, title, follows) in [
        (
            "SQ-202610-9003",
            false,
            "下线异议未采纳：SQ-202610-9003",
            "资源仍将下线，不早于 2026-10-17 00:00，请备份数据",
        ),
        (
            "SQ-202610-9004",
            true,
            "下线异议已采纳：SQ-202610-9004",
            "资源保留使用，不再下线",
        ),
    ] {
        world.about(number, RequestKind::Reclaim, "vcpu=4", &["OLD-1"]).await;
        assert_eq!(follow_up(&world.ctx).await.unwrap().done, [number]);
        assert_eq!(tasks(&head).await, task("ending", number, "reply"));
        let object = async || reply_to_end(&applicant, (number, None), (false, "下月启用", false)).await;
        object().await.unwrap();
        assert_eq!(tasks(&head).await, []);
        assert_eq!(tasks(&operations).await, task("ending", number, "objection"));
        let before = messages(&applicant, 100).await.unwrap().len();
        decide_objection(&operations, (number, None), (keep, "项目已结束"))
            .await
            .unwrap();
        assert_eq!(tasks(&operations).await, []);
        for who in [&applicant, &head] {
            let told = messages(who, 100).await.unwrap();
            assert_eq!(told.len(), before + 1);
            let said = told.iter().find(|message| message.title == title).unwrap();
            assert_eq!(said.text, format!("申请 {number} 的{follows}。处理理由：项目已结束"));
        }
        let again = object().await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::FailedPrecondition, "{again}");
        if keep {
            assert_eq!(world.request(number).await.status, RequestStatus::Withdrawn);
        } else {
            assert!(again.to_string().contains("未予采纳（项目已结束）"), "{again}");
            // A snapshot can still be asked for, with the consent.
            let agreed = reply_to_end(&applicant, (number, None), (true, "", true))
                .await
                .unwrap();
            assert!(agreed.snapshot);
        }
    }
}
