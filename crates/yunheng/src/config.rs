//! The configuration file: where data lies, and the accounts of nodes. Command line and environment come first.

use crate::exit::{Failure, INVALID};
use crate::oidc::OidcSection;
use crate::outside::{MailSection, WebhookSection, WorkerConfig, post};
use app::collect::NodeSecrets;
use documents::Fonts;
use domain::collect::ObservedState;
use kernel::io_reason;
use serde::Deserialize;
use sources::openstack::{Credential, HandsConfig, Interface, MetricMapping, OpenStackConfig, Pool, Secret};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The default configuration, with explanations; `config print-default` prints it.
pub(crate) const DEFAULT: &str = include_str!("../config.default.toml");

/// The configuration. Its paths are relative to the data folder until it is `placed`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Address of the database.
    pub(crate) database: Option<String>,
    /// Folder of further fonts for printed documents.
    pub(crate) fonts: Option<PathBuf>,
    /// The HTTP API.
    #[serde(default)]
    pub(crate) serve: Serve,
    /// Background work.
    #[serde(default)]
    pub(crate) worker: WorkerConfig,
    /// Mail to people; none if it is not sent.
    pub(crate) mail: Option<MailSection>,
    /// Calls to programs.
    #[serde(default)]
    pub(crate) webhooks: WebhookSection,
    /// The city's identity provider; none if people log in by password only.
    pub(crate) oidc: Option<OidcSection>,
    /// Accounts of nodes by name.
    #[serde(default)]
    pub(crate) accounts: BTreeMap<String, Account>,
}

/// How the HTTP API stands towards the network.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Serve {
    /// Address to listen on.
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Whether a proxy with TLS stands before it.
    #[serde(default)]
    pub(crate) behind_proxy: bool,
    /// Whether it does the background work too; it does if nothing is said.
    pub(crate) worker: Option<bool>,
    /// How many requests one session or token may send in a minute; 0 for no limit.
    pub(crate) requests_per_minute: Option<u32>,
}

/// An account to ask a node with. Secrets lie in files of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    username: Option<String>,
    #[serde(default = "default_domain")]
    user_domain: String,
    project: Option<String>,
    #[serde(default = "default_domain")]
    project_domain: String,
    application_id: Option<String>,
    secret_file: PathBuf,
    ca_file: Option<PathBuf>,
    /// The only address it is for; without it the one that the node was registered with.
    auth_url: Option<String>,
    system_tag: Option<String>,
    family_key: Option<String>,
    timeout_s: Option<u64>,
    interface: Option<String>,
    object_store: Option<bool>,
    /// States that only this node knows: its word in lower case, and ours.
    #[serde(default)]
    state_words: BTreeMap<String, ObservedState>,
    #[serde(default)]
    metrics: Vec<Metric>,
    /// How the platform makes things with this account; without it the account only looks.
    hands: Option<HandsAccount>,
}

/// How things are made on a node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandsAccount {
    external_network: Option<String>,
    cidr: Option<String>,
    #[serde(default)]
    name_servers: Vec<String>,
    #[serde(default)]
    raise_quota: bool,
    wait_s: Option<u64>,
    poll_ms: Option<u64>,
    #[serde(default)]
    pools: BTreeMap<String, PoolAccount>,
}

/// How things are made in one availability zone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolAccount {
    image: Option<String>,
    #[serde(default)]
    flavor_prefix: String,
    volume_type: Option<String>,
    volume_zone: Option<String>,
}

/// Which metric of a node is the sample of which measure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metric {
    metric: String,
    resource_type: String,
    native_id_attribute: String,
    aggregation: String,
    granularity_s: u32,
    measure: String,
    scale_num: i64,
    scale_den: i64,
}

fn default_domain() -> String {
    "Default".to_owned()
}

impl Config {
    /// Reads a file, for a data folder. A file that is not there is an empty configuration, unless it was asked for by
    /// name.
    pub(crate) fn read(path: &Path, asked_for: bool, data: &Path) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => return Ok(Self::default()),
            Err(error) => {
                return Err(Failure::new(
                    INVALID,
                    format!("无法读取配置文件 {}: {}", path.display(), io_reason(&error)),
                ));
            }
        };
        let config: Self = toml::from_str(&text)
            .map_err(|error| Failure::new(INVALID, format!("配置文件 {} 有误: {error}", path.display())))?;
        Ok(config.placed(data))
    }

    /// With the data folder before every path that is relative.
    fn placed(mut self, data: &Path) -> Self {
        let mut paths: Vec<&mut PathBuf> = self.fonts.iter_mut().collect();
        for account in self.accounts.values_mut() {
            paths.push(&mut account.secret_file);
            paths.extend(&mut account.ca_file);
        }
        paths.extend(self.mail.iter_mut().flat_map(MailSection::paths));
        paths.extend(&mut self.webhooks.ca_file);
        paths.extend(self.oidc.iter_mut().flat_map(OidcSection::paths));
        for path in paths {
            *path = data.join(&*path);
        }
        self
    }

    /// Everything that is wrong with fonts, accounts, background work and mail, a sentence each.
    pub(crate) fn faults(&self) -> Vec<String> {
        let fonts = self.load_fonts().err().map(|why| why.to_string());
        let accounts = self.accounts.iter().filter_map(|(name, account)| {
            let address = account.auth_url.as_deref().unwrap_or("https://example");
            let hands = || account.hands.as_ref().and_then(|hands| hands.config().err());
            let why = account.connect(address).err().or_else(hands)?;
            Some(format!("[accounts.{name}] {why}"))
        });
        let worker = self.worker.plan().err().map(|why| format!("[worker] {why}"));
        let oidc = self.oidc.as_ref().and_then(|section| section.provider().err());
        let post = post(self.mail.as_ref(), &self.webhooks)
            .err()
            .map(|why| why.to_string());
        fonts
            .into_iter()
            .chain(accounts)
            .chain(worker)
            .chain(oidc)
            .chain(post)
            .collect()
    }

    /// The fonts that documents are printed in: the shipped ones, and those of the configured folder.
    pub(crate) fn load_fonts(&self) -> Result<Fonts, documents::DocumentError> {
        match &self.fonts {
            Some(folder) => Fonts::with_folder(folder),
            None => Ok(Fonts::shipped()),
        }
    }
}

impl Account {
    fn connect(&self, auth_url: &str) -> Result<OpenStackConfig, String> {
        if let Some(own) = self.auth_url.as_deref().filter(|own| *own != auth_url) {
            return Err(format!("账号只用于 {own}，口令不会发往 {auth_url}"));
        }
        let secret = std::fs::read_to_string(&self.secret_file)
            .map_err(|error| format!("无法读取口令文件 {}: {}", self.secret_file.display(), io_reason(&error)))?;
        let secret = Secret::new(secret.trim());
        let credential = match (&self.application_id, &self.username, &self.project) {
            (Some(id), None, _) => Credential::Application { id: id.clone(), secret },
            (None, Some(username), Some(project)) => Credential::Password {
                username: username.clone(),
                user_domain: self.user_domain.clone(),
                password: secret,
                project: project.clone(),
                project_domain: self.project_domain.clone(),
            },
            _ => return Err("应填写 application_id，或同时填写 username 和 project".to_owned()),
        };
        let mut config = OpenStackConfig::new(auth_url, credential);
        config.ca_file.clone_from(&self.ca_file);
        config.family_key.clone_from(&self.family_key);
        config.timeout_s = self.timeout_s.unwrap_or(config.timeout_s);
        config.interface = match self.interface.as_deref() {
            None | Some("public") => Interface::Public,
            Some("internal") => Interface::Internal,
            Some("admin") => Interface::Admin,
            Some(other) => return Err(format!("interface「{other}」应为 public、internal 或 admin")),
        };
        config.object_store = self.object_store.unwrap_or(config.object_store);
        config.state_words.clone_from(&self.state_words);
        if let Some(key) = &self.system_tag {
            config.system_tag_key.clone_from(key);
        }
        config.metrics = self.metrics.iter().map(Metric::mapping).collect::<Result<_, _>>()?;
        Ok(config)
    }
}

impl HandsAccount {
    fn config(&self) -> Result<HandsConfig, String> {
        let usual = HandsConfig::default();
        let pool = |pool: &PoolAccount| Pool {
            image: pool.image.clone(),
            flavor_prefix: pool.flavor_prefix.clone(),
            volume_type: pool.volume_type.clone(),
            volume_zone: pool.volume_zone.clone(),
        };
        let config = HandsConfig {
            external_network: self.external_network.clone(),
            cidr: self.cidr.clone().unwrap_or(usual.cidr),
            name_servers: self.name_servers.clone(),
            pools: self.pools.iter().map(|(zone, of)| (zone.clone(), pool(of))).collect(),
            raise_quota: self.raise_quota,
            wait_s: self.wait_s.unwrap_or(usual.wait_s),
            poll_ms: self.poll_ms.unwrap_or(usual.poll_ms),
        };
        config.check().map_err(|why| why.to_string())?;
        Ok(config)
    }
}

impl Metric {
    fn mapping(&self) -> Result<MetricMapping, String> {
        let scale = kernel::Ratio::new(self.scale_num, self.scale_den);
        Ok(MetricMapping {
            metric: self.metric.clone(),
            resource_type: self.resource_type.clone(),
            native_id_attribute: self.native_id_attribute.clone(),
            aggregation: self.aggregation.clone(),
            granularity_s: self.granularity_s,
            measure: self.measure.parse()?,
            scale: scale.ok_or_else(|| format!("指标 {} 的换算系数应为正数", self.metric))?,
        })
    }
}

impl NodeSecrets for Config {
    fn openstack(&self, auth_url: &str, account: &str) -> Result<OpenStackConfig, String> {
        let configured = self
            .accounts
            .get(account)
            .ok_or_else(|| format!("账号「{account}」没有配置"))?;
        configured.connect(auth_url)
    }

    fn address(&self, account: &str) -> Result<String, String> {
        let configured = self.accounts.get(account);
        let configured = configured.ok_or_else(|| format!("账号「{account}」没有配置"))?;
        let own = configured.auth_url.clone();
        own.ok_or_else(|| {
            format!("账号「{account}」没有写明用于哪个地址；请在配置文件 [accounts.{account}] 中填写 auth_url")
        })
    }

    fn hands(&self, account: &str) -> Result<HandsConfig, String> {
        let hands = self.accounts.get(account).and_then(|account| account.hands.as_ref());
        let hands = hands.ok_or_else(|| {
            format!("账号「{account}」没有配置为操作账号；请在配置文件 [accounts.{account}.hands] 中写明如何开通资源")
        })?;
        hands.config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::calendar::Term;

    #[test]
    fn an_account_acts_only_if_it_says_how() {
        let text = "[accounts.look]\nusername='a'\nproject='p'\nsecret_file='/x'\n\
                    [accounts.act]\nusername='b'\nproject='p'\nsecret_file='/y'\n\
                    [accounts.act.hands]\nexternal_network='public'\n\
                    [accounts.act.hands.pools.x86]\nimage='i'\nflavor_prefix='x86.'\n";
        let config: Config = toml::from_str(text).unwrap();
        assert!(config.hands("look").unwrap_err().contains("[accounts.look.hands]"));
        assert!(config.hands("nobody").is_err());
        let hands = config.hands("act").unwrap();
        assert_eq!(
            (hands.raise_quota, hands.wait_s),
            (false, HandsConfig::default().wait_s)
        );
        assert_eq!(hands.pools["x86"].flavor_prefix, "x86.");
        let config: Config = toml::from_str(&text.replace("external_network='public'", "cidr='10.0.0.1/24'")).unwrap();
        assert!(config.hands("act").unwrap_err().contains("cidr「10.0.0.1/24」"));
        assert!(toml::from_str::<Config>("[accounts.a]\nsecret_file='/x'\n[accounts.a.hands]\nimage='i'").is_err());
    }

    #[test]
    fn every_path_is_relative_to_the_data_folder() {
        let text = "fonts='f'\n[accounts.a]\nusername='a'\nproject='p'\nsecret_file='a.secret'\nca_file='a.pem'\n\
                    [accounts.b]\napplication_id='b'\nsecret_file='/etc/b.secret'\n\
                    [mail]\nserver='m'\nfrom='y@example.gov.cn'\nusername='y'\npassword_file='m.secret'\nca_file='m.pem'\n\
                    [webhooks]\nca_file='w.pem'\n[oidc]\nissuer='https://id.example'\nclient_id='y'\n\
                    redirect_url='https://y.example/'\nsecret_file='o.secret'\nca_file='o.pem'\n";
        let folder = tempfile::tempdir().unwrap();
        let (data, file) = (Path::new("/srv/data"), folder.path().join("yunheng.toml"));
        std::fs::write(&file, text).unwrap();
        let read = format!("{:?}", Config::read(&file, true, data).unwrap());
        for name in [
            "f", "a.secret", "a.pem", "m.secret", "m.pem", "w.pem", "o.secret", "o.pem",
        ] {
            assert!(read.contains(&format!("\"/srv/data/{name}\"")), "{name}: {read}");
        }
        assert!(read.contains("\"/etc/b.secret\""), "{read}");
        // What is there is found, from wherever the program is started.
        std::fs::write(folder.path().join("a.secret"), "x").unwrap();
        let config = Config::read(&file, true, folder.path()).unwrap();
        assert!(config.openstack("https://cloud.example", "a").is_ok());
        let why = config.openstack("https://cloud.example", "b").unwrap_err();
        assert!(why.contains("/etc/b.secret"), "{why}");
    }

    #[test]
    fn a_secret_is_sent_to_no_other_address_than_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "x").unwrap();
        let text = format!(
            "[accounts.bound]\nusername='a'\nproject='p'\nsecret_file='{0}'\nauth_url='https://a/v3'\n\
             [accounts.free]\nusername='a'\nproject='p'\nsecret_file='{0}'\n",
            secret.display()
        );
        let config: Config = toml::from_str(&text).unwrap();
        assert!(config.openstack("https://a/v3", "bound").is_ok());
        assert!(
            config
                .openstack("https://b/v3", "bound")
                .is_err_and(|why| why.contains("https://a/v3"))
        );
        assert!(config.openstack("https://b/v3", "free").is_ok());
        assert_eq!(config.address("bound").unwrap(), "https://a/v3");
        assert!(config.address("free").is_err() && config.address("nobody").is_err());
        assert_eq!(config.faults(), Vec::<String>::new());
    }

    fn faults(text: &str) -> Vec<String> {
        let config: Config = toml::from_str(text).unwrap();
        config.faults()
    }

    #[test]
    fn what_cannot_be_used_is_named_before_anything_starts() {
        let mail = "[mail]\nserver='mail.example.gov.cn'\nfrom='云衡 <y@example.gov.cn>'\nsecurity='none'\n";
        assert_eq!(faults(mail), Vec::<String>::new());
        for (text, part) in [
            ("[worker]\nside_by_side = 0".to_owned(), "side_by_side"),
            ("[worker.rhythms]\n\"order.run\" = \"5m\"".to_owned(), "order.run"),
            (format!("{mail}letters_per_hour = 0"), "letters_per_hour"),
            (format!("{mail}username = 'y'"), "password_file"),
            (mail.replace("none", "ssl"), "mail.security"),
        ] {
            let found = faults(&text);
            assert!(found.iter().any(|fault| fault.contains(part)), "{text}: {found:?}");
        }
        assert!(toml::from_str::<Config>("[worker.rhythms]\n\"flow.tick\" = \"1s\"").is_err());
        let config: Config = toml::from_str("[worker]\nreturned_room_after = \"30d\"").unwrap();
        assert_eq!(config.worker.returned_room_after, Some(Term::CalendarDays(30)));
    }

    #[test]
    fn the_default_is_a_configuration() {
        let config: Config = toml::from_str(DEFAULT).unwrap();
        assert!(config.accounts.is_empty());
        assert!(
            toml::from_str::<Config>("databse = 'x'").is_err(),
            "a mistyped key must not be passed over"
        );
    }
}
