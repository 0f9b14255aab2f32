//! A month of the demo city as its people live it: accounts, applications, openings, an end. Every act of a person is a
//! request to the HTTP interface; what happens by itself is done by the same background work that `serve` runs.
//!
//! Owns the story and its transcript. No rule of the house is here: what is allowed or refused is what the interface
//! answered.

mod act;
mod cast;
mod desk;
mod ground;
mod scenes;
mod transcript;
mod way;

use crate::exit::Failure;
use crate::wiring::{system_clock, system_entropy};
use api::Edge;
use app::{AppError, OpContext};
use cast::Cast;
use desk::{Desks, Person};
pub(crate) use ground::Ground;
use kernel::Month;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

/// Who has a token: whoever closes the months, and whoever audits.
const HOLDERS: [&str; 2] = ["lingdao", "auditadmin"];

/// What the story left behind.
#[derive(Debug)]
pub(crate) struct Told {
    /// The name of the node that things were opened on.
    pub(crate) node: &'static str,
    /// The transcript.
    pub(crate) transcript: PathBuf,
    /// The logins of the people in it.
    pub(crate) accounts: PathBuf,
    /// A token of whoever closes the months, and one of whoever audits; see [`Told::hand_out`].
    pub(crate) tokens: [PathBuf; 2],
    /// Whose they are.
    holders: Vec<(String, Person)>,
}

impl Told {
    /// Lets people make their tokens, today and with real chance: they are good for a year from the day of the demo, not
    /// of the story, and nobody else's demo has the same.
    pub(crate) async fn hand_out(
        &self,
        ctx: &OpContext,
        renderer: Arc<documents::Renderer>,
        ground: &Ground,
    ) -> Result<(), Failure> {
        let (store, time) = (ctx.store().clone(), Arc::default());
        let own = OpContext::new(ctx.actor(), store, ctx.data(), system_clock(), system_entropy()?)?;
        let mut desks = Desks::new(&own, api::router(own.clone(), renderer, edge()), ground, &time);
        for ((login, person), path) in self.holders.iter().zip(&self.tokens) {
            desks.seat(login, person.title.clone(), person.password.clone());
            let secret = desks.token(login).await?;
            std::fs::write(path, secret).map_err(AppError::io(path))?;
        }
        Ok(())
    }
}

/// Whether the approval flows that ship hold in a month: before that nobody can apply for anything.
pub(crate) fn can_be_played(ctx: &OpContext, month: Month) -> Result<bool, Failure> {
    let at = month.period().from();
    Ok(ctx.policies()?.flows.iter().all(|flow| flow.is_effective(at)))
}

/// Plays the story from now to the end of the month. `time` is the city's clock, which it moves.
pub(crate) async fn play(
    ctx: &OpContext,
    renderer: Arc<documents::Renderer>,
    (ground, time): (&Ground, &Arc<AtomicI64>),
    dir: &Path,
) -> Result<Told, Failure> {
    let cast = Cast::of(ctx).await?;
    ground.register(ctx, &cast).await?;
    let router = api::router(ctx.clone(), renderer, edge());
    let mut desks = Desks::new(ctx, router, ground, time);
    scenes::all(&mut desks, ctx, &cast).await?;
    let told = Told {
        node: ground.name(),
        transcript: dir.join("walkthrough.md"),
        accounts: dir.join("accounts.csv"),
        tokens: HOLDERS.map(|login| dir.join(format!("{login}.token"))),
        holders: HOLDERS.iter().filter_map(|login| desks.person(login)).collect(),
    };
    let text = format!("{}{}\n{}", scenes::PREFACE, ground.about(), desks.transcript.text());
    std::fs::write(&told.transcript, text).map_err(AppError::io(&told.transcript))?;
    let mut accounts = String::from("登录名,人员,密码\n");
    for (login, person) in desks.people() {
        let _ = writeln!(accounts, "{login},{},{}", person.title, person.password);
    }
    std::fs::write(&told.accounts, accounts).map_err(AppError::io(&told.accounts))?;
    Ok(told)
}

fn edge() -> Edge {
    Edge {
        is_demo: true,
        ..Edge::default()
    }
}
