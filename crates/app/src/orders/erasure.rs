//! Proof that nothing is left of what was ended (R19): handed in by the provider, checked by somebody else.
//!
//! Source: `gbt-22239` in docs/sources.md.

use super::OrderError;
use super::matter::{
    Task, advance, assign_apart, authorities, log, paper, papers, read_request, request_of, same_version, take_duty,
    target,
};
use super::release::{give_room_back, gone_of};
use crate::requests::sight::noted;
use crate::{AppError, OpContext};
use domain::authz::{Action, Duty, Role};
use domain::request::{
    ErasureMethod, ErasureProof, ErasureProofError, RequestEvent, RequestStatus, ResourceRequest, check_erasure,
};
use kernel::{AllocationCode, EvidenceId, Instant};
use serde::{Deserialize, Serialize};
use store::UnitOfWork;

/// A proof to hand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewProof {
    /// Which resource.
    pub allocation: AllocationCode,
    /// How it was erased.
    pub method: ErasureMethod,
    /// Whether memory, storage, replicas, snapshots and backups are all covered.
    pub covers_copies: bool,
    /// The file that says so.
    pub evidence: EvidenceId,
    /// When it was erased.
    pub at: Instant,
}

fn ended(request: &ResourceRequest) -> Result<(), AppError> {
    if request.status == RequestStatus::Ended {
        return Ok(());
    }
    let text = format!(
        "申请 {} 当前为「{}」，还不能证明数据清除",
        request.number,
        request.status.zh()
    );
    Err(OrderError::NotNow(text).into())
}

/// Hands in the proof for one resource of an ended application, in place of an earlier one.
pub async fn hand_in_proof(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    new: NewProof,
) -> Result<ErasureProof, AppError> {
    let done = handed_in(ctx, (number, version), new).await;
    noted(ctx, ("erasure.proof", number), done).await
}

async fn handed_in(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    new: NewProof,
) -> Result<ErasureProof, AppError> {
    let before = read_request(ctx, number).await?;
    let permit = ctx.authorise(Action::OrderCarryOut, &target(&before, None)).await?;
    let mut work = ctx.store().begin().await?;
    let request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    ended(&request)?;
    let gone = gone_of(&mut work, number).await?;
    if !gone.iter().any(|(code, _)| *code == new.allocation) {
        return Err(OrderError::NotFound("本申请下线的资源", new.allocation.to_string()).into());
    }
    let evidence = work.evidence(new.evidence).await?;
    let evidence = evidence.filter(|file| file.subject == number);
    let evidence = evidence.ok_or_else(|| OrderError::NotFound("本申请的凭证", new.evidence.to_string()))?;
    if new.at > ctx.now() {
        return Err(OrderError::Invalid("清除时间不能晚于现在".to_owned()).into());
    }
    let who = permit.actor().account;
    take_duty(&mut work, &request, (Duty::Open, who)).await?;
    let proof = ErasureProof {
        allocation: new.allocation,
        method: new.method,
        covers_copies: new.covers_copies,
        evidence: new.evidence,
        digest: evidence.digest,
        by: who,
        checked_by: None,
        at: new.at,
    };
    let faults = check_erasure(
        &gone
            .iter()
            .filter(|(code, _)| *code == proof.allocation)
            .cloned()
            .collect::<Vec<_>>(),
        std::slice::from_ref(&proof),
    );
    let faults: Vec<_> = faults
        .into_iter()
        .filter(|fault| !matches!(fault, ErasureProofError::Unchecked(_)))
        .collect();
    if !faults.is_empty() {
        return Err(OrderError::Erasure(faults).into());
    }
    let (mut proofs, proofs_version) = papers::<Vec<ErasureProof>>(&mut work, number, paper::PROOFS).await?;
    proofs.retain(|there| there.allocation != proof.allocation);
    proofs.push(proof.clone());
    work.set_paper((number, paper::PROOFS), &proofs, proofs_version).await?;
    let is_proven = |(code, _): &(AllocationCode, Instant)| proofs.iter().any(|proof| proof.allocation == *code);
    // Until then the provider has something to do.
    if gone.iter().all(is_proven) {
        ask_to_check(ctx, &mut work, &request).await?;
    }
    let detail = serde_json::json!({ "proof": proof });
    log(ctx, &mut work, ("erasure.proof", number), detail).await?;
    work.commit().await?;
    Ok(proof)
}

/// Asks those who may check the proofs of an application to do so.
async fn ask_to_check(ctx: &OpContext, work: &mut UnitOfWork, request: &ResourceRequest) -> Result<(), AppError> {
    let authorities = authorities(ctx, work).await?;
    let mut who: Vec<_> = authorities.iter().map(|o| (o, Role::AuthorityTechnical)).collect();
    who.push((&request.unit, Role::UnitAcceptor));
    let task = Task {
        kind: "erasure",
        subject: &request.number,
        task: "check",
        title: format!("请核验申请 {} 的数据清除凭证", request.number),
        due: None,
        who: &who,
    };
    assign_apart(ctx, work, (request, Duty::Accept), task).await
}

/// Confirms that the proof for a resource is good. With the last one the application is archived and its room given
/// back. Returns the application.
pub async fn check_proof(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    allocation: &AllocationCode,
) -> Result<ResourceRequest, AppError> {
    let done = checked(ctx, (number, version), allocation).await;
    noted(ctx, ("erasure.check", number), done).await
}

async fn checked(
    ctx: &OpContext,
    (number, version): (&str, Option<i64>),
    allocation: &AllocationCode,
) -> Result<ResourceRequest, AppError> {
    let before = read_request(ctx, number).await?;
    let permit = ctx.authorise(Action::ErasureConfirm, &target(&before, None)).await?;
    let mut work = ctx.store().begin().await?;
    let mut request = request_of(&mut work, number).await?;
    same_version(number, request.version, version)?;
    ended(&request)?;
    let (mut proofs, proofs_version) = papers::<Vec<ErasureProof>>(&mut work, number, paper::PROOFS).await?;
    let who = permit.actor().account;
    let proof = proofs.iter_mut().find(|proof| proof.allocation == *allocation);
    let Some(proof) = proof else {
        return Err(OrderError::Erasure(vec![ErasureProofError::Missing(allocation.clone())]).into());
    };
    if proof.by == who {
        return Err(OrderError::Erasure(vec![ErasureProofError::OwnWork(allocation.clone())]).into());
    }
    proof.checked_by = Some(who);
    take_duty(&mut work, &request, (Duty::Accept, who)).await?;
    work.set_paper((number, paper::PROOFS), &proofs, proofs_version).await?;
    let gone = gone_of(&mut work, number).await?;
    let left = check_erasure(&gone, &proofs);
    if left.is_empty() {
        request = advance(&mut work, request, RequestEvent::Erased).await?;
        give_room_back(ctx, &mut work, &request, &gone).await?;
        work.set_to_dos(("erasure", number), &[]).await?;
    }
    let detail = serde_json::json!({ "allocation": allocation, "left": left.len(), "status": request.status });
    log(ctx, &mut work, ("erasure.check", number), detail).await?;
    work.commit().await?;
    Ok(request)
}

/// The proofs of an ended application.
pub async fn proofs(ctx: &OpContext, number: &str) -> Result<Vec<ErasureProof>, AppError> {
    let request = read_request(ctx, number).await?;
    ctx.authorise(Action::RequestRead, &target(&request, None)).await?;
    let mut read = ctx.store().read().await?;
    Ok(papers(&mut read, number, paper::PROOFS).await?.0)
}
