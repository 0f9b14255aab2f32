//! What stands in the registers about an application, read once: what it is judged by and priced with.

use super::RequestError;
use crate::AppError;
use domain::catalogue::{Contract, PriceBook, ServiceItem};
use domain::meter::Allocation;
use domain::registry::{History, InformationSystem, PoolKind, Registry};
use domain::request::{Place, RequestLine, ResourceRequest};
use domain::rules::ExpertReview;
use kernel::{AllocationCode, Day, Instant, Period};
use std::collections::{BTreeMap, BTreeSet};
use store::Connection;

/// Registers, prices, resources in use and reviews, at one moment. Offers come after the approval and are judged there.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) at: Instant,
    pub(super) registry: Registry,
    pub(super) items: History<ServiceItem>,
    pub(super) contracts: History<Contract>,
    pub(super) books: Vec<PriceBook>,
    /// Those in use now, each once.
    pub(super) allocations: BTreeMap<AllocationCode, Allocation>,
    pub(super) reviews: Vec<ExpertReview>,
}

impl Ground {
    /// Reads it for an application. One without a number has no reviews.
    pub(super) async fn load(read: &mut Connection, request: &ResourceRequest, at: Instant) -> Result<Self, AppError> {
        let now = Period::new(at, at.plus_s(1)).map_err(|why| RequestError::Invalid(why.to_string()))?;
        let in_use = read.allocations_within(now).await?;
        Ok(Self {
            at,
            registry: read.registry().await?,
            items: read.history().await?,
            contracts: read.history().await?,
            books: read.price_books().await?,
            allocations: in_use.into_iter().map(|a| (a.code.clone(), a)).collect(),
            reviews: read.expert_reviews(&request.number).await?,
        })
    }

    /// The system as it is registered now.
    pub(super) fn system(&self, request: &ResourceRequest) -> Result<&InformationSystem, RequestError> {
        let code = request.system.as_str();
        let system = self.registry.systems.at(code, self.at);
        system.ok_or_else(|| RequestError::UnknownSystem(code.to_owned()))
    }

    /// The resource a line is about, as it is now. Errors: it is not in use, not the system's, or not what and where the
    /// line says.
    pub(super) fn resource(
        &self,
        request: &ResourceRequest,
        line: &RequestLine,
    ) -> Result<Option<&Allocation>, RequestError> {
        let Some(code) = &line.allocation else { return Ok(None) };
        let found = self.allocations.get(code).filter(|a| a.system == request.system);
        let found = found.ok_or_else(|| RequestError::UnknownResource {
            code: code.to_string(),
            system: request.system.to_string(),
        })?;
        if found.kind != line.kind {
            let (is, said) = (found.kind.zh(), line.kind.zh());
            let text = format!("第 {} 行：资源 {code} 是{is}，不是{said}，请核对资源类型", line.line);
            return Err(RequestError::Invalid(text));
        }
        if let (Some(is), Some(said)) = (self.pool_of(found), line.pool)
            && is != said
        {
            let (is, said) = (is.zh(), said.zh());
            let text = format!("第 {} 行：资源 {code} 在{is}，不在{said}，请核对资源池", line.line);
            return Err(RequestError::Invalid(text));
        }
        Ok(Some(found))
    }

    /// The kind of the pool a resource is in.
    pub(super) fn pool_of(&self, allocation: &Allocation) -> Option<PoolKind> {
        let pool = allocation.pool.as_ref()?;
        Some(self.registry.pools.at(pool.as_str(), self.at)?.kind)
    }

    /// Contracts in force on a day, the one that started first before the others.
    pub(super) fn contracts_on(&self, day: Day) -> Vec<&Contract> {
        let all = self.contracts.all_at(self.at);
        let mut found: Vec<_> = all.filter(|c| c.starts <= day && day < c.ends).collect();
        found.sort_by(|a, b| (a.starts, &a.code).cmp(&(b.starts, &b.code)));
        found
    }

    /// Whoever could host it: each provider with the contract of its own that started first.
    pub(super) fn candidates(&self) -> Vec<&Contract> {
        let mut seen = BTreeSet::new();
        let mut found = self.contracts_on(self.at.day());
        found.retain(|contract| seen.insert(&contract.provider));
        found.sort_by(|a, b| a.provider.cmp(&b.provider));
        found
    }

    /// Where the resources are that an application is about; none for new ones. Errors: they are at several places.
    pub(super) fn place(&self, request: &ResourceRequest) -> Result<Option<Place>, RequestError> {
        let mut place: Option<Place> = None;
        for line in &request.lines {
            let Some(allocation) = self.resource(request, line)? else {
                continue;
            };
            let node = self.registry.nodes.at(allocation.node.as_str(), self.at);
            let Some(provider) = node.map(|node| node.provider.clone()) else {
                continue;
            };
            let contracts = self.contracts_on(self.at.day());
            let own = contracts
                .iter()
                .find(|c| c.provider == provider)
                .map(|c| c.code.clone());
            let Some(contract) = allocation.contract.clone().or(own) else {
                continue;
            };
            let here = Place {
                provider,
                node: allocation.node.clone(),
                pool: allocation.pool.clone(),
                contract,
            };
            match &place {
                Some(first) if (&first.provider, &first.node) != (&here.provider, &here.node) => {
                    return Err(RequestError::SeveralPlaces);
                }
                Some(_) => {}
                None => place = Some(here),
            }
        }
        Ok(place)
    }
}
