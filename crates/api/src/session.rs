//! Who asks: a session's cookie, or a token.

use crate::problem::Problem;
use crate::state::Api;
use app::OpContext;
use app::accounts::{actor_of_session, actor_of_token};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use domain::authz::{Action, Actor, Target};
use kernel::{Digest, ErrorKind, Kinded, SessionId};

/// The cookie of a login that is under way at the identity provider.
pub(crate) const SIGN_IN_COOKIE: &str = "yh_sign_in";
/// The cookie of a session.
const COOKIE: &str = "yh_session";
/// The header that no page of another origin can send: with a cookie, a change needs it.
pub(crate) const REQUEST_HEADER: &str = "x-yunheng-request";

/// Whoever asks, known by session or token.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The context of their operations.
    pub(crate) ctx: OpContext,
    /// Their session; none if they came by a token.
    pub(crate) session: Option<SessionId>,
}

impl Asker {
    /// Who it is.
    pub(crate) fn who(&self) -> Result<&Actor, Problem> {
        Ok(self.ctx.who()?)
    }

    /// For what a person does with their own account. Errors: a program asks, by token.
    pub(crate) fn in_person(&self) -> Result<(), Problem> {
        if self.session.is_some() {
            return Ok(());
        }
        let detail = "该操作只能由本人登录后办理，不能使用令牌";
        Err(Problem::coded(StatusCode::FORBIDDEN, "session_needed", detail))
    }

    /// Errors: they have done too much heavy work within a minute.
    pub(crate) fn pace(&self, api: &Api) -> Result<(), Problem> {
        let account = self.who()?.account.to_string();
        match api.heavy.admit(&account, self.ctx.now()) {
            true => Ok(()),
            false => Err(Problem::too_often()),
        }
    }

    /// Judges reading one thing. Whoever may not read it does not learn whether it exists.
    pub(crate) async fn may_see(&self, action: Action, target: &Target, what: &str) -> Result<(), Problem> {
        match self.ctx.authorise(action, target).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Forbidden => Err(Problem::not_found(what, &target.id)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The header that gives a browser its session, or takes it.
pub(crate) fn cookie(secret: &str, max_age_s: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}")
}

/// The header that gives a browser what it keeps while it is at the identity provider, or takes it. It must come along
/// when the provider sends the browser back, so it is not `Strict` as the session's is.
pub(crate) fn sign_in_cookie(secret: &str, max_age_s: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let path = "/api/v1/sessions/oidc";
    format!("{SIGN_IN_COOKIE}={secret}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}")
}

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    value_of(headers, COOKIE)
}

/// The value of a cookie.
pub(crate) fn value_of<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl FromRequestParts<Api> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(asker) = parts.extensions.get::<Self>() {
            return Ok(asker.clone());
        }
        let asker = Self::of(parts, api).await?;
        parts.extensions.insert(asker.clone());
        Ok(asker)
    }
}

impl Asker {
    async fn of(parts: &Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(token) = token_of(&parts.headers) {
            let actor = actor_of_token(&api.ctx, token).await?;
            often(api, token)?;
            return Ok(Self {
                ctx: api.ctx.acting(actor),
                session: None,
            });
        }
        let Some(secret) = cookie_of(&parts.headers) else {
            return Err(Problem::new(ErrorKind::Unauthenticated, "请先登录，或在请求中提供令牌"));
        };
        if !parts.method.is_safe() && parts.headers.get(REQUEST_HEADER).is_none_or(|value| value != "1") {
            let detail = "请求缺少 X-Yunheng-Request: 1，已拒绝；请从本平台页面操作，或改用令牌";
            return Err(Problem::coded(StatusCode::FORBIDDEN, "foreign_origin", detail));
        }
        let (actor, session) = actor_of_session(&api.ctx, secret).await?;
        often(api, secret)?;
        Ok(Self {
            ctx: api.ctx.acting(actor),
            session: Some(session),
        })
    }
}

/// Counts a request by its secret, once that is known to be real: what anybody makes up uses up nobody's allowance and no
/// memory. Errors: too many came with it within a minute. The secret is remembered by its digest only.
fn often(api: &Api, secret: &str) -> Result<(), Problem> {
    let name = Digest::of(secret.as_bytes()).to_string();
    match &api.requests {
        Some(rate) if !rate.admit(&name, api.ctx.now()) => Err(Problem::too_often()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; yh_session=yhs_1 ; b=2"));
        assert_eq!(cookie_of(&headers), Some("yhs_1"));
        headers.clear();
        headers.append(header::COOKIE, HeaderValue::from_static("x_yh_session=yhs_1"));
        assert_eq!(cookie_of(&headers), None);
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let text = cookie("s", 10, true);
        assert!(text.contains("HttpOnly") && text.contains("SameSite=Strict") && text.ends_with("; Secure"));
        assert!(!cookie("s", 10, false).contains("Secure"));
    }
}
