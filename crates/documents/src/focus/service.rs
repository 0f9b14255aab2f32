//! The categories of services that FOCUS 1.2 knows. Source: FOCUS 1.2, ServiceCategory and ServiceSubcategory.

/// Categories and their subcategories.
const CATEGORIES: [(&str, &[&str]); 19] = [
    (
        "AI and Machine Learning",
        &[
            "AI Platforms",
            "Bots",
            "Generative AI",
            "Machine Learning",
            "Natural Language Processing",
            "Other (AI and Machine Learning)",
        ],
    ),
    (
        "Analytics",
        &[
            "Analytics Platforms",
            "Business Intelligence",
            "Data Processing",
            "Search",
            "Streaming Analytics",
            "Other (Analytics)",
        ],
    ),
    (
        "Business Applications",
        &["Productivity and Collaboration", "Other (Business Applications)"],
    ),
    (
        "Compute",
        &[
            "Containers",
            "End User Computing",
            "Quantum Compute",
            "Serverless Compute",
            "Virtual Machines",
            "Other (Compute)",
        ],
    ),
    (
        "Databases",
        &[
            "Caching",
            "Data Warehouses",
            "Ledger Databases",
            "NoSQL Databases",
            "Relational Databases",
            "Time Series Databases",
            "Other (Databases)",
        ],
    ),
    (
        "Developer Tools",
        &[
            "Developer Platforms",
            "Continuous Integration and Deployment",
            "Development Environments",
            "Source Code Management",
            "Quality Assurance",
            "Other (Developer Tools)",
        ],
    ),
    ("Identity", &["Identity and Access Management", "Other (Identity)"]),
    (
        "Integration",
        &[
            "API Management",
            "Messaging",
            "Workflow Orchestration",
            "Other (Integration)",
        ],
    ),
    (
        "Internet of Things",
        &["IoT Analytics", "IoT Platforms", "Other (Internet of Things)"],
    ),
    (
        "Management and Governance",
        &[
            "Architecture",
            "Compliance",
            "Cost Management",
            "Data Governance",
            "Disaster Recovery",
            "Endpoint Management",
            "Observability",
            "Support",
            "Other (Management and Governance)",
        ],
    ),
    (
        "Media",
        &[
            "Content Creation",
            "Gaming",
            "Media Streaming",
            "Mixed Reality",
            "Other (Media)",
        ],
    ),
    (
        "Migration",
        &["Data Migration", "Resource Migration", "Other (Migration)"],
    ),
    ("Mobile", &["Other (Mobile)"]),
    ("Multicloud", &["Multicloud Integration", "Other (Multicloud)"]),
    (
        "Networking",
        &[
            "Application Networking",
            "Content Delivery",
            "Network Connectivity",
            "Network Infrastructure",
            "Network Routing",
            "Network Security",
            "Other (Networking)",
        ],
    ),
    (
        "Security",
        &[
            "Secret Management",
            "Security Posture Management",
            "Threat Detection and Response",
            "Other (Security)",
        ],
    ),
    (
        "Storage",
        &[
            "Backup Storage",
            "Block Storage",
            "File Storage",
            "Object Storage",
            "Storage Platforms",
            "Other (Storage)",
        ],
    ),
    ("Web", &["Application Platforms", "Other (Web)"]),
    ("Other", &["Other (Other)"]),
];

/// A service with its place among the categories. Invariant: the category is the one parent of the subcategory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusService {
    name: String,
    category: &'static str,
    subcategory: &'static str,
}

impl FocusService {
    /// A service of a subcategory, whose category follows from it. FOCUS wants one subcategory for one name.
    ///
    /// `None` if the name is blank or FOCUS has no such subcategory. Example: `Virtual Machines` is of `Compute`.
    pub fn new(name: &str, subcategory: &str) -> Option<Self> {
        let (category, subcategory) = CATEGORIES.iter().find_map(|(category, subcategories)| {
            subcategories
                .iter()
                .find(|known| **known == subcategory)
                .map(|known| (*category, *known))
        })?;
        (!name.trim().is_empty()).then(|| Self {
            name: name.to_owned(),
            category,
            subcategory,
        })
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Category.
    pub const fn category(&self) -> &'static str {
        self.category
    }

    /// Subcategory.
    pub const fn subcategory(&self) -> &'static str {
        self.subcategory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_follows_from_subcategory() {
        let service = FocusService::new("云服务器", "Virtual Machines").unwrap();
        assert_eq!(
            (service.category(), service.subcategory()),
            ("Compute", "Virtual Machines")
        );
        assert_eq!(FocusService::new("其他", "Other (Other)").unwrap().category(), "Other");
        assert!(FocusService::new("云服务器", "Servers").is_none() && FocusService::new(" ", "Containers").is_none());
        let count: usize = CATEGORIES.iter().map(|(_, subcategories)| subcategories.len()).sum();
        assert_eq!((CATEGORIES.len(), count), (19, 82));
    }
}
