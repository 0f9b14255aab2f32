//! Logging in and out, and one's own sessions.

use super::words::parsed;
use crate::idempotency::Given;
use crate::problem::Problem;
use crate::session::{Asker, cookie};
use crate::state::Api;
use app::accounts::{self, Credentials, LoggedOut, LoginOutcome};
use axum::Json;
use axum::extract::FromRequest;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(begin_session, list_sessions))
        .routes(routes!(end_session))
        .routes(routes!(revoke_session))
}

/// What somebody hands over to log in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    /// The login name.
    login: String,
    /// The password.
    password: String,
    /// The one-time code, if the account has them.
    code: Option<String>,
}

/// A login.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginView {
    /// The login name.
    login: String,
    /// The person's name.
    pub(super) name: String,
    /// Code of the organisation.
    organisation: String,
    /// When the session ends at the latest.
    expires: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionView {
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    begun: String,
    /// Last use, to the minute.
    seen: String,
    /// When it ends at the latest.
    expires: String,
    /// From where.
    address: String,
    /// With what.
    agent: String,
}

/// What is left of a login at the identity provider after logging out here.
#[derive(Debug, Serialize, ToSchema)]
struct LogoutView {
    /// Where the browser goes to be logged out at the identity provider too; none if there is no such address, or it is
    /// not known now.
    address: Option<String>,
    /// How it stands, in a sentence for whoever logged out.
    detail: &'static str,
}

impl LogoutView {
    /// None if nothing is left.
    fn of(left: LoggedOut) -> Option<Self> {
        let (address, detail) = match left {
            LoggedOut::Everywhere => return None,
            LoggedOut::GoingOn(address) => (
                Some(address),
                "已退出本平台。统一身份认证仍保持登录，请打开该地址一并退出",
            ),
            LoggedOut::NoPlace => (
                None,
                "已退出本平台。统一身份认证仍保持登录，且没有提供退出地址；使用公用电脑的，请到认证服务退出",
            ),
            LoggedOut::Unknown => (
                None,
                "已退出本平台。统一身份认证仍保持登录，暂时查不到其退出地址；使用公用电脑的，请稍后到认证服务退出",
            ),
        };
        Some(Self { address, detail })
    }
}

/// From where and with what somebody comes, if they do not come too often.
pub(super) fn comes_from(api: &Api, request: &Request) -> Result<(String, String), Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = api.address(request.headers(), peer);
    if !api.logins.admit(&address, api.ctx.now()) {
        let detail = "来自该地址的登录过于频繁，请一分钟后再试";
        return Err(Problem::coded(StatusCode::TOO_MANY_REQUESTS, "too_many_logins", detail));
    }
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    Ok((address, agent.to_owned()))
}

/// Log in
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = LoginBody,
    responses((status = 201, description = "Logged in; the session is in the cookie", body = LoginView)))]
async fn begin_session(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let (address, agent) = comes_from(&api, &request)?;
    let Given(body) = Given::<LoginBody>::from_request(request, &api).await?;
    let given = Credentials {
        login: body.login,
        password: body.password,
        code: body.code,
        address,
        agent,
    };
    let outcome = accounts::log_in(&api.ctx, given).await?;
    let (cookie, view) = logged_in(&api, outcome);
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(view)).into_response())
}

/// The cookie of a session that begins, and what is said about it.
pub(super) fn logged_in(api: &Api, outcome: LoginOutcome) -> (String, LoginView) {
    let left_s = outcome.expires.unix_s().saturating_sub(api.ctx.now().unix_s());
    let view = LoginView {
        login: outcome.account.login,
        name: outcome.account.name,
        organisation: outcome.account.organisation.to_string(),
        expires: outcome.expires.to_string(),
    };
    (cookie(&outcome.secret, left_s, api.edge.behind_proxy), view)
}

/// One's own sessions
#[utoipa::path(get, path = "/sessions", tag = "sessions",
    responses((status = 200, description = "The sessions, the newest first", body = Vec<SessionView>)))]
async fn list_sessions(asker: Asker) -> Result<Json<Vec<SessionView>>, Problem> {
    asker.in_person()?;
    let sessions = accounts::sessions(&asker.ctx, asker.who()?.account).await?;
    let views = sessions.into_iter().map(|session| SessionView {
        current: Some(session.id) == asker.session,
        id: session.id.to_string(),
        begun: session.created.to_string(),
        seen: session.seen.to_string(),
        expires: session.expires.to_string(),
        address: session.address,
        agent: session.agent,
    });
    Ok(Json(views.collect()))
}

/// Log out
#[utoipa::path(delete, path = "/sessions/current", tag = "sessions",
    responses((status = 200, description = "Logged out here; the session was begun at the identity provider, and goes on there", body = LogoutView),
        (status = 204, description = "Logged out")))]
async fn end_session(State(api): State<Api>, asker: Asker) -> Result<Response, Problem> {
    asker.in_person()?;
    let left = match asker.session {
        Some(session) => accounts::log_out(&asker.ctx, session).await?,
        None => LoggedOut::Everywhere,
    };
    let gone = [(header::SET_COOKIE, cookie("", 0, api.edge.behind_proxy))];
    Ok(match LogoutView::of(left) {
        Some(view) => (gone, Json(view)).into_response(),
        None => (StatusCode::NO_CONTENT, gone).into_response(),
    })
}

/// End one of one's own sessions
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "Id of the session")),
    responses((status = 204, description = "It is over")))]
async fn revoke_session(asker: Asker, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    asker.in_person()?;
    let account = asker.who()?.account;
    accounts::end_sessions(&asker.ctx, account, Some(parsed("id", &id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
