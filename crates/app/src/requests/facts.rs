//! The facts an application is judged by. What nobody has registered, declared or measured is none.

use super::RequestError;
use super::ground::Ground;
use super::stock::{Idle, stock};
use domain::catalogue::{CatalogueError, ServiceItem, ServiceUse, match_item};
use domain::flow::Fact;
use domain::registry::{CloudNode, Measure, PoolKind, Spec, SystemOrigin};
use domain::request::{Place, RequestKind, RequestLine, ResourceRequest};
use domain::rules::{Arrival, Choice, Line, Means, OwnPurchase, ProviderFacts, RequestFacts, SystemFacts, UnitFacts};
use kernel::{ItemCode, Quantity};
use std::collections::BTreeMap;

/// All facts of an application. `means` is what it costs and what is left, `idle` what the unit has switched off.
pub(super) fn gather(
    ground: &Ground,
    request: &ResourceRequest,
    choice: Option<Choice>,
    (means, idle): (Means, &Idle),
) -> Result<RequestFacts, RequestError> {
    let lines = request.lines.iter().map(|line| fact_line(ground, request, line));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let unit = ground.registry.organisations.at(request.unit.as_str(), ground.at);
    Ok(RequestFacts {
        application: request.kind.application(),
        unit: UnitFacts {
            code: request.unit.clone(),
            municipal: unit.and_then(|unit| unit.municipal),
        },
        system: system_facts(ground, request)?,
        off_cloud: request.is_off_cloud(),
        stock: stock(ground, request, &lines, idle),
        lines,
        reviews: ground.reviews.clone(),
        providers: providers(ground, ground.place(request)?.as_ref()),
        choice,
        means,
    })
}

fn system_facts(ground: &Ground, request: &ResourceRequest) -> Result<SystemFacts, RequestError> {
    let system = ground.system(request)?;
    let declared = &request.declared;
    let runs_here = ground.allocations.values().any(|a| a.system == request.system);
    Ok(SystemFacts {
        code: system.code.clone(),
        arrival: match system.origin {
            _ if runs_here => Arrival::Existing,
            SystemOrigin::Existing => Arrival::Migrated,
            SystemOrigin::New => Arrival::New,
        },
        classified: declared.classified,
        mlps_level: system.mlps_level,
        zone: system.zone,
        data_grade: system.data_grade,
        filing_certificate: declared.filing_certificate.clone(),
        crypto_plan: declared.crypto_plan.clone(),
        crypto_assessment: declared.crypto_assessment,
    })
}

/// What a line adds, over all its pieces: of a new one all it asks for, of a change what is more than there is.
pub(super) fn added(ground: &Ground, request: &ResourceRequest, line: &RequestLine) -> Result<Spec, RequestError> {
    let had = ground.resource(request, line)?.map(|a| &a.spec);
    match request.kind {
        RequestKind::New => times(&line.spec, line.count),
        RequestKind::Change => Ok(more(&line.spec, had)),
        RequestKind::Extend | RequestKind::Release | RequestKind::Reclaim => Ok(Spec::new()),
    }
}

fn times(spec: &Spec, count: u32) -> Result<Spec, RequestError> {
    spec.iter().try_fold(Spec::new(), |all, (measure, quantity)| {
        let micros = quantity.micros().checked_mul(i64::from(count)).ok_or_else(too_much)?;
        Ok(all.with(measure, Quantity::from_micros(micros)))
    })
}

/// More than can be reckoned with.
pub(super) fn too_much() -> RequestError {
    RequestError::Invalid("申请的总量过大，请核对规格和数量".to_owned())
}

fn more(wanted: &Spec, had: Option<&Spec>) -> Spec {
    wanted.iter().fold(Spec::new(), |all, (measure, quantity)| {
        let had = had.and_then(|had| had.get(measure)).unwrap_or(Quantity::ZERO);
        let more = quantity.checked_sub(had).unwrap_or(Quantity::ZERO);
        if more > Quantity::ZERO {
            all.with(measure, more)
        } else {
            all
        }
    })
}

/// The kind of pool a line is in: where its resource is, whatever the line says; of a new one what the line says.
pub(super) fn pool(
    ground: &Ground,
    request: &ResourceRequest,
    line: &RequestLine,
) -> Result<Option<PoolKind>, RequestError> {
    Ok(match ground.resource(request, line)? {
        Some(there) => ground.pool_of(there),
        None => line.pool,
    })
}

fn fact_line(ground: &Ground, request: &ResourceRequest, line: &RequestLine) -> Result<Line, RequestError> {
    let mut quantities = added(ground, request, line)?;
    let increment = !quantities.is_empty();
    // Several pieces are cut by whole pieces (R4), so their number stands beside their size.
    if increment && line.count > 1 && quantities.get(Measure::Count).is_none() {
        let count = Quantity::from_whole(i64::from(line.count)).unwrap_or(Quantity::ZERO);
        quantities = quantities.with(Measure::Count, count);
    }
    let what = request.declared.own_purchases.get(&line.line);
    Ok(Line {
        number: line.line,
        kind: line.kind,
        item: items(ground, request, line)?.into_iter().next(),
        class: line.class.clone(),
        pool: pool(ground, request, line)?,
        quantities,
        increment,
        purpose: line.purpose,
        until: line.until,
        own_purchase: what.map(|what| OwnPurchase {
            what: what.clone(),
            offered_as: Some(offered(ground, line)),
        }),
    })
}

/// The items that would charge a line, by measure; those that nothing charges are not there.
fn items(ground: &Ground, request: &ResourceRequest, line: &RequestLine) -> Result<Vec<ItemCode>, RequestError> {
    let found = matched(ground, request, line)?.into_iter().filter_map(Result::ok);
    Ok(found.map(|item| item.code.clone()).collect())
}

fn matched<'g>(
    ground: &'g Ground,
    request: &ResourceRequest,
    line: &RequestLine,
) -> Result<Vec<Result<&'g ServiceItem, CatalogueError>>, RequestError> {
    let zone = ground.system(request)?.zone;
    let pool = pool(ground, request, line)?;
    let there = ground.resource(request, line)?;
    let spec = if line.spec.is_empty() {
        there.map_or(&line.spec, |a| &a.spec)
    } else {
        &line.spec
    };
    let item = |(measure, _)| {
        let wanted = ServiceUse {
            kind: line.kind,
            measure,
            class: &line.class,
            pool,
            zone,
            form: line.form,
        };
        match_item(ground.items.all_at(ground.at), &wanted)
    };
    Ok(spec.iter().map(item).collect())
}

/// Items that offer what a unit wants to buy itself: of the same kind, and of the same class if they have one.
fn offered(ground: &Ground, line: &RequestLine) -> Vec<ItemCode> {
    let fits =
        |item: &&ServiceItem| item.kind == line.kind && item.class.as_ref().is_none_or(|class| *class == line.class);
    let found = ground.items.all_at(ground.at).filter(fits);
    found.map(|item| item.code.clone()).collect()
}

/// Whoever has a contract in force, at each of their nodes; of an application about what is there already only the
/// place where that is. Offers come after the approval.
fn providers(ground: &Ground, place: Option<&Place>) -> Vec<ProviderFacts> {
    let mut found = Vec::new();
    for contract in ground.candidates() {
        let nodes = ground.registry.nodes.all_at(ground.at);
        let own: Vec<_> = nodes.filter(|node| node.provider == contract.provider).collect();
        let facts = |node: &CloudNode| {
            let pools = ground.registry.pools.all_at(ground.at);
            let there: Vec<_> = pools.filter(|pool| pool.node == node.code).collect();
            ProviderFacts::registered(contract, Some(node), &there)
        };
        match own.is_empty() {
            true => found.push(ProviderFacts::registered(contract, None, &[])),
            false => found.extend(own.into_iter().map(facts)),
        }
    }
    let is_there = |facts: &ProviderFacts| {
        place.is_none_or(|place| facts.code == place.provider && facts.node.as_ref() == Some(&place.node))
    };
    found.retain(is_there);
    found
}

/// What is true and false of an application for its flow: non-Xinchuang pools, nothing in the catalogue for it, more
/// than before.
pub(super) fn flow_facts(
    ground: &Ground,
    request: &ResourceRequest,
    facts: &RequestFacts,
) -> Result<BTreeMap<Fact, bool>, RequestError> {
    let adds = || facts.lines.iter().filter(|line| line.increment);
    let mut above_catalogue = false;
    for line in &request.lines {
        above_catalogue |= matched(ground, request, line)?
            .iter()
            .any(|found| matches!(found, Err(CatalogueError::NoItem(_))));
    }
    Ok(BTreeMap::from([
        (
            Fact::from("non_xinchuang"),
            adds().any(|line| line.pool == Some(PoolKind::X86)),
        ),
        (Fact::from("above_catalogue"), above_catalogue),
        (Fact::from("increase"), adds().next().is_some()),
    ]))
}
