//! Every operation of the document: without login, with a token of another scope, by somebody who has no business
//! there, and by whoever has. An operation that is not in the table fails, and so does a row without an operation.

use super::desk::{By, Desk};
use axum::http::{Method, StatusCode};
use domain::authz::{Action, Role};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::{TestStore, on_both_stores};

on_both_stores!(every_operation_asks_who_is_there_and_what_they_may);

/// Who an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// Nobody has to log in.
    Everybody,
    /// Anybody for themselves; a token will do.
    Own,
    /// Anybody for themselves, logged in.
    InPerson,
    /// Only some roles: one that may, and one that may not.
    Some { may: Who, may_not: Who },
}

/// The people of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    SystemAdmin,
    SecurityAdmin,
    AuditAdmin,
    Operations,
    Leader,
    Unit,
    Provider,
    /// Holds expert reviews.
    Secretary,
    /// Has no role yet.
    Newcomer,
}

use For::{Everybody, InPerson, Own};
use Who::{AuditAdmin, Leader, Newcomer, Operations, Provider, Secretary, SecurityAdmin, SystemAdmin, Unit};

const fn only(may: Who, may_not: Who) -> For {
    For::Some { may, may_not }
}

/// Operation, and who it is for.
const OPERATIONS: &[(&str, For)] = &[
    ("get /api/v1/health", Everybody),
    ("post /api/v1/sessions", Everybody),
    ("get /api/v1/sessions/oidc", Everybody),
    ("get /api/v1/sessions/oidc/callback", Everybody),
    ("post /api/v1/sessions/oidc/code", Everybody),
    ("post /api/v1/me/oidc", InPerson),
    ("delete /api/v1/me/oidc", InPerson),
    ("get /api/v1/accounts/{id}/tokens", only(Provider, Unit)),
    ("post /api/v1/accounts/{id}/tokens", only(Provider, SystemAdmin)),
    (
        "delete /api/v1/accounts/{id}/tokens/{token}",
        only(Provider, SystemAdmin),
    ),
    ("post /api/v1/accounts/{id}/oidc", only(SystemAdmin, SecurityAdmin)),
    ("post /api/v1/invitations/acceptance", Everybody),
    ("get /api/v1/sessions", InPerson),
    ("delete /api/v1/sessions/current", InPerson),
    ("delete /api/v1/sessions/{id}", InPerson),
    ("get /api/v1/me", Own),
    ("post /api/v1/me/password", InPerson),
    ("post /api/v1/me/totp", InPerson),
    ("get /api/v1/me/tokens", InPerson),
    ("post /api/v1/me/tokens", InPerson),
    ("delete /api/v1/me/tokens/{id}", InPerson),
    ("get /api/v1/me/to-dos", InPerson),
    ("get /api/v1/me/messages", InPerson),
    ("get /api/v1/me/to-dos/counts", InPerson),
    ("post /api/v1/me/messages/{id}/read", InPerson),
    ("get /api/v1/me/absences", InPerson),
    ("post /api/v1/me/absences", InPerson),
    ("delete /api/v1/me/absences/{id}", InPerson),
    ("get /api/v1/colleagues", only(Unit, SystemAdmin)),
    ("get /api/v1/jobs", only(SystemAdmin, Unit)),
    ("get /api/v1/jobs/{id}", only(Operations, Unit)),
    ("post /api/v1/jobs/{id}/cancellation", only(SystemAdmin, Operations)),
    ("post /api/v1/jobs/{id}/retry", only(SystemAdmin, Leader)),
    ("get /api/v1/webhooks", only(SystemAdmin, SecurityAdmin)),
    ("post /api/v1/webhooks", only(SystemAdmin, Operations)),
    ("delete /api/v1/webhooks/{id}", only(SystemAdmin, Unit)),
    ("get /api/v1/deliveries", only(SystemAdmin, Provider)),
    ("post /api/v1/deliveries/{id}/replay", only(SystemAdmin, AuditAdmin)),
    ("get /api/v1/requests", only(Unit, SystemAdmin)),
    ("post /api/v1/requests", only(Unit, Provider)),
    ("post /api/v1/requests/check", only(Unit, Leader)),
    ("get /api/v1/requests/{number}", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}", only(Unit, Provider)),
    ("get /api/v1/requests/{number}/check", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}/submit", only(Unit, Provider)),
    ("post /api/v1/requests/{number}/decisions", only(Unit, SystemAdmin)),
    ("get /api/v1/requests/{number}/candidates", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}/withdrawal", only(Unit, Provider)),
    ("delete /api/v1/requests/{number}", only(Unit, Provider)),
    ("post /api/v1/requests/{number}/lines", only(Unit, Provider)),
    ("post /api/v1/requests/{number}/reduction", only(Unit, Provider)),
    ("get /api/v1/forms/request-lines", only(Unit, Newcomer)),
    ("get /api/v1/requests/{number}/file", only(Unit, SystemAdmin)),
    ("get /api/v1/requests/{number}/evidence", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}/evidence", only(Unit, SystemAdmin)),
    ("get /api/v1/requests/{number}/reviews", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}/reviews", only(Secretary, Unit)),
    (
        "post /api/v1/requests/{number}/reviews/{code}/declarations",
        only(Secretary, Unit),
    ),
    (
        "post /api/v1/requests/{number}/reviews/{code}/replacements",
        only(Secretary, Leader),
    ),
    (
        "post /api/v1/requests/{number}/reviews/{code}/opinions",
        only(Secretary, Operations),
    ),
    (
        "post /api/v1/requests/{number}/reviews/{code}/decision",
        only(Secretary, Provider),
    ),
    (
        "post /api/v1/requests/{number}/reviews/{code}/conditions",
        only(Secretary, Unit),
    ),
    ("get /api/v1/requests/{number}/offers", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}/offers", only(Provider, SystemAdmin)),
    ("get /api/v1/requests/{number}/choice", only(Operations, SystemAdmin)),
    ("post /api/v1/requests/{number}/choice", only(Operations, SystemAdmin)),
    ("get /api/v1/requests/{number}/trial", only(Unit, SystemAdmin)),
    (
        "post /api/v1/requests/{number}/trial/confirmations",
        only(Operations, SystemAdmin),
    ),
    ("get /api/v1/requests/{number}/ending", only(Unit, SystemAdmin)),
    ("post /api/v1/requests/{number}/ending/reply", only(Unit, SystemAdmin)),
    (
        "post /api/v1/requests/{number}/ending/decision",
        only(Operations, SystemAdmin),
    ),
    ("get /api/v1/requests/{number}/erasure-proofs", only(Unit, SystemAdmin)),
    (
        "post /api/v1/requests/{number}/erasure-proofs",
        only(Provider, SystemAdmin),
    ),
    (
        "post /api/v1/requests/{number}/erasure-proofs/{allocation}/check",
        only(Operations, SystemAdmin),
    ),
    ("post /api/v1/reclaims", only(Operations, Unit)),
    ("get /api/v1/orders", only(Provider, SystemAdmin)),
    ("get /api/v1/orders/stuck", only(Provider, Unit)),
    ("get /api/v1/orders/{number}", only(Unit, SystemAdmin)),
    ("get /api/v1/orders/{number}/evidence", only(Unit, SystemAdmin)),
    ("post /api/v1/orders/{number}/evidence", only(Provider, SystemAdmin)),
    ("post /api/v1/orders/{number}/start", only(Provider, SystemAdmin)),
    ("post /api/v1/orders/{number}/steps", only(Provider, SystemAdmin)),
    ("post /api/v1/orders/{number}/completion", only(Provider, SystemAdmin)),
    ("post /api/v1/orders/{number}/take-over", only(Provider, SystemAdmin)),
    ("post /api/v1/orders/{number}/refusal", only(Provider, SystemAdmin)),
    ("post /api/v1/orders/{number}/resumption", only(Provider, SystemAdmin)),
    ("get /api/v1/evidence/{id}", only(Unit, SystemAdmin)),
    ("get /api/v1/limits", only(Unit, Provider)),
    ("get /api/v1/limits/one", only(Unit, Provider)),
    ("post /api/v1/limits", only(Leader, Operations)),
    ("get /api/v1/organisations", only(Unit, Newcomer)),
    ("get /api/v1/systems", only(Unit, Newcomer)),
    ("get /api/v1/catalogue", only(Provider, Newcomer)),
    ("get /api/v1/contracts", only(Provider, Unit)),
    ("get /api/v1/price-books", only(Provider, Unit)),
    (
        "post /api/v1/price-books/{contract}/{version}/approval",
        only(Leader, Operations),
    ),
    ("get /api/v1/imports", only(Operations, Unit)),
    ("post /api/v1/imports/{kind}", only(Operations, Unit)),
    ("get /api/v1/forms/imports/{kind}", only(Operations, Newcomer)),
    ("post /api/v1/collections", only(Operations, Leader)),
    ("get /api/v1/months", only(Operations, Unit)),
    ("post /api/v1/months/{month}/runs", only(Operations, Leader)),
    ("post /api/v1/months/{month}/closing", only(Leader, Operations)),
    ("post /api/v1/months/{month}/rerating", only(Operations, Leader)),
    ("get /api/v1/months/{month}/differences", only(Provider, Unit)),
    ("get /api/v1/months/{month}/differences/document", only(Provider, Unit)),
    ("get /api/v1/months/{month}/rerating/document", only(Operations, Leader)),
    ("get /api/v1/months/{month}/sums", only(Provider, Unit)),
    ("post /api/v1/months/{month}/answers", only(Operations, Unit)),
    ("get /api/v1/exports/focus", only(Unit, Provider)),
    ("get /api/v1/accounts", only(SystemAdmin, Operations)),
    ("post /api/v1/accounts", only(SystemAdmin, SecurityAdmin)),
    ("post /api/v1/accounts/{id}", only(SystemAdmin, SecurityAdmin)),
    ("post /api/v1/accounts/{id}/link", only(SystemAdmin, AuditAdmin)),
    (
        "post /api/v1/accounts/{id}/link/release",
        only(SecurityAdmin, SystemAdmin),
    ),
    (
        "post /api/v1/accounts/{id}/oidc/release",
        only(SecurityAdmin, SystemAdmin),
    ),
    ("delete /api/v1/accounts/{id}/totp", only(SecurityAdmin, SystemAdmin)),
    ("post /api/v1/accounts/{id}/state", only(SystemAdmin, SecurityAdmin)),
    ("post /api/v1/accounts/{id}/unlock", only(SystemAdmin, Leader)),
    (
        "delete /api/v1/accounts/{id}/sessions",
        only(SecurityAdmin, SystemAdmin),
    ),
    ("get /api/v1/roles", only(SecurityAdmin, Unit)),
    ("post /api/v1/roles", only(SystemAdmin, SecurityAdmin)),
    ("post /api/v1/roles/{number}/decision", only(SecurityAdmin, SystemAdmin)),
    ("delete /api/v1/roles/{number}", only(SecurityAdmin, SystemAdmin)),
    ("get /api/v1/nodes", only(Provider, Unit)),
    ("post /api/v1/nodes", only(Operations, Leader)),
    ("post /api/v1/nodes/{code}/test", only(Operations, Provider)),
    ("get /api/v1/inventory", only(Unit, SystemAdmin)),
    ("get /api/v1/months/{month}", only(Operations, Unit)),
    ("get /api/v1/charges", only(Unit, Provider)),
    ("get /api/v1/charges/{line}/explanation", only(Unit, AuditAdmin)),
    ("get /api/v1/statements", only(Provider, SecurityAdmin)),
    ("get /api/v1/statements/{number}", only(Unit, SystemAdmin)),
    ("get /api/v1/statements/{number}/document", only(Unit, SystemAdmin)),
    ("post /api/v1/statements/{number}/opinions", only(Leader, SystemAdmin)),
    ("get /api/v1/cases", only(Provider, AuditAdmin)),
    ("post /api/v1/cases/{id}/settlement", only(Operations, Provider)),
    ("get /api/v1/audit/entries", only(AuditAdmin, Leader)),
    ("get /api/v1/audit/verification", only(AuditAdmin, SystemAdmin)),
    ("get /api/v1/audit/export", only(AuditAdmin, Leader)),
    ("get /api/v1/audit/seals", only(AuditAdmin, SecurityAdmin)),
    ("post /api/v1/audit/seals", only(AuditAdmin, SystemAdmin)),
];

/// What is sent where something has to be; nothing of it exists.
pub(crate) fn body(operation: &str) -> Value {
    match operation {
        "post /api/v1/me/password" => json!({ "old": "x", "new": "y" }),
        "post /api/v1/me/tokens" => json!({ "name": "", "scope": [], "days": 1 }),
        "post /api/v1/accounts" => json!({ "login": "!", "name": "x", "organisation": "D01", "sort": "person" }),
        "post /api/v1/accounts/{id}" => json!({ "name": "x" }),
        "post /api/v1/accounts/{id}/tokens" => json!({ "name": "x", "scope": ["order.read"], "days": 1 }),
        "post /api/v1/accounts/{id}/oidc" => json!({ "subject": null }),
        "post /api/v1/sessions/oidc/code" => json!({ "code": "1" }),
        "post /api/v1/accounts/{id}/state" => json!({ "active": false }),
        "post /api/v1/roles" => json!({ "account": NOBODY, "role": "unit.head" }),
        "post /api/v1/price-books/{contract}/{version}/approval" => json!({ "opinion": "同意" }),
        "post /api/v1/roles/{number}/decision" => json!({ "granted": true }),
        "post /api/v1/requests" | "post /api/v1/requests/check" | "post /api/v1/requests/{number}" => {
            json!({ "kind": "new", "system": "S01" })
        }
        "post /api/v1/me/absences" => json!({ "from": "2026-03-11", "to": "2026-03-12", "deputy": NOBODY }),
        "post /api/v1/webhooks" => json!({ "organisation": "D01", "url": "https://hook.example/x" }),
        "post /api/v1/requests/{number}/decisions" => json!({ "act": "agree", "task": 1 }),
        "post /api/v1/requests/{number}/withdrawal" => json!({}),
        "post /api/v1/statements/{number}/opinions" => json!({ "step": "agree" }),
        "post /api/v1/requests/{number}/reviews" => {
            json!({ "form": "expert_review", "subject": "non_xinchuang", "grounds": "x", "reviewers": [{ "name": "甲" }] })
        }
        "post /api/v1/requests/{number}/reviews/{code}/declarations" => json!({ "reviewer": "甲" }),
        "post /api/v1/requests/{number}/reviews/{code}/replacements" => json!({ "reviewer": "甲" }),
        "post /api/v1/requests/{number}/reviews/{code}/opinions" => json!({ "reviewer": "甲", "in_favour": true }),
        "post /api/v1/requests/{number}/reviews/{code}/decision" => json!({ "decision": "reject" }),
        "post /api/v1/requests/{number}/reviews/{code}/conditions" => json!({ "condition": 1, "evidence": "x" }),
        "post /api/v1/requests/{number}/offers" => json!({ "node": "N1", "contract": "HT-1", "prices": [] }),
        "post /api/v1/requests/{number}/choice" => json!({ "provider": "P1" }),
        "post /api/v1/requests/{number}/trial/confirmations" => json!({}),
        "post /api/v1/requests/{number}/ending/reply" => json!({ "agrees": true }),
        "post /api/v1/requests/{number}/ending/decision" => json!({ "keep": true, "why": "x" }),
        "post /api/v1/requests/{number}/erasure-proofs" => json!({
            "allocation": "FP-1", "method": "overwritten", "covers_copies": true, "at": "2026-03-01",
            "evidence": "evi_00000000000070008000000000000000",
        }),
        "post /api/v1/reclaims" => json!({ "allocations": ["FP-1"], "grounds": "x" }),
        "post /api/v1/orders/{number}/steps" => json!({ "steps": [] }),
        "post /api/v1/orders/{number}/take-over"
        | "post /api/v1/orders/{number}/refusal"
        | "post /api/v1/orders/{number}/resumption" => json!({ "why": "x" }),
        "post /api/v1/limits" => {
            json!({ "purse": "budget", "unit": "D01", "year": 2026, "amount": "1.00", "source": "x" })
        }
        "post /api/v1/nodes" => json!({
            "code": "N8", "name": "x", "provider": "P1", "source": { "kind": "files", "folder": "N8" },
        }),
        "post /api/v1/collections" => json!({}),
        "post /api/v1/months/{month}/runs" => json!({}),
        "post /api/v1/months/{month}/rerating" => json!({ "reason": "x" }),
        "post /api/v1/months/{month}/answers" => json!({ "resource": "x", "item": "X", "outcome": "accepted" }),
        "post /api/v1/cases/{id}/settlement" => json!({ "outcome": "accepted", "reason": "x" }),
        _ => Value::Null,
    }
}

/// The operations that take a file.
pub(crate) const UPLOADS: &[&str] = &[
    "post /api/v1/requests/{number}/lines",
    "post /api/v1/requests/{number}/evidence",
    "post /api/v1/orders/{number}/evidence",
    "post /api/v1/imports/{kind}",
];

const NOBODY: &str = "acc_00000000-0000-7000-8000-000000000000";

/// An id of the kind that belongs into a path; nothing has it.
pub(crate) fn id_of(path: &str) -> &'static str {
    match path {
        path if path.starts_with("/api/v1/sessions") => "ses_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/me/tokens") => "tok_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/me/messages") => "msg_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/evidence") => "evi_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/me/absences") => "abs_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/jobs") => "job_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/webhooks") => "whk_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/deliveries") => "dlv_00000000-0000-7000-8000-000000000000",
        path if path.starts_with("/api/v1/cases") => "cas_00000000-0000-7000-8000-000000000000",
        _ => NOBODY,
    }
}

fn path_of(operation: &str, role: i64) -> String {
    let (_, path) = operation.split_once(' ').unwrap();
    let id = id_of(path);
    let number = if path.contains("statements") {
        "JS-202602-0001".to_owned()
    } else {
        role.to_string()
    };
    let query = match path {
        "/api/v1/charges" | "/api/v1/exports/focus" => "?from=2026-02",
        "/api/v1/statements" => "?month=2026-02",
        "/api/v1/months/{month}/rerating/document" => "?reason=x",
        "/api/v1/limits/one" => "?purse=budget&unit=D01&year=2026",
        _ if UPLOADS.contains(&operation) => "?name=a.csv",
        _ => "",
    };
    let path = path
        .replace("{code}", "LZ-202602-0001")
        .replace("{allocation}", "FP-1")
        .replace("{contract}", "HT-1");
    let path = path.replace("{kind}", "organisations").replace("{version}", "1");
    let path = path.replace("{token}", "tok_00000000-0000-7000-8000-000000000000");
    let path = path.replace("{id}", id).replace("{number}", &number);
    path.replace("{month}", "2026-02").replace("{line}", "202602-000001") + query
}

/// A role that was proposed, for the operations on roles. Returns its number.
async fn proposed_role(desk: &Desk) -> i64 {
    let (account, _) = desk.person("nobody", "D02", &[]).await;
    let mut work = desk.ctx.store().begin().await.unwrap();
    let proposal = domain::authz::RoleAssignment {
        account,
        organisation: "D02".parse().unwrap(),
        role: Role::UnitHead,
        from: desk.ctx.now(),
        to: None,
        proposed_by: "甲".to_owned(),
        approved_by: String::new(),
    };
    let number = work.propose_role(&proposal).await.unwrap();
    work.audit(desk.ctx.now(), ("测试", "role.propose", "x"), "{}".to_owned())
        .await
        .unwrap();
    work.commit().await.unwrap();
    number
}

async fn every_operation_asks_who_is_there_and_what_they_may(store: TestStore) {
    let document = api::document();
    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{method} {path}"))
        })
        .collect();
    let expected: BTreeSet<String> = OPERATIONS
        .iter()
        .map(|(operation, _)| (*operation).to_owned())
        .collect();
    assert_eq!(
        documented, expected,
        "each operation has a row in OPERATIONS, and each row an operation"
    );

    let desk = Desk::new(store).await;
    let [system, security, audit] = desk.administrators().await;
    let people = [
        (SystemAdmin, system),
        (SecurityAdmin, security),
        (AuditAdmin, audit),
        (
            Operations,
            desk.person("operations", "BUREAU", &[Role::AuthorityOperations])
                .await
                .1,
        ),
        (
            Leader,
            desk.person("leader", "BUREAU", &[Role::AuthorityLeader]).await.1,
        ),
        (Unit, desk.person("applicant", "D01", &[Role::UnitApplicant]).await.1),
        (
            Provider,
            desk.person("operator", "P1", &[Role::ProviderOperator]).await.1,
        ),
        (
            Secretary,
            desk.person("secretary", "BUREAU", &[Role::ExpertSecretary]).await.1,
        ),
        (Newcomer, desk.person("newcomer", "D02", &[]).await.1),
    ];
    let by = |who: Who| {
        people
            .iter()
            .find(|(known, _)| *known == who)
            .map(|(_, by)| by.clone())
            .unwrap()
    };
    let role = proposed_role(&desk).await;
    // Nothing that is tested here needs this scope.
    let elsewhere = desk.token(&by(Unit), &[Action::WebhookWrite]).await;
    for (operation, meant) in OPERATIONS {
        let method: Method = operation.split_once(' ').unwrap().0.to_uppercase().parse().unwrap();
        let path = path_of(operation, role);
        let send = async |by: &By| {
            if UPLOADS.contains(operation) {
                return desk.upload(&path, by, b"nothing").await;
            }
            let given = Some(body(operation)).filter(|_| method == Method::POST);
            desk.send(method.clone(), &path, by, given).await
        };
        let nobody = send(&By::Nobody).await;
        if *meant == Everybody {
            assert_ne!(nobody.status, StatusCode::FORBIDDEN, "{operation}: {}", nobody.text);
            continue;
        }
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{operation}: {}", nobody.text);
        assert_eq!(nobody.body["code"], "unauthenticated", "{operation}");
        let refused = |said: &super::desk::Said| matches!(said.status.as_u16(), 403 | 404);
        let scoped = send(&elsewhere).await;
        match meant {
            Own => assert!(scoped.status.is_success(), "{operation}: {}", scoped.text),
            _ => assert!(refused(&scoped), "{operation}: {} {}", scoped.status, scoped.text),
        }
        if let For::Some { may, may_not } = meant {
            let refusal = send(&by(*may_not)).await;
            assert!(refused(&refusal), "{operation}: {} {}", refusal.status, refusal.text);
            assert_eq!(
                refusal.body["request_id"].as_str().map(str::len),
                Some(20),
                "{operation}"
            );
            let allowed = send(&by(*may)).await;
            assert!(
                !matches!(allowed.status.as_u16(), 401 | 403),
                "{operation}: {}",
                allowed.text
            );
            assert!(!allowed.status.is_server_error(), "{operation}: {}", allowed.text);
        }
    }
    let (entries, _) = app::audit::verify(&desk.ctx, None).await.unwrap();
    assert!(entries > 30, "what was refused is in the chain");
}
