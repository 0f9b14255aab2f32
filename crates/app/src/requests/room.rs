//! What an application takes of quotas and budgets.
//!
//! The rule, a design of ours: a quota is taken by measure and kind of pool, at what the application adds. The budget is
//! the one of the calendar year of submission; it is taken for as many months as are left of that year, this one
//! included, at the estimated monthly cost of the dearest candidate; once a provider is chosen, at the price it offered.
//! What gives back, and what only lasts longer, takes nothing, and neither does what stays outside the cloud. Where there
//! is no price, no budget is taken, which the record says. The ceiling of a contract is taken for the months that are left
//! of its term: of new resources once a provider is chosen, of changed ones, whose contract is known, with the submission.

use super::RequestError;
use super::estimate::Estimate;
use super::facts::{added, pool, too_much};
use super::ground::Ground;
use crate::AppError;
use domain::budget::{Balance, Demand, NoRoom, Purse, check_room, for_months, months_of_term, months_of_year};
use domain::catalogue::Contract;
use domain::registry::{History, ResourceKind};
use domain::request::{RequestKind, ResourceRequest};
use domain::rules::{Means, QuotaLeft};
use kernel::{Instant, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::Connection;

/// One purse, as it stands for an application.
#[derive(Debug, Clone)]
pub(super) struct Room {
    purse: Purse,
    balance: Balance,
    wanted: i64,
}

/// One purse, as people are shown it and records keep it. Amounts are decimals, of yuan or of the measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// In words.
    pub name: String,
    /// The purse.
    #[serde(flatten)]
    pub purse: Purse,
    /// The limit; none if it is not set.
    pub limit: Option<String>,
    /// Held by other applications on their way.
    pub held: String,
    /// Used by what is open.
    pub used: String,
    /// What is left before this application, with its unit; `未设定` where no limit is set.
    pub left: String,
    /// What this application takes.
    pub wanted: String,
    /// Whether it fits.
    pub fits: bool,
}

impl From<Room> for RoomView {
    fn from(room: Room) -> Self {
        let (purse, balance) = (room.purse, room.balance);
        let left = balance.left();
        Self {
            name: purse.to_string(),
            limit: balance.limit.map(|limit| purse.decimal(limit)),
            held: purse.decimal(balance.held),
            used: purse.decimal(balance.used),
            left: left.map_or_else(|| "未设定".to_owned(), |left| purse.show(left)),
            wanted: purse.decimal(room.wanted),
            fits: balance.has_room(room.wanted),
            purse,
        }
    }
}

/// What an application takes, given what it adds to a month.
pub(super) fn demand(
    ground: &Ground,
    request: &ResourceRequest,
    monthly: Option<Money>,
) -> Result<Demand, RequestError> {
    let mut demand = Demand::new();
    for line in request.cloud_lines() {
        let pool = pool(ground, request, line)?;
        for (measure, quantity) in added(ground, request, line)?.iter() {
            let purse = Purse::Quota {
                unit: request.unit.clone(),
                pool,
                measure,
            };
            let taken = demand.entry(purse).or_insert(0);
            *taken = taken.checked_add(quantity.micros()).ok_or_else(too_much)?;
        }
    }
    if let Some(monthly) = monthly.filter(|monthly| *monthly > Money::ZERO) {
        let taken = for_months(monthly, months_of_year(ground.at)).map_err(|_| too_much())?;
        demand.insert(budget(ground, request), taken.fen());
        if let Some((purse, taken)) = ceiling(ground, request, monthly)? {
            demand.insert(purse, taken.fen());
        }
    }
    Ok(demand)
}

/// What a change takes of the ceiling of the contract that its resources are under.
fn ceiling(ground: &Ground, request: &ResourceRequest, monthly: Money) -> Result<Option<(Purse, Money)>, RequestError> {
    let place = ground.place(request)?.filter(|_| request.kind == RequestKind::Change);
    let contract = place.and_then(|place| ground.contracts.at(place.contract.as_str(), ground.at));
    contract
        .map(|contract| of_ceiling(contract, monthly, ground.at).map_err(|_| too_much()))
        .transpose()
}

/// What a monthly amount takes of the ceiling of a contract: as much for every month that its term still has, this one
/// included. Provisional (R26): what is charged in the end is what was used.
pub(crate) fn of_ceiling(
    contract: &Contract,
    monthly: Money,
    at: Instant,
) -> Result<(Purse, Money), kernel::MoneyError> {
    let purse = Purse::Ceiling {
        contract: contract.code.clone(),
    };
    Ok((purse, for_months(monthly, months_of_term(at, contract.ends))?))
}

fn budget(ground: &Ground, request: &ResourceRequest) -> Purse {
    Purse::Budget {
        unit: request.unit.clone(),
        year: ground.at.day().month().year(),
    }
}

/// Every purse that matters to an application, as it stands: those it takes of, the budget, and the ceilings of the
/// candidates' contracts.
pub(super) async fn rooms(
    read: &mut Connection,
    (ground, request): (&Ground, &ResourceRequest),
    demand: &Demand,
    estimates: &[Estimate],
) -> Result<Vec<Room>, AppError> {
    let ceilings = estimates.iter().map(|estimate| Purse::Ceiling {
        contract: estimate.contract.clone(),
    });
    let mut purses: Vec<Purse> = demand.keys().cloned().chain(ceilings).collect();
    purses.push(budget(ground, request));
    purses.sort();
    purses.dedup();
    let mut rooms = Vec::new();
    for purse in purses {
        let balance = balance(read, (&ground.contracts, ground.at), &purse, &request.number).await?;
        let wanted = demand.get(&purse).copied().unwrap_or(0);
        rooms.push(Room { purse, balance, wanted });
    }
    Ok(rooms)
}

/// A purse as it stands beside an application. A contract has the ceiling that it says itself where none was set.
pub(crate) async fn balance(
    read: &mut Connection,
    (contracts, at): (&History<Contract>, Instant),
    purse: &Purse,
    number: &str,
) -> Result<Balance, AppError> {
    let mut balance = read.balance(purse, number).await?;
    if let Purse::Ceiling { contract } = purse {
        let terms = contracts.at(contract.as_str(), at);
        balance.limit = balance.limit.or_else(|| Some(terms?.ceiling?.fen()));
    }
    Ok(balance)
}

/// Cost and means as facts.
pub(super) fn means(request: &ResourceRequest, monthly: Option<Money>, rooms: &[Room]) -> Means {
    let left = |wanted: fn(&Purse) -> bool| {
        let found = rooms.iter().filter(|room| wanted(&room.purse));
        found.filter_map(|room| room.balance.left()).min().map(Money::from_fen)
    };
    let mut quota_left: BTreeMap<ResourceKind, QuotaLeft> = BTreeMap::new();
    for line in &request.lines {
        for room in rooms {
            let (Purse::Quota { pool, measure, .. }, Some(left)) = (&room.purse, room.balance.left()) else {
                continue;
            };
            if line.spec.get(*measure).is_some() && (line.pool.is_none() || line.pool == *pool) {
                let entry = quota_left.entry(line.kind).or_insert_with(|| QuotaLeft {
                    kind: line.kind,
                    left: domain::registry::Spec::new(),
                });
                let left = kernel::Quantity::from_micros(left.max(0));
                entry.left = entry.left.clone().with(*measure, left);
            }
        }
    }
    Means {
        monthly_cost: monthly,
        budget_left: left(|purse| matches!(purse, Purse::Budget { .. })),
        ceiling_left: left(|purse| matches!(purse, Purse::Ceiling { .. })),
        quota_left: quota_left.into_values().collect(),
    }
}

/// Holds what an application takes, in place of what it held before. Errors: every purse without room.
pub(super) async fn hold(
    work: &mut Connection,
    (number, at): (&str, Instant),
    demand: &Demand,
) -> Result<(), AppError> {
    let contracts = work.history::<Contract>().await?;
    let mut balances = BTreeMap::new();
    for purse in demand.keys() {
        let there = balance(work, (&contracts, at), purse, number).await?;
        balances.insert(purse.clone(), there);
    }
    let balance = |purse: &Purse| balances.get(purse).copied().unwrap_or_default();
    check_room(demand, &balance).map_err(|lacking: Vec<NoRoom>| RequestError::NoRoom(lacking))?;
    Ok(work.hold(number, demand, at).await?)
}
