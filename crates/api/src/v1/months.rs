//! Where a month stands, and the sums of its charges.

use super::words::{WithheldView, parsed, value};
use crate::filter::{Listed, Nothing};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::Reach;
use app::month::BillView;
use axum::Json;
use axum::extract::Path;
use axum::response::Response;
use domain::authz::Action;
use kernel::Month;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(show_month))
        .routes(routes!(list_sums))
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
    /// Bills that were handed in, every version, by provider and version.
    bills: Vec<ReceivedBillView>,
    /// Statements by where they stand.
    statements: Option<BTreeMap<String, u64>>,
    /// What the month withheld, what was released since, what is left.
    withheld: Option<WithheldView>,
    /// The same of all closed months.
    withheld_ever: Option<WithheldView>,
}

/// A version of a provider's bill.
#[derive(Debug, Serialize, ToSchema)]
struct ReceivedBillView {
    /// Code of the provider.
    provider: String,
    /// From 1; the highest counts.
    version: i64,
    lines: i64,
    /// Units: yuan.
    total: String,
    received_at: String,
}

impl From<BillView> for ReceivedBillView {
    fn from(bill: BillView) -> Self {
        Self {
            provider: bill.provider,
            version: bill.version,
            lines: bill.lines,
            total: bill.total.to_string(),
            received_at: bill.received_at.to_string(),
        }
    }
}

/// A sum of charge lines.
#[derive(Debug, Serialize, ToSchema)]
struct SumView {
    /// Place in the list, for paging.
    place: String,
    /// Code of the provider.
    provider: String,
    /// Code of the organisation that is charged.
    organisation: String,
    /// Its name then.
    organisation_name: Option<String>,
    /// Code of the item; empty for what is short of a commitment.
    item: String,
    /// Its name then.
    item_name: Option<String>,
    /// usage, one_off, commitment or correction.
    kind: String,
    /// The month that is corrected; null for charges of the month itself.
    corrects: Option<String>,
    /// How many lines.
    lines: i64,
    /// At list prices. Units: yuan.
    list: String,
    /// What is charged. Units: yuan.
    amount: String,
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
    let bills = view
        .bills
        .into_iter()
        .filter(|bill| reach.holds(None, Some(&bill.provider)));
    Ok(Json(MonthBody {
        month: month.to_string(),
        closed_at: view.closed_at.map(|at| at.to_string()),
        metered: whole(value(view.metered)),
        rated: whole(value(view.rated)),
        reconciled: reconciled
            .map(|(provider, summary)| (provider, value(summary)))
            .collect(),
        bills: bills.map(ReceivedBillView::from).collect(),
        statements: all.then_some(view.statements),
        withheld: all.then(|| view.withheld.into()),
        withheld_ever: all.then(|| view.withheld_ever.into()),
    }))
}

/// Sums of a month's charges by provider, organisation and item; a provider sees its own once its bill was compared
#[utoipa::path(get, path = "/months/{month}/sums", tag = "main job", params(Paging, ("month" = String, Path, description = "As 2026-03")),
    responses((status = 200, description = "A page of sums", body = Page<SumView>)))]
async fn list_sums(
    asker: Asker,
    Path(month): Path<String>,
    Listed { paging, .. }: Listed<Nothing>,
) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::MonthRead, "month").await?;
    let view = app::month::show(&asker.ctx, parsed("month", &month)?).await?;
    // A bill is a provider's own reckoning: ours is not to be copied from before it has come in.
    let seen = |provider: &String| {
        reach == Reach::All || (reach.holds(None, Some(provider)) && view.reconciled.contains_key(provider))
    };
    let sums = view.sums.iter().filter(|sum| seen(&sum.provider));
    let views = sums.map(|sum| {
        let corrects = sum.corrects.map(|month| month.to_string());
        let place = [&sum.provider, &sum.organisation, &sum.item, &sum.kind].map(String::as_str);
        SumView {
            place: format!("{}/{}", place.join("/"), corrects.as_deref().unwrap_or_default()),
            provider: sum.provider.clone(),
            organisation: sum.organisation.clone(),
            organisation_name: view.names.get(&sum.organisation).cloned(),
            item: sum.item.clone(),
            item_name: view.names.get(&sum.item).cloned(),
            kind: sum.kind.clone(),
            corrects,
            lines: sum.lines,
            list: sum.list.to_string(),
            amount: sum.amount.to_string(),
        }
    });
    paging.answer(views.collect(), "place")
}
