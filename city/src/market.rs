//! What the demo's providers sell, and at what price.
//!
//! Unit prices marked [`Basis::Listed`] are figures of a public price list (ctyun-list-2026 in docs/sources.md) and no contract;
//! the others are invented for the demo, because no public figure was found. Both are said in the files.

use domain::catalogue::MeteringBasis::{Allocated, Declared, Lesser, MeasuredMean, MeasuredP95};
use domain::catalogue::ServiceForm::{self as Form, DedicatedCloud, SharedCloud};
use domain::catalogue::ServiceLayer::{self as Layer, Application, Infrastructure, Platform};
use domain::catalogue::{MeteringBasis, TierScope};
use domain::registry::Measure::{self, BandwidthMbps, Count, MemoryGib, PersonDay, RackUnit, StorageGib, Vcpu};
use domain::registry::PoolKind::{self, X86, Xinchuang};
use domain::registry::ResourceKind::{self as Kind, Bandwidth, Server, Volume};

/// Where a unit price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    Listed,
    Invented,
}

impl Basis {
    /// The words of a clause.
    pub(crate) const fn zh(self) -> &'static str {
        match self {
            Self::Listed => "公开目录价，非合同价（演示）",
            Self::Invented => "演示示例价，无公开价可引",
        }
    }
}

/// How a price is reckoned. Prices and quantities are decimal texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Flat(&'static str),
    Graduated(&'static [(&'static str, &'static str)]),
    Volume(&'static [(&'static str, &'static str)], TierScope),
    Package {
        price: &'static str,
        included: &'static str,
        beyond: &'static str,
    },
    OneOff(&'static str),
}

/// One item of the catalogue with its price before discount.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) layer: Layer,
    pub(crate) form: Form,
    pub(crate) kind: Kind,
    pub(crate) class: &'static str,
    pub(crate) measure: Measure,
    pub(crate) unit: &'static str,
    pub(crate) basis: MeteringBasis,
    pub(crate) pool: Option<PoolKind>,
    pub(crate) tenancy: Option<Form>,
    pub(crate) model: Model,
    pub(crate) from: Basis,
}

pub(crate) const GENERAL: &str = "通用型";
pub(crate) const COMPUTE: &str = "计算型";
pub(crate) const VOLUME_ORDINARY: &str = "普通型";
pub(crate) const VOLUME_GENERAL: &str = "均衡型";
pub(crate) const VOLUME_FAST: &str = "高性能型";
pub(crate) const OBJECT_STANDARD: &str = "标准存储";
pub(crate) const OBJECT_INFREQUENT: &str = "低频存储";
pub(crate) const FIXED: &str = "固定带宽";
pub(crate) const P95: &str = "95计费";
pub(crate) const BALANCER_1: &str = "保障型I";
pub(crate) const BALANCER_2: &str = "保障型II";
pub(crate) const POSTGRES: &str = "PostgreSQL高可用4核16G";
pub(crate) const HOST_SECURITY: &str = "主机安全企业版";
pub(crate) const HOST_SECURITY_TOP: &str = "主机安全旗舰版";
pub(crate) const ANTI_TAMPER: &str = "网页防篡改";
pub(crate) const FIREWALL: &str = "云防火墙1G";
pub(crate) const WAF: &str = "Web应用防火墙3000QPS";
pub(crate) const BASTION: &str = "运维堡垒机";
pub(crate) const LOG_AUDIT: &str = "日志审计";
pub(crate) const REMOTE_ACCESS: &str = "远程接入账号";
pub(crate) const BACKUP_SERVER: &str = "云主机备份";
pub(crate) const BACKUP_DATABASE: &str = "数据库备份";
pub(crate) const MIGRATION: &str = "系统迁移";
pub(crate) const ADAPTATION: &str = "信创适配评估";
pub(crate) const BARE_METAL: &str = "双路裸金属";

const BANDWIDTH_TIERS: Model = Model::Graduated(&[("5", "20"), ("", "36")]);
const ORDINARY_TIERS: Model = Model::Volume(&[("2000", "0.3"), ("", "0.27")], TierScope::Resource);

#[expect(
    clippy::too_many_arguments,
    reason = "one row of a table; names are those of the fields"
)]
const fn item(
    code: &'static str,
    name: &'static str,
    (layer, form): (Layer, Form),
    (kind, class, measure, unit): (Kind, &'static str, Measure, &'static str),
    basis: MeteringBasis,
    pool: Option<PoolKind>,
    model: Model,
    from: Basis,
) -> Item {
    let tenancy = match form {
        DedicatedCloud => Some(DedicatedCloud),
        _ => None,
    };
    Item {
        code,
        name,
        layer,
        form,
        kind,
        class,
        measure,
        unit,
        basis,
        pool,
        tenancy,
        model,
        from,
    }
}

const SHARED: (Layer, Form) = (Infrastructure, SharedCloud);
const DEDICATED: (Layer, Form) = (Infrastructure, DedicatedCloud);
const GUARD: (Layer, Form) = (Platform, Form::Security);
const BACKUP: (Layer, Form) = (Platform, Form::DataBackup);
const LISTED: Basis = Basis::Listed;
const INVENTED: Basis = Basis::Invented;

/// The catalogue of the city: a table, one row an item.
#[rustfmt::skip]
pub(crate) static ITEMS: &[Item] = &[
    item("ECS-X86-CPU", "通用型云主机处理器（X86）", SHARED, (Server, GENERAL, Vcpu, "核"), Lesser, Some(X86), Model::Flat("46"), LISTED),
    item("ECS-X86-MEM", "通用型云主机内存（X86）", SHARED, (Server, GENERAL, MemoryGib, "GB"), Lesser, Some(X86), Model::Flat("17"), LISTED),
    item("ECS-X86C-CPU", "计算型云主机处理器（X86）", SHARED, (Server, COMPUTE, Vcpu, "核"), Lesser, Some(X86), Model::Flat("74"), LISTED),
    item("ECS-X86C-MEM", "计算型云主机内存（X86）", SHARED, (Server, COMPUTE, MemoryGib, "GB"), Lesser, Some(X86), Model::Flat("14"), LISTED),
    item("ECS-XC-CPU", "通用型云主机处理器（信创）", SHARED, (Server, GENERAL, Vcpu, "核"), Lesser, Some(Xinchuang), Model::Flat("52"), LISTED),
    item("ECS-XC-MEM", "通用型云主机内存（信创）", SHARED, (Server, GENERAL, MemoryGib, "GB"), Lesser, Some(Xinchuang), Model::Flat("15"), LISTED),
    item("ECS-XCC-CPU", "计算型云主机处理器（信创）", SHARED, (Server, COMPUTE, Vcpu, "核"), Lesser, Some(Xinchuang), Model::Flat("104"), LISTED),
    item("ECS-XCC-MEM", "计算型云主机内存（信创）", SHARED, (Server, COMPUTE, MemoryGib, "GB"), Lesser, Some(Xinchuang), Model::Flat("15"), LISTED),
    item("DED-X86-CPU", "专享云主机处理器（X86）", DEDICATED, (Server, GENERAL, Vcpu, "核"), Lesser, Some(X86), Model::Flat("58.43"), LISTED),
    item("DED-X86-MEM", "专享云主机内存（X86）", DEDICATED, (Server, GENERAL, MemoryGib, "GB"), Lesser, Some(X86), Model::Flat("14"), LISTED),
    item("DED-XC-CPU", "专享云主机处理器（信创）", DEDICATED, (Server, GENERAL, Vcpu, "核"), Lesser, Some(Xinchuang), Model::Flat("60"), INVENTED),
    item("DED-XC-MEM", "专享云主机内存（信创）", DEDICATED, (Server, GENERAL, MemoryGib, "GB"), Lesser, Some(Xinchuang), Model::Flat("15"), INVENTED),
    item("BMS-X86", "裸金属服务器（X86）", DEDICATED, (Kind::BareMetal, BARE_METAL, Count, "台"), Lesser, Some(X86), Model::Flat("3200"), INVENTED),
    item("BMS-XC", "裸金属服务器（信创）", DEDICATED, (Kind::BareMetal, BARE_METAL, Count, "台"), Lesser, Some(Xinchuang), Model::Flat("3600"), INVENTED),
    item("VOL-ORD", "云硬盘普通型", SHARED, (Volume, VOLUME_ORDINARY, StorageGib, "GB"), Lesser, None, ORDINARY_TIERS, LISTED),
    item("VOL-GEN", "云硬盘均衡型", SHARED, (Volume, VOLUME_GENERAL, StorageGib, "GB"), Lesser, None, Model::Flat("0.4"), LISTED),
    item("VOL-SSD", "云硬盘高性能型", SHARED, (Volume, VOLUME_FAST, StorageGib, "GB"), Lesser, None, Model::Flat("0.7"), LISTED),
    item("SNAP", "云硬盘快照", SHARED, (Kind::Snapshot, "", StorageGib, "GB"), Lesser, None, Model::Flat("0.1"), INVENTED),
    item("OBS-STD", "对象存储标准型", SHARED, (Kind::ObjectStorage, OBJECT_STANDARD, StorageGib, "GB"), MeasuredMean, None, Model::Flat("0.09"), LISTED),
    item("OBS-IA", "对象存储低频型", SHARED, (Kind::ObjectStorage, OBJECT_INFREQUENT, StorageGib, "GB"), MeasuredMean, None, Model::Flat("0.07"), LISTED),
    item("EIP", "互联网地址", SHARED, (Kind::FloatingIp, "", Count, "个"), Lesser, None, Model::Flat("30"), INVENTED),
    item("BW-FIX", "互联网固定带宽", SHARED, (Bandwidth, FIXED, BandwidthMbps, "Mbps"), Lesser, None, BANDWIDTH_TIERS, LISTED),
    item("BW-P95", "互联网带宽（95峰值）", SHARED, (Bandwidth, P95, BandwidthMbps, "Mbps"), MeasuredP95, None, BANDWIDTH_TIERS, LISTED),
    item("SLB-1", "负载均衡保障型I", SHARED, (Kind::LoadBalancer, BALANCER_1, Count, "个"), Lesser, None, Model::Flat("360"), LISTED),
    item("SLB-2", "负载均衡保障型II", SHARED, (Kind::LoadBalancer, BALANCER_2, Count, "个"), Lesser, None, Model::Flat("720"), LISTED),
    item("PG-X86", "云数据库PostgreSQL（X86）", (Platform, SharedCloud), (Kind::Database, POSTGRES, Count, "实例"), Lesser, Some(X86), Model::Flat("1000"), LISTED),
    item("PG-XC", "云数据库PostgreSQL（信创）", (Platform, SharedCloud), (Kind::Database, POSTGRES, Count, "实例"), Lesser, Some(Xinchuang), Model::Flat("1500"), LISTED),
    item("HSS-ENT", "主机安全企业版", GUARD, (Kind::Security, HOST_SECURITY, Count, "台"), Lesser, None, Model::Flat("60"), LISTED),
    item("HSS-TOP", "主机安全旗舰版", GUARD, (Kind::Security, HOST_SECURITY_TOP, Count, "台"), Lesser, None, Model::Flat("180"), LISTED),
    item("WTP", "网页防篡改", (Application, Form::Security), (Kind::Security, ANTI_TAMPER, Count, "台"), Lesser, None, Model::Flat("980"), LISTED),
    item("CFW-1G", "云防火墙1G", GUARD, (Kind::Security, FIREWALL, Count, "套"), Lesser, None, Model::Flat("1879"), LISTED),
    item("WAF-3K", "Web应用防火墙3000QPS", GUARD, (Kind::Security, WAF, Count, "套"), Lesser, None, Model::Flat("3880"), LISTED),
    item("BASTION", "运维堡垒机（含10资产）", GUARD, (Kind::Security, BASTION, Count, "资产"), Lesser, None, Model::Package { price: "1020", included: "10", beyond: "39.5", }, LISTED),
    item("LOGAUD", "日志审计（含10日志源）", GUARD, (Kind::Security, LOG_AUDIT, Count, "日志源"), Lesser, None, Model::Package { price: "1107", included: "10", beyond: "52.8", }, LISTED),
    item("VPN", "远程接入账号", (Application, Form::Security), (Kind::Security, REMOTE_ACCESS, Count, "账号"), Allocated, None, Model::Flat("15"), INVENTED),
    item("BAK-ECS", "云主机备份", BACKUP, (Kind::Backup, BACKUP_SERVER, StorageGib, "GB"), Lesser, None, Model::Flat("0.2"), LISTED),
    item("BAK-DB", "数据库备份", BACKUP, (Kind::Backup, BACKUP_DATABASE, StorageGib, "GB"), Lesser, None, Model::Flat("0.4"), LISTED),
    item("CAB-U", "机柜托管机位", (Infrastructure, Form::CabinetHosting), (Kind::Cabinet, "", RackUnit, "U"), Declared, None, Model::Flat("120"), INVENTED),
    item("LINE", "行业网络专线", (Infrastructure, Form::IndustryLine), (Kind::Line, "", BandwidthMbps, "Mbps"), Allocated, None, Model::Flat("25"), INVENTED),
    item("MIG", "系统迁移", (Application, Form::Migration), (Kind::Work, MIGRATION, PersonDay, "人天"), Declared, None, Model::OneOff("1200"), INVENTED),
    item("XCA", "信创适配改造评估", (Application, Form::AdaptationAssessment), (Kind::Work, ADAPTATION, Count, "次"), Declared, None, Model::OneOff("28000"), INVENTED),
];

/// The item that charges a measure of a resource, by its place in [`ITEMS`].
pub(crate) fn item_for(
    (kind, class, measure): (Kind, &str, Measure),
    pool: Option<PoolKind>,
    form: Form,
) -> Option<usize> {
    let fits = |item: &Item| {
        let right_pool = item.pool.is_none_or(|wanted| Some(wanted) == pool);
        let tenancy = (form == DedicatedCloud && kind == Server).then_some(DedicatedCloud);
        let right_form = kind != Server || item.tenancy == tenancy;
        item.kind == kind && item.class == class && item.measure == measure && right_pool && right_form
    };
    ITEMS.iter().position(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_layer_and_form_is_sold_and_codes_differ() {
        let codes: BTreeSet<_> = ITEMS.iter().map(|item| item.code).collect();
        assert_eq!(codes.len(), ITEMS.len());
        for layer in Layer::ALL {
            assert!(ITEMS.iter().any(|item| item.layer == *layer), "{layer}");
        }
        for form in Form::ALL {
            assert!(ITEMS.iter().any(|item| item.form == *form), "{form}");
        }
        for basis in [Allocated, Lesser, MeasuredMean, MeasuredP95, Declared] {
            assert!(ITEMS.iter().any(|item| item.basis == basis), "{basis}");
        }
    }

    #[test]
    fn one_item_a_use() {
        let code = |class: &str, measure, pool, form| {
            item_for((Server, class, measure), Some(pool), form).map(|place| ITEMS[place].code)
        };
        assert_eq!(code(GENERAL, Vcpu, X86, SharedCloud), Some("ECS-X86-CPU"));
        assert_eq!(code(GENERAL, Vcpu, Xinchuang, DedicatedCloud), Some("DED-XC-CPU"));
        assert_eq!(code(COMPUTE, MemoryGib, Xinchuang, SharedCloud), Some("ECS-XCC-MEM"));
        assert_eq!(code("别的", Vcpu, X86, SharedCloud), None);
    }
}
