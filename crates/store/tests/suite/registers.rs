//! Registers, price books and allocations come back as they were stored.

use super::{at, commit, organisation, period, version};
use domain::catalogue::{
    Commitment, Contract, MeteringBasis, OutageRounding, PriceBook, PriceLine, PriceModel, PriceScope, Proration,
    ServiceForm, ServiceItem, ServiceLayer, SlaTerms, SlaTier, Tier, TierScope,
};
use domain::meter::Allocation;
use domain::registry::{
    CloudNode, DataGrade, History, InformationSystem, Measure, NetworkZone, NodeSource, Organisation, Platform,
    PoolKind, ProjectMapping, Registered, ResourceKind, ResourcePool, Side, Spec, SystemOrigin, SystemStatus, Version,
};
use kernel::{Instant, Period};
use store::{Store, StoreError};
use test_support::TestStore;

async fn round_trip<T: Registered>(store: &Store, versions: Vec<Version<T>>) {
    super::register(store, &versions).await;
    let history: History<T> = store.read().await.unwrap().history().await.unwrap();
    let read: Vec<_> = history.iter().flat_map(|(_, versions)| versions.to_vec()).collect();
    assert_eq!(read, versions, "{}", T::REGISTER);
}

pub async fn histories_round_trip(store: TestStore) {
    let merged = Organisation {
        parent: Some("A1".parse().unwrap()),
        merged_into: Some("D2".parse().unwrap()),
        side: Side::Supervisor,
        ..organisation("D1", "甲局「旧」'\"\\ 𠮷")
    };
    round_trip(
        &store,
        vec![
            version("2026-01-01", organisation("D1", "甲局")),
            version("2026-03-10", merged),
        ],
    )
    .await;
    let system = InformationSystem {
        code: "S1".parse().unwrap(),
        name: "系统".into(),
        organisation: "D1".parse().unwrap(),
        mlps_level: Some(3),
        zone: NetworkZone::Extranet,
        data_grade: Some(DataGrade::Core),
        status: SystemStatus::Running,
        origin: SystemOrigin::New,
    };
    let ungraded = InformationSystem {
        mlps_level: None,
        data_grade: None,
        ..system.clone()
    };
    round_trip(
        &store,
        vec![version("2026-01-01", system), version("2026-02-01", ungraded)],
    )
    .await;
    let node = |source| CloudNode {
        code: "N1".parse().unwrap(),
        name: "节点".into(),
        provider: "P1".parse().unwrap(),
        source,
        platform: Platform::default(),
    };
    let files = node(NodeSource::Files { folder: "a/b".into() });
    let cloud = node(NodeSource::OpenStack {
        auth_url: "http://h:5000/v3".into(),
        region: None,
        account: "x".into(),
        operator: None,
    });
    let operated = node(NodeSource::OpenStack {
        auth_url: "http://h:5000/v3".into(),
        region: None,
        account: "x".into(),
        operator: Some("y".into()),
    });
    let filed = CloudNode {
        platform: Platform {
            mlps_level: Some(3),
            filing: Some("备案 5301".into()),
            operated_in_china: Some(true),
            data_in_china: Some(false),
        },
        ..operated.clone()
    };
    let versions = vec![
        version("2026-01-01", files),
        version("2026-02-01", cloud),
        version("2026-03-01", operated),
        version("2026-04-01", filed),
    ];
    round_trip(&store, versions).await;
    let pool = ResourcePool {
        code: "N1-X86".parse().unwrap(),
        name: "池".into(),
        node: "N1".parse().unwrap(),
        kind: PoolKind::X86,
        zones: vec!["az1".into(), "az2".into()],
        separate: Some(true),
    };
    round_trip(&store, vec![version("2026-01-01", pool)]).await;
    let mapping = |system: Option<&str>| ProjectMapping {
        node: "N1".parse().unwrap(),
        project: "项目 1".into(),
        system: system.map(|s| s.parse().unwrap()),
    };
    round_trip(
        &store,
        vec![
            version("2026-01-01", mapping(Some("S1"))),
            version("2026-02-01", mapping(None)),
        ],
    )
    .await;
    let item = ServiceItem {
        code: "ECS".parse().unwrap(),
        name: "云主机".into(),
        layer: ServiceLayer::Infrastructure,
        form: ServiceForm::SharedCloud,
        kind: ResourceKind::Server,
        measure: Measure::Vcpu,
        unit: "核".into(),
        basis: MeteringBasis::Lesser,
        class: Some("通用型".into()),
        pool: Some(PoolKind::Xinchuang),
        zone: Some(NetworkZone::Internet),
        tenancy: Some(ServiceForm::DedicatedCloud),
    };
    round_trip(&store, vec![version("2026-01-01", item)]).await;
    round_trip(&store, vec![version("2026-01-01", contract())]).await;
    let registry = store.read().await.unwrap().registry().await.unwrap();
    assert_eq!(
        (
            registry.organisations.len(),
            registry.systems.len(),
            registry.nodes.len()
        ),
        (1, 1, 1)
    );
    assert_eq!((registry.pools.len(), registry.mappings.len()), (1, 1));
}

fn contract() -> Contract {
    let tier = |below: &str, deduct: &str| SlaTier {
        below: below.parse().unwrap(),
        deduct: deduct.parse().unwrap(),
    };
    Contract {
        code: "HT-1".parse().unwrap(),
        title: "合同".into(),
        provider: "P1".parse().unwrap(),
        round: "2025".into(),
        lot: "一".into(),
        starts: "2026-01-01".parse().unwrap(),
        ends: "2029-01-01".parse().unwrap(),
        ceiling: Some("90000000.01".parse().unwrap()),
        proration: Proration::FullMonthAfter(15),
        tolerance: "0.05".parse().unwrap(),
        sla: Some(SlaTerms {
            counted_from_s: 300,
            rounding: OutageRounding::UpToMinute,
            tiers: vec![tier("0.999", "0.1"), tier("0.95", "1")],
            cap: "1".parse().unwrap(),
        }),
        commitments: vec![Commitment {
            items: vec!["ECS".parse().unwrap()],
            minimum: "500".parse().unwrap(),
            payer: "A1".parse().unwrap(),
        }],
        source: "附件二".into(),
    }
}

pub async fn price_books_round_trip(store: TestStore) {
    let price = |text: &str| text.parse().unwrap();
    let tiers = || {
        vec![
            Tier {
                up_to: Some("5".parse().unwrap()),
                price: price("20"),
            },
            Tier {
                up_to: None,
                price: price("0.000001"),
            },
        ]
    };
    let models = [
        PriceModel::Flat {
            price: price("46.123456"),
        },
        PriceModel::Graduated {
            tiers: tiers(),
            scope: TierScope::Resource,
        },
        PriceModel::Volume {
            tiers: tiers(),
            scope: TierScope::Organisation,
        },
        PriceModel::Package {
            price: price("100"),
            included: "10".parse().unwrap(),
            beyond: price("3"),
        },
        PriceModel::OneOff { price: price("9200") },
    ];
    let lines: Vec<_> = models
        .into_iter()
        .enumerate()
        .map(|(n, model)| PriceLine {
            item: format!("I{n}").parse().unwrap(),
            scope: PriceScope {
                node: Some("N1".parse().unwrap()),
                pool: Some(PoolKind::X86),
            },
            model,
            discount: "0.825".parse().unwrap(),
            ceiling: Some(price("9200")),
            cap: Some("6000".parse().unwrap()),
            clause: "第一条".into(),
        })
        .collect();
    let book = |contract: &str, version| PriceBook {
        contract: contract.parse().unwrap(),
        version,
        effective_from: "2026-03-15".parse().unwrap(),
        source: "通知".into(),
        approver: "某人".into(),
        lines: lines.clone(),
    };
    let mut work = store.begin().await.unwrap();
    for (contract, version) in [("b", 1), ("B", 2), ("B", 1), ("a", 10), ("a", 9)] {
        work.add_price_book(&book(contract, version), at("2026-03-01"), None)
            .await
            .unwrap();
    }
    commit(work).await;
    let read = store.read().await.unwrap().price_books().await.unwrap();
    assert_eq!(
        read,
        [book("B", 1), book("B", 2), book("a", 9), book("a", 10), book("b", 1)]
    );
    // A version is never replaced.
    let mut work = store.begin().await.unwrap();
    let again = work.add_price_book(&book("B", 1), at("2026-03-02"), None).await;
    assert!(matches!(again, Err(StoreError::Conflict(what)) if what == "B/v1"));
}

fn allocation(code: &str, from: &str, to: Option<&str>) -> Allocation {
    Allocation {
        code: code.parse().unwrap(),
        system: "S1".parse().unwrap(),
        form: ServiceForm::SharedCloud,
        kind: ResourceKind::Volume,
        class: "高性能型".into(),
        spec: Spec::new().with(Measure::StorageGib, "0.000001".parse().unwrap()),
        node: "N1".parse().unwrap(),
        pool: Some("N1-X86".parse().unwrap()),
        native_id: Some("v-1".into()),
        contract: Some("HT-1".parse().unwrap()),
        parent: Some("A0".parse().unwrap()),
        period: Period::open(at(from), to.map(at)).unwrap(),
    }
}

pub async fn allocations_round_trip(store: TestStore) {
    let bare = Allocation {
        pool: None,
        native_id: None,
        contract: None,
        parent: None,
        ..allocation("a2", "2026-02-01", None)
    };
    let all = [
        allocation("A1", "2026-01-01", Some("2026-03-01")),
        allocation("A1", "2026-03-01", None),
        allocation("B1", "2026-01-01", Some("2026-02-01")),
        bare,
    ];
    let mut work = store.begin().await.unwrap();
    let backwards: Vec<_> = all.iter().rev().cloned().collect();
    work.add_allocations(&backwards, None).await.unwrap();
    commit(work).await;
    let mut read = store.read().await.unwrap();
    assert_eq!(read.allocations().await.unwrap(), all);
    // Half open: what ends as the month begins, or begins as it ends, is not in it.
    let february = read
        .allocations_within(period("2026-02-01", "2026-03-01"))
        .await
        .unwrap();
    assert_eq!(february, [all[0].clone(), all[3].clone()]);
    drop(read);

    let mut work = store.begin().await.unwrap();
    work.end_allocation(&all[1], at("2026-04-01")).await.unwrap();
    let again = work.end_allocation(&all[1], at("2026-05-01")).await;
    assert!(
        matches!(again, Err(StoreError::Conflict(_))),
        "an end is not put off like this"
    );
    work.end_allocation(&all[2], at("2026-01-20")).await.unwrap();
    commit(work).await;
    let read = store.read().await.unwrap().allocations().await.unwrap();
    let ends = [read[1].period.to(), read[2].period.to()];
    assert_eq!(
        ends,
        [at("2026-04-01"), at("2026-01-20")],
        "one that was approved up to later ends before"
    );
    // The same interval twice, and one that ends before it begins, are refused by the tables themselves.
    let mut work = store.begin().await.unwrap();
    assert!(work.add_allocations(&all[..1], None).await.is_err());
    drop(work);
    let mut work = store.begin().await.unwrap();
    let sql = "UPDATE allocation SET to_s = from_s WHERE code = $1";
    assert!(work.execute(sql, &["B1".into()]).await.is_err());
    drop(work);
    assert_eq!(store.read().await.unwrap().allocations().await.unwrap(), read);
    assert_eq!(read[0].period.from(), Instant::from_unix_s(1_767_196_800));
}
