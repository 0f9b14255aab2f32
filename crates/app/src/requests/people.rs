//! Who has which role where, as flows need it, and the names of people.

use super::RequestError;
use crate::{AppError, OpContext};
use domain::authz::{PLATFORM_NAME, Role, platform_account};
use domain::calendar::Term;
use domain::flow::{Absence, Directory, FlowDefinition, FlowRun, may_decide};
use domain::request::RequestKind;
use domain::rules::DeadlineKind;
use kernel::{AccountId, Instant, OrganisationCode, Period};
use std::collections::{BTreeMap, BTreeSet};
use store::Connection;

/// The directory of a moment, and whoever helps where a task has nobody.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) directory: Directory,
    pub(super) administrators: Vec<AccountId>,
    /// Who is away now.
    pub(crate) absences: Vec<Absence>,
}

impl People {
    /// Whoever is told what these accounts are told: they, and the deputies of those who are away, as far as they may
    /// decide the task it is about.
    pub(super) fn with_deputies(
        &self,
        ctx: &OpContext,
        (run, definition): (&FlowRun, &FlowDefinition),
        (accounts, task): (&[AccountId], Option<u32>),
    ) -> Result<Vec<AccountId>, AppError> {
        let mut told = accounts.to_vec();
        let due = due_by(ctx)?;
        for absence in self
            .absences
            .iter()
            .filter(|absence| accounts.contains(&absence.account))
        {
            let deputy = absence.delegate;
            let may = match task {
                Some(task) => may_decide(run, definition, &self.directory, (task, deputy), ctx.now(), &due).is_ok(),
                None => self.directory.acts_for(deputy, absence.account, ctx.now()),
            };
            if may && !told.contains(&deputy) {
                told.push(deputy);
            }
        }
        Ok(told)
    }
}

/// Reads who can act now: everybody at the authority, the providers and the third parties, and those of a unit and of
/// the units above it; of all units if none is given.
pub(crate) async fn people(
    ctx: &OpContext,
    read: &mut Connection,
    unit: Option<&OrganisationCode>,
) -> Result<People, AppError> {
    let organisations = ctx.organisations(read).await?;
    let units = match unit {
        Some(unit) => [vec![unit.clone()], organisations.above(unit, ctx.now())].concat(),
        None => organisations.all_at(ctx.now()).map(|o| o.code.clone()).collect(),
    };
    let mut directory = Directory::default();
    for body in organisations.all_at(ctx.now()) {
        directory.add_organisation(body.code.clone(), body.side, body.parent.clone());
    }
    let mut administrators = Vec::new();
    for (account, role, organisation) in read.role_holders(&units).await? {
        if role == Role::SystemAdmin {
            administrators.push(account);
        }
        directory.grant(account, role, organisation);
    }
    let mut absences = Vec::new();
    for record in read.absences_at(ctx.now()).await? {
        let period = Period::new(record.from, record.to).map_err(|why| RequestError::Invalid(why.to_string()))?;
        let absence = Absence {
            account: record.account,
            delegate: record.deputy,
            period,
        };
        directory.add_absence(absence);
        absences.push(absence);
    }
    Ok(People {
        directory,
        administrators,
        absences,
    })
}

/// The flow that applications of a kind begin with now: the newest version in force.
pub(super) fn flow_for(ctx: &OpContext, kind: RequestKind) -> Result<&FlowDefinition, AppError> {
    let flows = ctx.policies()?.flows.iter();
    let fitting = flows.filter(|f| f.is_effective(ctx.now()) && f.kinds.iter().any(|k| k == kind.word()));
    let newest = fitting.max_by_key(|flow| flow.version);
    Ok(newest.ok_or_else(|| RequestError::NoFlow(format!("{}申请", kind.zh())))?)
}

/// The version a run began with.
pub(crate) fn flow_of<'a>(ctx: &'a OpContext, run: &FlowRun) -> Result<&'a FlowDefinition, AppError> {
    let mut flows = ctx.policies()?.flows.iter();
    let own = flows.find(|f| f.code == run.definition && f.version == run.version);
    let missing = || RequestError::NoFlow(format!("流程 {} 第 {} 版的申请", run.definition, run.version));
    Ok(own.ok_or_else(missing)?)
}

/// When a term that begins at a moment ends, by the working calendar.
pub(crate) fn due_by(ctx: &OpContext) -> Result<impl Fn(Instant, &Term) -> Instant + '_, AppError> {
    let calendar = &ctx.policies()?.calendar;
    Ok(move |start: Instant, term: &Term| calendar.due(start, *term).at)
}

/// When something that begins now is due, by the deadline in force; none if it is not configured.
pub(crate) fn due(ctx: &OpContext, kind: DeadlineKind) -> Result<Option<Instant>, AppError> {
    let policies = ctx.policies()?;
    let due = policies.rules.due(kind, None, ctx.now(), &policies.calendar);
    Ok(due.map(|due| due.at))
}

/// When a whole approval that begins now is due; none if its flow is not timed, or how long it may take is not configured.
pub(super) fn whole_due(ctx: &OpContext, definition: &FlowDefinition) -> Result<Option<Instant>, AppError> {
    match &definition.whole {
        Some(whole) => due(ctx, whole.deadline),
        None => Ok(None),
    }
}

/// Names of accounts.
pub(super) async fn names(
    read: &mut Connection,
    accounts: &BTreeSet<AccountId>,
) -> Result<BTreeMap<AccountId, String>, AppError> {
    let platform = platform_account();
    let mut names = read.names_of(accounts).await?;
    if accounts.contains(&platform) {
        names.insert(platform, PLATFORM_NAME.to_owned());
    }
    Ok(names)
}
