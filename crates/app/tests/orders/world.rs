//! A city with a simulated node N1 and a node N2 that delivers files, both of provider P1, and a second provider P2.
//! vCPU cost 31.00 a month, so 1.00 a day in October; charged by second.

use app::import::{ImportKind, ImportOptions, import_file};
use app::nodes::{NewNode, NewPool, add};
use app::orders::{HandStep, NewOffer, OfferedPrice, end_noticed, reclaim_overdue};
use app::requests::{Draft, NewReview, record_review};
use app::{AppError, OpContext};
use domain::authz::{Account, AccountState, Actor, Role};
use domain::budget::HoldState;
use domain::catalogue::ServiceForm;
use domain::flow::Act;
use domain::meter::Allocation;
use domain::registry::{Measure, NodeSource, PoolKind, ResourceKind, Side, Spec};
use domain::request::{Declaration, RequestKind, RequestLine, RequestStatus, ResourceRequest};
use domain::rules::{
    Condition, ExpertReview, Opinion, Purpose, ReviewDecision, ReviewForm, ReviewScope, ReviewSubject, Reviewer,
};
use domain::work::WorkOrder;
use kernel::{AccountId, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::{Sight, UnitOfWork};
use tempfile::TempDir;
use test_support::TestStore;

pub struct World {
    pub ctx: OpContext,
    clock: Arc<AtomicI64>,
    _store: TestStore,
    pub folder: TempDir,
}

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

const SETTING: [(ImportKind, &str); 5] = [
    (
        ImportKind::Organisations,
        "代码,名称,类别,生效日期\nA1,数据局,主管部门,2026-01-01\nP1,甲云公司,云服务商,2026-01-01\n\
         P2,乙云公司,云服务商,2026-01-01\nD1,民政局,使用单位,2026-01-01\n",
    ),
    (
        ImportKind::Systems,
        "代码,名称,所属单位代码,等保级别,网络区域,状态,来源,生效日期\nS1,婚姻登记,D1,2,政务外网区,运行,新建系统,2026-01-01\n",
    ),
    (
        ImportKind::Catalogue,
        "代码,名称,层级,服务形式,资源类型,计量项,单位,计量依据,生效日期\n\
         VCPU,云主机vCPU,infrastructure,shared_cloud,server,vcpu,核,allocated,2026-01-01\n\
         DISK,云硬盘,infrastructure,shared_cloud,volume,storage_gib,GiB,allocated,2026-01-01\n",
    ),
    (
        ImportKind::Contracts,
        "合同编号,合同名称,云服务商代码,采购批次,分包,服务开始日,服务终止日,折算方式,对账容差（元）,计入停机最短秒数,停机取整,\
         可用性扣减阶梯,扣减封顶比例,依据,生效日期\n\
         HT-1,合同一,P1,一期,一,2026-01-01,2027-01-01,按秒,0,300,按秒,0.999:0.10,1,第八条,2026-01-01\n\
         HT-2,合同二,P2,一期,二,2026-01-01,2027-01-01,按秒,0,300,按秒,0.999:0.10,1,第八条,2026-01-01\n",
    ),
    (
        ImportKind::Prices,
        "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人\n\
         HT-1,1,2026-01-01,VCPU,flat,31,附件一,中标价,张三\nHT-1,1,2026-01-01,DISK,flat,0.31,附件一,中标价,张三\n\
         HT-2,1,2026-01-01,VCPU,flat,40,附件一,中标价,张三\nHT-2,1,2026-01-01,DISK,flat,0.4,附件一,中标价,张三\n",
    ),
];

impl World {
    pub async fn new(store: TestStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, time) = test_support::clock_at(at("2026-10-09 09:00:00"));
        let ctx = OpContext::new("后台", store.store(), folder.path(), time, test_support::counted()).unwrap();
        let world = Self {
            ctx,
            clock,
            _store: store,
            folder,
        };
        world.import(SETTING[0].0, SETTING[0].1).await;
        for (code, provider, source) in [
            ("N1", "P1", NodeSource::Simulated { folder: "N1".into() }),
            ("N2", "P1", NodeSource::Files { folder: "N2".into() }),
            ("N3", "P2", NodeSource::Files { folder: "N3".into() }),
        ] {
            let node = NewNode {
                code: code.parse().unwrap(),
                name: code.into(),
                provider: provider.parse().unwrap(),
                source,
                platform: domain::registry::Platform::default(),
                pools: vec![NewPool {
                    code: format!("{code}-X").parse().unwrap(),
                    name: "信创".into(),
                    kind: PoolKind::Xinchuang,
                    zones: vec!["az1".into()],
                    separate: None,
                }],
                valid_from: at("2026-01-01"),
            };
            assert!(add(&world.ctx, node).await.unwrap().new);
        }
        for (kind, text) in &SETTING[1..] {
            world.import(*kind, text).await;
        }
        world
    }

    /// A node N9 of P2 that is a cloud, with an account that no configuration knows.
    pub async fn cloud_node(&self) {
        let node = NewNode {
            code: "N9".parse().unwrap(),
            name: "丙云".into(),
            provider: "P2".parse().unwrap(),
            source: NodeSource::OpenStack {
                auth_url: "https://keystone.example:5000/v3".into(),
                region: None,
                account: "采集".into(),
                operator: None,
            },
            platform: domain::registry::Platform::default(),
            pools: Vec::new(),
            valid_from: at("2026-01-01"),
        };
        assert!(add(&self.ctx, node).await.unwrap().new);
    }

    pub fn on(&self, text: &str) -> &Self {
        self.clock.store(at(text).unix_s(), Ordering::SeqCst);
        self
    }

    pub async fn import(&self, kind: ImportKind, text: &str) {
        let done = import_file(&self.ctx, kind, "文件.csv", text.as_bytes(), ImportOptions::default()).await;
        done.unwrap_or_else(|why| panic!("{kind}: {why}"));
    }

    /// Somebody of an organisation, by a number of their own.
    pub fn person(&self, n: u8, organisation: &str, side: Side, role: Role) -> OpContext {
        self.ctx.acting(Actor {
            account: AccountId::from_parts(1, &[n; 10]),
            login: format!("u{n}"),
            organisation: organisation.parse().unwrap(),
            side,
            roles: vec![role],
            scope: None,
        })
    }

    pub fn operations(&self) -> OpContext {
        self.person(20, "A1", Side::Authority, Role::AuthorityOperations)
    }

    pub fn technical(&self) -> OpContext {
        self.person(21, "A1", Side::Authority, Role::AuthorityTechnical)
    }

    pub fn acceptor(&self) -> OpContext {
        self.person(11, "D1", Side::Unit, Role::UnitAcceptor)
    }

    pub fn operator(&self) -> OpContext {
        self.person(30, "P1", Side::Provider, Role::ProviderOperator)
    }

    pub fn head(&self) -> OpContext {
        self.person(31, "P1", Side::Provider, Role::ProviderHead)
    }

    /// An approved application for servers of 4 vCPU and volumes of 100 GiB.
    pub async fn approved(&self, number: &str, servers: u32, volumes: u32) -> ResourceRequest {
        let line = |line, kind, spec: &str, count| RequestLine {
            line,
            kind,
            class: String::new(),
            form: ServiceForm::SharedCloud,
            pool: Some(PoolKind::Xinchuang),
            spec: spec.parse().unwrap(),
            count,
            purpose: Purpose::Production,
            until: None,
            allocation: None,
        };
        let lines = vec![
            line(1, ResourceKind::Server, "vcpu=4", servers),
            line(2, ResourceKind::Volume, "storage_gib=100", volumes),
        ];
        let lines = lines.into_iter().filter(|line| line.count > 0).collect();
        self.store_request(number, RequestKind::New, RequestStatus::Approved, lines)
            .await
    }

    /// People who pass applications on: the heads of unit and authority, and whoever receives and examines. Nobody of them
    /// accepts or opens anything.
    pub async fn hire(&self) {
        let authority = |n, role| self.person(n, "A1", Side::Authority, role);
        let staff = [
            self.applicant(),
            self.person(13, "D1", Side::Unit, Role::UnitHead),
            authority(22, Role::AuthorityIntake),
            authority(24, Role::AuthorityTechnical),
            authority(23, Role::AuthorityLeader),
            authority(20, Role::AuthorityOperations),
        ];
        self.employ(&staff).await;
    }

    /// Gives people an account and their role: then they have lists of tasks and notices.
    pub async fn employ(&self, staff: &[OpContext]) {
        let mut work = self.ctx.store().begin().await.unwrap();
        for ctx in staff {
            employ(&mut work, ctx.who().unwrap(), self.ctx.now()).await;
        }
        work.audit(self.ctx.now(), ("t", "test.hire", ""), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
    }

    pub fn applicant(&self) -> OpContext {
        self.person(12, "D1", Side::Unit, Role::UnitApplicant)
    }

    /// An application of the hired people, written and handed in.
    pub async fn handed_in(&self, kind: RequestKind, lines: Vec<RequestLine>) -> Result<ResourceRequest, AppError> {
        let draft = self.drafted(kind, lines, Declaration::default()).await;
        app::requests::submit(&self.writer(kind), &draft.number, draft.version).await
    }

    /// An application of the hired people, from its draft until everybody has agreed.
    pub async fn decided(&self, kind: RequestKind, lines: Vec<RequestLine>) -> ResourceRequest {
        let draft = self.drafted(kind, lines, Declaration::default()).await;
        self.passed(&draft).await
    }

    /// Who writes applications of a kind.
    fn writer(&self, kind: RequestKind) -> OpContext {
        match kind {
            RequestKind::Reclaim => self.operations(),
            _ => self.applicant(),
        }
    }

    /// A draft of the hired people, with what they declare.
    pub async fn drafted(&self, kind: RequestKind, lines: Vec<RequestLine>, declared: Declaration) -> ResourceRequest {
        let draft = Draft {
            kind,
            system: "S1".parse().unwrap(),
            reason: "业务变化".into(),
            basis: "函〔2026〕2号".into(),
            contact: "王工".into(),
            lines,
            declared: Declaration {
                classified: Some(false),
                ..declared
            },
        };
        app::requests::make_draft(&self.writer(kind), draft).await.unwrap()
    }

    /// Hands a draft in, and everybody agrees.
    pub async fn passed(&self, draft: &ResourceRequest) -> ResourceRequest {
        let by = self.writer(draft.kind);
        let mut request = app::requests::submit(&by, &draft.number, draft.version).await.unwrap();
        let passing = [
            self.person(13, "D1", Side::Unit, Role::UnitHead),
            self.person(22, "A1", Side::Authority, Role::AuthorityIntake),
            self.person(24, "A1", Side::Authority, Role::AuthorityTechnical),
            self.person(23, "A1", Side::Authority, Role::AuthorityLeader),
        ];
        for who in &passing {
            let account = who.who().unwrap().account;
            let list = self.ctx.store().read().await.unwrap().to_dos_of(account).await.unwrap();
            let Some(own) = list.iter().find(|to_do| to_do.subject == request.number) else {
                continue;
            };
            let act = Act::Agree {
                task: own.task.parse().unwrap(),
                opinion: "同意".into(),
            };
            request = app::requests::decide(who, &request.number, request.version, act)
                .await
                .unwrap();
        }
        assert_ne!(request.status, RequestStatus::InApproval, "{}", request.number);
        request
    }

    /// A line about one server: a new one of 4 vCPU, or one that is there.
    pub fn line(code: Option<&str>) -> RequestLine {
        RequestLine {
            line: 1,
            kind: ResourceKind::Server,
            class: String::new(),
            form: ServiceForm::SharedCloud,
            pool: Some(PoolKind::Xinchuang),
            spec: "vcpu=4".parse().unwrap(),
            count: 1,
            purpose: Purpose::Production,
            until: None,
            allocation: code.map(|code| code.parse().unwrap()),
        }
    }

    pub async fn allocations(&self, code: &str) -> Vec<Allocation> {
        self.ctx
            .store()
            .read()
            .await
            .unwrap()
            .allocations_of(code)
            .await
            .unwrap()
    }

    /// What was approved of a resource, from when to when.
    pub async fn intervals(&self, code: &str) -> Vec<(String, Instant, Option<Instant>)> {
        let intervals = self.allocations(code).await;
        let shown = intervals
            .iter()
            .map(|i| (i.spec.to_string(), i.period.from(), i.period.end()));
        shown.collect()
    }

    /// The orders of an application, the oldest first.
    pub async fn orders_of(&self, number: &str) -> Vec<WorkOrder> {
        self.ctx.store().read().await.unwrap().orders_of(number).await.unwrap()
    }

    /// The newest order of an application.
    pub async fn order_of(&self, number: &str) -> WorkOrder {
        self.orders_of(number).await.into_iter().next_back().unwrap()
    }

    /// Announces the end of what is over its time. Answers the applications.
    pub async fn overdue(&self) -> Vec<String> {
        reclaim_overdue(&self.ctx).await.unwrap().done
    }

    /// Orders the end of what was announced long enough ago. Answers the applications.
    pub async fn ended(&self) -> Vec<String> {
        end_noticed(&self.ctx).await.unwrap().done
    }

    /// An application about resources that are there, as it stands after its approval. Those of the second line of their
    /// application are volumes.
    pub async fn about(&self, number: &str, kind: RequestKind, spec: &str, codes: &[&str]) -> ResourceRequest {
        let status = match kind {
            RequestKind::Change => RequestStatus::Ordered,
            _ => RequestStatus::Noticed,
        };
        let line = |(n, code): (usize, &&str)| RequestLine {
            line: u32::try_from(n + 1).unwrap(),
            kind: if code.ends_with("-2-1") {
                ResourceKind::Volume
            } else {
                ResourceKind::Server
            },
            spec: spec.parse().unwrap(),
            ..Self::line(Some(code))
        };
        let lines = codes.iter().enumerate().map(line).collect();
        self.store_request(number, kind, status, lines).await
    }

    pub async fn store_request(
        &self,
        number: &str,
        kind: RequestKind,
        status: RequestStatus,
        lines: Vec<RequestLine>,
    ) -> ResourceRequest {
        let request = ResourceRequest {
            number: number.into(),
            kind,
            unit: "D1".parse().unwrap(),
            system: "S1".parse().unwrap(),
            applicant: AccountId::from_parts(1, &[10; 10]),
            reason: "扩容".into(),
            basis: "函〔2026〕1号".into(),
            contact: "王工".into(),
            lines,
            declared: Declaration::default(),
            status,
            created: self.ctx.now(),
            place: None,
            version: 1,
        };
        let mut work = self.ctx.store().begin().await.unwrap();
        work.add_request(&request).await.unwrap();
        work.audit(self.ctx.now(), ("u10", "test.request", number), "{}".into())
            .await
            .unwrap();
        work.commit().await.unwrap();
        request
    }

    /// What an application holds or used, by purse. Units: 10^-6 of a measure, fen.
    pub async fn amounts(&self, number: &str) -> Vec<i64> {
        let holds = self.ctx.store().read().await.unwrap().holds_of(number).await.unwrap();
        holds.into_iter().map(|(_, amount, _)| amount).collect()
    }

    /// Takes an order by hand from its beginning to its end, with evidence.
    pub async fn carried_out_by_hand(&self, number: &str) {
        let (order, operator) = (self.order_of(number).await, self.operator());
        app::orders::begin_by_hand(&operator, (&order.number, None))
            .await
            .unwrap();
        self.finished_by_hand(&order, &operator).await;
    }

    pub async fn request(&self, number: &str) -> ResourceRequest {
        let mut read = self.ctx.store().read().await.unwrap();
        read.request(number, &Sight::All).await.unwrap().unwrap()
    }

    pub fn offer(provider: &str, node: &str, contract: &str, vcpu: &str, disk: Option<&str>) -> NewOffer {
        let price = |line, measure, price: &str| OfferedPrice {
            line,
            measure,
            price: price.parse().unwrap(),
        };
        let mut prices = vec![price(1, Measure::Vcpu, vcpu)];
        prices.extend(disk.map(|disk| price(2, Measure::StorageGib, disk)));
        NewOffer {
            provider: provider.parse().unwrap(),
            node: node.parse().unwrap(),
            pool: Some(format!("{node}-X").parse().unwrap()),
            contract: contract.parse().unwrap(),
            prices,
            words: String::new(),
        }
    }

    /// Both providers offer, the first is chosen on a node of its.
    pub async fn ordered(&self, number: &str, node: &str, disk: bool) -> WorkOrder {
        self.offered(number, node, disk).await;
        let provider = "P1".parse().unwrap();
        let chosen = app::orders::choose_provider(&self.operations(), (number, None), &provider, "").await;
        chosen.unwrap().1
    }

    /// Both providers offer, the first on a node of its.
    pub async fn offered(&self, number: &str, node: &str, disk: bool) {
        let disk = |price| disk.then_some(price);
        let mine = Self::offer("P1", node, "HT-1", "30", disk("0.3"));
        app::orders::make_offer(&self.head(), (number, None), mine)
            .await
            .unwrap();
        let other = self.person(32, "P2", Side::Provider, Role::ProviderHead);
        let theirs = Self::offer("P2", "N3", "HT-2", "35", disk("0.4"));
        app::orders::make_offer(&other, (number, None), theirs).await.unwrap();
    }

    /// In which states what an application takes is.
    pub async fn holds(&self, number: &str) -> Vec<HoldState> {
        let holds = self.ctx.store().read().await.unwrap().holds_of(number).await.unwrap();
        holds.into_iter().map(|(_, _, state)| state).collect()
    }

    pub fn secretary(&self) -> OpContext {
        self.person(25, "A1", Side::Authority, Role::ExpertSecretary)
    }

    /// The secretary records a review that grants so much of one kind in the Xinchuang pool, under conditions.
    pub async fn reviewed(
        &self,
        number: &str,
        (subject, kind, most): (ReviewSubject, ResourceKind, &str),
        conditions: Vec<Condition>,
    ) -> ExpertReview {
        let new = NewReview {
            form: ReviewForm::ExpertReview,
            subject,
            grounds: "专用软件要求".into(),
            reviewers: vec![Reviewer {
                name: "甲".into(),
                affiliation: "某大学".into(),
                declared: true,
                conflict: None,
            }],
            opinions: vec![Opinion {
                reviewer: "甲".into(),
                in_favour: true,
                text: "同意".into(),
            }],
            decision: ReviewDecision::Approve,
            decided: self.ctx.now(),
            scope: vec![ReviewScope {
                kind,
                class: None,
                pool: Some(PoolKind::Xinchuang),
                most: most.parse().unwrap(),
                used: Spec::new(),
            }],
            conditions,
            expires: Some(at("2027-10-01")),
        };
        record_review(&self.secretary(), number, new).await.unwrap()
    }

    /// Something that must be done before anything is opened.
    pub fn condition(text: &str) -> Condition {
        Condition {
            text: text.into(),
            before_opening: true,
            evidence: None,
        }
    }

    /// Notes every step of an order that was begun by hand, with evidence, and finishes it.
    pub async fn finished_by_hand(&self, order: &WorkOrder, who: &OpContext) {
        let number = order.number.as_str();
        let file = app::evidence::hand_in(who, number, "截图.txt", "已办理".as_bytes())
            .await
            .unwrap();
        let step = |n: usize| HandStep {
            step: n + 1,
            native_id: None,
            evidence: file.id,
            done_at: self.ctx.now(),
            words: String::new(),
        };
        let steps = (0..order.steps.len()).map(step).collect();
        app::orders::record_by_hand(who, (number, None), steps).await.unwrap();
        app::orders::finish_by_hand(who, (number, None)).await.unwrap();
    }

    /// All three parties confirm; the last at the given moment.
    pub async fn confirmed(&self, number: &str, last: &str) -> Option<Instant> {
        for who in [self.acceptor(), self.head()] {
            let (_, start) = app::orders::confirm_trial(&who, (number, None), "").await.unwrap();
            assert_eq!(start, None);
        }
        self.on(last);
        let (_, start) = app::orders::confirm_trial(&self.technical(), (number, None), "")
            .await
            .unwrap();
        start
    }
}

/// Gives somebody an account and their roles in their organisation.
async fn employ(work: &mut UnitOfWork, who: &Actor, now: Instant) {
    let account = Account {
        state: AccountState::Active,
        ..Account::invited(who.account, (&who.login, &who.login), who.organisation.clone(), now)
    };
    test_support::employ(work, &account, &who.roles).await;
}
