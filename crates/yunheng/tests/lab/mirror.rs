//! A lab whose answers can be altered: everything passes through one port of ours.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// How lists are altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Not at all.
    All,
    /// Nothing exists.
    Nothing,
    /// The first server is listed again at the end, in another state.
    FirstTwice,
}

/// The lab as it is seen through the mirror.
pub(crate) struct Mirror {
    /// Address of Keystone behind the mirror.
    pub(crate) auth_url: String,
    show: Arc<Mutex<Show>>,
    silence: Arc<Silence>,
}

/// A change that is carried out and never answered: what a program sees of it that dies at that moment.
#[derive(Debug)]
struct Silence {
    /// Changes left before it; negative: none is.
    left: AtomicI64,
    fell: Notify,
}

impl Mirror {
    /// In front of the services whose addresses are given; Keystone's comes first.
    pub(crate) fn new<'a>(auth_url: &str, urls: impl Iterator<Item = &'a String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let show = Arc::new(Mutex::new(Show::All));
        let silence = Arc::new(Silence {
            left: AtomicI64::new(-1),
            fell: Notify::new(),
        });
        let hosts: Vec<String> = urls.map(|url| host(url).to_owned()).collect();
        let through = |url: &str| url.replace(host(url), &format!("{own}/{}", port(host(url))));
        let mirror = Self {
            auth_url: through(auth_url),
            show: Arc::clone(&show),
            silence: Arc::clone(&silence),
        };
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (show, silence, hosts) = (Arc::clone(&show), Arc::clone(&silence), hosts.clone());
                let own = own.to_string();
                std::thread::spawn(move || pass(client.unwrap(), (&own, &hosts), &show, &silence));
            }
        });
        mirror
    }

    pub(crate) fn show(&self, show: Show) {
        *self.show.lock().unwrap() = show;
    }

    /// The change after so many more is not answered; a negative number: every one is.
    pub(crate) fn silent_after(&self, changes: i64) {
        self.silence.left.store(changes, Ordering::SeqCst);
    }

    /// Waits until a change was carried out and not answered.
    pub(crate) async fn fell_silent(&self) {
        self.silence.fell.notified().await;
    }
}

fn host(url: &str) -> &str {
    url.split('/').nth(2).unwrap()
}

fn port(host: &str) -> &str {
    host.rsplit(':').next().unwrap()
}

/// Passes one request on and its answer back. The first part of the path says which port it is for.
fn pass(mut client: TcpStream, (own, hosts): (&str, &[String]), show: &Mutex<Show>, silence: &Silence) {
    let Some((head, body)) = read_request(&mut client) else {
        return;
    };
    let (line, headers) = head.split_once("\r\n").unwrap();
    let (method, rest) = line.split_once(" /").unwrap();
    let (to, path) = rest.split_once('/').unwrap();
    let path = path.split(' ').next().unwrap();
    let host = hosts.iter().find(|host| port(host) == to).unwrap();
    let dropped = ["host:", "connection:", "accept-encoding:"];
    let kept = headers
        .lines()
        .filter(|line| !dropped.iter().any(|name| line.to_ascii_lowercase().starts_with(name)));
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    let mut server = TcpStream::connect(host).unwrap();
    // The old version of the protocol, so that answers come in one piece.
    write!(server, "{method} /{path} HTTP/1.0\r\nHost: {host}\r\n{kept}\r\n{body}").unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    let is_change = method != "GET" && !path.ends_with("/auth/tokens");
    if is_change && silence.left.fetch_sub(1, Ordering::SeqCst) == 0 {
        silence.fell.notify_one();
        // Neither an answer nor an end of the connection.
        std::mem::forget(client);
        return;
    }
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut body = altered(path, body, *show.lock().unwrap());
    for host in hosts {
        // With the end of the port: others may begin alike.
        for end in ['/', '"'] {
            body = body.replace(&format!("//{host}{end}"), &format!("//{own}/{}{end}", port(host)));
        }
    }
    let dropped = ["content-length:", "connection:"];
    let kept = head
        .lines()
        .filter(|line| !dropped.iter().any(|name| line.to_ascii_lowercase().starts_with(name)));
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    // A client that has gone needs no answer.
    let _ = write!(
        client,
        "{kept}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}

fn read_request(client: &mut TcpStream) -> Option<(String, String)> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let n = client.read(&mut part).ok().filter(|n| *n > 0)?;
        request.extend_from_slice(&part[..n]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

fn altered(path: &str, body: &str, show: Show) -> String {
    let (bare, query) = path.split_once('?').unwrap_or((path, ""));
    let lists = [
        ("/servers/detail", "servers"),
        ("/volumes/detail", "volumes"),
        ("/snapshots/detail", "snapshots"),
        ("/floatingips", "floatingips"),
        ("/images", "images"),
    ];
    let list = lists.iter().find(|(end, _)| bare.ends_with(end)).map(|(_, key)| *key);
    match (show, list) {
        (Show::Nothing, Some(key)) => json!({ key: [] }).to_string(),
        // Containers: a list without a name.
        (Show::Nothing, None) if bare.starts_with("v1/AUTH_") => "[]".to_owned(),
        (Show::FirstTwice, Some("servers")) if query.contains("deleted=False") => {
            let mut said: Value = serde_json::from_str(body).unwrap();
            let mut again = said["servers"][0].clone();
            let other = if again["status"] == "PAUSED" {
                "ACTIVE"
            } else {
                "PAUSED"
            };
            again["status"] = other.into();
            said["servers"].as_array_mut().unwrap().push(again);
            said.to_string()
        }
        _ => body.to_owned(),
    }
}
