//! Handing in: judged, frozen, given room, and sent on its way, all in one transaction.

use super::RequestError;
use super::check::{Judged, asked_by, judge};
use super::draft::saved;
use super::estimate::Estimate;
use super::people::{People, due_by, flow_for, flow_of, people, whole_due};
use super::publish::{Turn, publish};
use super::room::{RoomView, hold};
use super::sight::{at_version, noted, of_kind, same_version, target, visible};
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::flow::{Act, FlowApplication, FlowEvent, FlowRefusal, FlowRun, act, start};
use domain::request::{Place, RequestEvent, RequestStatus, ResourceRequest, check_application, may_meet, next, rival};
use domain::rules::{Check, RequestFacts, Verdict};
use kernel::{AccountId, AllocationCode, Instant, Money};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use store::{Connection, RequestFilter};

/// What approvers judge by: everything as it was when the application was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// When.
    pub at: Instant,
    /// The facts.
    pub facts: RequestFacts,
    /// Every rule, with its version, and what it came to.
    pub checks: Vec<Check>,
    /// All of them together.
    pub verdict: Verdict,
    /// What it would cost, by provider.
    pub estimates: Vec<Estimate>,
    /// What it adds to a month; none if it was not priced, and then no budget is held.
    pub monthly: Option<Money>,
    /// Quotas, budget and ceilings as they stood, and what was held of each.
    pub room: Vec<RoomView>,
    /// Where its resources are; none for new ones.
    pub place: Option<Place>,
    /// Code and version of its flow.
    pub flow: (String, u32),
    /// The working calendar that its deadlines are counted by.
    pub calendar: String,
}

/// Hands in a draft, or what was returned. Errors: faults of the application, rules that block it, want more, or allow
/// less only, and purses without room; nothing is stored then but the note that it was refused.
pub async fn submit(ctx: &OpContext, number: &str, version: i64) -> Result<ResourceRequest, AppError> {
    let result = hand_in(ctx, number, version).await;
    noted(ctx, ("request.submit", number), result).await
}

async fn hand_in(ctx: &OpContext, number: &str, version: i64) -> Result<ResourceRequest, AppError> {
    let seen = visible(ctx, number).await?;
    let permit = ctx
        .authorise(of_kind(seen.kind, Action::RequestSubmit), &target(&seen))
        .await?;
    let by = permit.actor().account;
    same_version(&seen, version)?;
    let status = next(seen.kind, seen.status, RequestEvent::Submit).map_err(RequestError::Status)?;
    let faults = check_application(&seen, ctx.now(), ctx.policies()?.rules.kinds_in_pools(ctx.now()));
    if !faults.is_empty() {
        return Err(RequestError::Faulty(faults).into());
    }
    let (judged, people) = {
        let mut read = ctx.store().read().await?;
        let people = people(ctx, &mut read, Some(&seen.unit)).await?;
        (judge(ctx, &mut read, &seen).await?, people)
    };
    admit(&judged)?;

    let mut work = ctx.store().begin().await?;
    let mut request = at_version(&mut work, number, version).await?;
    no_rival(&mut work, &request).await?;
    let before = work.flow::<FlowRun>(number).await?;
    let turned = turn(
        ctx,
        (&request, by),
        &judged,
        &people,
        before.as_ref().map(|(run, _)| run),
    )?;
    let (run, events) = turned;
    hold(&mut work, (number, ctx.now()), &judged.demand).await?;
    let frozen = freeze(ctx, &run, judged)?;
    let from = std::mem::replace(&mut request.status, status);
    let text = serde_json::to_string(&frozen).map_err(|why| RequestError::Invalid(why.to_string()))?;
    work.save_request(&request, Some(&text)).await?;
    let turn = Turn {
        definition: flow_of(ctx, &run)?,
        run: &run,
        version: before.map(|(_, version)| version),
        events: &events,
    };
    publish(ctx, &mut work, (&request, &people), turn).await?;
    let rules: Vec<_> = frozen.checks.iter().map(|check| (&check.rule, check.version)).collect();
    let held = frozen.room.iter().map(|room| (&room.name, &room.wanted));
    let held: BTreeMap<_, _> = held.collect();
    let detail = json!({
        "status": [from, request.status], "version": version, "verdict": frozen.verdict, "flow": frozen.flow,
        "rules": rules, "held": held, "monthly": frozen.monthly,
    });
    work.audit(ctx.now(), (ctx.actor(), "request.submit", number), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(saved(request))
}

/// Errors: another application on its way changes or ends what this one does.
async fn no_rival(work: &mut Connection, request: &ResourceRequest) -> Result<(), AppError> {
    if !request.kind.alters() {
        return Ok(());
    }
    let filter = RequestFilter {
        system: Some(request.system.to_string()),
        ..RequestFilter::default()
    };
    let others = work.all_requests(&filter).await?;
    let mut parents = BTreeMap::new();
    for one in others.iter().filter(|other| may_meet(request, other)).chain([request]) {
        for code in one.named() {
            note_parents(work, code, &mut parents).await?;
        }
    }
    match rival(request, &others, &parents) {
        None => Ok(()),
        Some((other, code)) => Err(RequestError::Rival {
            code: code.to_string(),
            number: other.number.clone(),
        }
        .into()),
    }
}

/// Adds what a resource hangs on, up to the first.
async fn note_parents(
    read: &mut Connection,
    code: &AllocationCode,
    parents: &mut BTreeMap<AllocationCode, AllocationCode>,
) -> Result<(), AppError> {
    let mut code = code.clone();
    while !parents.contains_key(&code) {
        let newest = read.allocations_of(code.as_str()).await?.pop();
        let Some(parent) = newest.and_then(|newest| newest.parent) else {
            break;
        };
        parents.insert(code, parent.clone());
        code = parent;
    }
    Ok(())
}

/// Errors: the rules do not let it go on as it is. What a rule could not judge goes on, for a person to judge.
fn admit(judged: &Judged) -> Result<(), RequestError> {
    let checks = || judged.checks.clone();
    match judged.verdict {
        Verdict::Blocked => Err(RequestError::Blocked(checks())),
        Verdict::Incomplete => Err(RequestError::Incomplete(checks())),
        Verdict::Reduced => Err(RequestError::Reduced(checks())),
        Verdict::Clear | Verdict::Told | Verdict::ByPeople => Ok(()),
    }
}

/// Begins the flow, or goes on with the one that was returned.
fn turn(
    ctx: &OpContext,
    (request, by): (&ResourceRequest, AccountId),
    judged: &Judged,
    people: &People,
    before: Option<&FlowRun>,
) -> Result<(FlowRun, Vec<FlowEvent>), AppError> {
    let due = due_by(ctx)?;
    let now = ctx.now();
    let turned = match before {
        Some(run) => {
            let definition = flow_of(ctx, run)?;
            let again = Act::Resubmit {
                facts: asked_by(definition, &judged.flow_facts),
                due: whole_due(ctx, definition)?,
                opinion: String::new(),
            };
            act(run, definition, &people.directory, again, by, now, &due)
        }
        None if by != request.applicant => Err(FlowRefusal::OnlyApplicant("提交申请")),
        None => {
            let definition = flow_for(ctx, request.kind)?;
            let application = FlowApplication {
                subject: request.number.clone(),
                kind: request.kind.word().to_owned(),
                applicant: by,
                organisation: request.unit.clone(),
                provider: judged.place.as_ref().map(|place| place.provider.clone()),
                facts: asked_by(definition, &judged.flow_facts),
                due: whole_due(ctx, definition)?,
            };
            start(definition, &people.directory, application, now, &due)
        }
    };
    Ok(turned.map_err(RequestError::Flow)?)
}

fn freeze(ctx: &OpContext, run: &FlowRun, judged: Judged) -> Result<Frozen, AppError> {
    Ok(Frozen {
        at: ctx.now(),
        facts: judged.facts,
        checks: judged.checks,
        verdict: judged.verdict,
        estimates: judged.estimates,
        monthly: judged.monthly,
        room: judged.room.into_iter().map(RoomView::from).collect(),
        place: judged.place,
        flow: (run.definition.clone(), run.version),
        calendar: ctx.policies()?.calendar.edition(),
    })
}

/// Of what was frozen only where the resources are.
#[derive(Deserialize)]
struct FrozenPlace {
    place: Option<Place>,
}

/// What follows for an application when its flow comes to stand somewhere.
pub(super) async fn follow(
    read: &mut Connection,
    request: &mut ResourceRequest,
    event: RequestEvent,
) -> Result<(), AppError> {
    request.status = next(request.kind, request.status, event).map_err(RequestError::Status)?;
    if event == RequestEvent::Approve && request.place.is_none() {
        let frozen = read.frozen::<FrozenPlace>(&request.number).await?;
        request.place = frozen.and_then(|frozen| frozen.place);
    }
    Ok(())
}

/// Whether what an application holds is given back when it comes to stand somewhere.
pub(super) const fn gives_back(status: RequestStatus) -> bool {
    matches!(status, RequestStatus::Refused | RequestStatus::Withdrawn)
}
