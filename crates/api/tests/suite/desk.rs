//! A server in this process, and people who have accounts there.

use app::OpContext;
use app::accounts;
use app::statements::{Fonts, Renderer};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::authz::{Account, Action, Role};
use domain::registry::{InformationSystem, Organisation, Side, Version};
use kernel::{AccountId, Instant};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tempfile::TempDir;
use test_support::TestStore;
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "Chuncheng-2026";
/// 2026-03-10T09:00+08:00
const START_S: i64 = 1_773_104_400;

/// An answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

/// The header with the digest of a body.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    format!("sha-256=:{}:", BASE64_STANDARD.encode(sha256))
}

/// How somebody asks.
#[derive(Debug, Clone)]
pub(crate) enum By {
    Nobody,
    Cookie(String),
    Token(String),
}

pub(crate) struct Desk {
    pub(crate) ctx: OpContext,
    pub(crate) router: Router,
    pub(crate) clock: Arc<AtomicI64>,
    keys: AtomicU64,
    _data: TempDir,
    _store: TestStore,
}

impl Desk {
    pub(crate) async fn new(store: TestStore) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (clock, now) = test_support::clock_at(Instant::from_unix_s(START_S));
        let ctx = OpContext::new("测试", store.store(), data.path(), now, test_support::counted()).unwrap();
        let renderer = Arc::new(Renderer::new(Fonts::shipped()).unwrap());
        let router = api::router(ctx.clone(), renderer, api::Edge::default());
        let desk = Self {
            ctx,
            router,
            clock,
            keys: AtomicU64::new(0),
            _data: data,
            _store: store,
        };
        desk.register().await;
        desk
    }

    /// The organisations: a bureau, two departments, two providers.
    async fn register(&self) {
        let mut work = self.ctx.store().begin().await.unwrap();
        let sides = [
            ("BUREAU", Side::Authority),
            ("D01", Side::Unit),
            ("D02", Side::Unit),
            ("P1", Side::Provider),
            ("P2", Side::Provider),
        ];
        for (code, side) in sides {
            let organisation = Organisation {
                code: code.parse().unwrap(),
                name: format!("组织 {code}"),
                side,
                parent: None,
                merged_into: None,
                municipal: None,
            };
            let valid_from = Instant::from_unix_s(0);
            let version = Version {
                valid_from,
                body: organisation,
            };
            work.add_versions(&[version], None).await.unwrap();
        }
        let system = serde_json::json!({
            "code": "S01", "name": "系统一", "organisation": "D01", "mlps_level": 2, "zone": "extranet",
            "data_grade": null, "status": "running", "origin": "new",
        });
        let body: InformationSystem = serde_json::from_value(system).unwrap();
        let valid_from = Instant::from_unix_s(0);
        work.add_versions(&[Version { valid_from, body }], None).await.unwrap();
        work.audit(self.ctx.now(), ("测试", "import.organisations", "x"), "{}".to_owned())
            .await
            .unwrap();
        work.commit().await.unwrap();
    }

    /// The links of the first administrators, used. Returns system, security and audit administrator.
    pub(crate) async fn administrators(&self) -> [By; 3] {
        let links = accounts::first_administrators(&self.ctx, &"BUREAU".parse().unwrap())
            .await
            .unwrap();
        let mut by = Vec::new();
        for link in links {
            accounts::accept_invitation(&self.ctx, (&link.secret, PASSWORD), "")
                .await
                .unwrap();
            by.push(self.log_in(&link.login).await);
        }
        by.try_into().unwrap()
    }

    /// An account with roles, put there directly: how roles are given is tested elsewhere.
    pub(crate) async fn person(&self, login: &str, organisation: &str, roles: &[Role]) -> (AccountId, By) {
        let mut work = self.ctx.store().begin().await.unwrap();
        let organisation = organisation.parse().unwrap();
        let account = Account::invited(self.ctx.new_id(), (login, login), organisation, self.ctx.now());
        test_support::employ(&mut work, &account, roles).await;
        let link = format!("yhi_{login}");
        let until = (self.ctx.now(), self.ctx.now().plus_s(60));
        work.add_invitation(kernel::Digest::of(link.as_bytes()), account.id, until)
            .await
            .unwrap();
        work.audit(self.ctx.now(), ("测试", "account.make", login), "{}".to_owned())
            .await
            .unwrap();
        work.commit().await.unwrap();
        accounts::accept_invitation(&self.ctx, (&link, PASSWORD), "")
            .await
            .unwrap();
        (account.id, self.log_in(login).await)
    }

    pub(crate) async fn log_in(&self, login: &str) -> By {
        // A minute later, so that the limit of attempts by address is not what is tested.
        self.clock.fetch_add(61, Ordering::Relaxed);
        let body = serde_json::json!({ "login": login, "password": PASSWORD });
        let said = self
            .send(Method::POST, "/api/v1/sessions", &By::Nobody, Some(body))
            .await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        let cookie = said.headers[header::SET_COOKIE].to_str().unwrap();
        By::Cookie(cookie.split(';').next().unwrap().to_owned())
    }

    /// A token of whoever logged in.
    pub(crate) async fn token(&self, by: &By, scope: &[Action]) -> By {
        let scope: Vec<_> = scope.iter().map(|action| action.word()).collect();
        let body = serde_json::json!({ "name": "测试", "scope": scope, "days": 1 });
        let said = self.send(Method::POST, "/api/v1/me/tokens", by, Some(body)).await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
        By::Token(said.body["secret"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn get(&self, path: &str, by: &By) -> Said {
        self.send(Method::GET, path, by, None).await
    }

    pub(crate) async fn post(&self, path: &str, by: &By, body: Value) -> Said {
        self.send(Method::POST, path, by, Some(body)).await
    }

    /// Sends as the console does: changes with a key of their own.
    pub(crate) async fn send(&self, method: Method, path: &str, by: &By, body: Option<Value>) -> Said {
        let key = format!("k{}", self.keys.fetch_add(1, Ordering::Relaxed));
        self.send_with(
            method,
            path,
            by,
            body,
            &[
                ("idempotency-key", &key),
                ("x-yunheng-request", "1"),
                ("if-match", "\"1\""),
            ],
        )
        .await
    }

    /// Sends a file, with its digest.
    pub(crate) async fn upload(&self, path: &str, by: &By, bytes: &[u8]) -> Said {
        let key = format!("k{}", self.keys.fetch_add(1, Ordering::Relaxed));
        let digest = digest_of(bytes);
        let headers = [
            ("idempotency-key", key.as_str()),
            ("x-yunheng-request", "1"),
            ("if-match", "\"1\""),
            ("content-type", "application/octet-stream"),
            ("content-digest", &digest),
        ];
        self.send_bytes(Method::POST, path, by, bytes.to_vec(), &headers).await
    }

    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &str,
        by: &By,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Said {
        let mut headers = headers.to_vec();
        let body = body.map_or_else(Vec::new, |body| {
            headers.push(("content-type", "application/json"));
            body.to_string().into_bytes()
        });
        self.send_bytes(method, path, by, body, &headers).await
    }

    pub(crate) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        by: &By,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Said {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request = match by {
            By::Nobody => request,
            By::Cookie(cookie) => request.header(header::COOKIE, cookie),
            By::Token(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        };
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 26).await.unwrap();
        Said {
            bytes: bytes.to_vec(),
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
