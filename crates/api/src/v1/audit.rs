//! The audit chain. Reading it is audited.

use super::words::{parsed_if, whole};
use crate::filter::Filter;
use crate::idempotency::{Answer, Change};
use crate::page::Paging;
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::AppError;
use app::audit::{EntryFilter, Sealed};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::audit::read_head;
use kernel::Day;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read_audit))
        .routes(routes!(verify_audit))
        .routes(routes!(export_audit))
        .routes(routes!(list_seals, seal_audit))
}

/// What the file of a chain is called.
const NAME: &str = "audit.jsonl";

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// From this number on; the last ones if not given.
    #[param(value_type = Option<i64>)]
    from: Option<String>,
    /// How many, 1 to 200; 50 if not given.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Only by this one, by login name.
    actor: Option<String>,
    /// Only this action, as `request.submit`.
    action: Option<String>,
    /// Only about this object, as a number of an application.
    object: Option<String>,
    /// Not before this day, as 2026-03-10, of Beijing time.
    since: Option<String>,
    /// Not after this day.
    until: Option<String>,
}

/// An entry of the chain.
#[derive(Debug, Serialize, ToSchema)]
struct EntryView {
    number: i64,
    at: String,
    actor: String,
    action: String,
    object: String,
    /// What changed, as JSON.
    detail: String,
    /// Digest of the entry before.
    previous: String,
    digest: String,
}

/// A head that was kept outside.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VerifyQuery {
    /// As NUMBER:DIGEST; with it, a chain that was cut off is found too.
    head: Option<String>,
}

/// What the check found.
#[derive(Debug, Serialize, ToSchema)]
struct VerifiedView {
    /// Whether the chain is whole, and holds the head that was asked for.
    whole: bool,
    /// How many entries there are, if it is whole.
    entries: Option<i64>,
    /// Digest of the last entry, if it is whole.
    head: Option<String>,
    /// The first place that is broken, in Chinese; none if it is whole.
    broken: Option<String>,
}

/// The head of the chain, sealed on a day.
#[derive(Debug, Serialize, ToSchema)]
struct SealView {
    /// The day, as 2026-03-10.
    day: String,
    at: String,
    /// The last entry that it seals.
    number: i64,
    /// Digest of that entry.
    head: String,
    /// How many entries there were.
    entries: i64,
    /// Who sealed.
    by: String,
    /// Whether the day had been sealed before.
    already: bool,
    /// One page to print and keep outside.
    page: String,
}

impl From<Sealed> for SealView {
    fn from(sealed: Sealed) -> Self {
        Self {
            page: sealed.seal.page(&sealed.by),
            day: sealed.seal.day.to_string(),
            at: sealed.seal.at.to_string(),
            number: sealed.seal.number,
            head: sealed.seal.head.to_string(),
            entries: sealed.seal.entries,
            by: sealed.by,
            already: sealed.already,
        }
    }
}

/// Entries of the audit chain, in order
#[utoipa::path(get, path = "/audit/entries", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "The entries", body = Vec<EntryView>)))]
async fn read_audit(asker: Asker, Filter(query): Filter<AuditQuery>) -> Result<Json<Vec<EntryView>>, Problem> {
    let paging = Paging {
        limit: query.limit,
        ..Paging::default()
    };
    let limit = i64::try_from(paging.limit()?).unwrap_or(i64::MAX);
    let since: Option<Day> = parsed_if("since", query.since.as_deref())?;
    let until: Option<Day> = parsed_if("until", query.until.as_deref())?;
    let filter = EntryFilter {
        from: query.from.as_deref().map(|from| whole("from", from)).transpose()?,
        actor: query.actor,
        action: query.action,
        object: query.object,
        since: since.map(Day::start),
        before: until.map(|day| day.plus(1).start()),
    };
    let entries = app::audit::entries(&asker.ctx, &filter, limit).await?;
    let views = entries.into_iter().map(|entry| EntryView {
        number: entry.number,
        at: entry.at.to_string(),
        actor: entry.actor,
        action: entry.action,
        object: entry.object,
        detail: entry.detail,
        previous: entry.previous.to_string(),
        digest: entry.digest.to_string(),
    });
    Ok(Json(views.collect()))
}

/// Check the whole chain
#[utoipa::path(get, path = "/audit/verification", tag = "audit", params(VerifyQuery),
    responses((status = 200, description = "Whether it is whole, else where it is broken", body = VerifiedView)))]
async fn verify_audit(asker: Asker, Filter(query): Filter<VerifyQuery>) -> Result<Json<VerifiedView>, Problem> {
    let head = query.head.as_deref().map(read_head).transpose();
    let head = head.map_err(|why| Problem::field("head", why))?;
    let (whole, broken) = match app::audit::check(&asker.ctx, head).await {
        Err(AppError::Chain(why)) => (None, Some(why.to_string())),
        checked => (Some(checked?), None),
    };
    Ok(Json(VerifiedView {
        whole: whole.is_some(),
        entries: whole.map(|(entries, _)| entries),
        head: whole.map(|(_, head)| head.to_string()),
        broken,
    }))
}

/// The whole chain as a file that can be checked by itself
#[utoipa::path(get, path = "/audit/export", tag = "audit",
    responses((status = 200, description = "The chain, a line each entry", content((Vec<u8> = "application/x-ndjson")))))]
async fn export_audit(State(api): State<Api>, asker: Asker) -> Result<Response, Problem> {
    asker.pace(&api)?;
    let ctx = asker.ctx.clone();
    let made = crate::download::made(&asker.ctx, async move |folder| {
        let path = folder.join(NAME);
        app::audit::export(&ctx, &path).await?;
        Ok(path)
    });
    crate::download::file(made.await?, "application/x-ndjson", NAME)
}

/// The seals of the chain, the newest first
#[utoipa::path(get, path = "/audit/seals", tag = "audit",
    responses((status = 200, description = "The seals", body = Vec<SealView>)))]
async fn list_seals(asker: Asker) -> Result<Json<Vec<SealView>>, Problem> {
    let seals = app::audit::seals(&asker.ctx).await?;
    Ok(Json(seals.into_iter().map(SealView::from).collect()))
}

/// Seal the chain for today; a day that is sealed stays as it was
#[utoipa::path(post, path = "/audit/seals", tag = "audit",
    responses((status = 200, description = "The seal of today", body = SealView)))]
async fn seal_audit(change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        let sealed = app::audit::seal(&asker.ctx).await?;
        Ok(Answer::ok(SealView::from(sealed)))
    };
    change.once(make).await
}
