//! The configuration of the city's identity provider.

use identity::{IdentityProvider, ProviderConfig};
use kernel::io_reason;
use serde::Deserialize;
use std::path::PathBuf;

/// `[oidc]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcSection {
    issuer: String,
    client_id: String,
    secret_file: PathBuf,
    redirect_url: String,
    post_logout_redirect_url: Option<String>,
    ca_file: Option<PathBuf>,
}

impl OidcSection {
    /// Its paths.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.secret_file).chain(&mut self.ca_file)
    }

    /// The provider. Errors: the section cannot be used.
    pub(crate) fn provider(&self) -> Result<IdentityProvider, String> {
        let path = &self.secret_file;
        let secret = std::fs::read_to_string(path)
            .map_err(|error| format!("[oidc] 无法读取 {}: {}", path.display(), io_reason(&error)))?;
        let provider = IdentityProvider::new(ProviderConfig {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: secret.trim().to_owned(),
            redirect_url: self.redirect_url.clone(),
            post_logout_redirect_url: self.post_logout_redirect_url.clone(),
            ca_file: self.ca_file.clone(),
        });
        provider.map_err(|why| why.to_string())
    }
}
