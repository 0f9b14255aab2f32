//! The authority compares the offers and chooses the provider (R48). The choice gives the order.

use super::OrderError;
use super::give::give_order;
use super::matter::{advance, log, nothing_came_of, paper, read_request, request_of, same_version, target};
use super::offers::{Offer, offers_of};
use crate::requests::people::due;
use crate::requests::room::{balance, of_ceiling};
use crate::requests::sight::noted;
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty, keep_apart};
use domain::budget::{Demand, HoldState, Purse, check_room, for_months, months_of_year};
use domain::catalogue::Contract;
use domain::registry::{CloudNode, InformationSystem, ResourcePool};
use domain::request::{Place, RequestEvent, ResourceRequest};
use domain::rules::{
    Arrival, Check, Choice, DeadlineKind, Means, Outcome, ProviderFacts, RequestFacts, SystemFacts, UnitFacts,
    check_all,
};
use domain::work::{Manner, WorkOrder};
use kernel::{AccountId, Instant, OrganisationCode};
use serde::{Deserialize, Serialize};
use store::Connection;

/// The choice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The provider.
    pub provider: OrganisationCode,
    /// Why; may be empty where it is the cheapest.
    pub reason: String,
    /// What the rule on comparing offers said.
    pub check: Check,
    /// What the rules on level and place said of the node that was offered.
    #[serde(default)]
    pub placement: Vec<Check>,
    /// Who chose.
    pub by: AccountId,
    /// When.
    pub at: Instant,
}

const QUOTES: &str = "R48";
/// The rules on level and place: they are judged once more of the very node that was offered.
const PLACEMENT: [&str; 3] = ["R6", "R7", "R37"];

/// Chooses the provider of an approved application, or another one where nothing came of the order before, at the place
/// it offered, and gives the order. Room of the contract is held, in place of what was held of another one. Errors: the
/// rule on comparing offers, or one on level and place, forbids it; no room; no offer; its contract has ended; a
/// condition of a review is open.
pub async fn choose_provider(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    provider: &OrganisationCode,
    reason: &str,
) -> Result<(ResourceRequest, WorkOrder), AppError> {
    let done = chosen(ctx, (number, version), provider, reason).await;
    noted(ctx, ("order.choose_provider", number), done).await
}

async fn chosen(
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
    let undone = nothing_came_of(&mut work, &request, "另选云服务商").await?;
    let offers = offers_of(&mut work, number).await?;
    let choice = Choice {
        provider: provider.clone(),
        reason: reason.trim().to_owned(),
    };
    let (check, placement) = check_choice(ctx, &mut work, &request, (&offers, &choice)).await?;
    let blocked = |check: &&Check| check.outcome == Outcome::Block;
    if let Some(check) = [&check].into_iter().chain(&placement).find(blocked) {
        return Err(OrderError::Choice(check.reason.clone()).into());
    }
    let offer = offers.iter().find(|(code, _)| code == provider).map(|(_, offer)| offer);
    let offer = offer.ok_or_else(|| OrderError::NotFound("报价", provider.to_string()))?;
    hold_chosen(ctx, &mut work, number, offer).await?;
    request.place = Some(Place {
        provider: provider.clone(),
        node: offer.node.clone(),
        pool: offer.pool.clone(),
        contract: offer.contract.clone(),
    });
    let request = advance(&mut work, request, RequestEvent::ChooseProvider).await?;
    let order = give_order(
        ctx,
        &mut work,
        &request,
        due(ctx, DeadlineKind::Delivery)?,
        Manner::Interface,
    )
    .await?;
    let chosen = Chosen {
        provider: provider.clone(),
        reason: choice.reason,
        check,
        placement,
        by: who,
        at: ctx.now(),
    };
    let last = work.paper::<Chosen>((number, paper::CHOICE)).await?;
    let version = last.map_or(0, |(_, version)| version);
    work.set_paper((number, paper::CHOICE), &chosen, version).await?;
    work.set_to_dos(("choose", number), &[]).await?;
    if let Some(order) = &undone {
        work.set_to_dos(("order", order), &[]).await?;
    }
    let detail = serde_json::json!({ "provider": provider, "reason": chosen.reason, "order": order.number, "after": undone,
        "placement": chosen.placement.iter().map(|check| (&check.rule, &check.outcome)).collect::<Vec<_>>(),
        "offers": offers.iter().map(|(code, offer)| (code, offer.monthly)).collect::<Vec<_>>() });
    log(ctx, &mut work, ("order.choose_provider", number), detail).await?;
    work.commit().await?;
    Ok((request, order))
}

/// What the rule on comparing offers says, and what those on level and place say of the node that was offered. What is
/// not configured or not registered is said, and left to people.
async fn check_choice(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
    (offers, choice): (&[(OrganisationCode, Offer)], &Choice),
) -> Result<(Check, Vec<Check>), AppError> {
    let (nodes, pools) = (
        work.history::<CloudNode>().await?,
        work.history::<ResourcePool>().await?,
    );
    let contracts = work.history::<Contract>().await?;
    let systems = work.history::<InformationSystem>().await?;
    let system = systems.at(request.system.as_str(), ctx.now());
    let system = system.ok_or_else(|| OrderError::NotFound("信息系统", request.system.to_string()))?;
    let offered = |(_, offer): &(OrganisationCode, Offer)| {
        let contract = contracts.at(offer.contract.as_str(), ctx.now())?;
        let pool = offer.pool.as_ref().and_then(|code| pools.at(code.as_str(), ctx.now()));
        let pools: Vec<&ResourcePool> = pool.into_iter().collect();
        let facts = ProviderFacts::registered(contract, nodes.at(offer.node.as_str(), ctx.now()), &pools);
        Some(ProviderFacts {
            quote: Some(offer.quote()),
            ..facts
        })
    };
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
            mlps_level: system.mlps_level,
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
        providers: offers.iter().filter_map(offered).collect(),
        choice: Some(choice.clone()),
        means: Means::default(),
    };
    let checks = check_all(&ctx.policies()?.rules, &facts, ctx.now(), &policy::evaluate);
    let about = checks.iter().find(|check| check.rule.to_string() == QUOTES).cloned();
    let about = about.ok_or_else(|| OrderError::Choice("没有配置比较报价的规则，请先由主管部门批准规则".to_owned()))?;
    let placement = |check: &Check| PLACEMENT.contains(&check.rule.to_string().as_str());
    Ok((about, checks.into_iter().filter(placement).collect()))
}

/// Holds what the offer costs in place of what was estimated: of the contract's ceiling, and of the budget of this year,
/// if it was taken of, for the months that are left of it. All else stays as it was held. Errors: the contract is not in
/// force; no room.
async fn hold_chosen(ctx: &OpContext, work: &mut Connection, number: &str, offer: &Offer) -> Result<(), AppError> {
    let now = ctx.now();
    let contracts = work.history::<Contract>().await?;
    let contract = contracts.at(offer.contract.as_str(), now);
    let contract = contract.ok_or_else(|| OrderError::NotFound("合同", offer.contract.to_string()))?;
    if !contract.term().is_some_and(|term| term.contains(now)) {
        let text = format!("合同 {} 不在服务期内，请按有效的合同重新报价", contract.code);
        return Err(OrderError::Choice(text).into());
    }
    let (ceiling, taken) = of_ceiling(contract, offer.monthly, now)?;
    let mut all = Demand::from([(ceiling, taken.fen())]);
    // What was held already, and is not more now, has its room.
    let mut more = all.clone();
    for (purse, held, state) in work.holds_of(number).await? {
        let amount = match &purse {
            _ if state != HoldState::Held => continue,
            Purse::Ceiling { .. } => continue,
            Purse::Budget { year, .. } if *year == now.day().month().year() => {
                for_months(offer.monthly, months_of_year(now))?.fen()
            }
            Purse::Budget { .. } | Purse::Quota { .. } => held,
        };
        if amount > held {
            more.insert(purse.clone(), amount);
        }
        all.insert(purse, amount);
    }
    let mut lacking = Vec::new();
    for (purse, amount) in more {
        let balance = balance(work, (&contracts, now), &purse, number).await?;
        let without = check_room(&Demand::from([(purse, amount)]), &|_| balance);
        lacking.extend(without.err().into_iter().flatten());
    }
    if !lacking.is_empty() {
        return Err(OrderError::NoRoom(lacking).into());
    }
    Ok(work.hold(number, &all, now).await?)
}
