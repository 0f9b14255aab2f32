//! Checking the chain in the store.

use super::{BATCH, chain, note};
use crate::{AppError, OpContext, Progress};
use domain::audit::{AuditEntry, ChainError, ChainVerifier};
use domain::authz::Action;
use kernel::Digest;
use serde_json::json;
use store::Connection;

/// Checks the whole chain for whoever acts by account, which is judged, and noted with what came of it. See [`verify`].
pub async fn check(ctx: &OpContext, head: Option<(i64, Digest)>) -> Result<(i64, Digest), AppError> {
    if ctx.who().is_err() {
        return verify(ctx, head).await;
    }
    ctx.authorise(Action::AuditSeal, &chain()).await?;
    let outcome = verify(ctx, head).await;
    let detail = json!({
        "head": head.map(head_text), "last": outcome.as_ref().ok().copied().map(head_text),
        "why": outcome.as_ref().err().map(ToString::to_string),
    });
    let noted = note(ctx, ("audit.verify", "chain"), &detail).await;
    let whole = outcome.inspect_err(|_| {
        // What is broken is told even where the chain takes no entry any more.
        if let Err(why) = &noted {
            tracing::error!(cause = %why, "a broken chain took no note");
        }
    })?;
    noted?;
    Ok(whole)
}

/// Number and digest of an entry, as people keep them.
fn head_text((number, digest): (i64, Digest)) -> String {
    format!("{number}:{digest}")
}

/// Checks the whole chain. Returns how many entries there are and the digest of the last, which can be kept outside
/// to show later that nothing was cut off at the end. With `head`, the chain must contain that entry.
pub async fn verify(ctx: &OpContext, head: Option<(i64, Digest)>) -> Result<(i64, Digest), AppError> {
    let mut read = ctx.store().read().await?;
    let mut kept = head.is_none_or(|head| head == (0, Digest::ZERO));
    let see = |entry: &AuditEntry| kept |= head == Some((entry.number, entry.digest));
    let last = walk(&mut read, ChainVerifier::new(), ctx.progress(), see).await?;
    match head {
        Some((number, _)) if !kept => Err(ChainError::Head(number).into()),
        _ => Ok(last.unwrap_or((0, Digest::ZERO))),
    }
}

/// Checks what follows the entries that `verifier` has seen, row by row as it is stored, and shows each good entry to
/// `see`. Returns number and digest of the last.
pub(super) async fn walk(
    read: &mut Connection,
    mut verifier: ChainVerifier,
    progress: &dyn Progress,
    mut see: impl FnMut(&AuditEntry),
) -> Result<Option<(i64, Digest)>, AppError> {
    let all = u64::try_from(read.audit_count().await?).unwrap_or(0);
    loop {
        let next = verifier.expected();
        let mut rows = read.audit_texts(next, BATCH).await;
        if rows.is_err() {
            // One of them is no text. Row by row, the one that it is can be named.
            rows = read.audit_texts(next, 1).await;
        }
        let rows = rows.map_err(|_| ChainError::Unreadable(next))?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let entry = AuditEntry::of_texts(verifier.expected(), row.each_ref().map(String::as_str))?;
            verifier.check(&entry)?;
            see(&entry);
        }
        let done = verifier.expected() - 1;
        progress.at("核对审计链", u64::try_from(done).unwrap_or(0), all);
    }
    match read.audit_stray().await? {
        Some(found) => {
            let expected = verifier.expected();
            Err(ChainError::Outside { expected, found }.into())
        }
        None => Ok(verifier.head()),
    }
}
