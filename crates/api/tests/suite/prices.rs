//! A price book is prepared by one and approved by another, and no month is closed before.

use super::desk::{By, Desk};
use super::estate::{Estate, People};
use app::collect::NoSecrets;
use app::jobs::{Handlers, work_once};
use axum::http::StatusCode;
use domain::authz::Role;
use serde_json::{Value, json};
use std::sync::Arc;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    who_prepared_prices_does_not_approve_them,
    a_version_that_never_held_needs_no_approval,
);

const HEADING: &str = "合同编号,价目版本,生效日期,条目代码,计价方式,单价（元）,条款,依据,批准人";
const APPROVAL: &str = "/api/v1/price-books/HT-1/2/approval";

async fn import(desk: &Desk, by: &By, row: &str) {
    let file = format!("{HEADING}\n{row}\n");
    let said = desk
        .upload("/api/v1/imports/prices?name=p.csv", by, file.as_bytes())
        .await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
}

/// How closing February ended, and what was said.
async fn close(desk: &Desk, by: &By) -> (&'static str, String) {
    let asked = desk.post("/api/v1/months/2026-02/closing", by, Value::Null).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let handlers = Handlers::default().with_main_job(Arc::new(NoSecrets));
    let worked = work_once(&desk.ctx, "w", &handlers).await.unwrap().unwrap();
    (worked.state.word(), worked.outcome)
}

/// Somebody who imports and may approve, and somebody else who may approve.
async fn setting(store: TestStore) -> (Desk, By, By) {
    let desk = Desk::new(store).await;
    let own = People::of(&desk, "D01", "P1").await;
    Estate::new(&desk, &own).await;
    let both = [Role::AuthorityOperations, Role::AuthorityLeader];
    let preparer = desk.person("preparer", "BUREAU", &both).await.1;
    let leader = desk.person("leader", "BUREAU", &[Role::AuthorityLeader]).await.1;
    (desk, preparer, leader)
}

async fn who_prepared_prices_does_not_approve_them(store: TestStore) {
    let (desk, preparer, leader) = setting(store).await;
    import(&desk, &preparer, "HT-1,2,2026-02-15,VCPU,单价,30,一,通知,李四").await;
    let listed = desk.get("/api/v1/price-books", &leader).await;
    let waits: Vec<_> = listed.body["items"].as_array().unwrap().iter().collect();
    let waits: Vec<_> = waits
        .iter()
        .map(|book| (book["label"].as_str().unwrap(), &book["waits"]))
        .collect();
    assert_eq!(
        waits,
        [
            ("HT-1/v1", &json!(false)),
            ("HT-1/v2", &json!(true)),
            ("HT-2/v1", &json!(false))
        ]
    );
    let (state, said) = close(&desk, &leader).await;
    assert!(said.contains("HT-1/v2（preparer 导入）"), "{state}: {said}");
    let opinion = json!({ "opinion": "会审〔2026〕1号" });
    let own = desk.post(APPROVAL, &preparer, opinion.clone()).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "{}", own.text);
    let silent = desk.post(APPROVAL, &leader, json!({ "opinion": " " })).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", silent.text);
    let path = "/api/v1/price-books/HT-1/3/approval";
    let unknown = desk.post(path, &leader, opinion.clone()).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.text);
    let approved = desk.post(APPROVAL, &leader, opinion.clone()).await;
    assert_eq!(approved.status, StatusCode::CREATED, "{}", approved.text);
    let parts = ["waits", "prepared_by", "approved_by", "opinion"].map(|name| &approved.body[name]);
    let expected = [
        json!(false),
        json!("preparer"),
        json!("leader"),
        json!("会审〔2026〕1号"),
    ];
    assert_eq!(parts, [&expected[0], &expected[1], &expected[2], &expected[3]]);
    let again = desk.post(APPROVAL, &leader, opinion).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    let (state, said) = close(&desk, &leader).await;
    assert_eq!(state, "done", "{said}");
}

async fn a_version_that_never_held_needs_no_approval(store: TestStore) {
    let (desk, preparer, leader) = setting(store).await;
    // The second is wrong, the third takes its place on the same day; the fourth begins after the month.
    import(&desk, &preparer, "HT-1,2,2026-02-15,VCPU,单价,300,一,通知,李四").await;
    import(&desk, &preparer, "HT-1,3,2026-02-15,VCPU,单价,30,一,通知,李四").await;
    import(&desk, &preparer, "HT-1,4,2026-03-01,VCPU,单价,29,一,通知,李四").await;
    let (_, said) = close(&desk, &leader).await;
    let names = ["HT-1/v2", "HT-1/v3", "HT-1/v4"].map(|label| said.contains(label));
    assert_eq!(names, [false, true, false], "{said}");
    let path = "/api/v1/price-books/HT-1/3/approval";
    let approved = desk.post(path, &leader, json!({ "opinion": "会审" })).await;
    assert_eq!(approved.status, StatusCode::CREATED, "{}", approved.text);
    let (state, said) = close(&desk, &leader).await;
    assert_eq!(state, "done", "{said}");
}
