//! Keystone: logging in, keeping the token fresh, and the projects.
//!
//! Invariants: a token is renewed before it ends, and once when a service refuses it; a wrong password is sent once,
//! because accounts lock.

use super::catalogue::{Endpoint, Entry};
use super::config::Secret;
use super::number::moment;
use super::transport::{Answer, Call, Transport, passing};
use super::{Credential, Microversion, OpenStackConfig, OpenStackError, Service};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A project of the node; maps to an information system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id on the node.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What the provider wrote about it.
    #[serde(default)]
    pub description: Option<String>,
    /// The domain it belongs to.
    #[serde(default)]
    pub domain_id: Option<String>,
    /// Whether it is in use.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

const fn yes() -> bool {
    true
}

/// What a login gave besides the token.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) project_id: String,
    pub(super) roles: Vec<String>,
    pub(super) catalogue: Vec<Entry>,
}

struct Token {
    text: Secret,
    renew_at: Instant,
}

/// A login that lasts as long as it is used.
pub(super) struct Session {
    transport: Transport,
    keystone: Url,
    login: Secret,
    token: Mutex<Token>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Scope {
    id: String,
}

#[derive(Deserialize)]
struct Body {
    expires_at: String,
    issued_at: String,
    project: Option<Scope>,
    #[serde(default)]
    roles: Vec<Named>,
    #[serde(default)]
    catalog: Vec<Entry>,
}

#[derive(Deserialize)]
struct Wrapped {
    token: Body,
}

impl Session {
    /// Logs in.
    pub(super) async fn open(config: &OpenStackConfig) -> Result<(Self, Grant), OpenStackError> {
        let transport = Transport::new(config)?;
        let keystone = config.keystone()?;
        let login = login_body(&config.credential, config.within.as_deref());
        let (token, grant) = log_in(&transport, &keystone, &login).await?;
        Ok((
            Self {
                transport,
                keystone,
                login,
                token: Mutex::new(token),
            },
            grant,
        ))
    }

    pub(super) fn identity(&self) -> Endpoint {
        Endpoint {
            service: Service::Identity,
            base: self.keystone.clone(),
            version: Some(Microversion::new(3, 0)),
            negotiated: false,
        }
    }

    /// Asks a service, with a token that is valid.
    ///
    /// Errors: any status but success; see [`OpenStackError`].
    pub(super) async fn get(&self, endpoint: &Endpoint, url: Url) -> Result<Answer, OpenStackError> {
        self.ask(endpoint, (Method::GET, url), None).await
    }

    /// Asks a service to do something. What makes a thing (POST) is sent once: whoever gets no answer has to look.
    ///
    /// Errors: any status but success; see [`OpenStackError`].
    pub(super) async fn ask(
        &self,
        endpoint: &Endpoint,
        (method, url): (Method, Url),
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, OpenStackError> {
        let token = self.token().await?;
        let mut call = Call {
            service: endpoint.service,
            url,
            headers: headers(endpoint, &token),
            repeatable: method != Method::POST,
            method,
            body: body.map(|body| Secret::new(body.to_string())),
        };
        let answer = self.transport.send(&call).await?;
        if answer.status != 401 {
            return judge(&call, answer);
        }
        let fresh = self.renew(&token).await?;
        call.headers = headers(endpoint, &fresh);
        let answer = self.transport.send(&call).await?;
        judge(&call, answer)
    }

    async fn token(&self) -> Result<Secret, OpenStackError> {
        let held = self.token.lock().await;
        if Instant::now() < held.renew_at {
            return Ok(held.text.clone());
        }
        let stale = held.text.clone();
        drop(held);
        self.renew(&stale).await
    }

    /// A fresh token instead of `stale`; if another request renewed it meanwhile, that one.
    async fn renew(&self, stale: &Secret) -> Result<Secret, OpenStackError> {
        let mut held = self.token.lock().await;
        if held.text == *stale {
            tracing::info!("logging in again");
            (*held, _) = log_in(&self.transport, &self.keystone, &self.login).await?;
        }
        Ok(held.text.clone())
    }
}

async fn log_in(transport: &Transport, keystone: &Url, login: &Secret) -> Result<(Token, Grant), OpenStackError> {
    let mut url = keystone.clone();
    url.set_path(&format!("{}/auth/tokens", keystone.path()));
    let call = Call {
        service: Service::Identity,
        url,
        headers: Vec::new(),
        method: Method::POST,
        body: Some(login.clone()),
        repeatable: true,
    };
    let began = Instant::now();
    let answer = transport.send(&call).await?;
    // A revoked application credential is not refused but "not found", unlike an address that is no Keystone.
    let unknown = answer.status == 404 && message_of(&answer.body).starts_with("Could not find");
    if answer.status == 401 || unknown {
        return Err(OpenStackError::WrongCredential { place: call.place() });
    }
    let answer = judge(&call, answer)?;
    let malformed = |cause: &str| OpenStackError::Malformed {
        place: call.place(),
        cause: cause.to_owned(),
    };
    let text = answer.headers.get("x-subject-token").and_then(|v| v.to_str().ok());
    let text = text.ok_or_else(|| malformed("没有返回令牌"))?;
    let Wrapped { token } = serde_json::from_slice(&answer.body).map_err(|e| malformed(&e.to_string()))?;
    let life_s = match (moment(&token.issued_at), moment(&token.expires_at)) {
        (Ok(from), Ok(to)) => u64::try_from(to.unix_s().saturating_sub(from.unix_s())).unwrap_or(0),
        _ => return Err(malformed("令牌的有效期无法识别")),
    };
    let Some(project) = token.project else {
        return Err(OpenStackError::Config {
            field: "credential",
            why: "账号没有登录到任何项目，请指定 project，或换用在项目中创建的应用凭证".to_owned(),
        });
    };
    let renew_at = began + usable(life_s);
    let roles = token.roles.into_iter().map(|r| r.name).collect();
    let grant = Grant {
        project_id: project.id,
        roles,
        catalogue: token.catalog,
    };
    Ok((
        Token {
            text: Secret::new(text),
            renew_at,
        },
        grant,
    ))
}

/// How long a token is used: all of its life but a tenth, at most five minutes. Both ends are told by Keystone's
/// clock, so ours does not matter.
fn usable(life_s: u64) -> Duration {
    Duration::from_secs(life_s - (life_s / 10).min(300))
}

/// The login, to the project of the credential or to another one by its id. An application credential cannot go to
/// another.
fn login_body(credential: &Credential, within: Option<&str>) -> Secret {
    let auth = match credential {
        Credential::Password {
            username,
            user_domain,
            password,
            project,
            project_domain,
        } => serde_json::json!({
            "identity": {"methods": ["password"], "password": {"user": {
                "name": username, "domain": {"name": user_domain}, "password": password.reveal()}}},
            "scope": {"project": match within {
                Some(id) => serde_json::json!({"id": id}),
                None => serde_json::json!({"name": project, "domain": {"name": project_domain}}),
            }},
        }),
        Credential::Application { id, secret } => serde_json::json!({
            "identity": {"methods": ["application_credential"],
                "application_credential": {"id": id, "secret": secret.reveal()}},
        }),
    };
    Secret::new(serde_json::json!({ "auth": auth }).to_string())
}

fn headers(endpoint: &Endpoint, token: &Secret) -> Vec<(&'static str, Secret)> {
    let mut headers = vec![("x-auth-token", token.clone())];
    if let Some(version) = endpoint.version.filter(|_| endpoint.negotiated) {
        match endpoint.service {
            Service::Compute => {
                headers.push(("openstack-api-version", Secret::new(format!("compute {version}"))));
                // Before 2.27 only this one is heeded.
                headers.push(("x-openstack-nova-api-version", Secret::new(version.to_string())));
            }
            Service::BlockStorage => {
                headers.push(("openstack-api-version", Secret::new(format!("volume {version}"))));
            }
            _ => {}
        }
    }
    headers
}

fn judge(call: &Call, answer: Answer) -> Result<Answer, OpenStackError> {
    let place = call.place();
    let message = message_of(&answer.body);
    let status = answer.status;
    match status {
        // Version documents come as "300 multiple choices".
        200..=300 => Ok(answer),
        401 => Err(OpenStackError::TokenRefused { place }),
        403 => Err(OpenStackError::Forbidden { place, message }),
        _ if passing(status) || status >= 500 => Err(OpenStackError::Broken {
            place,
            status,
            message,
            retries: answer.retries,
        }),
        _ => Err(OpenStackError::Refused { place, status, message }),
    }
}

/// What a service says in its error's body; each says it at another place.
fn message_of(body: &[u8]) -> String {
    const LONGEST: usize = 200;
    const NAMES: [&str; 4] = ["message", "description", "detail", "title"];
    fn search(value: &serde_json::Value, depth: u32) -> Option<&str> {
        let map = value.as_object()?;
        let here = NAMES.iter().find_map(|name| map.get(*name)?.as_str());
        here.or_else(|| (depth > 0).then(|| map.values().find_map(|v| search(v, depth - 1)))?)
    }
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = search(&value, 2).unwrap_or_default();
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::transport::tests::{answering, run, saying};
    use super::*;

    #[test]
    fn tokens_are_renewed_before_they_end() {
        assert_eq!(usable(3600).as_secs(), 3300);
        assert_eq!(usable(86_400).as_secs(), 86_100);
        assert_eq!(usable(60).as_secs(), 54);
        assert_eq!(usable(0).as_secs(), 0);
    }

    #[test]
    fn services_say_it_at_different_places() {
        for body in [
            r#"{"forbidden": {"code": 403, "message": "not  you\n"}}"#,
            r#"{"error": {"code": 403, "message": "not you", "title": "Forbidden"}}"#,
            r#"{"NeutronError": {"type": "X", "message": "not you", "detail": ""}}"#,
            r#"{"message": "not you"}"#,
            r#"{"code": 403, "description": "not you", "title": "Forbidden"}"#,
        ] {
            assert_eq!(message_of(body.as_bytes()), "not you", "{body}");
        }
        assert_eq!(message_of(b"<html>403</html>"), "");
        assert_eq!(
            message_of(format!(r#"{{"message": "{}"}}"#, "长".repeat(999)).as_bytes())
                .chars()
                .count(),
            200
        );
    }

    #[test]
    fn versions_go_along_only_where_they_are_negotiated() {
        let base = Url::parse("http://h/v2.1").unwrap();
        let version = Some(Microversion::new(2, 87));
        let compute = Endpoint {
            service: Service::Compute,
            base: base.clone(),
            version,
            negotiated: true,
        };
        let names: Vec<_> = headers(&compute, &Secret::new("t"))
            .into_iter()
            .map(|(n, v)| format!("{n}={}", v.reveal()))
            .collect();
        assert_eq!(
            names,
            [
                "x-auth-token=t",
                "openstack-api-version=compute 2.87",
                "x-openstack-nova-api-version=2.87"
            ]
        );
        let image = Endpoint {
            service: Service::Image,
            base,
            version,
            negotiated: false,
        };
        assert_eq!(headers(&image, &Secret::new("t")).len(), 1);
    }

    pub(in super::super) fn token(text: &str, life_s: i64) -> String {
        let issued: kernel::Instant = "2026-03-01T00:00:00Z".parse().unwrap();
        let body = serde_json::json!({"token": {"issued_at": issued, "expires_at": issued.plus_s(life_s),
            "project": {"id": "p"}, "roles": [{"name": "admin"}], "catalog": []}});
        saying(201, &format!("X-Subject-Token: {text}\r\n"), &body.to_string())
    }

    /// Logs in to a service that answers so and asks for one list; gives the outcome and what was asked.
    fn ask_once(answers: Vec<String>) -> (Result<u16, OpenStackError>, Vec<String>) {
        let (url, server) = answering(answers);
        let credential = Credential::Application {
            id: "a".into(),
            secret: Secret::new("b"),
        };
        let config = OpenStackConfig {
            backoff_ms: 1,
            ..OpenStackConfig::new(url, credential)
        };
        let outcome = run(async {
            let (session, _) = Session::open(&config).await?;
            let identity = session.identity();
            session
                .get(&identity, identity.at("/projects"))
                .await
                .map(|answer| answer.status)
        });
        let short = |head: String| {
            let line = head.split(" http/1.1").next().unwrap().to_owned();
            let token = head.lines().find_map(|l| l.strip_prefix("x-auth-token: "));
            token.map_or(line.clone(), |token| format!("{line} {token}"))
        };
        (outcome, server.join().unwrap().into_iter().map(short).collect())
    }

    const LOGIN: &str = "post /v3/auth/tokens";

    #[test]
    fn a_token_is_used_while_it_lasts() {
        let (outcome, asked) = ask_once(vec![token("one", 3600), saying(200, "", "{}")]);
        assert_eq!(outcome, Ok(200));
        assert_eq!(asked, [LOGIN, "get /v3/projects one"]);
    }

    #[test]
    fn a_token_that_ends_is_renewed_before_it_is_refused() {
        let (outcome, asked) = ask_once(vec![token("one", 0), token("two", 3600), saying(200, "", "{}")]);
        assert_eq!(outcome, Ok(200));
        assert_eq!(asked, [LOGIN, LOGIN, "get /v3/projects two"]);
    }

    #[test]
    fn a_refused_token_is_renewed_once() {
        let no = || saying(401, "", "{}");
        let (outcome, asked) = ask_once(vec![
            token("one", 3600),
            no(),
            token("two", 3600),
            saying(200, "", "{}"),
        ]);
        assert_eq!(outcome, Ok(200));
        assert_eq!(asked, [LOGIN, "get /v3/projects one", LOGIN, "get /v3/projects two"]);
        let (outcome, asked) = ask_once(vec![token("one", 3600), no(), token("two", 3600), no()]);
        assert!(
            matches!(outcome, Err(OpenStackError::TokenRefused { .. })),
            "{outcome:?}"
        );
        assert_eq!(asked.len(), 4);
    }

    #[test]
    fn a_wrong_password_is_sent_once() {
        let (outcome, asked) = ask_once(vec![saying(401, "", r#"{"error": {"code": 401}}"#)]);
        assert!(
            matches!(outcome, Err(OpenStackError::WrongCredential { .. })),
            "{outcome:?}"
        );
        assert_eq!(asked, [LOGIN]);
        let gone = r#"{"error": {"code": 404, "message": "Could not find Application Credential: a."}}"#;
        let (outcome, _) = ask_once(vec![saying(404, "", gone)]);
        assert!(
            matches!(outcome, Err(OpenStackError::WrongCredential { .. })),
            "{outcome:?}"
        );
        let (outcome, _) = ask_once(vec![saying(404, "", "<html>404</html>")]);
        assert!(
            matches!(outcome, Err(OpenStackError::Refused { status: 404, .. })),
            "{outcome:?}"
        );
    }
}
