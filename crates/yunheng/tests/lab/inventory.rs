//! What is stored after a collect is what the services list, and a second collect finds nothing else.

use crate::desk::contents;
use crate::lab::{Admin, alone, run};
use crate::office::{Office, Seen};
use domain::registry::{ProjectMapping, ResourceKind};
use kernel::Instant;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a word of a service should be told as.
fn told(kind: ResourceKind, word: &str) -> &'static str {
    match word {
        "ACTIVE" | "VERIFY_RESIZE" | "available" | "in-use" | "reserved" | "active" => "运行",
        "SHUTOFF" | "PAUSED" | "SUSPENDED" | "SHELVED" | "DOWN" => "停止",
        "SHELVED_OFFLOADED" => "归档",
        "ERROR" | "error" | "queued" => "故障",
        _ => panic!("the lab has a {kind} that is {word}; say here what that should be"),
    }
}

const SERVERS: &str = "/servers/detail?all_tenants=1&limit=1000";

/// The lists of the services, by resource.
async fn listed(admin: &Admin) -> BTreeSet<Seen> {
    let lists = [
        (ResourceKind::Server, "compute", SERVERS, "servers"),
        (
            ResourceKind::Volume,
            "volumev3",
            "/volumes/detail?all_tenants=1",
            "volumes",
        ),
        (
            ResourceKind::Snapshot,
            "volumev3",
            "/snapshots/detail?all_tenants=1",
            "snapshots",
        ),
        (ResourceKind::FloatingIp, "network", "/v2.0/floatingips", "floatingips"),
        (ResourceKind::Image, "image", "/v2/images", "images"),
    ];
    let mut all = BTreeSet::new();
    let mut add =
        |id: String, kind: ResourceKind, state: &str| all.insert((id, kind.zh().to_owned(), state.to_owned()));
    for (kind, service, path, key) in lists {
        for one in admin.list(service, path, key).await {
            let state = told(kind, one["status"].as_str().unwrap());
            add(one["id"].as_str().unwrap().to_owned(), kind, state);
        }
    }
    for project in admin.list("identity", "/projects", "projects").await {
        let id = project["id"].as_str().unwrap();
        // Administrators of a project see its containers without the role that sees them all.
        let scope = json!({"id": id});
        let Some(member) = Admin::logged_in(&admin.auth_url, "admin", &admin.password, scope).await else {
            continue;
        };
        for container in member.get("object-store", "?format=json").await.as_array().unwrap() {
            let name = container["name"].as_str().unwrap();
            add(format!("AUTH_{id}/{name}"), ResourceKind::ObjectStorage, "运行");
        }
    }
    all
}

fn counts(all: &BTreeSet<Seen>) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for (_, kind, state) in all {
        *counts.entry((kind.as_str(), state.as_str())).or_insert(0) += 1;
    }
    counts
}

fn moment(text: &Value) -> Option<Instant> {
    let text = text.as_str()?;
    Some(format!("{}Z", text.trim_end_matches('Z')).parse().unwrap())
}

/// Deleted servers were there from their making to their deletion, and no longer.
async fn deleted_ones_have_their_time(admin: &Admin, office: &Office) {
    let path = "/servers/detail?all_tenants=1&deleted=True&limit=1000";
    let mut compared = 0;
    for gone in admin.list("compute", path, "servers").await {
        let id = gone["id"].as_str().unwrap();
        let ended = moment(&gone["OS-SRV-USG:terminated_at"]).or_else(|| moment(&gone["updated"]));
        let (from, to) = (moment(&gone["created"]).unwrap(), ended.unwrap());
        assert_eq!(office.row(id, from.plus_s(-1)), None, "{id} before it was made");
        assert_eq!(office.row(id, to), None, "{id} after it was deleted");
        if from < to {
            let there = office.row(id, from).unwrap();
            assert_eq!(office.row(id, to.plus_s(-1)).as_ref(), Some(&there));
            assert_eq!(
                there["seen"].as_str().unwrap().split(' ').next(),
                vcpus(&gone).as_deref()
            );
            compared += 1;
        }
    }
    assert!(compared >= 7, "the lab has deleted servers: {compared}");
}

fn vcpus(server: &Value) -> Option<String> {
    Some(format!("vcpu={}", server["flavor"]["vcpus"].as_i64()?))
}

/// Also those that were resized have the size that they have now.
async fn servers_have_their_size(admin: &Admin, office: &Office) {
    let rows = office.desk.json(&["inventory"]);
    let sizes: BTreeMap<&str, &str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["native_id"].as_str().unwrap(), row["seen"].as_str().unwrap()))
        .collect();
    for server in admin.list("compute", SERVERS, "servers").await {
        let size = sizes[server["id"].as_str().unwrap()];
        assert_eq!(size.split(' ').next(), vcpus(&server).as_deref(), "{server:#}");
    }
}

/// One more look and what was measured at its moment; nothing else.
fn again_changes_nothing(office: &Office, at: Instant) {
    let before = office.state(at);
    let lake = contents(&office.desk.data().join("lake"));
    office.collect_nothing_new();
    let after = office.state(at);
    assert_eq!((&after.rows, &after.cases), (&before.rows, &before.cases));
    assert_eq!(after.entries, before.entries + 1, "one entry, of the look");
    let now = contents(&office.desk.data().join("lake"));
    for (path, bytes) in &lake {
        assert!(now.get(path) == Some(bytes), "{} was changed", path.display());
    }
    let new: Vec<_> = now.keys().filter(|path| !lake.contains_key(*path)).collect();
    assert!(
        matches!(new.as_slice(), [one] if one.to_string_lossy().contains("samples")),
        "container sizes of that moment only: {new:?}"
    );
}

/// After metering, every resource is either approved or a case, and so is every project.
async fn what_fits_nothing_is_a_case(admin: &Admin, office: &Office) {
    let erp = admin.id_of("project", "erp-prod").await;
    office.map(&erp);
    let month = admin.now.day().month().to_string();
    assert_eq!(office.desk.json(&["month", "meter", &month])["state"], "done");

    let node = "N1".parse().unwrap();
    let mut projects = BTreeSet::new();
    let mut living = BTreeSet::new();
    for server in admin.list("compute", SERVERS, "servers").await {
        // What a demo left behind says itself whose it is.
        if server["metadata"]["yunheng:system"].is_null() {
            projects.insert(server["tenant_id"].as_str().unwrap().to_owned());
        }
        let state = told(ResourceKind::Server, server["status"].as_str().unwrap());
        if ["运行", "停止"].contains(&state) {
            living.insert(format!("N1/{}", server["id"].as_str().unwrap()));
        }
    }
    let unmapped = office.cases("unmapped_project");
    for project in &projects {
        let case = unmapped.get(&ProjectMapping::key(&node, project)).map(String::as_str);
        // The table names the system of this one; nobody does of the others.
        let expected = (*project != erp).then_some("P1");
        assert_eq!(case, expected, "{project}");
    }
    assert!(projects.len() > 10 && projects.contains(&erp), "{projects:?}");
    let unapproved = office.cases("not_approved");
    for subject in &living {
        assert_eq!(unapproved.get(subject).map(String::as_str), Some("P1"), "{subject}");
    }
    assert_eq!(office.desk.json(&["month", "meter", &month])["state"], "unchanged");
}

async fn the_inventory_is_what_the_services_list(database: Option<&str>) {
    let admin = Admin::new().await;
    let office = Office::new(&admin, &admin.auth_url, database);
    let said = office.desk.run(&["node", "test", "N1"]).ok();
    assert!(said.contains("可以看到全部项目"), "{said}");

    let first = office.collect();
    assert!(first["samples"].as_i64().unwrap() > 1000, "{first:#}");
    let (ours, theirs) = (office.seen(), listed(&admin).await);
    assert_eq!(counts(&ours), counts(&theirs));
    assert_eq!(ours, theirs);
    for state in ["运行", "停止", "归档", "故障"] {
        let there = counts(&ours).contains_key(&(ResourceKind::Server.zh(), state));
        assert!(there, "the lab has no server that is {state}");
    }
    servers_have_their_size(&admin, &office).await;
    deleted_ones_have_their_time(&admin, &office).await;
    again_changes_nothing(&office, admin.now);
    what_fits_nothing_is_a_case(&admin, &office).await;
    office.desk.is_clean();
}

#[test]
fn the_inventory_is_what_the_services_list_on_sqlite() {
    let _turn = alone();
    run(the_inventory_is_what_the_services_list(None));
}

#[test]
fn the_inventory_is_what_the_services_list_on_postgres() {
    let _turn = alone();
    run(async {
        let store = test_support::postgres_empty().await;
        the_inventory_is_what_the_services_list(Some(store.url())).await;
    });
}

#[test]
fn an_application_credential_sees_the_same_until_it_is_revoked() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let scope = json!({"name": "admin", "domain": {"id": "default"}});
        let owner = Admin::logged_in(&admin.auth_url, "metering", &admin.password, scope)
            .await
            .unwrap();
        let (name, secret) = (format!("yunheng-desk-{}", std::process::id()), "only-for-the-lab");
        let path = format!("/users/{}/application_credentials", owner.user);
        let body = json!({"application_credential": {"name": name, "secret": secret}});
        let (status, made) = owner.ask(Method::POST, "identity", &path, Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let id = made["application_credential"]["id"].as_str().unwrap();
        let login = format!("application_id = \"{id}\"");
        let office = Office::with_account(&admin.auth_url, None, &login, secret);
        office.collect();
        assert_eq!(office.seen(), listed(&admin).await);

        let gone = owner
            .ask(Method::DELETE, "identity", &format!("{path}/{id}"), None)
            .await;
        assert_eq!(gone.0, 204);
        let before = office.state(admin.now);
        let said = office.desk.run(&["collect"]).failed(6);
        assert!(said.contains("登录被拒绝") && !said.contains(secret), "{said}");
        assert_eq!(office.state(admin.now), before);
        office.desk.is_clean();
    });
}
