//! A tenant that a test makes for itself.

use crate::lab::Admin;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A tenant of the lab that ends with the test.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) member: Admin,
}

impl Tenant {
    pub(crate) async fn new(admin: &Admin, name: &str) -> Self {
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
            name,
            member: member.unwrap(),
        }
    }

    /// A server that runs. Answers what Nova says of it.
    pub(crate) async fn server(&self, name: &str, metadata: Value) -> Value {
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

    pub(crate) async fn delete(&self, server: &Value) {
        let path = format!("/servers/{}", id(server));
        assert_eq!(self.member.ask(Method::DELETE, "compute", &path, None).await.0, 204);
        self.member.until("compute", &path, |status, _| status == 404).await;
    }

    /// What there is of a kind, as the project itself sees it.
    pub(crate) async fn list(&self, kind: &str) -> Vec<Value> {
        let own = |path: &str| format!("{path}?project_id={}", self.id);
        let (service, path) = match kind {
            "servers" => ("compute", "/servers/detail".to_owned()),
            "volumes" => ("volumev3", "/volumes/detail".to_owned()),
            "images" => ("image", format!("/v2/images?owner={}", self.id)),
            _ => ("network", own(&format!("/v2.0/{kind}"))),
        };
        self.member.list(service, &path, kind).await
    }

    /// Writes an image, as the hypervisor does that takes a snapshot. Answers its id.
    pub(crate) async fn write_first_image(&self) -> String {
        loop {
            if let Some(image) = self.list("images").await.first() {
                let formats: Value = ["container_format", "disk_format"]
                    .iter()
                    .zip(["bare", "qcow2"])
                    .map(|(name, of)| json!({"op": "add", "path": format!("/{name}"), "value": of}))
                    .collect();
                let url = format!("{}/v2/images/{}", self.member.urls["image"], id(image));
                let patch = self.member.http.patch(&url).body(formats.to_string());
                let file = self.member.http.put(format!("{url}/file")).body("disk");
                let kinds = ["openstack-images-v2.1-json-patch", "octet-stream"];
                for (request, kind) in [patch, file].into_iter().zip(kinds) {
                    let request = request.header("X-Auth-Token", &self.member.token);
                    let request = request.header("Content-Type", format!("application/{kind}"));
                    let answer = request.send().await.unwrap();
                    let (status, said) = (answer.status(), answer.text().await.unwrap());
                    assert!(status.is_success(), "{status}: {said}");
                }
                return id(image).to_owned();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many servers, volumes, addresses and networks there are.
    pub(crate) async fn counts(&self) -> [usize; 4] {
        [
            self.list("servers").await.len(),
            self.list("volumes").await.len(),
            self.list("floatingips").await.len(),
            self.list("networks").await.len(),
        ]
    }

    /// Deletes everything that a failed test may have left, and the networks.
    pub(crate) async fn clear(&self) {
        for (kind, service, path) in [
            ("servers", "compute", "/servers"),
            ("volumes", "volumev3", "/volumes"),
            ("floatingips", "network", "/v2.0/floatingips"),
            ("images", "image", "/v2/images"),
            ("networks", "network", "/v2.0/networks"),
        ] {
            for thing in self.list(kind).await {
                let path = format!("{path}/{}", id(&thing));
                self.member.ask(Method::DELETE, service, &path, None).await;
                if service != "network" {
                    self.member.until(service, &path, |status, _| status == 404).await;
                }
            }
        }
    }

    pub(crate) async fn end(self, admin: &Admin) {
        let path = format!("/projects/{}", self.id);
        assert_eq!(admin.ask(Method::DELETE, "identity", &path, None).await.0, 204);
    }
}

pub(crate) fn id(server: &Value) -> &str {
    server["id"].as_str().unwrap()
}
