//! The binary `yunheng`: command line, configuration and wiring. Holds no rule and no SQL.

mod cli;
mod commands;
mod config;
mod exit;
mod input;
mod localise;
mod oidc;
mod output;
mod outside;
mod progress;
mod stop;
mod story;
mod wiring;

use clap::FromArgMatches;
use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is read here and by clap, once"
)]
fn main() -> ExitCode {
    let language = localise::Language::detect(std::env::args(), |name| std::env::var(name).ok());
    let command = localise::command(language);
    let matches = command.get_matches();
    let cli = match cli::Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&format!("无法启动: {error}"), exit::INTERNAL),
    };
    let program = std::env::args().next().unwrap_or_else(|| "yunheng".to_owned());
    match runtime.block_on(commands::run(cli, &program)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
