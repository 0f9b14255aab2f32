//! Cases: what a person must look at.

use super::words::{flag, parsed, parsed_if};
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::cases::{self, CaseFilter, CaseState, SettleCase};
use axum::extract::Path;
use axum::response::Response;
use domain::authz::Action;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_cases))
        .routes(routes!(settle_case))
}

/// Which cases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CaseQuery {
    /// open, settled or all; open if not given.
    state: Option<String>,
    /// Only of this kind.
    kind: Option<String>,
    /// Only of this owner: code of an organisation.
    owner: Option<String>,
    /// true for open ones whose deadline has passed only.
    #[param(value_type = Option<bool>)]
    overdue: Option<String>,
}

/// A case.
#[derive(Debug, Serialize, ToSchema)]
struct CaseView {
    id: String,
    kind: String,
    /// The kind in Chinese.
    name: String,
    subject: String,
    /// Who has to look: code of an organisation.
    owner: String,
    detail: String,
    since: String,
    opened_at: String,
    deadline: String,
    month: String,
    /// How it ended; none while it is open.
    outcome: Option<String>,
    reason: Option<String>,
    ended_by: Option<String>,
    ended_at: Option<String>,
}

/// How a case ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettlementBody {
    /// corrected, accepted or mistaken.
    outcome: String,
    reason: String,
}

/// The case that ended.
#[derive(Debug, Serialize, ToSchema)]
struct SettledView {
    id: String,
    outcome: Option<String>,
}

/// Cases, the oldest first
#[utoipa::path(get, path = "/cases", tag = "main job", params(Paging, CaseQuery),
    responses((status = 200, description = "A page of cases", body = Page<CaseView>)))]
async fn list_cases(asker: Asker, Listed { filter, paging }: Listed<CaseQuery>) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::CaseRead, "case").await?;
    let state = match filter.state.as_deref() {
        None | Some("open") => CaseState::Open,
        Some("settled") => CaseState::Settled,
        Some("all") => CaseState::All,
        Some(_) => return Err(Problem::field("state", "应为 open、settled 或 all")),
    };
    let filter = CaseFilter {
        state,
        kind: parsed_if("kind", filter.kind.as_deref())?,
        owner: filter.owner,
        overdue: flag("overdue", filter.overdue.as_deref())?,
    };
    let cases = cases::list(&asker.ctx, &filter).await?.into_iter();
    let seen = cases.filter(|case| reach.holds(Some(&case.finding.owner), Some(&case.finding.owner)));
    let views = seen.map(|case| CaseView {
        id: case.id.to_string(),
        kind: case.finding.kind.word().to_owned(),
        name: case.finding.kind.zh().to_owned(),
        subject: case.finding.subject,
        owner: case.finding.owner,
        detail: case.finding.detail,
        since: case.finding.since.to_string(),
        opened_at: case.opened_at.to_string(),
        deadline: case.deadline.to_string(),
        month: case.month.to_string(),
        outcome: case.ended.as_ref().map(|ended| ended.outcome.word().to_owned()),
        reason: case.ended.as_ref().map(|ended| ended.reason.clone()),
        ended_by: case.ended.as_ref().map(|ended| ended.by.clone()),
        ended_at: case.ended.as_ref().map(|ended| ended.at.to_string()),
    });
    paging.answer(views.collect(), "id")
}

/// Settle a case
#[utoipa::path(post, path = "/cases/{id}/settlement", tag = "main job", request_body = SettlementBody,
    params(("id" = String, Path, description = "Id of the case")),
    responses((status = 200, description = "Settled", body = SettledView)))]
async fn settle_case(Path(id): Path<String>, change: Change<SettlementBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: SettlementBody| {
        let input = SettleCase {
            id: parsed("id", &id)?,
            outcome: parsed("outcome", &body.outcome)?,
            reason: body.reason,
        };
        let case = cases::settle(&asker.ctx, input).await?;
        Ok(Answer::ok(SettledView {
            id: case.id.to_string(),
            outcome: case.ended.map(|ended| ended.outcome.word().to_owned()),
        }))
    };
    change.once(make).await
}
