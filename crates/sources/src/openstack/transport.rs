//! One request and its answer: TLS, time-outs, retries with back-off.
//!
//! Owns when a request is sent again. Knows nothing of tokens or of what an answer means.

use super::config::Secret;
use super::{OpenStackConfig, OpenStackError, Place, Service};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, Url, redirect};
use std::error::Error as _;
use std::time::Duration;

/// An answer longer than this is not a list of anything.
const MOST_BYTES: usize = 256 << 20;
/// No service is waited for longer between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) method: Method,
    pub(super) body: Option<Secret>,
    /// Whether it may be sent again after a failure: sending it twice has the effect of sending it once.
    pub(super) repeatable: bool,
}

impl Call {
    pub(super) fn place(&self) -> Place {
        Place {
            service: self.service,
            url: self.url.to_string(),
        }
    }
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) retries: u32,
}

#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    retries: u32,
    backoff: Duration,
    timeout_s: u64,
}

impl Transport {
    pub(super) fn new(config: &OpenStackConfig) -> Result<Self, OpenStackError> {
        // Whoever installed a provider before has decided for the whole process; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Redirects are refused because the token's header would follow them to another host.
        let mut builder = Client::builder()
            .user_agent(concat!("yunheng/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(config.timeout_s.min(10)))
            .timeout(Duration::from_secs(config.timeout_s));
        if let Some(path) = &config.ca_file {
            let bad = |why: String| OpenStackError::Config {
                field: "ca_file",
                why: format!("无法使用 {} ({why})，应为 PEM 格式的 CA 证书", path.display()),
            };
            let pem = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| bad(chain(&e)))?;
            if certificates.is_empty() {
                return Err(bad("文件中没有证书".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|e| OpenStackError::Config {
            field: "ca_file",
            why: format!("无法建立 TLS 环境 ({})，请安装系统根证书或指定 ca_file", chain(&e)),
        })?;
        let backoff = Duration::from_millis(config.backoff_ms);
        Ok(Self {
            client,
            retries: config.retries,
            backoff,
            timeout_s: config.timeout_s,
        })
    }

    /// Sends a call, again if the reason of the failure may pass.
    ///
    /// Errors: no answer at all. An answer of any status is an answer.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, OpenStackError> {
        let mut tried = 0;
        loop {
            let outcome = self.once(call, tried).await;
            let wait = match &outcome {
                Ok(answer) if passing(answer.status) => wait(self.backoff, tried, asked_wait(&answer.headers)),
                Err(OpenStackError::Unreachable { .. } | OpenStackError::Timeout { .. }) => {
                    wait(self.backoff, tried, None)
                }
                _ => return outcome,
            };
            if tried >= self.retries || !call.repeatable {
                return outcome;
            }
            tried += 1;
            let status = outcome.as_ref().map_or(0, |answer| answer.status);
            tracing::warn!(
                service = call.service.word(),
                path = call.url.path(),
                status,
                tried,
                "asking again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, call: &Call, retries: u32) -> Result<Answer, OpenStackError> {
        let mut request = self.client.request(call.method.clone(), call.url.clone());
        request = request.header("Accept", "application/json");
        if let Some(body) = &call.body {
            let body = body.reveal().to_owned();
            request = request.header("Content-Type", "application/json").body(body);
        }
        for (name, value) in &call.headers {
            let mut value = HeaderValue::from_str(value.reveal())
                .map_err(|_| self.malformed(call, format!("{name} 含有不能发送的字符")))?;
            value.set_sensitive(true);
            request = request.header(HeaderName::from_static(name), value);
        }
        let mut response = request.send().await.map_err(|e| self.fault(call, &e))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|e| self.fault(call, &e))? {
            if body.len() + part.len() > MOST_BYTES {
                return Err(self.malformed(call, format!("应答超过 {} MiB", MOST_BYTES >> 20)));
            }
            body.extend_from_slice(&part);
        }
        tracing::debug!(
            service = call.service.word(),
            path = call.url.path(),
            status,
            bytes = body.len(),
            "asked"
        );
        Ok(Answer {
            status,
            headers,
            body,
            retries,
        })
    }

    fn fault(&self, call: &Call, error: &reqwest::Error) -> OpenStackError {
        let place = call.place();
        if let Some(cause) = untrusted(error) {
            return OpenStackError::TlsUntrusted { place, cause };
        }
        if error.is_timeout() {
            return OpenStackError::Timeout {
                place,
                timeout_s: self.timeout_s,
            };
        }
        OpenStackError::Unreachable {
            place,
            cause: chain(error),
        }
    }

    fn malformed(&self, call: &Call, cause: String) -> OpenStackError {
        OpenStackError::Malformed {
            place: call.place(),
            cause,
        }
    }
}

/// Whether a status may be another one a little later.
pub(super) const fn passing(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// The wait before try `tried + 1`: doubled each time, or what the service asked for if that is longer.
fn wait(backoff: Duration, tried: u32, asked: Option<Duration>) -> Duration {
    let own = backoff.saturating_mul(2_u32.saturating_pow(tried));
    own.max(asked.unwrap_or_default()).min(LONGEST_WAIT)
}

fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost reason, which is the one that names the cause; without the address, which stands beside it.
fn chain(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// What is wrong with the certificate, if that is the reason. An I/O error hides what it wraps from `source`.
fn untrusted(error: &reqwest::Error) -> Option<String> {
    let mut inner = error.source();
    while let Some(cause) = inner {
        if let Some(rustls::Error::InvalidCertificate(why)) = cause.downcast_ref() {
            return Some(why.to_string());
        }
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        inner = wrapped.map_or_else(|| cause.source(), |w| Some(w));
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Credential;
    use super::*;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread::JoinHandle;

    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/openstack/testdata/");

    fn config() -> OpenStackConfig {
        let credential = Credential::Application {
            id: "id".into(),
            secret: Secret::new("s3cret"),
        };
        OpenStackConfig {
            backoff_ms: 1,
            retries: 3,
            timeout_s: 20,
            ..OpenStackConfig::new("http://h", credential)
        }
    }

    fn call(url: &str) -> Call {
        let headers = vec![("x-auth-token", Secret::new("t0ken"))];
        Call {
            service: Service::Compute,
            url: Url::parse(url).unwrap(),
            headers,
            method: Method::GET,
            body: None,
            repeatable: true,
        }
    }

    pub(in super::super) fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    }

    fn read_head(stream: &mut impl Read) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// A service that gives these answers in turn, one a connection; then what it was asked.
    pub(in super::super) fn answering(texts: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let mut heads = Vec::new();
            for text in texts {
                let (mut stream, _) = listener.accept().unwrap();
                let head = read_head(&mut stream).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
                stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
                heads.push(head);
                stream.write_all(text.as_bytes()).unwrap();
            }
            heads
        });
        (url, server)
    }

    /// An answer as a service sends it.
    pub(in super::super) fn saying(status: u16, header: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status} X\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    }

    fn busy() -> String {
        saying(503, "Retry-After: 0\r\n", "")
    }

    fn fine() -> String {
        saying(200, "", "{}")
    }

    #[test]
    fn passing_faults_are_asked_again() {
        let cut_short = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{".to_owned();
        let (url, server) = answering(vec![busy(), saying(429, "", ""), cut_short, fine()]);
        let answer = run(Transport::new(&config()).unwrap().send(&call(&url))).unwrap();
        assert_eq!((answer.status, answer.retries), (200, 3));
        assert_eq!(answer.body, b"{}");
        let heads = server.join().unwrap();
        assert_eq!(heads.len(), 4);
        assert!(heads.iter().all(|h| h.contains("x-auth-token: t0ken")));
    }

    #[test]
    fn tries_are_bounded() {
        let (url, server) = answering(vec![busy(), busy(), busy(), busy()]);
        let answer = run(Transport::new(&config()).unwrap().send(&call(&url))).unwrap();
        assert_eq!((answer.status, answer.retries), (503, 3));
        assert_eq!(server.join().unwrap().len(), 4);
    }

    #[test]
    fn lasting_faults_are_not_asked_again() {
        for (status, header) in [(500, ""), (400, ""), (302, "Location: http://127.0.0.1:1/\r\n")] {
            let (url, server) = answering(vec![saying(status, header, "")]);
            let answer = run(Transport::new(&config()).unwrap().send(&call(&url))).unwrap();
            assert_eq!(answer.status, status);
            assert_eq!(server.join().unwrap().len(), 1);
        }
    }

    #[test]
    fn nobody_there() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = run(Transport::new(&config())
            .unwrap()
            .send(&call(&format!("http://127.0.0.1:{port}/v3"))))
        .unwrap_err();
        assert!(matches!(&error, OpenStackError::Unreachable { .. }), "{error}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("无法连接") && text.contains(&port.to_string()) && !text.contains("t0ken"),
            "{text}"
        );
    }

    #[test]
    fn waits_double_and_heed_the_service() {
        let base = Duration::from_millis(500);
        let waits: Vec<_> = (0..4).map(|n| wait(base, n, None).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000]);
        assert_eq!(wait(base, 0, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(wait(base, 3, Some(Duration::from_secs(1))), Duration::from_secs(4));
        assert_eq!(wait(base, 31, None), LONGEST_WAIT);
        assert_eq!(wait(base, 0, Some(Duration::from_secs(86_400))), LONGEST_WAIT);
    }

    fn tls_server(connections: usize) -> (String, JoinHandle<()>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain = CertificateDer::pem_file_iter(format!("{DATA}server.pem"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let key = PrivateKeyDer::from_pem_file(format!("{DATA}server.key")).unwrap();
        let settings = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let settings = Arc::new(settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/v3", listener.local_addr().unwrap().port());
        let server = std::thread::spawn(move || {
            for _ in 0..connections {
                let (stream, _) = listener.accept().unwrap();
                let session = rustls::ServerConnection::new(settings.clone()).unwrap();
                let mut stream = rustls::StreamOwned::new(session, stream);
                if read_head(&mut stream).ends_with("\r\n\r\n") {
                    stream.write_all(fine().as_bytes()).unwrap();
                }
            }
        });
        (url, server)
    }

    #[test]
    fn only_known_authorities_are_trusted() {
        let (url, server) = tls_server(2);
        let error = run(Transport::new(&config()).unwrap().send(&call(&url))).unwrap_err();
        assert!(matches!(&error, OpenStackError::TlsUntrusted { .. }), "{error}");
        assert!(error.to_string().contains("ca_file"));
        let trusting = OpenStackConfig {
            ca_file: Some(format!("{DATA}ca.pem").into()),
            ..config()
        };
        let answer = run(Transport::new(&trusting).unwrap().send(&call(&url))).unwrap();
        assert_eq!(answer.status, 200);
        server.join().unwrap();
    }

    #[test]
    fn a_certificate_is_for_one_name() {
        let (url, server) = tls_server(1);
        let trusting = OpenStackConfig {
            ca_file: Some(format!("{DATA}ca.pem").into()),
            ..config()
        };
        let other = url.replace("localhost", "127.0.0.1");
        let error = run(Transport::new(&trusting).unwrap().send(&call(&other))).unwrap_err();
        assert!(matches!(&error, OpenStackError::TlsUntrusted { .. }), "{error}");
        server.join().unwrap();
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        for file in ["server.key", "absent.pem"] {
            let config = OpenStackConfig {
                ca_file: Some(format!("{DATA}{file}").into()),
                ..config()
            };
            let error = Transport::new(&config).unwrap_err();
            assert!(
                matches!(&error, OpenStackError::Config { field: "ca_file", .. }),
                "{error}"
            );
        }
    }
}
