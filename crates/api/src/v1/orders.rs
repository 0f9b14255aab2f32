//! Work orders: what is to be opened, changed or ended, carried out by the platform or by a person with evidence.

use super::evidence_view::EvidenceView;
use super::words::{etag, parsed, parsed_if};
use crate::filter::{Listed, Nothing};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging, Turn};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::orders::{self, HandNote, HandStep, OrderFilter, OrderView, StuckOrder};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use domain::work::{Step, WorkOrder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_orders))
        .routes(routes!(list_stuck_orders))
        .routes(routes!(show_order))
        .routes(routes!(start_order))
        .routes(routes!(record_steps))
        .routes(routes!(complete_order))
        .routes(routes!(take_order_over))
        .routes(routes!(refuse_order))
        .routes(routes!(resume_order))
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrderQuery {
    /// Only in this state: waiting, running, undoing, done, undone, needs_person.
    state: Option<String>,
    /// Only of this application, by number.
    request: Option<String>,
    /// Only of this provider, by code.
    provider: Option<String>,
}

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderRow {
    number: String,
    /// The application it is for.
    request: String,
    /// open, change or end.
    kind: String,
    /// interface or by_hand.
    manner: String,
    provider: String,
    node: String,
    state: String,
    /// The state in Chinese.
    stage: String,
    opened: String,
    due: Option<String>,
    /// Why a person must look, or why it was undone.
    trouble: Option<String>,
    version: i64,
}

impl From<&WorkOrder> for OrderRow {
    fn from(order: &WorkOrder) -> Self {
        Self {
            number: order.number.clone(),
            request: order.request.clone(),
            kind: order.kind.word().to_owned(),
            manner: order.manner.word().to_owned(),
            provider: order.provider.to_string(),
            node: order.node.to_string(),
            state: order.state.word().to_owned(),
            stage: order.state.zh().to_owned(),
            opened: order.opened.to_string(),
            due: order.due.map(|due| due.to_string()),
            trouble: order.trouble.clone(),
            version: order.version,
        }
    }
}

/// An order that a person should look at.
#[derive(Debug, Serialize, ToSchema)]
struct StuckOrderView {
    #[serde(flatten)]
    order: OrderRow,
    /// Why it is here.
    why: String,
    /// How long it has been open. Units: seconds.
    age_s: i64,
}

impl From<StuckOrder> for StuckOrderView {
    fn from(stuck: StuckOrder) -> Self {
        Self {
            order: OrderRow::from(&stuck.order),
            why: stuck.why,
            age_s: stuck.age_s,
        }
    }
}

/// A step of an order, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
struct StepView {
    /// Its place in the order, from 1.
    step: usize,
    kind: String,
    /// The kind in Chinese.
    name: String,
    /// Number of the resource.
    allocation: String,
    /// Kind of the resource.
    resource: String,
    class: String,
    /// What it shall have, as `vcpu=4 memory_gib=8`.
    spec: String,
    /// What it had, for a change.
    before: Option<String>,
    state: String,
    /// The state in Chinese.
    stage: String,
    attempts: u32,
    /// The node's id of the resource.
    native_id: Option<String>,
    /// What the node said last, or what the person said.
    answer: String,
    /// What a person noted; none for steps of the platform.
    note: Option<NoteView>,
}

/// What a person noted of a step.
#[derive(Debug, Serialize, ToSchema)]
struct NoteView {
    /// Id of the file that shows it.
    evidence: String,
    /// When it was done, by the evidence.
    done_at: String,
    words: String,
    /// Id of the account.
    by: String,
    /// Its name.
    by_name: Option<String>,
    /// When it was noted.
    at: String,
}

/// An order, whole.
#[derive(Debug, Serialize, ToSchema)]
struct OrderBody {
    #[serde(flatten)]
    order: OrderRow,
    pool: Option<String>,
    contract: String,
    steps: Vec<StepView>,
    /// Files about it.
    evidence: Vec<EvidenceView>,
}

impl From<OrderView> for OrderBody {
    fn from(view: OrderView) -> Self {
        let names: BTreeMap<String, String> = view
            .people
            .iter()
            .map(|(id, name)| (id.to_string(), name.clone()))
            .collect();
        let steps = view.order.steps.iter().enumerate();
        Self {
            steps: steps
                .map(|(n, step)| step_view(n + 1, step, view.notes.get(&(n + 1)), &names))
                .collect(),
            pool: view.order.pool.as_ref().map(ToString::to_string),
            contract: view.order.contract.to_string(),
            order: OrderRow::from(&view.order),
            evidence: view.evidence.into_iter().map(Into::into).collect(),
        }
    }
}

fn step_view(place: usize, step: &Step, note: Option<&HandNote>, names: &BTreeMap<String, String>) -> StepView {
    StepView {
        step: place,
        kind: step.kind.word().to_owned(),
        name: step.kind.zh().to_owned(),
        allocation: step.allocation.to_string(),
        resource: step.resource.word().to_owned(),
        class: step.class.clone(),
        spec: step.spec.to_string(),
        before: step.before.as_ref().map(ToString::to_string),
        state: step.state.word().to_owned(),
        stage: step.state.zh().to_owned(),
        attempts: step.attempts,
        native_id: step.native_id.clone(),
        answer: step.said(),
        note: note.map(|note| NoteView {
            evidence: note.done.evidence.to_string(),
            done_at: note.done.done_at.to_string(),
            words: note.done.words.clone(),
            by_name: names.get(&note.by.to_string()).cloned(),
            by: note.by.to_string(),
            at: note.at.to_string(),
        }),
    }
}

/// Steps that were done by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepsBody {
    steps: Vec<DoneStep>,
}

/// A step that was done by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DoneStep {
    /// Its place in the order, from 1.
    #[schema(minimum = 1)]
    step: usize,
    /// The node's id of the resource; needed for what a node lists.
    native_id: Option<String>,
    /// Id of the file that shows it, handed in for this order.
    evidence: String,
    /// When it was done, by the evidence.
    done_at: String,
    #[serde(default)]
    words: String,
}

/// Why somebody steps in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReasonBody {
    /// What was found, in one's words.
    why: String,
}

/// An order, if whoever asks may see it.
pub(super) async fn seen(asker: &Asker, number: &str) -> Result<WorkOrder, Problem> {
    let found = orders::order(&asker.ctx, number).await;
    found.map_err(|error| Problem::unseen(error, "工单", number))
}

/// Work orders, the newest first
#[utoipa::path(get, path = "/orders", tag = "orders", params(OrderQuery,
    ("after" = Option<String>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "Rows of a page, 1 to 200; 50 if not given", minimum = 1, maximum = 200),
    ("sort" = Option<String>, Query, description = "`number` for the oldest first, `-number` for the newest first; the newest first if not given"),
    ("format" = Option<String>, Query, description = "`csv` for the whole list as CSV")),
    responses((status = 200, description = "A page of orders", body = Page<OrderRow>)))]
async fn list_orders(asker: Asker, Listed { filter, paging }: Listed<OrderQuery>) -> Result<Response, Problem> {
    let state = parsed_if("state", filter.state.as_deref())?;
    let filter = OrderFilter {
        state,
        request: filter.request,
        provider: filter.provider,
        ..OrderFilter::default()
    };
    let (ctx, filter) = (&asker.ctx, &filter);
    let read = |turn: Turn| async move {
        let filter = OrderFilter {
            after: turn.after,
            oldest_first: turn.oldest_first,
            ..filter.clone()
        };
        let found = orders::list(ctx, &filter, turn.limit).await?;
        Ok(found.iter().map(OrderRow::from).collect())
    };
    paging.answer_from("number", read).await
}

/// Orders that a person should look at: overdue, or waiting for somebody; the oldest first
#[utoipa::path(get, path = "/orders/stuck", tag = "orders", params(Paging),
    responses((status = 200, description = "A page of orders", body = Page<StuckOrderView>)))]
async fn list_stuck_orders(asker: Asker, Listed { paging, .. }: Listed<Nothing>) -> Result<Response, Problem> {
    let stuck = orders::stuck_orders(&asker.ctx).await?;
    paging.answer(stuck.into_iter().map(StuckOrderView::from).collect(), "number")
}

/// An order with its steps and what came of them
#[utoipa::path(get, path = "/orders/{number}", tag = "orders", params(("number" = String, Path, description = "Its number")),
    responses((status = 200, description = "The order", body = OrderBody, headers(("ETag" = String, description = "Its version")))))]
async fn show_order(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let view = orders::show(&asker.ctx, &number).await;
    let view = view.map_err(|error| Problem::unseen(error, "工单", &number))?;
    Ok((etag(view.order.version), Json(OrderBody::from(view))).into_response())
}

/// Begin an order by hand; whoever does accepts nothing of it
#[utoipa::path(post, path = "/orders/{number}/start", tag = "orders",
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The order", body = OrderRow)))]
async fn start_order(Path(number): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, ()| {
        seen(&asker, &number).await?;
        let order = orders::begin_by_hand(&asker.ctx, (&number, Some(version?))).await?;
        Ok(Answer::ok(OrderRow::from(&order)))
    };
    change.once(make).await
}

/// Note what was done for steps of an order, each with its evidence
#[utoipa::path(post, path = "/orders/{number}/steps", tag = "orders", request_body = StepsBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The order", body = OrderRow)))]
async fn record_steps(Path(number): Path<String>, change: Change<StepsBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: StepsBody| {
        seen(&asker, &number).await?;
        let step = |done: DoneStep| {
            Ok(HandStep {
                step: done.step,
                native_id: done.native_id,
                evidence: parsed("evidence", &done.evidence)?,
                done_at: parsed("done_at", &done.done_at)?,
                words: done.words,
            })
        };
        let steps = body.steps.into_iter().map(step).collect::<Result<Vec<_>, Problem>>()?;
        let order = orders::record_by_hand(&asker.ctx, (&number, Some(version?)), steps).await?;
        Ok(Answer::ok(OrderRow::from(&order)))
    };
    change.once(make).await
}

/// Finish an order by hand, once every step has its evidence
#[utoipa::path(post, path = "/orders/{number}/completion", tag = "orders",
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The order", body = OrderRow)))]
async fn complete_order(Path(number): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, ()| {
        seen(&asker, &number).await?;
        let order = orders::finish_by_hand(&asker.ctx, (&number, Some(version?))).await?;
        Ok(Answer::ok(OrderRow::from(&order)))
    };
    change.once(make).await
}

/// Take an order over that the platform could not carry out: the rest is done by hand
#[utoipa::path(post, path = "/orders/{number}/take-over", tag = "orders", request_body = ReasonBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The order that goes on", body = OrderRow)))]
async fn take_order_over(Path(number): Path<String>, change: Change<ReasonBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ReasonBody| {
        seen(&asker, &number).await?;
        let order = orders::take_over_by_hand(&asker.ctx, (&number, Some(version?)), &body.why).await?;
        Ok(Answer::ok(OrderRow::from(&order)))
    };
    change.once(make).await
}

/// Refuse an order, with a reason; the authority goes on with it, or chooses another provider
#[utoipa::path(post, path = "/orders/{number}/refusal", tag = "orders", request_body = ReasonBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The order", body = OrderRow)))]
async fn refuse_order(Path(number): Path<String>, change: Change<ReasonBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ReasonBody| {
        seen(&asker, &number).await?;
        let order = orders::refuse_order(&asker.ctx, (&number, Some(version?)), &body.why).await?;
        Ok(Answer::ok(OrderRow::from(&order)))
    };
    change.once(make).await
}

/// Let the platform go on with an order after a person has looked; what was undone is ordered anew
#[utoipa::path(post, path = "/orders/{number}/resumption", tag = "orders", request_body = ReasonBody,
    params(("number" = String, Path, description = "Its number"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, description = "The order that goes on", body = OrderRow)))]
async fn resume_order(Path(number): Path<String>, change: Change<ReasonBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ReasonBody| {
        seen(&asker, &number).await?;
        let order = orders::resume_order(&asker.ctx, (&number, Some(version?)), &body.why).await?;
        Ok(Answer::ok(OrderRow::from(&order)))
    };
    change.once(make).await
}
