//! A town of two departments and one provider, with contract HT-1 (by day).
//!
//! February 2026: 10 accounts at 15 x 0.9 for D1 = 135.00, and the rest to a minimum of 500.00 for the bureau. After the
//! month was closed it turned out that the accounts were released on the 20th: 135.00 x 19/28 = 91.607.. = 91.61, so
//! March corrects -43.39.
//!
//! March, D1: 20 accounts for the month = 270.00, 8 from the 11th: 8 x 13.5 x 21/31 = 73.161.. = 73.16, 12.5 person
//! days at 1,200 = 15,000.00; together 15,343.16. D2: a line of 100 Mbps at 25 = 2,500.00, a disk of 300 GB, the first
//! 100 at 0.5, the others at 0.3 = 110.00; together 2,610.00. The bureau: 500.00 again. An hour of outage of the line:
//! 1 - 3,600 / 2,678,400 = 0.998656, below 0.999, a tenth of its fee = 250.00. The bill: the 8 accounts for the whole
//! month (108.00, so +34.84), the line at 24 (-100.00), 5 accounts that nobody has (+67.50), no minimum (-500.00).

use app::OpContext;
use app::month::{RerateOutcome, close_month, meter, rate, reconcile_month, rerate};
use domain::catalogue::{
    Commitment, Contract, MeteringBasis, OutageRounding, PriceBook, PriceLine, PriceModel, PriceScope, Proration,
    ServiceForm, ServiceItem, ServiceLayer, SlaTerms, SlaTier, Tier, TierScope,
};
use domain::meter::Allocation;
use domain::reconcile::{BillLine, ProviderBill};
use domain::registry::{
    CloudNode, InformationSystem, Measure, NetworkZone, NodeSource, Organisation, Registered, ResourceKind, Side, Spec,
    SystemOrigin, SystemStatus, Version,
};
use domain::settle::Outage;
use kernel::{Digest, Factor, Instant, Money, Month, Period, Quantity};
use lake::{Dataset, LakeName};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{BillRecord, LakeFileRecord, Store, UnitOfWork};
use tempfile::TempDir;

pub struct Town {
    pub ctx: OpContext,
    pub folder: TempDir,
    pub rerated: RerateOutcome,
    clock: Arc<AtomicI64>,
}

pub fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn read<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

impl Town {
    /// February closed, rated again, and March closed with its correction.
    pub async fn closed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}", folder.path().join("town.db").display()))
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let clock = Arc::new(AtomicI64::new(at("2026-03-02 10:00:00").unix_s()));
        let now = Arc::clone(&clock);
        let mut dice = 0_u8;
        let entropy = Box::new(move || {
            dice = dice.wrapping_add(1);
            [dice; 10]
        });
        let time = Arc::new(move || Instant::from_unix_s(now.load(Ordering::SeqCst)));
        let ctx = OpContext::new("关账员", store, folder.path(), time, entropy).unwrap();
        let mut work = ctx.store().begin().await.unwrap();
        register(&mut work).await;
        opened(&ctx, &mut work).await;
        commit(&ctx, work).await;
        run(&ctx, "2026-02").await;

        clock.store(at("2026-04-02 10:00:00").unix_s(), Ordering::SeqCst);
        let mut work = ctx.store().begin().await.unwrap();
        let released = work.allocations_of("A-1").await.unwrap().remove(0);
        work.end_allocation(&released, at("2026-02-20")).await.unwrap();
        commit(&ctx, work).await;
        let rerated = rerate(&ctx, month("2026-02"), "补报释放", true).await.unwrap();
        bill(&ctx).await;
        run(&ctx, "2026-03").await;
        Self {
            ctx,
            folder,
            rerated,
            clock,
        }
    }

    /// It turns out that the accounts of A-2 were released on 20 March.
    pub async fn learns_of_a_release(&self) {
        let mut work = self.ctx.store().begin().await.unwrap();
        let released = work.allocations_of("A-2").await.unwrap().remove(0);
        work.end_allocation(&released, at("2026-03-20")).await.unwrap();
        commit(&self.ctx, work).await;
    }

    /// A day passes.
    pub fn later(&self) {
        self.clock.fetch_add(86_400, Ordering::SeqCst);
    }
}

async fn commit(ctx: &OpContext, mut work: UnitOfWork) {
    work.audit(ctx.now(), ("关账员", "test", "town"), "{}".into())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

async fn run(ctx: &OpContext, text: &str) {
    meter(ctx, month(text)).await.unwrap();
    rate(ctx, month(text)).await.unwrap();
    reconcile_month(ctx, month(text)).await.unwrap();
    close_month(ctx, month(text)).await.unwrap();
}

async fn put<T: Registered>(work: &mut UnitOfWork, since: &str, bodies: Vec<T>) {
    let versions: Vec<Version<T>> = bodies
        .into_iter()
        .map(|body| Version {
            valid_from: at(since),
            body,
        })
        .collect();
    work.add_versions(&versions, None).await.unwrap();
}

async fn register(work: &mut UnitOfWork) {
    let organisation = |code: &str, name: &str, side| Organisation {
        code: read(code),
        name: name.into(),
        side,
        parent: None,
        merged_into: None,
        municipal: None,
    };
    let organisations = vec![
        organisation("A1", "数据局", Side::Authority),
        organisation("D1", "民政局", Side::Unit),
        organisation("D2", "水务局", Side::Unit),
        organisation("P1", "甲云公司", Side::Provider),
        organisation("J1", "监理公司", Side::Supervisor),
    ];
    put(work, "2026-01-01", organisations).await;
    put(work, "2026-04-01", vec![organisation("D1", "民政和社会局", Side::Unit)]).await;
    let system = |code: &str, name: &str, organisation: &str| InformationSystem {
        code: read(code),
        name: name.into(),
        organisation: read(organisation),
        mlps_level: None,
        zone: NetworkZone::Extranet,
        data_grade: None,
        status: SystemStatus::Running,
        origin: SystemOrigin::New,
    };
    put(
        work,
        "2026-01-01",
        vec![system("S1", "婚姻登记系统", "D1"), system("S2", "水情监测系统", "D2")],
    )
    .await;
    let source = NodeSource::Files { folder: "N1".into() };
    put(
        work,
        "2026-01-01",
        vec![CloudNode {
            code: read("N1"),
            name: "城东节点".into(),
            provider: read("P1"),
            source,
            platform: domain::registry::Platform::default(),
        }],
    )
    .await;
    put(work, "2026-01-01", items()).await;
    put(work, "2026-01-01", vec![contract()]).await;
    work.add_price_book(&book(), at("2026-01-01"), None).await.unwrap();
}

fn items() -> Vec<ServiceItem> {
    use {Measure as M, MeteringBasis as B, ResourceKind as K, ServiceForm as F};
    let item = |code: &str, name: &str, form, (kind, measure, unit): (K, M, &str), basis| ServiceItem {
        code: read(code),
        name: name.into(),
        layer: ServiceLayer::Infrastructure,
        form,
        kind,
        measure,
        unit: unit.into(),
        basis,
        class: None,
        pool: None,
        zone: None,
        tenancy: None,
    };
    vec![
        item(
            "VPN",
            "远程接入账号",
            F::Security,
            (K::Security, M::Count, "账号"),
            B::Allocated,
        ),
        item(
            "LINE",
            "行业专线",
            F::IndustryLine,
            (K::Line, M::BandwidthMbps, "Mbps"),
            B::Allocated,
        ),
        item(
            "DISK",
            "云硬盘",
            F::SharedCloud,
            (K::Volume, M::StorageGib, "GB"),
            B::Allocated,
        ),
        item(
            "CAB",
            "机柜托管",
            F::CabinetHosting,
            (K::Cabinet, M::RackUnit, "U"),
            B::Declared,
        ),
        item(
            "MIG",
            "系统迁移",
            F::Migration,
            (K::Work, M::PersonDay, "人天"),
            B::Declared,
        ),
    ]
}

fn contract() -> Contract {
    Contract {
        code: read("HT-1"),
        title: "政务云服务合同".into(),
        provider: read("P1"),
        round: "一期".into(),
        lot: "第一包".into(),
        starts: read("2026-01-01"),
        ends: read("2027-01-01"),
        ceiling: None,
        proration: Proration::ByDay,
        tolerance: Money::ZERO,
        sla: Some(SlaTerms {
            counted_from_s: 300,
            rounding: OutageRounding::Exact,
            tiers: vec![SlaTier {
                below: read("0.999"),
                deduct: read("0.1"),
            }],
            cap: Factor::ONE,
        }),
        commitments: vec![Commitment {
            items: vec![read("CAB")],
            minimum: Money::from_fen(50_000),
            payer: read("A1"),
        }],
        source: "合同正本".into(),
    }
}

fn book() -> PriceBook {
    let line = |item: &str, model, discount: &str| PriceLine {
        item: read(item),
        scope: PriceScope::default(),
        model,
        discount: read(discount),
        ceiling: None,
        cap: None,
        clause: "附件二".into(),
    };
    let flat = |price: &str| PriceModel::Flat { price: read(price) };
    let tiers = vec![
        Tier {
            up_to: Some(read("100")),
            price: read("0.5"),
        },
        Tier {
            up_to: None,
            price: read("0.3"),
        },
    ];
    PriceBook {
        contract: read("HT-1"),
        version: 1,
        effective_from: read("2026-01-01"),
        source: "中标价".into(),
        approver: "数据局".into(),
        lines: vec![
            line("VPN", flat("15"), "0.9"),
            line("LINE", flat("25"), "1"),
            line(
                "DISK",
                PriceModel::Graduated {
                    tiers,
                    scope: TierScope::System,
                },
                "1",
            ),
            line("CAB", flat("120"), "1"),
            line("MIG", PriceModel::OneOff { price: read("1200") }, "1"),
        ],
    }
}

/// What was approved and opened, and the outage.
async fn opened(ctx: &OpContext, work: &mut UnitOfWork) {
    use {Measure as M, ResourceKind as K, ServiceForm as F};
    let allocation = |code: &str,
                      system: &str,
                      (form, kind): (F, K),
                      (measure, quantity): (M, &str),
                      (from, to): (&str, Option<&str>)| {
        Allocation {
            code: read(code),
            system: read(system),
            form,
            kind,
            class: String::new(),
            spec: Spec::new().with(measure, read(quantity)),
            node: read("N1"),
            pool: None,
            native_id: None,
            contract: None,
            parent: None,
            period: Period::open(at(from), to.map(at)).unwrap(),
        }
    };
    let account = (F::Security, K::Security);
    let allocations = [
        allocation("A-1", "S1", account, (M::Count, "10"), ("2026-02-01", None)),
        allocation("A-2", "S1", account, (M::Count, "20"), ("2026-03-01", None)),
        allocation("A-3", "S1", account, (M::Count, "8"), ("2026-03-11", None)),
        allocation(
            "A-4",
            "S2",
            (F::IndustryLine, K::Line),
            (M::BandwidthMbps, "100"),
            ("2026-03-01", None),
        ),
        allocation(
            "A-5",
            "S1",
            (F::Migration, K::Work),
            (M::PersonDay, "12.5"),
            ("2026-03-05", Some("2026-03-06")),
        ),
        allocation(
            "A-6",
            "S2",
            (F::SharedCloud, K::Volume),
            (M::StorageGib, "300"),
            ("2026-03-01", None),
        ),
    ];
    work.add_allocations(&allocations, None).await.unwrap();
    let outage = Outage {
        resource: "A-4".into(),
        from: at("2026-03-05 10:00:00"),
        to: at("2026-03-05 11:00:00"),
        excluded: None,
        source: "监理记录".into(),
    };
    work.add_outages(&[outage], ctx.new_id()).await.unwrap();
}

/// The provider's bill of March.
async fn bill(ctx: &OpContext) {
    let march = month("2026-03").period();
    let line = |line, resource: &str, item: &str, organisation: &str, quantity: &str, price: &str, fen| BillLine {
        line,
        resource: resource.into(),
        item: read(item),
        organisation: read(organisation),
        period: march,
        quantity: read::<Quantity>(quantity),
        unit_price: read(price),
        amount: Money::from_fen(fen),
    };
    let work_day = Period::new(at("2026-03-05"), at("2026-03-06")).unwrap();
    let bill = ProviderBill {
        provider: read("P1"),
        month: month("2026-03"),
        version: 1,
        lines: vec![
            line(1, "A-2", "VPN", "D1", "20", "13.5", 27_000),
            line(2, "A-3", "VPN", "D1", "8", "13.5", 10_800),
            line(3, "A-4", "LINE", "D2", "100", "24", 240_000),
            line(4, "A-6", "DISK", "D2", "300", "0.366667", 11_000),
            BillLine {
                period: work_day,
                ..line(5, "A-5", "MIG", "D1", "12.5", "1200", 1_500_000)
            },
            line(6, "A-9", "VPN", "D2", "5", "13.5", 6_750),
        ],
    };
    let file = ctx
        .lake()
        .write_bill(&LakeName::new(bill.month, "P1-v1").unwrap(), &bill)
        .unwrap();
    let record = BillRecord {
        provider: read("P1"),
        month: bill.month,
        version: 1,
        digest: Digest::of(b"bill"),
        lines: 6,
        total: bill.total().unwrap(),
        path: file.path.clone(),
        received_at: ctx.now(),
    };
    let mut work = ctx.store().begin().await.unwrap();
    let published = LakeFileRecord {
        path: file.path,
        dataset: Dataset::Bills.word().into(),
        month: bill.month,
        part: "P1-v1".into(),
        rows: 6,
        bytes: i64::try_from(file.bytes).unwrap(),
        digest: file.digest,
    };
    work.publish(&published).await.unwrap();
    work.add_bill(&record).await.unwrap();
    commit(ctx, work).await;
}
