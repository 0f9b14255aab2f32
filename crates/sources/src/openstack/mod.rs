//! A cloud node that speaks the OpenStack API: login, inventory, capacity and measures; and acting on it.
//!
//! Owns how to ask Keystone, Nova, Cinder, Neutron, Glance, Swift and Gnocchi, and how their words become
//! observations. Does not own what is done with a look or by which order something is done, and stores nothing.
//!
//! Invariants: a [`Connector`] only reads (its one POST is the login), and only [`Hands`] act, with an account of their
//! own; a collect gives everything or an error, never a part; a number never passes through a float; no secret reaches
//! a log, an error or a kept payload; no wall clock is read.

mod block;
mod capacity;
mod catalogue;
mod config;
mod connector;
mod error;
mod hands;
mod identity;
mod image;
mod metric;
mod network;
mod number;
mod object;
mod paging;
mod probe;
mod quota;
mod reading;
mod server;
mod states;
mod transport;
mod version;
mod words;

pub use capacity::{Capacity, Flavor};
pub use config::{Credential, Interface, MetricMapping, OpenStackConfig, Secret};
pub use connector::{Collected, Connector};
pub use error::{OpenStackError, Place};
pub use hands::{Access, Hands, HandsConfig, HandsFault, NewThing, Pool, Whose};
pub use identity::Project;
pub use probe::{Found, FoundService};
pub use quota::Quota;
pub use reading::Payload;
pub use version::Microversion;

/// The services that are asked, and what the catalogue calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Keystone.
    Identity,
    /// Nova.
    Compute,
    /// Cinder.
    BlockStorage,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// Swift, or what speaks like it.
    ObjectStore,
    /// Gnocchi.
    Metric,
}

impl Service {
    /// Those that are looked for in the catalogue.
    const WANTED: [Self; 6] = [
        Self::Compute,
        Self::BlockStorage,
        Self::Network,
        Self::Image,
        Self::ObjectStore,
        Self::Metric,
    ];

    /// The names that catalogues use for it, the best first.
    const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["identity"],
            Self::Compute => &["compute"],
            Self::BlockStorage => &["block-storage", "volumev3", "volume"],
            Self::Network => &["network"],
            Self::Image => &["image"],
            Self::ObjectStore => &["object-store"],
            Self::Metric => &["metric"],
        }
    }

    /// Whether a node may be without it.
    const fn optional(self) -> bool {
        matches!(self, Self::ObjectStore | Self::Metric)
    }

    /// The word in file names and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Compute => "compute",
            Self::BlockStorage => "block-storage",
            Self::Network => "network",
            Self::Image => "image",
            Self::ObjectStore => "object-store",
            Self::Metric => "metric",
        }
    }

    /// The word in Chinese sentences.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Identity => "认证服务(Keystone)",
            Self::Compute => "计算服务(Nova)",
            Self::BlockStorage => "块存储服务(Cinder)",
            Self::Network => "网络服务(Neutron)",
            Self::Image => "镜像服务(Glance)",
            Self::ObjectStore => "对象存储服务(Swift)",
            Self::Metric => "监控指标服务(Gnocchi)",
        }
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.zh())
    }
}
