//! Cloud nodes. Where their secrets lie is nobody's business here.

use crate::filter::Listed;
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::server::Api;
use crate::session::Asker;
use axum::response::Response;
use domain::authz::Action;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_nodes))
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
}

/// The nodes, by code
#[utoipa::path(get, path = "/nodes", tag = "main job", params(Paging, NodeQuery),
    responses((status = 200, description = "A page of nodes", body = Page<NodeView>)))]
async fn list_nodes(asker: Asker, Listed { filter, paging }: Listed<NodeQuery>) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::NodeRead, "node").await?;
    let nodes = app::nodes::list(&asker.ctx).await?;
    let rows = nodes.into_iter().map(|view| NodeView {
        code: view.node.code.to_string(),
        name: view.node.name,
        provider: view.node.provider.to_string(),
        pools: view
            .pools
            .into_iter()
            .map(|pool| PoolView {
                code: pool.code.to_string(),
                name: pool.name,
                kind: pool.kind.word().to_owned(),
            })
            .collect(),
        looks: view.looks,
        last_look: view.last_look.map(|at| at.to_string()),
    });
    let wanted = rows.filter(|row| {
        reach.holds(None, Some(&row.provider)) && filter.provider.as_ref().is_none_or(|code| *code == row.provider)
    });
    paging.answer(wanted.collect(), "code")
}
