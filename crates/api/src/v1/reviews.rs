//! Expert reviews of an application: opened, interests declared, opinions heard, decided.

use super::words::{etag, parsed, parsed_if, value};
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::requests::{self, NewPanel, Panel, PanelDecision, PanelStep};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::registry::Spec;
use domain::rules::{Condition, Opinion, ReviewScope, Reviewer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_reviews, open_review))
        .routes(routes!(declare_interests))
        .routes(routes!(replace_reviewer))
        .routes(routes!(give_opinion))
        .routes(routes!(decide_review))
        .routes(routes!(meet_condition))
}

/// A review to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReviewBody {
    /// expert_review or technical_assessment.
    form: String,
    /// non_xinchuang, own_purchase or off_cloud.
    subject: String,
    /// Why the exception is needed.
    grounds: String,
    reviewers: Vec<PersonBody>,
}

/// Somebody who is to review.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    name: String,
    /// Where from.
    #[serde(default)]
    affiliation: String,
}

/// What a reviewer declares about interests.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InterestBody {
    reviewer: String,
    /// The conflict; none if there is none.
    conflict: Option<String>,
}

/// A reviewer with a conflict, and who comes instead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplacementBody {
    reviewer: String,
    /// Nobody if not given.
    by: Option<PersonBody>,
}

/// An opinion.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviewOpinion {
    reviewer: String,
    in_favour: bool,
    #[serde(default)]
    text: String,
}

/// What a review came to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviewDecisionBody {
    /// approve or reject.
    decision: String,
    /// What is granted; nothing beyond it is.
    #[serde(default)]
    scope: Vec<ScopeBody>,
    #[serde(default)]
    conditions: Vec<ConditionBody>,
    /// The first moment it no longer holds.
    expires: Option<String>,
}

/// So much of one kind.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScopeBody {
    /// Kind of resource, as `server`.
    kind: String,
    class: Option<String>,
    /// x86 or xinchuang.
    pool: Option<String>,
    /// The most that is granted, as `vcpu=16 memory_gib=64`.
    most: String,
}

/// Something the decision demands.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConditionBody {
    text: String,
    /// Whether it must be met before anything is opened.
    #[serde(default)]
    before_opening: bool,
    /// What shows that it is met.
    evidence: Option<String>,
}

/// What shows that a condition is met.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MetBody {
    /// The place of the condition in the decision, from 1.
    condition: usize,
    /// As the name and number of a report.
    evidence: String,
}

/// A review on its way, or over.
#[derive(Debug, Serialize, ToSchema)]
struct PanelView {
    code: String,
    form: String,
    subject: String,
    grounds: String,
    reviewers: Vec<ReviewerView>,
    /// Those who left because of a conflict of interest.
    recused: Vec<ReviewerView>,
    opinions: Vec<ReviewOpinion>,
    opened: String,
    /// approve or reject; none while it goes on.
    decision: Option<String>,
}

/// A reviewer and what they declared.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewerView {
    name: String,
    affiliation: String,
    declared: bool,
    conflict: Option<String>,
}

/// The reviews of an application.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewsBody {
    /// Counts the changes of these; also the ETag.
    version: i64,
    reviews: Vec<PanelView>,
}

fn reviewer(known: Reviewer) -> ReviewerView {
    ReviewerView {
        name: known.name,
        affiliation: known.affiliation,
        declared: known.declared,
        conflict: known.conflict,
    }
}

impl From<Panel> for PanelView {
    fn from(panel: Panel) -> Self {
        let opinion = |given: Opinion| ReviewOpinion {
            reviewer: given.reviewer,
            in_favour: given.in_favour,
            text: given.text,
        };
        Self {
            code: panel.code,
            form: panel.form.word().to_owned(),
            subject: panel.subject.word().to_owned(),
            grounds: panel.grounds,
            reviewers: panel.reviewers.into_iter().map(reviewer).collect(),
            recused: panel.recused.into_iter().map(reviewer).collect(),
            opinions: panel.opinions.into_iter().map(opinion).collect(),
            opened: panel.opened.to_string(),
            decision: panel.decision.map(|decision| decision.word().to_owned()),
        }
    }
}

/// The reviews of an application
#[utoipa::path(get, path = "/requests/{number}/reviews", tag = "reviews", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The reviews", body = ReviewsBody, headers(("ETag" = String, description = "Their version")))))]
async fn list_reviews(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let found = requests::panels(&asker.ctx, &number).await;
    let (panels, version) = found.map_err(|error| Problem::unseen(error, "申请", &number))?;
    let reviews = panels.into_iter().map(PanelView::from).collect();
    Ok((etag(version), Json(ReviewsBody { version, reviews })).into_response())
}

fn person(body: PersonBody) -> (String, String) {
    (body.name, body.affiliation)
}

/// Open a review of an application
#[utoipa::path(post, path = "/requests/{number}/reviews", tag = "reviews", request_body = NewReviewBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag of its reviews that was read")),
    responses((status = 201, description = "The review", body = PanelView)))]
async fn open_review(Path(number): Path<String>, change: Change<NewReviewBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: NewReviewBody| {
        let new = NewPanel {
            form: parsed("form", &body.form)?,
            subject: parsed("subject", &body.subject)?,
            grounds: body.grounds,
            reviewers: body.reviewers.into_iter().map(person).collect(),
        };
        let panel = requests::open_panel(&asker.ctx, (&number, version?), new).await?;
        Ok(Answer::created(PanelView::from(panel)))
    };
    change.once(make).await
}

async fn go_on<T>(
    (number, code): (String, String),
    change: Change<T>,
    step: impl FnOnce(T) -> PanelStep,
) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: T| {
        let panel = requests::go_on_with_panel(&asker.ctx, (&number, &code, version?), step(body)).await?;
        Ok(Answer::ok(PanelView::from(panel)))
    };
    change.once(make).await
}

/// Note what a reviewer declares about conflicts of interest
#[utoipa::path(post, path = "/requests/{number}/reviews/{code}/declarations", tag = "reviews", request_body = InterestBody,
    params(("number" = String, Path, description = "Number of the application"), ("code" = String, Path, description = "Number of the review"),
        ("If-Match" = String, Header, description = "The ETag of its reviews that was read")),
    responses((status = 200, description = "The review", body = PanelView)))]
async fn declare_interests(
    Path(about): Path<(String, String)>,
    change: Change<InterestBody>,
) -> Result<Response, Problem> {
    let step = |body: InterestBody| PanelStep::Declare {
        reviewer: body.reviewer,
        conflict: body.conflict,
    };
    go_on(about, change, step).await
}

/// Let a reviewer with a conflict of interest leave, and another come
#[utoipa::path(post, path = "/requests/{number}/reviews/{code}/replacements", tag = "reviews", request_body = ReplacementBody,
    params(("number" = String, Path, description = "Number of the application"), ("code" = String, Path, description = "Number of the review"),
        ("If-Match" = String, Header, description = "The ETag of its reviews that was read")),
    responses((status = 200, description = "The review", body = PanelView)))]
async fn replace_reviewer(
    Path(about): Path<(String, String)>,
    change: Change<ReplacementBody>,
) -> Result<Response, Problem> {
    let step = |body: ReplacementBody| PanelStep::Replace {
        reviewer: body.reviewer,
        by: body.by.map(person),
    };
    go_on(about, change, step).await
}

/// Note the opinion of a reviewer
#[utoipa::path(post, path = "/requests/{number}/reviews/{code}/opinions", tag = "reviews", request_body = ReviewOpinion,
    params(("number" = String, Path, description = "Number of the application"), ("code" = String, Path, description = "Number of the review"),
        ("If-Match" = String, Header, description = "The ETag of its reviews that was read")),
    responses((status = 200, description = "The review", body = PanelView)))]
async fn give_opinion(Path(about): Path<(String, String)>, change: Change<ReviewOpinion>) -> Result<Response, Problem> {
    let step = |body: ReviewOpinion| {
        PanelStep::Opine(Opinion {
            reviewer: body.reviewer,
            in_favour: body.in_favour,
            text: body.text,
        })
    };
    go_on(about, change, step).await
}

fn scope(body: ScopeBody) -> Result<ReviewScope, Problem> {
    Ok(ReviewScope {
        kind: parsed("kind", &body.kind)?,
        class: body.class,
        pool: parsed_if("pool", body.pool.as_deref())?,
        most: parsed("most", &body.most)?,
        used: Spec::new(),
    })
}

/// Decide a review; from then on the rules go by it, exactly as far as it says
#[utoipa::path(post, path = "/requests/{number}/reviews/{code}/decision", tag = "reviews", request_body = ReviewDecisionBody,
    params(("number" = String, Path, description = "Number of the application"), ("code" = String, Path, description = "Number of the review"),
        ("If-Match" = String, Header, description = "The ETag of its reviews that was read")),
    responses((status = 200, description = "The record of the review", body = Object)))]
async fn decide_review(
    Path((number, code)): Path<(String, String)>,
    change: Change<ReviewDecisionBody>,
) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ReviewDecisionBody| {
        let condition = |body: ConditionBody| Condition {
            text: body.text,
            before_opening: body.before_opening,
            evidence: body.evidence,
        };
        let decided = PanelDecision {
            decision: parsed("decision", &body.decision)?,
            scope: body.scope.into_iter().map(scope).collect::<Result<_, _>>()?,
            conditions: body.conditions.into_iter().map(condition).collect(),
            expires: parsed_if("expires", body.expires.as_deref())?,
        };
        let review = requests::decide_panel(&asker.ctx, (&number, &code, version?), decided).await?;
        let record: Value = value(review);
        Ok(Answer::ok(record))
    };
    change.once(make).await
}

/// Note what shows that a condition of a decided review is met; nothing is ordered before those that come first are
#[utoipa::path(post, path = "/requests/{number}/reviews/{code}/conditions", tag = "reviews", request_body = MetBody,
    params(("number" = String, Path, description = "Number of the application"), ("code" = String, Path, description = "Number of the review"),
        ("If-Match" = String, Header, description = "The ETag of its reviews that was read")),
    responses((status = 200, description = "The record of the review", body = Object)))]
async fn meet_condition(
    Path((number, code)): Path<(String, String)>,
    change: Change<MetBody>,
) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: MetBody| {
        let met = (body.condition, body.evidence.as_str());
        let review = requests::meet_condition(&asker.ctx, (&number, &code, version?), met).await?;
        let record: Value = value(review);
        Ok(Answer::ok(record))
    };
    change.once(make).await
}
