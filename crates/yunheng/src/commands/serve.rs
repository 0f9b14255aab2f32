//! The HTTP API.

use crate::cli::ServeArgs;
use crate::exit::{Failure, INTERNAL, UNAVAILABLE};
use crate::wiring::Setting;
use kernel::io_reason;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

/// Where it listens if nobody says.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// `serve`: until somebody stops it; what has begun is finished.
pub(crate) async fn run(setting: &Setting, arguments: &ServeArgs) -> Result<(), Failure> {
    let ctx = setting.open().await?;
    let edge = api::Edge {
        behind_proxy: setting.config.serve.behind_proxy,
        is_demo: setting.data.join(super::demo::MARK).exists(),
    };
    let renderer = documents::Renderer::new(setting.config.load_fonts(&setting.data)?)?;
    let address = arguments.listen.or(setting.config.serve.listen).unwrap_or(LISTEN);
    let refused =
        |error: std::io::Error| Failure::new(UNAVAILABLE, format!("无法监听 {address}: {}", io_reason(&error)));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(refused)?;
    let at = listener.local_addr().map_err(refused)?;
    say(&format!("接口服务已启动：http://{at}/api/v1，文档 http://{at}/docs"))?;
    let router = api::router(ctx, Arc::new(renderer), edge);
    api::serve(listener, router, stopped()).await.map_err(refused)
}

/// `openapi`: the document.
pub(crate) fn document() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&api::document());
    say(&text.map_err(|error| Failure::new(INTERNAL, error.to_string()))?)
}

fn say(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        // Whoever reads stopped reading (`| head`): nothing to complain about.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(INTERNAL, error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// Ends when somebody presses Ctrl-C, or the host ends the service.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}
