//! The part of the configuration about background work, mail and webhooks.

use app::jobs::Plan;
use app::messages::Post;
use domain::calendar::Term;
use domain::work::Rhythm;
use kernel::io_reason;
use serde::Deserialize;
use sources::delivery::{DeliveryError, Hooks, HooksConfig, MailConfig, MailSecurity, Mailer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Letters that one person gets in an hour at most if nobody says.
const LETTERS_PER_HOUR: i64 = 10;
/// Jobs that are done side by side if nobody says.
const SIDE_BY_SIDE: usize = 2;
/// Most of them.
const SIDE_BY_SIDE_MAX: usize = 32;

/// Background work.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkerConfig {
    /// Jobs that are done side by side.
    side_by_side: Option<usize>,
    /// How long a returned application keeps its room; for ever if nothing is said.
    pub(crate) returned_room_after: Option<Term>,
    /// Other rhythms of recurring work.
    #[serde(default)]
    rhythms: BTreeMap<String, Rhythm>,
}

/// Mail to people.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSection {
    server: String,
    port: Option<u16>,
    security: Option<String>,
    from: String,
    username: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    letters_per_hour: Option<i64>,
    link: Option<String>,
}

/// Calls to programs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSection {
    #[serde(default)]
    plain_http: bool,
    #[serde(default)]
    this_host: bool,
    pub(crate) ca_file: Option<PathBuf>,
}

fn fault(field: &'static str, why: String) -> DeliveryError {
    DeliveryError::Config { field, why }
}

impl WorkerConfig {
    /// The rhythms of recurring work. Errors: a kind that does not recur, or a number out of range.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        self.side_by_side()?;
        let mut rhythms = self.rhythms.iter();
        rhythms.try_fold(Plan::default(), |plan, (kind, rhythm)| plan.with(kind, *rhythm))
    }

    /// How many jobs are done side by side.
    pub(crate) fn side_by_side(&self) -> Result<usize, String> {
        let wanted = self.side_by_side.unwrap_or(SIDE_BY_SIDE);
        let fits = (1..=SIDE_BY_SIDE_MAX).contains(&wanted);
        fits.then_some(wanted)
            .ok_or_else(|| format!("side_by_side 应为 1 至 {SIDE_BY_SIDE_MAX}"))
    }
}

impl MailSection {
    /// Its paths.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.password_file.iter_mut().chain(&mut self.ca_file)
    }

    fn mailer(&self) -> Result<Mailer, DeliveryError> {
        let security = match self.security.as_deref() {
            None | Some("tls") => MailSecurity::Tls,
            Some("starttls") => MailSecurity::StartTls,
            Some("none") => MailSecurity::Plain,
            Some(_) => return Err(fault("mail.security", "应为 tls、starttls 或 none".to_owned())),
        };
        let login = match (&self.username, &self.password_file) {
            (None, None) => None,
            (Some(username), Some(path)) => {
                let password = std::fs::read_to_string(path).map_err(|error| {
                    let why = format!("无法读取 {}: {}", path.display(), io_reason(&error));
                    fault("mail.password_file", why)
                })?;
                Some((username.clone(), password.trim().to_owned()))
            }
            _ => return Err(fault("mail.username", "应与 password_file 同时填写".to_owned())),
        };
        Mailer::new(&MailConfig {
            server: self.server.clone(),
            port: self.port,
            security,
            from: self.from.clone(),
            login,
            ca_file: self.ca_file.clone(),
        })
    }
}

impl WebhookSection {
    fn config(&self) -> HooksConfig {
        HooksConfig {
            plain_http: self.plain_http,
            this_host: self.this_host,
            ca_file: self.ca_file.clone(),
        }
    }
}

/// The ways out of the house. Errors: something of them cannot be used.
pub(crate) fn post(mail: Option<&MailSection>, webhooks: &WebhookSection) -> Result<Post, DeliveryError> {
    let letters_per_hour = mail.and_then(|mail| mail.letters_per_hour).unwrap_or(LETTERS_PER_HOUR);
    if letters_per_hour < 1 {
        return Err(fault("mail.letters_per_hour", "应为正整数".to_owned()));
    }
    Ok(Post {
        mailer: mail.map(MailSection::mailer).transpose()?,
        hooks: Hooks::new(webhooks.config())?,
        letters_per_hour,
        link: mail.and_then(|mail| mail.link.clone()),
    })
}
