//! Signing in at the city's identity provider, and binding an identity to an account.
//!
//! The browser that begins a login holds a cookie of its own until it ends. That cookie is sent when the provider sends
//! the browser back (`Lax`); the session's never is, so the answer is a page that goes on by itself.

use super::sessions::{LoginView, comes_from, logged_in};
use super::words::parsed;
use crate::filter::Filter;
use crate::idempotency::{Answer, Change, Given};
use crate::problem::Problem;
use crate::session::{Asker, SIGN_IN_COOKIE, sign_in_cookie, value_of};
use crate::state::Api;
use app::accounts::{self, Returned, SignedIn};
use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(begin_sign_in))
        .routes(routes!(finish_sign_in))
        .routes(routes!(finish_with_code))
        .routes(routes!(begin_binding, unbind_own))
        .routes(routes!(bind_account))
}

/// What the provider sends a browser back with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReturnQuery {
    /// What was sent there, repeated.
    #[serde(default)]
    state: String,
    /// The code; not there if the provider refused.
    code: Option<String>,
}

/// The one-time code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    code: String,
}

/// Where the browser goes to prove an identity.
#[derive(Debug, Serialize, ToSchema)]
struct BindingView {
    address: String,
}

/// An identity at the provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubjectBody {
    /// The provider's name for the person; null to take it away.
    subject: Option<String>,
}

/// A page that goes on to the platform by itself, as a page of its own: only then the browser sends the session.
fn going_on(words: &str) -> Html<String> {
    let words = escaped(words);
    Html(format!(
        "<!doctype html><html lang=\"zh\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url=/\">\
         <title>云衡</title><p>{words}</p><p><a href=\"/\">继续</a></p></html>\n"
    ))
}

/// Text for HTML: no letter of it is taken for a tag, a reference or the end of an attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// Begin a login at the identity provider
#[utoipa::path(get, path = "/sessions/oidc", tag = "sessions",
    responses((status = 303, description = "To the provider; the browser keeps a cookie until it comes back")))]
async fn begin_sign_in(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    comes_from(&api, &request)?;
    let begun = accounts::begin_sign_in(&api.ctx, None).await?;
    let cookie = sign_in_cookie(&begun.browser, begun.lasts_s, api.edge.behind_proxy);
    let headers = [(header::LOCATION, begun.address), (header::SET_COOKIE, cookie)];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Come back from the identity provider
#[utoipa::path(get, path = "/sessions/oidc/callback", tag = "sessions", params(ReturnQuery),
    responses((status = 200, description = "Logged in, bound, or asked for the one-time code; the session is in the cookie", body = String, content_type = "text/html")))]
async fn finish_sign_in(
    State(api): State<Api>,
    Filter(query): Filter<ReturnQuery>,
    request: Request,
) -> Result<Response, Problem> {
    let (address, agent) = comes_from(&api, &request)?;
    let given = Returned {
        state: query.state,
        code: query.code,
        browser: value_of(request.headers(), SIGN_IN_COOKIE)
            .unwrap_or_default()
            .to_owned(),
        address,
        agent,
    };
    let secure = api.edge.behind_proxy;
    let gone = [(header::SET_COOKIE, sign_in_cookie("", 0, secure))];
    match accounts::finish_sign_in(&api.ctx, given).await? {
        SignedIn::In(outcome) => {
            let (cookie, view) = logged_in(&api, *outcome);
            let mut response = (gone, going_on(&format!("{}，登录成功。", view.name))).into_response();
            if let Ok(cookie) = cookie.parse() {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        SignedIn::Bound(_) => Ok((gone, going_on("身份已绑定到您的账号。")).into_response()),
        SignedIn::CodeNeeded => {
            let detail = "该账号已启用动态口令，请填写动态口令以完成登录";
            Err(Problem::coded(StatusCode::UNAUTHORIZED, "code_needed", detail))
        }
    }
}

/// End a login at the identity provider with the one-time code, in the same browser
#[utoipa::path(post, path = "/sessions/oidc/code", tag = "sessions", request_body = CodeBody,
    responses((status = 201, description = "Logged in; the session is in the cookie", body = LoginView)))]
async fn finish_with_code(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let from = comes_from(&api, &request)?;
    let browser = value_of(request.headers(), SIGN_IN_COOKIE)
        .unwrap_or_default()
        .to_owned();
    let Given(body) = Given::<CodeBody>::from_request(request, &api).await?;
    let outcome = accounts::finish_with_code(&api.ctx, &browser, &body.code, from).await?;
    let (cookie, view) = logged_in(&api, outcome);
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(view)).into_response())
}

/// Begin to bind an identity to one's own account: the browser goes to the provider and comes back
#[utoipa::path(post, path = "/me/oidc", tag = "me",
    responses((status = 200, description = "Where to go; the browser keeps a cookie until it comes back", body = BindingView)))]
async fn begin_binding(State(api): State<Api>, asker: Asker) -> Result<Response, Problem> {
    asker.in_person()?;
    let begun = accounts::begin_sign_in(&asker.ctx, asker.session).await?;
    let cookie = sign_in_cookie(&begun.browser, begun.lasts_s, api.edge.behind_proxy);
    let view = BindingView { address: begun.address };
    Ok(([(header::SET_COOKIE, cookie)], Json(view)).into_response())
}

/// Take the identity away from one's own account
#[utoipa::path(delete, path = "/me/oidc", tag = "me", responses((status = 204, description = "No identity is bound")))]
async fn unbind_own(asker: Asker) -> Result<StatusCode, Problem> {
    asker.in_person()?;
    accounts::unbind_own(&asker.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bind an identity to an account, or take it away; one for an account that was in use waits for its release
#[utoipa::path(post, path = "/accounts/{id}/oidc", tag = "accounts", request_body = SubjectBody,
    params(("id" = String, Path, description = "Id of the account")), responses((status = 204, description = "Done")))]
async fn bind_account(Path(id): Path<String>, change: Change<SubjectBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: SubjectBody| {
        accounts::bind_subject(&asker.ctx, parsed("id", &id)?, body.subject.as_deref()).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_and_nothing_else() {
        let Html(page) = going_on("<script>alert('x')</script>&\"王某\"，登录成功。");
        let told = "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;王某&quot;，登录成功。</p>";
        assert!(page.contains(told), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }
}
