//! Accounts, kept by the system administrator.

use super::me::{MadeTokenView, NewTokenBody, TokenView};
use super::words::parsed;
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::accounts::{self, NewAccount};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use domain::authz::Account;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_accounts, make_account))
        .routes(routes!(make_link))
        .routes(routes!(change_state))
        .routes(routes!(unlock_account))
        .routes(routes!(revoke_sessions))
        .routes(routes!(list_service_tokens, make_service_token))
        .routes(routes!(revoke_service_token))
}

/// Which accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountQuery {
    /// Only of this organisation, by code.
    organisation: Option<String>,
    /// Only in this state: invited, active, disabled.
    state: Option<String>,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
struct AccountView {
    id: String,
    login: String,
    name: String,
    mail: Option<String>,
    organisation: String,
    /// person or service.
    sort: String,
    /// invited, active or disabled.
    state: String,
    /// Locked after failed logins, until then.
    locked_until: Option<String>,
    /// Whether one-time codes are asked for.
    has_totp: bool,
    made: String,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.to_string(),
            login: account.login,
            name: account.name,
            mail: account.mail,
            organisation: account.organisation.to_string(),
            sort: account.sort.word().to_owned(),
            state: account.state.word().to_owned(),
            locked_until: account.locked_until.map(|until| until.to_string()),
            has_totp: account.totp.is_some(),
            made: account.created.to_string(),
        }
    }
}

/// An account to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccountBody {
    /// Letters, digits, `.`, `_`, `-`.
    login: String,
    name: String,
    mail: Option<String>,
    /// Code of the organisation.
    organisation: String,
    /// person or service.
    sort: String,
    /// The subject at the city's identity provider.
    oidc_subject: Option<String>,
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
struct MadeAccountView {
    #[serde(flatten)]
    account: AccountView,
    /// What the one-time link ends in, for a person; null when the answer is repeated.
    secret: Option<String>,
}

/// A one-time link.
#[derive(Debug, Serialize, ToSchema)]
struct LinkView {
    /// What it ends in; null when the answer is repeated.
    secret: Option<String>,
}

/// Whether an account is in use.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StateBody {
    active: bool,
}

/// Accounts, by login name
#[utoipa::path(get, path = "/accounts", tag = "accounts", params(Paging, AccountQuery),
    responses((status = 200, description = "A page of accounts", body = Page<AccountView>)))]
async fn list_accounts(asker: Asker, Listed { filter, paging }: Listed<AccountQuery>) -> Result<Response, Problem> {
    let mut rows: Vec<AccountView> = accounts::list(&asker.ctx)
        .await?
        .into_iter()
        .map(AccountView::from)
        .collect();
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    rows.retain(|row| is(&filter.organisation, &row.organisation) && is(&filter.state, &row.state));
    paging.answer(rows, "id")
}

/// Make an account
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = NewAccountBody,
    responses((status = 201, description = "The account, and for a person a one-time link", body = MadeAccountView)))]
async fn make_account(change: Change<NewAccountBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: NewAccountBody| {
        let new = NewAccount {
            login: body.login,
            name: body.name,
            mail: body.mail,
            organisation: parsed("organisation", &body.organisation)?,
            sort: parsed("sort", &body.sort)?,
            oidc_subject: body.oidc_subject,
        };
        let (account, secret) = accounts::invite(&asker.ctx, new).await?;
        let account = AccountView::from(account);
        Ok(Answer::created(MadeAccountView { account, secret }))
    };
    change.once(make).await
}

/// Make another one-time link; sessions and tokens of the account end
#[utoipa::path(post, path = "/accounts/{id}/link", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 201, description = "The link", body = LinkView)))]
async fn make_link(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        let secret = Some(accounts::invite_again(&asker.ctx, parsed("id", &id)?).await?);
        Ok(Answer::created(LinkView { secret }))
    };
    change.once(make).await
}

/// Take an account out of use, or back into use
#[utoipa::path(post, path = "/accounts/{id}/state", tag = "accounts", request_body = StateBody,
    params(("id" = String, Path, description = "Id of the account")), responses((status = 204, description = "Done")))]
async fn change_state(Path(id): Path<String>, change: Change<StateBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: StateBody| {
        accounts::change_state(&asker.ctx, parsed("id", &id)?, body.active).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

/// End the lock of an account before its time
#[utoipa::path(post, path = "/accounts/{id}/unlock", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 204, description = "Unlocked")))]
async fn unlock_account(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        accounts::unlock(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

/// End all sessions and tokens of an account, by a security administrator
#[utoipa::path(delete, path = "/accounts/{id}/sessions", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 204, description = "Ended")))]
async fn revoke_sessions(asker: Asker, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    accounts::end_sessions(&asker.ctx, parsed("id", &id)?, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The tokens of a service account, for whoever speaks for its organisation
#[utoipa::path(get, path = "/accounts/{id}/tokens", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 200, description = "The tokens, the newest first", body = Vec<TokenView>)))]
async fn list_service_tokens(asker: Asker, Path(id): Path<String>) -> Result<Json<Vec<TokenView>>, Problem> {
    let tokens = accounts::service_tokens(&asker.ctx, parsed("id", &id)?).await?;
    Ok(Json(tokens.into_iter().map(TokenView::from).collect()))
}

/// Make a token for a service account; its secret is given out once
#[utoipa::path(post, path = "/accounts/{id}/tokens", tag = "accounts", request_body = NewTokenBody,
    params(("id" = String, Path, description = "Id of the account")),
    responses((status = 201, description = "The token", body = MadeTokenView)))]
async fn make_service_token(Path(id): Path<String>, change: Change<NewTokenBody>) -> Result<Response, Problem> {
    let make = async |asker: Asker, body: NewTokenBody| {
        let made = accounts::make_service_token(&asker.ctx, parsed("id", &id)?, body.read()?).await?;
        Ok(Answer::created(MadeTokenView::from(made)))
    };
    change.once(make).await
}

/// Take a token of a service account back
#[utoipa::path(delete, path = "/accounts/{id}/tokens/{token}", tag = "accounts",
    params(("id" = String, Path, description = "Id of the account"), ("token" = String, Path, description = "Id of the token")),
    responses((status = 204, description = "Taken back")))]
async fn revoke_service_token(asker: Asker, Path((id, token)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    accounts::revoke_service_token(&asker.ctx, parsed("id", &id)?, parsed("token", &token)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
