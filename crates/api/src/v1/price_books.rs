//! Price books: their versions, and the approval of what somebody else prepared.

use super::words::{parsed, value, whole};
use crate::filter::{Listed, Nothing};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::price_books::{self, PriceBookRecord};
use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_price_books))
        .routes(routes!(approve_price_book))
}

/// A version of the prices of a contract.
#[derive(Debug, Serialize, ToSchema)]
struct PriceBookView {
    /// Contract and version.
    label: String,
    contract: String,
    version: u32,
    effective_from: String,
    source: String,
    /// Who approved it by the paper it was imported from.
    approver: String,
    /// Whether it waits for an approval here; no month is closed meanwhile.
    waits: bool,
    /// Login name of who imported it; null if the operator at the machine did.
    prepared_by: Option<String>,
    approved_by: Option<String>,
    approved_at: Option<String>,
    opinion: Option<String>,
    #[schema(value_type = Vec<Object>)]
    lines: Value,
}

impl From<PriceBookRecord> for PriceBookView {
    fn from(record: PriceBookRecord) -> Self {
        let waits = record.waits();
        let (book, approval) = (record.book, record.approval);
        Self {
            label: book.label(),
            contract: book.contract.to_string(),
            version: book.version,
            effective_from: book.effective_from.to_string(),
            source: book.source,
            approver: book.approver,
            waits,
            prepared_by: record.preparer,
            approved_by: approval.as_ref().map(|approval| approval.by.clone()),
            approved_at: approval.as_ref().map(|approval| approval.at.to_string()),
            opinion: approval.map(|approval| approval.opinion),
            lines: value(book.lines),
        }
    }
}

/// An approval.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApprovalBody {
    /// For example the number of the decision.
    opinion: String,
}

/// Every version of the price books; a provider sees those of its contracts
#[utoipa::path(get, path = "/price-books", tag = "registers", params(Paging),
    responses((status = 200, description = "A page of versions", body = Page<PriceBookView>)))]
async fn list_price_books(asker: Asker, Listed { paging, .. }: Listed<Nothing>) -> Result<Response, Problem> {
    let found = price_books::list(&asker.ctx).await?;
    paging.answer(found.into_iter().map(PriceBookView::from).collect(), "label")
}

/// Approve a version that somebody else imported
#[utoipa::path(post, path = "/price-books/{contract}/{version}/approval", tag = "registers", request_body = ApprovalBody,
    params(("contract" = String, Path, description = "Number of the contract"), ("version" = String, Path, description = "As 2")),
    responses((status = 201, description = "The version, approved", body = PriceBookView)))]
async fn approve_price_book(
    Path((contract, version)): Path<(String, String)>,
    change: Change<ApprovalBody>,
) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: ApprovalBody| {
        let book = (&parsed("contract", &contract)?, whole("version", &version)?);
        let approved = price_books::approve(&asker.ctx, book, &body.opinion).await?;
        Ok(Answer::created(PriceBookView::from(approved)))
    };
    change.once(make).await
}
