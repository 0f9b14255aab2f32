//! What every operation is given: who acts, the clock, the source of chance, the store and the lake.

use crate::AppError;
use crate::accounts::AccountError;
use crate::jobs::JobError;
use domain::authz::{AccountPolicy, Actor};
use domain::registry::{History, Organisation};
use identity::IdentityProvider;
use kernel::id::IdKind;
use kernel::{Id, Instant};
use lake::Lake;
use policy::PolicyFiles;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use store::{Connection, Store};

/// The time. The binary gives the real one, the demo city and tests a made-up one.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Ten random bytes for each new id. The binary gives real ones, the demo city a seeded sequence.
pub type Entropy = Box<dyn FnMut() -> [u8; 10] + Send>;

/// Somebody who watches long work.
pub trait Progress: Send + Sync {
    /// `done` of `all` pieces of `what` are done; `all` is 0 while it is not known.
    fn at(&self, what: &str, done: u64, all: u64);

    /// Whether to begin another step. Work that can stop between two steps asks before each.
    fn goes_on(&self) -> bool {
        true
    }

    /// The same, of somebody who has to look first whether anybody wants the work to stop.
    fn looks_whether_it_goes_on(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async { self.goes_on() })
    }
}

/// How the platform's own work stands in the audit chain.
pub const PLATFORM: &str = "平台";

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn at(&self, _what: &str, _done: u64, _all: u64) {}
}

/// What all operations of a program share.
struct House {
    store: Store,
    lake: Lake,
    data: PathBuf,
    clock: Clock,
    entropy: Mutex<Entropy>,
    policies: OnceLock<PolicyFiles>,
    /// The register of organisations, with how many versions of it there were.
    organisations: Mutex<Option<(i64, Arc<History<Organisation>>)>>,
    account_policy: OnceLock<AccountPolicy>,
    identity_provider: OnceLock<IdentityProvider>,
}

/// The first argument of every operation.
#[derive(Clone)]
pub struct OpContext {
    actor: String,
    who: Option<Actor>,
    store: Option<Store>,
    house: Arc<House>,
    progress: Arc<dyn Progress>,
}

impl fmt::Debug for OpContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpContext")
            .field("actor", &self.actor)
            .field("data", &self.house.data)
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
            who: None,
            store: None,
            house: Arc::new(House {
                store,
                lake: Lake::open(&data.join("lake"))?,
                data: data.to_owned(),
                clock,
                entropy: Mutex::new(entropy),
                policies: OnceLock::new(),
                organisations: Mutex::new(None),
                account_policy: OnceLock::new(),
                identity_provider: OnceLock::new(),
            }),
            progress: Arc::new(Silent),
        })
    }

    /// The same, watched by somebody.
    #[must_use]
    pub fn watched(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// The same house, for somebody who logged in or came by a token.
    #[must_use]
    pub fn acting(&self, who: Actor) -> Self {
        Self {
            actor: who.login.clone(),
            who: Some(who),
            ..self.clone()
        }
    }

    /// The same, for somebody whose permission was judged when they asked for what is done now.
    #[must_use]
    pub(crate) fn named(&self, actor: &str) -> Self {
        Self {
            actor: actor.to_owned(),
            ..self.clone()
        }
    }

    /// The same house, for the platform's own work: nobody's account.
    #[must_use]
    pub fn as_platform(&self) -> Self {
        Self {
            who: None,
            ..self.named(PLATFORM)
        }
    }

    /// The same, with another handle of the store.
    pub(crate) fn on_store(&self, store: Store) -> Self {
        Self {
            store: Some(store),
            ..self.clone()
        }
    }

    /// Who acts, as it stands in the audit chain.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Who acts. Errors: nobody has logged in.
    pub fn who(&self) -> Result<&Actor, AppError> {
        self.who.as_ref().ok_or_else(|| AccountError::NotLoggedIn.into())
    }

    /// The system of record.
    pub fn store(&self) -> &Store {
        self.store.as_ref().unwrap_or(&self.house.store)
    }

    /// The usage lake.
    pub fn lake(&self) -> &Lake {
        &self.house.lake
    }

    /// The folder of payloads, lake and documents.
    pub fn data(&self) -> &Path {
        &self.house.data
    }

    /// The time.
    pub fn now(&self) -> Instant {
        (self.house.clock)()
    }

    /// Who watches.
    pub fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// To be asked between two steps, outside of a unit of work. Errors: somebody wants the work to stop; what was done
    /// stays, and the next step was not begun.
    pub(crate) async fn go_on(&self) -> Result<(), AppError> {
        match self.progress.looks_whether_it_goes_on().await {
            true => Ok(()),
            false => Err(JobError::Stopped.into()),
        }
    }

    /// Ten random bytes.
    pub fn random(&self) -> [u8; 10] {
        let mut entropy = self.house.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        entropy()
    }

    /// A new id.
    pub fn new_id<K: IdKind>(&self) -> Id<K> {
        let unix_ms = u64::try_from(self.now().unix_s()).unwrap_or(0).saturating_mul(1000);
        Id::from_parts(unix_ms, &self.random())
    }

    /// The register of organisations as a transaction sees it. Every act asks for it and it hardly ever changes, so it
    /// is kept as long as it has as many versions.
    pub(crate) async fn organisations(&self, read: &mut Connection) -> Result<Arc<History<Organisation>>, AppError> {
        let versions = read.versions::<Organisation>().await?;
        let kept = self.house.organisations.lock().ok().and_then(|kept| kept.clone());
        if let Some((_, history)) = kept.filter(|(known, _)| *known == versions) {
            return Ok(history);
        }
        let history = Arc::new(read.history().await?);
        if let Ok(mut kept) = self.house.organisations.lock() {
            *kept = Some((versions, Arc::clone(&history)));
        }
        Ok(history)
    }

    /// What is decided by data: authority, rules, calendar, flows. Errors: a file shipped with the program is faulty.
    pub fn policies(&self) -> Result<&PolicyFiles, AppError> {
        if let Some(policies) = self.house.policies.get() {
            return Ok(policies);
        }
        let read = policy::shipped()?;
        Ok(self.house.policies.get_or_init(|| read))
    }

    /// Lets people sign in at the city's identity provider. Only the first one given counts.
    #[must_use]
    pub fn with_identity_provider(self, provider: IdentityProvider) -> Self {
        let _ = self.house.identity_provider.set(provider);
        self
    }

    /// The city's identity provider. Errors: there is none.
    pub(crate) fn identity_provider(&self) -> Result<&IdentityProvider, AppError> {
        let provider = self.house.identity_provider.get();
        provider.ok_or_else(|| AccountError::NoProvider.into())
    }

    /// What passwords must be, how long sessions last.
    pub fn account_policy(&self) -> Result<&AccountPolicy, AppError> {
        if let Some(policy) = self.house.account_policy.get() {
            return Ok(policy);
        }
        let read = policy::shipped_account_policy()?;
        Ok(self.house.account_policy.get_or_init(|| read))
    }
}
