//! What exists, and what was approved.

use super::words::parsed_if;
use crate::filter::Listed;
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::Reach;
use app::inventory::{InventoryFilter, inventory};
use axum::response::Response;
use domain::authz::Action;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_inventory))
}

/// Which resources.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InventoryQuery {
    /// The moment; now if not given.
    at: Option<String>,
    /// Only on this node.
    node: Option<String>,
    /// Only of this system.
    system: Option<String>,
    /// Only of this organisation.
    organisation: Option<String>,
}

/// A resource at a moment.
#[derive(Debug, Serialize, ToSchema)]
struct ResourceView {
    /// Place in the list, for paging.
    place: String,
    node: String,
    /// The node's id; empty for what no node lists.
    native_id: String,
    allocation: String,
    system: String,
    organisation: String,
    zone: String,
    kind: String,
    class: String,
    approved: String,
    seen: String,
    state: String,
    since: String,
    /// The first day for which it is not granted any more; none without an end.
    until: Option<String>,
}

/// Everything that existed or was approved at a moment
#[utoipa::path(get, path = "/inventory", tag = "main job", params(Paging, InventoryQuery),
    responses((status = 200, description = "A page of resources, by node", body = Page<ResourceView>)))]
async fn list_inventory(asker: Asker, Listed { filter, paging }: Listed<InventoryQuery>) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::InventoryRead, "inventory").await?;
    let at = parsed_if("at", filter.at.as_deref())?;
    let at = at.unwrap_or_else(|| asker.ctx.now());
    let providers: BTreeMap<String, String> = match &reach {
        Reach::Providers(_) => app::nodes::list(&asker.ctx)
            .await?
            .into_iter()
            .map(|view| (view.node.code.to_string(), view.node.provider.to_string()))
            .collect(),
        _ => BTreeMap::new(),
    };
    let filter = InventoryFilter {
        node: filter.node,
        system: filter.system,
        organisation: filter.organisation,
    };
    let rows = inventory(&asker.ctx, at, &filter).await?.into_iter();
    let seen = rows.filter(|row| reach.holds(Some(&row.organisation), providers.get(&row.node).map(String::as_str)));
    let views = seen.map(|row| ResourceView {
        place: format!("{}/{}/{}", row.node, row.native_id, row.allocation),
        node: row.node,
        native_id: row.native_id,
        allocation: row.allocation,
        system: row.system,
        organisation: row.organisation,
        zone: row.zone,
        kind: row.kind,
        class: row.class,
        approved: row.approved,
        seen: row.seen,
        state: row.state,
        since: row.since.to_string(),
        until: row.until.map(|day| day.to_string()),
    });
    paging.answer(views.collect(), "place")
}
