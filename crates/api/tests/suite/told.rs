//! Absences, webhooks, deliveries and jobs over HTTP.

use super::desk::{Desk, Said};
use axum::http::{Method, StatusCode};
use domain::authz::Role;
use kernel::JobId;
use serde_json::{Value, json};
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_colleague_is_found_and_named_as_deputy,
    an_absence_is_said_seen_and_taken_back,
    the_secret_of_a_webhook_is_given_out_once,
    a_job_is_seen_stopped_and_begun_again,
);

async fn a_colleague_is_found_and_named_as_deputy(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, head) = desk.person("head", "D01", &[Role::UnitHead]).await;
    let (deputy, _) = desk
        .person("deputy", "D01", &[Role::UnitHead, Role::UnitAcceptor])
        .await;
    desk.person("newcomer", "D01", &[]).await;
    desk.person("stranger", "D02", &[Role::UnitHead]).await;
    let (_, speaker) = desk.person("speaker", "P1", &[Role::ProviderHead]).await;
    let found = desk.get("/api/v1/colleagues", &head).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let names = |said: &Said| {
        let items = said.body["items"].as_array().unwrap().iter();
        let names = items.map(|one| one["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&found), ["deputy", "head"]);
    assert_eq!(found.body["items"][0]["id"], deputy.to_string());
    assert_eq!(found.body["items"][0]["roles"], json!(["unit.head", "unit.acceptor"]));
    assert_eq!(names(&desk.get("/api/v1/colleagues", &speaker).await), ["speaker"]);
    let body = json!({ "from": "2026-03-12", "to": "2026-03-16", "deputy": found.body["items"][0]["id"] });
    let said = desk.post("/api/v1/me/absences", &head, body).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
}

async fn an_absence_is_said_seen_and_taken_back(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, head) = desk.person("head", "D01", &[Role::UnitHead]).await;
    let (deputy, other) = desk.person("deputy", "D01", &[Role::UnitHead]).await;
    let body = json!({ "from": "2026-03-12", "to": "2026-03-16", "deputy": deputy.to_string(), "reason": "出差" });
    let said = desk.post("/api/v1/me/absences", &head, body.clone()).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    assert_eq!(said.body["from"], "2026-03-12T00:00:00+08:00");
    let twice = desk.post("/api/v1/me/absences", &head, body).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    for (by, count) in [(&head, 1), (&other, 1)] {
        let list = desk.get("/api/v1/me/absences", by).await;
        assert_eq!(list.body.as_array().map(Vec::len), Some(count), "{}", list.text);
    }
    let path = format!("/api/v1/me/absences/{}", said.body["id"].as_str().unwrap());
    let refused = desk.send(Method::DELETE, &path, &other, None).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let taken = desk.send(Method::DELETE, &path, &head, None).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT, "{}", taken.text);
    let list = desk.get("/api/v1/me/absences", &head).await;
    assert!(list.body[0]["taken_back"].is_string());
    let wrong = json!({ "from": "2026-03-12", "to": "2026-03-16", "deputy": "nobody" });
    let wrong = desk.post("/api/v1/me/absences", &head, wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let counts = desk.get("/api/v1/me/to-dos/counts", &head).await;
    assert_eq!(counts.body, json!([]));
}

async fn the_secret_of_a_webhook_is_given_out_once(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let body = json!({ "organisation": "D01", "url": "https://hook.example/x", "kinds": ["request.ended"] });
    let headers = [("idempotency-key", "one"), ("x-yunheng-request", "1")];
    let path = "/api/v1/webhooks";
    let made = desk
        .send_with(Method::POST, path, &system, Some(body.clone()), &headers)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    let again = desk.send_with(Method::POST, path, &system, Some(body), &headers).await;
    assert_eq!(
        (again.status, &again.body["secret"]),
        (StatusCode::CREATED, &Value::Null)
    );
    let list = desk.get(path, &system).await;
    assert!(!list.text.contains(&secret) && list.body[0]["url"] == "https://hook.example/x");
    let id = made.body["id"].as_str().unwrap();
    let ended = desk.send(Method::DELETE, &format!("{path}/{id}"), &system, None).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let none = desk.get("/api/v1/deliveries?state=dead", &system).await;
    assert_eq!(none.body["items"], json!([]));
    let wrong = desk.get("/api/v1/deliveries?state=lost", &system).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let here = json!({ "organisation": "D01", "url": "https://169.254.169.254/x" });
    let here = desk.post(path, &system, here).await;
    assert_eq!(here.status, StatusCode::UNPROCESSABLE_ENTITY);
}

async fn a_job_is_seen_stopped_and_begun_again(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let mut work = desk.ctx.store().begin().await.unwrap();
    let new = app::jobs::NewJob::about(app::jobs::kind::OVERDUE, "house");
    let id: JobId = app::jobs::enqueue(&desk.ctx, &mut work, new).await.unwrap().unwrap();
    work.audit(desk.ctx.now(), ("测试", "test", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let list = desk.get("/api/v1/jobs?state=queued&kind=order.overdue", &system).await;
    assert_eq!(list.body["items"][0]["id"], id.to_string(), "{}", list.text);
    assert_eq!(list.body["items"][0]["kind_name"], "到期资源处理");
    let path = format!("/api/v1/jobs/{id}");
    let early = desk.post(&format!("{path}/retry"), &system, Value::Null).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "it waits: {}", early.text);
    let stopped = desk.post(&format!("{path}/cancellation"), &system, Value::Null).await;
    assert_eq!(stopped.body["state"], "cancelled", "{}", stopped.text);
    let again = desk.post(&format!("{path}/retry"), &system, Value::Null).await;
    let new = again.body["job"].as_str().unwrap();
    assert_eq!(
        desk.get(&format!("/api/v1/jobs/{new}"), &system).await.body["state"],
        "queued"
    );
    let nothing = desk.get("/api/v1/jobs?state=waiting", &system).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}
