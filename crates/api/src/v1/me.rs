//! Who I am: my account, password, one-time codes and tokens.

use super::words::parsed;
use crate::idempotency::{Answer, Change};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::accounts::{self, ApiToken, NewCodes, NewToken};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::authz::Action;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(show_me))
        .routes(routes!(change_password))
        .routes(routes!(set_up_totp))
        .routes(routes!(list_tokens, make_token))
        .routes(routes!(revoke_token))
}

/// Whoever asks.
#[derive(Debug, Serialize, ToSchema)]
struct MeView {
    id: String,
    login: String,
    /// Code of the organisation.
    organisation: String,
    /// Its side.
    side: String,
    roles: Vec<RoleName>,
    /// The only actions a token may ask for; none for a session.
    scope: Option<Vec<String>>,
}

/// A role by word and name.
#[derive(Debug, Serialize, ToSchema)]
struct RoleName {
    code: String,
    name: String,
}

/// A password to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    old: String,
    new: String,
}

/// A confirmation of one-time codes; empty to get a new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TotpBody {
    /// The secret that was given out.
    secret: String,
    /// A code made from it.
    code: String,
    /// A code of those that are asked for so far; needed if there are.
    old_code: Option<String>,
}

/// A secret of one-time codes.
#[derive(Debug, Serialize, ToSchema)]
struct TotpView {
    /// Base 32, given out once.
    secret: Option<String>,
    /// Whether codes are asked for from now on.
    confirmed: bool,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenBody {
    /// What it is for.
    name: String,
    /// The actions it may ask for, as `request.read`.
    scope: Vec<String>,
    /// How long it is good for. Units: days.
    days: i64,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    id: String,
    name: String,
    scope: Vec<String>,
    made: String,
    expires: String,
    /// When it was taken back.
    revoked: Option<String>,
}

/// A new token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeTokenView {
    #[serde(flatten)]
    token: TokenView,
    /// Given out once; null when the answer is repeated.
    secret: Option<String>,
}

impl NewTokenBody {
    /// What is asked for.
    pub(super) fn read(self) -> Result<NewToken, Problem> {
        let scope = self.scope.iter().map(|word| parsed::<Action>("scope", word));
        Ok(NewToken {
            name: self.name,
            scope: scope.collect::<Result<_, _>>()?,
            days: self.days,
        })
    }
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            scope: token.scope.split_whitespace().map(str::to_owned).collect(),
            made: token.created.to_string(),
            expires: token.expires.to_string(),
            revoked: token.revoked.map(|at| at.to_string()),
        }
    }
}

impl From<(ApiToken, String)> for MadeTokenView {
    fn from((token, secret): (ApiToken, String)) -> Self {
        Self {
            token: token.into(),
            secret: Some(secret),
        }
    }
}

/// Who asks
#[utoipa::path(get, path = "/me", tag = "me", responses((status = 200, description = "Whoever asks", body = MeView)))]
async fn show_me(asker: Asker) -> Result<Json<MeView>, Problem> {
    let who = asker.who()?;
    let roles = who.roles.iter().map(|role| RoleName {
        code: role.word().to_owned(),
        name: role.zh().to_owned(),
    });
    let scope = who.scope.as_ref();
    Ok(Json(MeView {
        id: who.account.to_string(),
        login: who.login.clone(),
        organisation: who.organisation.to_string(),
        side: who.side.word().to_owned(),
        roles: roles.collect(),
        scope: scope.map(|scope| scope.iter().map(|action| action.word().to_owned()).collect()),
    }))
}

/// Change one's own password; all other sessions end
#[utoipa::path(post, path = "/me/password", tag = "me", request_body = PasswordBody,
    responses((status = 204, description = "Changed")))]
async fn change_password(change: Change<PasswordBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: PasswordBody| {
        asker.in_person()?;
        accounts::change_password(&asker.ctx, &body.old, &body.new, asker.session).await?;
        Ok(Answer::done())
    };
    change.unseen().once(make).await
}

/// Set up one-time codes: without content for a new secret, with secret, code and a code of the old ones to confirm it
#[utoipa::path(post, path = "/me/totp", tag = "me", request_body = Option<TotpBody>,
    responses((status = 200, description = "A new secret, or the confirmation", body = TotpView)))]
async fn set_up_totp(change: Change<Option<TotpBody>>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: Option<TotpBody>| {
        asker.in_person()?;
        let confirmed = body.as_ref().map(|body| NewCodes {
            secret: &body.secret,
            code: &body.code,
            old_code: body.old_code.as_deref(),
        });
        let secret = accounts::set_up_totp(&asker.ctx, confirmed).await?;
        Ok(Answer::ok(TotpView {
            confirmed: confirmed.is_some(),
            secret: confirmed.is_none().then_some(secret),
        }))
    };
    change.once(make).await
}

/// One's own tokens
#[utoipa::path(get, path = "/me/tokens", tag = "me",
    responses((status = 200, description = "The tokens, the newest first", body = Vec<TokenView>)))]
async fn list_tokens(asker: Asker) -> Result<Json<Vec<TokenView>>, Problem> {
    let tokens = accounts::tokens(&asker.ctx).await?;
    Ok(Json(tokens.into_iter().map(TokenView::from).collect()))
}

/// Make a token; its secret is given out once
#[utoipa::path(post, path = "/me/tokens", tag = "me", request_body = NewTokenBody,
    responses((status = 201, description = "The token", body = MadeTokenView)))]
async fn make_token(change: Change<NewTokenBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: NewTokenBody| {
        let made = accounts::make_token(&asker.ctx, body.read()?).await?;
        Ok(Answer::created(MadeTokenView::from(made)))
    };
    change.once(make).await
}

/// Take one of one's own tokens back
#[utoipa::path(delete, path = "/me/tokens/{id}", tag = "me", params(("id" = String, Path, description = "Id of the token")),
    responses((status = 204, description = "Taken back")))]
async fn revoke_token(asker: Asker, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    accounts::revoke_token(&asker.ctx, parsed("id", &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
