//! Signing in at an identity provider: OpenID Connect, authorisation code with PKCE, as the relying party.
//!
//! Owns what is asked of the provider and what of its answers is believed: the signature, the issuer, the audience, the
//! times and the nonce of the token. Owns no account, no session, no clock and no chance; stores nothing. Invariants: a
//! token is believed only after all of it was checked; only keys of the provider's own list count, and only algorithms
//! with a public key; nothing but HTTPS is spoken with a provider on another machine; no redirect is followed.

mod error;
mod provider;
mod token;

pub use error::{IdentityError, TokenFault};
pub use provider::{Challenge, IdentityProvider, ProviderConfig};
pub use token::{Identified, Key, KeyList, Wanted, verify};
