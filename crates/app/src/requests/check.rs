//! A dry run: everything a person sees before handing in, of a draft or of an application that is only thought of.
//! Nothing is stored.

use super::RequestError;
use super::draft::{Draft, writer};
use super::estimate::{Estimate, added_monthly, estimates};
use super::facts::{flow_facts, gather};
use super::ground::Ground;
use super::people::{People, flow_for, names, people, whole_due};
use super::room::{Room, RoomView, demand, means, rooms};
use super::sight::{of_kind, target, visible};
use super::stock::Idle;
use crate::{AppError, OpContext};
use domain::authz::Action;
use domain::budget::{Demand, months_of_year};
use domain::flow::{Fact, FlowDefinition};
use domain::request::{Place, ResourceRequest, check_application, check_counts};
use domain::rules::{Check, RequestFacts, Verdict, check_all, verdict};
use kernel::{Instant, Money};
use serde::Serialize;
use std::collections::BTreeMap;
use store::Connection;

/// What would happen.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// The application.
    pub request: ResourceRequest,
    /// What keeps it from being handed in whatever the rules say, in sentences.
    pub faults: Vec<String>,
    /// What of it is not carried out on the cloud, in sentences.
    pub left_out: Vec<String>,
    /// Rule by rule.
    pub checks: Vec<Check>,
    /// All of them together.
    pub verdict: Verdict,
    /// What it would cost, by provider.
    pub estimates: Vec<Estimate>,
    /// What it adds to a month; none if it is not priced.
    pub monthly: Option<Money>,
    /// Months for which the year's budget would be taken, this one included.
    pub months_left: i64,
    /// Quotas, budget and ceilings.
    pub room: Vec<RoomView>,
    /// Which way it would go, and who would get it.
    pub flow: FlowPreview,
    /// The working calendar that deadlines are counted by.
    pub calendar: String,
}

/// The way an application would go.
#[derive(Debug, Clone, Serialize)]
pub struct FlowPreview {
    /// Code of the flow.
    pub code: String,
    /// Its version.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// When the whole approval would be due; none if it is not timed.
    pub due: Option<Instant>,
    /// The nodes that would take part, in order.
    pub nodes: Vec<NodePreview>,
}

/// One node of it.
#[derive(Debug, Clone, Serialize)]
pub struct NodePreview {
    /// Its name.
    pub name: String,
    /// How long it may take, as in the flow; none is not configured.
    pub term: Option<String>,
    /// Who could decide; empty if nobody has the role now.
    pub people: Vec<String>,
}

/// What the registers, the rules and the prices say about an application.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) facts: RequestFacts,
    pub(super) checks: Vec<Check>,
    pub(super) verdict: Verdict,
    pub(super) estimates: Vec<Estimate>,
    pub(super) monthly: Option<Money>,
    pub(super) demand: Demand,
    pub(super) room: Vec<Room>,
    pub(super) flow_facts: BTreeMap<Fact, bool>,
    pub(super) place: Option<Place>,
}

/// Judges an application by what stands in the store. Errors: more is asked for than can be reckoned with.
pub(super) async fn judge(
    ctx: &OpContext,
    read: &mut Connection,
    request: &ResourceRequest,
) -> Result<Judged, AppError> {
    let faults = check_counts(request);
    if !faults.is_empty() {
        return Err(RequestError::Faulty(faults).into());
    }
    let ground = Ground::load(read, request, ctx.now()).await?;
    let place = ground.place(request)?;
    let estimates = estimates(&ground, request)?;
    let monthly = added_monthly(request, &estimates);
    let demand = demand(&ground, request, monthly)?;
    let room = rooms(read, (&ground, request), &demand, &estimates).await?;
    let idle = Idle::load(ctx, read, &ground, request).await?;
    let facts = gather(&ground, request, None, (means(request, monthly, &room), &idle))?;
    let rules = &ctx.policies()?.rules;
    let checks = check_all(rules, &facts, ctx.now(), &policy::evaluate);
    Ok(Judged {
        flow_facts: flow_facts(&ground, request, &facts)?,
        verdict: verdict(&checks),
        facts,
        checks,
        estimates,
        monthly,
        demand,
        room,
        place,
    })
}

/// The facts that a flow asks for.
pub(super) fn asked_by(definition: &FlowDefinition, facts: &BTreeMap<Fact, bool>) -> BTreeMap<Fact, bool> {
    let asked = facts.iter().filter(|(fact, _)| definition.facts.contains_key(*fact));
    asked.map(|(fact, is)| (fact.clone(), *is)).collect()
}

/// What would happen if an application were handed in now.
pub async fn check(ctx: &OpContext, number: &str) -> Result<Checked, AppError> {
    let request = visible(ctx, number).await?;
    ctx.authorise(of_kind(request.kind, Action::RequestRead), &target(&request))
        .await?;
    dry_run(ctx, request).await
}

/// What would happen if this were written and handed in. It is stored nowhere.
pub async fn check_thought(ctx: &OpContext, draft: Draft) -> Result<Checked, AppError> {
    let (unit, permit) = writer(ctx, &draft).await?;
    let request = draft.into_request((unit, permit.actor().account), ctx.now());
    dry_run(ctx, request).await
}

async fn dry_run(ctx: &OpContext, request: ResourceRequest) -> Result<Checked, AppError> {
    let mut read = ctx.store().read().await?;
    let judged = judge(ctx, &mut read, &request).await?;
    let people = people(ctx, &mut read, Some(&request.unit)).await?;
    let definition = flow_for(ctx, request.kind)?;
    let flow = preview(ctx, &mut read, (definition, &people), (&request, &judged)).await?;
    let faults = check_application(&request, ctx.now(), ctx.policies()?.rules.kinds_in_pools(ctx.now()));
    Ok(Checked {
        faults: faults.iter().map(ToString::to_string).collect(),
        left_out: request.left_out(),
        checks: judged.checks,
        verdict: judged.verdict,
        estimates: judged.estimates,
        monthly: judged.monthly,
        months_left: months_of_year(ctx.now()),
        room: judged.room.into_iter().map(RoomView::from).collect(),
        flow,
        calendar: ctx.policies()?.calendar.edition(),
        request,
    })
}

async fn preview(
    ctx: &OpContext,
    read: &mut Connection,
    (definition, people): (&FlowDefinition, &People),
    (request, judged): (&ResourceRequest, &Judged),
) -> Result<FlowPreview, AppError> {
    let facts = asked_by(definition, &judged.flow_facts);
    let provider = judged.place.as_ref().map(|place| &place.provider);
    let who = |node| {
        let context = (&request.unit, provider);
        people.directory.would_get(node, context, request.applicant)
    };
    let mut nodes = Vec::new();
    for node in definition.nodes.iter().filter(|node| node.when.holds(&facts)) {
        nodes.push(NodePreview {
            name: node.name.clone(),
            term: node.term.map(|term| term.to_string()),
            people: names(read, &who(node)).await?.into_values().collect(),
        });
    }
    Ok(FlowPreview {
        code: definition.code.clone(),
        version: definition.version,
        name: definition.name.clone(),
        due: whole_due(ctx, definition)?,
        nodes,
    })
}
