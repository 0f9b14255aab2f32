//! From options and configuration to an operation context.

use crate::cli::Common;
use crate::config::Config;
use crate::exit::{Failure, INTERNAL, INVALID, PRECONDITION};
use crate::progress::Bars;
use app::accounts::{LOCAL_OPERATOR, at_the_machine};
use app::{Clock, Entropy, OpContext, Progress, Reach, Silent};
use domain::authz::{Action, Target};
use kernel::Instant;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Store;

/// Where everything is.
pub(crate) struct Setting {
    pub(crate) data: PathBuf,
    pub(crate) database: String,
    pub(crate) config: Arc<Config>,
    pub(crate) config_path: PathBuf,
    /// Who acts by their own word.
    pub(crate) actor: Option<String>,
    /// Whose token acts.
    pub(crate) token: Option<String>,
    pub(crate) quiet: bool,
}

impl Setting {
    /// From the options, the environment behind them, and the configuration file.
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        let data = common.data.clone().unwrap_or_else(|| PathBuf::from("yunheng-data"));
        let config_path = common.config.clone().unwrap_or_else(|| data.join("yunheng.toml"));
        let config = Config::read(&config_path, common.config.is_some(), &data)?;
        let database = common.database.clone().or_else(|| config.database.clone());
        let database = database.unwrap_or_else(|| sqlite_url(&data));
        Ok(Self {
            data,
            database,
            config: Arc::new(config),
            config_path,
            actor: common.actor.clone(),
            token: common.token.clone().filter(|token| !token.trim().is_empty()),
            quiet: common.quiet,
        })
    }

    /// Opens the store for whoever gives a command: the account of the token, or the local operator while there are no
    /// accounts.
    pub(crate) async fn open(&self) -> Result<OpContext, Failure> {
        let ctx = at_the_machine(&self.open_house().await?, self.token.as_deref()).await?;
        if ctx.who().is_ok() && self.actor.is_some() {
            let text = "操作人由令牌确定，不能另用 --actor（YUNHENG_ACTOR）指定；请去掉其中之一";
            return Err(Failure::new(INVALID, text));
        }
        Ok(ctx)
    }

    /// The same, for something that has to be allowed.
    pub(crate) async fn open_for(&self, action: Action, kind: &'static str) -> Result<OpContext, Failure> {
        let ctx = self.open().await?;
        let target = Target {
            kind,
            ..Target::default()
        };
        ctx.judge(action, &target).await?;
        Ok(ctx)
    }

    /// The same, for something that shows what belongs to all.
    pub(crate) async fn open_to_see(&self, action: Action, kind: &'static str) -> Result<OpContext, Failure> {
        let ctx = self.open().await?;
        if ctx.who().is_ok() && ctx.reach(action, kind).await? != Reach::All {
            let text = "该命令列出所有单位的内容，您只能查看本单位的部分；请从网页或接口查看";
            return Err(Failure::new(PRECONDITION, text));
        }
        Ok(ctx)
    }

    /// Opens the store, which must be there, for the house itself: to examine, to serve, to begin with accounts.
    pub(crate) async fn open_house(&self) -> Result<OpContext, Failure> {
        if !self.data.is_dir() {
            let text = format!(
                "数据目录 {} 不存在；请先运行 yunheng init，或用 --data 指明",
                self.data.display()
            );
            return Err(Failure::new(INVALID, text));
        }
        let store = Store::open(&self.database).await?;
        store.check_migrated().await?;
        self.context(store, system_clock(), system_entropy()?)
    }

    /// A context on a store, with a clock and a source of chance.
    pub(crate) fn context(&self, store: Store, clock: Clock, entropy: Entropy) -> Result<OpContext, Failure> {
        let actor = match &self.actor {
            Some(name) => format!("{name}（{LOCAL_OPERATOR}）"),
            None => LOCAL_OPERATOR.to_owned(),
        };
        let ctx = OpContext::new(&actor, store, &self.data, clock, entropy)?;
        Ok(ctx.watched(self.progress()))
    }

    /// Progress bars, unless they are not wanted.
    pub(crate) fn progress(&self) -> Arc<dyn Progress> {
        if self.quiet {
            Arc::new(Silent)
        } else {
            Arc::new(Bars::new())
        }
    }
}

/// The SQLite file of a data folder.
pub(crate) fn sqlite_url(data: &Path) -> String {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    format!("sqlite://{}", absolute.join("yunheng.db").display())
}

/// The real time.
#[expect(clippy::disallowed_methods, reason = "the one place where the time is read")]
pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Instant::from_unix_s(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    })
}

/// Real chance: tokens and links are of it. Errors: the system gives none.
pub(crate) fn system_entropy() -> Result<Entropy, Failure> {
    use rand_chacha::rand_core::Rng as _;
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        let text = format!("系统不提供随机数，无法生成标识和令牌: {error}");
        Failure::new(INTERNAL, text)
    })?;
    let mut generator = seeded_generator(seed);
    Ok(Box::new(move || {
        let mut bytes = [0_u8; 10];
        generator.fill_bytes(&mut bytes);
        bytes
    }))
}

fn seeded_generator(seed: [u8; 32]) -> rand_chacha::ChaCha8Rng {
    use rand_chacha::rand_core::SeedableRng as _;
    rand_chacha::ChaCha8Rng::from_seed(seed)
}

/// Chance that repeats: for the demo city.
pub(crate) fn seeded_entropy(seed: u64) -> Entropy {
    use rand_chacha::rand_core::Rng as _;
    let mut bytes = [0_u8; 32];
    bytes.iter_mut().zip(seed.to_le_bytes()).for_each(|(b, s)| *b = s);
    let mut generator = seeded_generator(bytes);
    Box::new(move || {
        let mut bytes = [0_u8; 10];
        generator.fill_bytes(&mut bytes);
        bytes
    })
}
