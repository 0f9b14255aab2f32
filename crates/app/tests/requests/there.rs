//! Applications about what is there: a resource is what the registers say, and stock is not shaken off.

use crate::town::{Town, refusal, server};
use app::requests::{Checked, Draft, accept_reduction, check, check_thought, fill_from_sheet};
use domain::budget::Purse;
use domain::catalogue::ServiceForm;
use domain::collect::{LookKind, Observation, ObservedState, Sighting, SightingChange};
use domain::meter::Allocation;
use domain::registry::{Measure, PoolKind, ResourceKind};
use domain::request::RequestKind;
use domain::rules::Outcome;
use kernel::{Digest, ErrorKind, NodeCode, Period};
use std::collections::BTreeMap;
use store::{LookRecord, UnitOfWork};
use test_support::TestStore;

const DAY_S: i64 = 86_400;

async fn committed(town: &Town, mut work: UnitOfWork) {
    let now = town.platform().now();
    work.audit(now, ("测试", "test.there", ""), "{}".into()).await.unwrap();
    work.commit().await.unwrap();
}

/// A server of S1 on the node, of 4 vCPU and 8 GiB, in a pool.
async fn stands(town: &Town, code: &str, pool: Option<&str>) {
    let there = Allocation {
        code: code.parse().unwrap(),
        system: "S1".parse().unwrap(),
        form: ServiceForm::SharedCloud,
        kind: ResourceKind::Server,
        class: String::new(),
        spec: "vcpu=4 memory_gib=8".parse().unwrap(),
        node: "N1".parse().unwrap(),
        pool: pool.map(|pool| pool.parse().unwrap()),
        native_id: Some(format!("vm-{code}")),
        contract: None,
        parent: None,
        period: Period::open("2026-01-01".parse().unwrap(), None).unwrap(),
    };
    let mut work = town.platform().store().begin().await.unwrap();
    work.add_allocations(&[there], None).await.unwrap();
    committed(town, work).await;
}

/// FP-1 in the Xinchuang pool, switched off at every look of forty days.
async fn stands_idle(town: &Town) {
    stands(town, "FP-1", Some("XC")).await;
    let (node, now): (NodeCode, _) = ("N1".parse().unwrap(), town.platform().now());
    let off = Sighting {
        period: Period::open(now.plus_s(-40 * DAY_S), None).unwrap(),
        seen: Observation {
            native_id: "vm-FP-1".into(),
            kind: ResourceKind::Server,
            class: String::new(),
            name: String::new(),
            project: "S1".into(),
            zone: String::new(),
            state: ObservedState::Stopped,
            native_state: "SHUTOFF".into(),
            spec: "vcpu=4 memory_gib=8".parse().unwrap(),
            created_at: None,
            changed_at: None,
            deleted_at: None,
            parent: None,
            system_tag: None,
        },
    };
    let mut work = town.platform().store().begin().await.unwrap();
    work.apply_sightings(&node, &[SightingChange::Add(off)]).await.unwrap();
    for day in 0..40 {
        let taken_at = now.plus_s(-day * DAY_S);
        let look = LookRecord {
            node: node.clone(),
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
        work.add_look(&look).await.unwrap();
    }
    committed(town, work).await;
}

fn outcome(checked: &Checked, rule: &str) -> Outcome {
    let found = checked.checks.iter().find(|check| check.rule.to_string() == rule);
    found.unwrap().outcome.clone()
}

/// A server that is there shall have 8 vCPU.
fn larger(code: &str, kind: ResourceKind, pool: Option<PoolKind>) -> Draft {
    let mut draft = server("S1", PoolKind::Xinchuang);
    draft.kind = RequestKind::Change;
    let line = &mut draft.lines[0];
    (line.kind, line.pool, line.spec) = (kind, pool, "vcpu=8".parse().unwrap());
    line.allocation = Some(code.parse().unwrap());
    draft
}

pub async fn a_resource_is_what_the_registers_say(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    stands(&town, "FP-1", Some("X86")).await;
    stands(&town, "FP-2", None).await;
    stands(&town, "FP-3", Some("XC")).await;
    let said = Some(PoolKind::Xinchuang);
    let (kind, why) = refusal(check_thought(&wang, larger("FP-1", ResourceKind::Server, said)).await);
    assert_eq!(
        (kind, why.as_str()),
        (
            ErrorKind::InvalidInput,
            "第 1 行：资源 FP-1 在X86池，不在信创池，请核对资源池"
        )
    );
    let (kind, why) = refusal(check_thought(&wang, larger("FP-1", ResourceKind::Volume, None)).await);
    assert_eq!(
        (kind, why.as_str()),
        (
            ErrorKind::InvalidInput,
            "第 1 行：资源 FP-1 是云主机，不是云硬盘，请核对资源类型"
        )
    );

    // Nothing said: it is in the x86 pool, for the rule, for the experts and for the quota.
    let honest = check_thought(&wang, larger("FP-1", ResourceKind::Server, None))
        .await
        .unwrap();
    assert_eq!(outcome(&honest, "R1"), Outcome::Block);
    assert!(honest.flow.nodes.iter().any(|node| node.name == "专家论证"));
    let quota = Purse::Quota {
        unit: "D1".parse().unwrap(),
        pool: Some(PoolKind::X86),
        measure: Measure::Vcpu,
    };
    let taken = honest.room.iter().find(|room| room.purse == quota).unwrap();
    assert_eq!(taken.wanted, "4");

    // Where no pool is registered, what the line says does not stand for it.
    let unknown = check_thought(&wang, larger("FP-2", ResourceKind::Server, said))
        .await
        .unwrap();
    assert_eq!(outcome(&unknown, "R1"), Outcome::CannotJudge);
    let known = check_thought(&wang, larger("FP-3", ResourceKind::Server, said))
        .await
        .unwrap();
    assert_eq!(outcome(&known, "R1"), Outcome::Pass);
}

pub async fn a_sheet_after_a_reduction_is_reduced_again(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    stands_idle(&town).await;
    let mut two = server("S1", PoolKind::Xinchuang);
    two.lines[0].count = 2;
    let draft = town.draft("wang", two).await;
    let is_reduced = async || {
        let checked = check(&wang, &draft.number).await.unwrap();
        matches!(outcome(&checked, "R4"), Outcome::Reduce { .. })
    };
    assert!(is_reduced().await, "one of them is there and idle");
    let less = accept_reduction(&wang, &draft.number, draft.version).await.unwrap();
    assert_eq!(less.lines[0].count, 1);
    assert_eq!(less.declared.takes_up, ["FP-1".parse().unwrap()].into());
    assert!(!is_reduced().await);

    let sheet = "资源类型,类别,服务形态,资源池,规格,数量,用途,到期日,分配单号\n\
                 云主机,,共享云,信创池,vcpu=4 memory_gib=8,2,生产,,\n";
    let again = fill_from_sheet(&wang, (&draft.number, less.version), ("明细.csv", sheet.as_bytes()))
        .await
        .unwrap();
    assert_eq!((again.lines[0].count, again.declared.takes_up.len()), (2, 0));
    assert_eq!(again.declared.classified, Some(false), "that is about the system");
    assert!(is_reduced().await);
}

pub async fn own_purchases_stay_with_their_lines(store: TestStore) {
    let town = Town::new(store).await;
    let wang = town.by("wang");
    stands_idle(&town).await;
    let mut both = server("S1", PoolKind::Xinchuang);
    both.lines.push(both.lines[0].clone());
    both.declared.own_purchases = BTreeMap::from([(2, "图形工作站".to_owned())]);
    let draft = town.draft("wang", both).await;
    // The first is there already; nothing is left of its line.
    let less = accept_reduction(&wang, &draft.number, draft.version).await.unwrap();
    assert_eq!((less.lines.len(), less.lines[0].line), (1, 1));
    assert_eq!(
        less.declared.own_purchases,
        BTreeMap::from([(1, "图形工作站".to_owned())])
    );
    let sheet = "资源类型,服务形态,资源池,规格,数量,用途\n云主机,共享云,信创池,vcpu=4 memory_gib=8,1,生产\n";
    let other = fill_from_sheet(&wang, (&draft.number, less.version), ("明细.csv", sheet.as_bytes()))
        .await
        .unwrap();
    assert!(other.declared.own_purchases.is_empty(), "they were about other lines");
}
