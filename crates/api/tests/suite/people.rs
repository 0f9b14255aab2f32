//! Logging in, foreign pages, limits, and what a person sees of others.

use super::desk::{By, Desk};
use app::jobs::{Handlers, Plan, Seal, kind, schedule, work_once};
use app::statements::{Fonts, Renderer};
use axum::http::{Method, StatusCode};
use domain::authz::{Action, Role, RoleAssignment};
use domain::work::JobState;
use serde_json::{Value, json};
use std::sync::Arc;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_page_of_another_origin_changes_nothing,
    logging_out_ends_the_session,
    the_three_administrators_are_made_once_with_a_role_each,
    a_role_is_proposed_by_one_and_approved_by_another,
    a_new_link_spends_the_older_ones_and_a_used_one_shuts_out,
    one_identity_is_one_account_and_binding_shuts_out,
    mistyped_filters_are_refused,
    reading_the_chain_is_in_the_chain,
    a_broken_chain_is_told_by_its_place,
    attempts_of_an_address_are_limited,
    the_address_is_the_one_that_the_proxy_added,
    requests_are_counted_by_secrets_that_are_real,
    what_is_mistyped_is_told_in_chinese,
    exporting_the_chain_is_heavy_work,
    too_much_is_refused,
);

/// The server of a desk, as it stands towards another network.
fn standing(desk: &mut Desk, edge: api::Edge) {
    let renderer = Arc::new(Renderer::new(Fonts::shipped()).unwrap());
    desk.router = api::router(desk.ctx.clone(), renderer, edge);
}

async fn a_page_of_another_origin_changes_nothing(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, by) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let headers = [("idempotency-key", "x")];
    let said = desk
        .send_with(Method::DELETE, "/api/v1/sessions/current", &by, None, &headers)
        .await;
    assert_eq!(said.status, StatusCode::FORBIDDEN);
    assert_eq!(said.body["code"], "foreign_origin");
    assert_eq!(desk.get("/api/v1/me", &by).await.status, StatusCode::OK);
}

async fn logging_out_ends_the_session(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, by) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let me = desk.get("/api/v1/me", &by).await;
    assert_eq!(me.body["roles"][0]["code"], "unit.applicant");
    assert_eq!(me.headers["x-content-type-options"], "nosniff");
    assert_eq!(me.headers["cache-control"], "no-store");
    let sessions = desk.get("/api/v1/sessions", &by).await;
    assert_eq!(sessions.body.as_array().map(Vec::len), Some(1));
    let out = desk.send(Method::DELETE, "/api/v1/sessions/current", &by, None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.get("/api/v1/me", &by).await.status, StatusCode::UNAUTHORIZED);
}

async fn the_three_administrators_are_made_once_with_a_role_each(store: TestStore) {
    let desk = Desk::new(store).await;
    let all = desk.administrators().await;
    let roles = ["admin.system", "admin.security", "admin.audit"];
    for (by, role) in all.iter().zip(roles) {
        let me = desk.get("/api/v1/me", by).await;
        let held: Vec<_> = me.body["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|held| &held["code"])
            .collect();
        assert_eq!(held, [role], "{}", me.text);
    }
    let again = app::accounts::first_administrators(&desk.ctx, &"BUREAU".parse().unwrap()).await;
    assert!(again.is_err(), "there are accounts already");
    let [system, security, _] = &all;
    let accounts = desk.get("/api/v1/accounts", system).await;
    assert_eq!(accounts.body["total"], 3, "{}", accounts.text);
    // None of them takes on another's office: an administrator's account stays without any other role.
    let mut known = accounts.body["items"].as_array().unwrap().iter();
    let audit = known.find(|account| account["login"] == "auditadmin").unwrap();
    let body = json!({ "account": audit["id"], "role": "authority.leader" });
    let proposed = desk.post("/api/v1/roles", system, body).await;
    assert!(proposed.status.is_client_error(), "{}", proposed.text);
    let roles = desk.get("/api/v1/roles", security).await;
    assert_eq!(roles.body["total"], 3, "{}", roles.text);
}

async fn a_role_is_proposed_by_one_and_approved_by_another(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, security, _] = desk.administrators().await;
    let (account, wang) = desk.person("wang", "D01", &[]).await;
    assert_eq!(desk.get("/api/v1/inventory", &wang).await.status, StatusCode::FORBIDDEN);
    let body = json!({ "account": account.to_string(), "role": "unit.applicant" });
    let proposed = desk.post("/api/v1/roles", &system, body).await;
    assert_eq!(proposed.status, StatusCode::CREATED, "{}", proposed.text);
    let path = format!("/api/v1/roles/{}/decision", proposed.body["number"].as_str().unwrap());
    let own = desk.post(&path, &system, json!({ "granted": true })).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    // Whoever proposed a role or gets it does not approve it, and the attempt is in the chain.
    let (other, both) = desk.person("both", "BUREAU", &[Role::SecurityAdmin]).await;
    for (holder, by) in [(account, "both"), (other, "sysadmin")] {
        let mut work = desk.ctx.store().begin().await.unwrap();
        let proposal = RoleAssignment {
            account: holder,
            organisation: "BUREAU".parse().unwrap(),
            role: Role::AuthorityOperations,
            from: desk.ctx.now(),
            to: None,
            proposed_by: by.to_owned(),
            approved_by: String::new(),
        };
        let number = work.propose_role(&proposal).await.unwrap();
        let words = ("测试", "role.propose", "x");
        work.audit(desk.ctx.now(), words, "{}".to_owned()).await.unwrap();
        work.commit().await.unwrap();
        let path = format!("/api/v1/roles/{number}/decision");
        let refused = desk.post(&path, &both, json!({ "granted": true })).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert!(refused.text.contains("提出人和被授予人之外"), "{}", refused.text);
        let mut read = desk.ctx.store().read().await.unwrap();
        let last = read.audit_entries(1, 1_000).await.unwrap().pop().unwrap();
        let expected = ("both", "access.refused", format!("role:{number}"));
        assert_eq!((last.actor.as_str(), last.action.as_str(), last.object), expected);
    }
    let granted = desk.post(&path, &security, json!({ "granted": true })).await;
    assert_eq!(granted.status, StatusCode::NO_CONTENT, "{}", granted.text);
    assert_eq!(desk.get("/api/v1/inventory", &wang).await.status, StatusCode::OK);
}

async fn a_new_link_spends_the_older_ones_and_a_used_one_shuts_out(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, security, _] = desk.administrators().await;
    let (account, _) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let path = format!("/api/v1/accounts/{account}/link");
    let mut links = Vec::new();
    for _ in 0..2 {
        let made = desk.post(&path, &system, json!(null)).await;
        let released = desk.post(&format!("{path}/release"), &security, json!(null)).await;
        assert_eq!(released.status, StatusCode::NO_CONTENT, "{}", released.text);
        links.push(made.body["secret"].as_str().unwrap().to_owned());
    }
    // Whoever still has the old password gets in until the link is used, and not longer.
    let by = desk.log_in("wang").await;
    let token = desk.token(&by, &[Action::InventoryRead]).await;
    let accept = async |link: &str| app::accounts::accept_invitation(&desk.ctx, (link, "Qiucheng-2027"), "").await;
    assert!(accept(&links[0]).await.is_err(), "an older link is spent");
    assert_eq!(desk.get("/api/v1/me", &by).await.status, StatusCode::OK);
    accept(&links[1]).await.unwrap();
    assert_eq!(desk.get("/api/v1/me", &by).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        desk.get("/api/v1/inventory", &token).await.status,
        StatusCode::UNAUTHORIZED
    );
}

async fn one_identity_is_one_account_and_binding_shuts_out(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, security, _] = desk.administrators().await;
    let (account, wang) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let token = desk.token(&wang, &[Action::InventoryRead]).await;
    let path = format!("/api/v1/accounts/{account}/oidc");
    let asked = desk.post(&path, &system, json!({ "subject": "wang-1970" })).await;
    assert_eq!(asked.status, StatusCode::NO_CONTENT, "{}", asked.text);
    // Nothing has changed before somebody else releases it.
    for by in [&wang, &token] {
        assert_eq!(desk.get("/api/v1/inventory", by).await.status, StatusCode::OK);
    }
    let listed = desk.get("/api/v1/accounts?organisation=D01", &security).await;
    let listed = &listed.body["items"][0];
    assert_eq!(listed["subject_asked"], "wang-1970", "{listed}");
    assert_eq!(listed["subject_asked_by"], "sysadmin", "{listed}");
    let release = format!("{path}/release");
    let own = desk.post(&release, &system, json!(null)).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "{}", own.text);
    let released = desk.post(&release, &security, json!(null)).await;
    assert_eq!(released.status, StatusCode::NO_CONTENT, "{}", released.text);
    let again = desk.post(&release, &security, json!(null)).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "{}", again.text);
    for by in [&wang, &token] {
        assert_eq!(desk.get("/api/v1/inventory", by).await.status, StatusCode::UNAUTHORIZED);
    }
    let new = |login: &str, subject: &str| json!({ "login": login, "name": "李某", "organisation": "D01", "sort": "person", "oidc_subject": subject });
    let taken = desk.post("/api/v1/accounts", &system, new("li", " wang-1970 ")).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    assert!(taken.text.contains("已绑定另一个账号"), "{}", taken.text);
    // No subject is no subject, for as many as there are.
    for login in ["li", "zhao"] {
        let made = desk.post("/api/v1/accounts", &system, new(login, " ")).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
}

async fn mistyped_filters_are_refused(store: TestStore) {
    let desk = Desk::new(store).await;
    let [system, ..] = desk.administrators().await;
    let said = desk.get("/api/v1/accounts?organization=D01", &system).await;
    assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = desk.get("/api/v1/accounts?limit=2&sort=-login", &system).await;
    assert_eq!(page.body["items"][0]["login"], "sysadmin");
    let next = page.body["next"].as_str().unwrap();
    let rest = desk
        .get(&format!("/api/v1/accounts?sort=-login&after={next}"), &system)
        .await;
    assert_eq!(rest.body["items"].as_array().map(Vec::len), Some(1));
    let csv = desk.get("/api/v1/accounts?format=csv", &system).await;
    assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
}

async fn reading_the_chain_is_in_the_chain(store: TestStore) {
    let desk = Desk::new(store).await;
    let [_, _, audit] = desk.administrators().await;
    let said = desk.get("/api/v1/audit/entries?limit=1", &audit).await;
    assert_eq!(said.body[0]["action"], "audit.read");
    assert_eq!(said.body[0]["actor"], "auditadmin");
    // The clock of the desk goes on by minutes; the chain begins on this day.
    let today = "since=2026-03-10&until=2026-03-10";
    let query = format!("action=audit.read&actor=auditadmin&object=chain&{today}");
    let said = desk.get(&format!("/api/v1/audit/entries?{query}"), &audit).await;
    assert_eq!(said.body.as_array().map(Vec::len), Some(2), "{}", said.text);
    for nothing in ["actor=sysadmin", "since=2026-03-11", "until=2026-03-09"] {
        let path = format!("/api/v1/audit/entries?action=audit.read&{nothing}");
        assert_eq!(desk.get(&path, &audit).await.body, json!([]), "{nothing}");
    }
    let wrong = desk.get("/api/v1/audit/entries?since=x", &audit).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
}

async fn a_broken_chain_is_told_by_its_place(store: TestStore) {
    let desk = Desk::new(store).await;
    let [_, _, audit] = desk.administrators().await;
    let check = async |query: &str| {
        let said = desk.get(&format!("/api/v1/audit/verification{query}"), &audit).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        said.body
    };
    let whole = check("").await;
    assert_eq!((&whole["whole"], &whole["broken"]), (&json!(true), &Value::Null));
    let kept = format!("?head={}:{}", whole["entries"], whole["head"].as_str().unwrap());
    assert_eq!(check(&kept).await["whole"], true);
    let foreign = check(&format!("?head=1:{}", "0".repeat(64))).await;
    assert_eq!(foreign["whole"], false);
    assert!(
        foreign["broken"].as_str().unwrap().contains("没有留存的第 1 条链头"),
        "{foreign}"
    );

    let mut work = desk.ctx.store().begin().await.unwrap();
    let forge = "UPDATE audit_entry SET actor = '乙' WHERE number = $1";
    work.execute(forge, &[3.into()]).await.unwrap();
    work.audit(desk.ctx.now(), ("测试", "test", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    let broken = check("").await;
    let place = "审计记录第 3 条的内容被改动过";
    assert_eq!(
        (&broken["whole"], &broken["broken"], &broken["head"]),
        (&json!(false), &json!(place), &Value::Null)
    );
    let last = test_support::chain(desk.ctx.store()).await.pop().unwrap();
    assert_eq!(last.action, "audit.verify");
    assert!(last.detail.contains(place), "{}", last.detail);
    let seal = desk.post("/api/v1/audit/seals", &audit, Value::Null).await;
    assert_eq!(seal.status, StatusCode::CONFLICT, "{}", seal.text);
    assert_eq!(seal.body["detail"], place);

    // The seal of the night fails too, and whoever audits is told.
    let platform = desk.ctx.as_platform();
    let handlers = Handlers::default().with(kind::SEAL, Arc::new(Seal));
    schedule(&platform, &Plan::default(), &handlers).await.unwrap();
    let worked = work_once(&platform, "甲", &handlers).await.unwrap().unwrap();
    assert_eq!((worked.state, worked.outcome.as_str()), (JobState::Failed, place));
    let told = desk.get("/api/v1/me/messages", &audit).await;
    assert_eq!(told.body[0]["title"], "审计链未能封存：2026-03-10", "{}", told.text);
    assert!(
        told.body[0]["text"].as_str().unwrap().starts_with(place),
        "{}",
        told.text
    );
}

async fn attempts_of_an_address_are_limited(store: TestStore) {
    let desk = Desk::new(store).await;
    let mut last = StatusCode::OK;
    for n in 0..21 {
        let body = json!({ "login": format!("nobody{n}"), "password": "x" });
        last = desk.post("/api/v1/sessions", &By::Nobody, body).await.status;
        if n < 20 {
            assert_eq!(last, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

async fn the_address_is_the_one_that_the_proxy_added(store: TestStore) {
    let mut desk = Desk::new(store).await;
    let edge = api::Edge {
        behind_proxy: true,
        ..api::Edge::default()
    };
    standing(&mut desk, edge);
    let attempt = async |n: usize, added: &str| {
        let body = json!({ "login": format!("nobody{n}"), "password": "x" });
        // What the client wrote itself stands in lines and entries before the proxy's.
        let (forged, list) = (format!("198.51.100.{n}"), format!("198.51.100.{n}, {added}"));
        let headers = [("x-forwarded-for", forged.as_str()), ("x-forwarded-for", &list)];
        let sent = desk.send_with(Method::POST, "/api/v1/sessions", &By::Nobody, Some(body), &headers);
        sent.await.status
    };
    for n in 0..20 {
        assert_eq!(attempt(n, "203.0.113.9").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(attempt(20, "203.0.113.9").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(attempt(20, "203.0.113.10").await, StatusCode::UNAUTHORIZED);
}

async fn requests_are_counted_by_secrets_that_are_real(store: TestStore) {
    let mut desk = Desk::new(store).await;
    let (_, by) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let real = desk.token(&by, &[Action::InventoryRead]).await;
    let edge = api::Edge {
        requests_per_minute: Some(2),
        ..api::Edge::default()
    };
    standing(&mut desk, edge);
    let made_up = [By::Token("yht_x".into()), By::Cookie("yh_session=yhs_x".into())];
    for _ in 0..3 {
        for by in &made_up {
            let said = desk.get("/api/v1/me", by).await;
            assert_eq!(said.status, StatusCode::UNAUTHORIZED, "never counted: {}", said.text);
        }
    }
    for by in [&real, &by] {
        for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            assert_eq!(desk.get("/api/v1/me", by).await.status, expected);
        }
    }
}

async fn what_is_mistyped_is_told_in_chinese(store: TestStore) {
    let desk = Desk::new(store).await;
    let [_, security, audit] = desk.administrators().await;
    let operations = desk.person("yunying", "BUREAU", &[Role::AuthorityOperations]).await.1;
    for (by, path, told) in [
        (
            &operations,
            "months/2026-13",
            "month：\"2026-13\" 不是月份；请写成 2026-03",
        ),
        (
            &operations,
            "contracts?at=x",
            "at：\"x\" 不是时刻；请写成 2026-03-01 08:30:00（北京时间）",
        ),
        (&operations, "evidence/x", "id：\"x\" 不是编号；编号形如 evi_"),
        (&operations, "imports?limit=x", "limit：应为 1 至 200 的整数"),
        (&audit, "audit/entries?limit=x", "limit：应为 1 至 200 的整数"),
        (&audit, "audit/entries?limit=201", "limit：应为 1 至 200 的整数"),
        (&audit, "audit/entries?from=x", "from：应为整数"),
    ] {
        let said = desk.get(&format!("/api/v1/{path}"), by).await;
        assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", said.text);
        let detail = said.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(told), "{path}: {detail}");
    }
    let said = desk
        .post("/api/v1/roles/x/decision", &security, json!({ "granted": true }))
        .await;
    assert_eq!(said.body["detail"], "number：应为整数", "{}", said.text);
}

async fn exporting_the_chain_is_heavy_work(store: TestStore) {
    let desk = Desk::new(store).await;
    let [_, _, audit] = desk.administrators().await;
    let export = async || desk.get("/api/v1/audit/export", &audit).await.status;
    assert_eq!(export().await, StatusCode::OK);
    for _ in 0..299 {
        // Counted, and then refused for its form, which costs little.
        desk.get("/api/v1/charges?from=2026-02&format=x", &audit).await;
    }
    assert_eq!(export().await, StatusCode::TOO_MANY_REQUESTS);
}

async fn too_much_is_refused(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, by) = desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let body = json!({ "old": "x".repeat(2 << 20), "new": "y" });
    let said = desk.post("/api/v1/me/password", &by, body).await;
    assert_eq!(said.status, StatusCode::PAYLOAD_TOO_LARGE);
    let token = desk.token(&by, &[Action::InventoryRead]).await;
    let said = desk
        .post("/api/v1/me/password", &token, json!({ "old": "x", "new": "y" }))
        .await;
    assert_eq!(said.body["code"], "session_needed", "a token changes no password");
    assert_eq!(desk.get("/api/v1/nothing", &by).await.status, StatusCode::NOT_FOUND);
    let put = desk.send(Method::PUT, "/api/v1/me", &by, None).await;
    assert_eq!(put.body["code"], "method_not_allowed");
}
