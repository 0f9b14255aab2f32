//! Commands that take effect once, however often they are sent.
//!
//! A store that was given a command notes it in the first unit of work that commits, in the same transaction (I6). The
//! row lies in `kept_answer`, without an answer until [`Store::answer_command`] adds it. Whoever sends the command again
//! meets the row when their unit of work begins.

use crate::{Store, StoreError, UnitOfWork, Value};
use kernel::{AccountId, Digest, Instant};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

/// Answers that one statement keeps.
const ANSWERS_AT_ONCE: usize = 100;

/// A command of an account.
#[derive(Debug)]
pub struct Command {
    account: AccountId,
    key: String,
    request: Digest,
    at: Instant,
    committed: AtomicBool,
}

impl Command {
    /// Under the key its sender gave it, with the digest of what is asked.
    pub fn new((account, key): (AccountId, String), request: Digest, at: Instant) -> Self {
        Self {
            account,
            key,
            request,
            at,
            committed: AtomicBool::new(false),
        }
    }

    /// Notes it, unless that was committed already. Errors: somebody sent it before.
    pub(crate) async fn note(&self, work: &mut UnitOfWork) -> Result<(), StoreError> {
        if self.committed.load(Ordering::Acquire) {
            return Ok(());
        }
        let values = [
            self.account.to_string().into(),
            self.key.clone().into(),
            self.request.to_string().into(),
            self.at.unix_s().into(),
        ];
        let sql = "INSERT INTO kept_answer (account, key, request, status, body, at_s) VALUES ($1,$2,$3,0,'',$4) \
                   ON CONFLICT (account, key) DO NOTHING";
        match work.execute(sql, &values).await? {
            0 => Err(StoreError::KnownCommand(self.key.clone())),
            _ => Ok(()),
        }
    }

    pub(crate) fn set_committed(&self) {
        self.committed.store(true, Ordering::Release);
    }
}

/// An answer to a command that stands in line to be kept.
#[derive(Debug)]
pub(crate) struct KeptSoon {
    values: [Value; 4],
    kept: AtomicBool,
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
