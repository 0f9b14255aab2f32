//! Letters over SMTP.

use super::DeliveryError;
use kernel::Instant;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The longest a server is waited for. Units: seconds.
const PATIENCE_S: u64 = 30;

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailSecurity {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// TLS after a greeting, never without.
    StartTls,
    /// None: for a server on the same host or in a network of its own.
    Plain,
}

/// Where mail goes out.
#[derive(Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// Name of the server.
    pub server: String,
    /// Port; none for the usual one.
    pub port: Option<u16>,
    /// How the way there is protected.
    pub security: MailSecurity,
    /// Who writes, as `云衡平台 <yunheng@example.gov.cn>`.
    pub from: String,
    /// Account and password; none if the server asks for none.
    pub login: Option<(String, String)>,
    /// Certificates of authorities to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// A letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id; the same whenever it is sent again.
    pub id: String,
    /// To which address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// When it was written.
    pub at: Instant,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Says that no person wrote it, so that nobody's absence notice answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends letters. A connection is made for each of them.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").finish_non_exhaustive()
    }
}

impl Mailer {
    /// By a configuration. Errors: the sender is no address, or a certificate cannot be used.
    pub fn new(config: &MailConfig) -> Result<Self, DeliveryError> {
        let bad = |field: &'static str, why: String| DeliveryError::Config { field, why };
        let from: Mailbox = config.from.parse().map_err(|_| {
            let why = "应写成 名称 <账号@域名> 或 账号@域名".to_owned();
            bad("mail.from", why)
        })?;
        if config.server.trim().is_empty() {
            return Err(bad("mail.server", "请填写邮件服务器的名称".to_owned()));
        }
        if config.login.is_some() && config.security == MailSecurity::Plain && !is_this_host(&config.server) {
            let why = "口令不能在没有加密的连接上发送；请把 mail.security 改为 tls 或 starttls".to_owned();
            return Err(bad("mail.security", why));
        }
        let port = config.port.unwrap_or(match config.security {
            MailSecurity::Tls => 465,
            MailSecurity::StartTls => 587,
            MailSecurity::Plain => 25,
        });
        let tls = match config.security {
            MailSecurity::Plain => Tls::None,
            MailSecurity::Tls => Tls::Wrapper(parameters(config)?),
            MailSecurity::StartTls => Tls::Required(parameters(config)?),
        };
        let own_name = from.email.domain().to_owned();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.server)
            .port(port)
            .tls(tls)
            .hello_name(ClientId::Domain(own_name))
            .timeout(Some(Duration::from_secs(PATIENCE_S)));
        if let Some((account, password)) = &config.login {
            builder = builder.credentials(Credentials::new(account.clone(), password.clone()));
        }
        Ok(Self {
            from,
            transport: builder.build(),
        })
    }

    /// Sends a letter. Errors: the server refuses the receiver for good, or it did not arrive this time.
    pub async fn send(&self, letter: &Letter) -> Result<(), DeliveryError> {
        let message = self.message(letter)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(told(&error)),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, DeliveryError> {
        let address: Address = letter
            .to
            .trim()
            .parse()
            .map_err(|_| DeliveryError::Refused("收件人的邮箱地址不正确，请在账号中改正".to_owned()))?;
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        let written = Duration::from_secs(u64::try_from(letter.at.unix_s()).unwrap_or(0));
        // Whatever stands in a title, a subject is one line.
        let subject: String = letter.subject.chars().filter(|c| !c.is_control()).collect();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .date(SystemTime::UNIX_EPOCH + written)
            .message_id(Some(id))
            .subject(subject)
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|_| DeliveryError::Refused("邮件内容无法编码".to_owned()))
    }
}

fn is_this_host(server: &str) -> bool {
    matches!(server, "localhost" | "127.0.0.1" | "::1")
}

fn parameters(config: &MailConfig) -> Result<TlsParameters, DeliveryError> {
    let mut builder = TlsParameters::builder(config.server.clone());
    if let Some(path) = &config.ca_file {
        let bad = || DeliveryError::Config {
            field: "mail.ca_file",
            why: format!("无法使用 {}，应为 PEM 格式的 CA 证书", path.display()),
        };
        let pem = std::fs::read(path).map_err(|_| bad())?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| bad())?);
    }
    builder.build().map_err(|_| DeliveryError::Config {
        field: "mail.security",
        why: "无法建立 TLS 环境，请安装系统根证书或指定 mail.ca_file".to_owned(),
    })
}

/// In our words: a server's own sentence may name the address.
fn told(error: &lettre::transport::smtp::Error) -> DeliveryError {
    let Some(code) = error.status().map(u16::from) else {
        let why = if error.is_timeout() {
            "邮件服务器没有在限定时间内答复"
        } else if error.is_tls() {
            "与邮件服务器建立加密连接失败，请核对证书和 mail.security"
        } else {
            "无法连接邮件服务器，或连接中断"
        };
        return DeliveryError::Again(why.to_owned());
    };
    match code {
        // The mailbox: it is not there, is not local, is full for good, has a bad name.
        550..=553 => DeliveryError::Refused(format!("邮件服务器拒收（{code}），请核对收件人的邮箱地址")),
        530 | 534 | 535 => DeliveryError::Again(format!("邮件服务器不接受发件账号（{code}），请核对账号和口令")),
        _ => DeliveryError::Again(format!("邮件服务器暂不接收（{code}）")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> MailConfig {
        MailConfig {
            server: "mail.example.gov.cn".into(),
            port: None,
            security: MailSecurity::Plain,
            from: "云衡平台 <yunheng@example.gov.cn>".into(),
            login: None,
            ca_file: None,
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let field = |config: &MailConfig| match Mailer::new(config) {
            Err(DeliveryError::Config { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert!(Mailer::new(&config()).is_ok());
        let no_sender = MailConfig {
            from: "云衡".into(),
            ..config()
        };
        assert_eq!(field(&no_sender), "mail.from");
        let no_server = MailConfig {
            server: " ".into(),
            ..config()
        };
        assert_eq!(field(&no_server), "mail.server");
        let open = MailConfig {
            login: Some(("u".into(), "p".into())),
            ..config()
        };
        assert_eq!(field(&open), "mail.security", "no password in the clear");
        let here = MailConfig {
            server: "127.0.0.1".into(),
            ..open
        };
        assert!(Mailer::new(&here).is_ok());
        let no_file = MailConfig {
            security: MailSecurity::Tls,
            ca_file: Some("/nowhere/ca.pem".into()),
            ..config()
        };
        assert_eq!(field(&no_file), "mail.ca_file");
    }

    #[test]
    fn a_title_adds_no_header_and_an_id_stays() {
        let mailer = Mailer::new(&config()).unwrap();
        let letter = Letter {
            id: "dlv_1".into(),
            to: "wang@example.gov.cn".into(),
            subject: "待办\r\nBcc: all@example.gov.cn".into(),
            text: "正文".into(),
            at: Instant::from_unix_s(1_773_104_400),
        };
        let text = String::from_utf8(mailer.message(&letter).unwrap().formatted()).unwrap();
        assert!(!text.to_lowercase().contains("\nbcc:"), "{text}");
        assert!(text.contains("Message-ID: <dlv_1@example.gov.cn>"), "{text}");
        assert!(text.contains("Date: Tue, 10 Mar 2026 01:00:00 +0000"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated"));
        let nobody = Letter {
            to: "wang".into(),
            ..letter
        };
        assert!(matches!(mailer.message(&nobody), Err(DeliveryError::Refused(_))));
        assert!(!format!("{nobody:?}{:?}", config()).contains("wang"));
    }
}
