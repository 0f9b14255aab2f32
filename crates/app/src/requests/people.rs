//! Who has which role where, as flows need it, and the names of people.

use super::RequestError;
use crate::{AppError, OpContext};
use domain::authz::Role;
use domain::calendar::Term;
use domain::flow::{Directory, FlowDefinition, FlowRun};
use domain::registry::Organisation;
use domain::request::RequestKind;
use kernel::{AccountId, Instant};
use std::collections::{BTreeMap, BTreeSet};
use store::Connection;

/// The directory of a moment, and whoever helps where a task has nobody.
#[derive(Debug)]
pub(super) struct People {
    pub(super) directory: Directory,
    pub(super) administrators: Vec<AccountId>,
}

/// Reads who can act now.
pub(super) async fn people(ctx: &OpContext, read: &mut Connection) -> Result<People, AppError> {
    let organisations = read.history::<Organisation>().await?;
    let mut directory = Directory::default();
    for body in organisations.all_at(ctx.now()) {
        directory.add_organisation(body.code.clone(), body.side, body.parent.clone());
    }
    let mut administrators = Vec::new();
    for (account, role, organisation) in read.role_holders().await? {
        if role == Role::SystemAdmin {
            administrators.push(account);
        }
        directory.grant(account, role, organisation);
    }
    Ok(People {
        directory,
        administrators,
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
pub(super) fn flow_of<'a>(ctx: &'a OpContext, run: &FlowRun) -> Result<&'a FlowDefinition, AppError> {
    let mut flows = ctx.policies()?.flows.iter();
    let own = flows.find(|f| f.code == run.definition && f.version == run.version);
    let missing = || RequestError::NoFlow(format!("流程 {} 第 {} 版的申请", run.definition, run.version));
    Ok(own.ok_or_else(missing)?)
}

/// When a term that begins at a moment ends, by the working calendar.
pub(super) fn due_by(ctx: &OpContext) -> Result<impl Fn(Instant, &Term) -> Instant + '_, AppError> {
    let calendar = &ctx.policies()?.calendar;
    Ok(move |start: Instant, term: &Term| calendar.due(start, *term).at)
}

/// Names of accounts.
pub(super) async fn names(
    read: &mut Connection,
    accounts: &BTreeSet<AccountId>,
) -> Result<BTreeMap<AccountId, String>, AppError> {
    let mut names = BTreeMap::new();
    for id in accounts {
        if let Some(account) = read.account(*id).await? {
            names.insert(*id, account.name);
        }
    }
    Ok(names)
}
