//! Roles: proposed by the system administrator, approved by the security administrator.

use super::words::{parsed, whole};
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::accounts;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_roles, propose_role))
        .routes(routes!(decide_role))
        .routes(routes!(end_role))
}

/// Which assignments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RoleQuery {
    /// Only of this account, by id.
    account: Option<String>,
    /// Only in this state: proposed, in_force, refused, ended.
    state: Option<String>,
}

/// A role of an account.
#[derive(Debug, Serialize, ToSchema)]
struct RoleView {
    number: String,
    account: String,
    organisation: String,
    role: String,
    name: String,
    /// proposed, in_force, refused or ended.
    state: String,
    from: String,
    to: Option<String>,
    proposed_by: String,
    approved_by: String,
}

/// A role to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProposalBody {
    /// Id of the account.
    account: String,
    /// As `unit.applicant`.
    role: String,
}

/// The number of a proposal.
#[derive(Debug, Serialize, ToSchema)]
struct ProposedView {
    number: String,
}

/// A decision on a proposal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleDecisionBody {
    granted: bool,
}

/// All assignments of roles there ever were
#[utoipa::path(get, path = "/roles", tag = "roles", params(Paging, RoleQuery),
    responses((status = 200, description = "A page of assignments, by number", body = Page<RoleView>)))]
async fn list_roles(asker: Asker, Listed { filter, paging }: Listed<RoleQuery>) -> Result<Response, Problem> {
    let records = accounts::roles(&asker.ctx).await?;
    let rows = records.into_iter().map(|record| RoleView {
        number: record.number.to_string(),
        account: record.assignment.account.to_string(),
        organisation: record.assignment.organisation.to_string(),
        role: record.assignment.role.word().to_owned(),
        name: record.assignment.role.zh().to_owned(),
        state: record.state.word().to_owned(),
        from: record.assignment.from.to_string(),
        to: record.assignment.to.map(|to| to.to_string()),
        proposed_by: record.assignment.proposed_by,
        approved_by: record.assignment.approved_by,
    });
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    let rows = rows.filter(|row| is(&filter.account, &row.account) && is(&filter.state, &row.state));
    paging.answer(rows.collect(), "number")
}

/// Propose a role for an account
#[utoipa::path(post, path = "/roles", tag = "roles", request_body = ProposalBody,
    responses((status = 201, description = "The number of the proposal", body = ProposedView)))]
async fn propose_role(change: Change<ProposalBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: ProposalBody| {
        let (account, role) = (parsed("account", &body.account)?, parsed("role", &body.role)?);
        let number = accounts::propose_role(&asker.ctx, account, role).await?.to_string();
        Ok(Answer::created(ProposedView { number }))
    };
    change.once(make).await
}

/// Put a proposed role in force, or refuse it
#[utoipa::path(post, path = "/roles/{number}/decision", tag = "roles", request_body = RoleDecisionBody,
    params(("number" = String, Path, description = "Number of the proposal")), responses((status = 204, description = "Decided")))]
async fn decide_role(Path(number): Path<String>, change: Change<RoleDecisionBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: RoleDecisionBody| {
        accounts::approve_role(&asker.ctx, whole("number", &number)?, body.granted).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

/// Take a role back
#[utoipa::path(delete, path = "/roles/{number}", tag = "roles", params(("number" = String, Path, description = "Number of the assignment")),
    responses((status = 204, description = "Taken back")))]
async fn end_role(asker: Asker, Path(number): Path<String>) -> Result<StatusCode, Problem> {
    accounts::end_role(&asker.ctx, whole("number", &number)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
