//! Signing in and out at an identity provider: a real one, started by the test, with a browser that follows its pages.

use super::desk::{By, Desk, Said};
use super::provider::{CALLBACK, HOME, Provider, Visitor};
use app::OpContext;
use app::statements::{Fonts, Renderer};
use axum::http::{Method, StatusCode, header};
use domain::authz::{Action, Role};
use kernel::AccountId;
use reqwest::Url;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use test_support::{TestStore, on_both_stores};

on_both_stores!(
    somebody_who_is_bound_logs_in_once_and_out,
    who_logs_out_is_shown_the_way_out_of_the_provider_too,
    a_provider_without_a_way_out_keeps_nobody_logged_in_here,
    a_provider_that_is_away_keeps_nobody_logged_in_here,
    who_is_not_bound_or_not_in_use_stays_out,
    a_login_ends_in_the_browser_that_began_it_and_once,
    a_token_that_answers_another_question_is_refused,
    a_token_that_is_too_old_is_refused,
    a_token_for_another_client_is_refused,
    an_account_binds_itself_and_one_identity_is_one_account,
    one_time_codes_are_asked_for_and_failures_lock,
    without_a_provider_it_says_so,
);

/// A desk whose people can sign in at a provider.
struct Town {
    desk: Desk,
    provider: Provider,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the provider's clock is the real one, so ours must agree"
)]
fn real_time_s() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

impl Town {
    async fn new(store: TestStore, client: &str) -> Self {
        Self::at(store, client, Provider::start(Some(HOME))).await
    }

    async fn at(store: TestStore, client: &str, provider: Provider) -> Self {
        let desk = Desk::new(store).await;
        desk.clock.store(real_time_s(), Ordering::SeqCst);
        let _ = desk.ctx.clone().with_identity_provider(provider.known_as(client));
        Self { desk, provider }
    }

    /// A person whose identity is bound. The account's own subject is its login name.
    async fn bound(&self, login: &str, subject: &str) -> AccountId {
        let (id, _) = self.desk.person(login, "D01", &[Role::UnitApplicant]).await;
        let mut work = self.desk.ctx.store().begin().await.unwrap();
        let account = work.account(id).await.unwrap().unwrap();
        let account = domain::authz::Account {
            oidc_subject: Some(subject.to_owned()),
            ..account
        };
        work.save_account(&account).await.unwrap();
        work.audit(self.desk.ctx.now(), ("测试", "account.oidc", login), "{}".to_owned())
            .await
            .unwrap();
        work.commit().await.unwrap();
        id
    }

    /// Begins a login. Where the browser is sent, and what it keeps.
    async fn begin(&self) -> (Url, By) {
        let said = self.desk.get("/api/v1/sessions/oidc", &By::Nobody).await;
        assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.text);
        let address = said.headers[header::LOCATION].to_str().unwrap();
        (address.parse().unwrap(), By::Cookie(kept(&said)))
    }

    /// Comes back from the provider.
    async fn back(&self, address: &Url, browser: &By) -> Said {
        assert!(address.as_str().starts_with(CALLBACK), "{address}");
        let path = format!("{}?{}", address.path(), address.query().unwrap_or_default());
        self.desk.get(&path, browser).await
    }

    /// A whole login under a name at the provider.
    async fn sign_in(&self, name: &str) -> Said {
        self.sign_in_with(&mut Visitor::default(), name).await
    }

    /// The same in a browser that may have been at the provider before.
    async fn sign_in_with(&self, visitor: &mut Visitor, name: &str) -> Said {
        let (address, browser) = self.begin().await;
        let back = visitor.follow(address, name).await;
        self.back(&back, &browser).await
    }

    /// Logs out of the session of an answer, which ends it whatever is said.
    async fn log_out(&self, signed_in: &Said) -> Said {
        assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
        let by = By::Cookie(kept(signed_in));
        let current = "/api/v1/sessions/current";
        let out = self.desk.send(Method::DELETE, current, &by, None).await;
        assert_eq!(kept(&out), "", "the cookie is taken away");
        let me = self.desk.get("/api/v1/me", &by).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{}", me.text);
        out
    }

    /// What the chain says last about somebody who was not let in.
    async fn last_refusal(&self) -> String {
        let entries = test_support::chain(self.desk.ctx.store()).await;
        let refused = entries.iter().rfind(|entry| entry.action == "session.refused");
        refused.map(|entry| entry.detail.clone()).unwrap_or_default()
    }
}

/// What an answer lets a browser keep, of the cookies that are not taken away.
fn kept(said: &Said) -> String {
    let lines = said.headers.get_all(header::SET_COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().unwrap().split(';').next());
    let pairs: Vec<&str> = pairs.filter(|pair| !pair.ends_with('=')).collect();
    pairs.join("; ")
}

async fn somebody_who_is_bound_logs_in_once_and_out(store: TestStore) {
    let town = Town::new(store, "yunheng").await;
    let [system, security, _] = town.desk.administrators().await;
    let (id, _) = town.desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let path = format!("/api/v1/accounts/{id}/oidc");
    let bound = town.desk.post(&path, &system, json!({ "subject": "wang-1970" })).await;
    assert_eq!(bound.status, StatusCode::NO_CONTENT, "{}", bound.text);
    // The account is in use: the identity opens it once somebody else has released it.
    let said = town.sign_in("wang-1970").await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    let release = format!("{path}/release");
    let released = town.desk.post(&release, &security, Value::Null).await;
    assert_eq!(released.status, StatusCode::NO_CONTENT, "{}", released.text);
    let said = town.sign_in("wang-1970").await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    assert!(said.text.contains("登录成功"), "{}", said.text);
    let cookies: Vec<_> = said.headers.get_all(header::SET_COOKIE).iter().collect();
    assert!(
        cookies
            .iter()
            .any(|line| line.to_str().unwrap().contains("SameSite=Strict"))
    );
    let by = By::Cookie(kept(&said));
    let me = town.desk.get("/api/v1/me", &by).await;
    assert_eq!(me.body["login"], "wang", "{}", me.text);
    town.log_out(&said).await;
    // The binding is in the chain, field by field; taking it away closes the door.
    let taken = town.desk.post(&path, &system, json!({ "subject": null })).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT, "{}", taken.text);
    let entries = test_support::chain(town.desk.ctx.store()).await;
    let fields: Vec<(&str, Value)> = entries
        .iter()
        .filter(|entry| ["account.oidc", "account.release"].contains(&entry.action.as_str()))
        .map(|entry| {
            let detail: Value = serde_json::from_str(&entry.detail).unwrap();
            (entry.actor.as_str(), detail["fields"].clone())
        })
        .collect();
    let (asked, bound) = ([json!(null), json!("wang-1970")], [json!("wang-1970"), json!(null)]);
    let (by, no_more) = ([json!(null), json!("sysadmin")], [json!("sysadmin"), json!(null)]);
    let expected = [
        ("sysadmin", json!({ "asked_subject": asked, "asked_subject_by": by })),
        (
            "secadmin",
            json!({ "asked_subject": bound, "asked_subject_by": no_more, "oidc_subject": asked }),
        ),
        ("sysadmin", json!({ "oidc_subject": bound })),
    ];
    assert_eq!(fields, expected);
    assert_eq!(town.sign_in("wang-1970").await.status, StatusCode::UNAUTHORIZED);
    assert!(app::audit::verify(&town.desk.ctx, None).await.is_ok());
}

async fn who_logs_out_is_shown_the_way_out_of_the_provider_too(store: TestStore) {
    let town = Town::new(store, "yunheng").await;
    town.bound("wang", "wang").await;
    let mut visitor = Visitor::default();
    let first = town.sign_in_with(&mut visitor, "wang").await;
    assert_eq!(visitor.asked, 1);
    let out = town.log_out(&first).await;
    assert_eq!(out.status, StatusCode::OK, "{}", out.text);
    assert!(out.text.contains("统一身份认证仍保持登录"), "{}", out.text);
    // Whoever does not go there is let in again without a word.
    let second = town.sign_in_with(&mut visitor, "wang").await;
    assert_eq!((second.status, visitor.asked), (StatusCode::OK, 1), "{}", second.text);
    let out = town.log_out(&second).await;
    let address: Url = out.body["address"].as_str().unwrap().parse().unwrap();
    let sent: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let expected = [("client_id", "yunheng"), ("post_logout_redirect_uri", HOME)];
    assert_eq!(
        sent,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned())),
        "nothing about the person"
    );
    // The provider has no token to know them by, so it asks; then it sends them home.
    assert_eq!(visitor.follow(address, "wang").await.as_str(), HOME);
    assert_eq!(visitor.confirmed, 1);
    let third = town.sign_in_with(&mut visitor, "wang").await;
    assert_eq!((third.status, visitor.asked), (StatusCode::OK, 2), "{}", third.text);
    // A session by password has nothing to do with the provider.
    let wang = town.desk.log_in("wang").await;
    let current = "/api/v1/sessions/current";
    let out = town.desk.send(Method::DELETE, current, &wang, None).await;
    assert_eq!((out.status, out.text.as_str()), (StatusCode::NO_CONTENT, ""));
}

async fn a_provider_without_a_way_out_keeps_nobody_logged_in_here(store: TestStore) {
    let town = Town::at(store, "yunheng", Provider::start(None)).await;
    town.bound("wang", "wang").await;
    let mut visitor = Visitor::default();
    let said = town.sign_in_with(&mut visitor, "wang").await;
    let out = town.log_out(&said).await;
    assert_eq!((out.status, &out.body["address"]), (StatusCode::OK, &Value::Null));
    assert!(out.text.contains("没有提供退出地址"), "{}", out.text);
    // What is said is so: the provider still knows them.
    let again = town.sign_in_with(&mut visitor, "wang").await;
    assert_eq!((again.status, visitor.asked), (StatusCode::OK, 1), "{}", again.text);
}

async fn a_provider_that_is_away_keeps_nobody_logged_in_here(store: TestStore) {
    let mut town = Town::new(store, "yunheng").await;
    town.bound("wang", "wang").await;
    let said = town.sign_in("wang").await;
    // The platform starts anew, and has not asked the provider for anything when that goes away.
    let (_, time) = test_support::clock_at(town.desk.ctx.now());
    let (stored, data) = (town.desk.ctx.store().clone(), town.desk.ctx.data());
    let ctx = OpContext::new("测试", stored, data, time, test_support::counted()).unwrap();
    let ctx = ctx.with_identity_provider(town.provider.known_as("yunheng"));
    let renderer = Arc::new(Renderer::new(Fonts::shipped()).unwrap());
    town.desk.router = api::router(ctx, renderer, api::Edge::default());
    town.provider.stop();
    let out = town.log_out(&said).await;
    assert_eq!((out.status, &out.body["address"]), (StatusCode::OK, &Value::Null));
    assert!(out.text.contains("暂时查不到其退出地址"), "{}", out.text);
}

async fn who_is_not_bound_or_not_in_use_stays_out(store: TestStore) {
    let town = Town::new(store, "yunheng").await;
    let [system, ..] = town.desk.administrators().await;
    let said = town.sign_in("nobody").await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    assert_eq!(kept(&said), "", "nobody gets a session");
    assert!(town.last_refusal().await.contains("没有绑定"));
    let accounts = town.desk.get("/api/v1/accounts", &system).await;
    assert_eq!(
        accounts.body["items"].as_array().map(Vec::len),
        Some(3),
        "no account is made"
    );
    let id = town.bound("wang", "wang").await;
    let path = format!("/api/v1/accounts/{id}/state");
    let set = town.desk.post(&path, &system, json!({ "active": false })).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.text);
    let said = town.sign_in("wang").await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    let set = town.desk.post(&path, &system, json!({ "active": true })).await;
    assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.text);
    // Locked after failures with the password: the lock holds at every door.
    for _ in 0..5 {
        town.desk.clock.fetch_add(1, Ordering::SeqCst);
        let body = json!({ "login": "wang", "password": "wrong" });
        town.desk.post("/api/v1/sessions", &By::Nobody, body).await;
    }
    let said = town.sign_in("wang").await;
    assert!(said.text.contains("锁定"), "{}", said.text);
    // An administrator ends it before its time; our clock goes back to that of the provider, which those who logged in
    // here had put forward.
    town.desk.clock.store(real_time_s(), Ordering::SeqCst);
    let unlock = format!("/api/v1/accounts/{id}/unlock");
    let system = town.desk.log_in("sysadmin").await;
    let said = town.sign_in("wang").await;
    assert!(said.text.contains("锁定"), "{}", said.text);
    let unlocked = town.desk.post(&unlock, &system, Value::Null).await;
    assert_eq!(unlocked.status, StatusCode::NO_CONTENT, "{}", unlocked.text);
    let said = town.sign_in("wang").await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
}

async fn a_login_ends_in_the_browser_that_began_it_and_once(store: TestStore) {
    let town = Town::new(store, "yunheng").await;
    town.bound("wang", "wang").await;
    let (address, browser) = town.begin().await;
    let back = Visitor::default().follow(address, "wang").await;
    for (what, other) in [("no", By::Nobody), ("another", town.begin().await.1)] {
        let said = town.back(&back, &other).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{what} browser: {}", said.text);
        assert_eq!(kept(&said), "");
    }
    assert_eq!(town.back(&back, &browser).await.status, StatusCode::OK);
    let replayed = town.back(&back, &browser).await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "{}", replayed.text);
    assert!(town.last_refusal().await.contains("已使用"));
    // Somebody who gives up at the provider, and one who takes too long.
    let (address, browser) = town.begin().await;
    let state = address
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    let gave_up: Url = format!("{CALLBACK}?state={state}&error=access_denied").parse().unwrap();
    assert_eq!(town.back(&gave_up, &browser).await.status, StatusCode::UNAUTHORIZED);
    let (address, browser) = town.begin().await;
    let back = Visitor::default().follow(address, "wang").await;
    town.desk.clock.fetch_add(601, Ordering::SeqCst);
    assert_eq!(town.back(&back, &browser).await.status, StatusCode::UNAUTHORIZED);
}

async fn a_token_that_answers_another_question_is_refused(store: TestStore) {
    let town = Town::new(store, "yunheng").await;
    town.bound("wang", "wang").await;
    for name in ["nonce", "code_challenge"] {
        let (address, browser) = town.begin().await;
        let mut forged = address.clone();
        let pairs: Vec<(String, String)> = address
            .query_pairs()
            .map(|(of, value)| match of == name {
                // As long as it was: the provider looks at the form of a challenge.
                true => (of.into_owned(), value.chars().rev().collect()),
                false => (of.into_owned(), value.into_owned()),
            })
            .collect();
        forged.query_pairs_mut().clear().extend_pairs(pairs);
        let back = Visitor::default().follow(forged, "wang").await;
        let said = town.back(&back, &browser).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{name}: {}", said.text);
        let expected = if name == "nonce" {
            "与本次登录不符"
        } else {
            "认证未通过"
        };
        let refusal = town.last_refusal().await;
        assert!(refusal.contains(expected), "{name}: {refusal}");
    }
}

async fn a_token_that_is_too_old_is_refused(store: TestStore) {
    let town = Town::new(store, "yunheng-short").await;
    town.bound("wang", "wang").await;
    let (address, browser) = town.begin().await;
    let back = Visitor::default().follow(address, "wang").await;
    town.desk.clock.fetch_add(300, Ordering::SeqCst);
    let said = town.back(&back, &browser).await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    assert!(town.last_refusal().await.contains("已过期"));
}

async fn a_token_for_another_client_is_refused(store: TestStore) {
    let town = Town::new(store, "yunheng-borrowed").await;
    town.bound("wang", "wang").await;
    let said = town.sign_in("wang").await;
    assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{}", said.text);
    assert!(town.last_refusal().await.contains("不是发给本平台的"));
}

/// Binds whoever is logged in to a name at the provider.
async fn bind(town: &Town, by: &By, name: &str) -> Said {
    let begun = town.desk.send(Method::POST, "/api/v1/me/oidc", by, None).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    let address = begun.body["address"].as_str().unwrap().parse().unwrap();
    let back = Visitor::default().follow(address, name).await;
    town.back(&back, &By::Cookie(kept(&begun))).await
}

async fn an_account_binds_itself_and_one_identity_is_one_account(store: TestStore) {
    let town = Town::new(store, "yunheng").await;
    let (_, wang) = town.desk.person("wang", "D01", &[Role::UnitApplicant]).await;
    let said = bind(&town, &wang, "wang").await;
    assert!(
        said.status == StatusCode::OK && said.text.contains("已绑定"),
        "{}",
        said.text
    );
    assert_eq!(kept(&said), "", "binding begins no session");
    let by = By::Cookie(kept(&town.sign_in("wang").await));
    assert_eq!(town.desk.get("/api/v1/me", &by).await.body["login"], "wang");
    let (_, li) = town.desk.person("li", "D01", &[Role::UnitHead]).await;
    let said = bind(&town, &li, "wang").await;
    assert_eq!(said.status, StatusCode::CONFLICT, "{}", said.text);
    assert!(town.last_refusal().await.contains("已绑定另一个账号"));
    let token = town.desk.token(&wang, &[Action::InventoryRead]).await;
    let said = town.desk.send(Method::POST, "/api/v1/me/oidc", &token, None).await;
    assert_eq!(said.body["code"], "session_needed", "a token binds nobody");
    let said = town.desk.send(Method::DELETE, "/api/v1/me/oidc", &wang, None).await;
    assert_eq!(said.status, StatusCode::NO_CONTENT, "{}", said.text);
    assert_eq!(town.sign_in("wang").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bind(&town, &li, "wang").await.status, StatusCode::OK);
}

/// The one-time code of a secret at a time step (RFC 6238, RFC 4226).
pub(crate) fn code(secret: &[u8], unix_s: i64) -> String {
    let step = u64::try_from(unix_s / 30).unwrap().to_be_bytes();
    let mac = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &step);
    let bytes = mac.as_ref();
    let at = usize::from(bytes[19] & 15);
    let number = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

async fn one_time_codes_are_asked_for_and_failures_lock(store: TestStore) {
    // Appendix B of RFC 6238, of whose eight digits six are used.
    let (text, secret) = ("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", b"12345678901234567890");
    assert_eq!(code(secret, 59), "287082");
    let town = Town::new(store, "yunheng").await;
    town.bound("wang", "wang").await;
    let wang = town.desk.log_in("wang").await;
    let now = || town.desk.clock.load(Ordering::SeqCst);
    let body = json!({ "secret": text, "code": code(secret, now()) });
    let set_up = town.desk.post("/api/v1/me/totp", &wang, body).await;
    assert_eq!(set_up.status, StatusCode::OK, "{}", set_up.text);
    town.desk.clock.fetch_add(30, Ordering::SeqCst);
    let (address, browser) = town.begin().await;
    let back = Visitor::default().follow(address, "wang").await;
    let said = town.back(&back, &browser).await;
    assert_eq!(said.body["code"], "code_needed", "{}", said.text);
    assert_eq!(kept(&said), "", "no session before the code");
    let give = async |by: &By, code: String| {
        town.desk
            .post("/api/v1/sessions/oidc/code", by, json!({ "code": code }))
            .await
    };
    let right = code(secret, now());
    assert_eq!(give(&By::Nobody, right.clone()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        give(&browser, "000000".to_owned()).await.status,
        StatusCode::UNAUTHORIZED
    );
    let said = give(&browser, right.clone()).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    assert_eq!(give(&browser, right).await.status, StatusCode::UNAUTHORIZED, "once");
    let by = By::Cookie(kept(&said));
    assert_eq!(town.desk.get("/api/v1/me", &by).await.body["login"], "wang");
    // Guessing codes locks the account.
    let (address, browser) = town.begin().await;
    let back = Visitor::default().follow(address, "wang").await;
    town.back(&back, &browser).await;
    for _ in 0..5 {
        assert_eq!(
            give(&browser, "000000".to_owned()).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    town.desk.clock.fetch_add(30, Ordering::SeqCst);
    let said = give(&browser, code(secret, now())).await;
    assert!(said.text.contains("锁定"), "{}", said.text);
}

async fn without_a_provider_it_says_so(store: TestStore) {
    let desk = Desk::new(store).await;
    let said = desk.get("/api/v1/sessions/oidc", &By::Nobody).await;
    assert_eq!(said.status, StatusCode::CONFLICT, "{}", said.text);
    assert!(said.text.contains("没有启用统一身份认证"), "{}", said.text);
    let said = desk
        .get("/api/v1/sessions/oidc/callback?state=x&code=y", &By::Nobody)
        .await;
    assert_eq!(said.status, StatusCode::CONFLICT, "{}", said.text);
}
