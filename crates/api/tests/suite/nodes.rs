//! Nodes registered over HTTP: what is known of their platforms, and that no secret travels.

use super::desk::Desk;
use app::collect::{NodeSecrets, OpenStackConfig};
use app::nodes::NewNode;
use app::statements::{Fonts, Renderer};
use axum::http::StatusCode;
use domain::authz::{Action, Role};
use domain::registry::{NodeSource, Platform};
use serde_json::{Value, json};

use std::sync::Arc;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    a_node_is_registered_with_its_platform,
    what_is_not_stated_of_a_node_stays,
    a_node_is_tried_before_anything_is_collected,
    platforms_come_by_file,
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
    assert_eq!((&first.body["new"], &first.body["notes"]), (&json!(true), &json!([])));
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

async fn what_is_not_stated_of_a_node_stays(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, operations) = desk.person("operations", "BUREAU", &[Role::AuthorityOperations]).await;
    let (_, head) = desk.person("head", "P1", &[Role::ProviderHead]).await;
    let mut first = node("2026-01-01", 3);
    first["pools"][0]["zones"] = json!(["az-1", "az-2"]);
    let first = desk.post(NODES, &operations, first).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let source = json!({
        "kind": "files", "folder": "inbox/N7", "auth_url": null, "region": null, "account": null, "operator": null,
    });
    let holds = async |level: u8, zones: Value| {
        let theirs = desk.get(NODES, &head).await;
        assert_eq!(theirs.body["items"][0]["source"], Value::Null, "{}", theirs.text);
        let listed = desk.get(NODES, &operations).await;
        let row = &listed.body["items"][0];
        let said = (&row["mlps_level"], &row["source"], &row["pools"][0]["zones"]);
        assert_eq!(said, (&json!(level), &source, &zones), "{}", listed.text);
    };
    holds(3, json!(["az-1", "az-2"])).await;
    // From a later day on another level; neither the source nor the zones are said again.
    let mut later = node("2026-03-01", 2);
    later.as_object_mut().unwrap().remove("source");
    let later = desk.post(NODES, &operations, later).await;
    assert_eq!(
        (later.status, &later.body["new"]),
        (StatusCode::CREATED, &json!(true)),
        "{}",
        later.text
    );
    holds(2, json!(["az-1", "az-2"])).await;
    // Said to be none, they are none.
    let mut none = node("2026-03-05", 2);
    none["pools"][0]["zones"] = json!([]);
    let none = desk.post(NODES, &operations, none).await;
    assert_eq!(none.body["new"], true, "{}", none.text);
    holds(2, json!([])).await;
    // Before the first day nothing holds that could stay.
    let mut new = node("2025-12-01", 3);
    new.as_object_mut().unwrap().remove("source");
    let new = desk.post(NODES, &operations, new).await;
    assert_eq!(new.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", new.text);
    assert_eq!(new.body["faults"][0]["field"], "source", "{}", new.text);
    // So does a folder that only somebody at the machine may name.
    let outside = NewNode {
        code: "N9".parse().unwrap(),
        name: "外".into(),
        provider: "P1".parse().unwrap(),
        source: NodeSource::Files {
            folder: "/srv/n9".into(),
        },
        platform: Platform::default(),
        pools: Vec::new(),
        valid_from: "2026-01-01 00:00:00".parse().unwrap(),
    };
    assert!(app::nodes::add(&desk.ctx, outside).await.unwrap().new);
    let mut again = node("2026-03-01", 2);
    again.as_object_mut().unwrap().remove("source");
    (again["code"], again["pools"]) = (json!("N9"), json!([]));
    let again = desk.post(NODES, &operations, again).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.text);
}

async fn a_node_is_tried_before_anything_is_collected(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, operations) = desk.person("operations", "BUREAU", &[Role::AuthorityOperations]).await;
    let (_, head) = desk.person("head", "P1", &[Role::ProviderHead]).await;
    let added = desk.post(NODES, &operations, node("2026-01-01", 3)).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    let path = "/api/v1/nodes/N7/test";
    let refused = desk.post(path, &head, Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let unknown = desk.post("/api/v1/nodes/N8/test", &operations, Value::Null).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.text);
    let missing = desk.post(path, &operations, Value::Null).await;
    assert_eq!(
        (missing.status, &missing.body["reached"]),
        (StatusCode::OK, &json!(false)),
        "{}",
        missing.text
    );
    assert!(
        missing.body["lines"][0].as_str().unwrap().contains("「inbox/N7」"),
        "{}",
        missing.text
    );
    let folder = desk.ctx.data().join("inbox").join("N7");
    std::fs::create_dir_all(&folder).unwrap();
    let found = desk.post(path, &operations, Value::Null).await;
    let lines = json!(["文件夹 inbox/N7 可读", "数据文件 0 份，编号 无"]);
    assert_eq!(
        (&found.body["reached"], &found.body["lines"]),
        (&json!(true), &lines),
        "{}",
        found.text
    );
    let disk = desk.ctx.data().display().to_string();
    assert!(
        [missing, found].iter().all(|said| !said.text.contains(&disk)),
        "no path of the disk"
    );
}

async fn platforms_come_by_file(store: TestStore) {
    let desk = Desk::new(store).await;
    let (_, operations) = desk.person("operations", "BUREAU", &[Role::AuthorityOperations]).await;
    let (_, head) = desk.person("head", "P1", &[Role::ProviderHead]).await;
    let mut bare = node("2026-01-01", 3);
    for field in ["mlps_level", "mlps_filing", "operated_in_china"] {
        bare[field] = Value::Null;
    }
    bare["pools"][0]["separate"] = Value::Null;
    let added = desk.post(NODES, &operations, bare).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    let form = desk
        .get("/api/v1/forms/imports/platforms?format=csv", &operations)
        .await;
    let heading = form
        .text
        .trim_start_matches('\u{feff}')
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        heading,
        "云节点,资源池,等保级别,备案证明编号,境内运维,数据在境内,独立资源池,生效日期"
    );
    let path = "/api/v1/imports/platforms?name=p.csv";
    let bad = format!("{heading}\nN7,,9,,,,,2026-02-01\nN8,,3,,,,,2026-02-01\n");
    let bad = desk.upload(path, &operations, bad.as_bytes()).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.text);
    let rows = bad.body["faults"].as_array().unwrap().iter();
    let rows: Vec<_> = rows.map(|fault| (&fault["row"], &fault["field"])).collect();
    assert_eq!(
        rows,
        [(&json!(2), &json!("等保级别")), (&json!(3), &json!("云节点"))],
        "{}",
        bad.text
    );
    let good = format!("{heading}\nN7,,3,备案 7,是,是,,2026-02-01\nN7,N7-X,,,,,是,2026-02-01\n");
    let refused = desk.upload(path, &head, good.as_bytes()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    // Whose token is for the registers only says nothing of nodes.
    let registers = desk.token(&operations, &[Action::RegistryImport]).await;
    let refused = desk.upload(path, &registers, good.as_bytes()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let done = desk.upload(path, &operations, good.as_bytes()).await;
    assert_eq!(
        (done.status, &done.body["changed"]),
        (StatusCode::CREATED, &json!(2)),
        "{}",
        done.text
    );
    let again = desk.upload(path, &operations, good.as_bytes()).await;
    assert_eq!(again.body["already_imported"], true, "{}", again.text);
    let listed = desk.get(NODES, &operations).await;
    let row = &listed.body["items"][0];
    assert_eq!(
        [
            &row["mlps_level"],
            &row["mlps_filing"],
            &row["operated_in_china"],
            &row["data_in_china"],
            &row["pools"][0]["separate"]
        ],
        [&json!(3), &json!("备案 7"), &json!(true), &json!(true), &json!(true)],
        "{}",
        listed.text
    );
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
