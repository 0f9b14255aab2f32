//! Until when resources were granted. An extension is in force with its approval: nothing happens on a node.

use super::give::SWEEP_MAX;
use crate::AppError;
use domain::request::{RequestKind, RequestStatus, ResourceRequest, allocation_code};
use kernel::{AllocationCode, Day};
use std::collections::BTreeMap;
use store::{Connection, RequestFilter, Sight};

/// Until when each resource was granted, by the applications in force; none without an end. A later application stands
/// above an earlier one.
pub fn terms(requests: &[ResourceRequest]) -> BTreeMap<AllocationCode, Option<Day>> {
    let mut in_force: Vec<&ResourceRequest> = requests
        .iter()
        .filter(|request| request.status == RequestStatus::InForce)
        .collect();
    in_force.sort_by(|a, b| (a.created, &a.number).cmp(&(b.created, &b.number)));
    let mut terms = BTreeMap::new();
    for request in in_force {
        for line in &request.lines {
            match (&line.allocation, request.kind) {
                (Some(code), RequestKind::Extend) => {
                    terms.insert(code.clone(), line.until);
                }
                (Some(code), RequestKind::Change) if line.until.is_some() => {
                    terms.insert(code.clone(), line.until);
                }
                (None, RequestKind::New) => {
                    let codes = (1..=line.count).filter_map(|n| allocation_code(&request.number, line.line, n).ok());
                    terms.extend(codes.map(|code| (code, line.until)));
                }
                _ => {}
            }
        }
    }
    terms
}

/// Until when a resource was granted; none without an end, or if it came in by import.
pub async fn until_of(read: &mut Connection, code: &AllocationCode) -> Result<Option<Day>, AppError> {
    Ok(terms(&in_force(read).await?).remove(code).flatten())
}

/// The applications in force.
pub(super) async fn in_force(read: &mut Connection) -> Result<Vec<ResourceRequest>, AppError> {
    let filter = RequestFilter {
        status: Some(RequestStatus::InForce),
        ..RequestFilter::default()
    };
    Ok(read.requests(&Sight::All, &filter, SWEEP_MAX).await?)
}
