//! The words of `node`.

use clap::{Args, Subcommand, ValueEnum};
use kernel::Instant;

#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Register a node and its pools
    Add(Box<NodeAddArgs>),
    /// List the nodes
    List,
    /// Try to reach a node, without taking anything in
    Test {
        /// Code of the node
        node: String,
    },
}

/// Nodes that are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuiltInNode {
    /// A folder that behaves like a cloud node
    Simulated,
}

#[derive(Debug, Args)]
pub(crate) struct NodeAddArgs {
    /// Code of the node
    pub(crate) code: String,
    /// Name
    #[arg(long)]
    pub(crate) name: String,
    /// Code of the provider that runs it
    #[arg(long)]
    pub(crate) provider: String,
    /// Folder of numbered files (below the data folder, or absolute)
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "openstack",
        required_unless_present_any = ["openstack", "built_in"]
    )]
    pub(crate) files: Option<String>,
    /// A node that is built in: `simulated` is no cloud, but behaves like one, to try openings with
    #[arg(long = "source", value_name = "NAME", conflicts_with_all = ["files", "openstack"])]
    pub(crate) built_in: Option<BuiltInNode>,
    /// Address of OpenStack's identity service
    #[arg(long, value_name = "URL", requires = "account")]
    pub(crate) openstack: Option<String>,
    /// Region of the OpenStack cloud
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Account to look with; its secret is in the configuration
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// Account that the platform may act with on the OpenStack cloud (default: it only looks)
    #[arg(long, value_name = "ACCOUNT", requires = "openstack")]
    pub(crate) operator: Option<String>,
    /// A pool as CODE:x86|xinchuang:NAME[:zone,zone[:separate|shared]]; may be repeated
    #[arg(long = "pool", value_name = "POOL")]
    pub(crate) pools: Vec<String>,
    #[command(flatten)]
    pub(crate) platform: PlatformArgs,
    /// Since when
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<Instant>,
}

/// What is registered of a node's platform; what is not given is not known.
#[derive(Debug, Args)]
pub(crate) struct PlatformArgs {
    /// Level of protection of the platform
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub(crate) mlps_level: Option<u8>,
    /// Number of the filing certificate of that level
    #[arg(long, value_name = "NUMBER")]
    pub(crate) mlps_filing: Option<String>,
    /// Whether the platform is operated from inside China
    #[arg(long, value_name = "true|false")]
    pub(crate) operated_in_china: Option<bool>,
    /// Whether data and backups are inside China
    #[arg(long, value_name = "true|false")]
    pub(crate) data_in_china: Option<bool>,
}
