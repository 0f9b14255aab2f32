//! A bureau with a store and a data folder of its own, and a clock that is set by hand.

use crate::deliveries::looks;
use crate::scenario::Scenario;
use crate::sheets::{self, Sheet};
use app::OpContext;
use app::collect::{CollectOptions, CollectOutcome, NoSecrets, collect};
use app::import::{ImportOptions, ImportOutcome, import_file};
use app::nodes::{NewNode, NewPool, add};
use domain::meter::{Allocation, Finding};
use domain::rate::ChargeTable;
use kernel::{Instant, Month};
use sources::numbered::deliver;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use test_support::TestStore;

pub struct Bureau {
    pub ctx: OpContext,
    pub store: TestStore,
    data: TempDir,
    clock: Arc<AtomicI64>,
}

impl Bureau {
    /// With nothing in it.
    pub fn new(store: TestStore, now: Instant) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, time) = test_support::clock_at(now);
        let ctx = OpContext::new("关账员", store.store(), data.path(), time, test_support::counted()).unwrap();
        Self {
            ctx,
            store,
            data,
            clock,
        }
    }

    /// The folder of payloads, lake and deliveries.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Sets the clock.
    pub fn now_is(&self, now: Instant) {
        self.clock.store(now.unix_s(), Ordering::SeqCst);
    }

    pub async fn import(&self, sheet: &Sheet) -> ImportOutcome {
        let Sheet { kind, name, text } = sheet;
        let outcome = import_file(&self.ctx, *kind, name, text.as_bytes(), ImportOptions::default()).await;
        outcome.unwrap_or_else(|why| panic!("{name}: {why}\n{text}"))
    }

    /// Registers the scenario's nodes with their pools. Returns whether any of it is new.
    pub async fn register_nodes(&self, scenario: &Scenario) -> bool {
        let registry = scenario.registry();
        let mut is_new = false;
        for (_, versions) in registry.nodes.iter() {
            for version in versions {
                let node = version.body.clone();
                let pools = registry
                    .pools
                    .all_at(version.valid_from)
                    .filter(|pool| pool.node == node.code);
                let pools = pools.map(|pool| NewPool {
                    code: pool.code.clone(),
                    name: pool.name.clone(),
                    kind: pool.kind,
                    zones: pool.zones.clone(),
                    separate: pool.separate,
                });
                let node = NewNode {
                    pools: pools.collect(),
                    code: node.code,
                    name: node.name,
                    provider: node.provider,
                    source: node.source,
                    platform: node.platform,
                    valid_from: version.valid_from,
                };
                is_new |= add(&self.ctx, node).await.unwrap().new;
            }
        }
        is_new
    }

    /// Takes in all facts of a scenario. Returns the approvals that no import file can say; they were put into the
    /// store as they are.
    pub async fn take_in(&self, scenario: &Scenario) -> Vec<Allocation> {
        self.import(&sheets::organisations(scenario)).await;
        assert!(self.register_nodes(scenario).await);
        for sheet in sheets::after_nodes(scenario) {
            let outcome = self.import(&sheet).await;
            assert_eq!(outcome.counts.unchanged, 0, "{}", sheet.name);
        }
        let beside: Vec<Allocation> = scenario
            .allocations()
            .into_iter()
            .filter(sheets::beside_the_imports)
            .collect();
        if !beside.is_empty() {
            let mut work = self.store.begin().await.unwrap();
            work.add_allocations(&beside, None).await.unwrap();
            work.audit(self.ctx.now(), ("测试", "test.allocations", ""), "{}".into())
                .await
                .unwrap();
            work.commit().await.unwrap();
        }
        let (node, looks) = looks(scenario);
        let folder = self.data().join(node.as_str());
        fs::create_dir_all(&folder).unwrap();
        for (number, look) in (1..).zip(&looks) {
            deliver(&folder, &node, number, look).unwrap();
        }
        let collected = self.collect().await;
        assert_eq!(
            (collected.looks, &collected.refused),
            (u64::try_from(looks.len()).unwrap(), &Vec::new())
        );
        beside
    }

    /// Collects from all nodes. That a node may have become empty is confirmed: scenarios release what they have.
    pub async fn collect(&self) -> CollectOutcome {
        let options = CollectOptions { confirm_empty: true };
        collect(&self.ctx, None, &NoSecrets, options).await.unwrap()
    }

    /// The lines of the month's rating that are charged for `of`, as they lie in the lake.
    pub async fn lines(&self, rated_in: Month, of: Month) -> ChargeTable {
        let run = self
            .store
            .read()
            .await
            .unwrap()
            .current_run("rate", rated_in, "")
            .await
            .unwrap()
            .unwrap();
        let path = run.path.unwrap();
        let all = self.ctx.lake().read_charges(&path).unwrap();
        let sums = self.store.read().await.unwrap().charge_sums(run.id).await.unwrap();
        let lines: i64 = sums.iter().map(|sum| sum.lines).sum();
        let amount = kernel::Money::sum(sums.iter().map(|sum| sum.amount)).unwrap();
        assert_eq!(
            (lines, amount),
            (i64::try_from(all.rows.len()).unwrap(), all.total().unwrap()),
            "sums of the store"
        );
        self.ctx
            .lake()
            .read_charges_where(&path, |_, row| row.month == of)
            .unwrap()
            .table
    }

    /// All cases, in the order of the findings they came from.
    pub async fn findings(&self) -> Vec<Finding> {
        let cases = self.store.read().await.unwrap().cases().await.unwrap();
        let mut findings: Vec<Finding> = cases.into_iter().map(|case| case.finding).collect();
        findings.sort();
        findings
    }
}
