//! Nodes registered over HTTP: what is known of their platforms, and that no secret travels.

use super::desk::Desk;
use app::collect::{NodeSecrets, OpenStackConfig};
use app::statements::{Fonts, Renderer};
use axum::http::StatusCode;
use domain::authz::Role;
use serde_json::{Value, json};

use std::sync::Arc;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_node_is_registered_with_its_platform,
    an_account_is_used_for_its_own_address_only
);

const NODES: &str = "/api/v1/nodes";

fn node(since: &str, level: u8) -> Value {
    json!({
        "code": "N7", "name": "城西节点", "provider": "P1", "since": since,
        "source": { "kind": "files", "folder": "inbox/N7" },
        "mlps_level": level, "mlps_filing": "备案 5301-7", "operated_in_china": true,
        "pools": [{ "code": "N7-X", "name": "信创池", "kind": "xinchuang", "separate": true }],
    })
}

async fn a_node_is_registered_with_its_platform(store: TestStore) {
    let desk = Desk::new(store).await;
    let operations = desk
        .person("operations", "BUREAU", &[Role::AuthorityOperations])
        .await
        .1;
    let head = desk.person("head", "P1", &[Role::ProviderHead]).await.1;
    let refused = desk.post(NODES, &head, node("2026-01-01", 3)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let first = desk.post(NODES, &operations, node("2026-01-01", 3)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(first.body["new"], true);
    let again = desk.post(NODES, &operations, node("2026-01-01", 3)).await;
    assert_eq!((again.status, &again.body["new"]), (StatusCode::CREATED, &json!(false)));
    let other = desk.post(NODES, &operations, node("2026-01-01", 2)).await;
    assert_eq!(
        other.status,
        StatusCode::CONFLICT,
        "the same day, another level: {}",
        other.text
    );
    let later = desk.post(NODES, &operations, node("2026-03-01", 2)).await;
    assert_eq!(later.body["new"], true, "{}", later.text);
    let listed = desk.get(NODES, &head).await;
    let row = &listed.body["items"][0];
    assert_eq!(
        [
            &row["mlps_level"],
            &row["mlps_filing"],
            &row["operated_in_china"],
            &row["data_in_china"]
        ],
        [&json!(2), &json!("备案 5301-7"), &json!(true), &Value::Null],
        "{}",
        listed.text
    );
    assert_eq!(row["pools"][0]["separate"], true);
    let entries = test_support::chain(desk.ctx.store()).await;
    let added: Vec<_> = entries.iter().filter(|entry| entry.action == "node.add").collect();
    assert_eq!(added.len(), 2, "what changed nothing is no entry");
    assert!(
        added
            .iter()
            .all(|entry| entry.actor == "operations" && entry.object == "N7")
    );
    assert!(
        added[1].detail.contains("mlps_level"),
        "before and after: {}",
        added[1].detail
    );

    let mut unknown = node("2026-01-01", 3);
    unknown["provider"] = json!("D01");
    let unknown = desk.post(NODES, &operations, unknown).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "no provider: {}", unknown.text);
    for (field, value) in [
        ("source", json!({ "kind": "files", "folder": "../elsewhere" })),
        ("source", json!({ "kind": "files", "folder": "/etc" })),
        ("source", json!({ "kind": "files" })),
        (
            "source",
            json!({ "kind": "openstack", "auth_url": "https://a/v3", "account": "metering" }),
        ),
        (
            "source",
            json!({ "kind": "openstack", "auth_url": "https://a/v3", "account": "x", "secret": "y" }),
        ),
        ("mlps_level", json!(9)),
        ("name", json!(" ")),
    ] {
        let mut bad = node("2026-04-01", 3);
        bad[field] = value;
        let bad = desk.post(NODES, &operations, bad).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {}", bad.text);
    }
}

/// A configuration with two accounts for one address; one of them may act.
struct Configured;

impl NodeSecrets for Configured {
    fn openstack(&self, _auth_url: &str, _account: &str) -> Result<OpenStackConfig, String> {
        Err("nobody looks here".to_owned())
    }

    fn address(&self, account: &str) -> Result<String, String> {
        match account {
            "metering" | "operator" => Ok("https://cloud.example/v3".to_owned()),
            _ => Err(format!("账号「{account}」没有配置")),
        }
    }
}

async fn an_account_is_used_for_its_own_address_only(store: TestStore) {
    let mut desk = Desk::new(store).await;
    let renderer = Arc::new(Renderer::new(Fonts::shipped()).unwrap());
    desk.router = api::router_with(desk.ctx.clone(), renderer, api::Edge::default(), Arc::new(Configured));
    let operations = desk
        .person("operations", "BUREAU", &[Role::AuthorityOperations])
        .await
        .1;
    let cloud = |address: &str, account: &str, operator: Option<&str>| {
        let mut cloud = node("2026-01-01", 3);
        cloud["source"] = json!({ "kind": "openstack", "auth_url": address, "account": account, "operator": operator });
        cloud
    };
    for (address, account, operator) in [
        ("https://elsewhere.example/v3", "metering", None),
        ("https://cloud.example/v3", "nobody", None),
        ("https://cloud.example/v3", "metering", Some("operator")),
    ] {
        let bad = desk.post(NODES, &operations, cloud(address, account, operator)).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.text);
    }
    let good = desk
        .post(NODES, &operations, cloud("https://cloud.example/v3", "metering", None))
        .await;
    assert_eq!(good.status, StatusCode::CREATED, "{}", good.text);
}
