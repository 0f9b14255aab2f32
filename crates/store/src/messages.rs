//! Messages to accounts, and what becomes of them outside: letters and calls to webhooks.
//!
//! A message is written in the transaction of the act it is about. Turning it into deliveries and noting how those went
//! is the platform's own work, no act of anybody: like the leases of jobs it is not audited.

use crate::requests::going;
use crate::requests::to_do;
use crate::{Connection, Row, Store, StoreError, ToDo, Value};
use domain::work::{Channel, DeliveryState};
use kernel::{AccountId, DeliveryId, Instant, MessageId, WebhookId};

/// A message to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// To whom.
    pub account: AccountId,
    /// What kind.
    pub kind: String,
    /// About which matter.
    pub subject: String,
    /// Title.
    pub title: String,
    /// Text.
    pub text: String,
    /// When.
    pub at: Instant,
    /// When it was read.
    pub read: Option<Instant>,
}

/// Where an organisation's programs are told.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose.
    pub organisation: String,
    /// The address.
    pub url: String,
    /// Kinds of message, or beginnings of kinds; none for all.
    pub kinds: Vec<String>,
    /// Signs what is sent.
    pub secret: String,
    /// Who set it up.
    pub made_by: String,
    /// When.
    pub created: Instant,
    /// When it was ended.
    pub ended: Option<Instant>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither secret nor address, which may carry one, belongs into a log.
        f.debug_struct("Webhook").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A letter or a call on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, by which a receiver knows that it came twice.
    pub id: DeliveryId,
    /// How it goes.
    pub channel: Channel,
    /// To which account, or to which webhook.
    pub target: String,
    /// What it was made for: a message, or the first of several.
    pub cause: String,
    /// Kind of the message.
    pub kind: String,
    /// About which matter.
    pub subject: String,
    /// What is sent.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// Not before then.
    pub next: Instant,
    /// Why it did not arrive.
    pub trouble: Option<String>,
    /// When it was made.
    pub created: Instant,
    /// When it arrived, or was given up.
    pub ended: Option<Instant>,
}

fn message(row: &Row) -> Result<Message, StoreError> {
    Ok(Message {
        id: row.parsed("message", "id")?,
        account: row.parsed("message", "account")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        title: row.text("title")?,
        text: row.text("text")?,
        at: Instant::from_unix_s(row.int("at_s")?),
        read: row.int_or_none("read_s")?.map(Instant::from_unix_s),
    })
}

fn webhook(row: &Row) -> Result<Webhook, StoreError> {
    let kinds = row.text("kinds")?;
    Ok(Webhook {
        id: row.parsed("webhook", "id")?,
        organisation: row.text("organisation")?,
        url: row.text("url")?,
        kinds: kinds.split_whitespace().map(str::to_owned).collect(),
        secret: row.text("secret")?,
        made_by: row.text("made_by")?,
        created: Instant::from_unix_s(row.int("created_s")?),
        ended: row.int_or_none("ended_s")?.map(Instant::from_unix_s),
    })
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let table = "delivery";
    Ok(Delivery {
        id: row.parsed(table, "id")?,
        channel: row.parsed(table, "channel")?,
        target: row.text("target")?,
        cause: row.text("cause")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        body: row.text("body")?,
        state: row.parsed(table, "state")?,
        attempts: row.int("attempts")?,
        next: Instant::from_unix_s(row.int("next_s")?),
        trouble: row.text_or_none("trouble")?,
        created: Instant::from_unix_s(row.int("created_s")?),
        ended: row.int_or_none("ended_s")?.map(Instant::from_unix_s),
    })
}

/// The column that says when messages were turned into deliveries of a channel.
const fn turned(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "mailed_s",
        Channel::Webhook => "hooked_s",
    }
}

impl Connection {
    /// Sends messages.
    pub async fn add_messages(&mut self, new: &[Message]) -> Result<(), StoreError> {
        let row = |message: &Message| {
            vec![
                message.id.to_string().into(),
                message.account.to_string().into(),
                message.kind.clone().into(),
                message.subject.clone().into(),
                message.title.clone().into(),
                message.text.clone().into(),
                message.at.unix_s().into(),
            ]
        };
        let rows: Vec<_> = new.iter().map(row).collect();
        self.insert_many("message (id, account, kind, subject, title, text, at_s)", "", &rows)
            .await?;
        Ok(())
    }

    /// The messages of an account, the newest first, at most `limit`.
    pub async fn messages_of(&mut self, account: AccountId, limit: i64) -> Result<Vec<Message>, StoreError> {
        let sql = "SELECT * FROM message WHERE account = $1 ORDER BY id DESC LIMIT $2";
        self.all(sql, &[account.to_string().into(), limit.into()])
            .await?
            .iter()
            .map(message)
            .collect()
    }

    /// Marks a message of an account as read.
    pub async fn read_message(&mut self, account: AccountId, id: MessageId, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE message SET read_s = coalesce(read_s, $1) WHERE id = $2 AND account = $3";
        let values = [at.unix_s().into(), id.to_string().into(), account.to_string().into()];
        self.execute_one(sql, &values, "消息").await
    }

    /// Messages that were not turned into deliveries of a channel yet, the oldest first, at most `limit`, after one of
    /// the list if it is given.
    pub async fn messages_to_send(
        &mut self,
        channel: Channel,
        after: Option<MessageId>,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let column = turned(channel);
        let sql = format!("SELECT * FROM message WHERE {column} IS NULL AND id > $1 ORDER BY id LIMIT $2");
        self.all(&sql, &[after.into(), limit.into()])
            .await?
            .iter()
            .map(message)
            .collect()
    }

    /// Tasks that are due before a moment, the most urgent first.
    pub async fn to_dos_due(&mut self, before: Instant) -> Result<Vec<ToDo>, StoreError> {
        let sql = "SELECT * FROM to_do WHERE due_s <= $1 ORDER BY due_s, subject, task, account";
        let rows = self.all(sql, &[before.unix_s().into()]).await?;
        rows.iter().map(to_do).collect()
    }

    /// Whether there is something to send now: a message, or a delivery that is due.
    pub async fn sending_waits(&mut self, now: Instant) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS one FROM message WHERE mailed_s IS NULL UNION ALL \
                   SELECT 1 AS one FROM message WHERE hooked_s IS NULL UNION ALL \
                   SELECT 1 AS one FROM delivery WHERE state = 'waiting' AND next_s <= $1 LIMIT 1";
        Ok(self.first(sql, &[now.unix_s().into()]).await?.is_some())
    }

    /// How many letters were made for a receiver since a moment.
    pub async fn deliveries_since(
        &mut self,
        (channel, target): (Channel, &str),
        since: Instant,
    ) -> Result<i64, StoreError> {
        let sql =
            "SELECT CAST(count(*) AS BIGINT) AS n FROM delivery WHERE channel = $1 AND target = $2 AND created_s > $3";
        let values = [channel.word().into(), target.into(), since.unix_s().into()];
        self.first(sql, &values).await?.map_or(Ok(0), |row| row.int("n"))
    }

    /// Deliveries that are due, the longest waiting first, at most `limit`.
    pub async fn deliveries_due(&mut self, now: Instant, limit: i64) -> Result<Vec<Delivery>, StoreError> {
        let sql = "SELECT * FROM delivery WHERE state = 'waiting' AND next_s <= $1 ORDER BY next_s, id LIMIT $2";
        self.all(sql, &[now.unix_s().into(), limit.into()])
            .await?
            .iter()
            .map(delivery)
            .collect()
    }

    /// The deliveries in a state, or in any, the newest or the oldest first, at most `limit`, after one of the list if it is
    /// given.
    pub async fn deliveries(
        &mut self,
        state: Option<DeliveryState>,
        (after, oldest_first): (Option<DeliveryId>, bool),
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (on, order) = going(oldest_first);
        let before_all = if oldest_first { "" } else { "dlv_~" };
        let after = after.map_or_else(|| before_all.to_owned(), |id| id.to_string());
        let mut values: Vec<Value> = vec![after.into(), limit.into()];
        let mut condition = "";
        if let Some(state) = state {
            values.push(state.word().into());
            condition = " AND state = $3";
        }
        let sql = format!("SELECT * FROM delivery WHERE id {on} $1{condition} ORDER BY id {order} LIMIT $2");
        self.all(&sql, &values).await?.iter().map(delivery).collect()
    }

    /// A delivery.
    pub async fn delivery(&mut self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let sql = "SELECT * FROM delivery WHERE id = $1";
        let row = self.first(sql, &[id.to_string().into()]).await?;
        row.as_ref().map(delivery).transpose()
    }

    /// Sends a delivery that was given up once more, under the same id. Errors: it was not given up.
    pub async fn replay_delivery(&mut self, id: DeliveryId, now: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE delivery SET state = 'waiting', attempts = 0, next_s = $1, ended_s = NULL \
                   WHERE id = $2 AND state = 'dead'";
        let values = [now.unix_s().into(), id.to_string().into()];
        self.execute_one(sql, &values, "投递").await
    }

    /// Sets up a webhook.
    pub async fn add_webhook(&mut self, new: &Webhook) -> Result<(), StoreError> {
        let values = [
            new.id.to_string().into(),
            new.organisation.clone().into(),
            new.url.clone().into(),
            new.kinds.join(" ").into(),
            new.secret.clone().into(),
            new.made_by.clone().into(),
            new.created.unix_s().into(),
        ];
        let sql = "INSERT INTO webhook (id, organisation, url, kinds, secret, made_by, created_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7)";
        self.execute_one(sql, &values, "回调地址").await
    }

    /// All webhooks, those that ended too, the newest first.
    pub async fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        let rows = self.all("SELECT * FROM webhook ORDER BY id DESC", &[]).await?;
        rows.iter().map(webhook).collect()
    }

    /// A webhook.
    pub async fn webhook(&mut self, id: &str) -> Result<Option<Webhook>, StoreError> {
        let row = self.first("SELECT * FROM webhook WHERE id = $1", &[id.into()]).await?;
        row.as_ref().map(webhook).transpose()
    }

    /// Ends a webhook; what still waits for it is given up.
    pub async fn end_webhook(&mut self, id: WebhookId, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE webhook SET ended_s = $1 WHERE id = $2 AND ended_s IS NULL";
        let values = [at.unix_s().into(), id.to_string().into()];
        self.execute_one(sql, &values, "回调地址").await?;
        let sql = "UPDATE delivery SET state = 'dead', trouble = '回调地址已停用', ended_s = $1 \
                   WHERE channel = 'webhook' AND target = $2 AND state = 'waiting'";
        self.execute(sql, &values).await?;
        Ok(())
    }

    async fn add_deliveries(&mut self, new: &[Delivery]) -> Result<(), StoreError> {
        let row = |delivery: &Delivery| {
            vec![
                delivery.id.to_string().into(),
                delivery.channel.word().into(),
                delivery.target.clone().into(),
                delivery.cause.clone().into(),
                delivery.kind.clone().into(),
                delivery.subject.clone().into(),
                delivery.body.clone().into(),
                delivery.state.word().into(),
                delivery.attempts.into(),
                delivery.next.unix_s().into(),
                delivery.created.unix_s().into(),
            ]
        };
        let rows: Vec<_> = new.iter().map(row).collect();
        let into = "delivery (id, channel, target, cause, kind, subject, body, state, attempts, next_s, created_s)";
        self.insert_many(into, " ON CONFLICT (channel, target, cause) DO NOTHING", &rows)
            .await?;
        Ok(())
    }

    async fn note_turned(&mut self, channel: Channel, messages: &[MessageId], at: Instant) -> Result<u64, StoreError> {
        let column = turned(channel);
        let mut changed = 0;
        for some in messages.chunks(500) {
            let places: Vec<String> = (2..).take(some.len()).map(|n| format!("${n}")).collect();
            let sql = format!(
                "UPDATE message SET {column} = $1 WHERE {column} IS NULL AND id IN ({})",
                places.join(",")
            );
            let ids = some.iter().map(|id| id.to_string().into());
            let values: Vec<Value> = std::iter::once(at.unix_s().into()).chain(ids).collect();
            changed += self.execute(&sql, &values).await?;
        }
        Ok(changed)
    }
}

/// What the platform does with messages by itself; no act of anybody, so not audited.
impl Store {
    /// Notes messages as turned into deliveries of a channel, together with those. Returns whether it was done: not if
    /// somebody else has turned one of them meanwhile; then nothing is stored.
    pub async fn turn_messages(
        &self,
        (channel, messages): (Channel, &[MessageId]),
        deliveries: &[Delivery],
        at: Instant,
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let turned = write.note_turned(channel, messages, at).await?;
        if turned != u64::try_from(messages.len()).unwrap_or(u64::MAX) {
            return Ok(false);
        }
        write.add_deliveries(deliveries).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Notes that a delivery is about to be tried, and when it is tried next if nothing more is heard of it. Returns
    /// whether it may be: nobody has begun it or put it off meanwhile.
    pub async fn begin_delivery(&self, seen: &Delivery, next: Instant) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let values = [
            next.unix_s().into(),
            seen.id.to_string().into(),
            seen.attempts.into(),
            seen.next.unix_s().into(),
        ];
        let sql = "UPDATE delivery SET attempts = attempts + 1, next_s = $1 \
                   WHERE id = $2 AND attempts = $3 AND next_s = $4 AND state = 'waiting'";
        let begun = write.execute(sql, &values).await? == 1;
        write.commit().await?;
        Ok(begun)
    }

    /// Puts off what is due to a receiver, or by a channel, without trying it.
    pub async fn postpone_deliveries(
        &self,
        (channel, target): (Channel, Option<&str>),
        (now, until): (Instant, Instant),
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let values = [
            until.unix_s().into(),
            channel.word().into(),
            now.unix_s().into(),
            target.map(str::to_owned).into(),
        ];
        let sql = "UPDATE delivery SET next_s = $1 WHERE channel = $2 AND state = 'waiting' AND next_s <= $3 \
                   AND target = coalesce($4, target)";
        write.execute(sql, &values).await?;
        write.commit().await
    }

    /// Notes how a delivery went. One that goes on waiting keeps the moment of its next attempt.
    pub async fn end_delivery(
        &self,
        id: DeliveryId,
        (state, trouble): (DeliveryState, Option<&str>),
        at: Instant,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let ended = (state != DeliveryState::Waiting).then(|| at.unix_s());
        let values = [
            state.word().into(),
            trouble.map(str::to_owned).into(),
            ended.into(),
            id.to_string().into(),
        ];
        let sql = "UPDATE delivery SET state = $1, trouble = $2, ended_s = $3 WHERE id = $4 AND state = 'waiting'";
        write.execute(sql, &values).await?;
        write.commit().await
    }
}
