//! What belongs to D01 and P1: a system, a node, a contract with prices, applications in several stages, an order with
//! evidence, limits, a statement and a case. Put there directly: how each comes about is tested elsewhere.

use super::desk::{By, Desk};
use domain::authz::Role;
use domain::budget::Purse;
use domain::catalogue::{Contract, PriceBook, PriceLine, PriceModel, PriceScope, Proration, ServiceItem};
use domain::meter::{CaseKind, Finding};
use domain::registry::{CloudNode, NodeSource, PoolKind, Registered, ResourcePool, Spec, Version};
use domain::request::ResourceRequest;
use domain::settle::{StatementScope, StatementStatus};
use domain::work::WorkOrder;
use kernel::{AccountId, Digest, Factor, Instant, Money};
use serde_json::{Value, json};
use store::{CaseFile, StatementRecord, UnitOfWork};

/// An application that was ordered from P1 and is being opened by hand.
pub(crate) const ORDERED: &str = "SQ-202603-9001";
/// An application that waits for offers.
pub(crate) const APPROVED: &str = "SQ-202603-9002";
/// A draft of the applicant of D01.
pub(crate) const DRAFT: &str = "SQ-202603-9003";
/// The order of the first.
pub(crate) const ORDER: &str = "GD-202603-9001";
/// A statement of D01 with P1.
pub(crate) const STATEMENT: &str = "JS-202602-9001";

/// The people of one unit and one provider.
pub(crate) struct People {
    pub(crate) applicant: (AccountId, By),
    pub(crate) head: By,
    pub(crate) acceptor: By,
    pub(crate) operator: By,
    pub(crate) speaker: By,
}

impl People {
    pub(crate) async fn of(desk: &Desk, unit: &str, provider: &str) -> Self {
        let person = async |what: &str, organisation: &str, role: Role| {
            desk.person(&format!("{what}.{organisation}").to_lowercase(), organisation, &[role])
                .await
        };
        Self {
            applicant: person("applicant", unit, Role::UnitApplicant).await,
            head: person("head", unit, Role::UnitHead).await.1,
            acceptor: person("acceptor", unit, Role::UnitAcceptor).await.1,
            operator: person("operator", provider, Role::ProviderOperator).await.1,
            speaker: person("speaker", provider, Role::ProviderHead).await.1,
        }
    }

    /// Everybody, by name.
    pub(crate) fn all(&self) -> [(&'static str, &By); 5] {
        [
            ("applicant", &self.applicant.1),
            ("head", &self.head),
            ("acceptor", &self.acceptor),
            ("operator", &self.operator),
            ("speaker", &self.speaker),
        ]
    }
}

/// The ids that were given out.
pub(crate) struct Estate {
    pub(crate) case: String,
    pub(crate) evidence: String,
}

async fn register<T: Registered>(work: &mut UnitOfWork, body: T) {
    let valid_from = Instant::from_unix_s(0);
    work.add_versions(&[Version { valid_from, body }], None).await.unwrap();
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn spec() -> Spec {
    "vcpu=4".parse().unwrap()
}

/// An application of D01 for one server.
pub(crate) fn application(number: &str, status: &str, applicant: AccountId, place: Value) -> ResourceRequest {
    read(json!({
        "number": number, "kind": "new", "unit": "D01", "system": "S01", "applicant": applicant, "reason": "扩容",
        "basis": "函〔2026〕1号", "contact": "王工", "status": status, "created": "2026-03-02 09:00:00", "version": 1,
        "lines": [{ "line": 1, "kind": "server", "class": "", "form": "shared_cloud", "pool": "xinchuang",
            "spec": spec(), "count": 1, "purpose": "production", "until": null, "allocation": null }],
        "place": place,
    }))
}

/// Registers, catalogue, contract and prices.
pub(crate) async fn market(work: &mut UnitOfWork, at: Instant) {
    for (node, provider, contract) in [("N1", "P1", "HT-1"), ("N2", "P2", "HT-2")] {
        let source = NodeSource::Files { folder: node.into() };
        register(
            work,
            CloudNode {
                code: node.parse().unwrap(),
                name: format!("云节点 {node}"),
                provider: provider.parse().unwrap(),
                source,
                platform: domain::registry::Platform::default(),
            },
        )
        .await;
        register(
            work,
            ResourcePool {
                code: format!("{node}-X").parse().unwrap(),
                name: "信创".into(),
                node: node.parse().unwrap(),
                kind: PoolKind::Xinchuang,
                zones: Vec::new(),
                separate: None,
            },
        )
        .await;
        register(
            work,
            Contract {
                code: contract.parse().unwrap(),
                title: format!("合同 {contract}"),
                provider: provider.parse().unwrap(),
                round: "一期".into(),
                lot: "一".into(),
                starts: "2026-01-01".parse().unwrap(),
                ends: "2027-01-01".parse().unwrap(),
                ceiling: None,
                proration: Proration::ByDay,
                tolerance: Money::ZERO,
                sla: None,
                commitments: Vec::new(),
                source: "测试".into(),
            },
        )
        .await;
        let book = PriceBook {
            contract: contract.parse().unwrap(),
            version: 1,
            effective_from: "2026-01-01".parse().unwrap(),
            source: "中标价".into(),
            approver: "张三".into(),
            lines: vec![PriceLine {
                item: "VCPU".parse().unwrap(),
                scope: PriceScope::default(),
                model: PriceModel::Flat {
                    price: "31".parse().unwrap(),
                },
                discount: Factor::ONE,
                ceiling: None,
                cap: None,
                clause: "一".into(),
            }],
        };
        work.add_price_book(&book, at, None).await.unwrap();
    }
    let item: ServiceItem = read(json!({
        "code": "VCPU", "name": "云主机vCPU", "layer": "infrastructure", "form": "shared_cloud", "kind": "server",
        "measure": "vcpu", "unit": "核", "basis": "allocated", "class": null, "pool": null, "zone": null,
        "tenancy": null,
    }));
    register(work, item).await;
}

impl Estate {
    /// Everything, owned by D01 and P1.
    pub(crate) async fn new(desk: &Desk, own: &People) -> Self {
        let now = desk.ctx.now();
        let mut work = desk.ctx.store().begin().await.unwrap();
        market(&mut work, now).await;
        let place = json!({ "provider": "P1", "node": "N1", "pool": "N1-X", "contract": "HT-1" });
        let applicant = own.applicant.0;
        let mut at_home = application(ORDERED, "opening", applicant, place);
        at_home.contact = "D01 机密联系人".into();
        // Providers that may offer learn of the system; so it is one that nothing else is about.
        let mut offered = application(APPROVED, "approved", applicant, Value::Null);
        offered.system = "S09".parse().unwrap();
        for request in [at_home, offered, application(DRAFT, "draft", applicant, Value::Null)] {
            work.add_request(&request).await.unwrap();
        }
        let order: WorkOrder = read(json!({
            "number": ORDER, "request": ORDERED, "kind": "open", "manner": "by_hand", "provider": "P1", "node": "N1",
            "pool": "N1-X", "contract": "HT-1", "state": "needs_person", "opened": "2026-03-02 10:00:00", "due": null,
            "trouble": "P1 内部原因", "version": 1,
            "steps": [{ "kind": "by_hand", "allocation": format!("{ORDERED}-1-1"), "resource": "server", "class": "",
                "spec": spec(), "before": null, "state": "waiting", "attempts": 0, "native_id": null, "answer": "" }],
        }));
        work.add_order(&order).await.unwrap();
        let budget = Purse::Budget {
            unit: "D01".parse().unwrap(),
            year: 2026,
        };
        work.set_limit(&budget, 12_345_600, ("春财预〔2026〕1号", "甲", now))
            .await
            .unwrap();
        let case = CaseFile {
            id: desk.ctx.new_id(),
            finding: Finding {
                kind: CaseKind::NotApproved,
                subject: "N1/vm-secret".into(),
                owner: "P1".into(),
                detail: "N1 上有未经批准的资源 vm-secret".into(),
                since: now,
            },
            opened_at: now,
            deadline: "2026-04-01".parse().unwrap(),
            month: "2026-02".parse().unwrap(),
            ended: None,
        };
        work.open_cases(std::slice::from_ref(&case)).await.unwrap();
        let statement = domain::settle::Statement {
            number: STATEMENT.into(),
            month: "2026-02".parse().unwrap(),
            scope: StatementScope {
                provider: "P1".into(),
                organisation: Some("D01".into()),
            },
            items: Vec::new(),
            charges: Money::from_fen(7_325),
            corrections: Money::ZERO,
            withheld: Vec::new(),
            releases: Vec::new(),
            deductions: Vec::new(),
            payable: Money::from_fen(7_325),
        };
        let record = StatementRecord {
            statement,
            status: StatementStatus::Draft,
            version: 1,
            digest: Digest::of(b"x"),
        };
        work.add_statement(&record).await.unwrap();
        work.audit(now, ("测试", "test.estate", "x"), "{}".to_owned())
            .await
            .unwrap();
        work.commit().await.unwrap();
        let path = format!("/api/v1/orders/{ORDER}/evidence?name=%E6%88%AA%E5%9B%BE.txt");
        let said = desk.upload(&path, &own.operator, "已开通 vm-secret".as_bytes()).await;
        assert_eq!(said.status.as_u16(), 201, "{}", said.text);
        Self {
            case: case.id.to_string(),
            evidence: said.body["id"].as_str().unwrap().to_owned(),
        }
    }
}
