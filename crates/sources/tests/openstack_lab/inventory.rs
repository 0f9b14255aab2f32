//! What is collected is what the services list.

use crate::lab::{Admin, alone, run};
use domain::collect::{Look, Observation, ObservedState};
use domain::registry::{Measure, ResourceKind};
use kernel::{Instant, Quantity};
use serde_json::{Value, json};
use sources::openstack::{Collected, OpenStackConfig};
use std::collections::{BTreeMap, BTreeSet};

fn of_kind(look: &Look, kind: ResourceKind) -> Vec<&Observation> {
    look.observations.iter().filter(|o| o.kind == kind).collect()
}

/// `(id, word for the state)` of what a service lists.
fn listed(values: &[Value]) -> BTreeSet<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    values.iter().map(|v| (text(&v["id"]), text(&v["status"]))).collect()
}

fn seen(look: &Look, kind: ResourceKind) -> BTreeSet<(String, String)> {
    of_kind(look, kind)
        .iter()
        .map(|o| (o.native_id.clone(), o.native_state.clone()))
        .collect()
}

fn whole(n: &Value) -> Option<Quantity> {
    Quantity::from_whole(n.as_i64().unwrap())
}

#[test]
fn the_inventory_is_what_the_services_list() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let got = admin.collect(admin.metering()).await.unwrap();
        let look = &got.look;

        let live = admin
            .list("compute", "/servers/detail?all_tenants=1&limit=1000", "servers")
            .await;
        let gone = admin
            .list(
                "compute",
                "/servers/detail?all_tenants=1&deleted=True&limit=1000",
                "servers",
            )
            .await;
        let all: Vec<_> = live.iter().chain(&gone).cloned().collect();
        assert_eq!(seen(look, ResourceKind::Server), listed(&all));
        let words: BTreeSet<_> = all.iter().map(|s| s["status"].as_str().unwrap()).collect();
        for word in [
            "ACTIVE",
            "SHUTOFF",
            "PAUSED",
            "SUSPENDED",
            "VERIFY_RESIZE",
            "ERROR",
            "DELETED",
        ] {
            assert!(words.contains(word), "the lab has no server that is {word}");
        }
        assert!(
            words.iter().any(|w| w.starts_with("SHELVED")),
            "the lab has no shelved server"
        );
        let states = |state| {
            of_kind(look, ResourceKind::Server)
                .iter()
                .filter(|o| o.state == state)
                .count()
        };
        let with = |words: &[&str]| {
            live.iter()
                .filter(|s| words.contains(&s["status"].as_str().unwrap()))
                .count()
        };
        assert_eq!(states(ObservedState::Deleted), gone.len());
        assert_eq!(states(ObservedState::Live), with(&["ACTIVE", "VERIFY_RESIZE"]));
        assert_eq!(
            states(ObservedState::Stopped),
            with(&["SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED"])
        );
        assert_eq!(states(ObservedState::Shelved), with(&["SHELVED_OFFLOADED"]));
        assert_eq!(states(ObservedState::Failed), with(&["ERROR"]));

        let volumes = admin.list("volumev3", "/volumes/detail?all_tenants=1", "volumes").await;
        assert_eq!(seen(look, ResourceKind::Volume), listed(&volumes));
        let snapshots = admin
            .list("volumev3", "/snapshots/detail?all_tenants=1", "snapshots")
            .await;
        assert_eq!(seen(look, ResourceKind::Snapshot), listed(&snapshots));
        let addresses = admin.list("network", "/v2.0/floatingips", "floatingips").await;
        assert_eq!(seen(look, ResourceKind::FloatingIp), listed(&addresses));
        let images = admin.list("image", "/v2/images", "images").await;
        assert_eq!(seen(look, ResourceKind::Image), listed(&images));
        for (kind, least) in [
            (ResourceKind::Server, 64),
            (ResourceKind::Volume, 36),
            (ResourceKind::Snapshot, 6),
            (ResourceKind::FloatingIp, 12),
            (ResourceKind::Image, 4),
        ] {
            assert!(
                of_kind(look, kind).len() >= least,
                "{kind}: {}",
                of_kind(look, kind).len()
            );
        }

        let projects = admin.list("identity", "/projects", "projects").await;
        assert_eq!(got.projects.len(), projects.len());
        let hypervisors = admin.list("compute", "/os-hypervisors/detail", "hypervisors").await;
        assert_eq!(got.capacity.len(), hypervisors.len());
        for (ours, theirs) in got
            .capacity
            .iter()
            .flat_map(|c| hypervisors.iter().map(move |h| (c, h)))
        {
            if theirs["hypervisor_hostname"] == ours.host.as_str() {
                assert_eq!(ours.total.get(Measure::Vcpu), whole(&theirs["vcpus"]));
                assert!(
                    ours.up && ["x86", "xinchuang"].contains(&ours.zone.as_str()),
                    "{ours:?}"
                );
            }
        }
        let flavors = admin.list("compute", "/flavors/detail?is_public=None", "flavors").await;
        assert_eq!(got.flavors.len(), flavors.len());
        let erp = admin.id_of("project", "erp-prod").await;
        let limit = |service: &str, name: &str| {
            got.quotas
                .iter()
                .find(|q| q.project == erp && q.service == service && q.name == name)
                .unwrap()
                .limit
        };
        assert_eq!(
            (limit("compute", "cores"), limit("block-storage", "volumes")),
            (Some(96), Some(20))
        );
        assert_eq!(
            (
                limit("network", "floatingip"),
                limit("block-storage", "per_volume_gigabytes")
            ),
            (Some(5), None)
        );
        assert_eq!(got.absent, []);
    });
}

#[test]
fn sizes_times_and_places_are_those_of_the_services() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let got = admin.collect(admin.metering()).await.unwrap();
        let find = |v: &Value| {
            got.look
                .observations
                .iter()
                .find(|o| o.native_id == v["id"].as_str().unwrap())
                .unwrap()
        };
        let at = |v: &Value| {
            v.as_str()
                .map(|t| format!("{}Z", t.trim_end_matches('Z')).parse::<Instant>().unwrap())
        };

        let mut from_volume = 0;
        for path in [
            "/servers/detail?all_tenants=1&limit=1000",
            "/servers/detail?all_tenants=1&deleted=True&limit=1000",
        ] {
            for theirs in admin.list("compute", path, "servers").await {
                let (ours, flavor) = (find(&theirs), &theirs["flavor"]);
                assert_eq!(ours.spec.get(Measure::Vcpu), whole(&flavor["vcpus"]));
                let gib = ours.spec.get(Measure::MemoryGib).unwrap();
                assert_eq!(gib.micros() * 1024, flavor["ram"].as_i64().unwrap() * 1_000_000);
                let local = theirs["image"].is_object();
                from_volume += usize::from(!local);
                assert_eq!(
                    ours.spec.get(Measure::StorageGib),
                    whole(&flavor["disk"]).filter(|_| local)
                );
                assert_eq!(
                    (Some(ours.project.as_str()), ours.created_at),
                    (theirs["tenant_id"].as_str(), at(&theirs["created"]))
                );
                assert_eq!(Some(ours.zone.as_str()), theirs["OS-EXT-AZ:availability_zone"].as_str());
                if ours.state == ObservedState::Deleted {
                    assert_eq!(ours.deleted_at, at(&theirs["OS-SRV-USG:terminated_at"]));
                    // The service counts in seconds: what was undone at once has one and the same.
                    assert!(ours.created_at <= ours.deleted_at);
                } else {
                    assert_eq!(ours.deleted_at, None);
                }
                assert!(["x86", "xc", ""].contains(&ours.class.as_str()), "{}", ours.class);
            }
        }
        assert!(from_volume >= 3, "the lab has servers on volumes");
        let mut attached = 0;
        for theirs in admin.list("volumev3", "/volumes/detail?all_tenants=1", "volumes").await {
            let ours = find(&theirs);
            assert_eq!(ours.spec.get(Measure::StorageGib), whole(&theirs["size"]));
            assert_eq!(Some(ours.class.as_str()), theirs["volume_type"].as_str());
            assert_eq!(ours.parent.as_deref(), theirs["attachments"][0]["server_id"].as_str());
            attached += usize::from(ours.parent.is_some());
        }
        assert!(attached >= 20, "{attached}");
        for theirs in admin
            .list("volumev3", "/snapshots/detail?all_tenants=1", "snapshots")
            .await
        {
            assert_eq!(find(&theirs).parent.as_deref(), theirs["volume_id"].as_str());
        }
        let bound = of_kind(&got.look, ResourceKind::FloatingIp)
            .iter()
            .filter(|o| o.parent.is_some())
            .count();
        let addresses = admin.list("network", "/v2.0/floatingips", "floatingips").await;
        assert_eq!(bound, addresses.iter().filter(|a| !a["port_id"].is_null()).count());
        assert!(bound > 0);
    });
}

#[test]
fn object_storage_is_what_each_project_sees_itself() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let got = admin.collect(admin.metering()).await.unwrap();
        let mut theirs = BTreeMap::new();
        for project in &got.projects {
            // Administrators of a project see its containers without the role that sees them all.
            let Some(member) =
                Admin::logged_in(&admin.auth_url, "admin", &admin.password, json!({"id": project.id})).await
            else {
                continue;
            };
            for container in member.get("object-store", "?format=json").await.as_array().unwrap() {
                let id = format!("AUTH_{}/{}", project.id, container["name"].as_str().unwrap());
                theirs.insert(id, container["bytes"].as_i64().unwrap());
            }
        }
        let ours = of_kind(&got.look, ResourceKind::ObjectStorage);
        assert!(ours.len() >= 6);
        assert_eq!(
            ours.iter().map(|o| &o.native_id).collect::<Vec<_>>(),
            theirs.keys().collect::<Vec<_>>()
        );
        for container in ours {
            let micros = container.spec.get(Measure::StorageGib).unwrap().micros();
            let exact = i128::from(theirs[&container.native_id]) * 1_000_000;
            // Rounded half up: less than half a millionth of a GiB away.
            assert!(
                (i128::from(micros) * (1 << 30) - exact).abs() <= 1 << 29,
                "{container:?}"
            );
            let samples: Vec<_> = got
                .look
                .samples
                .iter()
                .filter(|s| s.native_id == container.native_id)
                .collect();
            assert_eq!(
                (samples.len(), samples[0].value.micros(), samples[0].at),
                (1, micros, admin.now)
            );
        }
    });
}

#[test]
fn measures_become_samples_digit_by_digit() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let got = admin.collect(admin.metering()).await.unwrap();
        let volumes = admin.get("metric", "/v1/resource/volume").await;
        let mut compared = 0;
        for volume in volumes.as_array().unwrap() {
            let (id, metric) = (
                volume["id"].as_str().unwrap(),
                volume["metrics"]["volume.size"].as_str().unwrap(),
            );
            let points = admin
                .get(
                    "metric",
                    &format!("/v1/metric/{metric}/measures?aggregation=mean&granularity=3600"),
                )
                .await;
            let theirs: BTreeMap<Instant, String> = points
                .as_array()
                .unwrap()
                .iter()
                .map(|p| (p[0].as_str().unwrap().parse::<Instant>().unwrap(), p[2].to_string()))
                .filter(|(at, _)| at.plus_s(3600) <= admin.now)
                .collect();
            let ours: BTreeMap<_, _> = got
                .look
                .samples
                .iter()
                .filter(|s| s.native_id == id && s.measure == Measure::StorageGib)
                .map(|s| (s.at, format!("{}.0", s.value)))
                .collect();
            compared += ours.len();
            assert_eq!(ours, theirs, "{id}");
        }
        assert!(compared > 1000, "{compared}");
        let since = admin.now.plus_s(-7200);
        let later = admin
            .collect(OpenStackConfig {
                changes_since: Some(since),
                ..admin.metering()
            })
            .await
            .unwrap();
        let measured = |c: &Collected| -> Vec<_> {
            let new = |s: &&domain::collect::Sample| s.at.plus_s(3600) > since && !s.native_id.starts_with("AUTH_");
            c.look.samples.iter().filter(new).cloned().collect()
        };
        assert_eq!(measured(&later), measured(&got));
        assert!(later.look.samples.iter().all(|s| s.at.plus_s(3600) > since));
        assert!(later.look.samples.len() < got.look.samples.len() / 10);
    });
}
