//! A connection that sends one request after the other and reads each answer to its end.

use super::ground::Task;
use crate::BenchError;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A request to read something.
pub(super) fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// A request to agree to a task.
pub(super) fn decision(task: &Task, token: &str) -> String {
    let body = json!({ "act": "agree", "task": task.task, "opinion": "同意" }).to_string();
    format!(
        "POST /api/v1/requests/{number}/decisions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nidempotency-key: bench-{number}\r\nif-match: \"{version}\"\r\n\
         content-length: {length}\r\n\r\n{body}",
        number = task.number,
        version = task.version,
        length = body.len()
    )
}

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    pub(super) async fn connect(address: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|source| BenchError::file(address, source))?;
        stream
            .set_nodelay(true)
            .map_err(|source| BenchError::file(address, source))?;
        Ok(Self {
            stream: BufReader::new(stream),
            address: address.to_owned(),
        })
    }

    /// Sends a request and reads its answer. Errors: it is not a success.
    pub(super) async fn send(&mut self, request: &str) -> Result<(), BenchError> {
        let address = self.address.clone();
        let broken = |source| BenchError::file(&address, source);
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .await
            .map_err(broken)?;
        let (mut line, mut status, mut length) = (String::new(), String::new(), 0_usize);
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.map_err(broken)?;
            let text = line.trim_end();
            if status.is_empty() {
                text.clone_into(&mut status);
            }
            if text.is_empty() {
                break;
            }
            let lower = text.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.map_err(broken)?;
        if status.contains(" 20") {
            return Ok(());
        }
        Err(BenchError::Input {
            path: request.lines().next().unwrap_or_default().to_owned(),
            what: format!("{status}: {}", String::from_utf8_lossy(&body)),
        })
    }
}
