//! Sealing the chain, once a day. The seal is printed and kept where nobody who runs the platform can reach it.

use super::chain;
use super::verify::walk;
use crate::{AppError, OpContext};
use domain::audit::{AuditEntry, ChainVerifier, SEAL_ACTION, Seal};
use domain::authz::Action;
use serde::Serialize;

/// Seals that are listed at most.
const SEALS_MAX: i64 = 400;

/// A seal, and who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sealed {
    /// The seal.
    #[serde(flatten)]
    pub seal: Seal,
    /// Who sealed.
    pub by: String,
    /// Whether the day had been sealed before, so that nothing was done.
    pub already: bool,
}

fn sealed(entry: &AuditEntry, already: bool) -> Option<Sealed> {
    let seal = Seal::of_entry(entry)?;
    let by = entry.actor.clone();
    Some(Sealed { seal, by, already })
}

/// Seals the chain for today. What came since the last seal is checked first: a broken chain is not sealed. A day that
/// is sealed stays as it was sealed. Errors: the chain is broken; not allowed.
pub async fn seal(ctx: &OpContext) -> Result<Sealed, AppError> {
    ctx.judge(Action::AuditSeal, &chain()).await?;
    let now = ctx.now();
    let mut work = ctx.store().begin().await?;
    let known = work.seal_of(now.day()).await?;
    if let Some(before) = known.as_ref().and_then(|entry| sealed(entry, true)) {
        return Ok(before);
    }
    // From the entry that the last seal sealed, so that the seal itself is checked too.
    let last = work.seals(1).await?.first().and_then(Seal::of_entry);
    let verified = last.map_or_else(ChainVerifier::new, |seal| ChainVerifier::after(seal.number, seal.head));
    let head = walk(&mut work, verified, ctx.progress(), |_| ()).await?;
    let seal = Seal::next(head, now, work.audit_count().await?);
    let words = (ctx.actor(), SEAL_ACTION, seal.day.to_string());
    work.audit(now, (words.0, words.1, &words.2), seal.detail()?).await?;
    work.commit().await?;
    let by = ctx.actor().to_owned();
    let already = false;
    Ok(Sealed { seal, by, already })
}

/// The seals, the newest first.
pub async fn seals(ctx: &OpContext) -> Result<Vec<Sealed>, AppError> {
    ctx.judge(Action::AuditRead, &chain()).await?;
    let entries = ctx.store().read().await?.seals(SEALS_MAX).await?;
    Ok(entries.iter().filter_map(|entry| sealed(entry, true)).collect())
}
