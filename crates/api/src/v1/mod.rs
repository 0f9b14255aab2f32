//! The operations of `/api/v1`, one module an area: parse, call a use case, map to a view.

mod absences;
mod access;
mod accounts;
mod archives;
mod audit;
mod cases;
mod charges;
mod drafts;
mod endings;
mod evidence;
mod evidence_view;
mod health;
mod imports;
mod inventory;
mod jobs;
mod limits;
mod me;
mod messages;
mod month_documents;
mod month_work;
mod months;
mod nodes;
mod offers;
mod orders;
mod price_books;
mod registers;
mod requests;
mod reviews;
mod roles;
mod sessions;
mod sign_in;
mod statements;
mod trials;
mod webhooks;
mod words;

use crate::problem::ProblemBody;
use crate::state::Api;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// What every answer may be made of.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody)))]
struct Base;

/// All operations.
pub(crate) fn operations() -> OpenApiRouter<Api> {
    let areas = OpenApiRouter::new()
        .merge(health::routes())
        .merge(sessions::routes())
        .merge(sign_in::routes())
        .merge(access::routes())
        .merge(me::routes())
        .merge(messages::routes())
        .merge(absences::routes())
        .merge(jobs::routes())
        .merge(webhooks::routes())
        .merge(requests::routes())
        .merge(drafts::routes())
        .merge(reviews::routes())
        .merge(archives::routes())
        .merge(limits::routes())
        .merge(evidence::routes())
        .merge(offers::routes())
        .merge(orders::routes())
        .merge(trials::routes())
        .merge(endings::routes())
        .merge(accounts::routes())
        .merge(roles::routes())
        .merge(nodes::routes())
        .merge(inventory::routes())
        .merge(months::routes())
        .merge(month_work::routes())
        .merge(month_documents::routes())
        .merge(imports::routes())
        .merge(registers::routes())
        .merge(price_books::routes())
        .merge(charges::routes())
        .merge(statements::routes())
        .merge(cases::routes())
        .merge(audit::routes());
    OpenApiRouter::with_openapi(Base::openapi()).nest("/api/v1", areas)
}
