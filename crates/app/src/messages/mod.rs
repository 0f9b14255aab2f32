//! What people are told: tasks with deadlines, notices, letters and calls to webhooks.
//!
//! Owns the lists of one's own tasks and notices, reminders outside of flows, turning notices into letters and calls, and
//! their delivery. Does not own when somebody is told of a matter: whoever acts on it writes the notice, in the
//! transaction of the act. Invariants: what was committed is told at least once, under one id; a deadline is reminded of
//! once; a person gets a bounded number of letters an hour and no notice is lost for it; neither an address nor a secret
//! is in a log, an error or an audit entry.

mod deliver;
mod desk;
mod error;
mod letter;
mod post;
mod remind;
mod send;
mod webhooks;

pub use deliver::Deliver;
pub(crate) use letter::{deadline, moment};

pub use desk::{Mine, ToDoCount, Urgency, counts, kind_zh, messages, read_message, to_dos};
pub use error::MessageError;
pub use post::Post;
pub use remind::Remind;
pub use store::{Delivery, Message, Webhook};
pub use webhooks::{NewWebhook, deliveries, end_webhook, make_webhook, replay, webhooks};

use crate::{AppError, OpContext};
use domain::authz::Role;
use kernel::AccountId;
use store::Connection;

/// Whoever holds a role of the three administrators, now.
pub(crate) async fn administrators(read: &mut Connection, wanted: Role) -> Result<Vec<AccountId>, AppError> {
    let holders = read.role_holders(&[]).await?.into_iter();
    let wanted = holders.filter(|(_, role, _)| *role == wanted);
    Ok(wanted.map(|(account, _, _)| account).collect())
}

/// Tells accounts the same, in the caller's unit of work; each once.
pub(crate) async fn notify(
    ctx: &OpContext,
    work: &mut Connection,
    accounts: &[AccountId],
    (kind, subject): (&str, &str),
    (title, text): (&str, &str),
) -> Result<(), AppError> {
    let mut accounts = accounts.to_vec();
    accounts.sort_unstable();
    accounts.dedup();
    let message = |account: AccountId| Message {
        id: ctx.new_id(),
        account,
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        title: title.to_owned(),
        text: text.to_owned(),
        at: ctx.now(),
        read: None,
    };
    let messages: Vec<Message> = accounts.into_iter().map(message).collect();
    Ok(work.add_messages(&messages).await?)
}
