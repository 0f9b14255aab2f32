//! Over a real socket: the server answers, serves its document offline, and stops when told.

use super::desk::Desk;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_and_stops() {
    let desk = Desk::new(test_support::sqlite().await).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(api::serve(listener, desk.router.clone(), async {
        let _ = stopped.await;
    }));
    let health = ask(address, "/api/v1/health").await;
    assert!(
        health.starts_with("HTTP/1.1 200") && health.contains("x-request-id"),
        "{health}"
    );
    assert!(ask(address, "/api/v1/me").await.starts_with("HTTP/1.1 401"));
    let document = ask(address, "/api/v1/openapi.json").await;
    assert!(document.contains("\"openapi\":\"3.1.0\""));
    let page = ask(address, "/docs/").await;
    assert!(page.starts_with("HTTP/1.1 200") && !page.contains("https://"), "{page}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
