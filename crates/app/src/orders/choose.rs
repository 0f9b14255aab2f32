//! The authority compares the offers and chooses the provider (R48). The choice gives the order.

use super::OrderError;
use super::give::give_order;
use super::matter::{advance, due, log, paper, read_request, request_of, same_version, target};
use super::offers::{Offer, offers_of};
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty, keep_apart};
use domain::budget::{Demand, HoldState, Purse, check_room, for_months, months_of_term};
use domain::catalogue::Contract;
use domain::registry::InformationSystem;
use domain::request::{Place, RequestEvent, ResourceRequest};
use domain::rules::{
    Arrival, Check, Choice, DeadlineKind, Means, Outcome, ProviderFacts, RequestFacts, SystemFacts, UnitFacts,
    check_all,
};
use domain::work::WorkOrder;
use kernel::{AccountId, Instant, Money, OrganisationCode};
use serde::{Deserialize, Serialize};
use store::Connection;

/// The choice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The provider.
    pub provider: OrganisationCode,
    /// Why; may be empty where it is the cheapest.
    pub reason: String,
    /// What the rule said.
    pub check: Check,
    /// Who chose.
    pub by: AccountId,
    /// When.
    pub at: Instant,
}

const QUOTES: &str = "R48";

/// Chooses the provider of an approved application, at the place it offered, and gives the order. Room of the contract is
/// held. Errors: the rule on comparing offers forbids it; no room; no offer.
pub async fn choose_provider(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    provider: &OrganisationCode,
    reason: &str,
) -> Result<(ResourceRequest, WorkOrder), AppError> {
    let before = read_request(ctx, number).await?;
    let permit = ctx
        .authorise(Action::ProviderChoose, &target(&before, Some(provider)))
        .await?;
    let mut work = ctx.store().begin().await?;
    let mut request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    let who = permit.actor().account;
    keep_apart(who, Duty::Approve, &[(Duty::Apply, request.applicant)]).map_err(OrderError::Duty)?;
    let offers = offers_of(&mut work, number).await?;
    let choice = Choice {
        provider: provider.clone(),
        reason: reason.trim().to_owned(),
    };
    let check = check_choice(ctx, &mut work, &request, (&offers, &choice)).await?;
    if check.outcome == Outcome::Block {
        return Err(OrderError::Choice(check.reason).into());
    }
    let offer = offers.iter().find(|(code, _)| code == provider).map(|(_, offer)| offer);
    let offer = offer.ok_or_else(|| OrderError::NotFound("报价", provider.to_string()))?;
    hold_ceiling(ctx, &mut work, number, offer).await?;
    request.place = Some(Place {
        provider: provider.clone(),
        node: offer.node.clone(),
        pool: offer.pool.clone(),
        contract: offer.contract.clone(),
    });
    let request = advance(&mut work, request, RequestEvent::ChooseProvider).await?;
    let order = give_order(ctx, &mut work, &request, due(ctx, DeadlineKind::Delivery)?, false).await?;
    let chosen = Chosen {
        provider: provider.clone(),
        reason: choice.reason,
        check,
        by: who,
        at: ctx.now(),
    };
    work.set_paper((number, paper::CHOICE), &chosen, 0).await?;
    work.set_to_dos(("choose", number), &[]).await?;
    let detail = serde_json::json!({ "provider": provider, "reason": chosen.reason, "order": order.number,
        "offers": offers.iter().map(|(code, offer)| (code, offer.monthly)).collect::<Vec<_>>() });
    log(ctx, &mut work, ("order.choose_provider", number), detail).await?;
    work.commit().await?;
    Ok((request, order))
}

/// What the rule on comparing offers says. Not configured is said, and left to people.
async fn check_choice(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
    (offers, choice): (&[(OrganisationCode, Offer)], &Choice),
) -> Result<Check, AppError> {
    let systems = work.history::<InformationSystem>().await?;
    let system = systems.at(request.system.as_str(), ctx.now());
    let system = system.ok_or_else(|| OrderError::NotFound("信息系统", request.system.to_string()))?;
    let facts = RequestFacts {
        application: request.kind.application(),
        unit: UnitFacts {
            code: request.unit.clone(),
            municipal: None,
        },
        system: SystemFacts {
            code: request.system.clone(),
            arrival: Arrival::Existing,
            classified: None,
            mlps_level: None,
            zone: system.zone,
            data_grade: None,
            filing_certificate: None,
            crypto_plan: None,
            crypto_assessment: None,
        },
        off_cloud: false,
        lines: Vec::new(),
        stock: Vec::new(),
        reviews: Vec::new(),
        providers: offers
            .iter()
            .map(|(code, offer)| ProviderFacts {
                code: code.clone(),
                contract: Some(offer.contract.clone()),
                platform_level: None,
                separate_pool: None,
                operated_in_china: None,
                data_in_china: None,
                quote: Some(offer.quote()),
            })
            .collect(),
        choice: Some(choice.clone()),
        means: Means::default(),
    };
    let checks = check_all(&ctx.policies()?.rules, &facts, ctx.now(), &policy::evaluate);
    let about = checks.into_iter().find(|check| check.rule.to_string() == QUOTES);
    about.ok_or_else(|| OrderError::Choice("没有配置比较报价的规则，请先由主管部门批准规则".to_owned()).into())
}

/// Holds room of the contract: what the offer costs a month, for the months its term still has, this one included.
/// Provisional (R26): what is charged in the end is what was used.
async fn hold_ceiling(ctx: &OpContext, work: &mut Connection, number: &str, offer: &Offer) -> Result<(), AppError> {
    let contracts = work.history::<Contract>().await?;
    let contract = contracts.at(offer.contract.as_str(), ctx.now());
    let contract = contract.ok_or_else(|| OrderError::NotFound("合同", offer.contract.to_string()))?;
    let amount = for_months(offer.monthly, months_of_term(ctx.now(), contract.ends))?;
    let purse = Purse::Ceiling {
        contract: contract.code.clone(),
    };
    let mut balance = work.balance(&purse, number).await?;
    balance.limit = balance.limit.or(contract.ceiling.map(Money::fen));
    let demand = Demand::from([(purse, amount.fen())]);
    check_room(&demand, &|_| balance).map_err(OrderError::NoRoom)?;
    let held = work.holds_of(number).await?.into_iter();
    let held = held.filter(|(.., state)| *state == HoldState::Held);
    let all: Demand = held.map(|(purse, amount, _)| (purse, amount)).chain(demand).collect();
    Ok(work.hold(number, &all, ctx.now()).await?)
}
