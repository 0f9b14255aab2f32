//! The steps of an order, from the lines of its application.

use super::{Manner, OrderKind, OrderState, Step, StepKind, StepState, WorkOrder};
use crate::registry::{ResourceKind, Spec};
use crate::request::{RequestKind, ResourceRequest, allocation_code};
use kernel::{AllocationCode, Instant};
use thiserror::Error;

/// Why an application gives no order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// No provider was chosen.
    #[error("申请 {0} 尚未选定云服务商，不能派发工单")]
    NoPlace(String),
    /// Nothing is to be done on a node.
    #[error("{0}申请不需要云服务商办理")]
    NothingToDo(&'static str),
    /// A code that is too long.
    #[error(transparent)]
    Code(#[from] kernel::CodeError),
}

/// The kinds of resource that the platform can make at a node's interface. All others are done by hand.
const AT_INTERFACE: &[ResourceKind] = &[ResourceKind::Server, ResourceKind::Volume, ResourceKind::FloatingIp];

/// What is known of a resource that is there: the node's id of it, and its specification.
pub type Known<'a> = dyn Fn(&AllocationCode) -> Option<(Option<String>, Spec)> + 'a;

/// The order for what an application asks of the cloud. `has_interface` says whether the platform can act on the node;
/// then it carries the order out if it can do every line, else a person at the provider does all of it. A change is
/// ordered with everything that the resource shall have, also what stays. `known` gives the node's id and the
/// specification of resources that are there. `snapshot` asks for one before an end.
pub fn plan(
    request: &ResourceRequest,
    (number, now, due): (String, Instant, Option<Instant>),
    has_interface: bool,
    snapshot: bool,
    known: &Known<'_>,
) -> Result<WorkOrder, PlanError> {
    let kind = match request.kind {
        RequestKind::New => OrderKind::Open,
        RequestKind::Change => OrderKind::Change,
        RequestKind::Release | RequestKind::Reclaim => OrderKind::End,
        RequestKind::Extend => return Err(PlanError::NothingToDo(request.kind.zh())),
    };
    let place = request
        .place
        .clone()
        .ok_or_else(|| PlanError::NoPlace(request.number.clone()))?;
    let by_interface = has_interface && request.cloud_lines().all(|line| AT_INTERFACE.contains(&line.kind));
    let mut steps = Vec::new();
    if by_interface && kind == OrderKind::Open {
        let code = allocation_code(&request.number, 0, 1)?;
        steps.push(step(
            StepKind::Network,
            code,
            ResourceKind::Server,
            (String::new(), Spec::new()),
        ));
    }
    for line in request.cloud_lines() {
        for code in line.codes(&request.number)? {
            let (native_id, before) = known(&code).map_or((None, None), |(id, spec)| (id, Some(spec)));
            let kinds: &[StepKind] = match (by_interface, kind, line.kind) {
                (false, ..) => &[StepKind::ByHand],
                (true, OrderKind::Open, ResourceKind::Volume) => &[StepKind::Volume],
                (true, OrderKind::Open, ResourceKind::FloatingIp) => &[StepKind::Address],
                (true, OrderKind::Open, _) => &[StepKind::Server],
                (true, OrderKind::Change, ResourceKind::Volume) => &[StepKind::Extend],
                (true, OrderKind::Change, _) => &[StepKind::Resize],
                (true, OrderKind::End, ResourceKind::Server) if snapshot => &[
                    StepKind::Stop,
                    StepKind::Snapshot,
                    StepKind::Delete,
                    StepKind::VerifyGone,
                ],
                (true, OrderKind::End, ResourceKind::Server) => {
                    &[StepKind::Stop, StepKind::Delete, StepKind::VerifyGone]
                }
                (true, OrderKind::End, _) => &[StepKind::Delete, StepKind::VerifyGone],
            };
            let spec = match &before {
                Some(there) if kind == OrderKind::Change => line.spec.over(there),
                _ => line.spec.clone(),
            };
            steps.extend(kinds.iter().map(|kind| Step {
                before: before.clone(),
                native_id: native_id.clone(),
                ..step(*kind, code.clone(), line.kind, (line.class.clone(), spec.clone()))
            }));
        }
    }
    Ok(WorkOrder {
        number,
        request: request.number.clone(),
        kind,
        manner: if by_interface {
            Manner::Interface
        } else {
            Manner::ByHand
        },
        provider: place.provider,
        node: place.node,
        pool: place.pool,
        contract: place.contract,
        state: OrderState::Waiting,
        opened: now,
        due,
        steps,
        trouble: None,
        version: 1,
    })
}

fn step(kind: StepKind, allocation: AllocationCode, resource: ResourceKind, (class, spec): (String, Spec)) -> Step {
    Step {
        kind,
        allocation,
        resource,
        class,
        spec,
        before: None,
        state: StepState::Waiting,
        attempts: 0,
        native_id: None,
        answer: String::new(),
        remarks: Vec::new(),
    }
}
