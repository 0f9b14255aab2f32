//! Services that do not answer, and lists that cannot be right.

use crate::lab::{Admin, alone, run};
use crate::mirror::{Mirror, Show};
use crate::office::{Office, Stopped};
use std::collections::BTreeSet;

#[test]
fn a_lab_that_is_stopped_leaves_an_error_and_no_half_state() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let office = Office::new(&admin, &admin.auth_url, None);
        office.collect();
        let before = office.state(admin.now);
        {
            // All the other resources are read by then, containers cannot be.
            let _down = Stopped::new("swift-proxy");
            let said = office.desk.run(&["collect"]).failed(7);
            for part in ["对象存储服务(Swift)", "无法连接", "请检查"] {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert_eq!(office.state(admin.now), before);
            office.desk.is_clean();
            // And nobody can log in.
            let _down = Stopped::new("keystone");
            let said = office.desk.run(&["collect"]).failed(7);
            assert!(
                said.contains("认证服务(Keystone)") && said.contains("无法连接"),
                "{said}"
            );
            office.desk.run(&["node", "test", "N1"]).failed(7);
            assert_eq!(office.state(admin.now), before);
            office.desk.is_clean();
        }
        office.collect_nothing_new();
    });
}

#[test]
fn a_list_without_anything_is_taken_in_only_if_somebody_confirms_it() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let mirror = Mirror::new(&admin.auth_url, admin.urls.values());
        let office = Office::new(&admin, &mirror.auth_url, None);
        office.collect();
        let (seen, before) = (office.seen(), office.state(admin.now));
        assert!(seen.len() > 100, "{}", seen.len());

        mirror.show(Show::Nothing);
        let said = office.desk.run(&["collect"]).failed(6);
        assert!(said.contains("空清单") && said.contains("--confirm-empty"), "{said}");
        assert_eq!(office.state(admin.now), before);
        office.desk.is_clean();

        let confirmed = office.desk.json(&["collect", "--confirm-empty"]);
        assert_eq!(confirmed["looks"], 1, "{confirmed:#}");
        assert_eq!(confirmed["changes"], seen.len(), "{confirmed:#}");
        assert_eq!(office.seen(), BTreeSet::new());
        // Nothing after nothing needs nobody.
        office.collect_nothing_new();

        mirror.show(Show::All);
        office.collect();
        assert_eq!(office.seen(), seen);
        office.desk.is_clean();
    });
}

#[test]
fn an_id_that_is_listed_twice_with_different_content_is_a_case() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let mirror = Mirror::new(&admin.auth_url, admin.urls.values());
        let office = Office::new(&admin, &mirror.auth_url, None);
        office.collect();
        let seen = office.seen();
        assert_eq!(office.cases("repeated_id"), [].into());

        mirror.show(Show::FirstTwice);
        let outcome = office.collect();
        assert_eq!(outcome["changes"], 0, "the first counts: {outcome:#}");
        assert!(
            outcome["notes"][0].as_str().unwrap().contains("出现多次"),
            "{outcome:#}"
        );
        assert_eq!(office.seen(), seen);
        let cases = office.cases("repeated_id");
        assert_eq!(cases.values().collect::<Vec<_>>(), ["P1"], "{cases:?}");
        let id = cases.keys().next().unwrap().strip_prefix("N1/").unwrap();
        assert!(seen.iter().any(|(native_id, ..)| native_id == id), "{id}");
        // It stays one case.
        office.collect_nothing_new();
        assert_eq!(office.cases("repeated_id").len(), 1);
    });
}
