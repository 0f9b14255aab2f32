//! What an application would cost a month, by the same code that meters and rates months.
//!
//! The month is the one after this, whole. It is metered as allocated: what is asked for is taken to be there all the
//! time. Prices are those of the candidate's contract; minimum commitments are left out, as they are owed anyway, and
//! tiers that several systems share are reckoned for this application alone. What has no price is not estimated, and
//! the reason is said.

use super::RequestError;
use super::ground::Ground;
use crate::AppError;
use domain::catalogue::{Contract, MeteringBasis, ServiceItem};
use domain::meter::{Allocation, CaseKind, MeterInput, meter_month};
use domain::rate::{ChargeKind, RateError, RateInput, Tariffs, rate_month};
use domain::registry::PoolKind;
use domain::request::{Place, RequestKind, ResourceRequest, allocation_code};
use kernel::{ContractCode, Money, Month, NodeCode, OrganisationCode, PoolCode, Quantity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an application would cost at one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The provider.
    pub provider: OrganisationCode,
    /// The contract whose prices were taken.
    pub contract: ContractCode,
    /// The node it was reckoned for: prices may differ by node.
    pub node: Option<NodeCode>,
    /// The month it was reckoned for.
    pub month: Month,
    /// What a full month costs; none if it cannot be said. Of a change: the difference. Of an end: negative.
    pub monthly: Option<Money>,
    /// What is charged once; none if it cannot be said.
    pub once: Option<Money>,
    /// Why it cannot be said.
    pub missing: Option<String>,
    /// By item.
    pub lines: Vec<EstimateLine>,
}

/// What one item comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateLine {
    /// Its code.
    pub item: String,
    /// Its name.
    pub name: String,
    /// How much of it.
    pub quantity: Quantity,
    /// Its unit.
    pub unit: String,
    /// Version and clause of the price.
    pub price: String,
    /// What it costs.
    pub amount: Money,
}

/// What a set of resources costs, or why it cannot be said.
type Priced = Result<(Money, Money, Vec<EstimateLine>), String>;

/// The estimates of what an application asks of the cloud: for new resources at each candidate, for others where they
/// are; none if it asks for nothing there.
pub(super) fn estimates(ground: &Ground, request: &ResourceRequest) -> Result<Vec<Estimate>, AppError> {
    let month = ground.at.day().month().next();
    if request.is_outside() {
        return Ok(Vec::new());
    }
    if request.kind == RequestKind::New {
        let candidates = ground.candidates();
        return candidates
            .into_iter()
            .map(|contract| new_at(ground, request, contract, month))
            .collect();
    }
    let Some(place) = ground.place(request)? else {
        return Ok(Vec::new());
    };
    Ok(vec![changed_at(ground, request, place, month)?])
}

/// What an application adds to a month: of several candidates the dearest, so that whatever is chosen later fits into
/// what is held. None if nothing is priced.
pub(super) fn added_monthly(request: &ResourceRequest, estimates: &[Estimate]) -> Option<Money> {
    match request.kind {
        RequestKind::Extend => Some(Money::ZERO),
        _ => estimates.iter().filter_map(|estimate| estimate.monthly).max(),
    }
}

fn new_at(ground: &Ground, request: &ResourceRequest, contract: &Contract, month: Month) -> Result<Estimate, AppError> {
    let mut allocations = Vec::new();
    let mut node = None;
    let mut missing = None;
    for line in request.cloud_lines() {
        let Some((on, pool)) = site(ground, &contract.provider, line.pool) else {
            let pool = line.pool.map_or("", PoolKind::zh);
            missing = Some(format!("{} 没有可用的云节点或{pool}", contract.provider));
            break;
        };
        node = node.or_else(|| Some(on.clone()));
        for ordinal in 1..=line.count {
            allocations.push(Allocation {
                code: allocation_code("SQ", line.line, ordinal)
                    .map_err(|why| RequestError::Invalid(why.to_string()))?,
                system: request.system.clone(),
                form: line.form,
                kind: line.kind,
                class: line.class.clone(),
                spec: line.spec.clone(),
                node: on.clone(),
                pool: pool.clone(),
                native_id: None,
                contract: Some(contract.code.clone()),
                parent: None,
                period: month.period(),
            });
        }
    }
    let priced = match missing {
        Some(missing) => Err(missing),
        None => price(ground, &allocations, month)?,
    };
    Ok(estimate(
        (contract.provider.clone(), contract.code.clone(), node, month),
        priced,
    ))
}

fn changed_at(ground: &Ground, request: &ResourceRequest, place: Place, month: Month) -> Result<Estimate, AppError> {
    let (mut had, mut has) = (Vec::new(), Vec::new());
    for line in request.cloud_lines() {
        let Some(there) = ground.resource(request, line)? else {
            continue;
        };
        let there = Allocation {
            period: month.period(),
            native_id: None,
            parent: None,
            ..there.clone()
        };
        if request.kind == RequestKind::Change {
            let spec = line.spec.over(&there.spec);
            has.push(Allocation { spec, ..there.clone() });
        }
        had.push(there);
    }
    let before = price(ground, &had, month)?;
    let priced = match (request.kind, before) {
        (_, Err(missing)) => Err(missing),
        (RequestKind::Extend, before) => before,
        (RequestKind::Change, Ok((before, ..))) => match price(ground, &has, month)? {
            Ok((after, once, lines)) => Ok((after.minus(before)?, once, lines)),
            missing => missing,
        },
        (_, Ok((before, once, lines))) => Ok((Money::ZERO.minus(before)?, once, lines)),
    };
    Ok(estimate(
        (place.provider, place.contract, Some(place.node), month),
        priced,
    ))
}

fn estimate(
    (provider, contract, node, month): (OrganisationCode, ContractCode, Option<NodeCode>, Month),
    priced: Priced,
) -> Estimate {
    let (monthly, once, lines, missing) = match priced {
        Ok((monthly, once, lines)) => (Some(monthly), Some(once), lines, None),
        Err(missing) => (None, None, Vec::new(), Some(missing)),
    };
    Estimate {
        provider,
        contract,
        node,
        month,
        monthly,
        once,
        missing,
        lines,
    }
}

/// A node of a provider, and its pool of a kind if one is wanted: the first of each by code.
fn site(
    ground: &Ground,
    provider: &OrganisationCode,
    wanted: Option<PoolKind>,
) -> Option<(NodeCode, Option<PoolCode>)> {
    let registry = &ground.registry;
    let mut nodes: Vec<_> = registry
        .nodes
        .all_at(ground.at)
        .filter(|n| n.provider == *provider)
        .collect();
    nodes.sort_by(|a, b| a.code.cmp(&b.code));
    let Some(kind) = wanted else {
        return nodes.first().map(|node| (node.code.clone(), None));
    };
    nodes.into_iter().find_map(|node| {
        let pools = registry.pools.all_at(ground.at);
        let fitting = pools.filter(|pool| pool.node == node.code && pool.kind == kind);
        let pool = fitting.map(|pool| pool.code.clone()).min()?;
        Some((node.code.clone(), Some(pool)))
    })
}

/// Meters and rates resources over a month. The inner error says what has no price.
fn price(ground: &Ground, allocations: &[Allocation], month: Month) -> Result<Priced, AppError> {
    let items: Vec<ServiceItem> = ground.items.all_at(ground.at).cloned().map(as_allocated).collect();
    let contracts: Vec<Contract> = ground.contracts.all_at(ground.at).cloned().map(uncommitted).collect();
    let output = meter_month(&MeterInput {
        month: month.period(),
        registry: &ground.registry,
        items: items.iter().collect(),
        contracts: contracts.iter().collect(),
        allocations,
        sightings: &BTreeMap::new(),
        coverage: &BTreeMap::new(),
        samples: &BTreeMap::new(),
    });
    let unpriced = output
        .findings
        .iter()
        .find(|finding| finding.kind == CaseKind::Unpriced);
    if let Some(finding) = unpriced {
        return Ok(Err(format!("没有可用价格：{}", finding.detail)));
    }
    let tariffs = Tariffs::new(ground.books.iter().cloned(), contracts.iter().cloned());
    let input = RateInput {
        month,
        usage: &output.table,
        tariffs: &tariffs,
    };
    let table = match rate_month(&input) {
        Ok(table) => table,
        Err(error @ RateError::NoPrices(_)) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let (mut monthly, mut once) = (Money::ZERO, Money::ZERO);
    let mut by_item: BTreeMap<(&str, &str), (Quantity, Money)> = BTreeMap::new();
    for row in &table.rows {
        let sum = if row.kind == ChargeKind::OneOff {
            &mut once
        } else {
            &mut monthly
        };
        *sum = sum.plus(row.amount)?;
        let key = (table.names.text(row.item), table.names.text(row.price));
        let (quantity, amount) = by_item.entry(key).or_default();
        *quantity = quantity.checked_add(row.quantity).ok_or(kernel::MoneyError)?;
        *amount = amount.plus(row.amount)?;
    }
    let line = |((code, price), (quantity, amount)): ((&str, &str), (Quantity, Money))| {
        let item = items.iter().find(|item| item.code.as_str() == code);
        EstimateLine {
            item: code.to_owned(),
            name: item.map_or_else(String::new, |item| item.name.clone()),
            unit: item.map_or_else(String::new, |item| item.unit.clone()),
            price: price.to_owned(),
            quantity,
            amount,
        }
    };
    Ok(Ok((monthly, once, by_item.into_iter().map(line).collect())))
}

fn as_allocated(item: ServiceItem) -> ServiceItem {
    ServiceItem {
        basis: MeteringBasis::Allocated,
        ..item
    }
}

fn uncommitted(contract: Contract) -> Contract {
    Contract {
        commitments: Vec::new(),
        ..contract
    }
}
