//! Collecting again: nothing new when nothing happened, and all that did.

use crate::lab::{Admin, alone, run};
use domain::collect::ObservedState;
use reqwest::Method;
use serde_json::json;
use sources::openstack::{Microversion, OpenStackConfig};
use std::collections::BTreeSet;

#[test]
fn a_second_collect_and_other_ways_to_ask_show_the_same() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let first = admin.collect(admin.metering()).await.unwrap();
        let second = admin.collect(admin.metering()).await.unwrap();
        assert_eq!(first.look, second.look);
        assert_eq!((&first.projects, &first.flavors), (&second.projects, &second.flavors));
        let pages = admin
            .collect(OpenStackConfig {
                page_size: 5,
                ..admin.metering()
            })
            .await
            .unwrap();
        assert_eq!(first.look, pages.look);
        assert!(pages.payloads.len() > first.payloads.len() + 20);
        let names: BTreeSet<_> = pages.payloads.iter().map(|p| &p.name).collect();
        assert_eq!(names.len(), pages.payloads.len());
        // What a node says that embeds no flavor yet, and one that shows cells that are down.
        for ceiling in [
            Microversion { major: 2, minor: 30 },
            Microversion { major: 2, minor: 1 },
        ] {
            let old = OpenStackConfig {
                compute_ceiling: Some(ceiling),
                family_key: None,
                ..admin.metering()
            };
            let new = OpenStackConfig {
                family_key: None,
                ..admin.metering()
            };
            assert_eq!(
                admin.collect(old).await.unwrap().look,
                admin.collect(new).await.unwrap().look,
                "{ceiling}"
            );
        }
    });
}

#[test]
fn what_happens_behind_our_back_is_found() {
    const SCRIPT: &str = "cGFzc3dvcmQ6IGh1bnRlcjItZm9yLXRoZS1sYWI=";
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let before = admin.collect(admin.metering()).await.unwrap();
        let image = admin
            .list("image", "/v2/images?name=ubuntu-22.04-x86_64", "images")
            .await[0]["id"]
            .clone();
        let flavors = admin.list("compute", "/flavors/detail", "flavors").await;
        let flavor = flavors.iter().find(|f| f["name"] == "x86.small").unwrap()["id"].clone();
        let server = json!({"server": {
            "name": "unseen", "imageRef": image, "flavorRef": flavor, "availability_zone": "x86", "networks": "none",
            "metadata": {"yunheng:system": "sys-lab"}, "user_data": SCRIPT}});
        let (status, made) = admin.ask(Method::POST, "compute", "/servers", Some(server)).await;
        assert_eq!(status, 202, "{made}");
        let id = made["server"]["id"].as_str().unwrap();
        let path = format!("/servers/{id}");
        admin
            .until("compute", &path, |_, v| v["server"]["status"] == "ACTIVE")
            .await;

        let born = admin.collect(admin.metering()).await.unwrap();
        let new: Vec<_> = born
            .look
            .observations
            .iter()
            .filter(|o| !before.look.observations.contains(o))
            .collect();
        assert_eq!(new.len(), 1, "{new:?}");
        assert_eq!(
            (new[0].native_id.as_str(), new[0].state, new[0].name.as_str()),
            (id, ObservedState::Live, "unseen")
        );
        assert_eq!(new[0].system_tag.as_deref(), Some("sys-lab"));
        assert_eq!(new[0].spec.to_string(), "vcpu=1 memory_gib=2 storage_gib=20");
        assert!(new[0].created_at >= Some(admin.now), "{:?}", new[0].created_at);
        let kept: Vec<_> = born
            .payloads
            .iter()
            .map(|p| String::from_utf8_lossy(&p.bytes))
            .collect();
        assert!(kept.iter().any(|p| p.contains(id)));
        assert!(!kept.iter().any(|p| p.contains(SCRIPT)), "a boot script was kept");

        assert_eq!(admin.ask(Method::DELETE, "compute", &path, None).await.0, 204);
        admin.until("compute", &path, |status, _| status == 404).await;
        let after = admin.collect(admin.metering()).await.unwrap();
        let gone: Vec<_> = after
            .look
            .observations
            .iter()
            .filter(|o| !before.look.observations.contains(o))
            .collect();
        assert_eq!(gone.len(), 1, "{gone:?}");
        assert_eq!(
            (gone[0].native_id.as_str(), gone[0].state),
            (id, ObservedState::Deleted)
        );
        assert!(gone[0].deleted_at >= new[0].created_at);
        assert_eq!(after.look.observations.len(), before.look.observations.len() + 1);

        // From the moment of its birth on, it is the only deleted one; those before are bounded out.
        let since = OpenStackConfig {
            changes_since: new[0].created_at,
            ..admin.metering()
        };
        let recent = admin.collect(since).await.unwrap();
        let deleted: Vec<_> = recent
            .look
            .observations
            .iter()
            .filter(|o| o.state == ObservedState::Deleted)
            .collect();
        assert_eq!(deleted.iter().map(|o| o.native_id.as_str()).collect::<Vec<_>>(), [id]);
    });
}
