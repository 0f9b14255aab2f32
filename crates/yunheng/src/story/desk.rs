//! People at their desks: who they are, and what they send to the interface and get back.
//!
//! Owns sessions, the passing of time between two acts, and the background work that follows an act. Every act is an
//! HTTP request to the router that `serve` runs.

use super::act::{Act, Content, Said};
use super::ground::Ground;
use super::transcript::{Spoken, Transcript};
use crate::exit::{Failure, INTERNAL};
use app::OpContext;
use app::jobs::{Handlers, Plan, work_once};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kernel::{Digest, Instant};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt as _;

/// An answer is never longer. Units: bytes.
const MOST_BYTES: usize = 64 << 20;

/// When a day begins in the background. Units: seconds.
const EARLY_S: i64 = 8 * 3_600;

/// Between two acts. Units: seconds.
const PAUSE_S: i64 = 360;

/// Somebody with a login.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Name and organisation, for people.
    pub(super) title: String,
    pub(super) password: String,
    cookie: Option<String>,
}

/// All desks.
pub(super) struct Desks<'a> {
    ctx: &'a OpContext,
    router: Router,
    ground: &'a Ground,
    handlers: Handlers,
    time: &'a Arc<AtomicI64>,
    people: BTreeMap<String, Person>,
    sent: u64,
    /// What the logins of the unit that applies end in.
    pub(super) unit: &'static str,
    pub(super) transcript: Transcript,
}

impl<'a> Desks<'a> {
    pub(super) fn new(ctx: &'a OpContext, router: Router, ground: &'a Ground, time: &'a Arc<AtomicI64>) -> Self {
        Self {
            ctx,
            router,
            ground,
            handlers: ground.handlers(),
            time,
            people: BTreeMap::new(),
            sent: 0,
            unit: "",
            transcript: Transcript::default(),
        }
    }

    pub(super) fn people(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.people.iter().map(|(login, person)| (login.as_str(), person))
    }

    /// Somebody with a login, and the login.
    pub(super) fn person(&self, login: &str) -> Option<(String, Person)> {
        self.people
            .get_key_value(login)
            .map(|(login, person)| (login.clone(), person.clone()))
    }

    /// The city's time.
    pub(super) fn now(&self) -> Instant {
        self.ctx.now()
    }

    /// Somebody gets a desk.
    pub(super) fn seat(&mut self, login: &str, title: String, password: String) {
        let person = Person {
            title,
            password,
            cookie: None,
        };
        self.people.insert(login.to_owned(), person);
    }

    /// Time passes until a moment. Every day in between, what is due in the background is done and the node is looked
    /// at. Time never goes back.
    pub(super) async fn wait_until(&mut self, at: Instant) -> Result<(), Failure> {
        loop {
            let tomorrow = self.now().day().plus(1).start().plus_s(EARLY_S);
            let next = tomorrow.min(at);
            self.time.fetch_max(next.unix_s(), Ordering::Relaxed);
            self.work().await?;
            self.look().await?;
            if next >= at {
                return Ok(());
            }
        }
    }

    /// Looks at the node.
    pub(super) async fn look(&self) -> Result<(), Failure> {
        self.ground.look(self.ctx).await
    }

    /// Does what waits in the background, as the worker of `serve` would.
    pub(super) async fn work(&mut self) -> Result<(), Failure> {
        app::jobs::schedule(self.ctx, &Plan::default(), &self.handlers).await?;
        while work_once(self.ctx, "演示后台", &self.handlers).await?.is_some() {}
        Ok(())
    }

    /// Somebody sends something; a refusal is an answer like any other.
    pub(super) async fn send(&mut self, who: &str, act: Act<'_>) -> Result<Said, Failure> {
        self.time.fetch_add(PAUSE_S, Ordering::Relaxed);
        let at = self.ctx.now();
        let mut said = self.call(who, act).await?;
        if said.status == StatusCode::UNAUTHORIZED && self.people.contains_key(who) {
            self.log_in(who).await?;
            said = self.call(who, act).await?;
        }
        if let Some(shows) = act.shows {
            let person = self.people.get(who).map_or(who, |person| person.title.as_str());
            self.transcript.say(&Spoken {
                who: person,
                at,
                act,
                said: &said,
                shows,
            });
        }
        Ok(said)
    }

    /// Somebody sends something that must be accepted.
    pub(super) async fn must(&mut self, who: &str, act: Act<'_>) -> Result<Said, Failure> {
        let said = self.send(who, act).await?;
        if said.status.is_success() {
            return Ok(said);
        }
        let text = format!(
            "演示故事：{who} {} {} 得到 {}：{}",
            act.method, act.path, said.status, said.body
        );
        Err(Failure::new(INTERNAL, text))
    }

    async fn log_in(&mut self, who: &str) -> Result<(), Failure> {
        let password = self
            .people
            .get(who)
            .map(|person| person.password.clone())
            .unwrap_or_default();
        let body = serde_json::json!({ "login": who, "password": password });
        let act = Act {
            method: &Method::POST,
            path: "/api/v1/sessions",
            content: Content::Json(&body),
            etag: None,
            shows: None,
        };
        let request = self.request(act, None)?;
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        if answer.status() != StatusCode::CREATED {
            let text = format!("演示故事：{who} 登录得到 {}", answer.status());
            return Err(Failure::new(INTERNAL, text));
        }
        let cookie = answer
            .headers()
            .get(header::SET_COOKIE)
            .and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        if let Some(person) = self.people.get_mut(who) {
            person.cookie = cookie;
        }
        Ok(())
    }

    fn request(&mut self, act: Act<'_>, cookie: Option<&str>) -> Result<Request<Body>, Failure> {
        self.sent += 1;
        let mut request = Request::builder()
            .method(act.method)
            .uri(act.path)
            .header("x-yunheng-request", "1")
            .header("idempotency-key", format!("demo-{}", self.sent));
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(etag) = act.etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let request = match act.content {
            Content::Nothing => request.body(Body::empty()),
            Content::Json(value) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(value.to_string())),
            Content::File(_, bytes) => request
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .header(
                    "content-digest",
                    format!("sm3=:{}:", BASE64_STANDARD.encode(Digest::of(bytes).bytes())),
                )
                .body(Body::from(bytes.to_vec())),
        };
        request.map_err(|error| Failure::new(INTERNAL, error.to_string()))
    }

    async fn call(&mut self, who: &str, act: Act<'_>) -> Result<Said, Failure> {
        let cookie = self.people.get(who).and_then(|person| person.cookie.clone());
        let request = self.request(act, cookie.as_deref())?;
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        let status = answer.status();
        let etag = answer.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.map(str::to_owned);
        let bytes = to_bytes(answer.into_body(), MOST_BYTES).await;
        let bytes = bytes.map_err(|error| Failure::new(INTERNAL, error.to_string()))?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Said { status, etag, body })
    }
}
