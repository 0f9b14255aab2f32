//! Signed calls to webhooks.

use super::DeliveryError;
use kernel::Instant;
use reqwest::{Certificate, Client, Url, redirect};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The longest a receiver is waited for. Units: seconds.
const PATIENCE_S: u64 = 10;
/// Longest address. Units: bytes.
const ADDRESS_MAX: usize = 500;

/// What calls may go to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HooksConfig {
    /// Whether calls may go without TLS.
    pub plain_http: bool,
    /// Whether calls may go to this host itself.
    pub this_host: bool,
    /// Certificates of authorities to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// A call.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Its id; the same whenever it is made again.
    pub id: String,
    /// Where to.
    pub url: String,
    /// What kind of message it brings.
    pub event: String,
    /// When it is made; signed with it.
    pub at: Instant,
    /// The signature.
    pub signature: String,
    /// JSON.
    pub body: String,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes calls.
#[derive(Debug, Clone)]
pub struct Hooks {
    client: Client,
    config: HooksConfig,
}

/// Everything that is wrong with an address for calls; nothing if it can be used.
pub fn check_address(url: &str, config: &HooksConfig) -> Result<(), String> {
    if url.len() > ADDRESS_MAX {
        return Err(format!("地址不能超过 {ADDRESS_MAX} 个字符"));
    }
    let url = Url::parse(url).map_err(|_| "应为完整的地址，如 https://host.example/hook".to_owned())?;
    match url.scheme() {
        "https" => {}
        "http" if config.plain_http => {}
        "http" => return Err("应使用 https；确需明文时由系统管理员在配置 webhooks.plain_http 中放开".to_owned()),
        _ => return Err("应以 https:// 开头".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("地址中不能写账号或口令，请改用签名核对来源".to_owned());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let own = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    let literal = host.parse::<IpAddr>().ok();
    if (own || literal.is_some_and(is_this_host)) && !config.this_host {
        return Err("不能指向平台所在的主机".to_owned());
    }
    if literal.is_some_and(is_of_no_receiver) {
        return Err("该网络地址不能作为接收方".to_owned());
    }
    Ok(())
}

const fn is_this_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_unspecified(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.is_loopback() || v4.is_unspecified(),
            None => v6.is_loopback() || v6.is_unspecified(),
        },
    }
}

/// Link-local addresses are those of a host's own surroundings, such as the metadata service of a cloud.
const fn is_of_no_receiver(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
            None => v6.is_unicast_link_local() || v6.is_multicast(),
        },
    }
}

impl Hooks {
    /// By a configuration. Errors: a certificate cannot be used.
    pub fn new(config: HooksConfig) -> Result<Self, DeliveryError> {
        // Whoever installed a provider before has decided for the whole process; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("yunheng/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(PATIENCE_S));
        let bad = |why: String| DeliveryError::Config {
            field: "webhooks.ca_file",
            why,
        };
        if let Some(path) = &config.ca_file {
            let unusable = || bad(format!("无法使用 {}，应为 PEM 格式的 CA 证书", path.display()));
            let pem = std::fs::read(path).map_err(|_| unusable())?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| unusable())?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder
            .build()
            .map_err(|_| bad("无法建立 TLS 环境，请安装系统根证书或指定 webhooks.ca_file".to_owned()))?;
        Ok(Self { client, config })
    }

    /// What calls may go to.
    pub const fn config(&self) -> &HooksConfig {
        &self.config
    }

    /// Makes a call. Errors: the address may not be called any more, or the receiver did not take it this time.
    pub async fn send(&self, call: &Call) -> Result<(), DeliveryError> {
        check_address(&call.url, &self.config)
            .map_err(|why| DeliveryError::Refused(format!("回调地址不可用：{why}")))?;
        let request = self
            .client
            .post(&call.url)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("X-Yunheng-Delivery", &call.id)
            .header("X-Yunheng-Event", &call.event)
            .header("X-Yunheng-Timestamp", call.at.unix_s().to_string())
            .header("X-Yunheng-Signature", &call.signature)
            .body(call.body.clone());
        // Nothing of the error is passed on: it names the address.
        let response = request.send().await.map_err(|error| {
            let why = if error.is_timeout() {
                "接收方没有在限定时间内答复"
            } else {
                "无法连接接收方，或连接中断"
            };
            DeliveryError::Again(why.to_owned())
        })?;
        let status = response.status();
        match status.as_u16() {
            _ if status.is_success() => Ok(()),
            410 => Err(DeliveryError::Refused("接收方答复该地址已停用（410）".to_owned())),
            code => Err(DeliveryError::Again(format!("接收方答复 {code}，应为 2xx"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let strict = HooksConfig::default();
        let usable = |url: &str| check_address(url, &strict).is_ok();
        assert!(usable("https://hook.example.gov.cn/yunheng?x=1"));
        assert!(
            usable("https://10.1.2.3:8443/hook"),
            "networks of offices are private ones"
        );
        for bad in [
            "",
            "hook",
            "ftp://host/",
            "http://host/",
            "https://user:word@host/",
            "https://localhost/",
            "https://a.localhost/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://[fe80::1]/",
            "https://2130706433/",
        ] {
            assert!(!usable(bad), "{bad}");
        }
        let open = HooksConfig {
            plain_http: true,
            this_host: true,
            ca_file: None,
        };
        assert!(check_address("http://127.0.0.1:9000/x", &open).is_ok());
        assert!(check_address("http://169.254.169.254/x", &open).is_err());
    }
}
