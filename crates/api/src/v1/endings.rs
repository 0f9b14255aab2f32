//! The end of resources: proposals to take them back, notice, answer and objection, and the proof of erasure.

use super::requests::{RequestRow, seen};
use super::words::{etag, parsed};
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::orders::{self, NewProof};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::request::{Ending, ErasureProof};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(propose_reclaim))
        .routes(routes!(show_ending))
        .routes(routes!(reply_to_ending))
        .routes(routes!(decide_objection))
        .routes(routes!(list_proofs, hand_in_proof))
        .routes(routes!(check_proof))
}

/// Resources to be taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReclaimBody {
    /// Numbers of resources, all of one system.
    allocations: Vec<String>,
    /// Why, for example what the analysis of use found.
    grounds: String,
    /// Whom to ask.
    #[serde(default)]
    contact: String,
}

/// An end that was announced.
#[derive(Debug, Serialize, ToSchema)]
struct EndingView {
    cause: String,
    /// When it was announced.
    noticed: String,
    /// Nothing is touched before then.
    due: String,
    /// Whether a snapshot is taken first.
    snapshot: bool,
    /// The unit's objection, while it is not decided.
    objection: Option<String>,
}

impl From<Ending> for EndingView {
    fn from(ending: Ending) -> Self {
        Self {
            cause: ending.cause,
            noticed: ending.noticed.to_string(),
            due: ending.due.to_string(),
            snapshot: ending.snapshot,
            objection: ending.reply,
        }
    }
}

/// The unit's answer to an announced end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplyBody {
    /// Whether it agrees: then nothing is waited for any longer.
    agrees: bool,
    /// Why not; required for an objection.
    #[serde(default)]
    words: String,
    /// Whether a snapshot is to be taken first.
    #[serde(default)]
    snapshot: bool,
}

/// What is decided about an objection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeepBody {
    /// Whether the resources are kept.
    keep: bool,
    why: String,
}

/// A proof that the data of a resource is erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProofBody {
    /// Number of the resource.
    allocation: String,
    /// node_answer, overwritten, key_destroyed or medium_destroyed.
    method: String,
    /// Whether memory, storage, replicas, snapshots and backups are all covered.
    covers_copies: bool,
    /// Id of the file that says so, handed in for this application.
    evidence: String,
    /// When it was erased.
    at: String,
}

/// A proof as it was handed in.
#[derive(Debug, Serialize, ToSchema)]
struct ProofView {
    allocation: String,
    method: String,
    covers_copies: bool,
    evidence: String,
    /// SM3 digest of the file.
    digest: String,
    /// Id of the account that handed it in.
    by: String,
    /// Id of the account that checked it.
    checked_by: Option<String>,
    at: String,
}

impl From<ErasureProof> for ProofView {
    fn from(proof: ErasureProof) -> Self {
        Self {
            allocation: proof.allocation.to_string(),
            method: proof.method.word().to_owned(),
            covers_copies: proof.covers_copies,
            evidence: proof.evidence.to_string(),
            digest: proof.digest.to_string(),
            by: proof.by.to_string(),
            checked_by: proof.checked_by.map(|who| who.to_string()),
            at: proof.at.to_string(),
        }
    }
}

/// Propose to take resources back; the proposal is a draft, handed in like any application
#[utoipa::path(post, path = "/reclaims", tag = "orders", request_body = ReclaimBody,
    responses((status = 201, description = "The proposal", body = RequestRow)))]
async fn propose_reclaim(change: Change<ReclaimBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: ReclaimBody| {
        let codes = body.allocations.iter().map(|code| parsed("allocations", code));
        let codes = codes.collect::<Result<Vec<_>, Problem>>()?;
        let request = orders::propose_reclaim(&asker.ctx, &codes, &body.grounds, &body.contact).await?;
        Ok(Answer::created(RequestRow::from(request)))
    };
    change.once(make).await
}

/// The announced end of the resources of an application; null if there is none
#[utoipa::path(get, path = "/requests/{number}/ending", tag = "orders", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The end", body = Option<EndingView>, headers(("ETag" = String, description = "Version of the application")))))]
async fn show_ending(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let request = seen(&asker, &number).await?;
    let ending = orders::ending_of(&asker.ctx, &number).await;
    let ending = ending.map_err(|error| Problem::unseen(error, "申请", &number))?;
    Ok((etag(request.version), Json(ending.map(EndingView::from))).into_response())
}

/// Answer an announced end: agree, or object
#[utoipa::path(post, path = "/requests/{number}/ending/reply", tag = "orders", request_body = ReplyBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The end", body = EndingView)))]
async fn reply_to_ending(Path(number): Path<String>, change: Change<ReplyBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ReplyBody| {
        seen(&asker, &number).await?;
        let reply = (body.agrees, body.words.as_str(), body.snapshot);
        let ending = orders::reply_to_end(&asker.ctx, (&number, Some(version?)), reply).await?;
        Ok(Answer::ok(EndingView::from(ending)))
    };
    change.once(make).await
}

/// Decide on an objection: the resources are kept, or end all the same
#[utoipa::path(post, path = "/requests/{number}/ending/decision", tag = "orders", request_body = KeepBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "Where it stands", body = RequestRow)))]
async fn decide_objection(Path(number): Path<String>, change: Change<KeepBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: KeepBody| {
        seen(&asker, &number).await?;
        let decision = (body.keep, body.why.as_str());
        let request = orders::decide_objection(&asker.ctx, (&number, Some(version?)), decision).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}

/// The proofs of erasure of an ended application
#[utoipa::path(get, path = "/requests/{number}/erasure-proofs", tag = "orders", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The proofs", body = Vec<ProofView>, headers(("ETag" = String, description = "Version of the application")))))]
async fn list_proofs(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let request = seen(&asker, &number).await?;
    let proofs = orders::proofs(&asker.ctx, &number).await;
    let proofs = proofs.map_err(|error| Problem::unseen(error, "申请", &number))?;
    let views: Vec<ProofView> = proofs.into_iter().map(ProofView::from).collect();
    Ok((etag(request.version), Json(views)).into_response())
}

/// Hand in the proof for one resource, in place of an earlier one
#[utoipa::path(post, path = "/requests/{number}/erasure-proofs", tag = "orders", request_body = ProofBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 201, description = "The proof", body = ProofView)))]
async fn hand_in_proof(Path(number): Path<String>, change: Change<ProofBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ProofBody| {
        seen(&asker, &number).await?;
        let new = NewProof {
            allocation: parsed("allocation", &body.allocation)?,
            method: parsed("method", &body.method)?,
            covers_copies: body.covers_copies,
            evidence: parsed("evidence", &body.evidence)?,
            at: parsed("at", &body.at)?,
        };
        let proof = orders::hand_in_proof(&asker.ctx, (&number, Some(version?)), new).await?;
        Ok(Answer::created(ProofView::from(proof)))
    };
    change.once(make).await
}

/// Confirm that the proof for a resource is good; the last one archives the application
#[utoipa::path(post, path = "/requests/{number}/erasure-proofs/{allocation}/check", tag = "orders",
    params(("number" = String, Path, description = "Number of the application"), ("allocation" = String, Path, description = "Number of the resource"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "Where it stands", body = RequestRow)))]
async fn check_proof(
    Path((number, allocation)): Path<(String, String)>,
    change: Change<()>,
) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, ()| {
        seen(&asker, &number).await?;
        let allocation = parsed("allocation", &allocation)?;
        let request = orders::check_proof(&asker.ctx, (&number, Some(version?)), &allocation).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}
