//! What every operation is given: the house, how the server stands towards the network, and what is counted.

use crate::rate::Rate;
use app::OpContext;
use app::collect::NodeSecrets;
use app::statements::Renderer;
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// How the server stands towards the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edge {
    /// Whether a proxy with TLS stands before it: cookies are for TLS only then, and the proxy's word about addresses
    /// is believed.
    pub behind_proxy: bool,
    /// Whether everything is demo data, which documents say then.
    pub is_demo: bool,
    /// How many requests one session or token may send in a minute; none for no limit.
    pub requests_per_minute: Option<u32>,
}

/// What every operation is given.
#[derive(Clone)]
pub(crate) struct Api {
    /// The house, for nobody in particular.
    pub(crate) ctx: OpContext,
    /// How the server stands towards the network.
    pub(crate) edge: Edge,
    /// Attempts to log in.
    pub(crate) logins: Arc<Rate>,
    /// Uploads, exports and other heavy work, by account.
    pub(crate) heavy: Arc<Rate>,
    /// Requests by session or token.
    pub(crate) requests: Option<Arc<Rate>>,
    /// Draws documents.
    pub(crate) renderer: Arc<Renderer>,
    /// Which accounts of nodes are configured.
    pub(crate) secrets: Arc<dyn NodeSecrets>,
}

impl Api {
    /// Where a request comes from.
    pub(crate) fn address(&self, headers: &HeaderMap, peer: Option<&ConnectInfo<SocketAddr>>) -> String {
        let mut lines = headers.get_all("x-forwarded-for").iter();
        let forwarded = lines.next_back().and_then(|line| line.to_str().ok());
        // The last one of the last line was added by the proxy itself; those before it anybody can write.
        let last = forwarded.and_then(|list| list.rsplit(',').next()).map(str::trim);
        match last.filter(|_| self.edge.behind_proxy) {
            Some(address) => address.to_owned(),
            None => peer.map_or_else(String::new, |peer| peer.0.ip().to_string()),
        }
    }
}
