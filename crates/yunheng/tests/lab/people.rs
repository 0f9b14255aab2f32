//! The people of the demo city, who open on the lab what they applied for.

use crate::charged::{MONTH, by_hand, charges};
use crate::desk::demo;
use crate::lab::{Admin, alone, lab_dir, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Makes what the demo needs on the lab; the ids of its projects.
fn prepared(folder: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/demo_cloud.sh");
    let line = ". \"$0\"; exec sh \"$1\" \"$2\"";
    let openrc = lab_dir().join("openrc");
    let said = Command::new("sh")
        .args(["-c", line])
        .arg(openrc)
        .args([script, folder])
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_they_open_runs_on_the_lab_and_is_charged_as_on_the_built_in_node() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let projects = prepared(&path);
    let config = format!("{path}/yunheng.toml");
    run(async {
        let admin = Admin::new().await;
        let city = folder.path().join("city");
        let cloud = [
            "--openstack",
            &admin.auth_url,
            "--projects",
            &projects,
            "--config",
            &config,
        ];
        demo(&city, None, &[&["--until", MONTH], &cloud[..]].concat());
        let mut there = BTreeMap::new();
        for server in admin.list("compute", "/servers/detail?all_tenants=1", "servers").await {
            let text = |pointer: &str| {
                server
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            if projects.contains(&text("/tenant_id")) {
                let about = [
                    text("/status"),
                    text("/OS-EXT-AZ:availability_zone"),
                    text("/flavor/original_name"),
                ];
                there.insert(text("/name"), about);
            }
        }
        let expected = [
            ("SQ-202606-0001-1-1", ["ACTIVE", "xinchuang", "demo.xc.4x16"]),
            ("SQ-202606-0002-1-1", ["ACTIVE", "x86", "demo.x86.4x8"]),
            ("SQ-202606-0003-1-1", ["ACTIVE", "xinchuang", "demo.xc.4x8"]),
        ];
        let expected = expected.map(|(name, about)| (name.to_owned(), about.map(str::to_owned)));
        assert_eq!(there, expected.into(), "the fourth was reclaimed");
        assert_eq!(charges(&city, &[]), by_hand());
    });
    prepared(&path);
}
