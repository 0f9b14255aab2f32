//! Service accounts: a provider's machine comes by token, with a scope and an end, and by nothing else.

use super::desk::{By, Desk, PASSWORD};
use axum::http::{Method, StatusCode};
use domain::authz::Role;
use serde_json::{Value, json};
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_machine_comes_by_token_only,
    whoever_keeps_accounts_never_holds_a_token_that_does_business
);

/// A service account of a provider with the role of its operators, proposed by the system administrator and approved by the security administrator.
async fn machine(desk: &Desk, system: &By, security: &By) -> String {
    let body = json!({ "login": "p1-robot", "name": "甲云工单机器人", "organisation": "P1", "sort": "service" });
    let made = desk.post("/api/v1/accounts", system, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(
        made.body["secret"],
        Value::Null,
        "there is no link to set a password by"
    );
    let id = made.body["id"].as_str().unwrap().to_owned();
    let body = json!({ "account": id, "role": "provider.operator" });
    let proposed = desk.post("/api/v1/roles", system, body).await;
    let path = format!("/api/v1/roles/{}/decision", proposed.body["number"].as_str().unwrap());
    let granted = desk.post(&path, security, json!({ "granted": true })).await;
    assert_eq!(granted.status, StatusCode::NO_CONTENT, "{}", granted.text);
    id
}

async fn a_machine_comes_by_token_only(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, security, _] = desk.administrators().await;
    let id = machine(&desk, &system, &security).await;
    let (_, head) = desk.person("head", "P1", &[Role::ProviderHead]).await;
    let path = format!("/api/v1/accounts/{id}/tokens");
    let body = json!({ "name": "工单", "scope": ["order.read", "order.carry_out"], "days": 7 });
    let made = desk.post(&path, &head, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let robot = By::Token(made.body["secret"].as_str().unwrap().to_owned());
    let me = desk.get("/api/v1/me", &robot).await;
    assert_eq!(me.body["login"], "p1-robot", "{}", me.text);
    assert_eq!(me.body["scope"], json!(["order.read", "order.carry_out"]));
    // What its role may, but its token was not made for.
    assert_eq!(
        desk.get("/api/v1/inventory", &robot).await.status,
        StatusCode::FORBIDDEN
    );
    // No way in but the token.
    let body = json!({ "login": "p1-robot", "password": PASSWORD });
    let said = desk.post("/api/v1/sessions", &By::Nobody, body).await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    let link = desk
        .post(&format!("/api/v1/accounts/{id}/link"), &system, Value::Null)
        .await;
    assert_eq!(link.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", link.text);
    // A token has an end: by its day, by whoever speaks for the company, with the account.
    let token = made.body["id"].as_str().unwrap();
    let other = desk
        .post(
            &path,
            &head,
            json!({ "name": "二", "scope": ["order.read"], "days": 7 }),
        )
        .await;
    let other = By::Token(other.body["secret"].as_str().unwrap().to_owned());
    let gone = desk.send(Method::DELETE, &format!("{path}/{token}"), &head, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    assert_eq!(desk.get("/api/v1/me", &robot).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.get("/api/v1/me", &other).await.status, StatusCode::OK);
    desk.clock.fetch_add(7 * 86_400, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(desk.get("/api/v1/me", &other).await.status, StatusCode::UNAUTHORIZED);
    let head = desk.log_in("head").await;
    let made = desk
        .post(
            &path,
            &head,
            json!({ "name": "三", "scope": ["order.read"], "days": 7 }),
        )
        .await;
    let third = By::Token(made.body["secret"].as_str().unwrap().to_owned());
    let system = desk.log_in("sysadmin").await;
    let state = format!("/api/v1/accounts/{id}/state");
    desk.post(&state, &system, json!({ "active": false })).await;
    assert_eq!(desk.get("/api/v1/me", &third).await.status, StatusCode::UNAUTHORIZED);
}

async fn whoever_keeps_accounts_never_holds_a_token_that_does_business(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, security, audit] = desk.administrators().await;
    let id = machine(&desk, &system, &security).await;
    let path = format!("/api/v1/accounts/{id}/tokens");
    let (_, other) = desk.person("head2", "P2", &[Role::ProviderHead]).await;
    let (_, operator) = desk.person("operator", "P1", &[Role::ProviderOperator]).await;
    let body = json!({ "name": "工单", "scope": ["order.read"], "days": 7 });
    for by in [&system, &security, &audit, &other, &operator] {
        let said = desk.post(&path, by, body.clone()).await;
        assert_eq!(said.status, StatusCode::FORBIDDEN, "{}", said.text);
        assert_eq!(desk.get(&path, by).await.status, StatusCode::FORBIDDEN);
    }
    // Of a person nobody makes one but the person.
    let (head_id, head) = desk.person("head", "P1", &[Role::ProviderHead]).await;
    let of_person = format!("/api/v1/accounts/{head_id}/tokens");
    assert_eq!(desk.post(&of_person, &head, body).await.status, StatusCode::NOT_FOUND);
}
