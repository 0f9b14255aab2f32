//! What is done with months and nodes: collected, metered, rated, reconciled and closed in the background; differences
//! answered; closed months rated again.

use super::words::{parsed, parsed_if};
use crate::aside::aside;
use crate::filter::{Listed, Nothing};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::jobs::{self, UpTo};
use app::month::{self, AnswerInput};
use axum::extract::Path;
use axum::response::Response;
use domain::authz::Action;
use domain::registry::Side;
use kernel::{JobId, Month};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(collect_nodes))
        .routes(routes!(list_months))
        .routes(routes!(run_month))
        .routes(routes!(close_month))
        .routes(routes!(rerate_month))
        .routes(routes!(list_differences))
        .routes(routes!(answer_difference))
}

/// Work that was asked for. Where it stands is read at `location`.
#[derive(Debug, Serialize, ToSchema)]
struct AskedView {
    /// Id of the job.
    job: String,
    /// Also the header.
    location: String,
}

fn asked(job: JobId) -> Answer {
    Answer::accepted(AskedView {
        job: job.to_string(),
        location: format!("/api/v1/jobs/{job}"),
    })
}

/// What to collect from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CollectionBody {
    /// Code of the node; all if not given.
    node: Option<String>,
    /// Accept a look that shows nothing after one that showed something.
    #[serde(default)]
    confirm_empty: bool,
}

/// How far a month is run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunBody {
    /// meter, rate or reconcile; each does the steps before it too. reconcile if not given.
    up_to: Option<String>,
}

/// A closed month in a list.
#[derive(Debug, Serialize, ToSchema)]
struct MonthRow {
    month: String,
    closed_at: String,
}

/// A closed month to be rated again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RerateBody {
    reason: String,
    /// Whether the differences are to be posted into the open month; else they are only shown.
    #[serde(default)]
    commit: bool,
}

/// What rating a closed month again would change, or will.
#[derive(Debug, Serialize, ToSchema)]
struct RerateView {
    month: String,
    /// Units: yuan.
    difference: String,
    committed: bool,
    corrections: Vec<CorrectionView>,
}

/// One resource and item of it.
#[derive(Debug, Serialize, ToSchema)]
struct CorrectionView {
    resource: String,
    item: String,
    allocation: String,
    system: String,
    organisation: String,
    contract: String,
    /// Units: yuan.
    charged: String,
    right: String,
    difference: String,
}

/// Which differences.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DifferenceQuery {
    /// Only of this provider, by code.
    provider: Option<String>,
}

/// A difference between our charges and a bill.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceView {
    /// Provider, resource and item, for paging.
    place: String,
    provider: String,
    resource: String,
    item: String,
    organisation: String,
    billed_to: Option<String>,
    /// Units: yuan.
    ours: Option<String>,
    billed: Option<String>,
    difference: String,
    /// What it is listed under.
    class: String,
    /// That in Chinese.
    name: String,
    tolerated: bool,
    /// What the newest answer comes to: accepted, disputed or settled.
    answer: Option<String>,
    /// The figure that both sides settled on.
    agreed: Option<String>,
    words: Option<String>,
}

/// A provider's answer to a difference.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// One's own organisation if not given.
    provider: Option<String>,
    resource: String,
    item: String,
    /// accepted, disputed or settled.
    outcome: String,
    /// What both sides settled on; with that outcome only. Units: yuan.
    agreed: Option<String>,
    #[serde(default)]
    words: String,
}

/// Collect from a node or from all, in the background
#[utoipa::path(post, path = "/collections", tag = "main job", request_body = CollectionBody,
    responses((status = 202, description = "It will be done; see Location", body = AskedView, headers(("Location" = String, description = "The job")))))]
async fn collect_nodes(change: Change<CollectionBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: CollectionBody| {
        let node = parsed_if("node", body.node.as_deref())?;
        Ok(asked(jobs::ask_to_collect(&asker.ctx, node, body.confirm_empty).await?))
    };
    change.once(make).await
}

/// The closed months, in order
#[utoipa::path(get, path = "/months", tag = "main job", params(Paging),
    responses((status = 200, description = "A page of months", body = Page<MonthRow>)))]
async fn list_months(asker: Asker, Listed { paging, .. }: Listed<Nothing>) -> Result<Response, Problem> {
    asker.ctx.reach(Action::MonthRead, "month").await?;
    let closed = month::closed_months(&asker.ctx).await?;
    let rows = closed.into_iter().map(|(month, closed_at)| MonthRow {
        month: month.to_string(),
        closed_at: closed_at.to_string(),
    });
    paging.answer(rows.collect(), "month")
}

/// Meter, rate and reconcile a month, in the background
#[utoipa::path(post, path = "/months/{month}/runs", tag = "main job", request_body = RunBody,
    params(("month" = String, Path, description = "As 2026-03")),
    responses((status = 202, description = "It will be done; see Location", body = AskedView, headers(("Location" = String, description = "The job")))))]
async fn run_month(Path(month): Path<String>, change: Change<RunBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: RunBody| {
        let up_to = match body.up_to.as_deref() {
            Some("meter") => UpTo::Meter,
            Some("rate") => UpTo::Rate,
            None | Some("reconcile") => UpTo::Reconcile,
            Some(_) => return Err(Problem::field("up_to", "应为 meter、rate 或 reconcile")),
        };
        Ok(asked(
            jobs::ask_to_run_month(&asker.ctx, parsed("month", &month)?, up_to).await?,
        ))
    };
    change.once(make).await
}

/// Close a month and make its statements, in the background
#[utoipa::path(post, path = "/months/{month}/closing", tag = "main job", params(("month" = String, Path, description = "As 2026-03")),
    responses((status = 202, description = "It will be done; see Location", body = AskedView, headers(("Location" = String, description = "The job")))))]
async fn close_month(Path(month): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        Ok(asked(
            jobs::ask_to_close_month(&asker.ctx, parsed("month", &month)?).await?,
        ))
    };
    change.once(make).await
}

/// What rating a closed month again would change; with `commit`, post it into the open month
#[utoipa::path(post, path = "/months/{month}/rerating", tag = "main job", request_body = RerateBody,
    params(("month" = String, Path, description = "As 2026-03")),
    responses((status = 200, description = "The differences", body = RerateView)))]
async fn rerate_month(Path(month): Path<String>, change: Change<RerateBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: RerateBody| {
        let month: Month = parsed("month", &month)?;
        let ctx = asker.ctx;
        let outcome = aside(async move || month::rerate(&ctx, month, &body.reason, body.commit).await).await?;
        Ok(Answer::ok(RerateView {
            month: outcome.month.to_string(),
            difference: outcome.difference.to_string(),
            committed: outcome.committed,
            corrections: outcome
                .corrections
                .into_iter()
                .map(|correction| CorrectionView {
                    charged: correction.charged.to_string(),
                    right: correction.right.to_string(),
                    difference: correction.difference.to_string(),
                    resource: correction.key.resource,
                    item: correction.key.item,
                    allocation: correction.key.allocation,
                    system: correction.key.system,
                    organisation: correction.key.organisation,
                    contract: correction.key.contract,
                })
                .collect(),
        }))
    };
    change.once(make).await
}

/// The differences of a month with the providers' bills; a provider sees its own
#[utoipa::path(get, path = "/months/{month}/differences", tag = "main job", params(Paging, DifferenceQuery, ("month" = String, Path, description = "As 2026-03")),
    responses((status = 200, description = "A page of differences", body = Page<DifferenceView>)))]
async fn list_differences(
    asker: Asker,
    Path(month): Path<String>,
    Listed { filter, paging }: Listed<DifferenceQuery>,
) -> Result<Response, Problem> {
    let reach = asker.ctx.reach(Action::MonthRead, "month").await?;
    let found = month::differences(&asker.ctx, parsed("month", &month)?).await?;
    let wanted = found.into_iter().filter(|(provider, _)| {
        reach.holds(None, Some(provider)) && filter.provider.as_ref().is_none_or(|code| code == provider)
    });
    let mut views = Vec::new();
    for (provider, differences) in wanted {
        for (difference, answers) in differences {
            let class = difference.main_class();
            let answer = answers.last();
            views.push(DifferenceView {
                place: format!("{provider} {} {}", difference.resource, difference.item),
                provider: provider.clone(),
                ours: difference.ours.map(|amount| amount.to_string()),
                billed: difference.billed.map(|amount| amount.to_string()),
                difference: difference.difference.to_string(),
                class: class.word().to_owned(),
                name: class.zh().to_owned(),
                tolerated: difference.tolerated,
                answer: answer.map(|answer| answer.outcome.word().to_owned()),
                agreed: answer.and_then(|answer| answer.agreed).map(|agreed| agreed.to_string()),
                words: answer.map(|answer| answer.words.clone()),
                resource: difference.resource,
                item: difference.item,
                organisation: difference.organisation,
                billed_to: difference.billed_to,
            });
        }
    }
    paging.answer(views, "place")
}

/// Answer a difference: accept our figure, dispute it, or name the figure both sides settled on
#[utoipa::path(post, path = "/months/{month}/answers", tag = "main job", request_body = AnswerBody,
    params(("month" = String, Path, description = "As 2026-03")), responses((status = 204, description = "Noted")))]
async fn answer_difference(Path(month): Path<String>, change: Change<AnswerBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: AnswerBody| {
        let who = asker.who()?;
        let own = (who.side == Side::Provider).then(|| who.organisation.to_string());
        let provider = body.provider.or(own).unwrap_or_default();
        let input = AnswerInput {
            provider,
            resource: body.resource,
            item: body.item,
            outcome: parsed("outcome", &body.outcome)?,
            agreed: parsed_if("agreed", body.agreed.as_deref())?,
            words: body.words,
        };
        month::answer_difference(&asker.ctx, parsed("month", &month)?, input).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}
