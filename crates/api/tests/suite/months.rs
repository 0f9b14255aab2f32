//! What a month shows to whom: bills that were handed in, sums, documents of differences, statements with what was
//! withheld, and cases that are late.

use super::desk::{By, Desk};
use super::estate::{Estate, People};
use app::collect::NoSecrets;
use app::jobs::{Handlers, work_once};
use axum::http::StatusCode;
use domain::authz::Role;
use domain::settle::{StatementScope, StatementStatus};
use kernel::{Digest, Money, Month};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{ChargeSum, RunRecord, StatementRecord};
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    bills_that_were_handed_in_are_shown_by_reach,
    a_run_names_who_handed_in_no_bill,
    a_document_of_differences_is_for_whose_bill_it_is,
    a_document_of_a_rerating_changes_nothing,
    sums_are_shown_to_a_provider_once_its_bill_was_compared,
    a_statement_says_what_was_released_since,
    cases_that_are_late_are_listed_alone,
);

/// What a workbook is told to be.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Two providers with their people, and the authority.
struct Town {
    desk: Desk,
    own: People,
    other: People,
    operations: By,
}

impl Town {
    async fn new(store: TestStore) -> Self {
        let desk = Desk::new(store).await;
        let own = People::of(&desk, "D01", "P1").await;
        Estate::new(&desk, &own).await;
        let other = People::of(&desk, "D02", "P2").await;
        let (_, operations) = desk.person("operations", "BUREAU", &[Role::AuthorityOperations]).await;
        Self {
            desk,
            own,
            other,
            operations,
        }
    }

    /// Each provider bills what nobody charged: P1 4 x 31 = 124.00, P2 2 x 31 = 62.00.
    async fn billed(store: TestStore) -> Self {
        let town = Self::new(store).await;
        for (by, row) in [
            (
                &town.own.speaker,
                "P1,2026-02,1,1,N1,vm-1,VCPU,D01,2026-02-01,2026-03-01,4,31,124.00",
            ),
            (
                &town.other.speaker,
                "P2,2026-02,1,1,N2,vm-2,VCPU,D02,2026-02-01,2026-03-01,2,31,62.00",
            ),
        ] {
            let bill = format!(
                "云服务商代码,账期,账单版本,行号,云节点,云资源标识,条目代码,使用单位代码,起,止,数量,单价（元）,金额（元）\n{row}\n"
            );
            let path = "/api/v1/imports/provider-bill?name=b.csv";
            let said = town.desk.upload(path, by, bill.as_bytes()).await;
            assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        }
        town
    }

    /// Meters, rates and reconciles February. Returns what the job says of it.
    async fn run(&self) -> String {
        let asked = self
            .desk
            .post("/api/v1/months/2026-02/runs", &self.operations, json!({}))
            .await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
        self.work().await;
        let job = self
            .desk
            .get(asked.body["location"].as_str().unwrap(), &self.operations)
            .await;
        job.body["outcome"].as_str().unwrap().to_owned()
    }

    /// Does the work that waits.
    async fn work(&self) {
        let handlers = Handlers::default().with_main_job(Arc::new(NoSecrets));
        let worked = work_once(&self.desk.ctx, "w", &handlers).await.unwrap().unwrap();
        assert_eq!(worked.state.word(), "done", "{}", worked.outcome);
    }

    /// The entries since a number of them about an action, as action and detail.
    async fn noted(&self, before: usize, action: &str) -> Vec<(String, Value)> {
        let entries = test_support::chain(self.desk.ctx.store()).await.split_off(before);
        let noted = entries.into_iter().filter(|entry| entry.action.starts_with(action));
        noted
            .map(|entry| (entry.action, serde_json::from_str(&entry.detail).unwrap()))
            .collect()
    }

    /// How many entries there are.
    async fn entries(&self) -> usize {
        test_support::chain(self.desk.ctx.store()).await.len()
    }
}

async fn bills_that_were_handed_in_are_shown_by_reach(store: TestStore) {
    let town = Town::billed(store).await;
    let path = "/api/v1/months/2026-02";
    let bills = async |by: &By| {
        let said = town.desk.get(path, by).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let bills = said.body["bills"].as_array().unwrap().iter();
        let parts = |bill: &Value| ["provider", "version", "lines", "total"].map(|name| bill[name].clone());
        (bills.map(parts).collect::<Vec<_>>(), said.body["withheld_ever"].clone())
    };
    let first = [json!("P1"), json!(1), json!(1), json!("124.00")];
    let second = [json!("P2"), json!(1), json!(1), json!("62.00")];
    let nothing = json!({ "withheld": "0.00", "released": "0.00", "left": "0.00" });
    assert_eq!(
        bills(&town.operations).await,
        (vec![first.clone(), second.clone()], nothing)
    );
    assert_eq!(bills(&town.own.speaker).await, (vec![first], Value::Null));
    assert_eq!(bills(&town.other.operator).await, (vec![second], Value::Null));
    let unit = town.desk.get(path, &town.own.head).await;
    assert_eq!(unit.status, StatusCode::FORBIDDEN, "{}", unit.text);
}

async fn a_run_names_who_handed_in_no_bill(store: TestStore) {
    let town = Town::new(store).await;
    let said = town.run().await;
    assert!(said.ends_with("；未交账单 2 家：P1、P2"), "{said}");
}

async fn a_document_of_differences_is_for_whose_bill_it_is(store: TestStore) {
    let town = Town::billed(store).await;
    let said = town.run().await;
    assert!(said.ends_with("对账：云服务商 2 家"), "{said}");
    let (desk, path) = (&town.desk, "/api/v1/months/2026-02/differences/document");
    let before = town.entries().await;
    let own = desk.get(path, &town.own.speaker).await;
    assert_eq!(own.status, StatusCode::OK, "{}", own.text);
    assert_eq!(
        (own.headers["content-type"].to_str().unwrap(), &own.bytes[..2]),
        (XLSX, &b"PK"[..])
    );
    let name = own.headers["content-disposition"].to_str().unwrap();
    assert!(name.contains("differences-2026-02-P1.xlsx"), "{name}");
    let noted = town.noted(before, "differences.export").await;
    assert_eq!(noted.len(), 2, "before and after: {noted:?}");
    assert_eq!(
        noted[0],
        (
            "differences.export".to_owned(),
            json!({ "provider": "P1", "format": "xlsx" })
        )
    );
    assert_eq!(
        (noted[1].0.as_str(), &noted[1].1["outcome"]),
        ("differences.export.done", &json!(1)),
        "one row"
    );
    let table = desk
        .get(&format!("{path}?format=csv&provider=P1"), &town.operations)
        .await;
    assert_eq!(table.status, StatusCode::OK, "{}", table.text);
    for part in ["202602-P1-0001", "账单多出", "vm-1", "124.00"] {
        assert!(table.text.contains(part), "{part}: {}", table.text);
    }
    // Another's is refused, and one's own tells nothing of it.
    let before = town.entries().await;
    let refused = desk.get(&format!("{path}?provider=P1"), &town.other.speaker).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert!(town.noted(before, "differences.export").await.is_empty());
    let other = desk.get(&format!("{path}?format=csv"), &town.other.speaker).await;
    assert!(
        other.text.contains("vm-2") && !other.text.contains("vm-1"),
        "{}",
        other.text
    );
    let unit = desk.get(path, &town.own.head).await;
    assert_eq!(unit.status, StatusCode::FORBIDDEN, "{}", unit.text);
    for (query, field) in [
        ("", "provider"),
        ("?provider=P1&format=pdf", "format"),
        ("?provider=%2Fetc", "provider"),
    ] {
        let bad = desk.get(&format!("{path}{query}"), &town.operations).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", bad.text);
        assert_eq!(bad.body["faults"][0]["field"], field, "{}", bad.text);
    }
    let early = desk.get(&path.replace("2026-02", "2026-01"), &town.own.speaker).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "not reconciled: {}", early.text);
}

async fn a_document_of_a_rerating_changes_nothing(store: TestStore) {
    let town = Town::new(store).await;
    let desk = &town.desk;
    let (_, leader) = desk.person("leader", "BUREAU", &[Role::AuthorityLeader]).await;
    let path = "/api/v1/months/2026-02/rerating/document?reason=%E5%A4%8D%E6%A0%B8";
    let early = desk.get(path, &town.operations).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "not closed: {}", early.text);
    let asked = desk.post("/api/v1/months/2026-02/closing", &leader, Value::Null).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    town.work().await;
    let before = town.entries().await;
    let said = desk.get(&format!("{path}&format=csv"), &town.operations).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    assert_eq!(said.headers["content-type"], "text/csv; charset=utf-8");
    assert!(said.text.contains("原金额（元）"), "{}", said.text);
    assert_eq!(
        town.entries().await,
        before + 2,
        "what left is noted, and nothing else happened"
    );
    let noted = town.noted(before, "rerating.export").await;
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert_eq!(noted[0].1, json!({ "reason": "复核", "format": "csv" }));
    let silent = desk
        .get(&path.replace("%E5%A4%8D%E6%A0%B8", "%20"), &town.operations)
        .await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", silent.text);
    let refused = desk.get(path, &leader).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
}

/// Says that a step of January was run, and what came of it.
async fn ran(desk: &Desk, step: &str, scope: &str, summary: Value, sums: &[ChargeSum]) {
    let run = RunRecord {
        id: desk.ctx.new_id(),
        step: step.to_owned(),
        month: "2026-01".parse().unwrap(),
        scope: scope.to_owned(),
        input: Digest::of(step.as_bytes()),
        output: Digest::of(scope.as_bytes()),
        path: None,
        summary: summary.to_string(),
        at: desk.ctx.now(),
    };
    let mut work = desk.ctx.store().begin().await.unwrap();
    work.set_current_run(&run).await.unwrap();
    work.add_charge_sums(run.id, sums).await.unwrap();
    work.audit(desk.ctx.now(), ("测试", "test.run", step), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

async fn sums_are_shown_to_a_provider_once_its_bill_was_compared(store: TestStore) {
    let town = Town::new(store).await;
    let sum = |provider: &str, organisation: &str, fen: i64| ChargeSum {
        provider: provider.to_owned(),
        organisation: organisation.to_owned(),
        item: "VCPU".to_owned(),
        kind: "usage".to_owned(),
        corrects: None,
        lines: 1,
        list: Money::from_fen(fen),
        amount: Money::from_fen(fen),
    };
    let sums = [sum("P1", "D01", 12_400), sum("P2", "D02", 6_200)];
    let summary = json!({ "lines": 2, "list": "186.00", "total": "186.00", "corrections": {}, "waiting": [] });
    ran(&town.desk, "rate", "", summary, &sums).await;
    let path = "/api/v1/months/2026-01/sums";
    let shown = async |by: &By| {
        let said = town.desk.get(path, by).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let rows = said.body["items"].as_array().unwrap().iter();
        let names = ["place", "organisation_name", "item_name", "amount"];
        let parts = |row: &Value| names.map(|name| row[name].as_str().unwrap().to_owned());
        rows.map(parts).collect::<Vec<_>>()
    };
    let of = |place: &str, name: &str, amount: &str| [place, name, "云主机vCPU", amount].map(str::to_owned);
    let first = of("P1/D01/VCPU/usage/", "组织 D01", "124.00");
    let second = of("P2/D02/VCPU/usage/", "组织 D02", "62.00");
    assert_eq!(shown(&town.operations).await, [first.clone(), second]);
    assert!(shown(&town.own.speaker).await.is_empty(), "its bill has not come in");
    let summary = json!({
        "version": 1, "ours": "124.00", "billed": "124.00", "undisputed": "124.00", "agreeing": 1, "differing": 0,
        "classes": {},
    });
    ran(&town.desk, "reconcile", "P1", summary, &[]).await;
    assert_eq!(shown(&town.own.speaker).await, [first]);
    assert!(shown(&town.other.speaker).await.is_empty(), "nobody sees another's");
}

/// A statement of P1: withheld and released of a line, in fen.
fn statement(number: &str, (month, unit): (&str, Option<&str>), withheld: i64, released: i64) -> StatementRecord {
    let about = json!({ "resource": "Z-1", "item": "LINE" });
    let with = |more: Value| {
        let mut whole = about.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let amount = |fen: i64| json!(Money::from_fen(fen));
    let withheld = (withheld > 0).then(|| with(json!({ "class": "price", "amount": amount(withheld) })));
    let released = (released > 0).then(|| {
        with(json!({
            "month": "2025-11", "statement": "JS-202511-0001", "cause": "corrected_bill", "bill_version": 2,
            "amount": amount(released),
        }))
    });
    let read = |value: Option<Value>| Vec::from_iter(value);
    let statement = domain::settle::Statement {
        number: number.to_owned(),
        month: month.parse::<Month>().unwrap(),
        scope: StatementScope {
            provider: "P1".to_owned(),
            organisation: unit.map(str::to_owned),
        },
        items: Vec::new(),
        charges: Money::ZERO,
        corrections: Money::ZERO,
        withheld: serde_json::from_value(json!(read(withheld))).unwrap(),
        releases: serde_json::from_value(json!(read(released))).unwrap(),
        deductions: Vec::new(),
        payable: Money::ZERO,
    };
    StatementRecord {
        statement,
        status: StatementStatus::Draft,
        version: 1,
        digest: Digest::of(number.as_bytes()),
    }
}

async fn a_statement_says_what_was_released_since(store: TestStore) {
    let town = Town::new(store).await;
    let desk = &town.desk;
    let mut work = desk.ctx.store().begin().await.unwrap();
    // November withheld 100.00, December released 60.00 of it; each by the unit's statement and by the provider's.
    for record in [
        statement("JS-202511-0001", ("2025-11", Some("D01")), 10_000, 0),
        statement("JS-202511-0002", ("2025-11", None), 10_000, 0),
        statement("JS-202512-0001", ("2025-12", Some("D01")), 0, 6_000),
        statement("JS-202512-0002", ("2025-12", None), 0, 6_000),
    ] {
        work.add_statement(&record).await.unwrap();
    }
    work.audit(desk.ctx.now(), ("测试", "test.statements", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    for by in [&town.own.head, &town.own.speaker, &town.operations] {
        let said = desk.get("/api/v1/statements/JS-202511-0001", by).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let sums = json!({ "withheld": "100.00", "released": "60.00", "left": "40.00" });
        assert_eq!(said.body["withheld_sums"], sums, "{}", said.text);
        let released = json!([
            { "statement": "JS-202512-0001", "resource": "Z-1", "item": "LINE", "amount": "60.00" }
        ]);
        assert_eq!(said.body["released_by"], released, "{}", said.text);
    }
}

async fn cases_that_are_late_are_listed_alone(store: TestStore) {
    let town = Town::new(store).await;
    let desk = &town.desk;
    // The one of the estate is due in April; it is March.
    let known = desk.ctx.store().read().await.unwrap().cases().await.unwrap().remove(0);
    let mut late = store::CaseFile {
        id: desk.ctx.new_id(),
        deadline: "2026-03-01".parse().unwrap(),
        ..known
    };
    late.finding.subject = "N1/vm-late".to_owned();
    let mut work = desk.ctx.store().begin().await.unwrap();
    work.open_cases(std::slice::from_ref(&late)).await.unwrap();
    work.audit(desk.ctx.now(), ("测试", "test.case", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let subjects = async |query: &str| {
        let said = desk.get(&format!("/api/v1/cases{query}"), &town.operations).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        let rows = said.body["items"].as_array().unwrap().iter();
        rows.map(|row| row["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects("?overdue=false").await.len(), 2);
    assert_eq!(subjects("?overdue=true").await, ["N1/vm-late"]);
    let bad = desk.get("/api/v1/cases?overdue=x", &town.operations).await;
    assert_eq!(bad.body["faults"][0]["field"], "overdue", "{}", bad.text);
}
