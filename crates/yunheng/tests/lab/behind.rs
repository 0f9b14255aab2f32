//! What happens to servers between two collects, without anybody telling.

use crate::lab::{Admin, alone, run};
use crate::office::Office;
use domain::registry::ProjectMapping;
use kernel::Instant;
use reqwest::Method;
use serde_json::{Value, json};

/// A tenant of the lab that ends with the test.
struct Tenant {
    id: String,
    member: Admin,
}

impl Tenant {
    async fn new(admin: &Admin, name: &str) -> Self {
        let name = format!("yunheng-{name}-{}", std::process::id());
        let body = json!({"project": {"name": name, "domain_id": "default"}});
        let (status, made) = admin.ask(Method::POST, "identity", "/projects", Some(body)).await;
        assert_eq!(status, 201, "{made}");
        let id = made["project"]["id"].as_str().unwrap().to_owned();
        let (user, role) = (admin.id_of("user", "admin").await, admin.id_of("role", "admin").await);
        let grant = format!("/projects/{id}/users/{user}/roles/{role}");
        assert_eq!(admin.ask(Method::PUT, "identity", &grant, None).await.0, 204);
        let scope = json!({"id": id});
        let member = Admin::logged_in(&admin.auth_url, "admin", &admin.password, scope).await;
        Self {
            id,
            member: member.unwrap(),
        }
    }

    /// A server that runs. Answers what Nova says of it.
    async fn server(&self, name: &str, metadata: Value) -> Value {
        let image = "/v2/images?name=ubuntu-22.04-x86_64";
        let image = self.member.list("image", image, "images").await[0]["id"].clone();
        let flavors = self.member.list("compute", "/flavors/detail", "flavors").await;
        let flavor = flavors.iter().find(|f| f["name"] == "x86.small").unwrap()["id"].clone();
        let server = json!({"server": {"name": name, "imageRef": image, "flavorRef": flavor,
            "availability_zone": "x86", "networks": "none", "metadata": metadata}});
        let (status, made) = self.member.ask(Method::POST, "compute", "/servers", Some(server)).await;
        assert_eq!(status, 202, "{made}");
        let path = format!("/servers/{}", made["server"]["id"].as_str().unwrap());
        let active = |_, said: &Value| said["server"]["status"] == "ACTIVE";
        self.member.until("compute", &path, active).await["server"].clone()
    }

    async fn delete(&self, server: &Value) {
        let path = format!("/servers/{}", id(server));
        assert_eq!(self.member.ask(Method::DELETE, "compute", &path, None).await.0, 204);
        self.member.until("compute", &path, |status, _| status == 404).await;
    }

    async fn end(self, admin: &Admin) {
        let path = format!("/projects/{}", self.id);
        assert_eq!(admin.ask(Method::DELETE, "identity", &path, None).await.0, 204);
    }
}

fn id(server: &Value) -> &str {
    server["id"].as_str().unwrap()
}

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
