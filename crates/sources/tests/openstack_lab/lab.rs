//! The lab: its administrator by plain requests, and the accounts that the connector uses.

use domain::registry::Measure;
use kernel::{Instant, Ratio};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sources::openstack::{Collected, Connector, Credential, MetricMapping, OpenStackConfig, OpenStackError, Secret};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

/// Tests that compare or change the inventory take turns, also across processes.
pub(crate) fn alone() -> File {
    let lock = File::create(lab_dir().join("yunheng-test.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

#[expect(clippy::disallowed_methods, reason = "the lab is named by the environment")]
pub(crate) fn lab_dir() -> PathBuf {
    std::env::var("YUNHENG_LAB_DIR")
        .expect("YUNHENG_LAB_DIR names the folder of a running lab")
        .into()
}

/// The administrator, by plain requests.
pub(crate) struct Admin {
    pub(crate) http: Client,
    pub(crate) auth_url: String,
    pub(crate) password: String,
    pub(crate) token: String,
    pub(crate) user: String,
    pub(crate) urls: BTreeMap<String, String>,
    pub(crate) now: Instant,
}

impl Admin {
    pub(crate) async fn of_project(project: Value) -> Self {
        let openrc = std::fs::read_to_string(lab_dir().join("openrc")).unwrap();
        let told: BTreeMap<_, _> = openrc
            .lines()
            .filter_map(|l| l.strip_prefix("export ")?.split_once('='))
            .collect();
        let (user, password) = (told["OS_USERNAME"], told["OS_PASSWORD"]);
        let mut admin = Self::logged_in(told["OS_AUTH_URL"], user, password, project)
            .await
            .unwrap();
        admin.user = user.to_owned();
        admin
    }

    pub(crate) async fn new() -> Self {
        let admin = Self::of_project(json!({"name": "admin", "domain": {"id": "default"}})).await;
        // The seed leaves out the one role that object storage wants.
        let role = admin.id_of("role", "ResellerAdmin").await;
        let (project, user) = (
            admin.id_of("project", "admin").await,
            admin.id_of("user", "metering").await,
        );
        admin
            .ask(
                Method::PUT,
                "identity",
                &format!("/projects/{project}/users/{user}/roles/{role}"),
                None,
            )
            .await;
        admin
    }

    pub(crate) async fn logged_in(auth_url: &str, user: &str, password: &str, project: Value) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().unwrap();
        let user_body = json!({"name": user, "domain": {"id": "default"}, "password": password});
        let identity = json!({"methods": ["password"], "password": {"user": user_body}});
        let body = json!({"auth": {"identity": identity, "scope": {"project": project}}});
        let answer = http
            .post(format!("{auth_url}/auth/tokens"))
            .json(&body)
            .send()
            .await
            .unwrap();
        let token = answer.headers().get("x-subject-token")?.to_str().unwrap().to_owned();
        let said: Value = answer.json().await.unwrap();
        let mut urls = BTreeMap::from([("identity".to_owned(), auth_url.to_owned())]);
        for service in said["token"]["catalog"].as_array().unwrap() {
            let endpoints = service["endpoints"].as_array().unwrap();
            let public = endpoints.iter().find(|e| e["interface"] == "public").unwrap();
            urls.entry(service["type"].as_str().unwrap().to_owned())
                .or_insert(public["url"].as_str().unwrap().to_owned());
        }
        Some(Self {
            http,
            auth_url: auth_url.to_owned(),
            password: password.to_owned(),
            token,
            user: said["token"]["user"]["id"].as_str().unwrap().to_owned(),
            urls,
            now: said["token"]["issued_at"].as_str().unwrap().parse().unwrap(),
        })
    }

    pub(crate) async fn ask(&self, method: Method, service: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.urls[service]);
        let mut request = self.http.request(method, url).header("X-Auth-Token", &self.token);
        if service == "compute" {
            request = request.header("OpenStack-API-Version", "compute 2.52");
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, bytes) = (answer.status().as_u16(), answer.bytes().await.unwrap());
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub(crate) async fn get(&self, service: &str, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, service, path, None).await;
        assert_eq!(status, 200, "{service}{path}: {value}");
        value
    }

    pub(crate) async fn list(&self, service: &str, path: &str, key: &str) -> Vec<Value> {
        self.get(service, path).await[key].as_array().unwrap().clone()
    }

    pub(crate) async fn id_of(&self, kind: &str, name: &str) -> String {
        let plural = format!("{kind}s");
        let found = self.list("identity", &format!("/{plural}?name={name}"), &plural).await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn account(&self, username: &str, password: &str, project: &str) -> OpenStackConfig {
        let credential = Credential::Password {
            username: username.into(),
            user_domain: "Default".into(),
            password: Secret::new(password),
            project: project.into(),
            project_domain: "Default".into(),
        };
        OpenStackConfig {
            backoff_ms: 1,
            retries: 2,
            ..OpenStackConfig::new(&self.auth_url, credential)
        }
    }

    /// The account that sees everything, with the metrics that the lab has.
    pub(crate) fn metering(&self) -> OpenStackConfig {
        let mapping = |metric: &str, resource_type: &str, measure, scale| MetricMapping {
            metric: metric.into(),
            resource_type: resource_type.into(),
            native_id_attribute: "original_resource_id".into(),
            aggregation: "mean".into(),
            granularity_s: 3600,
            measure,
            scale,
        };
        OpenStackConfig {
            metrics: vec![
                mapping("volume.size", "volume", Measure::StorageGib, Ratio::ONE),
                mapping(
                    "memory.usage",
                    "instance",
                    Measure::MemoryGib,
                    Ratio::new(1, 1024).unwrap(),
                ),
            ],
            family_key: Some("lab:family".into()),
            ..self.account("metering", &self.password, "admin")
        }
    }

    pub(crate) async fn collect(&self, config: OpenStackConfig) -> Result<Collected, OpenStackError> {
        Connector::connect(config).await?.collect(self.now).await
    }

    /// Asks until the answer is as it should be; the lab needs its time to build and delete.
    pub(crate) async fn until(&self, service: &str, path: &str, done: impl Fn(u16, &Value) -> bool) -> Value {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(500));
        for _ in 0..240 {
            pace.tick().await;
            let (status, value) = self.ask(Method::GET, service, path, None).await;
            if done(status, &value) {
                return value;
            }
        }
        panic!("{service}{path} did not become what it should");
    }
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}
