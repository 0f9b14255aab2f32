//! Ways of resources that are there: changed, extended, released with a snapshot, taken back when their time is over.

use crate::world::{World, at};
use app::OpContext;
use app::messages::messages;
use app::orders::{
    BuiltIn, RunEnd, begin_by_hand, confirm_trial, decide_objection, end_noticed, follow_up, reply_to_end,
    resume_order, run_order, simulated_look, take_over_by_hand, until_of,
};
use domain::authz::{PLATFORM_NAME, Role, platform_account};
use domain::budget::HoldState;
use domain::collect::ObservedState;
use domain::registry::{ResourceKind, Side};
use domain::request::{RequestKind, RequestLine, RequestStatus};
use domain::rules::Purpose;
use domain::work::{Manner, OrderState, StepKind};
use kernel::{Day, ErrorKind, Kinded};
use test_support::TestStore;

test_support::on_both_stores!(
    changed_by_an_application,
    a_change_that_nobody_confirms_is_told_of_every_day,
    extended_by_an_application,
    a_snapshot_is_taken_before_the_end_if_it_is_wanted,
    a_snapshot_that_was_refused_is_still_wanted,
    children_end_with_their_parent,
    the_platform_takes_back_what_is_over_its_date,
    an_extension_during_the_notice_keeps_it,
);

const SQ: &str = "SQ-202610-9001";
const CODE: &str = "SQ-202610-9001-1-1";

/// A server in use on the simulated node from 12 October on, needed until a day.
pub async fn in_use(store: TestStore, until: Option<&str>) -> World {
    let world = World::new(store).await;
    world.hire().await;
    let line = RequestLine {
        purpose: if until.is_some() {
            Purpose::Test
        } else {
            Purpose::Production
        },
        until: until.map(|day| day.parse().unwrap()),
        ..World::line(None)
    };
    world
        .store_request(SQ, RequestKind::New, RequestStatus::Approved, vec![line])
        .await;
    let order = world.ordered(SQ, "N1", false).await;
    let ran = run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(ran, RunEnd::Over(OrderState::Done));
    world.confirmed(SQ, "2026-10-12 00:00:00").await;
    world
}

/// The application that everybody agrees to, about the one server.
async fn agreed(world: &World, kind: RequestKind, line: RequestLine) -> String {
    world.decided(kind, vec![line]).await.number
}

/// What is there, with twice the processors.
fn larger() -> RequestLine {
    RequestLine {
        spec: "vcpu=8".parse().unwrap(),
        ..World::line(Some(CODE))
    }
}

async fn until(world: &World) -> Option<Day> {
    let code = CODE.parse().unwrap();
    until_of(&mut world.ctx.store().read().await.unwrap(), &code)
        .await
        .unwrap()
}

async fn changed_by_an_application(store: TestStore) {
    let world = in_use(store, None).await;
    world.on("2026-10-19 09:00:00");
    let number = agreed(&world, RequestKind::Change, larger()).await;
    assert_eq!(world.request(&number).await.status, RequestStatus::Ordered);
    let order = world.order_of(&number).await;
    let steps: Vec<_> = order
        .steps
        .iter()
        .map(|step| (step.kind, step.before.clone()))
        .collect();
    assert_eq!(steps, [(StepKind::Resize, Some("vcpu=4".parse().unwrap()))]);
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    let (look, _) = simulated_look(&world.ctx, "N1").unwrap();
    assert_eq!(look.observations[0].spec.to_string(), "vcpu=8");
    // What it costs changes when everybody has confirmed it.
    world.confirmed(&number, "2026-10-20 12:00:00").await;
    let (first, second) = (at("2026-10-12 00:00:00"), at("2026-10-20 12:00:00"));
    let expected = [
        ("vcpu=4".to_owned(), first, Some(second)),
        ("vcpu=8".to_owned(), second, None),
    ];
    assert_eq!(world.intervals(CODE).await, expected);
}

async fn a_change_that_nobody_confirms_is_told_of_every_day(store: TestStore) {
    let world = in_use(store, None).await;
    world.on("2026-10-19 09:00:00");
    let number = agreed(&world, RequestKind::Change, larger()).await;
    let order = world.order_of(&number).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(world.request(&number).await.status, RequestStatus::OnTrial);
    confirm_trial(&world.acceptor(), (&number, None), "").await.unwrap();
    // 15 days: the last is Tuesday 3 November.
    let told_at = async |moment: &str| {
        world.on(moment);
        world.overdue().await == std::slice::from_ref(&number)
    };
    let examiner = world.person(24, "A1", Side::Authority, Role::AuthorityTechnical);
    let heard = async |who: &OpContext| {
        let messages = messages(who, 100).await.unwrap().into_iter();
        let about: Vec<_> = messages.filter(|told| told.kind == "trial.overdue").collect();
        about
    };
    assert!(!told_at("2026-11-03 23:00:00").await, "it is in time");
    assert!(told_at("2026-11-04 08:00:00").await);
    assert!(!told_at("2026-11-04 20:00:00").await, "once a day");
    assert!(told_at("2026-11-05 08:00:00").await);
    let told = heard(&world.operations()).await;
    assert!(told[0].text.contains("主管部门、云服务商尚未确认"), "{told:?}");
    assert_eq!((told.len(), heard(&examiner).await.len()), (2, 2));
    // Whoever has confirmed is left in peace, and the resource stays as it is metered.
    confirm_trial(&world.technical(), (&number, None), "").await.unwrap();
    assert!(told_at("2026-11-06 08:00:00").await);
    assert_eq!(
        (heard(&world.operations()).await.len(), heard(&examiner).await.len()),
        (3, 2)
    );
    assert!(world.ended().await.is_empty());
    assert_eq!(world.request(&number).await.status, RequestStatus::OnTrial);
    assert_eq!(
        world.intervals(CODE).await,
        [("vcpu=4".to_owned(), at("2026-10-12 00:00:00"), None)]
    );

    // It does not keep the unit from giving the resource back, and is over when that is gone.
    let release = agreed(&world, RequestKind::Release, World::line(Some(CODE))).await;
    reply_to_end(&world.applicant(), (&release, None), (true, "", false))
        .await
        .unwrap();
    assert_eq!(world.ended().await, std::slice::from_ref(&release));
    run_order(&world.ctx, &world.order_of(&release).await.number, &BuiltIn)
        .await
        .unwrap();
    assert!(world.holds(&number).await.contains(&HoldState::Held));
    assert!(told_at("2026-11-07 08:00:00").await);
    assert_eq!(world.request(&number).await.status, RequestStatus::Archived);
    assert!(
        world
            .holds(&number)
            .await
            .iter()
            .all(|state| *state == HoldState::Freed)
    );
    assert!(!told_at("2026-11-08 08:00:00").await);
}

async fn extended_by_an_application(store: TestStore) {
    let world = in_use(store, Some("2026-11-01")).await;
    let shown = async || {
        let all = app::inventory::InventoryFilter::default();
        let rows = app::inventory::inventory(&world.ctx, world.ctx.now(), &all)
            .await
            .unwrap();
        rows.into_iter().find(|row| row.allocation == CODE).unwrap().until
    };
    assert_eq!(shown().await, Some("2026-11-01".parse().unwrap()));
    world.on("2026-10-19 09:00:00");
    let longer = RequestLine {
        purpose: Purpose::Test,
        until: Some("2026-12-01".parse().unwrap()),
        ..World::line(Some(CODE))
    };
    let number = agreed(&world, RequestKind::Extend, longer.clone()).await;
    assert_eq!(
        world.request(&number).await.status,
        RequestStatus::InForce,
        "nothing happens on the node"
    );
    assert_eq!(until(&world).await, Some("2026-12-01".parse().unwrap()));
    assert_eq!(shown().await, until(&world).await);
    assert_eq!(world.intervals(CODE).await.len(), 1, "it is metered on");
    assert!(world.on("2026-11-02 09:00:00").overdue().await.is_empty());

    // An interval that came in with a date of its own runs on to the new one.
    let text = "分配单号,系统代码,服务形式,资源类型,规格,云节点,云资源标识,计费开始,计费终止\n\
                OLD-1,S1,shared_cloud,server,vcpu=4,N1,vm-old,2026-03-01,2026-11-10\n\
                OLD-2,S1,shared_cloud,server,vcpu=4,N1,vm-gone,2026-03-01,2026-11-01\n";
    world.import(app::import::ImportKind::Allocations, text).await;
    let of = |code: &str| RequestLine {
        allocation: Some(code.parse().unwrap()),
        ..longer.clone()
    };
    agreed(&world, RequestKind::Extend, of("OLD-1")).await;
    let ends = world.intervals("OLD-1").await[0].2;
    assert_eq!(ends, Some(at("2026-12-01 00:00:00")));
    let gone = world
        .store_request(
            "SQ-202611-9009",
            RequestKind::Extend,
            RequestStatus::InForce,
            vec![of("OLD-2")],
        )
        .await;
    let mut work = world.ctx.store().begin().await.unwrap();
    let refused = app::orders::take_effect(&world.ctx, &mut work, &gone)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
}

async fn a_snapshot_is_taken_before_the_end_if_it_is_wanted(store: TestStore) {
    let world = in_use(store, None).await;
    world.on("2026-10-19 09:00:00");
    let number = agreed(&world, RequestKind::Release, World::line(Some(CODE))).await;
    assert_eq!(world.request(&number).await.status, RequestStatus::Noticed);
    reply_to_end(&world.applicant(), (&number, None), (true, "", true))
        .await
        .unwrap();
    assert_eq!(world.ended().await, std::slice::from_ref(&number));
    let order = world.order_of(&number).await;
    let kinds: Vec<_> = order.steps.iter().map(|step| step.kind).collect();
    assert_eq!(
        kinds,
        [
            StepKind::Stop,
            StepKind::Snapshot,
            StepKind::Delete,
            StepKind::VerifyGone
        ]
    );
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(world.request(&number).await.status, RequestStatus::Ended);
    let (look, _) = simulated_look(&world.ctx, "N1").unwrap();
    let of = |kind| look.observations.iter().find(|seen| seen.kind == kind).unwrap();
    let (server, snapshot) = (of(ResourceKind::Server), of(ResourceKind::Snapshot));
    assert_eq!(
        (server.state, snapshot.state),
        (ObservedState::Deleted, ObservedState::Live)
    );
    assert_eq!(snapshot.parent.as_ref(), Some(&server.native_id));
    let taken = order.steps.iter().find(|step| step.kind == StepKind::Snapshot).unwrap();
    assert_eq!(taken.allocation.as_str(), CODE);
    let noted = world.order_of(&number).await;
    assert_eq!(noted.steps[1].native_id.as_ref(), Some(&snapshot.native_id));
    assert_eq!(noted.steps[2].native_id.as_ref(), Some(&server.native_id));
}

/// The things on the simulated node belong to no system any more: it takes no snapshot of such.
fn disown(world: &World) {
    for entry in std::fs::read_dir(world.folder.path().join("N1")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"system\": \"S1\"", "\"system\": null")).unwrap();
    }
}

async fn a_snapshot_that_was_refused_is_still_wanted(store: TestStore) {
    let world = in_use(store, None).await;
    let operator = world.operator();
    world.employ(std::slice::from_ref(&operator)).await;
    world.on("2026-10-19 09:00:00");
    let number = agreed(&world, RequestKind::Release, World::line(Some(CODE))).await;
    reply_to_end(&world.applicant(), (&number, None), (true, "", true))
        .await
        .unwrap();
    assert_eq!(world.ended().await, std::slice::from_ref(&number));
    disown(&world);
    let undone = async |order: &str| {
        let ran = run_order(&world.ctx, order, &BuiltIn).await.unwrap();
        assert_eq!(ran, RunEnd::Over(OrderState::Undone));
        let trouble = world.order_of(&number).await.trouble.unwrap();
        assert!(trouble.contains("创建快照"), "{trouble}");
    };
    let first = world.order_of(&number).await.number;
    undone(&first).await;
    let second = resume_order(&operator, (&first, None), "已核实").await.unwrap();
    let kinds: Vec<_> = second.steps.iter().map(|step| step.kind).collect();
    let expected = [
        StepKind::Stop,
        StepKind::Snapshot,
        StepKind::Delete,
        StepKind::VerifyGone,
    ];
    assert_eq!((second.manner, kinds.as_slice()), (Manner::Interface, &expected[..]));
    undone(&second.number).await;
    assert_eq!(world.request(&number).await.status, RequestStatus::Stuck);

    // People can do it where the node does not, and they are told.
    let late = take_over_by_hand(&operator, (&first, None), "另行备份")
        .await
        .unwrap_err();
    assert!(late.to_string().contains(&second.number), "{late}");
    let third = take_over_by_hand(&operator, (&second.number, None), "另行备份")
        .await
        .unwrap();
    assert_eq!((third.manner, third.state), (Manner::ByHand, OrderState::Waiting));
    let tasks = app::messages::to_dos(&operator).await.unwrap();
    let titles: Vec<_> = tasks.iter().map(|mine| mine.to_do.title.as_str()).collect();
    let title = format!("请办理下线工单 {}（申请 {number}），使用单位要求先做快照", third.number);
    assert_eq!(titles, [title], "and of the orders before nothing is left");
    begin_by_hand(&operator, (&third.number, None)).await.unwrap();
    world.finished_by_hand(&third, &operator).await;
    assert_eq!(world.request(&number).await.status, RequestStatus::Ended);
}

async fn children_end_with_their_parent(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let text = "分配单号,系统代码,服务形式,资源类型,规格,云节点,云资源标识,上级分配单号,计费开始,计费终止\n\
                OLD-1,S1,shared_cloud,server,vcpu=4,N2,vm-1,,2026-03-01,\n\
                OLD-2,S1,shared_cloud,volume,storage_gib=100,N2,vol-1,OLD-1,2026-03-01,\n\
                OLD-3,S1,shared_cloud,snapshot,storage_gib=100,N2,snap-1,OLD-2,2026-03-01,\n\
                OLD-4,S1,shared_cloud,server,vcpu=4,N2,vm-2,,2026-03-01,\n";
    world.import(app::import::ImportKind::Allocations, text).await;
    let number = agreed(&world, RequestKind::Release, World::line(Some("OLD-1"))).await;
    reply_to_end(&world.applicant(), (&number, None), (true, "", false))
        .await
        .unwrap();
    end_noticed(&world.ctx).await.unwrap();
    let order = world.order_of(&number).await;
    let ended: Vec<_> = order.steps.iter().map(|step| step.allocation.to_string()).collect();
    assert_eq!(
        ended,
        ["OLD-1", "OLD-3", "OLD-2"],
        "what uses others before what is used"
    );
    assert_eq!(order.manner, Manner::ByHand);
    let operator = world.operator();
    begin_by_hand(&operator, (&order.number, None)).await.unwrap();
    world
        .on("2026-10-11 15:00:00")
        .finished_by_hand(&order, &operator)
        .await;
    let over = Some(at("2026-10-11 15:00:00"));
    for (code, end) in [("OLD-1", over), ("OLD-2", over), ("OLD-3", over), ("OLD-4", None)] {
        assert_eq!(world.intervals(code).await[0].2, end, "{code}");
    }
}

async fn the_platform_takes_back_what_is_over_its_date(store: TestStore) {
    let world = in_use(store, Some("2026-10-25")).await;
    assert!(world.on("2026-10-24 23:59:59").overdue().await.is_empty());
    let numbers = world.on("2026-10-25 08:00:00").overdue().await;
    assert_eq!(numbers.len(), 1);
    let number = &numbers[0];
    assert!(world.overdue().await.is_empty(), "it is announced once");
    let reclaim = world.request(number).await;
    assert_eq!(
        (reclaim.kind, reclaim.status),
        (RequestKind::Reclaim, RequestStatus::Noticed)
    );
    assert_eq!(reclaim.applicant, platform_account());
    let seen = app::requests::show(&world.operations(), number).await.unwrap();
    assert_eq!(
        seen.people.get(&reclaim.applicant).map(String::as_str),
        Some(PLATFORM_NAME)
    );

    // The unit objects, and the authority keeps it: it is not announced again for that date.
    let applicant = world.applicant();
    let mine = applicant.who().unwrap().account;
    let mine = world.ctx.store().read().await.unwrap().to_dos_of(mine).await.unwrap();
    let title = &mine.iter().find(|to_do| to_do.subject == *number).unwrap().title;
    assert!(title.contains(" 00:00 下线") && !title.contains("+08:00"), "{title}");
    let silent = reply_to_end(&applicant, (number, None), (false, " ", false))
        .await
        .unwrap_err();
    assert!(silent.to_string().contains("请说明理由"), "{silent}");
    reply_to_end(&applicant, (number, None), (false, "验收推迟", false))
        .await
        .unwrap();
    assert!(world.on("2026-11-20 08:00:00").ended().await.is_empty());
    let kept = decide_objection(&world.operations(), (number, None), (true, "同意保留至验收"))
        .await
        .unwrap();
    assert_eq!(kept.status, RequestStatus::Withdrawn);
    assert!(world.overdue().await.is_empty());
    assert_eq!(world.intervals(CODE).await[0].2, None);

    // It is extended, and that date passes too. This time the objection does not help.
    let longer = RequestLine {
        purpose: Purpose::Test,
        until: Some("2026-12-01".parse().unwrap()),
        ..World::line(Some(CODE))
    };
    agreed(&world, RequestKind::Extend, longer).await;
    let numbers = world.on("2026-12-01 08:00:00").overdue().await;
    assert_eq!(numbers.len(), 1);
    let number = &numbers[0];
    reply_to_end(&applicant, (number, None), (false, "还要用", false))
        .await
        .unwrap();
    decide_objection(&world.operations(), (number, None), (false, "项目已结束"))
        .await
        .unwrap();
    assert!(world.on("2026-12-08 08:00:00").ended().await.is_empty());
    assert_eq!(
        world.on("2026-12-20 08:00:00").ended().await,
        std::slice::from_ref(number)
    );
    let order = world.order_of(number).await;
    assert_eq!(order.manner, Manner::Interface);
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    assert_eq!(world.request(number).await.status, RequestStatus::Ended);
    assert_eq!(world.intervals(CODE).await[0].2, Some(at("2026-12-20 08:00:00")));
    assert_eq!(follow_up(&world.ctx).await.unwrap().done.len(), 0);
}

async fn an_extension_during_the_notice_keeps_it(store: TestStore) {
    let world = in_use(store, Some("2026-10-25")).await;
    let numbers = world.on("2026-10-25 08:00:00").overdue().await;
    world.on("2026-10-27 08:00:00");
    let longer = RequestLine {
        purpose: Purpose::Test,
        until: Some("2026-12-01".parse().unwrap()),
        ..World::line(Some(CODE))
    };
    agreed(&world, RequestKind::Extend, longer).await;
    assert!(world.on("2026-11-20 08:00:00").ended().await.is_empty());
    assert_eq!(world.request(&numbers[0]).await.status, RequestStatus::Withdrawn);
    assert_eq!(world.intervals(CODE).await[0].2, None, "it is still in use");
    assert_eq!(world.on("2026-12-01 08:00:00").overdue().await.len(), 1);
}
