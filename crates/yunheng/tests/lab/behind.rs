//! What happens to servers between two collects, without anybody telling.

use crate::lab::{Admin, alone, run};
use crate::office::Office;
use crate::tenant::{Tenant, id};
use domain::registry::ProjectMapping;
use kernel::Instant;
use serde_json::{Value, json};

/// From when to when a deleted server was there, as Nova says.
async fn life(admin: &Admin, server: &Value) -> (Instant, Instant) {
    let path = "/servers/detail?all_tenants=1&deleted=True&limit=1000";
    let gone = admin.list("compute", path, "servers").await;
    let gone = gone.iter().find(|s| s["id"] == server["id"]).unwrap();
    let ended = gone["OS-SRV-USG:terminated_at"].as_str().unwrap();
    (
        gone["created"].as_str().unwrap().parse().unwrap(),
        format!("{}Z", ended.trim_end_matches('Z')).parse().unwrap(),
    )
}

#[test]
fn servers_made_and_deleted_behind_our_back_are_found() {
    let _turn = alone();
    run(async {
        let admin = Admin::new().await;
        let (plain, tagged) = (Tenant::new(&admin, "plain").await, Tenant::new(&admin, "tagged").await);
        let tag = json!({"yunheng:system": "S0001"});
        let old = tagged.server("old", tag.clone()).await;
        let office = Office::new(&admin, &admin.auth_url, None);
        office.collect();
        let told = office.row(id(&old), office.now()).unwrap();
        assert_eq!((&told["state"], &told["kind"]), (&"运行".into(), &"云主机".into()));

        let new = plain.server("new", json!({})).await;
        let brief = plain.server("brief", json!({})).await;
        plain.delete(&brief).await;
        tagged.delete(&old).await;
        let outcome = office.collect();
        assert_eq!(
            outcome["changes"], 3,
            "one came, one came and went, one went: {outcome:#}"
        );

        let created: Instant = new["created"].as_str().unwrap().parse().unwrap();
        let row = office.row(id(&new), office.now()).unwrap();
        assert_eq!(row["since"].as_str().unwrap().parse(), Ok(created), "{row:#}");
        assert_eq!(row["seen"], "vcpu=1 memory_gib=2 storage_gib=20");
        for gone in [&old, &brief] {
            let (from, to) = life(&admin, gone).await;
            assert!(office.row(id(gone), from).is_some() || from == to, "{gone:#}");
            assert_eq!(office.row(id(gone), from.plus_s(-1)), None);
            assert!(office.row(id(gone), to.plus_s(-1)).is_some() || from == to, "{gone:#}");
            assert_eq!(office.row(id(gone), to), None);
        }
        office.collect_nothing_new();

        let month = admin.now.day().month().to_string();
        office.desk.run(&["month", "meter", &month]).ok();
        let (unapproved, unmapped) = (office.cases("not_approved"), office.cases("unmapped_project"));
        assert_eq!(
            unapproved.get(&format!("N1/{}", id(&new))).map(String::as_str),
            Some("P1")
        );
        // Nova forgets the metadata of what is deleted; we do not. Nothing else was ever in its project.
        let node = "N1".parse().unwrap();
        let is_unmapped = |tenant: &Tenant| unmapped.contains_key(&ProjectMapping::key(&node, &tenant.id));
        assert_eq!((is_unmapped(&plain), is_unmapped(&tagged)), (true, false));
        office.desk.is_clean();

        plain.delete(&new).await;
        plain.end(&admin).await;
        tagged.end(&admin).await;
    });
}
