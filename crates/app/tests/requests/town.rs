//! A small town: an authority, two departments, a provider with a node, a contract with prices, and people of all sides.
//!
//! A server of 4 vCPU and 8 GiB costs 4 x 50 + 8 x 10 = 280 yuan a month.

use app::OpContext;
use app::requests::Draft;
use domain::authz::{Account, AccountState, Actor, Role};
use domain::budget::Purse;
use domain::catalogue::{
    Contract, MeteringBasis, PriceBook, PriceLine, PriceModel, PriceScope, Proration, ServiceForm, ServiceItem,
    ServiceLayer,
};
use domain::flow::{Act, FlowRun, TaskState};
use domain::registry::{
    CloudNode, InformationSystem, Measure, NetworkZone, NodeSource, Organisation, PoolKind, Registered, ResourceKind,
    ResourcePool, Side, SystemOrigin, SystemStatus, Version,
};
use domain::request::{Declaration, RequestKind, RequestLine, ResourceRequest};
use domain::rules::{CryptoConclusion, Purpose};
use kernel::{AccountId, Factor, Instant, Money};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::UnitOfWork;
use tempfile::TempDir;
use test_support::TestStore;

const PEOPLE: &[(&str, &str, Side, &[Role])] = &[
    ("wang", "D1", Side::Unit, &[Role::UnitApplicant]),
    ("both", "D1", Side::Unit, &[Role::UnitApplicant, Role::UnitHead]),
    ("head", "D1", Side::Unit, &[Role::UnitHead]),
    ("stranger", "D2", Side::Unit, &[Role::UnitApplicant, Role::UnitHead]),
    ("intake", "A1", Side::Authority, &[Role::AuthorityIntake]),
    ("technical", "A1", Side::Authority, &[Role::AuthorityTechnical]),
    ("secretary", "A1", Side::Authority, &[Role::ExpertSecretary]),
    ("leader", "A1", Side::Authority, &[Role::AuthorityLeader]),
    ("operations", "A1", Side::Authority, &[Role::AuthorityOperations]),
    ("operator", "P1", Side::Provider, &[Role::ProviderHead]),
    ("hand", "P1", Side::Provider, &[Role::ProviderOperator]),
    ("sysadmin", "A1", Side::Authority, &[Role::SystemAdmin]),
];

pub struct Town {
    ctx: OpContext,
    pub store: TestStore,
    clock: Arc<AtomicI64>,
    people: BTreeMap<&'static str, Actor>,
    _data: TempDir,
}

fn code<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

async fn register<T: Registered>(work: &mut UnitOfWork, bodies: Vec<T>) {
    let valid_from = code("2026-01-01");
    let versions: Vec<_> = bodies.into_iter().map(|body| Version { valid_from, body }).collect();
    work.add_versions(&versions, None).await.unwrap();
}

impl Town {
    pub async fn new(store: TestStore) -> Self {
        Self::at(store, "2026-10-08 09:00:00").await
    }

    /// The town at a moment.
    pub async fn at(store: TestStore, now: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, time) = test_support::clock_at(code(now));
        let ctx = OpContext::new("worker", store.store(), data.path(), time, test_support::counted()).unwrap();
        let mut town = Self {
            ctx,
            store,
            clock,
            people: BTreeMap::new(),
            _data: data,
        };
        town.settle().await;
        town
    }

    async fn settle(&mut self) {
        let mut work = self.store.begin().await.unwrap();
        let organisation = |text: &str, side| Organisation {
            code: code(text),
            name: text.to_owned(),
            side,
            parent: None,
            merged_into: None,
            municipal: (side == Side::Unit).then_some(true),
        };
        let sides = [
            ("A1", Side::Authority),
            ("D1", Side::Unit),
            ("D2", Side::Unit),
            ("P1", Side::Provider),
        ];
        register(&mut work, sides.map(|(text, side)| organisation(text, side)).into()).await;
        let system = |text: &str, unit: &str, level, origin| InformationSystem {
            code: code(text),
            name: text.to_owned(),
            organisation: code(unit),
            mlps_level: Some(level),
            zone: NetworkZone::Extranet,
            data_grade: None,
            status: SystemStatus::Running,
            origin,
        };
        let systems = vec![
            system("S1", "D1", 2, SystemOrigin::New),
            system("S2", "D2", 2, SystemOrigin::New),
            system("S3", "D1", 3, SystemOrigin::Existing),
        ];
        register(&mut work, systems).await;
        let node = CloudNode {
            code: code("N1"),
            name: "N1".into(),
            provider: code("P1"),
            source: NodeSource::Files { folder: "N1".into() },
            platform: domain::registry::Platform::default(),
        };
        register(&mut work, vec![node]).await;
        let pool = |text: &str, kind| ResourcePool {
            code: code(text),
            name: text.to_owned(),
            node: code("N1"),
            kind,
            zones: Vec::new(),
            separate: None,
        };
        let pools = vec![pool("XC", PoolKind::Xinchuang), pool("X86", PoolKind::X86)];
        register(&mut work, pools).await;
        prices(&mut work).await;
        for (place, (login, organisation, side, roles)) in (1..).zip(PEOPLE) {
            let actor = Actor {
                account: AccountId::from_parts(place, &[9; 10]),
                login: (*login).to_owned(),
                organisation: code(organisation),
                side: *side,
                roles: roles.to_vec(),
                scope: None,
            };
            employ(&mut work, &actor, self.ctx.now()).await;
            self.people.insert(login, actor);
        }
        let what = ("测试", "test.town", "");
        work.audit(self.ctx.now(), what, "{}".into()).await.unwrap();
        work.commit().await.unwrap();
    }

    /// The house, for somebody.
    pub fn by(&self, login: &str) -> OpContext {
        self.ctx.acting(self.people[login].clone())
    }

    /// The platform itself.
    pub fn platform(&self) -> &OpContext {
        &self.ctx
    }

    /// Somebody's account.
    pub fn account(&self, login: &str) -> AccountId {
        self.people[login].account
    }

    pub fn now_is(&self, text: &str) {
        self.clock.store(code::<Instant>(text).unix_s(), Ordering::SeqCst);
    }

    /// Somebody's draft of one line.
    pub async fn draft(&self, login: &str, draft: Draft) -> ResourceRequest {
        app::requests::make_draft(&self.by(login), draft).await.unwrap()
    }

    /// Sets the budget of a department for 2026.
    pub async fn budget(&self, unit: &str, yuan: &str) {
        let purse = Purse::Budget {
            unit: code(unit),
            year: 2026,
        };
        let fen = code::<Money>(yuan).fen();
        app::requests::set_limit(&self.by("leader"), (&purse, 0), fen, "春财预〔2026〕1号")
            .await
            .unwrap();
    }

    /// What a department holds of its budget for 2026. Units: fen.
    pub async fn held(&self, unit: &str) -> i64 {
        let purse = Purse::Budget {
            unit: code(unit),
            year: 2026,
        };
        let balance = self.store.read().await.unwrap().balance(&purse, "").await.unwrap();
        balance.held
    }

    /// An application as it is stored.
    pub async fn request(&self, number: &str) -> ResourceRequest {
        let request = self
            .store
            .read()
            .await
            .unwrap()
            .request(number, &store::Sight::All)
            .await
            .unwrap();
        request.unwrap()
    }

    pub async fn run(&self, number: &str) -> FlowRun {
        let flow = self.store.read().await.unwrap().flow(number).await.unwrap();
        flow.unwrap().0
    }

    /// The open task of somebody, from their own list.
    pub async fn task(&self, login: &str, number: &str) -> u32 {
        let list = app::messages::to_dos(&self.by(login)).await.unwrap();
        let own = list
            .iter()
            .map(|mine| &mine.to_do)
            .find(|to_do| to_do.subject == number);
        own.unwrap_or_else(|| panic!("{login} has nothing to do with {number}: {list:?}"))
            .task
            .parse()
            .unwrap()
    }

    /// Somebody agrees to what is in their list.
    pub async fn agree(&self, login: &str, request: &ResourceRequest) -> ResourceRequest {
        let task = self.task(login, &request.number).await;
        let opinion = "同意".to_owned();
        let act = Act::Agree { task, opinion };
        app::requests::decide(&self.by(login), &request.number, request.version, act)
            .await
            .unwrap_or_else(|why| panic!("{login}: {why}"))
    }

    /// The only open task of a run.
    pub async fn open_task(&self, number: &str) -> u32 {
        let run = self.run(number).await;
        let open: Vec<u32> = run
            .live()
            .filter(|t| t.state == TaskState::Open)
            .map(|t| t.id)
            .collect();
        assert_eq!(open.len(), 1);
        open[0]
    }

    /// Makes or drops a trigger of the database, to break what the program writes.
    pub async fn trigger(&self, sql: &str) {
        let ctx = self.platform();
        let mut work = ctx.store().begin().await.unwrap();
        work.execute(sql, &[]).await.unwrap();
        work.audit(ctx.now(), ("test", "test.trigger", ""), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
    }

    /// Audited actions about one object, in order: actor and action.
    pub async fn audited(&self, object: &str) -> Vec<(String, String)> {
        let entries = test_support::chain(&self.store).await;
        let about = entries.into_iter().filter(|entry| entry.object == object);
        about.map(|entry| (entry.actor, entry.action)).collect()
    }
}

async fn employ(work: &mut UnitOfWork, actor: &Actor, now: Instant) {
    let name = format!("{}同志", actor.login);
    let account = Account {
        state: AccountState::Active,
        ..Account::invited(actor.account, (&actor.login, &name), actor.organisation.clone(), now)
    };
    test_support::employ(work, &account, &actor.roles).await;
}

async fn prices(work: &mut UnitOfWork) {
    let item = |text: &str, measure, unit: &str| ServiceItem {
        code: code(text),
        name: text.to_owned(),
        layer: ServiceLayer::Infrastructure,
        form: ServiceForm::SharedCloud,
        kind: ResourceKind::Server,
        measure,
        unit: unit.to_owned(),
        basis: MeteringBasis::Lesser,
        class: None,
        pool: None,
        zone: None,
        tenancy: None,
    };
    let items = vec![
        item("VCPU", Measure::Vcpu, "核"),
        item("MEMORY", Measure::MemoryGib, "GB"),
    ];
    register(work, items).await;
    let contract = Contract {
        code: code("C1"),
        title: "政务云服务合同".into(),
        provider: code("P1"),
        round: "1".into(),
        lot: "1".into(),
        starts: code("2026-01-01"),
        ends: code("2028-01-01"),
        ceiling: None,
        proration: Proration::ByDay,
        tolerance: Money::ZERO,
        sla: None,
        commitments: Vec::new(),
        source: "测试".into(),
    };
    register(work, vec![contract]).await;
    let line = |text: &str, price: &str| PriceLine {
        item: code(text),
        scope: PriceScope::default(),
        model: PriceModel::Flat { price: code(price) },
        discount: Factor::ONE,
        ceiling: None,
        cap: None,
        clause: "1".into(),
    };
    let book = PriceBook {
        contract: code("C1"),
        version: 1,
        effective_from: code("2026-01-01"),
        source: "测试".into(),
        approver: "测试".into(),
        lines: vec![line("VCPU", "50"), line("MEMORY", "10")],
    };
    work.add_price_book(&book, code("2026-01-01"), None).await.unwrap();
}

/// One server of 4 vCPU and 8 GiB for a system, in a pool.
pub fn server(system: &str, pool: PoolKind) -> Draft {
    Draft {
        kind: RequestKind::New,
        system: code(system),
        reason: "业务增长".into(),
        basis: "春数函〔2026〕12号".into(),
        contact: "王工 0871-0000".into(),
        lines: vec![RequestLine {
            line: 1,
            kind: ResourceKind::Server,
            class: String::new(),
            form: ServiceForm::SharedCloud,
            pool: Some(pool),
            spec: code("vcpu=4 memory_gib=8"),
            count: 1,
            purpose: Purpose::Production,
            until: None,
            allocation: None,
        }],
        declared: Declaration {
            classified: Some(false),
            ..Declaration::default()
        },
    }
}

/// The same with a crypto plan that was assessed.
pub fn with_crypto_plan(draft: Draft) -> Draft {
    Draft {
        declared: Declaration {
            crypto_plan: Some("密码应用方案 2026-3".into()),
            crypto_assessment: Some(CryptoConclusion::Conform),
            ..draft.declared.clone()
        },
        ..draft
    }
}

/// What kept somebody from it.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, app::AppError>) -> (kernel::ErrorKind, String) {
    use kernel::Kinded as _;
    let error = result.unwrap_err();
    (error.kind(), error.to_string())
}
