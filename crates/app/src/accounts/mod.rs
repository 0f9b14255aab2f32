//! Accounts: the first administrators, invitations, logging in, sessions, tokens, roles.
//!
//! Secrets (passwords, links, sessions, tokens) are given out once and stored as hashes or digests; none of them ever
//! stands in an audit entry or an error.

mod correct;
mod error;
mod first;
mod invite;
mod known;
mod login;
mod machine;
mod record;
mod release;
mod rescue;
mod roles;
mod secret;
mod sign_in;
mod tokens;

pub use correct::{Correction, correct};
pub use error::AccountError;
pub use first::{FirstLink, first_administrators};
pub use invite::{KnownAccount, NewAccount, accept_invitation, change_state, invite, invite_again, list, unlock};
pub(crate) use known::actor_of;
pub use known::{actor_of_session, actor_of_token};
pub use login::{
    Credentials, LoggedOut, LoginOutcome, NewCodes, change_password, end_sessions, log_in, log_out, sessions,
    set_up_totp,
};
pub use machine::{LOCAL_OPERATOR, at_the_machine};
pub use release::{clear_totp, release_link, release_subject};
pub use rescue::rescue;
pub use roles::{approve_role, end_role, propose_role, roles};
pub use sign_in::{
    Returned, SignInBegun, SignedIn, begin_sign_in, bind_subject, finish_sign_in, finish_with_code, unbind_own,
};
pub use store::ApiToken;
pub use tokens::{
    NewToken, make_service_token, make_token, revoke_service_token, revoke_token, service_tokens, token_by_login,
    tokens,
};
