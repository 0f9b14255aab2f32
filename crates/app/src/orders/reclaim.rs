//! Taking resources back: proposed by people with grounds, or by the platform because their time is over (R13, R17).
//!
//! A proposal of people goes its way through the flow, in which the unit answers (R18). What is over by a date that the
//! unit itself named, or by the length of a trial, needs no decision: it is announced, and the unit may object.

use super::OrderError;
use super::announce::{announce_end, for_the_unit};
use super::extend::{in_force, terms};
use super::matter::{
    Task, advance, assign, authorities, holders, in_use, log, open_interval, paper, read_request, request_of,
    same_version, target, tell,
};
use crate::jobs::Swept;
use crate::messages::{moment, notify};
use crate::series::number_of;
use crate::{AppError, OpContext};
use domain::authz::{Action, Role, Target, platform_account};
use domain::budget::HoldState;
use domain::meter::Allocation;
use domain::registry::{InformationSystem, PoolKind, ResourcePool, Side};
use domain::request::{Ending, RequestEvent, RequestKind, RequestLine, RequestStatus, ResourceRequest, Trial};
use domain::rules::Purpose;
use kernel::{AccountId, AllocationCode, Day, NodeCode, SystemCode};
use std::collections::{BTreeMap, BTreeSet};
use store::{Connection, RequestFilter, UnitOfWork};

/// Writes a proposal to take resources of one system on one node back, with the grounds. It is a draft of whoever proposes, and is
/// submitted like any application; the flow asks the unit. Returns it.
pub async fn propose_reclaim(
    ctx: &OpContext,
    allocations: &[AllocationCode],
    grounds: &str,
    contact: &str,
) -> Result<ResourceRequest, AppError> {
    let all = Target {
        kind: "request",
        ..Target::default()
    };
    let permit = ctx.authorise(Action::ReclaimPropose, &all).await?;
    let mut work = ctx.store().begin().await?;
    let mut found = Vec::new();
    for code in allocations {
        found.push(in_use(&mut work, code, ctx.now()).await?);
    }
    if grounds.trim().is_empty() {
        return Err(OrderError::Invalid("请填写回收理由，例如利用率分析的结论".to_owned()).into());
    }
    let about = About {
        applicant: permit.actor().account,
        reason: grounds.trim().to_owned(),
        contact: contact.to_owned(),
        status: RequestStatus::Draft,
    };
    let request = reclaim_of(ctx, &mut work, &found, about).await?;
    let detail = serde_json::json!({ "allocations": allocations, "grounds": grounds });
    log(ctx, &mut work, ("reclaim.propose", &request.number), detail).await?;
    work.commit().await?;
    Ok(request)
}

struct About {
    applicant: AccountId,
    reason: String,
    contact: String,
    status: RequestStatus,
}

/// Stores an application to take resources of one system on one node back.
async fn reclaim_of(
    ctx: &OpContext,
    work: &mut Connection,
    found: &[Allocation],
    about: About,
) -> Result<ResourceRequest, AppError> {
    let Some(first) = found.first() else {
        return Err(OrderError::Invalid("请至少选择一个资源".to_owned()).into());
    };
    if found.iter().any(|other| other.system != first.system) {
        return Err(OrderError::Invalid("一次回收只能涉及一个信息系统，请分别提出".to_owned()).into());
    }
    if found.iter().any(|other| other.node != first.node) {
        return Err(OrderError::Invalid("一次回收只能涉及一个云节点，请分别提出".to_owned()).into());
    }
    let systems = work.history::<InformationSystem>().await?;
    let system = systems.at(first.system.as_str(), ctx.now());
    let system = system.ok_or_else(|| OrderError::NotFound("信息系统", first.system.to_string()))?;
    let pools = work.history::<ResourcePool>().await?;
    let pool = |code: &kernel::PoolCode| -> Option<PoolKind> { Some(pools.at(code.as_str(), ctx.now())?.kind) };
    let line = |(n, allocation): (usize, &Allocation)| RequestLine {
        line: u32::try_from(n + 1).unwrap_or(u32::MAX),
        kind: allocation.kind,
        class: allocation.class.clone(),
        form: allocation.form,
        pool: allocation.pool.as_ref().and_then(pool),
        spec: allocation.spec.clone(),
        count: 1,
        purpose: Purpose::Production,
        until: None,
        allocation: Some(allocation.code.clone()),
    };
    let request = ResourceRequest {
        number: number_of(ctx, work, "SQ").await?,
        kind: RequestKind::Reclaim,
        unit: system.organisation.clone(),
        system: first.system.clone(),
        applicant: about.applicant,
        basis: about.reason.clone(),
        reason: about.reason,
        contact: about.contact,
        lines: found.iter().enumerate().map(line).collect(),
        declared: domain::request::Declaration::default(),
        status: about.status,
        created: ctx.now(),
        place: None,
        version: 1,
    };
    work.add_request(&request).await?;
    Ok(request)
}

/// The unit answers an announced end: it agrees, and nothing is waited for any longer; or it objects, and the authority
/// decides, once. It may ask for a snapshot before the end.
pub async fn reply_to_end(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    (agrees, words, snapshot): (bool, &str, bool),
) -> Result<Ending, AppError> {
    let before = read_request(ctx, number).await?;
    ctx.authorise(Action::ReclaimReply, &target(&before, None)).await?;
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    let (mut ending, ending_version) = announced(&mut work, &request).await?;
    if !agrees && words.trim().is_empty() {
        return Err(OrderError::Invalid("有异议时请说明理由".to_owned()).into());
    }
    if let Some(decided) = ending.decided.as_ref().filter(|_| !agrees) {
        let text = format!(
            "对申请 {number} 下线的异议已经处理，未予采纳（{decided}），不能再次提出；请备份数据，需要快照的请在同意下线时说明"
        );
        return Err(OrderError::NotNow(text).into());
    }
    ending.snapshot |= snapshot;
    if agrees {
        ending.due = ending.due.min(ctx.now());
        ending.reply = None;
    } else {
        ending.reply = Some(words.trim().to_owned());
    }
    work.set_paper((number, paper::ENDING), &ending, ending_version).await?;
    if agrees {
        work.set_to_dos(("ending", number), &[]).await?;
    } else {
        let authorities = authorities(ctx, &mut work).await?;
        let who: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityOperations)).collect();
        let task = Task {
            kind: "ending",
            subject: number,
            task: "objection",
            title: format!("使用单位对申请 {number} 的下线有异议：{}", words.trim()),
            due: None,
            who: &who,
        };
        assign(ctx, &mut work, task).await?;
    }
    let detail = serde_json::json!({ "agrees": agrees, "words": words, "snapshot": snapshot });
    log(ctx, &mut work, ("reclaim.reply", number), detail).await?;
    work.commit().await?;
    Ok(ending)
}

async fn announced(work: &mut Connection, request: &ResourceRequest) -> Result<(Ending, i64), AppError> {
    let found = work.paper::<Ending>((&request.number, paper::ENDING)).await?;
    let found = found.filter(|_| request.status == RequestStatus::Noticed);
    found.ok_or_else(|| {
        let text = format!(
            "申请 {} 当前为「{}」，没有待答复的下线通知",
            request.number,
            request.status.zh()
        );
        OrderError::NotNow(text).into()
    })
}

/// The authority decides on an objection: the resources are kept, or they end all the same. Only what is taken back can
/// be kept; what the unit released, or a trial that nobody confirmed, is confirmed or ends. The unit is told.
pub async fn decide_objection(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    (keep, why): (bool, &str),
) -> Result<ResourceRequest, AppError> {
    let before = read_request(ctx, number).await?;
    ctx.authorise(Action::ReclaimPropose, &target(&before, None)).await?;
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    let (ending, ending_version) = announced(&mut work, &request).await?;
    if ending.reply.is_none() || why.trim().is_empty() {
        return Err(OrderError::NotNow(format!("申请 {number} 没有待处理的异议，或没有填写处理理由")).into());
    }
    work.set_to_dos(("ending", number), &[]).await?;
    let detail = serde_json::json!({ "keep": keep, "why": why, "objection": ending.reply });
    let request = if keep {
        advance(&mut work, request, RequestEvent::Keep).await?
    } else {
        let ending = Ending {
            reply: None,
            decided: Some(why.trim().to_owned()),
            ..ending.clone()
        };
        work.set_paper((number, paper::ENDING), &ending, ending_version).await?;
        request
    };
    let (title, follows) = if keep {
        ("下线异议已采纳", "资源保留使用，不再下线".to_owned())
    } else {
        let from = moment(ending.due.max(ctx.now()));
        ("下线异议未采纳", format!("资源仍将下线，不早于 {from}，请备份数据"))
    };
    let text = format!("申请 {number} 的{follows}。处理理由：{}", why.trim());
    let told = holders(&mut work, &for_the_unit(&request)).await?;
    let title = format!("{title}：{number}");
    notify(ctx, &mut work, &told, ("ending", number), (&title, &text)).await?;
    log(ctx, &mut work, ("reclaim.decide", number), detail).await?;
    work.commit().await?;
    Ok(request)
}

/// Announces the end of everything whose time is over: trials that were not confirmed in time (R13), and resources past
/// the date that they were granted until (R17), by application. A change that was not confirmed in time is not ended:
/// those who keep it waiting are told, every day. Running it again adds nothing.
pub async fn reclaim_overdue(ctx: &OpContext) -> Result<Swept, AppError> {
    Ok(overdue_trials(ctx).await?.and(overdue_resources(ctx).await?))
}

async fn overdue_trials(ctx: &OpContext) -> Result<Swept, AppError> {
    let filter = RequestFilter {
        status: Some(RequestStatus::OnTrial),
        ..RequestFilter::default()
    };
    let on_trial = ctx.store().read().await?.all_requests(&filter).await?;
    let mut announced = Swept::default();
    for request in on_trial {
        let done = match request.kind {
            RequestKind::New => overdue_trial(ctx, &request.number).await,
            // A change that was not confirmed leaves the resource in use as it was approved before.
            _ => tell_of_change(ctx, &request.number).await,
        };
        announced.note(&request.number, done)?;
    }
    Ok(announced)
}

/// Tells those who have not confirmed a change in time, and the authority, once a day: what is on the node is not what is
/// metered until all have. Returns the number if they were told.
async fn tell_of_change(ctx: &OpContext, number: &str) -> Result<Option<String>, AppError> {
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    let trial = work
        .paper::<Trial>((number, paper::TRIAL))
        .await?
        .map(|(trial, _)| trial);
    let over = trial.filter(|trial| request.status == RequestStatus::OnTrial && trial.due <= ctx.now());
    let (about, today) = (("trial.overdue", number), ctx.now().day().start());
    let Some(trial) = over else { return Ok(None) };
    if !is_in_use(ctx, &mut work, &request).await? {
        return Ok(Some(outlive(ctx, work, request).await?));
    }
    if !work.note_reminder(about, today, ctx.now()).await? {
        return Ok(None);
    }
    let (missing, authorities) = (trial.missing(), authorities(ctx, &mut work).await?);
    let mut who: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityOperations)).collect();
    for side in &missing {
        match (side, &request.place) {
            (Side::Unit, _) => who.push((&request.unit, Role::UnitAcceptor)),
            (Side::Provider, Some(place)) => who.push((&place.provider, Role::ProviderHead)),
            (Side::Authority, _) => who.extend(authorities.iter().map(|o| (o, Role::AuthorityTechnical))),
            _ => {}
        }
    }
    let told = holders(&mut work, &who).await?;
    let names: Vec<&str> = missing.iter().map(|side| side.zh()).collect();
    let text = format!(
        "变更申请 {number} 的试运行应于 {} 前确认，{}尚未确认；确认之前仍按变更前的规格计量",
        moment(trial.due),
        names.join("、")
    );
    notify(
        ctx,
        &mut work,
        &told,
        about,
        (&format!("试运行逾期未确认：{number}"), &text),
    )
    .await?;
    let detail = serde_json::json!({ "due": trial.due, "missing": missing });
    log(ctx, &mut work, ("trial.overdue", number), detail).await?;
    work.commit().await?;
    Ok(Some(request.number))
}

async fn is_in_use(ctx: &OpContext, read: &mut Connection, request: &ResourceRequest) -> Result<bool, AppError> {
    for code in request.named() {
        if open_interval(read, code, ctx.now()).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends a change whose resources ended before everybody had confirmed it: it holds nothing any more, and nobody has
/// anything to confirm. Returns its number.
async fn outlive(ctx: &OpContext, mut work: UnitOfWork, request: ResourceRequest) -> Result<String, AppError> {
    let request = advance(&mut work, request, RequestEvent::NothingToOpen).await?;
    let number = request.number;
    work.turn_hold(&number, HoldState::Freed, ctx.now()).await?;
    work.set_to_dos(("confirm", &number), &[]).await?;
    let title = format!("变更申请 {number} 涉及的资源已下线，不再确认，已归档");
    tell(
        ctx,
        &mut work,
        &[request.applicant],
        ("request.archived", &number, &title),
    )
    .await?;
    log(ctx, &mut work, ("trial.outlived", &number), serde_json::json!({})).await?;
    work.commit().await?;
    Ok(number)
}

/// Returns the number if the end of its trial was announced.
async fn overdue_trial(ctx: &OpContext, number: &str) -> Result<Option<String>, AppError> {
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    let trial = work.paper::<Trial>((number, paper::TRIAL)).await?;
    if request.status != RequestStatus::OnTrial || trial.is_none_or(|(trial, _)| trial.due > ctx.now()) {
        return Ok(None);
    }
    let request = advance(&mut work, request, RequestEvent::TrialOverdue).await?;
    announce(ctx, &mut work, &request, "试运行逾期未经三方确认".to_owned()).await?;
    work.commit().await?;
    Ok(Some(request.number))
}

async fn announce(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    request: &ResourceRequest,
    cause: String,
) -> Result<(), AppError> {
    let ending = announce_end(ctx, work, request, cause).await?;
    let detail = serde_json::json!({ "ending": ending });
    log(ctx, work, ("reclaim.announce", &request.number), detail).await
}

async fn overdue_resources(ctx: &OpContext) -> Result<Swept, AppError> {
    let mut read = ctx.store().read().await?;
    let places: Vec<Place> = over_their_date(ctx, &mut read).await?.into_keys().collect();
    drop(read);
    let mut announced = Swept::default();
    for place in places {
        let what = format!("{} {}", place.0, place.1);
        announced.note(&what, overdue_at(ctx, place).await)?;
    }
    Ok(announced)
}

/// An order goes to one node, for one system.
type Place = (SystemCode, NodeCode);

/// The resources in use that are past the date that they were granted until, and whose end is not on its way.
async fn over_their_date(ctx: &OpContext, read: &mut Connection) -> Result<BTreeMap<Place, Vec<Allocation>>, AppError> {
    let today = ctx.now().day();
    let terms = terms(&in_force(read).await?);
    let over = terms
        .iter()
        .filter(|(_, until)| until.is_some_and(|until| until <= today));
    let ending = being_ended(read, &terms).await?;
    let mut by_place: BTreeMap<Place, Vec<Allocation>> = BTreeMap::new();
    for (code, _) in over.filter(|(code, _)| !ending.contains(*code)) {
        if let Some(open) = open_interval(read, code, ctx.now()).await? {
            let place = (open.system.clone(), open.node.clone());
            by_place.entry(place).or_default().push(open);
        }
    }
    Ok(by_place)
}

/// Announces the end of what is over its date at one place, in a unit of work of its own. Looked up anew in it, so that
/// nothing is announced twice. Returns the number of the application, if there is still something to end.
async fn overdue_at(ctx: &OpContext, place: Place) -> Result<Option<String>, AppError> {
    let mut work = ctx.store().begin().await?;
    let Some(allocations) = over_their_date(ctx, &mut work).await?.remove(&place) else {
        return Ok(None);
    };
    let about = About {
        applicant: platform_account(),
        reason: "资源已过批准的截止日，未延期".to_owned(),
        contact: "平台自动提出".to_owned(),
        status: RequestStatus::Noticed,
    };
    let request = reclaim_of(ctx, &mut work, &allocations, about).await?;
    announce(ctx, &mut work, &request, request.reason.clone()).await?;
    work.commit().await?;
    Ok(Some(request.number))
}

/// Until when resources were granted.
type Terms = BTreeMap<AllocationCode, Option<Day>>;

/// The resources whose end is on its way, or was objected to with success since their date.
async fn being_ended(read: &mut Connection, terms: &Terms) -> Result<BTreeSet<AllocationCode>, AppError> {
    let all = read.all_requests(&RequestFilter::default()).await?;
    let live = all.iter().filter(|request| request.kind.ends());
    let lines = live.flat_map(|request| request.lines.iter().map(move |line| (request, line)));
    let ending = lines.filter_map(|(request, line)| {
        let code = line.allocation.as_ref()?;
        let until = terms.get(code).copied().flatten();
        is_on_its_way(request, until).then(|| code.clone())
    });
    Ok(ending.collect())
}

/// Whether an application still ends what it is about, or was decided against for the date up to which that was granted.
fn is_on_its_way(request: &ResourceRequest, until: Option<Day>) -> bool {
    match request.status {
        RequestStatus::Draft | RequestStatus::Refused => false,
        // A withdrawn reclaim was kept by decision: the date needs an extension, not another notice every day. A later
        // date is another matter.
        RequestStatus::Withdrawn => {
            matches!(request.kind, RequestKind::Reclaim) && until.is_none_or(|until| until <= request.created.day())
        }
        _ => true,
    }
}

/// An announced end as it stands when its notice is over. What the platform itself takes back because its date has
/// passed is kept if it was extended meanwhile; none if that is all of it.
pub(super) async fn still_over(
    ctx: &OpContext,
    work: &mut UnitOfWork,
    mut request: ResourceRequest,
) -> Result<Option<ResourceRequest>, AppError> {
    if request.kind != RequestKind::Reclaim || request.applicant != platform_account() {
        return Ok(Some(request));
    }
    let (today, terms) = (ctx.now().day(), terms(&in_force(work).await?));
    let is_over = |line: &RequestLine| {
        let until = line
            .allocation
            .as_ref()
            .and_then(|code| terms.get(code).copied().flatten());
        until.is_some_and(|until| until <= today)
    };
    let (over, kept): (Vec<_>, Vec<_>) = request.lines.clone().into_iter().partition(is_over);
    if kept.is_empty() {
        return Ok(Some(request));
    }
    let kept: Vec<_> = kept.iter().filter_map(|line| line.allocation.as_ref()).collect();
    let detail = serde_json::json!({ "kept": kept, "why": "已延期" });
    log(ctx, work, ("reclaim.keep", &request.number), detail).await?;
    if over.is_empty() {
        work.set_to_dos(("ending", &request.number), &[]).await?;
        advance(work, request, RequestEvent::Keep).await?;
        return Ok(None);
    }
    request.lines = over;
    work.save_request(&request, None).await?;
    request.version += 1;
    Ok(Some(request))
}
