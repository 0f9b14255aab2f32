//! Reading and verifying the audit chain.

use crate::{AppError, OpContext};
use domain::audit::{AuditEntry, ChainError, ChainVerifier};
use kernel::Digest;

/// Entries read at a time.
const BATCH: i64 = 10_000;

/// Entries from `first` on, at most `limit`.
pub async fn show(ctx: &OpContext, first: i64, limit: i64) -> Result<Vec<AuditEntry>, AppError> {
    Ok(ctx.store().read().await?.audit_entries(first, limit).await?)
}

/// The last entries, the oldest of them first.
pub async fn last(ctx: &OpContext, limit: i64) -> Result<Vec<AuditEntry>, AppError> {
    let mut read = ctx.store().read().await?;
    let head = read.audit_head().await?.map_or(0, |(number, _)| number);
    Ok(read.audit_entries((head - limit + 1).max(1), limit).await?)
}

/// Notes that whoever acts read or took away something, where that itself is worth knowing: the chain, exports.
pub async fn note(ctx: &OpContext, (action, object): (&str, &str), detail: &serde_json::Value) -> Result<(), AppError> {
    let mut work = ctx.store().begin().await?;
    work.audit(ctx.now(), (ctx.actor(), action, object), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(())
}

/// Checks the whole chain. Returns how many entries there are and the digest of the last, which can be kept outside
/// to show later that nothing was cut off at the end. With `head`, the chain must contain that entry.
pub async fn verify(ctx: &OpContext, head: Option<(i64, Digest)>) -> Result<(i64, Digest), AppError> {
    let mut read = ctx.store().read().await?;
    let mut verifier = ChainVerifier::new();
    let mut kept = false;
    let (mut next, all) = (1, u64::try_from(read.audit_count().await?).unwrap_or(0));
    loop {
        let entries = read.audit_entries(next, BATCH).await?;
        let Some(last) = entries.last() else { break };
        next = last.number + 1;
        for entry in &entries {
            verifier.check(entry)?;
            kept |= head.is_some_and(|(number, digest)| entry.number == number && entry.digest == digest);
        }
        ctx.progress()
            .at("核对审计链", u64::try_from(next - 1).unwrap_or(0), all);
    }
    if let (Some((number, _)), false) = (head, kept) {
        return Err(ChainError::Head(number).into());
    }
    Ok(verifier.head().unwrap_or((0, Digest::ZERO)))
}
