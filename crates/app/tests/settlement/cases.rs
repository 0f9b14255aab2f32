//! Cases: found, ended by a person or by the run that does not find their cause any more.

use crate::world::{World, at, month};
use app::cases::{CaseFilter, CaseState, SettleCase, list, settle};
use app::import::ImportKind;
use app::month::meter;
use domain::collect::{LookKind, Observation, ObservedState, Sighting, SightingChange};
use domain::meter::{CaseKind, CaseOutcome};
use domain::registry::{Measure, ResourceKind, Spec};
use kernel::{Digest, NodeCode, Period};
use store::{CaseFile, LookRecord};
use test_support::TestStore;

test_support::on_both_stores!(
    cases_end_by_a_person_or_with_their_cause,
    a_bill_below_what_was_paid_is_a_case,
);

fn node() -> NodeCode {
    "N1".parse().unwrap()
}

/// Looks on every day of some months, and what they change.
async fn look(world: &World, months: &[&str], changes: &[SightingChange]) {
    let mut work = world.ctx.store().begin().await.unwrap();
    work.apply_sightings(&node(), changes).await.unwrap();
    for text in months {
        let mut taken_at = month(text).period().from();
        while taken_at <= month(text).period().to().plus_s(-1) {
            let record = LookRecord {
                node: node(),
                taken_at,
                sequence: None,
                kind: LookKind::Full,
                digest: Digest::of(taken_at.to_string().as_bytes()),
                observations: 1,
                samples: 0,
                changes: 0,
                payload: "payloads/x".into(),
                received_at: taken_at,
            };
            work.add_look(&record).await.unwrap();
            taken_at = taken_at.plus_s(43_200);
        }
    }
    work.audit(world.ctx.now(), ("测试员", "test", "look"), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

async fn of(world: &World, kind: CaseKind, state: CaseState) -> Vec<CaseFile> {
    let filter = CaseFilter {
        state,
        kind: Some(kind),
        ..CaseFilter::default()
    };
    list(&world.ctx, &filter).await.unwrap()
}

async fn cases_end_by_a_person_or_with_their_cause(store: TestStore) {
    let world = World::new(store).await;
    // A server that nobody approved, in a project that belongs to nobody, from 10 March until April.
    let server = Sighting {
        period: Period::open(at("2026-03-10"), None).unwrap(),
        seen: Observation {
            native_id: "vm-9".into(),
            kind: ResourceKind::Server,
            class: String::new(),
            name: String::new(),
            project: "p-9".into(),
            zone: String::new(),
            state: ObservedState::Live,
            native_state: "ACTIVE".into(),
            spec: Spec::new().with(Measure::Vcpu, "4".parse().unwrap()),
            created_at: None,
            changed_at: None,
            deleted_at: None,
            parent: None,
            system_tag: None,
        },
    };
    world.on("2026-04-02 10:00:00");
    look(&world, &["2026-03"], &[SightingChange::Add(server)]).await;
    meter(&world.ctx, month("2026-03")).await.unwrap();
    let unmapped = of(&world, CaseKind::UnmappedProject, CaseState::Open).await;
    assert_eq!((unmapped.len(), unmapped[0].finding.owner.as_str()), (1, "P1"));
    let found = of(&world, CaseKind::NotApproved, CaseState::Open).await;
    assert_eq!((found.len(), found[0].finding.subject.as_str()), (1, "N1/vm-9"));

    // A person's word needs a reason, is given once, and is not for runs to say.
    let said = |outcome, reason: &str| SettleCase {
        id: unmapped[0].id,
        outcome,
        reason: reason.into(),
    };
    assert!(settle(&world.ctx, said(CaseOutcome::Accepted, " ")).await.is_err());
    assert!(settle(&world.ctx, said(CaseOutcome::Gone, "不见了")).await.is_err());
    let settled = settle(&world.ctx, said(CaseOutcome::Accepted, "试验项目"))
        .await
        .unwrap();
    let ending = settled.ended.clone().unwrap();
    assert_eq!(
        (ending.outcome, ending.reason.as_str(), ending.by.as_str(), ending.at),
        (CaseOutcome::Accepted, "试验项目", "关账员", at("2026-04-02 10:00:00"))
    );
    let again = settle(&world.ctx, said(CaseOutcome::Mistaken, "又想了想"))
        .await
        .unwrap_err();
    assert!(again.to_string().contains("已于"), "{again}");
    let entries = {
        let mut read = world.ctx.store().read().await.unwrap();
        read.audit_entries(1, 1_000).await.unwrap()
    };
    let entry = entries.last().unwrap();
    assert_eq!(
        (entry.action.as_str(), entry.object.clone(), entry.actor.as_str()),
        ("case.settle", unmapped[0].id.to_string(), "关账员")
    );

    // March is metered again, for another reason: what was settled is not opened again.
    world
        .import(
            ImportKind::Allocations,
            "分配单号,系统代码,服务形式,资源类型,规格,云节点,计费开始,计费终止\n\
             A-3,S1,industry_line,line,bandwidth_mbps=10,N1,2026-03-20,\n",
        )
        .await;
    meter(&world.ctx, month("2026-03")).await.unwrap();
    assert_eq!(of(&world, CaseKind::UnmappedProject, CaseState::All).await, [settled]);
    assert_eq!(of(&world, CaseKind::NotApproved, CaseState::All).await, found);

    // April: the server is gone with March. One look a month is not enough to say so; a month of looks is.
    let end = SightingChange::End {
        native_id: "vm-9".into(),
        from: at("2026-03-10"),
        to: at("2026-04-01"),
    };
    world.on("2026-05-02 10:00:00");
    let overdue = CaseFilter {
        overdue: true,
        owner: Some("P1".into()),
        kind: Some(CaseKind::NotApproved),
        ..CaseFilter::default()
    };
    assert_eq!(
        list(&world.ctx, &overdue).await.unwrap().len(),
        1,
        "five days from 2 April"
    );
    look(&world, &[], &[end]).await;
    meter(&world.ctx, month("2026-04")).await.unwrap();
    assert_eq!(
        of(&world, CaseKind::NotApproved, CaseState::Open).await,
        found,
        "nobody looked"
    );
    look(&world, &["2026-04"], &[]).await;
    meter(&world.ctx, month("2026-04")).await.unwrap();
    assert_eq!(of(&world, CaseKind::NotApproved, CaseState::Open).await, []);
    let gone = of(&world, CaseKind::NotApproved, CaseState::Settled).await;
    let ending = gone[0].ended.clone().unwrap();
    assert_eq!(
        (gone[0].id, ending.outcome, ending.month, ending.by.as_str()),
        (found[0].id, CaseOutcome::Gone, month("2026-04"), "关账员")
    );
    assert_eq!(list(&world.ctx, &overdue).await.unwrap(), []);
    let nobody = CaseFilter {
        owner: Some("P2".into()),
        state: CaseState::All,
        ..CaseFilter::default()
    };
    assert_eq!(list(&world.ctx, &nobody).await.unwrap(), []);
}

/// Two lines, A-1 2,500.00 and A-2 5,000.00. A-1 is billed 2,400.00 (100.00 withheld) and A-2 6,000.00 (ours is paid).
async fn a_bill_below_what_was_paid_is_a_case(store: TestStore) {
    let world = World::new(store).await;
    world.on("2026-04-03 10:00:00");
    world
        .bill(1, &[("A-1", "D1", "2400.00"), ("A-2", "D2", "6000.00")])
        .await;
    world.close("2026-03").await;
    assert_eq!(of(&world, CaseKind::BillDifference, CaseState::Open).await, []);

    // What was billed above ours is corrected to ours, and what is withheld is billed no more: nothing of it was paid.
    world
        .bill(2, &[("A-1", "D1", "2400.00"), ("A-2", "D2", "5000.00")])
        .await;
    assert_eq!(of(&world, CaseKind::BillDifference, CaseState::Open).await, []);

    // paid 2,400.00, billed 2,350.00. A-2: paid 5,000.00, billed 4,700.00.
    world
        .bill(3, &[("A-1", "D1", "2350.00"), ("A-2", "D2", "4700.00")])
        .await;
    let cases = of(&world, CaseKind::BillDifference, CaseState::Open).await;
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!(
        (case.finding.subject.as_str(), case.finding.owner.as_str()),
        ("P1@2026-03#3", "P1")
    );
    let expected = "第 3 版低于已付的金额，共 2 项、350.00 元，最大一项为 A-2 的 LINE，300.00 元";
    assert!(case.finding.detail.contains(expected), "{}", case.finding.detail);
}
