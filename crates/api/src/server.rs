//! The server: what every request passes through, and starting and stopping it.

use crate::openapi;
use crate::problem::{Problem, REQUEST_ID};
use crate::rate::Rate;
use crate::state::{Api, Edge};
use crate::v1;
use app::OpContext;
use app::collect::{NoSecrets, NodeSecrets};
use app::statements::Renderer;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use kernel::ErrorKind;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use utoipa_swagger_ui::SwaggerUi;

/// Largest body of JSON. Units: bytes.
const BODY_MAX: usize = 1 << 20;
/// The longest a request may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest a file may take to come in, or to be made, and a node to be tried.
const PATIENCE_FOR_FILES: Duration = Duration::from_secs(600);

/// All operations, the document and its page, where no accounts of nodes are configured.
pub fn router(ctx: OpContext, renderer: Arc<Renderer>, edge: Edge) -> Router {
    router_with(ctx, renderer, edge, Arc::new(NoSecrets))
}

/// All operations, the document and its page. `secrets` knows the accounts of nodes.
pub fn router_with(ctx: OpContext, renderer: Arc<Renderer>, edge: Edge, secrets: Arc<dyn NodeSecrets>) -> Router {
    let api = Api {
        ctx,
        edge,
        logins: Arc::new(Rate::of_logins()),
        heavy: Arc::new(Rate::of_heavy()),
        requests: edge.requests_per_minute.map(|most| Arc::new(Rate::of(most))),
        renderer,
        secrets,
    };
    let document = openapi::document();
    let page = SwaggerUi::new("/docs").external_url_unchecked("/api/v1/openapi.json", document);
    let (operations, _) = v1::operations().split_for_parts();
    operations
        .with_state(api.clone())
        .merge(page)
        .fallback(async || Problem::new(ErrorKind::NotFound, "没有这个地址；请对照接口文档（/docs）核对"))
        .method_not_allowed_fallback(async || {
            let detail = "该地址不支持这种请求方法；请对照接口文档（/docs）核对";
            Problem::coded(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(api, edge_of_the_house))
}

/// What every request passes: an id, a limit of time, headers, one line of log without addresses' queries.
async fn edge_of_the_house(State(api): State<Api>, request: Request, next: Next) -> Response {
    let behind_proxy = api.edge.behind_proxy;
    let id: String = api.ctx.random().iter().map(|byte| format!("{byte:02x}")).collect();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // No database keeps a zero byte in a text.
    let has_zero = request.uri().to_string().contains("%00");
    let patience = patience(&method, &path, request.headers());
    let answer = REQUEST_ID.scope(id.clone(), async {
        if has_zero {
            return Problem::field("地址", "含有不可用的字符，请核对").into_response();
        }
        match tokio::time::timeout(patience, next.run(request)).await {
            // What the router itself refuses, such as a path that is no text.
            Ok(response) if response.status() == StatusCode::BAD_REQUEST && !is_problem(&response) => {
                Problem::field("地址", "无法识别，请对照接口文档（/docs）核对").into_response()
            }
            Ok(response) => response,
            Err(_) => Problem::new(ErrorKind::Unavailable, "处理超时，未完成的改动已撤销；请稍后重试").into_response(),
        }
    });
    let mut response = answer.await;
    tracing::info!(request = id, %method, path, status = response.status().as_u16(), "answered");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", value);
    }
    let of_tls = [("strict-transport-security", "max-age=31536000")];
    let of_tls = of_tls.iter().filter(|_| behind_proxy);
    for (name, value) in SECURITY.iter().chain(of_tls) {
        let name = HeaderName::from_static(name);
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "application/problem+json")
}

/// How long a request may take: files come in and are made slowly, nodes answer when they do, everything else is quick.
fn patience(method: &Method, path: &str, headers: &HeaderMap) -> Duration {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_file = *method == Method::POST && kind.is_some_and(|kind| !kind.starts_with("application/json"));
    let slow = [
        "/api/v1/charges",
        "/api/v1/exports",
        "/export",
        "/document",
        "/file",
        "/test",
        "/rerating",
    ];
    if is_file || slow.iter().any(|part| path.starts_with(part) || path.ends_with(part)) {
        PATIENCE_FOR_FILES
    } else {
        PATIENCE
    }
}

const SECURITY: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'self'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Serves until `stop`; requests that have begun are answered.
pub async fn serve(
    listener: tokio::net::TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_file_may_take_its_time() {
        let path = |path: &str| patience(&Method::GET, path, &HeaderMap::new());
        for slow in [
            "/api/v1/audit/export",
            "/api/v1/charges",
            "/api/v1/requests/SQ-1/file",
            "/api/v1/nodes/N1/test",
        ] {
            assert_eq!(path(slow), PATIENCE_FOR_FILES, "{slow}");
        }
        assert_eq!(path("/api/v1/audit/entries"), PATIENCE);
    }
}
