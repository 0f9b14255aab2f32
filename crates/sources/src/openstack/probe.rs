//! Trying a connection: what is there, and whether the account sees enough to be of use.

use super::connector::{Connector, projects};
use super::reading::Reading;
use super::{Microversion, OpenStackError, Service};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One service of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundService {
    /// Which.
    pub service: Service,
    /// Where.
    pub url: String,
    /// The version in use, if it has one.
    pub version: Option<Microversion>,
}

/// What a test of a connection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The region in use.
    pub region: Option<String>,
    /// The roles of the account in its project.
    pub roles: Vec<String>,
    /// The services that will be read.
    pub services: Vec<FoundService>,
    /// Optional services that will not be read.
    pub absent: Vec<Service>,
    /// How many projects the node has; none if the account may not know.
    pub projects: Option<usize>,
    /// Whether the account sees the resources of all projects everywhere.
    pub sees_all_projects: bool,
    /// What keeps it from that, each a sentence with what to do.
    pub shortcomings: Vec<OpenStackError>,
}

#[derive(Deserialize)]
struct Anything(IgnoredAny);

impl Connector {
    /// Finds out what a collect would see, without collecting.
    ///
    /// Errors: the node fails; what the account may not see is a shortcoming, not an error.
    pub async fn test_connection(&self) -> Result<Found, OpenStackError> {
        let mut reading = Reading::new(&self.session, self.config.page_size);
        let mut shortcomings = Vec::new();
        let listed = match projects(&mut reading, &self.session.identity()).await {
            Ok(listed) => Some(listed),
            Err(e @ OpenStackError::Forbidden { .. }) => {
                shortcomings.push(e);
                None
            }
            Err(e) => return Err(e),
        };
        // Block storage and network do not refuse to list everything, they quietly list less; but they refuse to show
        // the quota of another project.
        let own = &self.grant.project_id;
        let other = listed
            .iter()
            .flatten()
            .map(|p| p.id.as_str())
            .find(|id| id != own)
            .unwrap_or(own);
        let quota = format!("/os-quota-sets/{other}");
        let probes = [
            (
                &self.compute,
                "/servers/detail".to_owned(),
                vec![("all_tenants", "1"), ("deleted", "True"), ("limit", "1")],
            ),
            (&self.compute, "/os-hypervisors/detail".to_owned(), vec![]),
            (&self.compute, quota.clone(), vec![]),
            (&self.block, quota, vec![]),
            (&self.network, format!("/quotas/{other}"), vec![]),
        ];
        for (endpoint, path, query) in probes {
            note(
                reading.one::<Anything>(endpoint, &path, &query).await,
                &mut shortcomings,
            )?;
        }
        if let Some(objects) = &self.objects {
            let url = super::object::account_url(objects, own, other)?;
            let asked = reading
                .document::<Anything>(objects, super::object::page(&url, 1, None))
                .await;
            let absent = matches!(&asked, Err(OpenStackError::Refused { status: 404, .. }));
            note(if absent { Ok(Anything(IgnoredAny)) } else { asked }, &mut shortcomings)?;
        }
        if let Some(metric) = &self.metric {
            note(
                reading
                    .one::<Anything>(metric, "/resource/generic", &[("limit", "1")])
                    .await,
                &mut shortcomings,
            )?;
        }
        Ok(Found {
            region: self.region.clone(),
            roles: self.grant.roles.clone(),
            services: self.services(),
            absent: self.absent(),
            projects: listed.map(|l| l.len()),
            sees_all_projects: shortcomings.is_empty(),
            shortcomings,
        })
    }

    fn services(&self) -> Vec<FoundService> {
        let identity = self.session.identity();
        let needed = [&identity, &self.compute, &self.block, &self.network, &self.image];
        let all = needed.into_iter().chain(&self.objects).chain(&self.metric);
        all.map(|e| FoundService {
            service: e.service,
            url: e.base.to_string(),
            version: e.version,
        })
        .collect()
    }
}

fn note(asked: Result<Anything, OpenStackError>, shortcomings: &mut Vec<OpenStackError>) -> Result<(), OpenStackError> {
    match asked {
        Ok(_) => Ok(()),
        Err(e @ OpenStackError::Forbidden { .. }) => {
            shortcomings.push(e);
            Ok(())
        }
        Err(e) => Err(e),
    }
}
