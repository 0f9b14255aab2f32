//! Files that prove something: handed in for an application or an order, listed, and given back as they were.

use super::evidence_view::EvidenceView;
use super::words::parsed;
use super::{orders, requests};
use crate::download;
use crate::filter::Filter;
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use crate::upload::{FileName, Upload};
use app::evidence;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest file. Units: MiB.
const MIB_MAX: usize = evidence::SIZE_MAX >> 20;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_request_evidence, hand_in_for_request))
        .routes(routes!(list_order_evidence, hand_in_for_order))
        .routes(routes!(download_evidence))
}

/// A file that was handed in.
#[derive(Debug, Serialize, ToSchema)]
struct HandedInView {
    #[serde(flatten)]
    file: EvidenceView,
    /// SHA-256, hexadecimal.
    sha256: String,
}

async fn hand_in(asker: &Asker, (subject, name): (&str, &str), upload: Upload<MIB_MAX>) -> Result<Answer, Problem> {
    evidence::may_hand_in(&asker.ctx, subject).await?;
    let received = upload.receive(&asker.ctx).await?;
    let bytes = received.bytes()?;
    let record = evidence::hand_in(&asker.ctx, subject, name, &bytes).await?;
    debug_assert_eq!(record.digest, received.digest);
    Ok(Answer::created(HandedInView {
        file: record.into(),
        sha256: received.sha256.clone(),
    }))
}

/// The files of an application
#[utoipa::path(get, path = "/requests/{number}/evidence", tag = "evidence", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The files, in the order in which they came", body = Vec<EvidenceView>)))]
async fn list_request_evidence(asker: Asker, Path(number): Path<String>) -> Result<Json<Vec<EvidenceView>>, Problem> {
    requests::seen(&asker, &number).await?;
    listed(&asker, &number).await
}

/// The files of an order
#[utoipa::path(get, path = "/orders/{number}/evidence", tag = "evidence", params(("number" = String, Path, description = "Number of the order")),
    responses((status = 200, description = "The files, in the order in which they came", body = Vec<EvidenceView>)))]
async fn list_order_evidence(asker: Asker, Path(number): Path<String>) -> Result<Json<Vec<EvidenceView>>, Problem> {
    orders::seen(&asker, &number).await?;
    listed(&asker, &number).await
}

async fn listed(asker: &Asker, subject: &str) -> Result<Json<Vec<EvidenceView>>, Problem> {
    let files = evidence::list(&asker.ctx, subject).await;
    let files = files.map_err(|error| Problem::unseen(error, "事项", subject))?;
    Ok(Json(files.into_iter().map(EvidenceView::from).collect()))
}

/// Hand in a file about an application: PDF, PNG, JPEG, XLSX, CSV or TXT, at most 20 MiB
#[utoipa::path(post, path = "/requests/{number}/evidence", tag = "evidence",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(FileName, ("number" = String, Path, description = "Number of the application")),
    responses((status = 201, description = "What is recorded about it", body = HandedInView)))]
async fn hand_in_for_request(
    Path(number): Path<String>,
    Filter(file): Filter<FileName>,
    change: Change<Upload<MIB_MAX>>,
) -> Result<Response, Problem> {
    let make = async |asker: Asker, upload: Upload<MIB_MAX>| {
        requests::seen(&asker, &number).await?;
        hand_in(&asker, (&number, &file.name), upload).await
    };
    change.once(make).await
}

/// Hand in a file about an order: PDF, PNG, JPEG, XLSX, CSV or TXT, at most 20 MiB
#[utoipa::path(post, path = "/orders/{number}/evidence", tag = "evidence",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(FileName, ("number" = String, Path, description = "Number of the order")),
    responses((status = 201, description = "What is recorded about it", body = HandedInView)))]
async fn hand_in_for_order(
    Path(number): Path<String>,
    Filter(file): Filter<FileName>,
    change: Change<Upload<MIB_MAX>>,
) -> Result<Response, Problem> {
    let make = async |asker: Asker, upload: Upload<MIB_MAX>| {
        orders::seen(&asker, &number).await?;
        hand_in(&asker, (&number, &file.name), upload).await
    };
    change.once(make).await
}

/// A file, as it was handed in; its digest is checked first
#[utoipa::path(get, path = "/evidence/{id}", tag = "evidence", params(("id" = String, Path, description = "Id of the file")),
    responses((status = 200, description = "The file, in its own type", content((Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/pdf"),
        (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "text/csv"), (Vec<u8> = "text/plain"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
        headers(("X-Digest-SM3" = String, description = "SM3 of the file, hexadecimal")))))]
async fn download_evidence(State(api): State<Api>, asker: Asker, Path(id): Path<String>) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let opened = evidence::open(&asker.ctx, parsed("id", &id)?).await;
    let (record, file) = opened.map_err(|error| Problem::unseen(error, "凭证", &id))?;
    let detail = serde_json::json!({ "subject": record.subject, "digest": record.digest });
    app::audit::note(&asker.ctx, ("evidence.read", &id), &detail).await?;
    let media = match record.media_type.as_str() {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    };
    let mut response = download::file(file, &media, &record.name)?;
    if let Ok(digest) = record.digest.to_string().parse() {
        response.headers_mut().insert("x-digest-sm3", digest);
    }
    Ok(response)
}
