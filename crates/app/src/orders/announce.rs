//! The announcement of an end: the unit is told, and nothing is touched yet.

use super::matter::{Task, assign, paper, read_request, target};
use crate::messages::moment;
use crate::requests::people::due;
use crate::{AppError, OpContext};
use domain::authz::{Action, Role};
use domain::request::{Ending, ResourceRequest};
use domain::rules::DeadlineKind;
use kernel::OrganisationCode;
use store::UnitOfWork;

/// Who speaks for a unit when its resources end.
pub(super) const fn for_the_unit(request: &ResourceRequest) -> [(&OrganisationCode, Role); 2] {
    [(&request.unit, Role::UnitApplicant), (&request.unit, Role::UnitHead)]
}

/// Announces the end of the resources of an application that stands at "noticed", in the caller's unit of work: the
/// unit is told, and nothing is touched before the time of notice is over (R17). Where no time is configured there is
/// none to wait for. Announcing again changes nothing.
pub async fn announce_end(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    cause: String,
) -> Result<Ending, AppError> {
    if let Some((ending, _)) = work.paper::<Ending>((&request.number, paper::ENDING)).await? {
        return Ok(ending);
    }
    let ending = Ending {
        cause,
        noticed: ctx.now(),
        due: due(ctx, DeadlineKind::ReclaimNotice)?.unwrap_or(ctx.now()),
        snapshot: false,
        reply: None,
        decided: None,
    };
    work.set_paper((&request.number, paper::ENDING), &ending, 0).await?;
    let task = Task {
        kind: "ending",
        subject: &request.number,
        task: "reply",
        title: format!(
            "申请 {} 的资源将于 {} 下线（{}），请备份数据；如有异议请在此前答复",
            request.number,
            moment(ending.due),
            ending.cause
        ),
        due: Some(ending.due),
        who: &for_the_unit(request),
    };
    assign(ctx, work, task).await?;
    Ok(ending)
}

/// The announced end of an application, if there is one.
pub async fn ending_of(ctx: &OpContext, number: &str) -> Result<Option<Ending>, AppError> {
    let request = read_request(ctx, number).await?;
    ctx.authorise(Action::RequestRead, &target(&request, None)).await?;
    let mut read = ctx.store().read().await?;
    Ok(read
        .paper::<Ending>((number, paper::ENDING))
        .await?
        .map(|(ending, _)| ending))
}
