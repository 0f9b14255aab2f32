//! Reading whole lists, and keeping what came as it came.
//!
//! Invariant: every answer that an observation, a sample, a quota or a capacity is made from is among the payloads.

use super::catalogue::Endpoint;
use super::identity::Session;
use super::paging::{self, Paging};
use super::transport::Answer;
use super::{OpenStackError, Place, Service};
use reqwest::Url;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// How often a list is begun anew because the entry that a page ended with was deleted meanwhile.
const RESTARTS: u32 = 3;
/// Boot scripts of the tenants, which hold passwords. Administrators get them without asking, so they are taken out
/// before anything is kept.
const BOOT_SCRIPT: &str = "\"OS-EXT-SRV-ATTR:user_data\"";

/// One answer of a node, as it came (without the tenants' boot scripts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Name of the file: number, service and path; unique within a collect.
    pub name: String,
    /// What was asked.
    pub url: String,
    /// The body.
    pub bytes: Vec<u8>,
}

/// A list that is asked for.
pub(super) struct Ask<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) paging: Paging,
}

impl Ask<'_> {
    pub(super) fn place(&self) -> Place {
        Place {
            service: self.endpoint.service,
            url: self.url(None).to_string(),
        }
    }

    /// The address of the first page, or of the one that a link's query leads to.
    fn url(&self, next: Option<&str>) -> Url {
        let mut url = self.endpoint.at(self.path);
        url.set_query(next);
        let told: BTreeSet<_> = url.query_pairs().map(|(k, _)| k.into_owned()).collect();
        let own: Vec<_> = self.query.iter().filter(|(k, _)| !told.contains(*k)).collect();
        if !own.is_empty() {
            url.query_pairs_mut().extend_pairs(own);
        }
        url
    }
}

/// One pass over a node.
pub(super) struct Reading<'a> {
    session: &'a Session,
    page_size: u32,
    payloads: Vec<Payload>,
}

impl<'a> Reading<'a> {
    pub(super) const fn new(session: &'a Session, page_size: u32) -> Self {
        Self {
            session,
            page_size,
            payloads: Vec::new(),
        }
    }

    pub(super) fn into_payloads(self) -> Vec<Payload> {
        self.payloads
    }

    /// The whole list.
    ///
    /// Errors: any page that fails; a list that the service cut off; pages that go round in a circle.
    pub(super) async fn list<T: DeserializeOwned>(&mut self, mut ask: Ask<'_>) -> Result<Vec<T>, OpenStackError> {
        ask.query.push(("limit", self.page_size.to_string()));
        let mut restarts = 0;
        loop {
            let kept = self.payloads.len();
            match self.pages(&ask).await {
                Err(Stop::MarkerGone(_)) if restarts < RESTARTS => {
                    restarts += 1;
                    self.payloads.truncate(kept);
                }
                Err(Stop::MarkerGone(error) | Stop::Failed(error)) => return Err(error),
                Ok(items) => return Ok(items),
            }
        }
    }

    async fn pages<T: DeserializeOwned>(&mut self, ask: &Ask<'_>) -> Result<Vec<T>, Stop> {
        let mut items = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = None;
        loop {
            let url = ask.url(next.as_deref());
            let place = Place {
                service: ask.endpoint.service,
                url: url.to_string(),
            };
            let answer = match self.fetch(ask.endpoint, url).await {
                Err(e @ OpenStackError::Refused { status: 400 | 404, .. }) if next.is_some() => {
                    return Err(Stop::MarkerGone(e));
                }
                other => other.map_err(Stop::Failed)?,
            };
            let link = answer.headers.get("link").and_then(|v| v.to_str().ok());
            let page = paging::read(ask.paging, &answer.body, link);
            let page = page.map_err(|cause| {
                Stop::Failed(OpenStackError::Malformed {
                    place: place.clone(),
                    cause,
                })
            })?;
            if page.cut_off {
                let why = "服务端截断了列表且不支持翻页，请调大其 list_limit".to_owned();
                return Err(Stop::Failed(OpenStackError::Incomplete { place, why }));
            }
            items.extend(page.items);
            let Some(query) = page.next else { return Ok(items) };
            if !seen.insert(query.clone()) {
                let cause = "翻页链接循环，没有尽头".to_owned();
                return Err(Stop::Failed(OpenStackError::Malformed { place, cause }));
            }
            next = Some(query);
        }
    }

    /// One document.
    pub(super) async fn one<T: DeserializeOwned>(
        &mut self,
        endpoint: &Endpoint,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, OpenStackError> {
        let mut url = endpoint.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.document(endpoint, url).await
    }

    /// One document at an address that is not below the service's base.
    pub(super) async fn document<T: DeserializeOwned>(
        &mut self,
        endpoint: &Endpoint,
        url: Url,
    ) -> Result<T, OpenStackError> {
        let place = Place {
            service: endpoint.service,
            url: url.to_string(),
        };
        let answer = self.fetch(endpoint, url).await?;
        let malformed = |e: serde_json::Error| OpenStackError::Malformed {
            place,
            cause: e.to_string(),
        };
        serde_json::from_slice(&answer.body).map_err(malformed)
    }

    async fn fetch(&mut self, endpoint: &Endpoint, url: Url) -> Result<Answer, OpenStackError> {
        let mut answer = self.session.get(endpoint, url.clone()).await?;
        if endpoint.service == Service::Compute {
            answer.body = without_boot_scripts(answer.body);
        }
        let number = self.payloads.len() + 1;
        let name = format!("{number:05}-{}-{}.json", endpoint.service.word(), slug(url.path()));
        self.payloads.push(Payload {
            name,
            url: url.to_string(),
            bytes: answer.body.clone(),
        });
        Ok(answer)
    }
}

enum Stop {
    MarkerGone(OpenStackError),
    Failed(OpenStackError),
}

/// The end of a path in letters that any file system takes.
fn slug(path: &str) -> String {
    const LONGEST: usize = 60;
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
            c
        } else {
            '-'
        }
    };
    let plain: Vec<_> = path.trim_matches('/').chars().map(plain).collect();
    plain
        .iter()
        .skip(plain.len().saturating_sub(LONGEST))
        .collect::<String>()
        .trim_matches('-')
        .to_owned()
}

/// Puts `null` in the place of every boot script; all other bytes stay as they were. The name with bare quotes can
/// stand in a JSON text only as a name: within a text its quotes would be escaped.
fn without_boot_scripts(body: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&body) else {
        return body;
    };
    if !text.contains(BOOT_SCRIPT) {
        return body;
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BOOT_SCRIPT) {
        kept.push_str(before);
        kept.push_str(BOOT_SCRIPT);
        let value = after.trim_start().strip_prefix(':').map(str::trim_start);
        let opened = value.and_then(|v| v.strip_prefix('"'));
        rest = match opened.and_then(after_text) {
            Some(tail) => {
                kept.push_str(": null");
                tail
            }
            None => after,
        };
    }
    kept.push_str(rest);
    kept.into_bytes()
}

/// What follows the closing quote.
fn after_text(inside: &str) -> Option<&str> {
    let mut escaped = false;
    for (place, c) in inside.char_indices() {
        match c {
            '"' if !escaped => return inside.get(place + 1..),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::OpenStackConfig;
    use super::super::identity::tests::token;
    use super::super::transport::tests::{answering, run, saying};
    use super::super::words::tests::config;
    use super::*;

    #[test]
    fn boot_scripts_are_taken_out_and_nothing_else() {
        let body = r#"{"servers": [{"OS-EXT-SRV-ATTR:user_data": "c2VjcmV0\"x\\", "name": "a\"OS-EXT-SRV-ATTR:user_data\": \"b"},
            {"OS-EXT-SRV-ATTR:user_data":null, "id": "1"}, {"OS-EXT-SRV-ATTR:user_data" : "Zm9v"}]}"#;
        let kept = String::from_utf8(without_boot_scripts(body.into())).unwrap();
        assert!(!kept.contains("c2VjcmV0") && !kept.contains("Zm9v"), "{kept}");
        let value: serde_json::Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(value["servers"][0]["name"], "a\"OS-EXT-SRV-ATTR:user_data\": \"b");
        assert_eq!(value["servers"][1]["id"], "1");
        assert!(value["servers"][2]["OS-EXT-SRV-ATTR:user_data"].is_null());
        let plain = br#"{"servers": []}"#.to_vec();
        assert_eq!(without_boot_scripts(plain.clone()), plain);
    }

    #[test]
    fn the_query_of_a_link_is_put_on_our_own_address() {
        let base = Url::parse("https://h/volume/v3/p").unwrap();
        let endpoint = Endpoint {
            service: Service::BlockStorage,
            base,
            version: None,
            negotiated: false,
        };
        let query = vec![("all_tenants", "1".to_owned()), ("limit", "5".to_owned())];
        let ask = Ask {
            endpoint: &endpoint,
            path: "/volumes/detail",
            query,
            paging: Paging::Links("volumes"),
        };
        assert_eq!(
            ask.url(None).as_str(),
            "https://h/volume/v3/p/volumes/detail?all_tenants=1&limit=5"
        );
        let next = ask.url(Some("limit=5&marker=x%2By")).to_string();
        assert_eq!(
            next,
            "https://h/volume/v3/p/volumes/detail?limit=5&marker=x%2By&all_tenants=1"
        );
    }

    #[test]
    fn names_of_payloads_are_plain() {
        assert_eq!(slug("/v2.1/servers/detail"), "v2.1-servers-detail");
        assert_eq!(slug("/v1/AUTH_1/../桶"), "v1-AUTH_1-..");
        assert!(slug(&"a/".repeat(100)).len() <= 60);
    }

    /// Lists numbers from a service that answers so; gives the outcome, how many payloads were kept, and the queries.
    fn list(answers: &[(u16, &str)]) -> (Result<Vec<u32>, OpenStackError>, usize, Vec<String>) {
        let mut texts = vec![token("t", 3600)];
        texts.extend(answers.iter().map(|(status, body)| saying(*status, "", body)));
        let (url, server) = answering(texts);
        let config = OpenStackConfig {
            auth_url: url,
            backoff_ms: 1,
            ..config()
        };
        let (outcome, kept) = run(async {
            let (session, _) = Session::open(&config).await.unwrap();
            let identity = session.identity();
            let mut reading = Reading::new(&session, 2);
            let ask = Ask {
                endpoint: &identity,
                path: "/n",
                query: Vec::new(),
                paging: Paging::Links("n"),
            };
            let outcome = reading.list(ask).await;
            (outcome, reading.into_payloads().len())
        });
        let query = |head: String| {
            head.split_whitespace()
                .nth(1)
                .unwrap()
                .rsplit('?')
                .next()
                .unwrap()
                .to_owned()
        };
        (
            outcome,
            kept,
            server.join().unwrap().into_iter().skip(1).map(query).collect(),
        )
    }

    const FIRST: (u16, &str) = (
        200,
        r#"{"n": [1, 2], "n_links": [{"rel": "next", "href": "http://x/n?marker=2&limit=2"}]}"#,
    );
    const LAST: (u16, &str) = (200, r#"{"n": [3]}"#);
    const GONE: (u16, &str) = (400, "{}");

    #[test]
    fn pages_are_followed_to_the_end() {
        let (outcome, kept, asked) = list(&[FIRST, LAST]);
        assert_eq!((outcome, kept), (Ok(vec![1, 2, 3]), 2));
        assert_eq!(asked, ["limit=2", "marker=2&limit=2"]);
    }

    #[test]
    fn a_list_begins_anew_when_its_marker_is_gone() {
        let (outcome, kept, asked) = list(&[FIRST, GONE, FIRST, LAST]);
        assert_eq!((outcome, kept), (Ok(vec![1, 2, 3]), 2));
        assert_eq!(asked.len(), 4);
        let (outcome, _, asked) = list(&[FIRST, GONE, FIRST, GONE, FIRST, GONE, FIRST, GONE]);
        assert!(
            matches!(outcome, Err(OpenStackError::Refused { status: 400, .. })),
            "{outcome:?}"
        );
        assert_eq!(asked.len(), 8);
        let (outcome, ..) = list(&[GONE]);
        assert!(
            matches!(outcome, Err(OpenStackError::Refused { status: 400, .. })),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_page_that_fails_fails_the_list() {
        let (outcome, ..) = list(&[FIRST, (500, r#"{"computeFault": {"message": "broken"}}"#)]);
        let broken =
            matches!(&outcome, Err(OpenStackError::Broken { status: 500, message, .. }) if message == "broken");
        assert!(broken, "{outcome:?}");
        let (outcome, ..) = list(&[FIRST, (200, "<html>login</html>")]);
        assert!(matches!(outcome, Err(OpenStackError::Malformed { .. })), "{outcome:?}");
        let (outcome, ..) = list(&[FIRST, FIRST]);
        let circle = matches!(&outcome, Err(OpenStackError::Malformed { cause, .. }) if cause.contains("循环"));
        assert!(circle, "{outcome:?}");
    }
}
