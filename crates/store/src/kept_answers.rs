//! What became of commands that are to take effect once, in the table `kept_answer`.
//!
//! A store that was given a command notes it in the first unit of work that commits, in the same transaction (I6),
//! without an answer until [`Store::answer_command`] adds it. Whoever sends the command again meets the row when their
//! unit of work begins.

use crate::command::KeptSoon;
use crate::{Command, Connection, Row, Store, StoreError, Value};
use kernel::{AccountId, Digest, Instant};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

/// Answers that one statement keeps.
const ANSWERS_AT_ONCE: usize = 100;

/// A kept answer to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Digest of what was asked.
    pub request: Digest,
    /// The status of the answer.
    pub status: i64,
    /// Its body.
    pub body: String,
}

impl Connection {
    /// Notes a command, unless that was committed already. Errors: somebody sent it before.
    pub(crate) async fn note_command(&mut self, command: &Command) -> Result<(), StoreError> {
        if command.is_committed() {
            return Ok(());
        }
        let values = [
            command.account.to_string().into(),
            command.key.clone().into(),
            command.request.to_string().into(),
            command.at.unix_s().into(),
        ];
        let sql = "INSERT INTO kept_answer (account, key, request, status, body, at_s) VALUES ($1,$2,$3,0,'',$4) \
                   ON CONFLICT (account, key) DO NOTHING";
        match self.execute(sql, &values).await? {
            0 => Err(StoreError::KnownCommand(command.key.clone())),
            _ => Ok(()),
        }
    }

    /// The answer that was kept for a key of an account.
    pub async fn kept_answer(&mut self, account: AccountId, key: &str) -> Result<Option<KeptAnswer>, StoreError> {
        let sql = "SELECT * FROM kept_answer WHERE account = $1 AND key = $2";
        let row = self.first(sql, &[account.to_string().into(), key.into()]).await?;
        let answer = |row: Row| {
            Ok(KeptAnswer {
                request: row.parsed("kept_answer", "request")?,
                status: row.int("status")?,
                body: row.text("body")?,
            })
        };
        row.map(answer).transpose()
    }

    /// Forgets kept answers from before a moment.
    pub async fn forget_answers(&mut self, before: Instant) -> Result<u64, StoreError> {
        self.execute("DELETE FROM kept_answer WHERE at_s < $1", &[before.unix_s().into()])
            .await
    }
}

impl Store {
    /// The same store for one command.
    #[must_use]
    pub fn for_command(&self, command: Command) -> Self {
        Self {
            command: Some(Arc::new(command)),
            ..self.clone()
        }
    }

    /// Adds the answer to a command that took effect and has none yet. It says nothing about the business, so there is
    /// no audit entry. Whoever's turn it is keeps the answers of all who stand in line, in one transaction.
    pub async fn answer_command(
        &self,
        (account, key): (AccountId, &str),
        status: i64,
        body: &str,
    ) -> Result<(), StoreError> {
        let own = Arc::new(KeptSoon {
            values: [account.to_string().into(), key.into(), status.into(), body.into()],
            kept: AtomicBool::new(false),
        });
        self.waiting().push(Arc::clone(&own));
        let turn = self.turn().await?;
        if own.kept.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut all = std::mem::take(&mut *self.waiting());
        // Whoever took it along before may have failed.
        if !all.iter().any(|other| Arc::ptr_eq(other, &own)) {
            all.push(own);
        }
        let mut connection = self.write_in(turn).await?;
        let rows: Vec<&[Value]> = all.iter().map(|answer| &answer.values[..]).collect();
        for some in rows.chunks(ANSWERS_AT_ONCE) {
            let (rows, values) = connection.rows(some);
            let sql = format!(
                "UPDATE kept_answer SET status = given.column3, body = given.column4 FROM (VALUES {rows}) AS given \
                 WHERE account = given.column1 AND key = given.column2 AND kept_answer.status = 0"
            );
            connection.execute(&sql, &values).await?;
        }
        connection.commit().await?;
        for answer in all {
            answer.kept.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Arc<KeptSoon>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
