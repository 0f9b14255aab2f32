//! Files that come in and go out: checked, all faults by row, kept nowhere they do not belong; work in the background.

use super::desk::{By, Desk, Said, digest_of};
use super::estate::{DRAFT, Estate, ORDERED, People, STATEMENT};
use app::collect::NoSecrets;
use app::jobs::{Handlers, work_once};
use axum::http::{Method, StatusCode};
use domain::authz::Role;
use serde_json::{Value, json};
use std::io::Read as _;
use std::sync::Arc;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_file_is_what_its_digest_says,
    a_file_is_what_its_content_says,
    sent_again_it_is_one_file,
    lines_come_from_a_spreadsheet,
    an_import_is_tried_first,
    a_provider_hands_in_its_own_bill,
    the_file_of_an_application_is_complete,
    a_review_goes_step_by_step,
    a_month_is_run_in_the_background,
    a_whole_list_is_whole,
    what_is_taken_away_is_noted_once,
    a_file_that_is_made_is_noted_before_and_after_with_its_form,
    limits_are_set_by_whose_duty_it_is,
);

fn evidence_of(number: &str) -> String {
    format!("/api/v1/requests/{number}/evidence")
}

fn left_behind(desk: &Desk) -> usize {
    let folder = desk.ctx.data().join("uploads");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

async fn send(desk: &Desk, path: &str, by: &By, bytes: &[u8], headers: &[(&str, &str)]) -> Said {
    let fixed = [("x-yunheng-request", "1"), ("content-type", "application/octet-stream")];
    let headers = [&fixed[..], headers].concat();
    desk.send_bytes(Method::POST, path, by, bytes.to_vec(), &headers).await
}

async fn setting(store: TestStore) -> (Desk, People, Estate) {
    let desk = Desk::new(store).await;
    let own = People::of(&desk, "D01", "P1").await;
    let estate = Estate::new(&desk, &own).await;
    (desk, own, estate)
}

async fn a_file_is_what_its_digest_says(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let path = evidence_of(ORDERED) + "?name=a.txt";
    let by = &own.applicant.1;
    let none = send(&desk, &path, by, b"x", &[("idempotency-key", "1")]).await;
    assert_eq!(none.status, StatusCode::PRECONDITION_REQUIRED, "{}", none.text);
    assert_eq!(none.body["code"], "content_digest_missing");
    let other = digest_of(b"y");
    let wrong = send(
        &desk,
        &path,
        by,
        b"x",
        &[("idempotency-key", "2"), ("content-digest", &other)],
    )
    .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    let listed = desk.get(&evidence_of(ORDERED), by).await;
    assert_eq!(listed.body, json!([]), "nothing of it is kept");
    let large = vec![b'x'; (20 << 20) + 1];
    let digest = digest_of(&large);
    let headers = [("idempotency-key", "3"), ("content-digest", digest.as_str())];
    let large = send(&desk, &path, by, &large, &headers).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", large.text);
    assert_eq!(left_behind(&desk), 0);
}

async fn a_file_is_what_its_content_says(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let by = &own.applicant.1;
    for (name, content, status) in [
        ("a.pdf", &b"%PDF-1.7 x"[..], 201),
        ("a.pdf", b"MZ\x90\x00", 422),
        ("a.png", b"%PDF-1.7 y", 422),
        ("a.html", b"<script>alert(1)</script>", 422),
        ("..%2Fa.txt", b"x", 422),
        ("a.txt", b"", 422),
    ] {
        let path = evidence_of(ORDERED) + "?name=" + name;
        let said = desk.upload(&path, by, content).await;
        assert_eq!(said.status.as_u16(), status, "{name}: {}", said.text);
        let folder = desk.ctx.data().display().to_string();
        assert!(!said.text.contains(&folder), "no path of the disk: {}", said.text);
    }
    let listed = desk.get(&evidence_of(ORDERED), by).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(1));
    assert_eq!(listed.body[0]["media_type"], "application/pdf");
    // The papers of the unit are none of the provider's business.
    let of_provider = desk.get(&evidence_of(ORDERED), &own.operator).await;
    assert_eq!(of_provider.body, json!([]), "{}", of_provider.text);
    let id = listed.body[0]["id"].as_str().unwrap();
    let taken = desk.get(&format!("/api/v1/evidence/{id}"), &own.operator).await;
    assert_eq!(taken.status, StatusCode::NOT_FOUND);
    // The same bytes from the provider are a file of its own.
    let path = evidence_of(ORDERED) + "?name=b.pdf";
    for _ in 0..2 {
        let theirs = desk.upload(&path, &own.operator, b"%PDF-1.7 x").await;
        assert_eq!(theirs.body["name"], "b.pdf", "{}", theirs.text);
    }
    let of_provider = desk.get(&evidence_of(ORDERED), &own.operator).await;
    assert_eq!(
        of_provider.body.as_array().map(Vec::len),
        Some(1),
        "{}",
        of_provider.text
    );
    let back = desk.get(&format!("/api/v1/evidence/{id}"), by).await;
    assert_eq!(back.bytes, b"%PDF-1.7 x");
    assert!(
        back.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
}

async fn sent_again_it_is_one_file(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let path = evidence_of(ORDERED) + "?name=a.txt";
    let digest = digest_of(b"x");
    let headers = [("idempotency-key", "same"), ("content-digest", digest.as_str())];
    let first = send(&desk, &path, &own.applicant.1, b"x", &headers).await;
    let again = send(&desk, &path, &own.applicant.1, b"x", &headers).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(first.body, again.body);
    // The SHA-256 of "x".
    let sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert_eq!(first.body["sha256"], sha256);
    let other = digest_of(b"z");
    let headers = [("idempotency-key", "same"), ("content-digest", other.as_str())];
    let other = send(&desk, &path, &own.applicant.1, b"z", &headers).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
}

async fn lines_come_from_a_spreadsheet(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let by = &own.applicant.1;
    let form = desk.get("/api/v1/forms/request-lines?format=csv", by).await;
    assert!(form.text.contains("资源类型"), "{}", form.text);
    let path = format!("/api/v1/requests/{DRAFT}/lines?name=a.csv");
    let bad = "资源类型,服务形态,规格,数量,用途\n云主机,共享云,vcpu=x,0,生产\n飞船,共享云,vcpu=1,1,游戏\n";
    let said = desk.upload(&path, by, bad.as_bytes()).await;
    assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", said.text);
    let rows = said.body["faults"].as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .map(|fault| (fault["row"].as_u64().unwrap(), fault["field"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [(2, "规格"), (2, "数量"), (3, "资源类型"), (3, "用途")]);
    let said = desk.upload(&path, by, form.text.as_bytes()).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    let shown = desk.get(&format!("/api/v1/requests/{DRAFT}"), by).await;
    assert_eq!(shown.body["request"]["lines"][0]["count"], 2, "{}", shown.text);
    let thrown = desk
        .send(Method::DELETE, &format!("/api/v1/requests/{DRAFT}"), by, None)
        .await;
    assert_eq!(
        thrown.status,
        StatusCode::PRECONDITION_FAILED,
        "it was changed since: {}",
        thrown.text
    );
    let etag = shown.headers["etag"].to_str().unwrap();
    let headers = [("x-yunheng-request", "1"), ("if-match", etag)];
    let path = format!("/api/v1/requests/{DRAFT}");
    let thrown = desk.send_with(Method::DELETE, &path, by, None, &headers).await;
    assert_eq!(thrown.status, StatusCode::NO_CONTENT, "{}", thrown.text);
}

async fn an_import_is_tried_first(store: TestStore) {
    let desk = Desk::new(store).await;
    let by = desk
        .person("operations", "BUREAU", &[Role::AuthorityOperations])
        .await
        .1;
    let path = "/api/v1/imports/organisations?name=a.csv";
    let bad = desk
        .upload(path, &by, "代码,名称,类别,生效日期\nD09,,使用单位,昨天\n".as_bytes())
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.text);
    assert_eq!(bad.body["faults"].as_array().map(Vec::len), Some(2), "{}", bad.text);
    let good = "代码,名称,类别,生效日期\nD09,水务局,使用单位,2026-01-01\n".as_bytes();
    let tried = desk.upload(&format!("{path}&dry_run=true"), &by, good).await;
    assert_eq!(
        (tried.status, &tried.body["dry_run"]),
        (StatusCode::CREATED, &json!(true)),
        "{}",
        tried.text
    );
    let receipts = desk.get("/api/v1/imports", &by).await;
    assert_eq!(receipts.body["items"], json!([]));
    let done = desk.upload(path, &by, good).await;
    assert_eq!(done.body["new"], 1, "{}", done.text);
    let again = desk.upload(path, &by, good).await;
    assert_eq!(again.body["already_imported"], true, "{}", again.text);
    let receipts = desk.get("/api/v1/imports?kind=organisations", &by).await;
    assert_eq!(
        receipts.body["items"][0]["digest"], done.body["digest"],
        "{}",
        receipts.text
    );
    let organisations = desk.get("/api/v1/organisations?limit=200", &by).await;
    assert!(organisations.text.contains("水务局"));
}

async fn a_provider_hands_in_its_own_bill(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let bill = |provider: &str| {
        format!(
            "云服务商代码,账期,账单版本,行号,云节点,云资源标识,条目代码,使用单位代码,起,止,数量,单价（元）,金额（元）\n\
             {provider},2026-02,1,1,N1,vm-1,VCPU,D01,2026-02-01,2026-03-01,4,31,124.00\n"
        )
    };
    let path = "/api/v1/imports/provider-bill?name=b.csv";
    let theirs = desk.upload(path, &own.speaker, bill("P2").as_bytes()).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN, "{}", theirs.text);
    let last = test_support::chain(desk.ctx.store()).await.pop().unwrap();
    assert_eq!(
        (last.actor.as_str(), last.action.as_str(), last.object.as_str()),
        ("speaker.p1", "access.refused", "import:provider-bill")
    );
    let detail: Value = serde_json::from_str(&last.detail).unwrap();
    assert_eq!(detail["provider"], "P2", "whose bill it was: {detail}");
    let own_bill = desk.upload(path, &own.speaker, bill("P1").as_bytes()).await;
    assert_eq!(own_bill.status, StatusCode::CREATED, "{}", own_bill.text);
    let operator = desk.upload(path, &own.operator, bill("P1").as_bytes()).await;
    assert_eq!(operator.status, StatusCode::FORBIDDEN, "{}", operator.text);
    // Newer files of others take no place on the provider's page.
    let (_, operations) = desk.person("operations", "BUREAU", &[Role::AuthorityOperations]).await;
    for code in ["D08", "D09"] {
        let file = format!("代码,名称,类别,生效日期\n{code},水务局,使用单位,2026-01-01\n");
        let path = "/api/v1/imports/organisations?name=a.csv";
        let done = desk.upload(path, &operations, file.as_bytes()).await;
        assert_eq!(done.status, StatusCode::CREATED, "{}", done.text);
    }
    let receipts = desk.get("/api/v1/imports?limit=1", &own.speaker).await;
    assert_eq!(
        receipts.body["items"].as_array().map(Vec::len),
        Some(1),
        "{}",
        receipts.text
    );
}

async fn the_file_of_an_application_is_complete(store: TestStore) {
    let (desk, own, estate) = setting(store).await;
    let path = format!("/api/v1/requests/{ORDERED}/file");
    let refused = desk.get(&path, &own.operator).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
    let said = desk.get(&path, &own.head).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(said.bytes)).unwrap();
    let mut text_of = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let list: Value = serde_json::from_slice(&text_of("目录.json")).unwrap();
    let parts = list["parts"].as_array().unwrap();
    for part in parts {
        let bytes = text_of(part["path"].as_str().unwrap());
        assert_eq!(part["sm3"], kernel::Digest::of(&bytes).to_string(), "{part}");
    }
    assert_eq!(
        text_of(&format!("凭证/{}.txt", estate.evidence)),
        "已开通 vm-secret".as_bytes()
    );
    let audited: Value = serde_json::from_slice(&text_of("审计记录.json")).unwrap();
    let actions: Vec<_> = audited
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].clone())
        .collect();
    assert!(actions.contains(&json!("evidence.write")), "{actions:?}");
    assert!(parts.len() > 14, "{list}");
    let folder = desk.ctx.data().join("downloads");
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        0,
        "nothing of it stays on the disk"
    );
}

async fn a_review_goes_step_by_step(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let by = desk.person("secretary", "BUREAU", &[Role::ExpertSecretary]).await.1;
    let reviews = format!("/api/v1/requests/{DRAFT}/reviews");
    let change = async |path: &str, body: Value| {
        let seen = desk.get(&reviews, &by).await;
        let etag = seen.headers["etag"].to_str().unwrap().to_owned();
        let key = format!("{etag}{}", path.len());
        let headers = [
            ("idempotency-key", key.as_str()),
            ("x-yunheng-request", "1"),
            ("if-match", &etag),
        ];
        desk.send_with(Method::POST, path, &by, Some(body), &headers).await
    };
    let body = json!({ "form": "expert_review", "subject": "non_xinchuang", "grounds": "专用软件不支持",
        "reviewers": [{ "name": "甲", "affiliation": "大学" }, { "name": "乙" }] });
    let opened = change(&reviews, body).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text);
    let review = format!("{reviews}/{}", opened.body["code"].as_str().unwrap());
    let opinion = |name: &str| json!({ "reviewer": name, "in_favour": true, "text": "同意" });
    let early = change(&format!("{review}/opinions"), opinion("甲")).await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", early.text);
    for (name, conflict) in [("甲", Value::Null), ("乙", json!("参与过该项目"))] {
        let body = json!({ "reviewer": name, "conflict": conflict });
        let said = change(&format!("{review}/declarations"), body).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    }
    let body = json!({ "reviewer": "乙", "by": { "name": "丙" } });
    let replaced = change(&format!("{review}/replacements"), body).await;
    assert_eq!(replaced.body["recused"][0]["name"], "乙", "{}", replaced.text);
    change(&format!("{review}/declarations"), json!({ "reviewer": "丙" })).await;
    change(&format!("{review}/opinions"), opinion("甲")).await;
    let decision = json!({ "decision": "approve", "expires": "2026-12-31",
        "conditions": [{ "text": "先完成漏洞修复", "before_opening": true }],
        "scope": [{ "kind": "server", "pool": "x86", "most": "vcpu=4" }] });
    let early = change(&format!("{review}/decision"), decision.clone()).await;
    assert_eq!(
        early.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "丙 was not heard: {}",
        early.text
    );
    change(&format!("{review}/opinions"), opinion("丙")).await;
    let decided = change(&format!("{review}/decision"), decision).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text);
    let late = change(&format!("{review}/opinions"), opinion("丙")).await;
    assert_eq!(
        late.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "it is decided: {}",
        late.text
    );
    let met = json!({ "condition": 1, "evidence": "漏洞修复报告 12" });
    let noted = change(&format!("{review}/conditions"), met.clone()).await;
    assert_eq!(noted.status, StatusCode::OK, "{}", noted.text);
    assert_eq!(noted.body["conditions"][0]["evidence"], "漏洞修复报告 12");
    let again = change(&format!("{review}/conditions"), met).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", again.text);
    let shown = desk.get(&format!("/api/v1/requests/{DRAFT}"), &own.applicant.1).await;
    assert_eq!(
        shown.body["reviews"].as_array().map(Vec::len),
        Some(1),
        "{}",
        shown.text
    );
}

async fn a_month_is_run_in_the_background(store: TestStore) {
    let (desk, _, _) = setting(store).await;
    let by = desk
        .person("operations", "BUREAU", &[Role::AuthorityOperations])
        .await
        .1;
    let asked = desk.post("/api/v1/months/2026-02/runs", &by, json!({})).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let job = asked.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(asked.body["location"], job.as_str());
    let again = desk.post("/api/v1/months/2026-02/runs", &by, json!({})).await;
    assert_eq!(again.headers["location"], job.as_str(), "the same is not queued twice");
    let handlers = Handlers::default().with_main_job(Arc::new(NoSecrets));
    let worked = work_once(&desk.ctx, "w", &handlers).await.unwrap().unwrap();
    assert_eq!(worked.state.word(), "done", "{}", worked.outcome);
    let month = desk.get("/api/v1/months/2026-02", &by).await;
    assert!(month.body["rated"].is_object(), "{}", month.text);
    let closing = desk.post("/api/v1/months/2026-02/closing", &by, Value::Null).await;
    assert_eq!(
        closing.status,
        StatusCode::FORBIDDEN,
        "only a leader closes: {}",
        closing.text
    );
    let leader = desk.person("leader", "BUREAU", &[Role::AuthorityLeader]).await.1;
    let closing = desk.post("/api/v1/months/2026-02/closing", &leader, Value::Null).await;
    assert_eq!(closing.status, StatusCode::ACCEPTED, "{}", closing.text);
    let worked = work_once(&desk.ctx, "w", &handlers).await.unwrap().unwrap();
    assert_eq!(worked.state.word(), "done", "{}", worked.outcome);
    let entries = app::audit::verify(&desk.ctx, None).await.unwrap().0;
    let mut read = desk.ctx.store().read().await.unwrap();
    let entries = read.audit_entries(entries - 3, 10).await.unwrap();
    let closed = entries.iter().find(|entry| entry.action == "month.close").unwrap();
    assert_eq!(closed.actor, "leader", "the job wrote in the name of whoever asked");
}

async fn a_whole_list_is_whole(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let page = desk.get("/api/v1/requests?limit=1", &own.applicant.1).await;
    assert_eq!(page.body["items"].as_array().map(Vec::len), Some(1));
    let whole = desk.get("/api/v1/requests?limit=1&format=csv", &own.applicant.1).await;
    assert_eq!(
        whole.text.lines().count(),
        4,
        "heading and three applications: {}",
        whole.text
    );
    // In both orders, page by page.
    let numbers = async |sort: &str| {
        let (mut numbers, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/requests?limit=1&sort={sort}&after={after}");
            let page = desk.get(&path, &own.applicant.1).await;
            numbers.push(page.body["items"][0]["number"].as_str().unwrap().to_owned());
            match page.body["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return numbers,
            }
        }
    };
    let (upwards, mut downwards) = (numbers("number").await, numbers("-number").await);
    downwards.reverse();
    assert_eq!((upwards.len(), &upwards), (3, &downwards));
    for (list, sort) in [("requests", "unit"), ("orders", "due"), ("me/to-dos", "title")] {
        let bad = desk.get(&format!("/api/v1/{list}?sort={sort}"), &own.applicant.1).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.text);
        assert_eq!(bad.body["faults"][0]["field"], "sort", "{}", bad.text);
    }
    for list in ["orders?sort=number", "me/to-dos?sort=-due", "me/to-dos?sort=since"] {
        let said = desk.get(&format!("/api/v1/{list}"), &own.applicant.1).await;
        assert_eq!(said.status, StatusCode::OK, "{list}: {}", said.text);
    }
    assert_eq!(lists_taken(&desk).await, ["/requests"]);
}

/// The lists that were taken away, by the chain.
async fn lists_taken(desk: &Desk) -> Vec<String> {
    let entries = test_support::chain(desk.ctx.store()).await;
    let taken = entries.into_iter().filter(|entry| entry.action == "list.export");
    taken.map(|entry| entry.object).collect()
}

async fn what_is_taken_away_is_noted_once(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let by = &own.applicant.1;
    // However it is written: the server understands it, so the chain does.
    for query in [
        "form%61t=csv",
        "format=%63sv",
        "format=json&format=csv",
        "limit=1&format=csv&",
    ] {
        let said = desk.get(&format!("/api/v1/requests?{query}"), by).await;
        assert_eq!(said.headers["content-type"], "text/csv; charset=utf-8", "{query}");
    }
    assert_eq!(lists_taken(&desk).await, ["/requests"; 4]);
    // Neither a page, nor an empty form, nor what has no other form, is a list that was taken away.
    for path in [
        "/api/v1/requests?format=csv&format=json",
        "/api/v1/forms/request-lines?format=csv",
        "/api/v1/me?format=csv",
    ] {
        let said = desk.get(path, by).await;
        assert_eq!(said.status, StatusCode::OK, "{path}: {}", said.text);
    }
    // Charge lines are noted by themselves, with what was chosen, and not as a list too.
    for path in ["/api/v1/charges?from=2026-02&", "/api/v1/exports/focus?from=2026-02&"] {
        desk.get(&format!("{path}format=csv"), by).await;
    }
    assert_eq!(lists_taken(&desk).await.len(), 4);
    // Whoever may not have it is noted too.
    let refused = desk.get("/api/v1/accounts?format=%63sv", by).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert_eq!(lists_taken(&desk).await.split_off(4), ["/accounts"]);
}

async fn a_file_that_is_made_is_noted_before_and_after_with_its_form(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let by = &desk.person("leader", "BUREAU", &[Role::AuthorityLeader]).await.1;
    let (charges, focus) = ("/api/v1/charges?from=2026-02", "/api/v1/exports/focus?from=2026-02");
    let chosen = |provider: Value, organisation: Value, form: Value| json!({ "provider": provider, "organisation": organisation, "form": form });
    let (all, months) = (Value::Null, "2026-02..2026-02");
    let cases = [
        (
            (by, charges.to_owned()),
            ("charges.export", months, "done"),
            chosen(all.clone(), all.clone(), json!({ "format": "csv" })),
        ),
        (
            (by, format!("{charges}&format=xlsx&provider=P1")),
            ("charges.export", months, "done"),
            chosen(json!("P1"), all.clone(), json!({ "format": "xlsx" })),
        ),
        (
            (by, format!("{focus}&format=parquet&ascii=true")),
            ("focus.export", months, "done"),
            chosen(
                all.clone(),
                all.clone(),
                json!({ "format": "parquet", "ascii_names": true }),
            ),
        ),
        // A unit gets its own, and that is what stands there.
        (
            (&own.head, focus.to_owned()),
            ("focus.export", months, "done"),
            chosen(
                all.clone(),
                json!("D01"),
                json!({ "format": "csv", "ascii_names": false }),
            ),
        ),
        // The month is not closed, so that there is no document: that is noted too.
        (
            (
                &own.head,
                format!("/api/v1/statements/{STATEMENT}/document?format=xlsx"),
            ),
            ("statement.print", STATEMENT, "failed"),
            json!({ "format": "xlsx", "version": 1 }),
        ),
    ];
    for ((by, path), (action, object, ending), detail) in cases {
        let before = test_support::chain(desk.ctx.store()).await.len();
        let said = desk.get(&path, by).await;
        assert_eq!(said.status == StatusCode::OK, ending == "done", "{path}: {}", said.text);
        let noted = test_support::chain(desk.ctx.store()).await.split_off(before);
        let ended = format!("{action}.{ending}");
        let actions: Vec<_> = noted
            .iter()
            .map(|entry| (entry.action.as_str(), entry.object.as_str()))
            .collect();
        assert_eq!(actions, [(action, object), (&*ended, object)], "{path}");
        let read = |place: usize| serde_json::from_str::<Value>(&noted[place].detail).unwrap();
        assert_eq!(read(0), detail, "{path}");
        assert_eq!(read(1)["begun"], noted[0].number, "{path}");
    }
}

async fn limits_are_set_by_whose_duty_it_is(store: TestStore) {
    let (desk, own, _) = setting(store).await;
    let leader = desk.person("leader", "BUREAU", &[Role::AuthorityLeader]).await.1;
    let quota = json!({ "purse": "quota", "unit": "D01", "pool": "xinchuang", "measure": "vcpu", "amount": "128",
        "source": "春数函〔2026〕3号" });
    let refused = desk.post("/api/v1/limits", &own.head, quota.clone()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let read = "/api/v1/limits/one?purse=quota&unit=D01&pool=xinchuang&measure=vcpu";
    let never = desk.get(read, &leader).await;
    assert_eq!(
        (&never.headers["etag"], &never.body["limit"], &never.body["at"]),
        (&"\"0\"".parse().unwrap(), &Value::Null, &Value::Null),
        "{}",
        never.text
    );
    let other = desk.get(&read.replace("D01", "D02"), &own.head).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN, "{}", other.text);
    let blind = [("idempotency-key", "blind"), ("x-yunheng-request", "1")];
    let (post, limits) = (axum::http::Method::POST, "/api/v1/limits");
    let blind = desk
        .send_with(post.clone(), limits, &leader, Some(quota.clone()), &blind)
        .await;
    assert_eq!(blind.status, StatusCode::PRECONDITION_REQUIRED, "{}", blind.text);
    let seen = [
        ("idempotency-key", "seen"),
        ("x-yunheng-request", "1"),
        ("if-match", "\"0\""),
    ];
    let set = desk
        .send_with(post.clone(), limits, &leader, Some(quota.clone()), &seen)
        .await;
    let late = [
        ("idempotency-key", "late"),
        ("x-yunheng-request", "1"),
        ("if-match", "\"0\""),
    ];
    let late = desk.send_with(post, limits, &leader, Some(quota.clone()), &late).await;
    assert_eq!(
        late.status,
        StatusCode::PRECONDITION_FAILED,
        "somebody set it: {}",
        late.text
    );
    assert_eq!(desk.get(read, &own.head).await.headers["etag"], "\"1\"");
    assert_eq!(
        (set.status, &set.body["left"]),
        (StatusCode::CREATED, &json!("128")),
        "{}",
        set.text
    );
    let bad = json!({ "purse": "budget", "unit": "D01", "amount": "1.00", "source": "x" });
    let bad = desk.post("/api/v1/limits", &leader, bad).await;
    assert_eq!(bad.body["faults"][0]["field"], "year", "{}", bad.text);
    let seen = desk.get("/api/v1/limits", &own.head).await;
    assert_eq!(seen.body["total"], 2, "{}", seen.text);
}
