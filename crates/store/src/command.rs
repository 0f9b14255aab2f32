//! Commands that take effect once, however often they are sent.
//!
//! A store that was given a command notes it in the first unit of work that commits, in the same transaction (I6). The
//! row lies in `kept_answer`, without an answer until [`Store::answer_command`] adds it. Whoever sends the command again
//! meets the row when their unit of work begins.

use crate::{Store, StoreError, UnitOfWork};
use kernel::{AccountId, Digest, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// no audit entry. Returns whether there was such a command.
    pub async fn answer_command(
        &self,
        (account, key): (AccountId, &str),
        status: i64,
        body: &str,
    ) -> Result<bool, StoreError> {
        let mut connection = self.write().await?;
        let sql = "UPDATE kept_answer SET status = $3, body = $4 WHERE account = $1 AND key = $2 AND status = 0";
        let values = [account.to_string().into(), key.into(), status.into(), body.into()];
        let changed = connection.execute(sql, &values).await?;
        connection.commit().await?;
        Ok(changed > 0)
    }
}
