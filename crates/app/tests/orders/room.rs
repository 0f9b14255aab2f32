//! Where resources may be opened, and what is held for them: the pool that was asked for, the price that was offered, the
//! ceiling of the contract.

use crate::SQ;
use crate::ways::in_use;
use crate::world::{World, at};
use app::import::ImportKind;
use app::nodes::{NewNode, NewPool, add};
use app::orders::{BuiltIn, choose_provider, make_offer, run_order};
use domain::registry::{NodeSource, Platform, PoolKind};
use domain::request::{RequestKind, RequestLine, RequestStatus};
use kernel::{ErrorKind, Kinded};
use test_support::TestStore;

test_support::on_both_stores!(
    a_line_without_a_pool_is_opened_in_the_xinchuang_pool,
    a_choice_holds_what_was_offered,
    an_ended_contract_is_not_chosen,
    a_change_stays_below_the_ceiling,
);

async fn a_line_without_a_pool_is_opened_in_the_xinchuang_pool(store: TestStore) {
    let world = World::new(store).await;
    let node = NewNode {
        code: "N4".parse().unwrap(),
        name: "N4".into(),
        provider: "P1".parse().unwrap(),
        source: NodeSource::Files { folder: "N4".into() },
        platform: Platform::default(),
        pools: vec![NewPool {
            code: "N4-Y".parse().unwrap(),
            name: "X86".into(),
            kind: PoolKind::X86,
            zones: Vec::new(),
            separate: None,
        }],
        valid_from: at("2026-01-01"),
    };
    assert!(add(&world.ctx, node).await.unwrap().new);
    let bare = RequestLine {
        pool: None,
        ..World::line(None)
    };
    world
        .store_request(SQ, RequestKind::New, RequestStatus::Approved, vec![bare])
        .await;
    for pool in [Some("N4-Y".parse().unwrap()), None] {
        let mut offer = World::offer("P1", "N4", "HT-1", "30", None);
        offer.pool = pool;
        let refused = make_offer(&world.head(), (SQ, None), offer).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
        let expected =
            "报价有误：第 1 行：申请没有写明资源池，只能选择信创池；需要其他资源池的，请使用单位在申请中写明";
        assert_eq!(refused.to_string(), expected);
    }
    let order = world.ordered(SQ, "N1", false).await;
    run_order(&world.ctx, &order.number, &BuiltIn).await.unwrap();
    world.confirmed(SQ, "2026-10-12 00:00:00").await;
    let opened = world.allocations(&format!("{SQ}-1-1")).await;
    assert_eq!(
        opened[0].pool,
        Some("N1-X".parse().unwrap()),
        "it is on record where it is"
    );
}

async fn a_choice_holds_what_was_offered(store: TestStore) {
    let world = World::new(store).await;
    world.hire().await;
    let request = world.decided(RequestKind::New, vec![World::line(None)]).await;
    // The dearest is 4 x 40.00; October, November and December are 480.00 of the budget. And 4 vCPU of the quota.
    assert_eq!(world.amounts(&request.number).await, [48_000, 4_000_000]);
    world.ordered(&request.number, "N1", false).await;
    // 4 x 30.00 were offered: 360.00 of the budget, and of the contract, which ends with the year.
    assert_eq!(world.amounts(&request.number).await, [36_000, 36_000, 4_000_000]);
}

async fn an_ended_contract_is_not_chosen(store: TestStore) {
    let world = World::new(store).await;
    world.approved(SQ, 1, 0).await;
    world.offered(SQ, "N2", false).await;
    world.on("2027-01-02 09:00:00");
    let provider = "P1".parse().unwrap();
    let late = choose_provider(&world.operations(), (SQ, None), &provider, "")
        .await
        .unwrap_err();
    assert_eq!(late.kind(), ErrorKind::FailedPrecondition, "{late}");
    assert_eq!(
        late.to_string(),
        "不能选定该云服务商：合同 HT-1 不在服务期内，请按有效的合同重新报价"
    );
}

/// The contract says itself what it may cost, from a day on.
async fn ceiling(world: &World, yuan: &str, since: &str) {
    let text = format!(
        "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,合同上限（元）,折算方式,对账容差（元）,\
         计入停机最短秒数,停机取整,可用性扣减阶梯,扣减封顶比例,依据,生效日期\n\
         HT-1,合同一,P1,一期,一,2026-01-01,2027-01-01,{yuan},按秒,0,300,按秒,0.999:0.10,1,第八条,{since}\n"
    );
    world.import(ImportKind::Contracts, &text).await;
}

async fn a_change_stays_below_the_ceiling(store: TestStore) {
    // 4 x 30.00 for three months, 360.00 of the contract, are in use.
    let world = in_use(store, None).await;
    ceiling(&world, "400", "2026-10-12").await;
    world.on("2026-10-19 09:00:00");
    let larger = RequestLine {
        spec: "vcpu=8".parse().unwrap(),
        ..World::line(Some("SQ-202610-9001-1-1"))
    };
    // Four more at 31.00, for October, November and December.
    let refused = world.handed_in(RequestKind::Change, vec![larger.clone()]).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::FailedPrecondition, "{refused}");
    assert_eq!(
        refused.to_string(),
        "合同 HT-1 的金额上限不足：本次需要 372.00 元，剩余 40.00 元；请调减申请，或先申请调整额度"
    );
    ceiling(&world, "732", "2026-10-18").await;
    let change = world.decided(RequestKind::Change, vec![larger]).await;
    // Budget, ceiling, and four more of the quota.
    assert_eq!(world.amounts(&change.number).await, [37_200, 37_200, 4_000_000]);
}
