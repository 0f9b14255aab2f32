//! A command that takes effect once, however often it is sent, and the answer to it.

use crate::Value;
use kernel::{AccountId, Digest, Instant};
use std::sync::atomic::{AtomicBool, Ordering};

/// A command of an account.
#[derive(Debug)]
pub struct Command {
    pub(crate) account: AccountId,
    pub(crate) key: String,
    pub(crate) request: Digest,
    pub(crate) at: Instant,
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

    pub(crate) fn is_committed(&self) -> bool {
        self.committed.load(Ordering::Acquire)
    }

    pub(crate) fn set_committed(&self) {
        self.committed.store(true, Ordering::Release);
    }
}

/// An answer to a command that stands in line to be kept.
#[derive(Debug)]
pub(crate) struct KeptSoon {
    pub(crate) values: [Value; 4],
    pub(crate) kept: AtomicBool,
}
