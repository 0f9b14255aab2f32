//! Cloud nodes: listed and registered. Secrets never come in: a node names accounts that are configured.

use super::words::parsed;
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::nodes::{NewNode, NewPool};
use axum::extract::State;
use axum::response::Response;
use domain::authz::Action;
use domain::registry::{NodeSource, Platform};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_nodes, register_node))
}

/// Which nodes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NodeQuery {
    /// Only of this provider, by code.
    provider: Option<String>,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
struct NodeView {
    code: String,
    name: String,
    provider: String,
    /// Level of protection of its platform; null if nobody has registered it, like the next three.
    mlps_level: Option<u8>,
    /// Number of the filing certificate of that level.
    mlps_filing: Option<String>,
    /// Whether the platform is operated from inside China.
    operated_in_china: Option<bool>,
    /// Whether data and backups are inside China.
    data_in_china: Option<bool>,
    pools: Vec<PoolView>,
    /// Looks that were taken in.
    looks: usize,
    /// The moment of the last one.
    last_look: Option<String>,
}

/// A pool of a node.
#[derive(Debug, Serialize, ToSchema)]
struct PoolView {
    code: String,
    name: String,
    /// x86 or xinchuang.
    kind: String,
    /// Whether it is apart from the general cloud, for systems above its level; null if nobody has said.
    separate: Option<bool>,
}

impl From<app::nodes::NodeView> for NodeView {
    fn from(view: app::nodes::NodeView) -> Self {
        let pools = view.pools.into_iter().map(|pool| PoolView {
            code: pool.code.to_string(),
            name: pool.name,
            kind: pool.kind.word().to_owned(),
            separate: pool.separate,
        });
        Self {
            code: view.node.code.to_string(),
            name: view.node.name,
            provider: view.node.provider.to_string(),
            mlps_level: view.node.platform.mlps_level,
            mlps_filing: view.node.platform.filing,
            operated_in_china: view.node.platform.operated_in_china,
            data_in_china: view.node.platform.data_in_china,
            pools: pools.collect(),
            looks: view.looks,
            last_look: view.last_look.map(|at| at.to_string()),
        }
    }
}

/// A node to register, or one that is known as it is from a later day on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNodeBody {
    code: String,
    name: String,
    /// Code of the provider that runs it.
    provider: String,
    source: SourceBody,
    /// Level of protection of its platform; not known if not given, like the next three.
    #[schema(minimum = 1, maximum = 5)]
    mlps_level: Option<u8>,
    /// Number of the filing certificate of that level.
    mlps_filing: Option<String>,
    /// Whether the platform is operated from inside China.
    operated_in_china: Option<bool>,
    /// Whether data and backups are inside China.
    data_in_china: Option<bool>,
    #[serde(default)]
    pools: Vec<NewPoolBody>,
    /// Since when; the first day of this month if not given.
    since: Option<String>,
}

/// How a node is looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SourceBody {
    /// files, openstack or simulated.
    kind: String,
    /// Of files: the folder below the data folder.
    folder: Option<String>,
    /// Of OpenStack: the address of its identity service.
    auth_url: Option<String>,
    /// Of OpenStack: the region, if there are several.
    region: Option<String>,
    /// Of OpenStack: name of the configured account that looks. The secret stays in the configuration.
    account: Option<String>,
    /// Of OpenStack: name of the configured account that the platform may act with; it only looks if not given.
    operator: Option<String>,
}

/// A pool of a node to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPoolBody {
    code: String,
    name: String,
    /// x86 or xinchuang.
    kind: String,
    /// The node's availability zones that belong to it.
    #[serde(default)]
    zones: Vec<String>,
    /// Whether it is apart from the general cloud, for systems above its level.
    separate: Option<bool>,
}

/// A node as it is registered now.
#[derive(Debug, Serialize, ToSchema)]
struct RegisteredNodeView {
    /// Whether anything is new; false if it was registered just so before.
    new: bool,
    /// What a person should know: which closed months are concerned.
    notes: Vec<String>,
    node: Option<NodeView>,
}

fn needed(name: &str, given: Option<String>) -> Result<String, Problem> {
    given.ok_or_else(|| Problem::field(name, "请填写"))
}

impl SourceBody {
    fn source(self, code: &str) -> Result<NodeSource, Problem> {
        match self.kind.as_str() {
            "files" => Ok(NodeSource::Files {
                folder: needed("source.folder", self.folder)?,
            }),
            "openstack" => Ok(NodeSource::OpenStack {
                auth_url: needed("source.auth_url", self.auth_url)?,
                region: self.region,
                account: needed("source.account", self.account)?,
                operator: self.operator,
            }),
            "simulated" => Ok(NodeSource::Simulated {
                folder: format!("simulated/{code}"),
            }),
            _ => Err(Problem::field("source.kind", "应为 files、openstack 或 simulated")),
        }
    }
}

impl NewNodeBody {
    fn node(self, asker: &Asker) -> Result<NewNode, Problem> {
        let pool = |pool: NewPoolBody| {
            Ok(NewPool {
                code: parsed("pools.code", &pool.code)?,
                name: pool.name,
                kind: parsed("pools.kind", &pool.kind)?,
                zones: pool.zones,
                separate: pool.separate,
            })
        };
        let since = self.since.as_deref().map(|since| parsed("since", since)).transpose()?;
        Ok(NewNode {
            code: parsed("code", &self.code)?,
            name: self.name,
            provider: parsed("provider", &self.provider)?,
            source: self.source.source(&self.code)?,
            platform: Platform {
                mlps_level: self.mlps_level,
                filing: self.mlps_filing.filter(|filing| !filing.trim().is_empty()),
                operated_in_china: self.operated_in_china,
                data_in_china: self.data_in_china,
            },
            pools: self.pools.into_iter().map(pool).collect::<Result<_, Problem>>()?,
            valid_from: since.unwrap_or_else(|| asker.ctx.now().day().month().first_day().start()),
        })
    }
}

/// The nodes, by code
#[utoipa::path(get, path = "/nodes", tag = "main job", params(Paging, NodeQuery),
    responses((status = 200, description = "A page of nodes", body = Page<NodeView>)))]
async fn list_nodes(asker: Asker, Listed { filter, paging }: Listed<NodeQuery>) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::NodeRead, "node").await?;
    let nodes = app::nodes::list(&asker.ctx).await?;
    let rows = nodes.into_iter().map(NodeView::from);
    let wanted = rows.filter(|row| {
        reach.holds(None, Some(&row.provider)) && filter.provider.as_ref().is_none_or(|code| *code == row.provider)
    });
    paging.answer(wanted.collect(), "code")
}

/// Register a node, or what is so of it from a later day on; secrets stay in the configuration
#[utoipa::path(post, path = "/nodes", tag = "main job", request_body = NewNodeBody,
    responses((status = 201, description = "The node", body = RegisteredNodeView)))]
async fn register_node(State(api): State<Api>, change: Change<NewNodeBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: NewNodeBody| {
        let node = body.node(&asker)?;
        let code = node.code.clone();
        let added = app::nodes::register(&asker.ctx, node, &*api.secrets).await?;
        let nodes = app::nodes::list(&asker.ctx).await?;
        let node = nodes
            .into_iter()
            .find(|view| view.node.code == code)
            .map(NodeView::from);
        Ok(Answer::created(RegisteredNodeView {
            new: added.new,
            notes: added.notes,
            node,
        }))
    };
    change.once(make).await
}
