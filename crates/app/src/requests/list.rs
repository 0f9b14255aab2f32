//! Lists: applications that may be seen, one's own tasks and messages.

use super::sight::sight;
use crate::{AppError, OpContext};
use domain::authz::{Action, Target};
use domain::registry::Side;
use domain::request::ResourceRequest;
use kernel::MessageId;
use store::{Message, RequestFilter, ToDo};

/// The applications that may be seen and fit, the newest first, at most `limit`; the next page begins after the last
/// number of this one.
pub async fn list(ctx: &OpContext, filter: &RequestFilter, limit: i64) -> Result<Vec<ResourceRequest>, AppError> {
    let who = ctx.who()?.clone();
    let about = Target {
        kind: "request",
        unit: Some(who.organisation.clone()).filter(|_| who.side == Side::Unit),
        provider: Some(who.organisation).filter(|_| who.side == Side::Provider),
        ..Target::default()
    };
    ctx.authorise(Action::RequestRead, &about).await?;
    let sight = sight(ctx).await?;
    Ok(ctx.store().read().await?.requests(&sight, filter, limit).await?)
}

async fn own(ctx: &OpContext) -> Result<kernel::AccountId, AppError> {
    let account = ctx.who()?.account;
    let about = Target {
        kind: "message",
        owner: Some(account),
        ..Target::default()
    };
    ctx.authorise(Action::MessageRead, &about).await?;
    Ok(account)
}

/// What whoever asks has to do, the most urgent first.
pub async fn to_dos(ctx: &OpContext) -> Result<Vec<ToDo>, AppError> {
    let account = own(ctx).await?;
    Ok(ctx.store().read().await?.to_dos_of(account).await?)
}

/// The messages of whoever asks, the newest first, at most `limit`.
pub async fn messages(ctx: &OpContext, limit: i64) -> Result<Vec<Message>, AppError> {
    let account = own(ctx).await?;
    Ok(ctx.store().read().await?.messages_of(account, limit).await?)
}

/// Marks a message as read.
pub async fn read_message(ctx: &OpContext, id: MessageId) -> Result<(), AppError> {
    let account = own(ctx).await?;
    let mut work = ctx.store().begin().await?;
    work.read_message(account, id, ctx.now()).await?;
    work.audit(
        ctx.now(),
        (ctx.actor(), "message.read", &id.to_string()),
        "{}".to_owned(),
    )
    .await?;
    Ok(work.commit().await?)
}
