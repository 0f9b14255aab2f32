//! Where a month stands.

use super::words::{parsed, value};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::Reach;
use axum::Json;
use axum::extract::Path;
use domain::authz::Action;
use kernel::Month;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show_month))
}

/// A month. A provider sees its own part only: what concerns all of them is null.
#[derive(Debug, Serialize, ToSchema)]
struct MonthBody {
    /// As 2026-03.
    month: String,
    closed_at: Option<String>,
    /// Figures of metering, if it was metered.
    #[schema(value_type = Option<Object>)]
    metered: Value,
    /// Figures of rating, if it was rated.
    #[schema(value_type = Option<Object>)]
    rated: Value,
    /// Figures of reconciling, by provider.
    #[schema(value_type = BTreeMap<String, Object>)]
    reconciled: BTreeMap<String, Value>,
    /// Statements by where they stand.
    statements: Option<BTreeMap<String, u64>>,
    /// What the month withheld, what was released since, what is left.
    #[schema(value_type = Option<Object>)]
    withheld: Value,
}

/// Where a month stands
#[utoipa::path(get, path = "/months/{month}", tag = "main job", params(("month" = String, Path, description = "As 2026-03")),
    responses((status = 200, description = "The month", body = MonthBody)))]
async fn show_month(asker: Asker, Path(month): Path<String>) -> Result<Json<MonthBody>, Problem> {
    let reach = asker.ctx.reach(Action::MonthRead, "month").await?;
    let month: Month = parsed("month", &month)?;
    let view = app::month::show(&asker.ctx, month).await?;
    let all = reach == Reach::All;
    let whole = |value: Value| if all { value } else { Value::Null };
    let reconciled = view
        .reconciled
        .into_iter()
        .filter(|(provider, _)| reach.holds(None, Some(provider)));
    Ok(Json(MonthBody {
        month: month.to_string(),
        closed_at: view.closed_at.map(|at| at.to_string()),
        metered: whole(value(view.metered)),
        rated: whole(value(view.rated)),
        reconciled: reconciled
            .map(|(provider, summary)| (provider, value(summary)))
            .collect(),
        statements: all.then_some(view.statements),
        withheld: whole(value(view.withheld)),
    }))
}
