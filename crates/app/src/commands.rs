//! Commands that take effect once, however often they are sent (I6).
//!
//! Whoever sends a command gives it a key. The key is noted in the transaction of the change; the answer is added right
//! after. Killed between the two, the command is known to have taken effect, and only its answer is missing.

use crate::{AppError, OpContext};
use kernel::Digest;
use store::{Command, KeptAnswer, StoreError};

/// What is known about a command that was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// Nothing: it never took effect.
    Never,
    /// It took effect, and its answer was not kept.
    Unanswered,
    /// It took effect, with this status and body.
    Answered(i64, String),
}

impl OpContext {
    /// The same, for a command of whoever acts, under a key.
    pub fn once(&self, key: &str, request: Digest) -> Result<Self, AppError> {
        let account = self.who()?.account;
        let command = Command::new((account, key.to_owned()), request, self.now());
        Ok(self.on_store(self.store().for_command(command)))
    }

    /// What is known about a command of whoever acts. Errors: the key was used for something else.
    pub async fn sent(&self, key: &str, request: Digest) -> Result<Sent, AppError> {
        let account = self.who()?.account;
        let kept = self.store().read().await?.kept_answer(account, key).await?;
        match kept {
            None => Ok(Sent::Never),
            Some(kept) if kept.request != request => {
                let text = format!("操作标识 {key} 已用于另一项内容不同的操作，请换用新的标识");
                Err(AppError::Contradiction(text))
            }
            Some(KeptAnswer { status: 0, .. }) => Ok(Sent::Unanswered),
            Some(KeptAnswer { status, body, .. }) => Ok(Sent::Answered(status, body)),
        }
    }

    /// Keeps the answer to a command that took effect. Does nothing if it did not.
    pub async fn answered(&self, key: &str, status: i64, body: &str) -> Result<(), AppError> {
        let account = self.who()?.account;
        self.store().answer_command((account, key), status, body).await?;
        Ok(())
    }
}

impl AppError {
    /// Whether somebody sent the same command meanwhile.
    pub const fn is_known_command(&self) -> bool {
        matches!(self, Self::Store(StoreError::KnownCommand(_)))
    }
}
