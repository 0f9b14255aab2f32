//! Talking with the provider: what it says of itself, the address to send a browser to, and the code for a token.

use crate::token::{Identified, KeyList, Wanted, verify};
use crate::{IdentityError, TokenFault};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kernel::Instant;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Certificate, Client, RequestBuilder, Url, redirect};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Mutex;

/// An answer longer than this is none. Units: bytes.
const ANSWER_MAX: usize = 1 << 20;
/// How long the provider is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the provider is reached, and who we are there.
#[derive(Clone)]
pub struct ProviderConfig {
    /// Its address, as it writes it itself.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// What proves that we are it.
    pub client_secret: String,
    /// Where it sends browsers back to.
    pub redirect_url: String,
    /// Where it sends browsers that were logged out there; none if they stay at the provider.
    pub post_logout_redirect_url: Option<String>,
    /// Certificates of its own, PEM; none for those of the system.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The secrets of one login.
#[derive(Debug, Clone, Copy)]
pub struct Challenge<'c> {
    /// What the provider repeats when it sends the browser back.
    pub state: &'c str,
    /// What stands in the token.
    pub nonce: &'c str,
    /// What only we can show for the code (PKCE): 43 to 128 letters and digits.
    pub verifier: &'c str,
}

/// What the provider says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    /// Where browsers are logged out; not every provider has such a place.
    end_session_endpoint: Option<String>,
}

/// What the provider gives for a code.
#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    error: String,
}

/// The city's identity provider.
#[derive(Debug)]
pub struct IdentityProvider {
    config: ProviderConfig,
    client: Client,
    known: Mutex<Option<(Metadata, KeyList)>>,
}

/// An address that may be spoken with: HTTPS, or this machine.
fn address(field: &'static str, text: &str) -> Result<Url, IdentityError> {
    let bad = |why: &str| IdentityError::Config {
        field,
        why: format!("{text} {why}"),
    };
    let url = Url::parse(text).map_err(|_| bad("不是地址"))?;
    let local = url
        .host_str()
        .is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        Ok(url)
    } else {
        Err(bad("应以 https:// 开头"))
    }
}

/// Pairs as a form sends them.
fn form(pairs: &[(&str, &str)]) -> String {
    let blank = Url::parse("https://form/");
    blank.map_or_else(
        |_| String::new(),
        |mut url| {
            url.query_pairs_mut().extend_pairs(pairs);
            url.query().unwrap_or_default().to_owned()
        },
    )
}

impl IdentityProvider {
    /// Knows how to reach the provider; nothing is asked yet. Errors: the configuration cannot be used.
    pub fn new(config: ProviderConfig) -> Result<Self, IdentityError> {
        address("issuer", &config.issuer)?;
        address("redirect_url", &config.redirect_url)?;
        if let Some(home) = &config.post_logout_redirect_url {
            address("post_logout_redirect_url", home)?;
        }
        if config.client_id.trim().is_empty() || config.client_secret.trim().is_empty() {
            let why = "不能为空".to_owned();
            return Err(IdentityError::Config {
                field: "client_id / secret_file",
                why,
            });
        }
        // Whoever installed a provider of cryptography before has decided for the whole process; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("yunheng/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE);
        if let Some(path) = &config.ca_file {
            let bad = |why: String| IdentityError::Config { field: "ca_file", why };
            let pem = std::fs::read(path).map_err(|error| bad(kernel::io_reason(&error)))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| bad(error.to_string()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| IdentityError::Config {
            field: "ca_file",
            why: error.to_string(),
        })?;
        let known = Mutex::new(None);
        Ok(Self { config, client, known })
    }

    /// Where to send a browser for a login.
    pub async fn login_address(&self, challenge: Challenge<'_>) -> Result<String, IdentityError> {
        let (metadata, _) = self.known().await?;
        let mut url = address("authorization_endpoint", &metadata.authorization_endpoint)?;
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, challenge.verifier.as_bytes()));
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("scope", "openid"),
            ("client_id", self.config.client_id.as_str()),
            ("redirect_uri", self.config.redirect_url.as_str()),
            ("state", challenge.state),
            ("nonce", challenge.nonce),
            ("code_challenge", hash.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    /// Where to send a browser to be logged out at the provider (OpenID Connect RP-Initiated Logout 1.0); none if the
    /// provider has no such place. No token of the person is kept, so no `id_token_hint` is sent: the provider asks
    /// whoever comes whether they want it.
    pub async fn logout_address(&self) -> Result<Option<String>, IdentityError> {
        let (metadata, _) = self.known().await?;
        let Some(endpoint) = &metadata.end_session_endpoint else {
            return Ok(None);
        };
        let mut url = address("end_session_endpoint", endpoint)?;
        let home = self.config.post_logout_redirect_url.as_deref();
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .extend_pairs(home.map(|home| ("post_logout_redirect_uri", home)));
        Ok(Some(url.into()))
    }

    /// Who somebody is that came back with a code. Errors: the provider does not give a token for it, or one that does
    /// not pass every check.
    pub async fn identify(
        &self,
        code: &str,
        challenge: Challenge<'_>,
        now: Instant,
    ) -> Result<Identified, IdentityError> {
        let (metadata, keys) = self.known().await?;
        let url = address("token_endpoint", &metadata.token_endpoint)?;
        let encoded = |text: &str| form(&[("", text)]).split_off(1);
        let basic = format!(
            "{}:{}",
            encoded(&self.config.client_id),
            encoded(&self.config.client_secret)
        );
        let body = form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.config.redirect_url),
            ("code_verifier", challenge.verifier),
        ]);
        let request = self
            .client
            .post(url)
            .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(basic)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let tokens: Tokens = asked(request).await?;
        let wanted = Wanted {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: challenge.nonce,
            now,
        };
        match verify(&tokens.id_token, &keys, wanted) {
            // The provider may have changed its keys since we asked.
            Err(TokenFault::Key | TokenFault::Signature) => {
                *self.known.lock().await = None;
                let (_, keys) = self.known().await?;
                Ok(verify(&tokens.id_token, &keys, wanted)?)
            }
            verified => Ok(verified?),
        }
    }

    /// What the provider says of itself, and its keys. They are asked for once, and again if a key is not among them.
    async fn known(&self) -> Result<(Metadata, KeyList), IdentityError> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let issuer = self.config.issuer.trim_end_matches('/');
        let url = address("issuer", &format!("{issuer}/.well-known/openid-configuration"))?;
        let metadata: Metadata = asked(self.client.get(url)).await?;
        if metadata.issuer != self.config.issuer {
            return Err(IdentityError::Answer("签发方与配置的 issuer 不一致".to_owned()));
        }
        let keys: KeyList = asked(self.client.get(address("jwks_uri", &metadata.jwks_uri)?)).await?;
        Ok(known.insert((metadata, keys)).clone())
    }
}

/// Asks, and reads the answer.
async fn asked<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, IdentityError> {
    let unreachable = |error: reqwest::Error| {
        let why = if error.is_timeout() { "超时" } else { "连接失败" };
        IdentityError::Unreachable(why.to_owned())
    };
    let mut response = request
        .header(ACCEPT, "application/json")
        .send()
        .await
        .map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_MAX {
            return Err(IdentityError::Answer("内容过长".to_owned()));
        }
    }
    if status.is_server_error() {
        return Err(IdentityError::Unreachable(format!("状态 {}", status.as_u16())));
    }
    if !status.is_success() {
        let why = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.error);
        return Err(match why.as_deref() {
            Ok("invalid_client") => IdentityError::Answer("client_id 或密钥不被接受".to_owned()),
            Ok(why) => IdentityError::Refused(why.to_owned()),
            Err(_) => IdentityError::Answer(format!("状态 {}", status.as_u16())),
        });
    }
    serde_json::from_slice(&body).map_err(|_| IdentityError::Answer("不是所要求的 JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ProviderConfig {
        ProviderConfig {
            issuer: "https://id.example".to_owned(),
            client_id: "yunheng".to_owned(),
            client_secret: "geheim".to_owned(),
            redirect_url: "https://cloud.example/api/v1/sessions/oidc/callback".to_owned(),
            post_logout_redirect_url: Some("https://cloud.example/".to_owned()),
            ca_file: None,
        }
    }

    #[test]
    fn only_https_is_spoken_with_other_machines() {
        let told = |issuer: &str| {
            let issuer = issuer.to_owned();
            IdentityProvider::new(ProviderConfig { issuer, ..config() }).map(|_| ())
        };
        assert!(told("https://id.example").is_ok() && told("http://127.0.0.1:9").is_ok());
        for bad in [
            "http://id.example",
            "ftp://127.0.0.1",
            "id.example",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(
                matches!(told(bad), Err(IdentityError::Config { field: "issuer", .. })),
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn a_browser_is_sent_to_log_out_where_the_provider_says() {
        let told = async |endpoint: Option<&str>, home: Option<&str>| {
            let provider = IdentityProvider::new(ProviderConfig {
                post_logout_redirect_url: home.map(str::to_owned),
                ..config()
            })
            .unwrap();
            let metadata = Metadata {
                issuer: "https://id.example".to_owned(),
                authorization_endpoint: "https://id.example/auth".to_owned(),
                token_endpoint: "https://id.example/token".to_owned(),
                jwks_uri: "https://id.example/jwks".to_owned(),
                end_session_endpoint: endpoint.map(str::to_owned),
            };
            *provider.known.lock().await = Some((metadata, KeyList::default()));
            provider.logout_address().await
        };
        assert_eq!(told(None, Some("https://cloud.example/")).await, Ok(None));
        let address = told(
            Some("https://id.example/end?realm=city"),
            Some("https://cloud.example/"),
        )
        .await;
        let expected = "https://id.example/end?realm=city&client_id=yunheng\
                        &post_logout_redirect_uri=https%3A%2F%2Fcloud.example%2F";
        assert_eq!(address, Ok(Some(expected.to_owned())));
        let address = told(Some("https://id.example/end"), None).await;
        assert_eq!(address, Ok(Some("https://id.example/end?client_id=yunheng".to_owned())));
        let plain = told(Some("http://id.example/end"), None).await;
        assert!(matches!(
            plain,
            Err(IdentityError::Config {
                field: "end_session_endpoint",
                ..
            })
        ));
    }

    #[test]
    fn secrets_are_encoded_and_never_shown() {
        assert_eq!(form(&[("a b", "ü&=+")]), "a+b=%C3%BC%26%3D%2B");
        assert!(!format!("{:?}", config()).contains("geheim"));
    }
}
