//! One's own absences, who acts meanwhile, and who could.

use super::words::parsed;
use crate::filter::{Listed, Nothing};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::absences::{self, AbsenceView as Seen, Colleague, NewAbsence};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_absences, declare_absence))
        .routes(routes!(take_absence_back))
        .routes(routes!(list_colleagues))
}

/// An absence.
#[derive(Debug, Serialize, ToSchema)]
struct AbsenceView {
    id: String,
    /// Id of whoever is away.
    account: String,
    name: String,
    /// Id of whoever acts meanwhile.
    deputy: String,
    deputy_name: String,
    from: String,
    /// Not included.
    to: String,
    reason: String,
    said: String,
    /// When it was taken back.
    taken_back: Option<String>,
}

impl From<Seen> for AbsenceView {
    fn from(seen: Seen) -> Self {
        let absence = seen.absence;
        Self {
            id: absence.id.to_string(),
            account: absence.account.to_string(),
            name: seen.name,
            deputy: absence.deputy.to_string(),
            deputy_name: seen.deputy_name,
            from: absence.from.to_string(),
            to: absence.to.to_string(),
            reason: absence.reason,
            said: absence.created.to_string(),
            taken_back: absence.ended.map(|at| at.to_string()),
        }
    }
}

/// An absence to note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AbsenceBody {
    /// From when, as 2026-10-09T00:00:00+08:00 or 2026-10-09; now if that has passed.
    from: String,
    /// Until when, this moment not included.
    to: String,
    /// Id of the account that acts meanwhile: a colleague of the same organisation who may decide.
    deputy: String,
    #[serde(default)]
    reason: String,
}

/// Somebody of one's own organisation.
#[derive(Debug, Serialize, ToSchema)]
struct ColleagueView {
    /// Id of the account.
    id: String,
    name: String,
    /// The roles they hold.
    roles: Vec<String>,
    /// Those in Chinese.
    role_names: Vec<String>,
}

impl From<Colleague> for ColleagueView {
    fn from(colleague: Colleague) -> Self {
        let roles = &colleague.roles;
        Self {
            id: colleague.account.to_string(),
            roles: roles.iter().map(|role| role.word().to_owned()).collect(),
            role_names: roles.iter().map(|role| role.zh().to_owned()).collect(),
            name: colleague.name,
        }
    }
}

/// The people of one's own organisation who hold a role, by name
#[utoipa::path(get, path = "/colleagues", tag = "me", params(Paging),
    responses((status = 200, description = "A page of people", body = Page<ColleagueView>)))]
async fn list_colleagues(asker: Asker, Listed { paging, .. }: Listed<Nothing>) -> Result<Response, Problem> {
    let found = absences::colleagues(&asker.ctx).await?;
    paging.answer(found.into_iter().map(ColleagueView::from).collect(), "id")
}

/// One's own absences, and those in which one acts for somebody, the newest first
#[utoipa::path(get, path = "/me/absences", tag = "me",
    responses((status = 200, description = "The absences", body = Vec<AbsenceView>)))]
async fn list_absences(asker: Asker) -> Result<Json<Vec<AbsenceView>>, Problem> {
    let found = absences::list(&asker.ctx).await?;
    Ok(Json(found.into_iter().map(AbsenceView::from).collect()))
}

/// Say that one is away, and who acts meanwhile
#[utoipa::path(post, path = "/me/absences", tag = "me", request_body = AbsenceBody,
    responses((status = 201, description = "The absence", body = AbsenceView)))]
async fn declare_absence(change: Change<AbsenceBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: AbsenceBody| {
        asker.in_person()?;
        let new = NewAbsence {
            from: parsed("from", &body.from)?,
            to: parsed("to", &body.to)?,
            deputy: parsed("deputy", &body.deputy)?,
            reason: body.reason,
        };
        Ok(Answer::created(AbsenceView::from(
            absences::declare(&asker.ctx, new).await?,
        )))
    };
    change.once(make).await
}

/// Take an absence back, from now on
#[utoipa::path(delete, path = "/me/absences/{id}", tag = "me", params(("id" = String, Path, description = "Id of the absence")),
    responses((status = 204, description = "Taken back")))]
async fn take_absence_back(asker: Asker, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    asker.in_person()?;
    absences::take_back(&asker.ctx, parsed("id", &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
