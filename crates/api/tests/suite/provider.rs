//! A real identity provider in a process of its own, and a browser that follows its pages.
//!
//! The provider (tests/oidc) runs on Node.js; `make setup-test` installs it. Without it these tests fail, and say so.

use identity::{IdentityProvider, ProviderConfig};
use reqwest::Url;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Where the provider sends browsers back to.
pub(super) const CALLBACK: &str = "http://127.0.0.1:9/api/v1/sessions/oidc/callback";
/// The front page of the platform.
pub(super) const HOME: &str = "http://127.0.0.1:9/";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oidc");

/// The provider's process; it ends with its standard input.
pub(super) struct Provider {
    process: Child,
    issuer: String,
}

impl Provider {
    /// With a place to log out at that sends browsers back to an address, or without one.
    pub(super) fn start(home: Option<&str>) -> Self {
        let installed = std::path::Path::new(FOLDER).join("node_modules/oidc-provider");
        assert!(
            installed.is_dir(),
            "the identity provider of the tests is not installed, so nobody was signed in. Run `make setup-test`."
        );
        let mut process = Command::new("node")
            .arg("provider.mjs")
            .arg(CALLBACK)
            .args(home)
            .current_dir(FOLDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|why| panic!("node does not start: {why}. Run `make setup-test`."));
        let mut issuer = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut issuer)
            .unwrap();
        let issuer = issuer.trim().to_owned();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider said {issuer:?}");
        Self { process, issuer }
    }

    /// Ends it.
    pub(super) fn stop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }

    /// What the platform knows of it, as one of its clients.
    pub(super) fn known_as(&self, client: &str) -> IdentityProvider {
        let config = ProviderConfig {
            issuer: self.issuer.clone(),
            client_id: client.to_owned(),
            client_secret: format!("secret of {client}"),
            redirect_url: CALLBACK.to_owned(),
            post_logout_redirect_url: Some(HOME.to_owned()),
            ca_file: None,
        };
        IdentityProvider::new(config).unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A browser at the provider. What it keeps there stays from one login to the next.
#[derive(Default)]
pub(super) struct Visitor {
    cookies: BTreeMap<String, String>,
    /// How often it was asked for name and password.
    pub(super) asked: usize,
    /// How often it was asked whether it wants to log out.
    pub(super) confirmed: usize,
}

impl Visitor {
    /// Follows from an address, logs in under a name where it is asked to and agrees to everything else, until it is sent
    /// back to the platform.
    pub(super) async fn follow(&mut self, start: Url, name: &str) -> Url {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let (mut address, mut form) = (start, None::<String>);
        for _ in 0..12 {
            let line = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            let line: Vec<String> = line.collect();
            let request = match form.take() {
                None => client.get(address.clone()),
                Some(form) => client
                    .post(address.clone())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form),
            };
            let answer = request.header("cookie", line.join("; ")).send().await.unwrap();
            for line in answer.headers().get_all("set-cookie") {
                let pair = line.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            self.cookies.retain(|_, value| !value.is_empty());
            let location = answer
                .headers()
                .get("location")
                .map(|to| to.to_str().unwrap().to_owned());
            if let Some(location) = location {
                address = address.join(&location).unwrap();
                if address.as_str().starts_with(HOME) {
                    return address;
                }
                continue;
            }
            assert!(answer.status().is_success(), "{address}: {}", answer.status());
            let page = answer.text().await.unwrap();
            form = Some(self.filled(&page, &mut address, name));
        }
        panic!("the provider never sent the browser back, it stands at {address}");
    }

    /// What is sent from a page, and where to if not to its own address.
    fn filled(&mut self, page: &str, address: &mut Url, name: &str) -> String {
        if let Some((_, form)) = page.split_once("<form id=\"op.logoutForm\"") {
            self.confirmed += 1;
            let attribute = |what: &str| form.split_once(what).unwrap().1.split('"').next().unwrap();
            *address = address.join(attribute("action=\"")).unwrap();
            return format!("xsrf={}&logout=yes", attribute("value=\""));
        }
        if page.contains("name=\"login\"") {
            self.asked += 1;
            return format!("prompt=login&login={name}&password=x");
        }
        "prompt=consent".to_owned()
    }
}
