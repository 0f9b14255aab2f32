//! Applications: written, checked, handed in, decided.

use super::evidence_view::EvidenceView;
use super::words::{etag, parsed, parsed_if, value};
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Turn};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::requests::{self, Candidate, Draft, RequestFilter, RequestView};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::flow::{Act, ReturnTo};
use domain::request::ResourceRequest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_requests, make_request))
        .routes(routes!(check_thought))
        .routes(routes!(show_request, edit_request))
        .routes(routes!(check_request))
        .routes(routes!(submit_request))
        .routes(routes!(decide_request))
        .routes(routes!(list_candidates))
        .routes(routes!(withdraw_request))
}

/// Which applications.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestQuery {
    /// Only in this status.
    status: Option<String>,
    /// Only of this unit, by code.
    unit: Option<String>,
    /// Only for this system, by code.
    system: Option<String>,
}

/// An application in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestRow {
    number: String,
    /// What is asked for: new, change, extend, release, reclaim ...
    kind: String,
    /// Code of the unit.
    unit: String,
    /// Code of the system.
    system: String,
    reason: String,
    /// Where it stands.
    status: String,
    /// That in Chinese.
    stage: String,
    made: String,
    version: i64,
}

impl From<ResourceRequest> for RequestRow {
    fn from(request: ResourceRequest) -> Self {
        Self {
            kind: request.kind.word().to_owned(),
            unit: request.unit.to_string(),
            system: request.system.to_string(),
            reason: request.reason,
            status: request.status.word().to_owned(),
            stage: request.status.zh().to_owned(),
            made: request.created.to_string(),
            version: request.version,
            number: request.number,
        }
    }
}

/// What somebody writes into an application.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftBody {
    /// What is asked for.
    kind: String,
    /// Code of the system.
    system: String,
    #[serde(default)]
    reason: String,
    /// Letter, project approval, contract, with its number.
    #[serde(default)]
    basis: String,
    #[serde(default)]
    contact: String,
    /// Its lines, numbered from 1 in this order.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Value>,
    /// What the unit declares about the system.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    declared: Value,
}

fn nothing() -> Value {
    json!({})
}

impl DraftBody {
    fn draft(self) -> Result<Draft, Problem> {
        let value = serde_json::to_value(self).unwrap_or_default();
        serde_json::from_value(value).map_err(|why| Problem::field("申请内容", why.to_string()))
    }
}

/// An application, whole.
#[derive(Debug, Serialize, ToSchema)]
struct RequestBody {
    number: String,
    status: String,
    /// Counts its changes; also the ETag.
    version: i64,
    /// The application as it was written.
    #[schema(value_type = Object)]
    request: Value,
    /// What was frozen when it was last handed in.
    #[schema(value_type = Option<Object>)]
    frozen: Value,
    /// Its flow: nodes, tasks, opinions.
    #[schema(value_type = Option<Object>)]
    flow: Value,
    /// When the whole approval is due since it was last handed in; none if it is not timed.
    due: Option<String>,
    /// Whether the whole approval takes, or took, longer than that; none if it is not timed.
    overdue: Option<bool>,
    #[schema(value_type = Vec<Object>)]
    reviews: Value,
    /// Files about it.
    evidence: Vec<EvidenceView>,
    /// Names of everybody who appears in it, by account.
    #[schema(value_type = Object)]
    people: Value,
}

/// What somebody decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    /// claim, agree, disagree, return, urge, transfer or add_signer.
    act: String,
    /// Number of the task in the flow.
    task: u32,
    /// In one's words; the reason when disagreeing.
    #[serde(default)]
    opinion: String,
    /// What to mend, when disagreeing.
    #[serde(default)]
    advice: String,
    /// To which account, when transferring or adding a signer; to which node, when returning (the applicant, if not given).
    to: Option<String>,
    /// When an added signer signs: before, after or parallel; after if not given.
    position: Option<String>,
}

/// Somebody whom one may choose for a task of one's own.
#[derive(Debug, Serialize, ToSchema)]
struct CandidateView {
    /// Number of the task in the flow.
    task: u32,
    /// Id of the account, as `to` of a decision.
    id: String,
    name: String,
    /// Whether the task may be handed on to them.
    transfer: bool,
    /// Whether they may be asked to sign too.
    add_signer: bool,
}

impl From<Candidate> for CandidateView {
    fn from(candidate: Candidate) -> Self {
        Self {
            task: candidate.task,
            id: candidate.account.to_string(),
            name: candidate.name,
            transfer: candidate.transfer,
            add_signer: candidate.add_signer,
        }
    }
}

/// An opinion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpinionBody {
    #[serde(default)]
    opinion: String,
}

impl From<RequestView> for RequestBody {
    fn from(view: RequestView) -> Self {
        let people = view.people.iter().map(|(id, name)| (id.to_string(), json!(name)));
        let whole = view.flow.as_ref().and_then(|run| run.whole);
        Self {
            number: view.request.number.clone(),
            status: view.request.status.word().to_owned(),
            version: view.request.version,
            evidence: view.evidence.into_iter().map(Into::into).collect(),
            people: Value::Object(people.collect()),
            frozen: value(view.frozen),
            due: whole.map(|whole| whole.due.to_string()),
            overdue: view.overdue,
            flow: value(view.flow),
            reviews: value(view.reviews),
            request: value(view.request),
        }
    }
}

/// An application, if whoever asks may see it.
pub(super) async fn seen(asker: &Asker, number: &str) -> Result<ResourceRequest, Problem> {
    let found = requests::seen(&asker.ctx, number).await;
    found.map_err(|error| Problem::unseen(error, "申请", number))
}

/// Applications that one may see, the newest first
#[utoipa::path(get, path = "/requests", tag = "requests", params(RequestQuery,
    ("after" = Option<String>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 if not given", minimum = 1, maximum = 200),
    ("sort" = Option<String>, Query, description = "`number` for the oldest first, `-number` for the newest first; the newest first if not given"),
    ("format" = Option<String>, Query, description = "`csv` for the whole list as CSV")),
    responses((status = 200, description = "A page of applications", body = Page<RequestRow>)))]
async fn list_requests(asker: Asker, Listed { filter, paging }: Listed<RequestQuery>) -> Result<Response, Problem> {
    let filter = RequestFilter {
        status: parsed_if("status", filter.status.as_deref())?,
        unit: filter.unit,
        system: filter.system,
        ..RequestFilter::default()
    };
    let (ctx, filter) = (&asker.ctx, &filter);
    let read = |turn: Turn| async move {
        let filter = RequestFilter {
            after: turn.after,
            oldest_first: turn.oldest_first,
            ..filter.clone()
        };
        let found = requests::list(ctx, &filter, turn.limit).await?;
        Ok(found.into_iter().map(RequestRow::from).collect())
    };
    paging.answer_from("number", read).await
}

/// Write an application
#[utoipa::path(post, path = "/requests", tag = "requests", request_body = DraftBody,
    responses((status = 201, description = "The draft", body = RequestRow)))]
async fn make_request(change: Change<DraftBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: DraftBody| {
        let request = requests::make_draft(&asker.ctx, body.draft()?).await?;
        Ok(Answer::created(RequestRow::from(request)))
    };
    change.once(make).await
}

/// What would happen, without an application
#[utoipa::path(post, path = "/requests/check", tag = "requests", request_body = DraftBody,
    responses((status = 200, description = "Rules, costs, room and the way it would go", body = Object)))]
async fn check_thought(change: Change<DraftBody>) -> Result<Response, Problem> {
    let make =
        async |asker: Asker, body: DraftBody| Ok(Answer::ok(requests::check_thought(&asker.ctx, body.draft()?).await?));
    change.once(make).await
}

/// An application and what belongs to it
#[utoipa::path(get, path = "/requests/{number}", tag = "requests", params(("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "The application", body = RequestBody, headers(("ETag" = String, description = "Its version")))))]
async fn show_request(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let view = requests::show(&asker.ctx, &number).await;
    let view = view.map_err(|error| Problem::unseen(error, "申请", &number))?;
    Ok((etag(view.request.version), Json(RequestBody::from(view))).into_response())
}

/// Edit a draft, or what was returned
#[utoipa::path(post, path = "/requests/{number}", tag = "requests", request_body = DraftBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The draft", body = RequestRow)))]
async fn edit_request(Path(number): Path<String>, change: Change<DraftBody>) -> Result<Response, Problem> {
    let seen = change.seen();
    let make = async |asker: Asker, body: DraftBody| {
        let request = requests::edit_draft(&asker.ctx, &number, seen?, body.draft()?).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}

/// What would happen if it were handed in now
#[utoipa::path(get, path = "/requests/{number}/check", tag = "requests", params(("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "Rules, costs, room and the way it would go", body = Object)))]
async fn check_request(asker: Asker, Path(number): Path<String>) -> Result<Json<Value>, Problem> {
    Ok(Json(value(requests::check(&asker.ctx, &number).await?)))
}

/// Hand it in
#[utoipa::path(post, path = "/requests/{number}/submit", tag = "requests",
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "Where it stands", body = RequestRow)))]
async fn submit_request(Path(number): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let seen = change.seen();
    let make = async |asker: Asker, ()| {
        let request = requests::submit(&asker.ctx, &number, seen?).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}

/// Decide on a task of its flow, or pass it on
#[utoipa::path(post, path = "/requests/{number}/decisions", tag = "requests", request_body = DecisionBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "Where it stands", body = RequestRow)))]
async fn decide_request(Path(number): Path<String>, change: Change<DecisionBody>) -> Result<Response, Problem> {
    let seen = change.seen();
    let make = async |asker: Asker, body: DecisionBody| {
        let request = requests::decide(&asker.ctx, &number, seen?, act(body)?).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}

fn act(body: DecisionBody) -> Result<Act, Problem> {
    let DecisionBody {
        act,
        task,
        opinion,
        advice,
        to,
        position,
    } = body;
    match act.as_str() {
        "claim" => Ok(Act::Claim { task }),
        "agree" => Ok(Act::Agree { task, opinion }),
        "disagree" => Ok(Act::Disagree {
            task,
            reason: opinion,
            advice,
        }),
        "return" => Ok(Act::Return {
            task,
            to: match to {
                None => ReturnTo::Applicant,
                Some(node) => {
                    let code = serde_json::from_value(Value::String(node));
                    ReturnTo::Node(code.map_err(|why| Problem::field("to", why.to_string()))?)
                }
            },
            reason: opinion,
        }),
        "urge" => Ok(Act::Urge { task }),
        "transfer" => Ok(Act::Transfer {
            task,
            to: parsed("to", to.as_deref().unwrap_or_default())?,
            opinion,
        }),
        "add_signer" => Ok(Act::AddSigner {
            task,
            signer: parsed("to", to.as_deref().unwrap_or_default())?,
            position: parsed("position", position.as_deref().unwrap_or("after"))?,
            opinion,
        }),
        _ => Err(Problem::field(
            "act",
            "应为 claim、agree、disagree、return、urge、transfer 或 add_signer",
        )),
    }
}

/// Whom one may choose for the tasks that one holds in it: to hand one on, or to sign too
#[utoipa::path(get, path = "/requests/{number}/candidates", tag = "requests", params(("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "The people, by task; none if one holds no task", body = Vec<CandidateView>)))]
async fn list_candidates(asker: Asker, Path(number): Path<String>) -> Result<Json<Vec<CandidateView>>, Problem> {
    let found = requests::candidates(&asker.ctx, &number).await?;
    Ok(Json(found.into_iter().map(CandidateView::from).collect()))
}

/// Take it back
#[utoipa::path(post, path = "/requests/{number}/withdrawal", tag = "requests", request_body = OpinionBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "Where it stands", body = RequestRow)))]
async fn withdraw_request(Path(number): Path<String>, change: Change<OpinionBody>) -> Result<Response, Problem> {
    let seen = change.seen();
    let make = async |asker: Asker, body: OpinionBody| {
        let request = requests::withdraw(&asker.ctx, &number, seen?, &body.opinion).await?;
        Ok(Answer::ok(RequestRow::from(request)))
    };
    change.once(make).await
}
