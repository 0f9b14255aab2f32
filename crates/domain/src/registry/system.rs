//! Government information systems (GB/T 40692 says what counts as one).

use super::{Registered, words};
use kernel::{OrganisationCode, SystemCode};
use serde::{Deserialize, Serialize};

words! {
    /// The network a system is reached from.
    NetworkZone {
        /// The e-government extranet.
        Extranet = "extranet", "政务外网区";
        /// The Internet.
        Internet = "internet", "互联网区";
    }
}

words! {
    /// Grade of the data in a system (GB/T 43697-2024).
    DataGrade {
        /// General data.
        General = "general", "一般数据";
        /// Important data.
        Important = "important", "重要数据";
        /// Core data.
        Core = "core", "核心数据";
    }
}

words! {
    /// Where a system stands in its life.
    SystemStatus {
        /// Being built.
        Building = "building", "在建";
        /// On trial.
        Trial = "trial", "试运行";
        /// In operation.
        Running = "running", "运行";
        /// Out of operation, data kept.
        Suspended = "suspended", "停用";
        /// Closed.
        Retired = "retired", "下线";
    }
}

words! {
    /// Whether a system was there before the cloud.
    SystemOrigin {
        /// Moved to the cloud.
        Existing = "existing", "存量系统";
        /// Built on the cloud.
        New = "new", "新建系统";
    }
}

/// An information system as it was from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InformationSystem {
    /// Its code, for ever.
    pub code: SystemCode,
    /// Its name at that time.
    pub name: String,
    /// The organisation it belongs to at that time.
    pub organisation: OrganisationCode,
    /// Level of the multi-level protection scheme (等保), 1 to 4; none if not graded.
    pub mlps_level: Option<u8>,
    /// Network zone.
    pub zone: NetworkZone,
    /// Grade of its data; none if not graded.
    pub data_grade: Option<DataGrade>,
    /// Status.
    pub status: SystemStatus,
    /// Moved here or built here.
    pub origin: SystemOrigin,
}

impl Registered for InformationSystem {
    const REGISTER: &'static str = "system";
    const ZH: &'static str = "信息系统";

    fn code(&self) -> String {
        self.code.to_string()
    }
}
