//! Everything that is known about a month, read in one state of the store.

use crate::{AppError, OpContext};
use domain::catalogue::{Contract, PriceBook, ServiceItem};
use domain::collect::{Sample, Sighting};
use domain::meter::{Allocation, Coverage, MeterInput, MeterOutput, check_usage, meter_month};
use domain::rate::{ChargeTable, RateInput, Tariffs, rate_month};
use domain::registry::{CloudNode, History, Registry};
use kernel::{Digest, Digester, Month, NodeCode};
use lake::Dataset;
use std::collections::BTreeMap;
use store::Connection;

/// The facts of a month. Metering and rating are pure functions of this.
pub(crate) struct Facts {
    pub(crate) month: Month,
    pub(crate) registry: Registry,
    pub(crate) items: History<ServiceItem>,
    pub(crate) contracts: History<Contract>,
    pub(crate) books: Vec<PriceBook>,
    pub(crate) allocations: Vec<Allocation>,
    sightings: BTreeMap<NodeCode, Vec<Sighting>>,
    coverage: BTreeMap<NodeCode, Coverage>,
    samples: BTreeMap<NodeCode, Vec<Sample>>,
    digest: Digester,
}

impl Facts {
    /// Reads the facts of a month.
    pub(crate) async fn load(ctx: &OpContext, read: &mut Connection, month: Month) -> Result<Self, AppError> {
        let period = month.period();
        let registry = read.registry().await?;
        let nodes: Vec<NodeCode> = registry
            .nodes
            .iter()
            .filter_map(|(code, _)| code.parse().ok())
            .collect();
        let mut facts = Self {
            month,
            registry,
            items: read.history().await?,
            contracts: read.history().await?,
            books: read.price_books().await?,
            allocations: read.allocations_within(period).await?,
            sightings: BTreeMap::new(),
            coverage: BTreeMap::new(),
            samples: BTreeMap::new(),
            digest: Digester::new(),
        };
        for node in nodes {
            facts
                .sightings
                .insert(node.clone(), read.sightings_within(&node, period).await?);
            // A look that changed nothing still says that the node was seen.
            let moments = read.look_moments(&node, period).await?;
            facts.digest.text(node.as_str());
            moments.iter().for_each(|moment| {
                facts.digest.number(moment.unix_s());
            });
            facts.coverage.insert(node.clone(), Coverage::new(moments));
        }
        // A sample of the first moment of a month belongs to the interval before it, so files are kept by the month
        // of the moment before; those of both months may hold some of this one.
        for part in [month, month.next()] {
            for file in read.published(Dataset::Samples.word(), part).await? {
                facts.digest.text(&file.digest.to_string());
                for (node, sample) in ctx.lake().read_samples(&file.path)? {
                    if period.contains(sample.at) {
                        facts.samples.entry(node).or_default().push(sample);
                    }
                }
            }
        }
        facts.take_digest()?;
        Ok(facts)
    }

    /// Reads only what rating needs: registers, contracts and prices.
    pub(crate) async fn load_prices(read: &mut Connection, month: Month) -> Result<Self, AppError> {
        Ok(Self {
            month,
            registry: read.registry().await?,
            items: read.history().await?,
            contracts: read.history().await?,
            books: read.price_books().await?,
            allocations: Vec::new(),
            sightings: BTreeMap::new(),
            coverage: BTreeMap::new(),
            samples: BTreeMap::new(),
            digest: Digester::new(),
        })
    }

    fn take_digest(&mut self) -> Result<(), AppError> {
        let digest = &mut self.digest;
        digest.text(&self.month.to_string());
        history(digest, &self.registry.organisations)?;
        history(digest, &self.registry.systems)?;
        // Where a node's files lie or how it is reached changes nothing of what it said.
        for (code, versions) in self.registry.nodes.iter() {
            digest.text(code);
            for version in versions {
                digest
                    .number(version.valid_from.unix_s())
                    .text(version.body.provider.as_str());
            }
        }
        history(digest, &self.registry.pools)?;
        history(digest, &self.registry.mappings)?;
        history(digest, &self.items)?;
        history(digest, &self.contracts)?;
        for a in &self.allocations {
            digest
                .text(a.code.as_str())
                .text(a.system.as_str())
                .text(a.form.word())
                .text(a.kind.word())
                .text(&a.class);
            digest
                .text(&a.spec.to_string())
                .text(a.node.as_str())
                .text(a.pool.as_ref().map_or("", |p| p.as_str()));
            digest
                .text(a.native_id.as_deref().unwrap_or(""))
                .text(a.contract.as_ref().map_or("", |c| c.as_str()));
            digest.text(a.parent.as_ref().map_or("", |p| p.as_str()));
            digest.number(a.period.from().unix_s()).number(a.period.to().unix_s());
        }
        for (node, sightings) in &self.sightings {
            digest.text(node.as_str());
            for s in sightings {
                digest
                    .text(&s.seen.native_id)
                    .text(s.seen.state.word())
                    .text(&s.seen.spec.to_string());
                digest
                    .text(&s.seen.project)
                    .text(s.seen.system_tag.as_deref().unwrap_or(""));
                digest.number(s.period.from().unix_s()).number(s.period.to().unix_s());
            }
        }
        Ok(())
    }

    /// The digest of everything metering uses.
    pub(crate) fn meter_digest(&self) -> Digest {
        self.digest.clone().finish()
    }

    /// The digest of everything rating uses besides usage.
    pub(crate) fn price_digest(&self) -> Result<Digest, AppError> {
        let mut digest = Digester::new();
        for book in &self.books {
            digest.text(&serde_json::to_string(book)?);
        }
        history(&mut digest, &self.contracts)?;
        Ok(digest.finish())
    }

    fn at_end<'h, T: domain::registry::Registered>(&self, history: &'h History<T>) -> Vec<&'h T> {
        history.all_at(self.month.period().to().plus_s(-1)).collect()
    }

    /// Meters the month. Errors: an invariant is broken; nothing may be published then.
    pub(crate) fn meter(&self) -> Result<MeterOutput, AppError> {
        let input = MeterInput {
            month: self.month.period(),
            registry: &self.registry,
            items: self.at_end(&self.items),
            contracts: self.at_end(&self.contracts),
            allocations: &self.allocations,
            sightings: &self.sightings,
            coverage: &self.coverage,
            samples: &self.samples,
        };
        let output = meter_month(&input);
        let broken = check_usage(&output.table, self.month.period());
        if broken.is_empty() {
            Ok(output)
        } else {
            Err(AppError::Invariant(broken))
        }
    }

    /// Prices and terms.
    pub(crate) fn tariffs(&self) -> Tariffs {
        Tariffs::new(
            self.books.iter().cloned(),
            self.at_end(&self.contracts).into_iter().cloned(),
        )
    }

    /// Rates usage of the month.
    pub(crate) fn rate(&self, usage: &domain::meter::UsageTable) -> Result<ChargeTable, AppError> {
        let tariffs = self.tariffs();
        Ok(rate_month(&RateInput {
            month: self.month,
            usage,
            tariffs: &tariffs,
        })?)
    }

    /// The providers, in order of their codes.
    pub(crate) fn providers(&self) -> Vec<String> {
        let at = self.month.period().to().plus_s(-1);
        let nodes = self
            .registry
            .nodes
            .all_at(at)
            .map(|node: &CloudNode| node.provider.to_string());
        let contracts = self.contracts.all_at(at).map(|contract| contract.provider.to_string());
        nodes
            .chain(contracts)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}

fn history<T: domain::registry::Registered>(digest: &mut Digester, history: &History<T>) -> Result<(), AppError> {
    for (code, versions) in history.iter() {
        digest.text(code);
        for version in versions {
            digest.number(version.valid_from.unix_s());
            digest.text(&serde_json::to_string(&version.body)?);
        }
    }
    Ok(())
}
