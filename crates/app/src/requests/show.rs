//! One application, with everything around it that whoever asks may see.

use super::people::names;
use super::sight::{target, visible};
use super::submit::Frozen;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::budget::{HoldState, Purse};
use domain::flow::FlowRun;
use domain::registry::Side;
use domain::request::ResourceRequest;
use domain::rules::ExpertReview;
use kernel::AccountId;
use std::collections::{BTreeMap, BTreeSet};
use store::EvidenceRecord;

/// An application and what belongs to it. A provider sees the application only: neither other providers' offers, nor
/// means, nor opinions.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// The application.
    pub request: ResourceRequest,
    /// What was frozen when it was last handed in; none before.
    pub frozen: Option<Frozen>,
    /// Its flow; none before it was handed in.
    pub flow: Option<FlowRun>,
    /// Whether the whole approval takes, or took, longer than it may; none if it is not timed.
    pub overdue: Option<bool>,
    /// Expert reviews of it.
    pub reviews: Vec<ExpertReview>,
    /// What it holds or used, by purse.
    pub holds: Vec<(Purse, i64, HoldState)>,
    /// Files about it.
    pub evidence: Vec<EvidenceRecord>,
    /// Names of everybody who appears in it.
    pub people: BTreeMap<AccountId, String>,
}

/// An application, if whoever acts may see it; else there is none. Whatever is done about an application begins with
/// this, so that nobody learns of one by trying to act on it (I8).
pub async fn seen(ctx: &OpContext, number: &str) -> Result<ResourceRequest, AppError> {
    let request = visible(ctx, number).await?;
    let who = ctx.who()?.clone();
    let is_provider = who.side == Side::Provider;
    let about = Target {
        // What is offered to a provider concerns it though nothing is ordered yet.
        provider: Some(who.organisation).filter(|_| is_provider),
        ..target(&request)
    };
    ctx.authorise(Action::RequestRead, &about).await?;
    Ok(request)
}

/// An application with what belongs to it, if it may be seen.
pub async fn show(ctx: &OpContext, number: &str) -> Result<RequestView, AppError> {
    let request = seen(ctx, number).await?;
    let is_provider = ctx.who()?.side == Side::Provider;
    let mut read = ctx.store().read().await?;
    let mut view = RequestView {
        frozen: None,
        flow: None,
        overdue: None,
        reviews: Vec::new(),
        holds: Vec::new(),
        evidence: Vec::new(),
        people: BTreeMap::new(),
        request,
    };
    if is_provider {
        return Ok(view);
    }
    view.frozen = read.frozen(number).await?;
    view.flow = read.flow::<FlowRun>(number).await?.map(|(run, _)| run);
    let whole = view.flow.as_ref().and_then(|run| run.whole);
    view.overdue = whole.map(|whole| whole.is_over(ctx.now()));
    view.reviews = read.expert_reviews(number).await?;
    view.holds = read.holds_of(number).await?;
    view.evidence = read.evidence_of(number).await?;
    view.people = names(&mut read, &appearing(&view)).await?;
    Ok(view)
}

fn appearing(view: &RequestView) -> BTreeSet<AccountId> {
    let mut accounts = BTreeSet::from([view.request.applicant]);
    if let Some(run) = &view.flow {
        accounts.extend(run.applicants.iter().copied());
        accounts.extend(run.tasks.iter().flat_map(domain::flow::FlowTask::accounts));
        accounts.extend(run.history.iter().flat_map(|r| [r.actor, r.on_behalf_of]).flatten());
    }
    accounts
}
