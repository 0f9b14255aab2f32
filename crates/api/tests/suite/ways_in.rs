//! Ways into an account: what guessing costs, what takes two persons, and what happens when a phone is lost.

use super::desk::{By, Desk, PASSWORD, Said};
use super::sign_in::code;
use app::accounts::{accept_invitation, rescue};
use axum::http::{Method, StatusCode};
use domain::audit::AuditEntry;
use domain::authz::Role;
use kernel::{ErrorKind, Kinded as _};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_login_name_without_end_is_cut_in_the_chain,
    links_are_tried_as_seldom_as_passwords,
    guessing_the_old_password_locks,
    a_link_into_an_account_in_use_takes_two_persons,
    other_codes_take_one_of_the_old,
    lost_codes_are_cleared_by_somebody_else,
    an_administrator_without_a_way_in_is_rescued_at_the_machine,
    what_is_wrong_about_an_account_is_corrected_as_it_was_read,
);

const NEW_PASSWORD: &str = "Qiucheng-2027";
/// Secrets of one-time codes in base 32, and as bytes.
const ONE: (&str, &[u8]) = ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", b"12345678901234567890");
const OTHER: (&str, &[u8]) = ("GA4TQNZWGU2DGMRRGA4TQNZWGU2DGMRR", b"09876543210987654321");

/// Time passes. Units: seconds.
fn pass(desk: &Desk, seconds: i64) {
    desk.clock.fetch_add(seconds, Ordering::SeqCst);
}

/// The code of a secret that is right now.
fn code_of(desk: &Desk, secret: &[u8]) -> String {
    code(secret, desk.clock.load(Ordering::SeqCst))
}

/// Sets up or changes somebody's one-time codes.
async fn set_up(desk: &Desk, by: &By, secret: (&str, &[u8]), old_code: Option<&str>) -> Said {
    let body = json!({ "secret": secret.0, "code": code_of(desk, secret.1), "old_code": old_code });
    desk.post("/api/v1/me/totp", by, body).await
}

async fn enter(desk: &Desk, login: &str, password: &str) -> Said {
    let body = json!({ "login": login, "password": password });
    desk.post("/api/v1/sessions", &By::Nobody, body).await
}

async fn accept(desk: &Desk, link: &str) -> Said {
    let body = json!({ "secret": link, "password": NEW_PASSWORD });
    desk.post("/api/v1/invitations/acceptance", &By::Nobody, body).await
}

/// Who somebody is.
async fn id_of(desk: &Desk, by: &By) -> String {
    desk.get("/api/v1/me", by).await.body["id"].as_str().unwrap().to_owned()
}

/// What an account is to whoever keeps the accounts.
async fn listed(desk: &Desk, by: &By, login: &str) -> Value {
    let said = desk.get("/api/v1/accounts", by).await;
    let mut rows = said.body["items"].as_array().unwrap().iter();
    rows.find(|row| row["login"] == login).unwrap().clone()
}

/// The entries of an action, in order.
async fn entries(desk: &Desk, action: &str) -> Vec<AuditEntry> {
    let mut entries = test_support::chain(desk.ctx.store()).await;
    entries.retain(|entry| entry.action == action);
    entries
}

fn detail(entry: &AuditEntry) -> Value {
    serde_json::from_str(&entry.detail).unwrap()
}

async fn a_login_name_without_end_is_cut_in_the_chain(store: TestStore) {
    let desk = Desk::new(store).await;
    let longest = "a".repeat(64);
    desk.person(&longest, "D01", &[Role::UnitApplicant]).await;
    for longer in ["a".repeat(65), "a".repeat(900_000), "春".repeat(200_000)] {
        let said = enter(&desk, &longer, PASSWORD).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
        let last = entries(&desk, "session.refused").await.pop().unwrap();
        assert_eq!(last.actor.chars().count(), 64);
        assert_eq!(last.object, last.actor, "the account of the longest name was not meant");
        assert!(last.detail.len() < 200, "{}", last.detail);
    }
    assert_eq!(enter(&desk, &longest, PASSWORD).await.status, StatusCode::CREATED);
}

async fn links_are_tried_as_seldom_as_passwords(store: TestStore) {
    let desk = Desk::new(store).await;
    desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    pass(&desk, 61);
    assert_eq!(accept(&desk, "yhi_wang").await.status, StatusCode::NOT_FOUND, "used");
    for _ in 0..19 {
        assert_eq!(accept(&desk, "yhi_made_up").await.status, StatusCode::NOT_FOUND);
    }
    let said = accept(&desk, "yhi_made_up").await;
    assert_eq!(said.status, StatusCode::TOO_MANY_REQUESTS, "{}", said.text);
    let refused = entries(&desk, "session.refused").await;
    assert_eq!(refused.len(), 20, "each that was looked at, and no more");
    assert_eq!(refused[0].actor, "wang");
    assert!(refused.iter().all(|entry| detail(entry)["by"] == "link"));
    pass(&desk, 61);
    assert_eq!(accept(&desk, "yhi_made_up").await.status, StatusCode::NOT_FOUND);
}

async fn guessing_the_old_password_locks(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, wang) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let change = async |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new });
        desk.post("/api/v1/me/password", &wang, body).await
    };
    // Neither does the right one with a new one that is not accepted count, nor does it say that it was right by itself.
    let said = change(PASSWORD, "x").await;
    assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", said.text);
    for new in [NEW_PASSWORD, "x", NEW_PASSWORD, "x", NEW_PASSWORD] {
        let said = change("wrong", new).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
        assert!(!said.text.contains("锁定"), "{}", said.text);
    }
    for new in [NEW_PASSWORD, "x"] {
        let said = change(PASSWORD, new).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
        assert!(said.text.contains("锁定"), "{}", said.text);
    }
    let said = enter(&desk, "wang", PASSWORD).await;
    assert!(
        said.text.contains("锁定"),
        "the lock holds at every door: {}",
        said.text
    );
    let refused = entries(&desk, "session.refused").await;
    let by: Vec<Value> = refused.iter().map(|entry| detail(entry)["by"].clone()).collect();
    assert_eq!(by.iter().filter(|by| *by == "old_password").count(), 7, "{by:?}");
    pass(&desk, 901);
    let said = change(PASSWORD, NEW_PASSWORD).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text);
}

async fn a_link_into_an_account_in_use_takes_two_persons(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, security, _] = desk.administrators().await;
    let (_, other) = desk.person("secadmin2", "BUREAU", &[Role::SecurityAdmin]).await;
    let path = format!("/api/v1/accounts/{}/link", id_of(&desk, &security).await);
    let made = desk.post(&path, &system, json!(null)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.body["needs_release"], true, "{}", made.text);
    let link = made.body["secret"].as_str().unwrap();
    let said = accept(&desk, link).await;
    assert_eq!(said.status, StatusCode::CONFLICT, "{}", said.text);
    assert!(said.text.contains("请联系安全管理员放行"), "{}", said.text);
    let row = listed(&desk, &other, "secadmin").await;
    assert_eq!(row["link_asked_by"], "sysadmin", "{row}");
    // Its holder still has the password, and releases nothing for themselves; nor does whoever asked.
    let security = desk.log_in("secadmin").await;
    let release = format!("{path}/release");
    for by in [&system, &security] {
        let said = desk.post(&release, by, json!(null)).await;
        assert_eq!(said.status, StatusCode::FORBIDDEN, "{}", said.text);
    }
    assert_eq!(accept(&desk, link).await.status, StatusCode::CONFLICT);
    let said = desk.post(&release, &other, json!(null)).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text);
    let said = desk.post(&release, &other, json!(null)).await;
    assert_eq!(said.status, StatusCode::NOT_FOUND, "once: {}", said.text);
    let said = accept(&desk, link).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    assert_eq!(enter(&desk, "secadmin", NEW_PASSWORD).await.status, StatusCode::CREATED);
    let (asked, released) = (
        entries(&desk, "account.link").await,
        entries(&desk, "account.release").await,
    );
    assert_eq!((asked.len(), released.len()), (1, 1));
    assert_eq!(asked[0].actor, "sysadmin");
    assert_eq!(detail(&asked[0])["needs_release"], true);
    assert_eq!(released[0].actor, "secadmin2");
    assert_eq!(detail(&released[0])["asked_by"], "sysadmin");
    // An account that nobody has used yet has nobody to be taken for.
    let body = json!({ "login": "zhao", "name": "赵某", "organisation": "D01", "sort": "person" });
    let zhao = desk.post("/api/v1/accounts", &system, body).await;
    let path = format!("/api/v1/accounts/{}/link", zhao.body["id"].as_str().unwrap());
    let made = desk.post(&path, &system, json!(null)).await;
    assert_eq!(made.body["needs_release"], false, "{}", made.text);
    let said = accept(&desk, made.body["secret"].as_str().unwrap()).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
}

async fn other_codes_take_one_of_the_old(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, wang) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let said = set_up(&desk, &wang, ONE, None).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    pass(&desk, 30);
    let said = set_up(&desk, &wang, OTHER, None).await;
    assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", said.text);
    assert!(said.text.contains("原来的动态口令"), "{}", said.text);
    for _ in 0..5 {
        let said = set_up(&desk, &wang, OTHER, Some("000000")).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    }
    let right = code_of(&desk, ONE.1);
    let said = set_up(&desk, &wang, OTHER, Some(&right)).await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    assert!(said.text.contains("锁定"), "{}", said.text);
    assert_eq!(entries(&desk, "session.refused").await.len(), 6);
    pass(&desk, 901);
    let right = code_of(&desk, ONE.1);
    let said = set_up(&desk, &wang, OTHER, Some(&right)).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
}

async fn lost_codes_are_cleared_by_somebody_else(store: TestStore) {
    let desk = Desk::new(store).await;
    let [_, security, _] = desk.administrators().await;
    let (id, wang) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    for by in [&wang, &security] {
        let said = set_up(&desk, by, ONE, None).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    }
    let said = enter(&desk, "wang", PASSWORD).await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    let clear = async |id: &str| {
        let path = format!("/api/v1/accounts/{id}/totp");
        desk.send(Method::DELETE, &path, &security, None).await
    };
    let own = id_of(&desk, &security).await;
    let said = clear(&own).await;
    assert_eq!(said.status, StatusCode::FORBIDDEN, "never one's own: {}", said.text);
    let id = id.to_string();
    let said = clear(&id).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text);
    assert_eq!(
        clear(&id).await.status,
        StatusCode::NOT_FOUND,
        "there are none any more"
    );
    assert_eq!(desk.get("/api/v1/me", &wang).await.status, StatusCode::UNAUTHORIZED);
    desk.log_in("wang").await;
    let last = entries(&desk, "account.totp").await.pop().unwrap();
    assert_eq!((last.actor.as_str(), last.object.as_str()), ("secadmin", id.as_str()));
    let cleared = json!({ "totp": ["（不记录）", null] });
    assert_eq!(detail(&last)["fields"], cleared, "{}", last.detail);
}

async fn an_administrator_without_a_way_in_is_rescued_at_the_machine(store: TestStore) {
    let desk = Desk::new(store).await;
    let [_, security, _] = desk.administrators().await;
    desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let said = set_up(&desk, &security, ONE, None).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    let refused = rescue(&desk.ctx, "wang").await.unwrap_err();
    assert_eq!(
        refused.kind(),
        ErrorKind::InvalidInput,
        "no way into business: {refused}"
    );
    let unknown = rescue(&desk.ctx, "nobody").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound, "{unknown}");
    let link = rescue(&desk.ctx, "secadmin").await.unwrap();
    assert_eq!(desk.get("/api/v1/me", &security).await.status, StatusCode::UNAUTHORIZED);
    accept_invitation(&desk.ctx, (&link, PASSWORD), "").await.unwrap();
    desk.log_in("secadmin").await;
    let rescued = entries(&desk, "account.rescue").await;
    assert_eq!(rescued.len(), 1);
    assert_eq!(rescued[0].actor, desk.ctx.actor());
}

async fn what_is_wrong_about_an_account_is_corrected_as_it_was_read(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let (id, _) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let read = listed(&desk, &system, "wang").await["version"].to_string();
    let path = format!("/api/v1/accounts/{id}");
    let correct = async |key: &str, version: Option<&str>, body: Value| {
        let mut headers = vec![("idempotency-key", key), ("x-yunheng-request", "1")];
        headers.extend(version.map(|version| ("if-match", version)));
        desk.send_with(Method::POST, &path, &system, Some(body), &headers).await
    };
    let unseen = correct("one", None, json!({ "name": "王某" })).await;
    assert_eq!(unseen.status, StatusCode::PRECONDITION_REQUIRED, "{}", unseen.text);
    let nameless = correct("two", Some(&read), json!({ "name": " " })).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nameless.text);
    let said = correct("three", Some(&read), json!({ "name": " 王某 " })).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text);
    let stale = correct("four", Some(&read), json!({ "mail": "wang@d01.example.gov.cn" })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);
    let row = listed(&desk, &system, "wang").await;
    assert_eq!((&row["name"], &row["mail"]), (&json!("王某"), &json!(null)), "{row}");
    let last = entries(&desk, "account.correct").await.pop().unwrap();
    assert_eq!(last.actor, "sysadmin");
    assert_eq!(detail(&last)["fields"], json!({ "name": ["wang", "王某"] }));
}
