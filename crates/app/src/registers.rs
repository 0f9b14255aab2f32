//! Reading the registers: organisations, systems, the catalogue and contracts, as they are at a moment.

use crate::{AppError, OpContext, Reach};
use domain::authz::Action;
use domain::catalogue::{Contract, ServiceItem};
use domain::registry::{CloudNode, InformationSystem, Organisation};
use kernel::Instant;
use std::collections::BTreeSet;

/// The organisations at a moment, by code. Everybody with a role reads them: they are the names of the forms.
pub async fn organisations(ctx: &OpContext, at: Instant) -> Result<Vec<Organisation>, AppError> {
    ctx.reach(Action::RegistryRead, "organisation").await?;
    let history = ctx.organisations(&mut ctx.store().read().await?).await?;
    Ok(history.all_at(at).cloned().collect())
}

/// The systems at a moment, by code: a unit sees its own and those of the units below it, a provider those with
/// resources on its nodes.
pub async fn systems(ctx: &OpContext, at: Instant) -> Result<Vec<InformationSystem>, AppError> {
    let reach = ctx.reach(Action::RegistryRead, "system").await?;
    let mut read = ctx.store().read().await?;
    let mut here = BTreeSet::new();
    if let Reach::Providers(codes) = &reach {
        let nodes = read.history::<CloudNode>().await?;
        for node in nodes.all_at(at).filter(|node| codes.contains(node.provider.as_str())) {
            let there = read.open_allocations(node.code.as_str(), at).await?;
            here.extend(there.into_iter().map(|allocation| allocation.system));
        }
    }
    let history = read.history::<InformationSystem>().await?;
    let seen = |system: &&InformationSystem| match &reach {
        Reach::Providers(_) => here.contains(&system.code),
        reach => reach.holds(Some(system.organisation.as_str()), None),
    };
    Ok(history.all_at(at).filter(seen).cloned().collect())
}

/// The service catalogue at a moment, by code.
pub async fn items(ctx: &OpContext, at: Instant) -> Result<Vec<ServiceItem>, AppError> {
    ctx.reach(Action::RegistryRead, "catalogue").await?;
    let history = ctx.store().read().await?.history::<ServiceItem>().await?;
    Ok(history.all_at(at).cloned().collect())
}

/// The contracts at a moment, by number; a provider sees its own.
pub async fn contracts(ctx: &OpContext, at: Instant) -> Result<Vec<Contract>, AppError> {
    let reach = ctx.reach(Action::PriceRead, "contract").await?;
    let history = ctx.store().read().await?.history::<Contract>().await?;
    let seen = |contract: &&Contract| reach.holds(None, Some(contract.provider.as_str()));
    Ok(history.all_at(at).filter(seen).cloned().collect())
}
