//! A table of charge lines to test exports with: a core in use, work, a commitment, a correction.

use domain::catalogue::{MeteringBasis, PriceLine, PriceModel, PriceScope, ServiceForm, ServiceItem, ServiceLayer};
use domain::rate::{ChargeKind, ChargeMethod, ChargeRow, ChargeTable};
use domain::registry::{Measure, ResourceKind};
use kernel::{Factor, Instant, Money, Ratio};

/// March 2026: 4 cores at 46 x 0.85 for 10 of 31 days, 12.5 person days at 1,200, a shortfall, a credit for February.
pub(crate) fn table() -> ChargeTable {
    let mut table = ChargeTable::default();
    let mut name = |text: &str| table.names.intern(text);
    let empty = name("");
    let at = |text: &str| text.parse::<Instant>().unwrap();
    let usage = ChargeRow {
        kind: ChargeKind::Usage,
        method: ChargeMethod::Direct,
        resource: name("N1/vm-1"),
        allocation: name("A-1"),
        system: name("S1"),
        organisation: name("D1"),
        provider: name("P1"),
        contract: name("HT-1"),
        node: name("N1"),
        pool: name("N1-X86"),
        item: name("ECS-CPU"),
        price: name("HT-1/v2#附件二第1条"),
        cause: empty,
        month: "2026-03".parse().unwrap(),
        quantity: "4".parse().unwrap(),
        from: at("2026-03-01"),
        to: at("2026-03-11"),
        part: Ratio::new(10, 31).unwrap(),
        factor: "0.85".parse().unwrap(),
        list: Money::from_fen(5_935),
        amount: Money::from_fen(5_045),
    };
    let work = ChargeRow {
        kind: ChargeKind::OneOff,
        resource: name("A-2"),
        allocation: name("A-2"),
        node: empty,
        pool: empty,
        item: name("MIG"),
        price: name("HT-1/v2#附件二第9条"),
        quantity: "12.5".parse().unwrap(),
        part: Ratio::ONE,
        factor: Factor::ONE,
        list: Money::from_fen(1_500_000),
        amount: Money::from_fen(1_500_000),
        ..usage
    };
    let commitment = ChargeRow {
        kind: ChargeKind::Commitment,
        method: ChargeMethod::Shortfall,
        resource: name("HT-1:commitment1"),
        allocation: empty,
        system: empty,
        item: empty,
        price: name("HT-1#commitment1"),
        quantity: "1".parse().unwrap(),
        list: Money::from_fen(700),
        amount: Money::from_fen(700),
        ..work
    };
    let correction = ChargeRow {
        kind: ChargeKind::Correction,
        method: ChargeMethod::Difference,
        cause: name("补报释放"),
        month: "2026-02".parse().unwrap(),
        from: at("2026-02-01"),
        to: at("2026-03-01"),
        part: Ratio::ONE,
        list: Money::from_fen(-1_200),
        amount: Money::from_fen(-1_020),
        ..usage
    };
    table.rows = vec![usage, work, commitment, correction];
    table
}

/// Cores of a server.
pub(crate) fn cores() -> ServiceItem {
    ServiceItem {
        code: "ECS-CPU".parse().unwrap(),
        name: "通用型云主机处理器".to_owned(),
        layer: ServiceLayer::Infrastructure,
        form: ServiceForm::SharedCloud,
        kind: ResourceKind::Server,
        measure: Measure::Vcpu,
        unit: "核".to_owned(),
        basis: MeteringBasis::Lesser,
        class: None,
        pool: None,
        zone: None,
        tenancy: None,
    }
}

/// Person days of migration.
pub(crate) fn migration() -> ServiceItem {
    ServiceItem {
        code: "MIG".parse().unwrap(),
        name: "系统迁移".to_owned(),
        form: ServiceForm::Migration,
        kind: ResourceKind::Work,
        measure: Measure::PersonDay,
        unit: "人天".to_owned(),
        basis: MeteringBasis::Declared,
        ..cores()
    }
}

/// A price of an item.
pub(crate) fn price(item: &str, model: PriceModel, discount: &str) -> PriceLine {
    PriceLine {
        item: item.parse().unwrap(),
        scope: PriceScope::default(),
        model,
        discount: discount.parse().unwrap(),
        ceiling: None,
        cap: None,
        clause: "附件二第1条".to_owned(),
    }
}
