//! Cloud nodes: listed, registered and tried. Secrets never come in: a node names accounts that are configured.

use super::words::parsed;
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::nodes::{NewNode, NewPool};
use app::{AppError, Reach};
use axum::extract::{Path, State};
use axum::response::Response;
use domain::authz::Action;
use domain::registry::{NodeSource, Platform};
use kernel::PoolCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_nodes, register_node))
        .routes(routes!(test_node))
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
    /// Null for a provider, whose business it is not.
    source: Option<SourceView>,
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

/// How a node is looked at; accounts by name, never with a secret.
#[derive(Debug, Serialize, ToSchema)]
struct SourceView {
    /// files, openstack or simulated.
    kind: &'static str,
    /// Of files and of what is built in: the folder.
    folder: Option<String>,
    /// Of OpenStack: the address of its identity service.
    auth_url: Option<String>,
    /// Of OpenStack: the region, if there are several.
    region: Option<String>,
    /// Of OpenStack: name of the configured account that looks.
    account: Option<String>,
    /// Of OpenStack: name of the configured account that the platform may act with; null if it only looks.
    operator: Option<String>,
}

impl From<NodeSource> for SourceView {
    fn from(source: NodeSource) -> Self {
        let in_folder = |kind, folder| Self {
            kind,
            folder: Some(folder),
            auth_url: None,
            region: None,
            account: None,
            operator: None,
        };
        match source {
            NodeSource::Files { folder } => in_folder("files", folder),
            NodeSource::Simulated { folder } => in_folder("simulated", folder),
            NodeSource::OpenStack {
                auth_url,
                region,
                account,
                operator,
            } => Self {
                kind: "openstack",
                folder: None,
                auth_url: Some(without_credentials(&auth_url)),
                region,
                account: Some(account),
                operator,
            },
        }
    }
}

/// An address without a name and password that somebody wrote into it. Such an address is never called.
fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// A pool of a node.
#[derive(Debug, Serialize, ToSchema)]
struct PoolView {
    code: String,
    name: String,
    /// x86 or xinchuang.
    kind: String,
    /// The node's availability zones that belong to it.
    zones: Vec<String>,
    /// Whether it is apart from the general cloud, for systems above its level; null if nobody has said.
    separate: Option<bool>,
}

impl From<app::nodes::NodeView> for NodeView {
    fn from(view: app::nodes::NodeView) -> Self {
        let pools = view.pools.into_iter().map(|pool| PoolView {
            code: pool.code.to_string(),
            name: pool.name,
            kind: pool.kind.word().to_owned(),
            zones: pool.zones,
            separate: pool.separate,
        });
        Self {
            code: view.node.code.to_string(),
            name: view.node.name,
            provider: view.node.provider.to_string(),
            source: Some(view.node.source.into()),
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
    /// As it was if not given; a node that is new needs it.
    source: Option<SourceBody>,
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
    /// The node's availability zones that belong to it; as they were if not given.
    zones: Option<Vec<String>>,
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

fn needed<T>(name: &str, given: Option<T>) -> Result<T, Problem> {
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
    /// The node as it will be registered. What is not given stays as it holds then.
    async fn node(self, asker: &Asker) -> Result<NewNode, Problem> {
        let code = parsed("code", &self.code)?;
        let since = self.since.as_deref().map(|since| parsed("since", since)).transpose()?;
        let valid_from = since.unwrap_or_else(|| asker.ctx.now().day().month().first_day().start());
        let held = app::nodes::held(&asker.ctx, &code, valid_from).await?;
        let pools = held.as_ref().map(|held| held.pools.as_slice()).unwrap_or_default();
        let zones = |code: &PoolCode| {
            pools
                .iter()
                .find(|pool| pool.code == *code)
                .map(|pool| pool.zones.clone())
        };
        let pool = |pool: NewPoolBody| {
            let code = parsed("pools.code", &pool.code)?;
            Ok(NewPool {
                zones: pool.zones.or_else(|| zones(&code)).unwrap_or_default(),
                code,
                name: pool.name,
                kind: parsed("pools.kind", &pool.kind)?,
                separate: pool.separate,
            })
        };
        let pools = self.pools.into_iter().map(pool).collect::<Result<_, Problem>>()?;
        let source = self.source.map(|source| source.source(&self.code)).transpose()?;
        let source = source.or_else(|| held.map(|held| held.node.source));
        Ok(NewNode {
            code,
            name: self.name,
            provider: parsed("provider", &self.provider)?,
            source: needed("source", source)?,
            platform: Platform {
                mlps_level: self.mlps_level,
                filing: self.mlps_filing.filter(|filing| !filing.trim().is_empty()),
                operated_in_china: self.operated_in_china,
                data_in_china: self.data_in_china,
            },
            pools,
            valid_from,
        })
    }
}

/// What trying to reach a node came to.
#[derive(Debug, Serialize, ToSchema)]
struct TestedNodeView {
    /// Whether it was reached, with every account that is configured for it.
    reached: bool,
    /// What was found, or why it was not reached, a line each, in Chinese.
    lines: Vec<String>,
}

/// The nodes, by code
#[utoipa::path(get, path = "/nodes", tag = "main job", params(Paging, NodeQuery),
    responses((status = 200, description = "A page of nodes", body = Page<NodeView>)))]
async fn list_nodes(asker: Asker, Listed { filter, paging }: Listed<NodeQuery>) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::NodeRead, "node").await?;
    let nodes = app::nodes::list(&asker.ctx).await?;
    let rows = nodes.into_iter().map(NodeView::from).map(|view| NodeView {
        source: view.source.filter(|_| reach == Reach::All),
        ..view
    });
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
        let node = body.node(&asker).await?;
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

/// Try to reach a node with the accounts that are configured for it, without taking anything in
#[utoipa::path(post, path = "/nodes/{code}/test", tag = "main job", params(("code" = String, Path, description = "Code of the node")),
    responses((status = 200, description = "What was found", body = TestedNodeView)))]
async fn test_node(State(api): State<Api>, Path(code): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        asker.pace(&api)?;
        let code = parsed("code", &code)?;
        let tested = app::nodes::test(&asker.ctx, &code, &*api.secrets).await;
        let (reached, lines) = match tested {
            Ok(lines) => (true, lines),
            // What the node said, or its account lacks, is the answer: it is no fault of the asker's, nor of ours.
            Err(why @ (AppError::OpenStack(_) | AppError::Numbered(_) | AppError::Invalid(_))) => {
                (false, vec![why.to_string()])
            }
            Err(why) => return Err(why.into()),
        };
        Ok(Answer::ok(TestedNodeView { reached, lines }))
    };
    change.once(make).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_opens_it() {
        for (address, shown) in [
            ("https://cloud.example:5000/v3", "https://cloud.example:5000/v3"),
            ("https://name:p@ss@cloud.example/v3?a=@", "https://cloud.example/v3?a=@"),
            ("cloud.example", "cloud.example"),
        ] {
            assert_eq!(without_credentials(address), shown);
        }
    }
}
