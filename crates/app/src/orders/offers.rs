//! Providers offer prices for an approved application, within the catalogue price and the ceiling (R48, R30).
//!
//! Source: `pingdingshan-process` in docs/sources.md.

use super::OrderError;
use super::matter::{log, nothing_came_of, read_request, request_of, same_version, target};
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::catalogue::{Contract, PriceBook, ServiceItem, ServiceUse, match_item};
use domain::registry::{InformationSystem, Measure, PoolKind, ResourcePool};
use domain::request::{RequestKind, RequestStatus, ResourceRequest};
use domain::rules::{Quote, QuotedPrice};
use kernel::ratio::div_half_up;
use kernel::{
    AccountId, ContractCode, Instant, ItemCode, Money, NodeCode, OrganisationCode, PoolCode, Quantity, UnitPrice,
};
use serde::{Deserialize, Serialize};
use store::Connection;

/// One price of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedPrice {
    /// Line of the application.
    pub line: u32,
    /// What of it.
    pub measure: Measure,
    /// Yuan a unit and month.
    pub price: UnitPrice,
}

/// An offer to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOffer {
    /// Who offers.
    pub provider: OrganisationCode,
    /// On which node.
    pub node: NodeCode,
    /// In which pool.
    pub pool: Option<PoolCode>,
    /// Under which contract.
    pub contract: ContractCode,
    /// A price for each measure of each line.
    pub prices: Vec<OfferedPrice>,
    /// What they say; may be empty.
    #[serde(default)]
    pub words: String,
}

/// A price as it was held against the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// What was offered.
    #[serde(flatten)]
    pub offered: OfferedPrice,
    /// How much of it, over all pieces of the line.
    pub quantity: Quantity,
    /// The item that charges it.
    pub item: ItemCode,
    /// The catalogue's price in the book in force.
    pub catalogue_price: UnitPrice,
    /// The authority's ceiling, if there is one.
    pub ceiling: Option<UnitPrice>,
    /// The version of prices it was held against.
    pub book: String,
}

/// An offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// On which node.
    pub node: NodeCode,
    /// In which pool.
    pub pool: Option<PoolCode>,
    /// Under which contract.
    pub contract: ContractCode,
    /// Its prices.
    pub prices: Vec<PricedLine>,
    /// What the application costs a month. Rounding: each line once, half up.
    pub monthly: Money,
    /// What they say.
    pub words: String,
    /// Who made it.
    pub by: AccountId,
    /// When.
    pub at: Instant,
}

impl Offer {
    /// As the rules see it.
    pub(super) fn quote(&self) -> Quote {
        let price = |line: &PricedLine| QuotedPrice {
            item: line.item.clone(),
            price: line.offered.price,
            catalogue_price: Some(line.catalogue_price),
            ceiling: line.ceiling,
        };
        Quote {
            prices: self.prices.iter().map(price).collect(),
            monthly: self.monthly,
        }
    }
}

/// Makes a provider's offer for an application that waits for its provider, or for another one because nothing came of
/// the order, in place of an earlier offer. `version` is the one of the application that the offer was made for. Errors: every fault of the offer.
pub async fn make_offer(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    new: NewOffer,
) -> Result<Offer, AppError> {
    let request = read_request(ctx, number).await?;
    let about = target(&request, Some(&new.provider));
    let permit = ctx.authorise(Action::OfferMake, &about).await?;
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    match (request.kind, request.status) {
        (RequestKind::New, RequestStatus::Approved) => {}
        (RequestKind::New, RequestStatus::Stuck) => {
            nothing_came_of(&mut work, &request, "重新报价").await?;
        }
        (_, status) => {
            let text = format!("申请 {number} 当前为「{}」，不接受报价", status.zh());
            return Err(OrderError::NotNow(text).into());
        }
    }
    let prices = price(ctx, &mut work, &request, &new).await?;
    let monthly = Money::sum(prices.iter().map(month_of).collect::<Result<Vec<_>, _>>()?)?;
    let offer = Offer {
        node: new.node,
        pool: new.pool,
        contract: new.contract,
        prices,
        monthly,
        words: new.words,
        by: permit.actor().account,
        at: ctx.now(),
    };
    work.set_offer((number, new.provider.as_str()), &offer, ctx.now())
        .await?;
    let detail = serde_json::json!({ "provider": new.provider, "node": offer.node, "monthly": offer.monthly });
    log(ctx, &mut work, ("offer.make", number), detail).await?;
    work.commit().await?;
    Ok(offer)
}

/// The offers for an application, by provider. A provider sees its own only.
pub async fn offers(ctx: &OpContext, number: &str) -> Result<Vec<(OrganisationCode, Offer)>, AppError> {
    let request = read_request(ctx, number).await?;
    let who = ctx.who()?.clone();
    let own = (who.side == domain::registry::Side::Provider).then_some(&who.organisation);
    let about: Target = target(&request, own);
    ctx.authorise(Action::RequestRead, &about).await?;
    let all = offers_of(&mut ctx.store().read().await?, number).await?;
    Ok(all
        .into_iter()
        .filter(|(provider, _)| own.is_none_or(|own| own == provider))
        .collect())
}

/// The offers for an application.
pub(super) async fn offers_of(read: &mut Connection, number: &str) -> Result<Vec<(OrganisationCode, Offer)>, AppError> {
    let offers = read.offers::<Offer>(number).await?;
    Ok(offers
        .into_iter()
        .filter_map(|(provider, offer)| Some((provider.parse().ok()?, offer)))
        .collect())
}

/// What one price comes to in a month.
fn month_of(line: &PricedLine) -> Result<Money, kernel::MoneyError> {
    // 10^-6 yuan x 10^-6 units; 100 fen to the yuan.
    let exact = i128::from(line.offered.price.micros()) * i128::from(line.quantity.micros());
    Money::try_from_fen(div_half_up(exact, 10_000_000_000).ok_or(kernel::MoneyError)?)
}

/// Holds every price against catalogue and price book. Errors: all faults.
async fn price(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
    new: &NewOffer,
) -> Result<Vec<PricedLine>, AppError> {
    let now = ctx.now();
    let (mut faults, pool) = place_faults(ctx, work, new).await?;
    let systems = work.history::<InformationSystem>().await?;
    let system = systems.at(request.system.as_str(), now);
    let system = system.ok_or_else(|| OrderError::NotFound("信息系统", request.system.to_string()))?;
    let items = work.history::<ServiceItem>().await?;
    let books = work.price_books().await?;
    let book = books
        .iter()
        .filter(|book| book.contract == new.contract && book.effective_from.start() <= now)
        .max_by_key(|book| book.version);
    let in_pools = ctx.policies()?.rules.kinds_in_pools(now);
    let mut lines = Vec::new();
    for line in request.cloud_lines() {
        if line.pool.is_some() && line.pool != pool {
            let wanted = line.pool.map_or("", PoolKind::zh);
            faults.push(format!("第 {} 行要求{wanted}，请选择该类资源池", line.line));
        }
        // Nobody was asked whether it may be anywhere else: that is judged by the pool an application states (R1).
        if line.pool.is_none() && in_pools.contains(&line.kind) && pool != Some(PoolKind::Xinchuang) {
            let text = "申请没有写明资源池，只能选择信创池；需要其他资源池的，请使用单位在申请中写明";
            faults.push(format!("第 {} 行：{text}", line.line));
        }
        for (measure, each) in line.spec.iter() {
            let wanted = ServiceUse {
                kind: line.kind,
                measure,
                class: &line.class,
                pool,
                zone: system.zone,
                form: line.form,
            };
            let offered = new.prices.iter().find(|p| p.line == line.line && p.measure == measure);
            let quantity = each.micros().saturating_mul(i64::from(line.count));
            let found = priced(offered, &wanted, (items.all_at(now), book, &new.node));
            match found {
                Ok((offered, item, price)) => lines.push(PricedLine {
                    offered,
                    quantity: Quantity::from_micros(quantity),
                    item,
                    catalogue_price: price.0,
                    ceiling: price.1,
                    book: book.map(PriceBook::label).unwrap_or_default(),
                }),
                Err(why) => faults.push(format!("第 {} 行{}：{why}", line.line, measure.zh())),
            }
        }
    }
    if faults.is_empty() {
        Ok(lines)
    } else {
        Err(OrderError::Offer(faults).into())
    }
}

type Limits = (UnitPrice, Option<UnitPrice>);

fn priced<'i>(
    offered: Option<&OfferedPrice>,
    wanted: &ServiceUse<'_>,
    (items, book, node): (impl Iterator<Item = &'i ServiceItem>, Option<&PriceBook>, &NodeCode),
) -> Result<(OfferedPrice, ItemCode, Limits), String> {
    let offered = offered.ok_or("没有报价，请补充")?;
    let item = match_item(items, wanted).map_err(|why| why.to_string())?;
    let book = book.ok_or("所选合同没有生效的价目，请先登记价目")?;
    let line = book.line(&item.code, Some(node), wanted.pool);
    let line = line.ok_or_else(|| format!("价目 {} 中没有条目 {} 的价格", book.label(), item.code))?;
    let catalogue = line.model.dearest_unit();
    let limit = line.ceiling.map_or(catalogue, |ceiling| ceiling.min(catalogue));
    if offered.price > limit {
        return Err(format!("报价 {} 元高于目录价 {limit} 元，请降低报价", offered.price));
    }
    if offered.price.micros() < 0 {
        return Err("报价不能为负".to_owned());
    }
    Ok((offered.clone(), item.code.clone(), (catalogue, line.ceiling)))
}

/// What is wrong with where it is offered, and the kind of the pool.
async fn place_faults(
    ctx: &OpContext,
    work: &mut Connection,
    new: &NewOffer,
) -> Result<(Vec<String>, Option<PoolKind>), AppError> {
    let now = ctx.now();
    let nodes = work.history::<domain::registry::CloudNode>().await?;
    let pools = work.history::<ResourcePool>().await?;
    let contracts = work.history::<Contract>().await?;
    let mut faults = Vec::new();
    let node = nodes.at(new.node.as_str(), now);
    if node.is_none_or(|node| node.provider != new.provider) {
        faults.push(format!("云节点 {} 不属于 {}", new.node, new.provider));
    }
    let pool = new.pool.as_ref().and_then(|code| pools.at(code.as_str(), now));
    if let Some(code) = &new.pool
        && pool.is_none_or(|pool| pool.node != new.node)
    {
        faults.push(format!("资源池 {code} 不在云节点 {} 上", new.node));
    }
    let contract = contracts.at(new.contract.as_str(), now);
    let holds = |c: &Contract| c.provider == new.provider && c.term().is_some_and(|term| term.contains(now));
    if !contract.is_some_and(holds) {
        faults.push(format!("合同 {} 不是 {} 的有效合同", new.contract, new.provider));
    }
    Ok((faults, pool.map(|pool| pool.kind)))
}
