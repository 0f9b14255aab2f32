//! Until when resources were granted. An extension is in force with its approval: nothing happens on a node, but whoever
//! asks until when a resource was granted gets the new date, and an interval with a date of its own runs on to it.

use super::matter::in_use;
use crate::{AppError, OpContext};
use domain::request::{RequestKind, RequestStatus, ResourceRequest};
use kernel::{AllocationCode, Day};
use std::collections::BTreeMap;
use store::{Connection, RequestFilter};

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
        for line in request.cloud_lines() {
            match (&line.allocation, request.kind) {
                (Some(code), RequestKind::Extend) => {
                    terms.insert(code.clone(), line.until);
                }
                (Some(code), RequestKind::Change) if line.until.is_some() => {
                    terms.insert(code.clone(), line.until);
                }
                (None, RequestKind::New) => {
                    let codes = line.codes(&request.number).unwrap_or_default();
                    terms.extend(codes.into_iter().map(|code| (code, line.until)));
                }
                _ => {}
            }
        }
    }
    terms
}

/// Puts an extension in force. An interval that was approved up to a date (it came in by import) runs on to the new one;
/// all others have no end until they are ended. Errors: a resource is not in use any more.
pub(super) async fn lengthen(
    ctx: &OpContext,
    work: &mut Connection,
    request: &ResourceRequest,
) -> Result<(), AppError> {
    for line in &request.lines {
        let (Some(code), Some(until)) = (&line.allocation, line.until) else {
            continue;
        };
        let last = in_use(work, code, ctx.now()).await?;
        if last.period.end().is_some_and(|end| end < until.start()) {
            work.move_end(&last, until.start()).await?;
        }
    }
    Ok(())
}

/// Until when a resource was granted; none without an end, or if it came in by import.
pub async fn until_of(read: &mut Connection, code: &AllocationCode) -> Result<Option<Day>, AppError> {
    Ok(terms(&in_force(read).await?).remove(code).flatten())
}

/// Until when every resource was granted.
pub async fn terms_in_force(read: &mut Connection) -> Result<BTreeMap<AllocationCode, Option<Day>>, AppError> {
    Ok(terms(&in_force(read).await?))
}

/// The applications in force.
pub(super) async fn in_force(read: &mut Connection) -> Result<Vec<ResourceRequest>, AppError> {
    let filter = RequestFilter {
        status: Some(RequestStatus::InForce),
        ..RequestFilter::default()
    };
    Ok(read.all_requests(&filter).await?)
}
