//! Swift: the containers of every project, and how much is in them.
//!
//! A container's native id is `AUTH_<project>/<container>`. Its size is an observation and, for meters that take the
//! mean over time, a sample at the moment of the look.

use super::catalogue::Endpoint;
use super::identity::Project;
use super::number::{gib_of_bytes, moment};
use super::reading::Reading;
use super::{OpenStackError, Place};
use domain::collect::{Observation, ObservedState, Sample};
use domain::registry::{Measure, ResourceKind, Spec};
use kernel::Instant;
use reqwest::Url;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Container {
    name: String,
    bytes: u64,
    last_modified: Option<String>,
}

/// All containers of the projects.
///
/// Errors: any page that fails; an address that names no account, as only those of other accounts can be asked for.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    own_project: &str,
    projects: &[Project],
    (page_size, now): (u32, Instant),
) -> Result<(Vec<Observation>, Vec<Sample>), OpenStackError> {
    let (mut observations, mut samples) = (Vec::new(), Vec::new());
    for project in projects {
        let account = account_url(endpoint, own_project, &project.id)?;
        let name = account
            .path_segments()
            .and_then(|mut s| s.next_back())
            .unwrap_or_default()
            .to_owned();
        let place = Place {
            service: endpoint.service,
            url: account.to_string(),
        };
        for container in containers(reading, endpoint, &account, page_size).await? {
            let (observation, sample) = observe(container, &name, project, now, &place)?;
            observations.push(observation);
            samples.push(sample);
        }
    }
    Ok((observations, samples))
}

/// The address of another project's account: ours with the other id in it.
pub(super) fn account_url(endpoint: &Endpoint, own: &str, other: &str) -> Result<Url, OpenStackError> {
    let mut url = endpoint.base.clone();
    let Some((before, after)) = url.path().rsplit_once(own).filter(|_| !own.is_empty()) else {
        let why = format!(
            "对象存储地址 {url} 中没有项目 ID，无法读取其他项目；请服务商在地址中加入 AUTH_<项目ID>，或关闭 object_store"
        );
        return Err(OpenStackError::Config {
            field: "object_store",
            why,
        });
    };
    let path = format!("{before}{other}{after}");
    url.set_path(path.trim_end_matches('/'));
    Ok(url)
}

/// The address of the containers after one.
pub(super) fn page(account: &Url, page_size: u32, after: Option<&str>) -> Url {
    let mut url = account.clone();
    url.query_pairs_mut()
        .append_pair("format", "json")
        .append_pair("limit", &page_size.to_string());
    if let Some(name) = after {
        url.query_pairs_mut().append_pair("marker", name);
    }
    url
}

/// Pages end with an empty one: a service may cap the size of a page below what was asked for.
async fn containers(
    reading: &mut Reading<'_>,
    endpoint: &Endpoint,
    account: &Url,
    page_size: u32,
) -> Result<Vec<Container>, OpenStackError> {
    let mut all: Vec<Container> = Vec::new();
    loop {
        let url = page(account, page_size, all.last().map(|c| c.name.as_str()));
        let place = Place {
            service: endpoint.service,
            url: url.to_string(),
        };
        let more: Vec<Container> = match reading.document(endpoint, url).await {
            // The project never stored anything, so it has no account.
            Err(OpenStackError::Refused { status: 404, .. }) if all.is_empty() => return Ok(all),
            other => other?,
        };
        let Some(first) = more.first() else { return Ok(all) };
        if all.last().is_some_and(|last| first.name <= last.name) {
            return Err(OpenStackError::Malformed {
                place,
                cause: "翻页没有前进".to_owned(),
            });
        }
        all.extend(more);
    }
}

fn observe(
    container: Container,
    account: &str,
    project: &Project,
    now: Instant,
    place: &Place,
) -> Result<(Observation, Sample), OpenStackError> {
    let native_id = format!("{account}/{}", container.name);
    let malformed = |cause: String| OpenStackError::Malformed {
        place: place.clone(),
        cause,
    };
    let size = gib_of_bytes(container.bytes).ok_or_else(|| malformed(format!("资源 {native_id}: 数值超出范围")))?;
    let changed_at = container.last_modified.as_deref().map(moment).transpose();
    let sample = Sample {
        native_id: native_id.clone(),
        measure: Measure::StorageGib,
        at: now,
        value: size,
    };
    let observation = Observation {
        kind: ResourceKind::ObjectStorage,
        class: String::new(),
        name: container.name,
        project: project.id.clone(),
        zone: String::new(),
        state: ObservedState::Live,
        native_state: String::new(),
        spec: Spec::new().with(Measure::StorageGib, size),
        created_at: None,
        changed_at: changed_at.map_err(|e| malformed(format!("资源 {native_id}: {e}")))?,
        deleted_at: None,
        parent: None,
        system_tag: None,
        native_id,
    };
    Ok((observation, sample))
}

#[cfg(test)]
mod tests {
    use super::super::Service;
    use super::*;

    fn endpoint(base: &str) -> Endpoint {
        let base = Url::parse(base).unwrap();
        Endpoint {
            service: Service::ObjectStore,
            base,
            version: None,
            negotiated: false,
        }
    }

    #[test]
    fn the_account_of_another_project() {
        let url = account_url(&endpoint("http://h:8080/v1/AUTH_aaa"), "aaa", "bbb").unwrap();
        assert_eq!(url.as_str(), "http://h:8080/v1/AUTH_bbb");
        let error = account_url(&endpoint("https://rgw/swift/v1"), "aaa", "bbb").unwrap_err();
        assert!(error.to_string().contains("object_store"), "{error}");
    }

    #[test]
    fn a_container_is_its_bytes() {
        let text =
            r#"{"name": "备份", "count": 3, "bytes": 1610612736, "last_modified": "2026-03-01T00:00:00.123450"}"#;
        let project = serde_json::from_str(r#"{"id": "p1", "name": "oa"}"#).unwrap();
        let place = Place {
            service: Service::ObjectStore,
            url: String::new(),
        };
        let now = "2026-03-02".parse().unwrap();
        let (o, s) = observe(serde_json::from_str(text).unwrap(), "AUTH_p1", &project, now, &place).unwrap();
        assert_eq!((o.native_id.as_str(), o.project.as_str()), ("AUTH_p1/备份", "p1"));
        assert_eq!(
            (s.value.to_string().as_str(), s.at, s.native_id),
            ("1.5", now, o.native_id)
        );
    }
}
