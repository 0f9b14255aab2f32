//! Offers of providers for an approved application, and the choice of the authority.

use super::requests::seen;
use super::words::{etag, parsed, parsed_if, value};
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::orders::{self, Chosen, NewOffer, Offer, OfferedPrice, PricedLine};
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use kernel::OrganisationCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_offers, make_offer))
        .routes(routes!(show_choice, choose_provider))
}

/// An offer to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfferBody {
    /// Who offers: one's own organisation if not given.
    provider: Option<String>,
    /// On which node, by code.
    node: String,
    /// In which pool, by code.
    pool: Option<String>,
    /// Under which contract, by number.
    contract: String,
    /// A price for each measure of each line.
    prices: Vec<PriceBody>,
    #[serde(default)]
    words: String,
}

/// One price of an offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PriceBody {
    /// Line of the application.
    #[schema(minimum = 1)]
    line: u32,
    /// What of it, as `vcpu`.
    measure: String,
    /// Units: yuan a unit and month.
    price: String,
}

/// An offer.
#[derive(Debug, Serialize, ToSchema)]
struct OfferView {
    provider: String,
    node: String,
    pool: Option<String>,
    contract: String,
    /// What the application costs a month. Units: yuan.
    monthly: String,
    prices: Vec<PricedView>,
    words: String,
    /// Id of the account.
    by: String,
    at: String,
}

/// A price, held against the catalogue.
#[derive(Debug, Serialize, ToSchema)]
struct PricedView {
    line: u32,
    measure: String,
    /// Units: yuan a unit and month.
    price: String,
    /// Over all pieces of the line.
    quantity: String,
    item: String,
    /// The price of the book in force. Units: yuan.
    catalogue_price: String,
    /// Units: yuan.
    ceiling: Option<String>,
    /// The version of prices it was held against.
    book: String,
}

fn priced(line: PricedLine) -> PricedView {
    PricedView {
        line: line.offered.line,
        measure: line.offered.measure.word().to_owned(),
        price: line.offered.price.to_string(),
        quantity: line.quantity.to_string(),
        item: line.item.to_string(),
        catalogue_price: line.catalogue_price.to_string(),
        ceiling: line.ceiling.map(|ceiling| ceiling.to_string()),
        book: line.book,
    }
}

fn view((provider, offer): (OrganisationCode, Offer)) -> OfferView {
    OfferView {
        provider: provider.to_string(),
        node: offer.node.to_string(),
        pool: offer.pool.map(|pool| pool.to_string()),
        contract: offer.contract.to_string(),
        monthly: offer.monthly.to_string(),
        prices: offer.prices.into_iter().map(priced).collect(),
        words: offer.words,
        by: offer.by.to_string(),
        at: offer.at.to_string(),
    }
}

/// A provider to choose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChoiceBody {
    /// By code.
    provider: String,
    /// Why; may be empty where it is the cheapest.
    #[serde(default)]
    reason: String,
}

/// The choice that was made.
#[derive(Debug, Serialize, ToSchema)]
struct ChoiceView {
    provider: String,
    reason: String,
    /// What the rule on comparing offers came to, as `pass`.
    outcome: String,
    /// In its words.
    judged: String,
    /// What the rules on level and place said of the node that was offered.
    placement: Vec<JudgedView>,
    /// Id of the account.
    by: String,
    at: String,
}

/// What a rule came to.
#[derive(Debug, Serialize, ToSchema)]
struct JudgedView {
    /// Its code.
    rule: String,
    /// pass, block, cannot_judge or not_configured ...
    outcome: String,
    /// In its words.
    judged: String,
}

impl From<domain::rules::Check> for JudgedView {
    fn from(check: domain::rules::Check) -> Self {
        let outcome = value(&check.outcome);
        Self {
            rule: check.rule.to_string(),
            outcome: outcome
                .get("outcome")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            judged: check.reason,
        }
    }
}

impl From<Chosen> for ChoiceView {
    fn from(chosen: Chosen) -> Self {
        Self {
            provider: chosen.provider.to_string(),
            reason: chosen.reason,
            outcome: chosen.check.outcome.word().to_owned(),
            judged: chosen.check.reason,
            placement: chosen.placement.into_iter().map(JudgedView::from).collect(),
            by: chosen.by.to_string(),
            at: chosen.at.to_string(),
        }
    }
}

/// What a choice leads to.
#[derive(Debug, Serialize, ToSchema)]
struct ChosenView {
    /// Number of the application.
    request: String,
    /// Where it stands.
    status: String,
    version: i64,
    /// Number of the order that was given.
    order: String,
}

/// The offers for an application; a provider sees its own
#[utoipa::path(get, path = "/requests/{number}/offers", tag = "orders", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The offers, by provider", body = Vec<OfferView>, headers(("ETag" = String, description = "Version of the application")))))]
async fn list_offers(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let request = seen(&asker, &number).await?;
    let offers = orders::offers(&asker.ctx, &number).await?;
    let views: Vec<OfferView> = offers.into_iter().map(view).collect();
    Ok((etag(request.version), Json(views)).into_response())
}

/// Offer prices for an application, in place of an earlier offer
#[utoipa::path(post, path = "/requests/{number}/offers", tag = "orders", request_body = OfferBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 201, description = "The offer", body = OfferView)))]
async fn make_offer(Path(number): Path<String>, change: Change<OfferBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: OfferBody| {
        seen(&asker, &number).await?;
        let price = |price: PriceBody| {
            Ok(OfferedPrice {
                line: price.line,
                measure: parsed("measure", &price.measure)?,
                price: parsed("price", &price.price)?,
            })
        };
        let provider = match body.provider {
            Some(code) => parsed("provider", &code)?,
            None => asker.who()?.organisation.clone(),
        };
        let new = NewOffer {
            provider: provider.clone(),
            node: parsed("node", &body.node)?,
            pool: parsed_if("pool", body.pool.as_deref())?,
            contract: parsed("contract", &body.contract)?,
            prices: body.prices.into_iter().map(price).collect::<Result<_, Problem>>()?,
            words: body.words,
        };
        let offer = orders::make_offer(&asker.ctx, (&number, Some(version?)), new).await?;
        Ok(Answer::created(view((provider, offer))))
    };
    change.once(make).await
}

/// The choice that was made; null before, and for providers
#[utoipa::path(get, path = "/requests/{number}/choice", tag = "orders", params(("number" = String, Path, description = "Number of the application")),
    responses((status = 200, description = "The choice", body = Option<ChoiceView>)))]
async fn show_choice(asker: Asker, Path(number): Path<String>) -> Result<Response, Problem> {
    let request = seen(&asker, &number).await?;
    let chosen = orders::choice_of(&asker.ctx, &number).await?;
    Ok((etag(request.version), Json(chosen.map(ChoiceView::from))).into_response())
}

/// Choose the provider by comparing the offers; gives the order
#[utoipa::path(post, path = "/requests/{number}/choice", tag = "orders", request_body = ChoiceBody,
    params(("number" = String, Path, description = "Number of the application"), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 201, description = "Where it stands, and the order", body = ChosenView)))]
async fn choose_provider(Path(number): Path<String>, change: Change<ChoiceBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: ChoiceBody| {
        seen(&asker, &number).await?;
        let provider = parsed("provider", &body.provider)?;
        let chosen = (number.as_str(), Some(version?));
        let (request, order) = orders::choose_provider(&asker.ctx, chosen, &provider, &body.reason).await?;
        Ok(Answer::created(ChosenView {
            status: request.status.word().to_owned(),
            version: request.version,
            request: request.number,
            order: order.number,
        }))
    };
    change.once(make).await
}
