//! The audit chain. Reading it is audited.

use super::parsed;
use crate::filter::Filter;
use crate::problem::Problem;
use crate::server::Api;
use crate::session::Asker;
use axum::Json;
use domain::authz::{Action, Target};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read_audit))
        .routes(routes!(verify_audit))
}

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

/// A chain that is whole.
#[derive(Debug, Serialize, ToSchema)]
struct VerifiedView {
    entries: i64,
    /// Digest of the last entry.
    head: String,
}

fn target() -> Target {
    Target {
        kind: "audit",
        ..Target::default()
    }
}

/// Entries of the audit chain, in order
#[utoipa::path(get, path = "/audit/entries", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "The entries", body = Vec<EntryView>)))]
async fn read_audit(asker: Asker, Filter(query): Filter<AuditQuery>) -> Result<Json<Vec<EntryView>>, Problem> {
    asker.ctx.authorise(Action::AuditRead, &target()).await?;
    let from: Option<i64> = query.from.as_deref().map(|from| parsed("from", from)).transpose()?;
    let limit: i64 = query.limit.as_deref().map_or(Ok(50), |limit| parsed("limit", limit))?;
    if !(1..=200).contains(&limit) {
        return Err(Problem::field("limit", "应为 1 至 200 的整数"));
    }
    let detail = serde_json::json!({ "from": from, "limit": limit });
    app::audit::note(&asker.ctx, ("audit.read", "chain"), &detail).await?;
    let entries = match from {
        Some(from) => app::audit::show(&asker.ctx, from, limit).await?,
        None => app::audit::last(&asker.ctx, limit).await?,
    };
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
    responses((status = 200, description = "It is whole", body = VerifiedView)))]
async fn verify_audit(asker: Asker, Filter(query): Filter<VerifyQuery>) -> Result<Json<VerifiedView>, Problem> {
    asker.ctx.authorise(Action::AuditSeal, &target()).await?;
    let head = match query.head.as_deref().map(|head| head.split_once(':')) {
        None => None,
        Some(Some((number, digest))) => Some((parsed("head", number)?, parsed("head", digest)?)),
        Some(None) => return Err(Problem::field("head", "应写成 编号:摘要")),
    };
    app::audit::note(&asker.ctx, ("audit.verify", "chain"), &serde_json::json!({})).await?;
    let (entries, head) = app::audit::verify(&asker.ctx, head).await?;
    Ok(Json(VerifiedView {
        entries,
        head: head.to_string(),
    }))
}
