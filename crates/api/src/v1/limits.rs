//! Quotas, budgets and ceilings: read by those they concern, set by those whose duty it is.

use super::{parsed, parsed_if};
use crate::filter::{Listed, Nothing};
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::server::Api;
use crate::session::Asker;
use app::requests::{self, LimitView};
use axum::response::Response;
use domain::budget::Purse;
use kernel::{Money, Quantity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list_limits, set_limit))
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
    /// How often it was set.
    version: i64,
    /// Where it comes from.
    source: String,
    set_by: String,
    at: String,
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
            at: view.at.to_string(),
        }
    }
}

fn needed<'b>(name: &str, given: Option<&'b String>) -> Result<&'b str, Problem> {
    given.map(String::as_str).ok_or_else(|| Problem::field(name, "请填写"))
}

impl NewLimitBody {
    fn purse(&self) -> Result<(Purse, i64), Problem> {
        let yuan = || Ok::<_, Problem>(parsed::<Money>("amount", &self.amount)?.fen());
        match self.purse.as_str() {
            "quota" => {
                let purse = Purse::Quota {
                    unit: parsed("unit", needed("unit", self.unit.as_ref())?)?,
                    pool: parsed_if("pool", self.pool.as_deref())?,
                    measure: parsed("measure", needed("measure", self.measure.as_ref())?)?,
                };
                Ok((purse, parsed::<Quantity>("amount", &self.amount)?.micros()))
            }
            "budget" => {
                let purse = Purse::Budget {
                    unit: parsed("unit", needed("unit", self.unit.as_ref())?)?,
                    year: self.year.ok_or_else(|| Problem::field("year", "请填写"))?,
                };
                Ok((purse, yuan()?))
            }
            "ceiling" => {
                let purse = Purse::Ceiling {
                    contract: parsed("contract", needed("contract", self.contract.as_ref())?)?,
                };
                Ok((purse, yuan()?))
            }
            _ => Err(Problem::field("purse", "应为 quota、budget 或 ceiling")),
        }
    }
}

/// The limits in force; a unit sees its own
#[utoipa::path(get, path = "/limits", tag = "limits", params(Paging),
    responses((status = 200, description = "A page of limits", body = Page<LimitBody>)))]
async fn list_limits(asker: Asker, Listed { paging, .. }: Listed<Nothing>) -> Result<Response, Problem> {
    let limits = requests::limits(&asker.ctx).await?;
    paging.answer(limits.into_iter().map(LimitBody::from).collect(), "name")
}

/// Set a limit; what it was before stays readable
#[utoipa::path(post, path = "/limits", tag = "limits", request_body = NewLimitBody,
    responses((status = 201, description = "The limit", body = LimitBody)))]
async fn set_limit(change: Change<NewLimitBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: NewLimitBody| {
        let (purse, amount) = body.purse()?;
        let set = requests::set_limit(&asker.ctx, &purse, amount, &body.source).await?;
        Ok(Answer::created(LimitBody::from(set)))
    };
    change.once(make).await
}
