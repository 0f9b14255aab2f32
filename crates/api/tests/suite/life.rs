//! From offers to the meter over HTTP, by people of every side; and the end, up to the proof of erasure.

use super::desk::{By, Desk, Said};
use super::estate::{APPROVED, People, application, market};
use axum::http::StatusCode;
use domain::authz::Role;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    an_application_becomes_a_metered_resource,
    a_refused_order_goes_to_another_provider,
    an_ended_resource_is_proven_gone,
    the_term_of_the_whole_approval_is_shown,
    whoever_holds_a_task_sees_whom_to_choose,
);

struct Town {
    desk: Desk,
    own: People,
    others: People,
    operations: By,
    technical: By,
}

impl Town {
    async fn new(store: TestStore) -> Self {
        let desk = Desk::new(store).await;
        let own = People::of(&desk, "D01", "P1").await;
        let others = People::of(&desk, "D02", "P2").await;
        let operations = desk
            .person("operations", "BUREAU", &[Role::AuthorityOperations])
            .await
            .1;
        let technical = desk.person("technical", "BUREAU", &[Role::AuthorityTechnical]).await.1;
        Self {
            desk,
            own,
            others,
            operations,
            technical,
        }
    }

    /// Sends a change with the version that was just read.
    async fn change(&self, (read, write): (&str, &str), by: &By, body: Value) -> Said {
        let seen = self.desk.get(&format!("/api/v1{read}"), by).await;
        assert_eq!(seen.status, StatusCode::OK, "{read}: {}", seen.text);
        let etag = seen.headers["etag"].to_str().unwrap().to_owned();
        let key = format!("{write}{etag}{}", self.desk.ctx.now().unix_s());
        let key: String = key.chars().filter(char::is_ascii_graphic).take(100).collect();
        let headers = [
            ("idempotency-key", key.as_str()),
            ("x-yunheng-request", "1"),
            ("if-match", &etag),
        ];
        let method = axum::http::Method::POST;
        let path = format!("/api/v1{write}");
        self.desk.send_with(method, &path, by, Some(body), &headers).await
    }

    async fn done(&self, about: (&str, &str), by: &By, body: Value) -> Value {
        let said = self.change(about, by, body).await;
        assert!(said.status.is_success(), "{}: {}", about.1, said.text);
        said.body
    }

    async fn evidence(&self, matter: &str, by: &By, text: &str) -> String {
        let path = format!("/api/v1{matter}/evidence?name=a.txt");
        let said = self.desk.upload(&path, by, text.as_bytes()).await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        said.body["id"].as_str().unwrap().to_owned()
    }
}

fn offer(node: &str, contract: &str, price: &str) -> Value {
    json!({ "node": node, "pool": format!("{node}-X"), "contract": contract,
        "prices": [{ "line": 1, "measure": "vcpu", "price": price }] })
}

/// An application that waits for its provider.
async fn approved(store: TestStore) -> Town {
    let town = Town::new(store).await;
    let mut work = town.desk.ctx.store().begin().await.unwrap();
    market(&mut work, town.desk.ctx.now()).await;
    let applied = application(APPROVED, "approved", town.own.applicant.0, Value::Null);
    work.add_request(&applied).await.unwrap();
    work.audit(town.desk.ctx.now(), ("测试", "test", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    town
}

/// Puts its flow at the head of the unit.
async fn under_way(town: &Town, tasks: Value, whole: Value) {
    let run = json!({
        "definition": "new", "version": 1, "subject": APPROVED, "applicants": [town.own.applicant.0.to_string()],
        "organisation": "D01", "provider": null, "facts": {}, "state": "open", "stage": 0, "current": ["unit"],
        "visit": 1, "tasks": tasks, "history": [], "whole": whole,
    });
    let mut work = town.desk.ctx.store().begin().await.unwrap();
    work.save_flow(APPROVED, ("new", 1, "open"), &run, None).await.unwrap();
    work.audit(town.desk.ctx.now(), ("测试", "test", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
}

async fn whoever_holds_a_task_sees_whom_to_choose(store: TestStore) {
    let town = approved(store).await;
    let (second, _) = town.desk.person("second", "D01", &[Role::UnitHead]).await;
    let task = json!({
        "id": 1, "node": "unit", "visit": 1, "slot": 0, "fixed": false, "assignees": [], "claimed_by": null,
        "added_by": null, "waits_for": [], "opened": town.desk.ctx.now(), "due": null, "state": "stuck", "urged": 0,
        "urged_on": null, "reminded": false, "escalated": false,
    });
    under_way(&town, json!([task]), Value::Null).await;
    let path = format!("/api/v1/requests/{APPROVED}/candidates");
    let found = town.desk.get(&path, &town.own.head).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text);
    let other = json!({ "task": 1, "id": second, "name": "second", "transfer": true, "add_signer": false });
    assert_eq!(found.body, json!([other]));
    // Whoever may decide and holds no task chooses nobody; the others may not ask.
    assert_eq!(town.desk.get(&path, &town.operations).await.body, json!([]));
    for (by, status) in [
        (&town.own.applicant.1, StatusCode::FORBIDDEN),
        (&town.others.head, StatusCode::NOT_FOUND),
    ] {
        let said = town.desk.get(&path, by).await;
        assert_eq!(said.status, status, "{}", said.text);
    }
}

async fn the_term_of_the_whole_approval_is_shown(store: TestStore) {
    let town = approved(store).await;
    let due = town.desk.ctx.now().plus_s(60).to_string();
    let whole = json!({ "due": due, "stopped": null, "reminded": false, "escalated": false });
    under_way(&town, json!([]), whole).await;
    let path = format!("/api/v1/requests/{APPROVED}");
    let shown = async |by: &By| {
        let said = town.desk.get(&path, by).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
        json!([said.body["due"], said.body["overdue"]])
    };
    assert_eq!(shown(&town.own.head).await, json!([due, false]));
    town.desk.clock.fetch_add(60, Ordering::SeqCst);
    assert_eq!(shown(&town.own.head).await, json!([due, true]));
    assert_eq!(
        shown(&town.own.speaker).await,
        json!([null, null]),
        "no provider's business"
    );
}

async fn a_refused_order_goes_to_another_provider(store: TestStore) {
    let town = approved(store).await;
    let offers = format!("/requests/{APPROVED}/offers");
    let choice = format!("/requests/{APPROVED}/choice");
    town.done((&offers, &offers), &town.own.speaker, offer("N1", "HT-1", "30"))
        .await;
    town.done((&offers, &offers), &town.others.speaker, offer("N2", "HT-2", "31"))
        .await;
    let chosen = town
        .done((&offers, &choice), &town.operations, json!({ "provider": "P1" }))
        .await;
    let order = format!("/orders/{}", chosen["order"].as_str().unwrap());
    let refusal = format!("{order}/refusal");
    let path = format!("/api/v1{refusal}");
    let why = json!({ "why": "机房扩容中" });
    let theirs = town.desk.post(&path, &town.others.speaker, why.clone()).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{}", theirs.text);
    let bureau = town.desk.post(&path, &town.operations, why.clone()).await;
    assert_eq!(bureau.status, StatusCode::FORBIDDEN, "{}", bureau.text);
    let silent = town
        .change((&order, &refusal), &town.own.speaker, json!({ "why": " " }))
        .await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", silent.text);
    let refused = town.done((&order, &refusal), &town.own.speaker, why.clone()).await;
    assert_eq!(
        (&refused["state"], &refused["trouble"]),
        (&json!("undone"), &json!("云服务商不能办理：机房扩容中"))
    );
    let stale = town.desk.post(&path, &town.own.operator, why).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);

    let another = json!({ "provider": "P2", "reason": "甲云公司不能办理" });
    let chosen = town.done((&offers, &choice), &town.operations, another).await;
    let next = format!("/orders/{}", chosen["order"].as_str().unwrap());
    assert_ne!(next, order);
    let shown = town.desk.get(&format!("/api/v1{choice}"), &town.operations).await;
    assert_eq!(shown.body["provider"], "P2", "{}", shown.text);
    let placement: Vec<_> = shown.body["placement"].as_array().unwrap().iter().collect();
    let placement: Vec<_> = placement
        .iter()
        .map(|check| (&check["rule"], &check["outcome"]))
        .collect();
    let (unknown, pass) = (json!("cannot_judge"), json!("pass"));
    assert_eq!(
        placement,
        [
            (&json!("R6"), &pass),
            (&json!("R7"), &unknown),
            (&json!("R37"), &unknown)
        ]
    );
    town.done((&next, &format!("{next}/start")), &town.others.operator, Value::Null)
        .await;
}

async fn an_application_becomes_a_metered_resource(store: TestStore) {
    let town = approved(store).await;
    let request = format!("/requests/{APPROVED}");
    let of = |what: &str| format!("{request}/{what}");
    let (offers, choice) = (of("offers"), of("choice"));

    let dear = town
        .change((&offers, &offers), &town.own.speaker, offer("N1", "HT-1", "31.01"))
        .await;
    assert_eq!(
        dear.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "above the catalogue: {}",
        dear.text
    );
    town.done((&offers, &offers), &town.own.speaker, offer("N1", "HT-1", "30"))
        .await;
    town.done((&offers, &offers), &town.others.speaker, offer("N2", "HT-2", "31"))
        .await;
    let own = town.desk.get(&format!("/api/v1{offers}"), &town.own.speaker).await;
    assert_eq!(
        own.body.as_array().map(Vec::len),
        Some(1),
        "a provider sees its own offer: {}",
        own.text
    );
    let all = town.desk.get(&format!("/api/v1{offers}"), &town.operations).await;
    assert_eq!(all.body[0]["monthly"], "120.00", "{}", all.text);

    let chosen = town
        .done((&offers, &choice), &town.operations, json!({ "provider": "P1" }))
        .await;
    let order = format!("/orders/{}", chosen["order"].as_str().unwrap());
    let shown = town.desk.get(&format!("/api/v1{choice}"), &town.operations).await;
    let outcome = shown.body["outcome"].as_str().unwrap();
    assert!(outcome.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{outcome}");
    let stale = town
        .desk
        .post(
            &format!("/api/v1{choice}"),
            &town.operations,
            json!({ "provider": "P1" }),
        )
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.text);

    let early = town
        .change(
            (&order, &format!("{order}/completion")),
            &town.own.operator,
            Value::Null,
        )
        .await;
    assert!(early.status.is_client_error(), "{}", early.text);
    town.done((&order, &format!("{order}/start")), &town.own.operator, Value::Null)
        .await;
    let file = town.evidence(&order, &town.own.operator, "已开通").await;
    let step = json!({ "step": 1, "native_id": "vm-1", "evidence": file, "done_at": town.desk.ctx.now().to_string() });
    town.done(
        (&order, &format!("{order}/steps")),
        &town.own.operator,
        json!({ "steps": [step] }),
    )
    .await;
    town.done(
        (&order, &format!("{order}/completion")),
        &town.own.operator,
        Value::Null,
    )
    .await;
    let shown = town.desk.get(&format!("/api/v1{order}"), &town.own.head).await;
    assert_eq!(shown.body["state"], "done", "{}", shown.text);
    assert_eq!(shown.body["steps"][0]["note"]["evidence"], file.as_str());

    let (trial, confirmations) = (of("trial"), of("trial/confirmations"));
    let own_work = town
        .change((&trial, &confirmations), &town.own.operator, json!({}))
        .await;
    assert_eq!(
        own_work.status,
        StatusCode::FORBIDDEN,
        "whoever opened it: {}",
        own_work.text
    );
    for by in [&town.own.acceptor, &town.own.speaker] {
        let trial = town
            .done((&trial, &confirmations), by, json!({ "words": "可用" }))
            .await;
        assert_eq!(trial["metered_from"], Value::Null);
    }
    let third = town.done((&trial, &confirmations), &town.technical, json!({})).await;
    assert_eq!(third["metered_from"], town.desk.ctx.now().to_string().as_str());
    let shown = town.desk.get(&format!("/api/v1{request}"), &town.own.head).await;
    assert_eq!(shown.body["status"], "in_force", "{}", shown.text);
    let metered = town.desk.get("/api/v1/inventory", &town.own.head).await;
    assert_eq!(
        metered.body["items"][0]["allocation"],
        format!("{APPROVED}-1-1").as_str(),
        "{}",
        metered.text
    );
}

async fn an_ended_resource_is_proven_gone(store: TestStore) {
    let town = Town::new(store).await;
    let place = json!({ "provider": "P1", "node": "N1", "pool": "N1-X", "contract": "HT-1" });
    let mut ended = application("SQ-202603-9101", "ended", town.own.applicant.0, place.clone());
    ended.kind = domain::request::RequestKind::Reclaim;
    let mut noticed = application("SQ-202603-9102", "noticed", town.own.applicant.0, place);
    noticed.kind = domain::request::RequestKind::Reclaim;
    let now = town.desk.ctx.now();
    let mut work = town.desk.ctx.store().begin().await.unwrap();
    for request in [&ended, &noticed] {
        work.add_request(request).await.unwrap();
    }
    let gone = json!({ "FP-1": now.plus_s(-3_600) });
    work.set_paper((&ended.number, "gone"), &gone, 0).await.unwrap();
    let ending =
        json!({ "cause": "长期闲置", "noticed": now, "due": now.plus_s(86_400), "snapshot": false, "reply": null });
    work.set_paper((&noticed.number, "ending"), &ending, 0).await.unwrap();
    work.audit(now, ("测试", "test", "x"), "{}".to_owned()).await.unwrap();
    work.commit().await.unwrap();

    let request = format!("/requests/{}", noticed.number);
    let (read, reply) = (format!("{request}/ending"), format!("{request}/ending/reply"));
    let bare = town
        .change((&read, &reply), &town.own.head, json!({ "agrees": false }))
        .await;
    assert_eq!(
        bare.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "an objection says why: {}",
        bare.text
    );
    let body = json!({ "agrees": false, "words": "下月启用" });
    let ending = town.done((&read, &reply), &town.own.head, body).await;
    assert_eq!(ending["objection"], "下月启用");
    let decision = format!("{request}/ending/decision");
    let kept = town
        .done(
            (&read, &decision),
            &town.operations,
            json!({ "keep": true, "why": "属实" }),
        )
        .await;
    assert_eq!(kept["status"], "withdrawn");

    let request = format!("/requests/{}", ended.number);
    let proofs = format!("{request}/erasure-proofs");
    let file = town.evidence(&request, &town.own.operator, "覆写三遍").await;
    let proof = |covers_copies: bool| {
        json!({ "allocation": "FP-1", "method": "overwritten", "covers_copies": covers_copies, "evidence": file,
            "at": now.to_string() })
    };
    let partial = town.change((&proofs, &proofs), &town.own.operator, proof(false)).await;
    assert!(
        partial.status.is_client_error() && partial.text.contains("副本"),
        "{}",
        partial.text
    );
    town.done((&proofs, &proofs), &town.own.operator, proof(true)).await;
    let check = format!("{proofs}/FP-1/check");
    let own_work = town.change((&proofs, &check), &town.own.operator, Value::Null).await;
    assert_eq!(own_work.status, StatusCode::FORBIDDEN, "{}", own_work.text);
    let archived = town.done((&proofs, &check), &town.own.acceptor, Value::Null).await;
    assert_eq!(archived["status"], "archived");
}
