//! The service catalogue: items in three layers, each metered by one measure of one kind of resource.

use crate::registry::{Measure, NetworkZone, PoolKind, Registered, ResourceKind, words};
use kernel::ItemCode;
use serde::{Deserialize, Serialize};
use thiserror::Error;

words! {
    /// Layer of the catalogue; Kunming's principle is application first, infrastructure as the floor.
    ServiceLayer {
        /// Shared applications.
        Application = "application", "应用层";
        /// Databases, middleware, containers, security as a service.
        Platform = "platform", "平台层";
        /// Compute, storage, network, hosting.
        Infrastructure = "infrastructure", "基础设施层";
    }
}

words! {
    /// The form in which a service is bought (`kunming-forms`: the services of the Kunming rounds from 2022 on).
    ServiceForm {
        /// Shared cloud.
        SharedCloud = "shared_cloud", "共享云";
        /// Dedicated cloud.
        DedicatedCloud = "dedicated_cloud", "专享云";
        /// Cabinet hosting.
        CabinetHosting = "cabinet_hosting", "机柜托管";
        /// Migration to the cloud.
        Migration = "migration", "迁移服务";
        /// Security services.
        Security = "security", "安全服务";
        /// Data backup.
        DataBackup = "data_backup", "数据备份";
        /// Leased lines of industry networks.
        IndustryLine = "industry_line", "行业网络专线";
        /// Assessment of adaptation to Xinchuang.
        AdaptationAssessment = "adaptation_assessment", "信创适配改造评估";
    }
}

words! {
    /// What the payable quantity is taken from.
    MeteringBasis {
        /// What was approved and opened.
        Allocated = "allocated", "按批准开通量";
        /// What the node says exists.
        Observed = "observed", "按实际存在量";
        /// The smaller of both: paid is only what was approved and exists.
        Lesser = "lesser", "取批准与实际之小者";
        /// The mean of measured values (stored GiB).
        MeasuredMean = "measured_mean", "按计量均值";
        /// The 95th percentile of measured values (Mbps), nearest rank.
        MeasuredP95 = "measured_p95", "按95峰值";
        /// Work that was accepted, or hosting recorded by hand.
        Declared = "declared", "按验收确认量";
    }
}

/// An item of the service catalogue as it was from one moment on.
///
/// An allocation is charged by every item whose `kind` and `measure` it has and whose other fields, where given, it
/// meets; of several for the same measure the one that asks for most wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceItem {
    /// Its code, for ever.
    pub code: ItemCode,
    /// Its name at that time.
    pub name: String,
    /// Layer.
    pub layer: ServiceLayer,
    /// Form.
    pub form: ServiceForm,
    /// Kind of resource it charges.
    pub kind: ResourceKind,
    /// What of it.
    pub measure: Measure,
    /// Unit as documents write it: 核, GB, Mbps, 台 ...
    pub unit: String,
    /// What the quantity is taken from.
    pub basis: MeteringBasis,
    /// Only resources of this class (volume type, flavor family, product).
    pub class: Option<String>,
    /// Only resources in a pool of this kind.
    pub pool: Option<PoolKind>,
    /// Only systems in this zone.
    pub zone: Option<NetworkZone>,
    /// The tenancy it is for, by its form: only allocations of this form.
    pub tenancy: Option<ServiceForm>,
}

impl Registered for ServiceItem {
    const REGISTER: &'static str = "item";
    const ZH: &'static str = "服务条目";

    fn code(&self) -> String {
        self.code.to_string()
    }
}

/// What an item is asked to charge.
#[derive(Debug, Clone, Copy)]
pub struct ServiceUse<'a> {
    /// Kind of the resource.
    pub kind: ResourceKind,
    /// The measure to be charged.
    pub measure: Measure,
    /// Class of the resource.
    pub class: &'a str,
    /// Kind of the pool it is in, if it is in one.
    pub pool: Option<PoolKind>,
    /// Zone of the system.
    pub zone: NetworkZone,
    /// The form it was approved in.
    pub form: ServiceForm,
}

/// Why no item, or no single item, fits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogueError {
    /// Nothing in the catalogue charges this.
    #[error("服务目录中没有可用于计费的条目: {0}")]
    NoItem(String),
    /// Two items fit equally well.
    #[error("服务目录条目 {0} 与 {1} 对同一资源同样适用，请为其中之一补充类别、资源池或区域条件")]
    Ambiguous(ItemCode, ItemCode),
}

impl ServiceItem {
    /// How many conditions are met, or none if one is not.
    fn fit(&self, wanted: &ServiceUse<'_>) -> Option<usize> {
        if self.kind != wanted.kind || self.measure != wanted.measure {
            return None;
        }
        let conditions = [
            self.class.as_deref().map(|class| class == wanted.class),
            self.pool.map(|pool| Some(pool) == wanted.pool),
            self.zone.map(|zone| zone == wanted.zone),
            self.tenancy.map(|tenancy| tenancy == wanted.form),
        ];
        let asked = conditions.iter().flatten();
        asked.clone().all(|met| *met).then(|| asked.count())
    }
}

/// The item that charges a use: the fitting one with most conditions.
pub fn match_item<'i>(
    items: impl IntoIterator<Item = &'i ServiceItem>,
    wanted: &ServiceUse<'_>,
) -> Result<&'i ServiceItem, CatalogueError> {
    let mut best: Option<(usize, &ServiceItem)> = None;
    let mut rival: Option<&ServiceItem> = None;
    for item in items {
        let Some(fit) = item.fit(wanted) else { continue };
        match best {
            Some((most, _)) if fit < most => {}
            Some((most, _)) if fit == most => rival = Some(item),
            _ => (best, rival) = (Some((fit, item)), None),
        }
    }
    match (best, rival) {
        (Some((_, best)), Some(rival)) => Err(CatalogueError::Ambiguous(best.code.clone(), rival.code.clone())),
        (Some((_, best)), None) => Ok(best),
        (None, _) => {
            let ServiceUse {
                kind,
                measure,
                class,
                pool,
                form,
                ..
            } = wanted;
            let pool = pool.map_or("", PoolKind::zh);
            Err(CatalogueError::NoItem(format!(
                "{} {class} {} {} {pool}",
                kind.zh(),
                measure.zh(),
                form.zh()
            )))
        }
    }
}
