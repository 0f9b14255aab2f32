//! The HTTP API, and the background work beside it.

use super::worker::Team;
use crate::cli::ServeArgs;
use crate::config::Config;
use crate::exit::{Failure, INTERNAL, INVALID, UNAVAILABLE};
use crate::output::say;
use crate::stop::until_stopped;
use crate::wiring::Setting;
use app::jobs::Stop;
use kernel::io_reason;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where it listens if nobody says.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// How many requests one session or token may send in a minute if nobody says.
const REQUESTS_PER_MINUTE: u32 = 6_000;

/// `serve`: until somebody stops it; requests that have begun, and the steps in hand, are finished.
pub(crate) async fn run(setting: &Setting, arguments: &ServeArgs) -> Result<(), Failure> {
    let ctx = setting.open_house().await?;
    super::worker::forget_leftovers(&ctx);
    // Read now, not by everybody who comes first; and a faulty one is said now.
    ctx.policies()?;
    let ctx = match &setting.config.oidc {
        Some(section) => {
            let provider = section.provider();
            ctx.with_identity_provider(provider.map_err(|why| Failure::new(INVALID, why))?)
        }
        None => ctx,
    };
    let edge = api::Edge {
        behind_proxy: setting.config.serve.behind_proxy,
        is_demo: setting.data.join(super::demo::MARK).exists(),
        requests_per_minute: {
            let most = setting.config.serve.requests_per_minute;
            Some(most.unwrap_or(REQUESTS_PER_MINUTE)).filter(|most| *most > 0)
        },
    };
    let renderer = documents::Renderer::new(setting.config.load_fonts()?)?;
    // Before it says that it has started: what cannot be used of the configuration ends it here.
    let team = match setting.config.serve.worker {
        Some(false) => None,
        None | Some(true) => Some(Team::of(setting)?),
    };
    let address = arguments.listen.or(setting.config.serve.listen).unwrap_or(LISTEN);
    let refused =
        |error: std::io::Error| Failure::new(UNAVAILABLE, format!("无法监听 {address}: {}", io_reason(&error)));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(refused)?;
    let at = listener.local_addr().map_err(refused)?;
    say(&format!("接口服务已启动：http://{at}/api/v1，文档 http://{at}/docs"))?;
    let stop = Stop::default();
    let secrets = Arc::<Config>::clone(&setting.config);
    let router = api::router_with(ctx.clone(), Arc::new(renderer), edge, secrets);
    let serving = api::serve(listener, router, until_stopped(stop.clone()));
    let working = async {
        match team {
            Some(team) => team.work(&ctx, &stop).await,
            None => Ok(()),
        }
    };
    let (served, worked) = tokio::join!(serving, working);
    served.map_err(refused)?;
    worked
}

/// `openapi`: the document.
pub(crate) fn document() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&api::document());
    say(&text.map_err(|error| Failure::new(INTERNAL, error.to_string()))?)
}
