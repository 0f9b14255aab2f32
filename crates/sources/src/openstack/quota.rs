//! Quotas of every project at compute, block storage and network.

use super::catalogue::Endpoint;
use super::identity::Project;
use super::reading::Reading;
use super::{OpenStackError, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One limit of one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The project.
    pub project: String,
    /// The service that holds it: `compute`, `block-storage`, `network`.
    pub service: String,
    /// The service's own name of it, in its own unit: `cores`, `ram` (MiB), `gigabytes` (GiB), `floatingip`.
    pub name: String,
    /// How much there may be; none if there is no limit.
    pub limit: Option<u64>,
    /// How much there is, if the service says so.
    pub in_use: Option<u64>,
}

type Document = BTreeMap<String, BTreeMap<String, Value>>;

/// All quotas of the projects.
///
/// Errors: any that cannot be read. An account that sees only its own project fails here also where the lists of a
/// service would have been short without saying so.
pub(super) async fn read(
    reading: &mut Reading<'_>,
    (compute, block, network): (&Endpoint, &Endpoint, &Endpoint),
    projects: &[Project],
) -> Result<Vec<Quota>, OpenStackError> {
    let mut found = Vec::new();
    let mut detailed = true;
    for Project { id, .. } in projects {
        let document: Document = reading
            .one(compute, &format!("/os-quota-sets/{id}/detail"), &[])
            .await?;
        found.extend(limits(id, Service::Compute, document));
        let document: Document = reading
            .one(block, &format!("/os-quota-sets/{id}"), &[("usage", "True")])
            .await?;
        found.extend(limits(id, Service::BlockStorage, document));
        let document = of_network(reading, network, id, &mut detailed).await?;
        found.extend(limits(id, Service::Network, document));
    }
    Ok(found)
}

/// With what is in use where the service can say it, else the limits alone.
async fn of_network(
    reading: &mut Reading<'_>,
    network: &Endpoint,
    project: &str,
    detailed: &mut bool,
) -> Result<Document, OpenStackError> {
    if *detailed {
        match reading.one(network, &format!("/quotas/{project}/details"), &[]).await {
            Err(OpenStackError::Refused { status: 404, .. }) => *detailed = false,
            other => return other,
        }
    }
    reading.one(network, &format!("/quotas/{project}"), &[]).await
}

/// The limits in `{"quota_set": {name: limit}}` or `{"quota_set": {name: {limit, in_use}}}`; below zero is no limit.
fn limits(project: &str, service: Service, document: Document) -> Vec<Quota> {
    let each = document.into_values().flatten().filter_map(|(name, value)| {
        let (limit, in_use) = match &value {
            Value::Object(parts) => (
                parts.get("limit")?.as_i64()?,
                parts
                    .get("in_use")
                    .or_else(|| parts.get("used"))
                    .and_then(Value::as_u64),
            ),
            Value::Number(limit) => (limit.as_i64()?, None),
            _ => return None,
        };
        let (project, service) = (project.to_owned(), service.word().to_owned());
        Some(Quota {
            project,
            service,
            name,
            limit: u64::try_from(limit).ok(),
            in_use,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_bare_and_with_their_use() {
        let read = |text| limits("p1", Service::Network, serde_json::from_str(text).unwrap());
        let got = read(
            r#"{"quota": {"floatingip": {"limit": 5, "used": 2, "reserved": 0}, "port": {"limit": -1, "used": 0}}}"#,
        );
        let plain: Vec<_> = got.iter().map(|q| (q.name.as_str(), q.limit, q.in_use)).collect();
        assert_eq!(plain, [("floatingip", Some(5), Some(2)), ("port", None, Some(0))]);
        let got = read(r#"{"quota_set": {"id": "p1", "cores": 96, "ram": -1}}"#);
        let plain: Vec<_> = got.iter().map(|q| (q.name.as_str(), q.limit, q.in_use)).collect();
        assert_eq!(plain, [("cores", Some(96), None), ("ram", None, None)]);
    }
}
