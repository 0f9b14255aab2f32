//! Quotas, budgets and ceilings: read by those they concern, set by those whose duty it is.

use super::words::{parsed, parsed_if};
use crate::filter::{Filter, Listed, Nothing};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::requests::{self, LimitView};
use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::budget::Purse;
use kernel::{Money, Quantity};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_limits, set_limit))
        .routes(routes!(show_limit))
}

/// A limit in force. Amounts are in yuan, those of quotas in units of the measure.
#[derive(Debug, Serialize, ToSchema)]
struct LimitBody {
    /// In words; also what it is known by in lists.
    name: String,
    /// quota, budget or ceiling.
    purse: String,
    unit: Option<String>,
    year: Option<i16>,
    /// x86 or xinchuang.
    pool: Option<String>,
    measure: Option<String>,
    contract: Option<String>,
    limit: Option<String>,
    /// Held by applications on their way.
    held: String,
    /// Used by what is open.
    used: String,
    left: Option<String>,
    /// How often it was set, 0 for never; also the ETag.
    version: i64,
    /// Where it comes from.
    source: String,
    set_by: String,
    /// When it was set; null for never.
    at: Option<String>,
}

/// A limit to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLimitBody {
    /// quota, budget or ceiling.
    purse: String,
    /// Code of the unit, for a quota or a budget.
    unit: Option<String>,
    /// For a budget.
    year: Option<i16>,
    /// x86 or xinchuang, for a quota; none for what is in no pool.
    pool: Option<String>,
    /// For a quota, as `vcpu`.
    measure: Option<String>,
    /// Number of the contract, for a ceiling.
    contract: Option<String>,
    /// Yuan; for a quota units of the measure.
    amount: String,
    /// Letter or notice with its number.
    source: String,
}

impl From<LimitView> for LimitBody {
    fn from(view: LimitView) -> Self {
        let (mut unit, mut year, mut pool, mut measure, mut contract) = (None, None, None, None, None);
        let purse = match &view.purse {
            Purse::Quota {
                unit: of,
                pool: kind,
                measure: what,
            } => {
                unit = Some(of.to_string());
                pool = kind.map(|kind| kind.word().to_owned());
                measure = Some(what.word().to_owned());
                "quota"
            }
            Purse::Budget { unit: of, year: when } => {
                (unit, year) = (Some(of.to_string()), Some(*when));
                "budget"
            }
            Purse::Ceiling { contract: of } => {
                contract = Some(of.to_string());
                "ceiling"
            }
        };
        Self {
            purse: purse.to_owned(),
            limit: view.balance.limit.map(|amount| view.purse.decimal(amount)),
            held: view.purse.decimal(view.balance.held),
            used: view.purse.decimal(view.balance.used),
            left: view.balance.left().map(|amount| view.purse.decimal(amount)),
            name: view.name,
            unit,
            year,
            pool,
            measure,
            contract,
            version: view.version,
            source: view.source,
            set_by: view.set_by,
            at: view.at.map(|at| at.to_string()),
        }
    }
}

fn needed<'b>(name: &str, given: Option<&'b String>) -> Result<&'b str, Problem> {
    given.map(String::as_str).ok_or_else(|| Problem::field(name, "请填写"))
}

/// Which limit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PurseQuery {
    /// quota, budget or ceiling.
    purse: String,
    /// Code of the unit, for a quota or a budget.
    unit: Option<String>,
    /// For a budget.
    #[param(value_type = Option<i16>)]
    year: Option<String>,
    /// x86 or xinchuang, for a quota; none for what is in no pool.
    pool: Option<String>,
    /// For a quota, as `vcpu`.
    measure: Option<String>,
    /// Number of the contract, for a ceiling.
    contract: Option<String>,
}

impl PurseQuery {
    fn purse(&self) -> Result<Purse, Problem> {
        match self.purse.as_str() {
            "quota" => Ok(Purse::Quota {
                unit: parsed("unit", needed("unit", self.unit.as_ref())?)?,
                pool: parsed_if("pool", self.pool.as_deref())?,
                measure: parsed("measure", needed("measure", self.measure.as_ref())?)?,
            }),
            "budget" => Ok(Purse::Budget {
                unit: parsed("unit", needed("unit", self.unit.as_ref())?)?,
                year: parsed("year", needed("year", self.year.as_ref())?)?,
            }),
            "ceiling" => Ok(Purse::Ceiling {
                contract: parsed("contract", needed("contract", self.contract.as_ref())?)?,
            }),
            _ => Err(Problem::field("purse", "应为 quota、budget 或 ceiling")),
        }
    }
}

impl NewLimitBody {
    fn purse(self) -> Result<(Purse, i64), Problem> {
        let asked = PurseQuery {
            purse: self.purse,
            unit: self.unit,
            year: self.year.map(|year| year.to_string()),
            pool: self.pool,
            measure: self.measure,
            contract: self.contract,
        };
        let purse = asked.purse()?;
        let amount = match purse {
            Purse::Quota { .. } => parsed::<Quantity>("amount", &self.amount)?.micros(),
            Purse::Budget { .. } | Purse::Ceiling { .. } => parsed::<Money>("amount", &self.amount)?.fen(),
        };
        Ok((purse, amount))
    }
}

/// The limits in force; a unit sees its own
#[utoipa::path(get, path = "/limits", tag = "limits", params(Paging),
    responses((status = 200, description = "A page of limits", body = Page<LimitBody>)))]
async fn list_limits(asker: Asker, Listed { paging, .. }: Listed<Nothing>) -> Result<Response, Problem> {
    let limits = requests::limits(&asker.ctx).await?;
    paging.answer(limits.into_iter().map(LimitBody::from).collect(), "name")
}

/// One limit with its ETag; "0" and without an amount if it was never set
#[utoipa::path(get, path = "/limits/one", tag = "limits", params(PurseQuery),
    responses((status = 200, description = "The limit", body = LimitBody, headers(("ETag" = String, description = "Its version")))))]
async fn show_limit(asker: Asker, Filter(query): Filter<PurseQuery>) -> Result<Response, Problem> {
    let limit = requests::limit(&asker.ctx, &query.purse()?).await?;
    let etag = [(header::ETAG, format!("\"{}\"", limit.version))];
    Ok((etag, Json(LimitBody::from(limit))).into_response())
}

/// Set a limit; what it was before stays readable
#[utoipa::path(post, path = "/limits", tag = "limits", request_body = NewLimitBody,
    params(("If-Match" = String, Header, description = "The ETag that was read; \"0\" where none was set before")),
    responses((status = 201, description = "The limit", body = LimitBody)))]
async fn set_limit(change: Change<NewLimitBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: NewLimitBody| {
        let source = body.source.clone();
        let (purse, amount) = body.purse()?;
        let set = requests::set_limit(&asker.ctx, (&purse, version?), amount, &source).await?;
        Ok(Answer::created(LimitBody::from(set)))
    };
    change.once(make).await
}
