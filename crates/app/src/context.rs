//! What every operation is given: who acts, the clock, the source of chance, the store and the lake.

use kernel::id::IdKind;
use kernel::{Id, Instant};
use lake::Lake;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;

/// The time. The binary gives the real one, the demo city and tests a made-up one.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Ten random bytes for each new id. The binary gives real ones, the demo city a seeded sequence.
pub type Entropy = Box<dyn FnMut() -> [u8; 10] + Send>;

/// Somebody who watches long work.
pub trait Progress: Send + Sync {
    /// `done` of `all` pieces of `what` are done; `all` is 0 while it is not known.
    fn at(&self, what: &str, done: u64, all: u64);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _what: &str, _done: u64, _all: u64) {}
}

/// The first argument of every operation.
pub struct OpContext {
    actor: String,
    store: Store,
    lake: Lake,
    data: PathBuf,
    clock: Clock,
    entropy: Mutex<Entropy>,
    progress: Arc<dyn Progress>,
}

impl fmt::Debug for OpContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpContext")
            .field("actor", &self.actor)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

impl OpContext {
    /// For `actor`, on a store, with payloads and lake below `data`.
    pub fn new(
        actor: &str,
        store: Store,
        data: &Path,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, lake::LakeError> {
        Ok(Self {
            actor: actor.to_owned(),
            store,
            lake: Lake::open(&data.join("lake"))?,
            data: data.to_owned(),
            clock,
            entropy: Mutex::new(entropy),
            progress: Arc::new(Silent),
        })
    }

    /// The same, watched by somebody.
    #[must_use]
    pub fn watched(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Who acts.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The system of record.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The usage lake.
    pub const fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The folder of payloads, lake and documents.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The time.
    pub fn now(&self) -> Instant {
        (self.clock)()
    }

    /// Who watches.
    pub fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// A new id.
    pub fn new_id<K: IdKind>(&self) -> Id<K> {
        let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        let unix_ms = u64::try_from(self.now().unix_s()).unwrap_or(0).saturating_mul(1000);
        Id::from_parts(unix_ms, &entropy())
    }
}
