//! Accounts, kept by the system administrator.

use super::me::{MadeTokenView, NewTokenBody, TokenView};
use super::words::parsed;
use crate::filter::Listed;
use crate::idempotency::{Answer, Change};
use crate::page::{Page, Paging};
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use app::accounts::{self, Correction, NewAccount};
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
        .routes(routes!(correct_account))
        .routes(routes!(make_link))
        .routes(routes!(release_link))
        .routes(routes!(release_subject))
        .routes(routes!(clear_totp))
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
    /// Login name of whoever asked for a one-time link that waits for its release; none if none does.
    link_asked_by: Option<String>,
    /// The subject that waits for its release; none if none does.
    subject_asked: Option<String>,
    /// Login name of whoever asked for it.
    subject_asked_by: Option<String>,
    made: String,
    /// What `If-Match` is when it is corrected.
    version: i64,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let (subject_asked, subject_asked_by) = account.asked_subject.map(|asked| (asked.subject, asked.by)).unzip();
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
            link_asked_by: None,
            subject_asked,
            subject_asked_by,
            made: account.created.to_string(),
            version: account.version,
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
    /// Whether a security administrator has to release it first, as the account was in use.
    needs_release: bool,
}

/// What is right about an account; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CorrectionBody {
    name: Option<String>,
    /// Empty to write to nobody.
    mail: Option<String>,
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
        .map(|known| AccountView {
            link_asked_by: known.link_asked_by,
            ..AccountView::from(known.account)
        })
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

/// Correct name and mail address of an account
#[utoipa::path(post, path = "/accounts/{id}", tag = "accounts", request_body = CorrectionBody,
    params(("id" = String, Path, description = "Id of the account"), ("If-Match" = String, Header, description = "The version that was read")),
    responses((status = 204, description = "Corrected")))]
async fn correct_account(Path(id): Path<String>, change: Change<CorrectionBody>) -> Result<Response, Problem> {
    let version = change.seen();
    let make = async |asker: Asker, body: CorrectionBody| {
        let right = Correction {
            name: body.name,
            mail: body.mail,
        };
        accounts::correct(&asker.ctx, (parsed("id", &id)?, version?), right).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

/// Make another one-time link; sessions and tokens end, and the link of an account that was in use waits for its release
#[utoipa::path(post, path = "/accounts/{id}/link", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 201, description = "The link", body = LinkView)))]
async fn make_link(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        let (secret, needs_release) = accounts::invite_again(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::created(LinkView {
            secret: Some(secret),
            needs_release,
        }))
    };
    change.once(make).await
}

/// Release the one-time link that somebody else asked for, by a security administrator
#[utoipa::path(post, path = "/accounts/{id}/link/release", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 204, description = "The link can be used")))]
async fn release_link(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        accounts::release_link(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

/// Bind the identity that somebody else asked for, by a security administrator; sessions and tokens of the account end
#[utoipa::path(post, path = "/accounts/{id}/oidc/release", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 204, description = "The identity is bound")))]
async fn release_subject(Path(id): Path<String>, change: Change<()>) -> Result<Response, Problem> {
    let make = async |asker: Asker, ()| {
        accounts::release_subject(&asker.ctx, parsed("id", &id)?).await?;
        Ok(Answer::done())
    };
    change.once(make).await
}

/// Clear the one-time codes of somebody who lost what makes them, by a security administrator; sessions and tokens end
#[utoipa::path(delete, path = "/accounts/{id}/totp", tag = "accounts", params(("id" = String, Path, description = "Id of the account")),
    responses((status = 204, description = "No codes are asked for")))]
async fn clear_totp(asker: Asker, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    accounts::clear_totp(&asker.ctx, parsed("id", &id)?).await?;
    Ok(StatusCode::NO_CONTENT)
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
