//! A mail server and a receiver of calls, on sockets of this machine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A letter as it came.
#[derive(Debug, Clone)]
pub struct Came {
    pub to: String,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

/// Takes letters. It answers each receiver with the next code it was given, 250 if there is none.
#[derive(Debug, Clone)]
pub struct MailServer {
    pub port: u16,
    codes: Arc<Mutex<VecDeque<u16>>>,
    came: Arc<Mutex<Vec<Came>>>,
}

impl MailServer {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            codes: Arc::default(),
            came: Arc::default(),
        };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = own.talk(stream).await;
            }
        });
        server
    }

    /// How the next receivers are answered; 0 hangs up.
    pub fn answers(&self, codes: &[u16]) {
        self.codes.lock().unwrap().extend(codes);
    }

    pub fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mail.test ESMTP\r\n").await?;
        let (mut to, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let word = line.split([' ', ':']).next().unwrap_or_default().trim().to_uppercase();
            let answer = match word.as_str() {
                "EHLO" => "250-mail.test\r\n250 8BITMIME\r\n".to_owned(),
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    match self.codes.lock().unwrap().pop_front() {
                        Some(0) => return Ok(()),
                        Some(code) => format!("{code} <{to}> says the server\r\n"),
                        None => "250 ok\r\n".to_owned(),
                    }
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let mut raw = String::new();
                    while !raw.ends_with("\r\n.\r\n") {
                        stream.read_line(&mut raw).await?;
                    }
                    self.came.lock().unwrap().push(read(&to, &raw));
                    "250 taken\r\n".to_owned()
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "250 ok\r\n".to_owned(),
            };
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

/// Takes a letter apart: headers by name in lower case, encoded words and text decoded.
fn read(to: &str, raw: &str) -> Came {
    let raw = raw.trim_end_matches("\r\n.\r\n").replace("\r\n ", " ");
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), decoded_words(value.trim())))
    };
    let headers: BTreeMap<String, String> = head.lines().filter_map(header).collect();
    let text = match headers.get("content-transfer-encoding").map(String::as_str) {
        Some("base64") => text_of(base64(body)),
        Some("quoted-printable") => text_of(quoted(body)),
        _ => body.to_owned(),
    };
    Came {
        to: to.to_owned(),
        headers,
        text: text.replace("\r\n", "\n"),
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Blanks between two encoded words are none of the text; all others are.
fn decoded_words(value: &str) -> String {
    let (mut bytes, mut was_encoded) = (Vec::new(), true);
    for part in value.split(' ') {
        let word = part.strip_prefix("=?utf-8?b?").and_then(|part| part.strip_suffix("?="));
        if !(bytes.is_empty() || (was_encoded && word.is_some())) {
            bytes.push(b' ');
        }
        was_encoded = word.is_some();
        match word {
            Some(word) => bytes.extend(base64(word)),
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    text_of(bytes)
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.chars().filter_map(|c| LETTERS.find(c)) {
        bits = (bits << 6) | u32::try_from(letter).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}

fn quoted(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut parts = text.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Called {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Takes calls. It answers each with the next status it was given, 200 if there is none; 0 hangs up.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub url: String,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    came: Arc<Mutex<Vec<Called>>>,
}

impl Receiver {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook?key=abc", listener.local_addr().unwrap()),
            statuses: Arc::default(),
            came: Arc::default(),
        };
        let own = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = own.talk(stream).await;
            }
        });
        receiver
    }

    pub fn answers(&self, statuses: &[u16]) {
        self.statuses.lock().unwrap().extend(statuses);
    }

    pub fn came(&self) -> Vec<Called> {
        self.came.lock().unwrap().clone()
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
        }
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        self.came.lock().unwrap().push(Called {
            headers,
            body: text_of(body),
        });
        let status = self.statuses.lock().unwrap().pop_front().unwrap_or(200);
        if status == 0 {
            return Ok(());
        }
        let location = if status == 302 { "Location: /elsewhere\r\n" } else { "" };
        let answer = format!("HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await
    }
}
