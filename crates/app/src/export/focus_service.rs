//! The one table that says what FOCUS calls our services and units.
//!
//! FOCUS wants one subcategory for one name of a service, so a name stands in the table once.

use documents::focus::FocusService;
use domain::catalogue::{ServiceForm, ServiceItem};
use domain::registry::{Measure, ResourceKind};

/// A service: its name in English and Chinese, and its subcategory.
type Service = (&'static str, &'static str, &'static str);

/// What is charged without an item: the rest to a minimum commitment.
const COMMITMENT: Service = ("Minimum Commitment", "最低承诺补差", "Cost Management");

/// The service of a kind of resource. Work is told apart by the form in which it was bought.
const fn service_of(kind: ResourceKind, form: ServiceForm) -> Service {
    match kind {
        ResourceKind::Server => ("Cloud Server", "云主机", "Virtual Machines"),
        ResourceKind::BareMetal => ("Bare Metal Server", "裸金属服务器", "Other (Compute)"),
        ResourceKind::Volume => ("Block Storage", "云硬盘", "Block Storage"),
        ResourceKind::Snapshot => ("Block Storage Snapshot", "云硬盘快照", "Block Storage"),
        ResourceKind::FloatingIp => ("Public Address", "弹性公网地址", "Network Infrastructure"),
        ResourceKind::Bandwidth => ("Internet Bandwidth", "互联网带宽", "Network Connectivity"),
        ResourceKind::ObjectStorage => ("Object Storage", "对象存储", "Object Storage"),
        ResourceKind::LoadBalancer => ("Load Balancer", "负载均衡", "Application Networking"),
        ResourceKind::Database => ("Cloud Database", "云数据库", "Relational Databases"),
        ResourceKind::Image => ("Image Storage", "镜像存储", "Other (Storage)"),
        ResourceKind::Backup => ("Data Backup", "数据备份", "Backup Storage"),
        ResourceKind::Security => ("Security Service", "安全服务", "Other (Security)"),
        ResourceKind::Cabinet => ("Cabinet Hosting", "机柜托管", "Other (Other)"),
        ResourceKind::Line => ("Industry Network Line", "行业网络专线", "Network Infrastructure"),
        ResourceKind::Work => match form {
            ServiceForm::Migration => ("Cloud Migration", "迁移服务", "Resource Migration"),
            ServiceForm::AdaptationAssessment => ("Adaptation Assessment", "信创适配改造评估", "Other (Migration)"),
            ServiceForm::Security => ("Security Work", "安全服务工作", "Security Posture Management"),
            ServiceForm::SharedCloud
            | ServiceForm::DedicatedCloud
            | ServiceForm::CabinetHosting
            | ServiceForm::DataBackup
            | ServiceForm::IndustryLine => ("Professional Service", "专业服务工作", "Support"),
        },
    }
}

/// The service of an item; without an item that of a commitment. `None` only if the table named a subcategory that
/// FOCUS does not have, which a test rules out.
pub(super) fn focus_service(item: Option<&ServiceItem>, ascii: bool) -> Option<FocusService> {
    let (english, chinese, subcategory) = item.map_or(COMMITMENT, |item| service_of(item.kind, item.form));
    FocusService::new(if ascii { english } else { chinese }, subcategory)
}

/// One unit of an item, as FOCUS writes units: `Core`, and with a term `Core-Months`.
pub(super) const fn unit_of(kind: ResourceKind, measure: Measure) -> &'static str {
    match measure {
        Measure::Vcpu => "Core",
        Measure::MemoryGib | Measure::StorageGib => "GiB",
        Measure::BandwidthMbps => "Mbps",
        Measure::RackUnit => "RackUnit",
        Measure::PersonDay => "Person",
        Measure::Count => match kind {
            ResourceKind::Server | ResourceKind::BareMetal => "Server",
            ResourceKind::FloatingIp => "Address",
            ResourceKind::LoadBalancer | ResourceKind::Database => "Instance",
            ResourceKind::Volume | ResourceKind::Snapshot | ResourceKind::Image => "Volume",
            ResourceKind::ObjectStorage => "Bucket",
            ResourceKind::Bandwidth | ResourceKind::Line => "Line",
            ResourceKind::Cabinet => "Cabinet",
            ResourceKind::Backup | ResourceKind::Security | ResourceKind::Work => "Unit",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_kind_and_form_has_a_service_and_a_name_has_one_subcategory() {
        let mut subcategories = BTreeMap::new();
        let of_items = ResourceKind::ALL
            .iter()
            .flat_map(|kind| ServiceForm::ALL.iter().map(|form| service_of(*kind, *form)));
        for (english, chinese, subcategory) in of_items.chain([COMMITMENT]) {
            for name in [english, chinese] {
                assert!(FocusService::new(name, subcategory).is_some(), "{name}: {subcategory}");
                assert_eq!(*subcategories.entry(name).or_insert(subcategory), subcategory);
            }
            assert!(english.is_ascii() && !chinese.is_ascii());
        }
        assert_eq!(subcategories.len(), 2 * 19);
    }

    #[test]
    fn units_are_single_words() {
        for kind in ResourceKind::ALL {
            for measure in Measure::ALL {
                assert!(unit_of(*kind, *measure).bytes().all(|byte| byte.is_ascii_alphabetic()));
            }
        }
    }
}
