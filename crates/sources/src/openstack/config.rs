//! How to reach a node and with which account. Owns no defaults that could hide a resource.

use super::{Microversion, OpenStackError};
use domain::collect::ObservedState;
use domain::registry::Measure;
use kernel::{Instant, Ratio};
use reqwest::Url;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A password or a token. Shows as `***` wherever it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Which of a service's addresses to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// The one for customers.
    #[default]
    Public,
    /// The one inside the node's own network.
    Internal,
    /// The one for operators.
    Admin,
}

impl Interface {
    /// The word in the catalogue.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Name and password, within a project.
    Password {
        /// Name of the account.
        username: String,
        /// Name of the domain of the account.
        user_domain: String,
        /// Its password.
        password: Secret,
        /// Name of the project to log in to.
        project: String,
        /// Name of the domain of the project.
        project_domain: String,
    },
    /// An application credential; it brings its project along.
    Application {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
}

/// Which metric of Gnocchi is the sample of which measure.
///
/// Units: `scale` turns the metric's unit into the measure's, so MB to GiB is 1000000/1073741824. Several resources
/// that point to the same native id (the ports of one server) are added up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricMapping {
    /// Name of the metric, `network.outgoing.bytes.rate`.
    pub metric: String,
    /// Gnocchi's type of resource, `instance_network_interface`.
    pub resource_type: String,
    /// Attribute of the resource that holds the native id, `original_resource_id` or `instance_id`.
    pub native_id_attribute: String,
    /// How Gnocchi sums up an interval: `mean`, `max`, `95pct`.
    pub aggregation: String,
    /// Length of an interval in seconds; the archive policy must keep it.
    pub granularity_s: u32,
    /// What it is for the meter.
    pub measure: Measure,
    /// Factor from the metric's unit to the measure's.
    pub scale: Ratio,
}

/// All that a connector has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStackConfig {
    /// Address of Keystone, with or without `/v3`.
    pub auth_url: String,
    /// Region; may be left out if the node has only one.
    pub region: Option<String>,
    /// Which addresses to use.
    pub interface: Interface,
    /// The account.
    pub credential: Credential,
    /// Id of a project to log in to instead of that of the account; an application credential has its own only.
    pub within: Option<String>,
    /// PEM file of an authority to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// Seconds for one request, from connecting to the last byte.
    pub timeout_s: u64,
    /// How many entries to ask for at a time.
    pub page_size: u32,
    /// How many times a request that failed for a passing reason is sent again.
    pub retries: u32,
    /// Milliseconds before the first of these; doubled each time.
    pub backoff_ms: u64,
    /// Which metrics to read.
    pub metrics: Vec<MetricMapping>,
    /// Key of the metadata or tag that names the information system.
    pub system_tag_key: String,
    /// Key of a flavor's extra specs that names its family; without it a server has no class.
    pub family_key: Option<String>,
    /// The look before: bounds which deleted servers and which samples are read. Without it all that the node keeps.
    pub changes_since: Option<Instant>,
    /// Whether to read object storage if the node has it.
    pub object_store: bool,
    /// The newest microversion of compute to use, for nodes that announce more than they can do.
    pub compute_ceiling: Option<Microversion>,
    /// States that only this node knows, in lower case; beats the tables.
    pub state_words: BTreeMap<String, ObservedState>,
}

impl OpenStackConfig {
    /// With customary values for everything but the address and the account.
    pub fn new(auth_url: impl Into<String>, credential: Credential) -> Self {
        Self {
            auth_url: auth_url.into(),
            region: None,
            interface: Interface::Public,
            credential,
            within: None,
            ca_file: None,
            timeout_s: 60,
            page_size: 500,
            retries: 4,
            backoff_ms: 500,
            metrics: Vec::new(),
            system_tag_key: "yunheng:system".to_owned(),
            family_key: None,
            changes_since: None,
            object_store: true,
            compute_ceiling: None,
            state_words: BTreeMap::new(),
        }
    }

    /// The address of Keystone's version 3.
    ///
    /// Errors: not an address, not HTTP, or with a name and password in it (they would reach logs).
    pub(super) fn keystone(&self) -> Result<Url, OpenStackError> {
        let bad = |why: &str| OpenStackError::Config {
            field: "auth_url",
            why: why.to_owned(),
        };
        let mut url =
            Url::parse(self.auth_url.trim()).map_err(|e| bad(&format!("「{}」不是网址 ({e})", self.auth_url)))?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(bad("地址应以 https:// 或 http:// 开头"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("地址中不要写用户名和密码，请写在账号配置中"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&if path.ends_with("/v3") {
            path
        } else {
            format!("{path}/v3")
        });
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }

    /// Errors: values that no node could be read with.
    pub(super) fn check(&self) -> Result<(), OpenStackError> {
        let bad = |field: &'static str, why: &str| {
            Err(OpenStackError::Config {
                field,
                why: why.to_owned(),
            })
        };
        match self {
            Self { timeout_s: 0, .. } => bad("timeout_s", "超时应大于 0 秒"),
            Self { page_size: 0, .. } => bad("page_size", "每页条数应大于 0"),
            Self { retries, .. } if *retries > 10 => bad("retries", "重试次数不能超过 10"),
            Self { system_tag_key, .. } if system_tag_key.trim().is_empty() => {
                bad("system_tag_key", "信息系统标签的键不能为空")
            }
            Self { metrics, .. } if metrics.iter().any(|m| m.granularity_s == 0) => {
                bad("metrics", "指标的采样间隔应大于 0 秒")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(auth_url: &str) -> OpenStackConfig {
        OpenStackConfig::new(
            auth_url,
            Credential::Password {
                username: "metering".into(),
                user_domain: "Default".into(),
                password: Secret::new("very-secret-word"),
                project: "admin".into(),
                project_domain: "Default".into(),
            },
        )
    }

    #[test]
    fn the_address_may_come_with_or_without_its_version() {
        for text in [
            "https://iam.example/v3",
            "https://iam.example",
            "https://iam.example/v3/ ",
        ] {
            assert_eq!(config(text).keystone().unwrap().as_str(), "https://iam.example/v3");
        }
        assert_eq!(
            config("http://h:5000/identity").keystone().unwrap().as_str(),
            "http://h:5000/identity/v3"
        );
        for text in ["iam.example", "ftp://iam.example", "https://u:p@iam.example/v3", ""] {
            assert!(
                matches!(config(text).keystone(), Err(OpenStackError::Config { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let text = format!("{:?}", config("http://h"));
        assert!(!text.contains("very-secret-word") && text.contains("***"), "{text}");
    }

    #[test]
    fn useless_values_are_refused() {
        assert!(config("http://h").check().is_ok());
        assert!(
            OpenStackConfig {
                page_size: 0,
                ..config("http://h")
            }
            .check()
            .is_err()
        );
        assert!(
            OpenStackConfig {
                timeout_s: 0,
                ..config("http://h")
            }
            .check()
            .is_err()
        );
        assert!(
            OpenStackConfig {
                retries: 99,
                ..config("http://h")
            }
            .check()
            .is_err()
        );
    }
}
