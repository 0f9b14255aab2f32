//! The audit chain: reading it, checking it, sealing it, taking it out of the house; and noting what leaves the house.
//!
//! Every unit of work that writes leaves its entry in its own transaction (the store sees to that). Here are the entries
//! of what writes nothing and is worth knowing all the same: what was refused, read or taken away. Something with an
//! effect outside the store has an entry before it and one with its outcome after it ([`around`]).

mod export;
mod seal;
mod verify;

#[cfg(test)]
mod tests;

pub use export::{export, verify_file};
pub use seal::{Sealed, seal, seals};
pub use store::EntryFilter;
pub use verify::{check, verify};

use crate::{AppError, OpContext};
use domain::audit::{AuditEntry, Changed, changes};
use domain::authz::{Action, Target};
use serde::Serialize;
use serde_json::{Value, json};

/// Rows of the chain that are held at once while it is walked: an entry may be long.
const BATCH: i64 = 500;

/// Entries at most that are read at once by a person.
pub const ENTRIES_MAX: i64 = 10_000;

/// What the chain is to the policies.
fn chain() -> Target {
    Target {
        kind: "audit",
        ..Target::default()
    }
}

/// The entries that fit, from a number on, or the last ones, at most `limit`, in order. That an account read them is
/// noted first, with what it asked for.
pub async fn entries(ctx: &OpContext, filter: &EntryFilter, limit: i64) -> Result<Vec<AuditEntry>, AppError> {
    ctx.judge(Action::AuditRead, &chain()).await?;
    let limit = limit.clamp(1, ENTRIES_MAX);
    if ctx.who().is_ok() {
        let asked = json!({
            "from": filter.from, "limit": limit, "actor": filter.actor, "action": filter.action,
            "object": filter.object, "since": filter.since, "before": filter.before,
        });
        note(ctx, ("audit.read", "chain"), &asked).await?;
    }
    Ok(ctx.store().read().await?.audit_found(filter, limit).await?)
}

/// What of two bodies differs, field by field.
pub(crate) fn changes_of(before: &impl Serialize, after: &impl Serialize) -> Result<Changed, AppError> {
    Ok(changes(&serde_json::to_value(before)?, &serde_json::to_value(after)?))
}

/// Notes that whoever acts read or took away something, where that itself is worth knowing. Returns the entry's number.
pub async fn note(ctx: &OpContext, (action, object): (&str, &str), detail: &Value) -> Result<i64, AppError> {
    let mut work = ctx.store().begin().await?;
    let entry = work
        .audit(ctx.now(), (ctx.actor(), action, object), detail.to_string())
        .await?;
    work.commit().await?;
    Ok(entry.number)
}

/// Does something whose effect lies outside the store, with an entry before it and one with its outcome after it, which
/// names the first. If the process dies between the two, the first one stands alone, and that tells.
pub async fn around<T: Serialize>(
    ctx: &OpContext,
    (action, object): (&str, &str),
    detail: &Value,
    work: impl Future<Output = Result<T, AppError>>,
) -> Result<T, AppError> {
    let begun = note(ctx, (action, object), detail).await?;
    let outcome = work.await;
    let (ending, detail) = match &outcome {
        Ok(value) => ("done", json!({ "begun": begun, "outcome": value })),
        Err(error) => ("failed", json!({ "begun": begun, "why": error.to_string() })),
    };
    note(ctx, (&format!("{action}.{ending}"), object), &detail).await?;
    outcome
}
