//! The ground the story plays on: the built-in simulated node, or an OpenStack that is up.

use super::cast::{Cast, NODE};
use crate::exit::Failure;
use crate::input::parsed;
use app::OpContext;
use app::collect::{CollectOptions, NoSecrets, NodeSecrets, collect};
use app::import::{ImportKind, ImportOptions, import_file};
use app::jobs::{Handlers, house_handlers};
use app::nodes::{NewNode, NewPool};
use app::orders::EveryNode;
use domain::registry::{NodeSource, Platform, PoolKind};
use kernel::NodeCode;
use std::sync::Arc;

/// The accounts of a real cloud, by the names that the configuration gives them: one looks, one acts.
const ACCOUNTS: [&str; 2] = ["metering", "operator"];

/// A node to open on.
pub(crate) struct Ground {
    name: &'static str,
    about: &'static str,
    source: NodeSource,
    /// Availability zones of the Xinchuang pool and of the other.
    zones: [&'static str; 2],
    /// Projects of the two systems of the story; none where a node has none.
    projects: Vec<String>,
    secrets: Arc<dyn NodeSecrets>,
}

impl Ground {
    /// The node that is built in and says that it is no cloud.
    pub(crate) fn built_in() -> Self {
        Self {
            name: "内置模拟节点（不是真实的云）",
            about: "开通在**内置模拟节点**上进行，它不是真实的云；对真实 OpenStack 的开通见 `docs/ops/openstack.md`。",
            source: NodeSource::Simulated {
                folder: "simulated".to_owned(),
            },
            zones: ["n9-xc", "n9-x86"],
            projects: Vec::new(),
            secrets: Arc::new(NoSecrets),
        }
    }

    /// An OpenStack with two projects in which the operator's account may act.
    pub(crate) fn openstack(auth_url: &str, projects: &[String], secrets: Arc<dyn NodeSecrets>) -> Self {
        let [account, operator] = ACCOUNTS.map(str::to_owned);
        Self {
            name: "演示用的真实 OpenStack",
            about: "开通与下线在**一个真实的 OpenStack** 上进行，由平台用操作账号调用其接口；它的时钟是今天的，故事里的日期是演示城市的。",
            source: NodeSource::OpenStack {
                auth_url: auth_url.to_owned(),
                region: None,
                account,
                operator: Some(operator),
            },
            zones: ["xinchuang", "x86"],
            projects: projects.to_vec(),
            secrets,
        }
    }

    /// Its name, which says so if it is no cloud.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What the transcript says of it.
    pub(super) fn about(&self) -> &'static str {
        self.about
    }

    /// Work in the background, with hands for the node.
    pub(super) fn handlers(&self) -> Handlers {
        house_handlers(Arc::new(EveryNode::new(Arc::clone(&self.secrets))))
    }

    /// Registers the node as one of the first provider, and whose its projects are.
    pub(super) async fn register(&self, ctx: &OpContext, cast: &Cast) -> Result<(), Failure> {
        let pool = |code: &str, name: &str, kind, zone: &str| {
            Ok::<_, Failure>(NewPool {
                code: parsed(code)?,
                name: name.to_owned(),
                kind,
                zones: vec![zone.to_owned()],
                separate: None,
            })
        };
        let [xinchuang, x86] = self.zones;
        let today = ctx.now().day();
        let new = NewNode {
            code: parsed(NODE)?,
            name: self.name.to_owned(),
            provider: parsed("P1")?,
            source: self.source.clone(),
            platform: Platform::default(),
            pools: vec![
                pool("N9-XC", "演示节点信创区", PoolKind::Xinchuang, xinchuang)?,
                pool("N9-X86", "演示节点X86区", PoolKind::X86, x86)?,
            ],
            valid_from: today.start(),
        };
        app::nodes::add(ctx, new).await?;
        let systems = cast.units().map(|unit| &unit.system);
        let rows: Vec<String> = self
            .projects
            .iter()
            .zip(systems)
            .map(|(project, system)| format!("{NODE},{project},{system},{today}\n"))
            .collect();
        if !rows.is_empty() {
            let file = format!("云节点,项目,系统代码,生效日期\n{}", rows.concat());
            let options = ImportOptions::default();
            import_file(ctx, ImportKind::Projects, "演示项目.csv", file.as_bytes(), options).await?;
        }
        Ok(())
    }

    /// Looks at the node.
    pub(crate) async fn look(&self, ctx: &OpContext) -> Result<(), Failure> {
        let node: NodeCode = parsed(NODE)?;
        collect(ctx, Some(&node), &*self.secrets, CollectOptions::default()).await?;
        Ok(())
    }
}
