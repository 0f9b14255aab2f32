//! The catalogue that comes with a token: which service is where.

use super::{Microversion, OpenStackConfig, OpenStackError, Service};
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeSet;

/// One service of the catalogue.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "type")]
    kind: String,
    endpoints: Vec<Listed>,
}

#[derive(Debug, Clone, Deserialize)]
struct Listed {
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

impl Listed {
    fn region(&self) -> &str {
        self.region_id.as_deref().or(self.region.as_deref()).unwrap_or_default()
    }
}

/// Where a service is asked, and how.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) service: Service,
    /// Without a slash at the end.
    pub(super) base: Url,
    /// The version in use, if the service has numbers for it.
    pub(super) version: Option<Microversion>,
    /// Whether the version is sent along.
    pub(super) negotiated: bool,
}

impl Endpoint {
    /// The address of a path below the base, which begins with a slash.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let joined = format!("{}{path}", self.base.path().trim_end_matches('/'));
        url.set_path(&joined);
        url
    }
}

/// The region to use: the one configured, or the only one.
///
/// Errors: there are several and none is configured.
pub(super) fn region(catalogue: &[Entry], config: &OpenStackConfig) -> Result<Option<String>, OpenStackError> {
    if config.region.is_some() {
        return Ok(config.region.clone());
    }
    let wanted = |e: &&Entry| Service::WANTED.iter().any(|s| s.types().contains(&e.kind.as_str()));
    let listed = catalogue.iter().filter(wanted).flat_map(|e| &e.endpoints);
    let regions: BTreeSet<_> = listed
        .filter(|l| l.interface == config.interface.word())
        .map(Listed::region)
        .collect();
    if regions.len() > 1 {
        let regions = regions.into_iter().collect::<Vec<_>>().join("、");
        return Err(OpenStackError::RegionNeeded { regions });
    }
    Ok(regions.into_iter().next().map(str::to_owned))
}

/// The address of a service; none if it may be missing and is.
///
/// Errors: it is needed and missing, or its address is none.
pub(super) fn find(
    catalogue: &[Entry],
    service: Service,
    region: Option<&str>,
    config: &OpenStackConfig,
) -> Result<Option<Url>, OpenStackError> {
    let interface = config.interface.word();
    for kind in service.types() {
        let listed = catalogue.iter().filter(|e| e.kind == *kind).flat_map(|e| &e.endpoints);
        let mut fitting = listed.filter(|l| l.interface == interface && region.is_none_or(|r| l.region() == r));
        let Some(found) = fitting.next() else { continue };
        return Url::parse(&found.url)
            .map(Some)
            .map_err(|_| OpenStackError::NoEndpoint {
                service,
                interface,
                region: region.map(str::to_owned),
                offered: format!("{}(不是网址)", found.url),
            });
    }
    if service.optional() {
        return Ok(None);
    }
    Err(OpenStackError::NoEndpoint {
        service,
        interface,
        region: region.map(str::to_owned),
        offered: offered(catalogue),
    })
}

fn offered(catalogue: &[Entry]) -> String {
    let each = catalogue.iter().flat_map(|e| {
        e.endpoints
            .iter()
            .map(|l| format!("{}/{}/{}", e.kind, l.interface, l.region()))
    });
    let all: BTreeSet<_> = each.collect();
    if all.is_empty() {
        "(空)".to_owned()
    } else {
        all.into_iter().collect::<Vec<_>>().join("、")
    }
}

/// Splits an address before and after its version: `https://h/compute` and `https://h/compute/v2.1`.
pub(super) fn version_root(url: &Url) -> (Url, Option<Url>) {
    let is_version = |s: &str| {
        s.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    };
    let segments: Vec<_> = url.path().split('/').filter(|s| !s.is_empty()).collect();
    let place = segments.iter().position(|s| is_version(s)).unwrap_or(segments.len());
    let cut = |count: usize| {
        let mut cut = url.clone();
        cut.set_path(&segments.iter().take(count).copied().collect::<Vec<_>>().join("/"));
        cut.set_query(None);
        cut
    };
    (cut(place), (place < segments.len()).then(|| cut(place + 1)))
}

#[cfg(test)]
mod tests {
    use super::super::{Credential, Interface, Secret};
    use super::*;

    const CATALOGUE: &str = r#"[
        {"type": "compute", "name": "nova", "endpoints": [
            {"interface": "public", "region_id": "north", "region": "north", "url": "https://n.example/compute/v2.1"},
            {"interface": "internal", "region_id": "north", "region": "north", "url": "http://10.0.0.1:8774/v2.1"},
            {"interface": "public", "region_id": "south", "region": "south", "url": "https://s.example/compute/v2.1"}]},
        {"type": "volumev3", "endpoints": [{"interface": "public", "region": "north", "url": "https://n.example/volume/v3/p1"}]},
        {"type": "rating", "endpoints": [{"interface": "public", "region": "elsewhere", "url": "https://r.example"}]},
        {"type": "image", "endpoints": []}]"#;

    fn config(region: Option<&str>, interface: Interface) -> OpenStackConfig {
        let credential = Credential::Application {
            id: "a".into(),
            secret: Secret::new("b"),
        };
        OpenStackConfig {
            region: region.map(str::to_owned),
            interface,
            ..OpenStackConfig::new("http://h", credential)
        }
    }

    fn found(service: Service, region: Option<&str>, interface: Interface) -> Result<Option<String>, OpenStackError> {
        let catalogue: Vec<Entry> = serde_json::from_str(CATALOGUE).unwrap();
        find(&catalogue, service, region, &config(region, interface)).map(|u| u.map(|u| u.to_string()))
    }

    #[test]
    fn services_are_found_by_type_interface_and_region() {
        let get = |s, r, i| found(s, Some(r), i).unwrap().unwrap();
        assert_eq!(
            get(Service::Compute, "north", Interface::Public),
            "https://n.example/compute/v2.1"
        );
        assert_eq!(
            get(Service::Compute, "south", Interface::Public),
            "https://s.example/compute/v2.1"
        );
        assert_eq!(
            get(Service::Compute, "north", Interface::Internal),
            "http://10.0.0.1:8774/v2.1"
        );
        assert_eq!(
            get(Service::BlockStorage, "north", Interface::Public),
            "https://n.example/volume/v3/p1"
        );
    }

    #[test]
    fn a_missing_service_is_an_error_unless_it_is_optional() {
        assert_eq!(found(Service::ObjectStore, Some("north"), Interface::Public), Ok(None));
        let error = found(Service::Image, Some("north"), Interface::Public).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("Glance") && text.contains("compute/public/north"),
            "{text}"
        );
        assert!(found(Service::BlockStorage, Some("south"), Interface::Public).is_err());
    }

    #[test]
    fn several_regions_need_a_choice() {
        let catalogue: Vec<Entry> = serde_json::from_str(CATALOGUE).unwrap();
        let error = region(&catalogue, &config(None, Interface::Public)).unwrap_err();
        assert_eq!(
            error,
            OpenStackError::RegionNeeded {
                regions: "north、south".into()
            }
        );
        assert_eq!(
            region(&catalogue, &config(None, Interface::Internal)),
            Ok(Some("north".into()))
        );
        assert_eq!(
            region(&catalogue, &config(Some("south"), Interface::Public)),
            Ok(Some("south".into()))
        );
    }

    #[test]
    fn versions_are_cut_out_of_addresses() {
        for (url, root, doc) in [
            ("http://h:8774/v2.1", "http://h:8774/", Some("http://h:8774/v2.1")),
            (
                "https://h/volume/v3/abc",
                "https://h/volume",
                Some("https://h/volume/v3"),
            ),
            ("https://h/vault/", "https://h/vault", None),
            ("http://h:9292", "http://h:9292/", None),
        ] {
            let (r, d) = version_root(&Url::parse(url).unwrap());
            assert_eq!((r.as_str(), d.as_ref().map(Url::as_str)), (root, doc), "{url}");
        }
        let base = Url::parse("http://h:9292").unwrap();
        let endpoint = Endpoint {
            service: Service::Image,
            base,
            version: None,
            negotiated: false,
        };
        assert_eq!(endpoint.at("/v2/images").as_str(), "http://h:9292/v2/images");
    }
}
