//! One node: connecting to it and collecting from it.

use super::catalogue::{self, Endpoint, version_root};
use super::identity::{Grant, Session};
use super::paging::Paging;
use super::reading::{Ask, Payload, Reading};
use super::version::{choose, newest, offered};
use super::words::tagged_system;
use super::{
    Capacity, Flavor, Microversion, OpenStackConfig, OpenStackError, Place, Project, Quota, Service, block, capacity,
    image, metric, network, object, quota, server,
};
use domain::collect::{Look, LookKind, Observation, ObservedState};
use kernel::Instant;
use std::collections::BTreeMap;

/// The oldest microversion of compute that can be read.
const COMPUTE_LEAST: Microversion = Microversion::new(2, 1);
/// The newest that still says what a hypervisor has. From 2.26 on servers have tags, from 2.47 on their flavor is
/// embedded, from 2.69 on a cell that is down shows instead of silently missing.
const COMPUTE_MOST: Microversion = Microversion::new(2, 87);
/// The version of block storage; nothing newer is needed.
const BLOCK: Microversion = Microversion::new(3, 0);

/// A node that one is logged in to.
pub struct Connector {
    pub(super) config: OpenStackConfig,
    pub(super) session: Session,
    pub(super) grant: Grant,
    pub(super) region: Option<String>,
    pub(super) compute: Endpoint,
    pub(super) block: Endpoint,
    pub(super) network: Endpoint,
    pub(super) image: Endpoint,
    pub(super) objects: Option<Endpoint>,
    pub(super) metric: Option<Endpoint>,
}

/// All that one pass over a node gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// What exists and what was measured, sorted by kind and id.
    pub look: Look,
    /// Hypervisors, by host.
    pub capacity: Vec<Capacity>,
    /// Sizes that servers can have, by id.
    pub flavors: Vec<Flavor>,
    /// Limits of the projects.
    pub quotas: Vec<Quota>,
    /// Projects, by id.
    pub projects: Vec<Project>,
    /// Optional services that the node does not have, or that are not to be read.
    pub absent: Vec<Service>,
    /// Every answer, as it came.
    pub payloads: Vec<Payload>,
}

impl Connector {
    /// Logs in, finds the services and agrees with each on a version.
    ///
    /// Errors: see [`OpenStackError`]; no service but object storage and metrics may be missing.
    pub async fn connect(config: OpenStackConfig) -> Result<Self, OpenStackError> {
        config.check()?;
        let (session, grant) = Session::open(&config).await?;
        let region = catalogue::region(&grant.catalogue, &config)?;
        let find = |service| catalogue::find(&grant.catalogue, service, region.as_deref(), &config);
        let needed = |service| {
            find(service)?.ok_or_else(|| OpenStackError::NoEndpoint {
                service,
                interface: config.interface.word(),
                region: region.clone(),
                offered: String::new(),
            })
        };
        let bare = |service, base, version| Endpoint {
            service,
            base,
            version,
            negotiated: false,
        };
        let most = config.compute_ceiling.unwrap_or(COMPUTE_MOST).min(COMPUTE_MOST);
        let compute = bare(Service::Compute, needed(Service::Compute)?, None);
        let block = bare(Service::BlockStorage, needed(Service::BlockStorage)?, None);
        let (network, image) = (
            version_root(&needed(Service::Network)?).0,
            version_root(&needed(Service::Image)?).0,
        );
        let objects = find(Service::ObjectStore)?.filter(|_| config.object_store);
        let metric = find(Service::Metric)?.filter(|_| !config.metrics.is_empty());
        Ok(Self {
            compute: agree(&session, compute, (COMPUTE_LEAST, most)).await?,
            block: agree(&session, block, (BLOCK, BLOCK)).await?,
            network: below(bare(Service::Network, network, Some(Microversion::new(2, 0))), "/v2.0"),
            image: images(&session, bare(Service::Image, image, None)).await?,
            objects: objects.map(|base| bare(Service::ObjectStore, base, None)),
            metric: metric.map(|base| below(bare(Service::Metric, version_root(&base).0, None), "/v1")),
            config,
            session,
            grant,
            region,
        })
    }

    /// Reads everything. `now` is the moment that the look speaks of.
    ///
    /// Errors: any list that fails, and then there is no look at all.
    pub async fn collect(&self, now: Instant) -> Result<Collected, OpenStackError> {
        let mut reading = Reading::new(&self.session, self.config.page_size);
        let r = &mut reading;
        let flavors = capacity::flavors(r, &self.compute).await?;
        let mut seen = server::read(r, &self.compute, &self.config, &flavors).await?;
        let projects = projects(r, &self.session.identity()).await?;
        seen.extend(block::read(r, &self.block, &self.config).await?);
        seen.extend(network::read(r, &self.network, &self.config).await?);
        seen.extend(image::read(r, &self.image, &self.config).await?);
        let mut samples = Vec::new();
        if let Some(objects) = &self.objects {
            let page = (self.config.page_size, now);
            let (containers, sizes) = object::read(r, objects, &self.grant.project_id, &projects, page).await?;
            seen.extend(containers);
            samples.extend(sizes);
        }
        let quotas = quota::read(r, (&self.compute, &self.block, &self.network), &projects).await?;
        let capacity = capacity::read(r, &self.compute).await?;
        if let Some(metric) = &self.metric {
            samples.extend(metric::read(r, metric, &self.config, now).await?);
        }
        samples.sort_by(|a, b| (&a.native_id, a.measure, a.at).cmp(&(&b.native_id, b.measure, b.at)));
        let look = Look {
            taken_at: now,
            kind: LookKind::Full,
            observations: each_once(named(seen, &projects, &self.config)),
            samples,
        };
        let payloads = reading.into_payloads();
        Ok(Collected {
            look,
            capacity,
            flavors,
            quotas,
            projects,
            absent: self.absent(),
            payloads,
        })
    }

    pub(super) fn absent(&self) -> Vec<Service> {
        let optional = [(Service::ObjectStore, &self.objects), (Service::Metric, &self.metric)];
        optional
            .into_iter()
            .filter(|(_, endpoint)| endpoint.is_none())
            .map(|(service, _)| service)
            .collect()
    }
}

/// All projects, by id.
pub(super) async fn projects(reading: &mut Reading<'_>, identity: &Endpoint) -> Result<Vec<Project>, OpenStackError> {
    let ask = Ask {
        endpoint: identity,
        path: "/projects",
        query: Vec::new(),
        paging: Paging::Inner("projects"),
    };
    let mut projects: Vec<Project> = reading.list(ask).await?;
    projects.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(projects)
}

/// What names no information system itself is in that of its project, if a tag of the project names one.
fn named(mut seen: Vec<Observation>, projects: &[Project], config: &OpenStackConfig) -> Vec<Observation> {
    let tagged = projects
        .iter()
        .filter_map(|project| Some((project.id.as_str(), tagged_system(config, &project.tags)?)));
    let systems: BTreeMap<&str, String> = tagged.collect();
    for observation in &mut seen {
        if observation.system_tag.is_none() {
            observation.system_tag = systems.get(observation.project.as_str()).cloned();
        }
    }
    seen
}

/// Sorted by kind and id. An entry that moved between two pages is seen twice and counts once; a server that was
/// deleted between the two lists is in both, and then it is deleted. An id that comes with different content stays as
/// often as it came, in the order of the lists: whoever takes the look in must say so, nothing is overwritten here.
fn each_once(seen: Vec<Observation>) -> Vec<Observation> {
    let mut by_id: BTreeMap<_, Vec<Observation>> = BTreeMap::new();
    for observation in seen {
        let same = by_id
            .entry((observation.kind, observation.native_id.clone()))
            .or_default();
        if !same.contains(&observation) {
            same.push(observation);
        }
    }
    let deleted = |o: &Observation| o.state == ObservedState::Deleted;
    for same in by_id.values_mut().filter(|same| same.iter().any(deleted)) {
        same.retain(deleted);
    }
    by_id.into_values().flatten().collect()
}

fn below(endpoint: Endpoint, path: &str) -> Endpoint {
    Endpoint {
        base: endpoint.at(path),
        ..endpoint
    }
}

/// Asks a service for its microversions and takes the newest that both know.
async fn agree(
    session: &Session,
    endpoint: Endpoint,
    wanted: (Microversion, Microversion),
) -> Result<Endpoint, OpenStackError> {
    let service = endpoint.service;
    let document = version_root(&endpoint.base).1.ok_or_else(|| OpenStackError::Version {
        service,
        wanted: format!("{} 至 {}", wanted.0, wanted.1),
        offered: format!("{} (地址中没有版本)", endpoint.base),
    })?;
    let mut url = document;
    url.set_path(&format!("{}/", url.path()));
    let place = Place {
        service,
        url: url.to_string(),
    };
    let answer = session.get(&endpoint, url).await?;
    let offer = offered(&answer.body, wanted.0.major);
    match offer.map_err(|cause| OpenStackError::Malformed { place, cause })? {
        Some(offer) => {
            let version = choose(service, wanted, offer)?;
            Ok(Endpoint {
                version: Some(version),
                negotiated: true,
                ..endpoint
            })
        }
        None => Ok(Endpoint {
            version: Some(wanted.0),
            ..endpoint
        }),
    }
}

/// Glance numbers what it can do without negotiating.
async fn images(session: &Session, endpoint: Endpoint) -> Result<Endpoint, OpenStackError> {
    let url = endpoint.at("/versions");
    let place = Place {
        service: endpoint.service,
        url: url.to_string(),
    };
    let answer = session.get(&endpoint, url).await?;
    let version = newest(&answer.body).map_err(|cause| OpenStackError::Malformed { place, cause })?;
    Ok(below(Endpoint { version, ..endpoint }, "/v2"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::registry::{ResourceKind, Spec};

    fn seen(id: &str, kind: ResourceKind, state: ObservedState) -> Observation {
        Observation {
            native_id: id.into(),
            kind,
            class: String::new(),
            name: String::new(),
            project: "p".into(),
            zone: String::new(),
            state,
            native_state: String::new(),
            spec: Spec::new(),
            created_at: None,
            changed_at: None,
            deleted_at: None,
            parent: None,
            system_tag: None,
        }
    }

    #[test]
    fn what_is_seen_twice_is_there_once_and_deleted_if_it_was() {
        use ObservedState::{Deleted, Live, Stopped};
        use ResourceKind::{Server, Volume};
        let all = vec![
            seen("b", Server, Live),
            seen("v", Volume, Live),
            seen("a", Server, Live),
            seen("a", Server, Live),
            seen("b", Server, Deleted),
            seen("b", Server, Live),
        ];
        let once: Vec<_> = each_once(all).into_iter().map(|o| (o.native_id, o.state)).collect();
        assert_eq!(once, [("a".into(), Live), ("b".into(), Deleted), ("v".into(), Live)]);
        // Two that contradict each other are both handed on, in the order in which they were listed.
        let all = vec![
            seen("b", Server, Live),
            seen("a", Server, Stopped),
            seen("a", Server, Live),
        ];
        let kept: Vec<_> = each_once(all).into_iter().map(|o| (o.native_id, o.state)).collect();
        assert_eq!(kept, [("a".into(), Stopped), ("a".into(), Live), ("b".into(), Live)]);
    }

    #[test]
    fn a_projects_tag_names_the_system_of_what_names_none() {
        let config = super::super::words::tests::config();
        let project = |id: &str, tags: &[&str]| Project {
            id: id.into(),
            name: id.into(),
            description: None,
            domain_id: None,
            enabled: true,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        };
        let own = Observation {
            system_tag: Some("S1".into()),
            ..seen("a", ResourceKind::Server, ObservedState::Live)
        };
        let none = seen("b", ResourceKind::Volume, ObservedState::Live);
        let other = Observation {
            project: "q".into(),
            ..none.clone()
        };
        let projects = [project("p", &["prod", "yunheng:system=S2"]), project("q", &["prod"])];
        let systems: Vec<_> = named(vec![own, none, other], &projects, &config)
            .into_iter()
            .map(|o| o.system_tag)
            .collect();
        assert_eq!(systems, [Some("S1".into()), Some("S2".into()), None]);
    }
}
