//! One file per group of commands: call the use case, show the result.

mod account;
mod audit;
mod case;
mod collect;
mod config;
mod demo;
mod demo_report;
mod export;
mod import;
mod inventory;
mod job;
mod month;
mod node;
mod price;
mod serve;
mod setup;
mod statement;
mod worker;

use crate::cli::{Cli, Command};
use crate::exit::Failure;
use crate::wiring::Setting;

/// Runs a command of the program that was started as `program`.
pub(crate) async fn run(cli: Cli, program: &str) -> Result<(), Failure> {
    let Cli { common, command } = cli;
    if let Command::Config(command) = &command {
        return config::run(&common, command);
    }
    if let Command::Demo(arguments) = &command {
        return demo::run(&common, arguments, program).await;
    }
    if matches!(command, Command::Openapi) {
        return serve::document();
    }
    let setting = Setting::new(&common)?;
    let report = match command {
        Command::Init => setup::init(&setting).await?,
        Command::Migrate => setup::migrate(&setting).await?,
        Command::Doctor(arguments) => return setup::doctor(&setting, arguments.clean, common.output).await,
        Command::Node(command) => node::run(&setting, command).await?,
        Command::Collect(arguments) => collect::run(&setting, arguments).await?,
        Command::Import(arguments) => import::run(&setting, arguments).await?,
        Command::Inventory(arguments) => inventory::run(&setting, arguments).await?,
        Command::Price(command) => price::run(&setting, command).await?,
        Command::Month(command) => month::run(&setting, command).await?,
        Command::Statement(command) => statement::run(&setting, command).await?,
        Command::Explain(arguments) => statement::explain(&setting, &arguments.line).await?,
        Command::Export(command) => export::run(&setting, command).await?,
        Command::Case(arguments) => case::run(&setting, arguments).await?,
        Command::Audit(command) => audit::run(&setting, command).await?,
        Command::Serve(arguments) => return serve::run(&setting, &arguments).await,
        Command::Worker => return worker::run(&setting).await,
        Command::Job(command) => job::run(&setting, command).await?,
        Command::Account(command) => account::run(&setting, command).await?,
        Command::Demo(_) | Command::Config(_) | Command::Openapi => return Ok(()),
    };
    report.print(common.output)
}
