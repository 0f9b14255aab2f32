//! Lists in pages: what a page holds and how the next one is asked for. Pure.
//!
//! Of the link to the next page only the query is used, on our own address: links behind a proxy often name a host or
//! scheme that does not answer, and a token must not follow them.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How a service says that there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paging {
    /// `{key: [..], key_links: [{rel: next, href}]}` (Nova, Cinder, Neutron).
    Links(&'static str),
    /// `{key: [..], next: href}` (Glance).
    Next(&'static str),
    /// `{key: [..], links: {next: href}, truncated}` (Keystone).
    Inner(&'static str),
    /// `[..]` and a `Link` header (Gnocchi).
    Header,
}

/// What a page holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Query of the next page.
    pub(super) next: Option<String>,
    /// The service cut the list off and gives no way to the rest.
    pub(super) cut_off: bool,
}

#[derive(serde::Deserialize)]
struct Link {
    rel: String,
    href: String,
}

/// Reads one page.
///
/// Errors: not the shape that was promised, in words for the error's text.
pub(super) fn read<T: DeserializeOwned>(paging: Paging, body: &[u8], link: Option<&str>) -> Result<Page<T>, String> {
    let says = |e: serde_json::Error| e.to_string();
    let (items, next, truncated) = match paging {
        Paging::Header => {
            let next = link.and_then(next_of_header).map(str::to_owned);
            (serde_json::from_slice(body).map_err(says)?, next, false)
        }
        Paging::Links(key) | Paging::Next(key) | Paging::Inner(key) => {
            let top: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).map_err(says)?;
            let get = |name: &str| top.get(name).map(|raw| raw.get()).filter(|text| *text != "null");
            let items = get(key).ok_or_else(|| format!("缺少 {key}"))?;
            let next = match paging {
                Paging::Links(_) => {
                    let links = get(&format!("{key}_links")).unwrap_or("[]");
                    let links: Vec<Link> = serde_json::from_str(links).map_err(says)?;
                    links.into_iter().find(|l| l.rel == "next").map(|l| l.href)
                }
                Paging::Next(_) => get("next").map(serde_json::from_str).transpose().map_err(says)?,
                _ => {
                    let links: BTreeMap<String, Option<String>> = get("links")
                        .map(serde_json::from_str)
                        .transpose()
                        .map_err(says)?
                        .unwrap_or_default();
                    links.get("next").cloned().flatten()
                }
            };
            (
                serde_json::from_str(items).map_err(says)?,
                next,
                get("truncated") == Some("true"),
            )
        }
    };
    let cut_off = truncated && next.is_none();
    let next = next.map(|href| {
        query_of(&href)
            .map(str::to_owned)
            .ok_or(format!("下一页的链接没有参数: {href}"))
    });
    Ok(Page {
        items,
        next: next.transpose()?,
        cut_off,
    })
}

fn query_of(href: &str) -> Option<&str> {
    let query = href.split_once('?')?.1;
    Some(query.split('#').next().unwrap_or(query)).filter(|q| !q.is_empty())
}

/// The address in `<..>; rel="next"`, among others.
fn next_of_header(header: &str) -> Option<&str> {
    header.split(", <").find_map(|link| {
        let (address, attributes) = link.trim_start_matches('<').split_once('>')?;
        (attributes.contains("rel=\"next\"") || attributes.contains("rel=next")).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(paging: Paging, body: &str, link: Option<&str>) -> Result<Page<u32>, String> {
        read(paging, body.as_bytes(), link)
    }

    fn next(paging: Paging, body: &str) -> Option<String> {
        page(paging, body, None).unwrap().next
    }

    #[test]
    fn each_service_has_its_own_way_to_say_more() {
        let nova = r#"{"servers": [1, 2], "servers_links": [{"rel": "self", "href": "x?y"},
            {"rel": "next", "href": "http://wrong-host/v2.1/servers/detail?limit=2&marker=b"}]}"#;
        assert_eq!(
            next(Paging::Links("servers"), nova).as_deref(),
            Some("limit=2&marker=b")
        );
        assert_eq!(next(Paging::Links("servers"), r#"{"servers": [1]}"#), None);
        assert_eq!(
            next(
                Paging::Next("images"),
                r#"{"images": [1], "next": "/v2/images?marker=c"}"#
            )
            .as_deref(),
            Some("marker=c")
        );
        assert_eq!(
            next(Paging::Next("images"), r#"{"images": [], "first": "/v2/images"}"#),
            None
        );
        let keystone = r#"{"projects": [1], "links": {"next": "http://h/v3/projects?marker=d#x", "self": "http://h", "previous": null}}"#;
        assert_eq!(next(Paging::Inner("projects"), keystone).as_deref(), Some("marker=d"));
        assert_eq!(
            next(
                Paging::Inner("projects"),
                r#"{"projects": [1], "links": {"next": null}}"#
            ),
            None
        );
        let header =
            r#"<http://h/v1/resource/x?a=1>; rel="first", <http://h/v1/resource/x?limit=5&marker=e>; rel="next""#;
        let gnocchi = page(Paging::Header, "[1, 2]", Some(header)).unwrap();
        assert_eq!(
            (gnocchi.items, gnocchi.next.as_deref()),
            (vec![1, 2], Some("limit=5&marker=e"))
        );
        assert_eq!(page(Paging::Header, "[]", None).unwrap().next, None);
    }

    #[test]
    fn a_list_that_was_cut_off_is_noticed() {
        let body = r#"{"projects": [1], "truncated": true, "links": {"next": null}}"#;
        assert!(page(Paging::Inner("projects"), body, None).unwrap().cut_off);
        let body = r#"{"projects": [1], "truncated": true, "links": {"next": "h?marker=1"}}"#;
        assert!(!page(Paging::Inner("projects"), body, None).unwrap().cut_off);
    }

    #[test]
    fn anything_else_is_refused() {
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"server": [1]}"#,
            r#"{"servers": null}"#,
            r#"{"servers": ["a"]}"#,
        ] {
            assert!(page(Paging::Links("servers"), body, None).is_err(), "{body}");
        }
        let no_query = r#"{"servers": [], "servers_links": [{"rel": "next", "href": "http://h/servers"}]}"#;
        assert!(page(Paging::Links("servers"), no_query, None).is_err());
    }
}
