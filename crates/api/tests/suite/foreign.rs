//! Nothing of one organisation is read, acted on, listed or even known to exist by another (I8).
//!
//! Every operation of the document with a key in its path is called on a thing that exists and belongs to D01 and P1, by
//! everybody of D02 and P2; and every list is searched for what belongs to D01 and P1.

use super::desk::{By, Desk, Said};
use super::estate::{APPROVED, DRAFT, Estate, ORDER, ORDERED, People, STATEMENT};
use super::every_operation::{UPLOADS, body, id_of};
use axum::http::{Method, StatusCode};
use domain::authz::Action;
use std::collections::BTreeSet;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    nobody_acts_on_what_is_anothers,
    no_list_shows_what_is_anothers,
    the_owners_do_see_it,
    what_is_kept_from_somebody_is_noted,
);

/// What must stand in no answer to anybody of D02 or P2.
const SECRETS: &[&str] = &[
    ORDERED,
    DRAFT,
    ORDER,
    STATEMENT,
    "机密联系人",
    "内部原因",
    "vm-secret",
    "S01",
    "HT-1",
    "123456",
    "73.25",
];

/// Operations with a key of no owner in their path: a month, a kind of file.
const OF_EVERYBODY: &[&str] = &["/api/v1/months/", "/api/v1/forms/", "/api/v1/imports/"];

fn operations() -> Vec<String> {
    let document = api::document();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &serde_json::Value)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// What the applicant of D01 has for themselves.
struct Personal {
    account: String,
    session: String,
    /// A token, by which it is known and by which they come.
    token: (String, By),
}

impl Personal {
    async fn of(desk: &Desk, own: &People) -> Self {
        let (account, by) = &own.applicant;
        let token = desk.token(by, &[Action::InventoryRead]).await;
        let first = async |path: &str| {
            let said = desk.get(path, by).await;
            said.body[0]["id"].as_str().unwrap().to_owned()
        };
        Self {
            account: account.to_string(),
            session: first("/api/v1/sessions").await,
            token: (first("/api/v1/me/tokens").await, token),
        }
    }
}

/// The path on the things of D01 and P1; where they have none of the kind, on one that could be.
fn path_of(path: &str, estate: &Estate, personal: &Personal) -> String {
    let id = match path {
        path if path.starts_with("/api/v1/evidence") => &estate.evidence,
        path if path.starts_with("/api/v1/cases") => &estate.case,
        path if path.starts_with("/api/v1/accounts") => &personal.account,
        path if path.starts_with("/api/v1/sessions") => &personal.session,
        path if path.starts_with("/api/v1/me/tokens") => &personal.token.0,
        path => id_of(path),
    };
    let number = match path {
        path if path.starts_with("/api/v1/orders") => ORDER,
        path if path.starts_with("/api/v1/statements") => STATEMENT,
        path if path.starts_with("/api/v1/requests") => ORDERED,
        _ => "1",
    };
    let path = path.replace("{id}", id).replace("{number}", number);
    let path = path.replace("{allocation}", &format!("{ORDERED}-1-1"));
    let path = path.replace("{contract}", "HT-1").replace("{version}", "1");
    let path = path
        .replace("{token}", &personal.token.0)
        .replace("{code}", "LZ-202603-0001")
        .replace("{line}", "202602-000001");
    assert!(!path.contains('{'), "{path} is no path of anything");
    path
}

async fn send(desk: &Desk, operation: &str, path: &str, by: &By) -> Said {
    if UPLOADS.contains(&operation) {
        return desk.upload(&format!("{path}?name=a.txt"), by, b"x").await;
    }
    let method: Method = operation.split_once(' ').unwrap().0.to_uppercase().parse().unwrap();
    let given = Some(body(operation)).filter(|_| method == Method::POST);
    desk.send(method, path, by, given).await
}

fn keeps_secrets(path: &str, who: &str, said: &Said) {
    // What the asker wrote may be repeated to them.
    let told = path.split(['/', '?']).filter(|part| !part.is_empty());
    let told = told.fold(said.text.clone(), |text, part| text.replace(part, ""));
    for secret in SECRETS {
        assert!(
            !told.contains(secret),
            "{path} tells {who} about {secret}: {}",
            said.text
        );
    }
}

async fn nobody_acts_on_what_is_anothers(store: TestStore) {
    let desk = Desk::new(store).await;
    let own = People::of(&desk, "D01", "P1").await;
    let estate = Estate::new(&desk, &own).await;
    let strangers = People::of(&desk, "D02", "P2").await;
    let personal = Personal::of(&desk, &own).await;
    let mut tried = 0;
    for operation in operations() {
        let (_, pattern) = operation.split_once(' ').unwrap();
        if !pattern.contains('{') || OF_EVERYBODY.iter().any(|public| pattern.starts_with(public)) {
            continue;
        }
        let private = ["/requests/", "/orders/", "/evidence/", "/statements/"];
        let private = private
            .iter()
            .any(|part| pattern.starts_with(&format!("/api/v1{part}")));
        let path = path_of(pattern, &estate, &personal);
        for (who, by) in strangers.all() {
            let said = send(&desk, &operation, &path, by).await;
            let status = said.status.as_u16();
            let hidden = status == 404 || (!private && matches!(status, 401 | 403 | 422));
            // What needs the role of a secretary is refused before anything is looked up.
            let hidden = hidden || (status == 403 && pattern.contains("/reviews"));
            // One's own is looked for among one's own: another's is as good as gone, and nothing is done to it.
            let hidden = hidden || (status == 412 && pattern.starts_with("/api/v1/me/"));
            assert!(hidden, "{operation} by {who} of another: {} {}", said.status, said.text);
            keeps_secrets(&path, who, &said);
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
    for by in [&own.applicant.1, &personal.token.1] {
        let me = desk.get("/api/v1/me", by).await;
        assert_eq!(me.status, StatusCode::OK, "nobody else ended it: {}", me.text);
    }
    // A draft is nobody's but its writer's and its unit's; not even of a provider who knows the number.
    let offer = body("post /api/v1/requests/{number}/offers");
    let path = format!("/api/v1/requests/{DRAFT}/offers");
    for by in [&strangers.speaker, &own.speaker] {
        let said = desk.post(&path, by, offer.clone()).await;
        assert_eq!(said.status, StatusCode::NOT_FOUND, "{}", said.text);
    }
}

async fn no_list_shows_what_is_anothers(store: TestStore) {
    let desk = Desk::new(store).await;
    let own = People::of(&desk, "D01", "P1").await;
    Estate::new(&desk, &own).await;
    let strangers = People::of(&desk, "D02", "P2").await;
    let mut read = BTreeSet::new();
    for operation in operations() {
        let Some(path) = operation.strip_prefix("get ").filter(|path| !path.contains('{')) else {
            continue;
        };
        let path = match path {
            "/api/v1/statements" => format!("{path}?month=2026-02"),
            "/api/v1/charges" | "/api/v1/exports/focus" => format!("{path}?from=2026-02"),
            path => path.to_owned(),
        };
        for (who, by) in strangers.all() {
            for form in ["", "format=csv"] {
                let said = match (form, path.contains('?')) {
                    ("", _) => desk.get(&path, by).await,
                    (form, true) => desk.get(&format!("{path}&{form}"), by).await,
                    (form, false) => desk.get(&format!("{path}?{form}"), by).await,
                };
                assert!(!said.status.is_server_error(), "{path}: {}", said.text);
                keeps_secrets(&path, who, &said);
                if said.status.is_success() {
                    read.insert(path.clone());
                }
            }
        }
    }
    assert!(read.len() > 15, "{read:?}");
    // What waits for offers is meant for every provider.
    let offered = desk.get("/api/v1/requests", &strangers.speaker).await;
    assert_eq!(
        offered.body["items"].as_array().map(Vec::len),
        Some(1),
        "{}",
        offered.text
    );
    assert_eq!(offered.body["items"][0]["number"], APPROVED);
    // It learns nothing of a choice, and to ask was no attempt at what is another's.
    let path = format!("/api/v1/requests/{APPROVED}/choice");
    let choice = desk.get(&path, &strangers.speaker).await;
    assert_eq!((choice.status, choice.text.as_str()), (StatusCode::OK, "null"));
    let entries = test_support::chain(desk.ctx.store()).await;
    let refused = entries.iter().filter(|entry| entry.action == "access.refused");
    let of_it: Vec<_> = refused.filter(|entry| entry.object.contains(APPROVED)).collect();
    assert!(of_it.is_empty(), "{of_it:?}");
}

async fn the_owners_do_see_it(store: TestStore) {
    let desk = Desk::new(store).await;
    let own = People::of(&desk, "D01", "P1").await;
    let estate = Estate::new(&desk, &own).await;
    let found = |said: Said| assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    for by in [&own.head, &own.operator] {
        found(desk.get(&format!("/api/v1/requests/{ORDERED}"), by).await);
        found(desk.get(&format!("/api/v1/orders/{ORDER}"), by).await);
        found(desk.get(&format!("/api/v1/statements/{STATEMENT}"), by).await);
        let file = desk.get(&format!("/api/v1/evidence/{}", estate.evidence), by).await;
        assert_eq!(file.text, "已开通 vm-secret");
        assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(file.headers["x-digest-sm3"].len(), 64);
        let listed = desk.get("/api/v1/orders", by).await;
        assert_eq!(listed.body["items"][0]["number"], ORDER, "{}", listed.text);
    }
    found(desk.get(&format!("/api/v1/requests/{DRAFT}"), &own.applicant.1).await);
    let of_others = desk.get(&format!("/api/v1/requests/{DRAFT}"), &own.head).await;
    assert_eq!(of_others.status, StatusCode::NOT_FOUND, "a draft is its writer's");
    let limits = desk.get("/api/v1/limits", &own.head).await;
    assert_eq!(limits.body["items"][0]["limit"], "123456.00", "{}", limits.text);
}

async fn what_is_kept_from_somebody_is_noted(store: TestStore) {
    let desk = Desk::new(store).await;
    let own = People::of(&desk, "D01", "P1").await;
    Estate::new(&desk, &own).await;
    let paper = format!("/api/v1/requests/{ORDERED}/evidence?name=a.txt");
    let paper = desk.upload(&paper, &own.applicant.1, b"x").await;
    let paper = format!("/api/v1/evidence/{}", paper.body["id"].as_str().unwrap());
    let file = format!("/api/v1/requests/{ORDERED}/file");
    let (of_matter, of_request) = (format!("evidence:{ORDERED}"), format!("request:{ORDERED}"));
    for (who, by, path, status, object) in [
        (
            "head.d01",
            &own.head,
            "/api/v1/charges?from=2026-02&organisation=D02",
            StatusCode::FORBIDDEN,
            "charges:D02",
        ),
        (
            "head.d01",
            &own.head,
            "/api/v1/exports/focus?from=2026-02&organisation=D02",
            StatusCode::FORBIDDEN,
            "charges:D02",
        ),
        // Papers of the unit: of a matter that the provider does see.
        (
            "operator.p1",
            &own.operator,
            paper.as_str(),
            StatusCode::NOT_FOUND,
            of_matter.as_str(),
        ),
        (
            "operator.p1",
            &own.operator,
            file.as_str(),
            StatusCode::NOT_FOUND,
            of_request.as_str(),
        ),
    ] {
        let before = test_support::chain(desk.ctx.store()).await.len();
        let said = desk.get(path, by).await;
        assert_eq!(said.status, status, "{path}: {}", said.text);
        let entries = test_support::chain(desk.ctx.store()).await;
        assert_eq!(entries.len(), before + 1, "{path}");
        let last = entries.last().unwrap();
        let noted = (last.actor.as_str(), last.action.as_str(), last.object.as_str());
        assert_eq!(noted, (who, "access.refused", object), "{path}");
    }
}
