//! From messages to deliveries: letters to people, calls to the webhooks of their organisations.

use super::letter;
use super::post::Post;
use crate::{AppError, OpContext};
use domain::authz::{Account, AccountState};
use domain::work::{Channel, DeliveryState, Letters, letters, wants};
use kernel::{AccountId, Digester, Instant, MessageId};
use std::collections::{BTreeMap, BTreeSet};
use store::{Connection, Delivery, Message, Webhook};

/// Messages that are turned at a time.
const BATCH: i64 = 500;
/// The span in which letters are counted. Units: seconds.
const HOUR_S: i64 = 3_600;

/// What a turning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Turned {
    pub(super) messages: usize,
    pub(super) deliveries: usize,
}

fn delivery(ctx: &OpContext, (channel, target, cause): (Channel, String, String), about: (&str, &str)) -> Delivery {
    Delivery {
        id: ctx.new_id(),
        channel,
        target,
        cause,
        kind: about.0.to_owned(),
        subject: about.1.to_owned(),
        body: String::new(),
        state: DeliveryState::Waiting,
        attempts: 0,
        next: ctx.now(),
        trouble: None,
        created: ctx.now(),
        ended: None,
    }
}

/// Turns every message that waits for it. Somebody who has had enough letters this hour gets the rest later.
pub(super) async fn turn(ctx: &OpContext, post: &Post, channel: Channel) -> Result<Turned, AppError> {
    let mut done = Turned::default();
    let mut after: Option<MessageId> = None;
    loop {
        let mut read = ctx.store().read().await?;
        let batch = read.messages_to_send(channel, after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = Some(last.id);
        let (turned, made) = match channel {
            Channel::Mail => to_letters(ctx, &mut read, post, &batch).await?,
            Channel::Webhook => to_calls(ctx, &mut read, &batch).await?,
        };
        drop(read);
        if turned.is_empty() {
            continue;
        }
        // Not if another worker was first; then it has made them.
        if ctx.store().turn_messages((channel, &turned), &made, ctx.now()).await? {
            done.messages += turned.len();
            done.deliveries += made.len();
        }
    }
    Ok(done)
}

async fn to_letters(
    ctx: &OpContext,
    read: &mut Connection,
    post: &Post,
    batch: &[Message],
) -> Result<(Vec<MessageId>, Vec<Delivery>), AppError> {
    let mut by_account: BTreeMap<AccountId, Vec<Message>> = BTreeMap::new();
    for message in batch {
        by_account.entry(message.account).or_default().push(message.clone());
    }
    let (mut turned, mut made) = (Vec::new(), Vec::new());
    for (id, messages) in by_account {
        let account = read.account(id).await?;
        let account = account.filter(|account| has_mail(account) && post.mailer.is_some());
        let Some(account) = account else {
            // Without mail, or without an address, the notice in the product is all there is.
            turned.extend(messages.iter().map(|message| message.id));
            continue;
        };
        let target = id.to_string();
        let since = ctx.now().plus_s(-HOUR_S);
        let sent = read.deliveries_since((Channel::Mail, &target), since).await?;
        let how = letters(messages.len(), sent, post.letters_per_hour);
        let tasks = read.to_dos_of(id).await?;
        let link = post.link.as_deref();
        let of = |cause: &Message, about: (&str, &str), body: letter::LetterBody| {
            Ok::<_, AppError>(Delivery {
                body: serde_json::to_string(&body)?,
                ..delivery(ctx, (Channel::Mail, target.clone(), cause.id.to_string()), about)
            })
        };
        match (how, messages.first()) {
            (Letters::Later, _) | (_, None) => continue,
            (Letters::Each, _) => {
                for message in &messages {
                    let body = letter::single(&account, message, &tasks, link);
                    made.push(of(message, (&message.kind, &message.subject), body)?);
                }
            }
            (Letters::Digest, Some(first)) => {
                let body = letter::digest(&account, &messages, &tasks, link);
                made.push(of(first, ("digest", ""), body)?);
            }
        }
        turned.extend(messages.iter().map(|message| message.id));
    }
    Ok((turned, made))
}

/// Whether somebody gets letters: the account is in use and has an address.
pub(super) fn has_mail(account: &Account) -> bool {
    account.state == AccountState::Active && account.mail.as_ref().is_some_and(|mail| !mail.trim().is_empty())
}

async fn to_calls(
    ctx: &OpContext,
    read: &mut Connection,
    batch: &[Message],
) -> Result<(Vec<MessageId>, Vec<Delivery>), AppError> {
    let hooks = read.webhooks().await?;
    let hooks: Vec<&Webhook> = hooks.iter().filter(|hook| hook.ended.is_none()).collect();
    let (mut made, mut seen) = (Vec::new(), BTreeSet::new());
    let mut organisations: BTreeMap<AccountId, Option<String>> = BTreeMap::new();
    for message in batch.iter().filter(|_| !hooks.is_empty()) {
        let organisation = match organisations.get(&message.account) {
            Some(known) => known.clone(),
            None => {
                let account = read.account(message.account).await?;
                let found = account.map(|account| account.organisation.to_string());
                organisations.insert(message.account, found.clone());
                found
            }
        };
        let Some(organisation) = organisation else {
            continue;
        };
        let fitting = hooks.iter().filter(|hook| {
            hook.organisation == organisation && hook.created <= message.at && wants(&hook.kinds, &message.kind)
        });
        for hook in fitting {
            // What several people of an organisation are told is one event to its programs.
            let cause = cause_of(message);
            if seen.insert((hook.id, cause.clone())) {
                let about = (message.kind.as_str(), message.subject.as_str());
                let bare = delivery(ctx, (Channel::Webhook, hook.id.to_string(), cause), about);
                made.push(Delivery {
                    body: event(&bare, message, &organisation).to_string(),
                    ..bare
                });
            }
        }
    }
    Ok((batch.iter().map(|message| message.id).collect(), made))
}

fn cause_of(message: &Message) -> String {
    let mut digester = Digester::new();
    digester
        .text(&message.kind)
        .text(&message.subject)
        .text(&message.title)
        .text(&message.text)
        .number(message.at.unix_s());
    digester.finish().to_string()
}

fn event(delivery: &Delivery, message: &Message, organisation: &str) -> serde_json::Value {
    let at: Instant = message.at;
    serde_json::json!({
        "id": delivery.id, "event": message.kind, "organisation": organisation, "subject": message.subject,
        "title": message.title, "text": message.text, "at": at,
    })
}
