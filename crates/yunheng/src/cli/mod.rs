//! The words of the command line. English help stands here; Chinese help in `i18n/cli.zh.toml`, by the same paths.

mod node;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::registry::Side;
use kernel::{Instant, Money, Month};
pub(crate) use node::{BuiltInNode, NodeAddArgs, NodeCommand};
use std::path::PathBuf;

/// Yunheng: meter, price, reconcile and settle a city's government cloud
#[derive(Debug, Parser)]
#[command(name = "yunheng", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Folder of data: store, lake, payloads, documents
    #[arg(long, global = true, env = "YUNHENG_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration file (default: yunheng.toml in the data folder)
    #[arg(long, global = true, env = "YUNHENG_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Database: sqlite:///path or postgres://user@host/name
    #[arg(
        long,
        global = true,
        env = "YUNHENG_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Who acts, while there are no accounts; recorded in the audit chain
    #[arg(long, global = true, env = "YUNHENG_ACTOR", value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Token of the account that acts; better in the environment than here, where everybody on the machine sees it
    #[arg(
        long,
        global = true,
        env = "YUNHENG_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Form of the result
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Language of the help: zh or en
    #[arg(long, global = true, value_name = "LANG")]
    pub(crate) lang: Option<String>,
    /// No progress bars
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the demo city and settle a year of it
    Demo(DemoArgs),
    /// Make the data folder, the configuration and the store
    Init,
    /// Bring the store up to date
    Migrate,
    /// Check store, lake and payloads
    Doctor(DoctorArgs),
    /// Cloud nodes
    #[command(subcommand)]
    Node(NodeCommand),
    /// Collect what the nodes say exists
    Collect(CollectArgs),
    /// Import a file (CSV or XLSX)
    Import(ImportArgs),
    /// What existed and what was approved, at any past moment
    Inventory(InventoryArgs),
    /// Price books: list, approve
    #[command(subcommand)]
    Price(PriceCommand),
    /// The month: meter, rate, reconcile, close
    #[command(subcommand)]
    Month(MonthCommand),
    /// Statements: list, show, render, advance
    #[command(subcommand)]
    Statement(StatementCommand),
    /// Explain a charge line, to the last fraction of a fen
    Explain(ExplainArgs),
    /// Export charges
    #[command(subcommand)]
    Export(ExportCommand),
    /// Cases: what somebody has to look at
    Case(CaseArgs),
    /// The audit chain
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Serve the HTTP API
    Serve(ServeArgs),
    /// Do the background work: orders, reminders, mail, seals
    Worker,
    /// Background jobs: list, cancel, retry
    #[command(subcommand)]
    Job(JobCommand),
    /// Accounts: the first administrators, one-time links
    #[command(subcommand)]
    Account(AccountCommand),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on (default: of the configuration, else 127.0.0.1:8080)
    #[arg(long, value_name = "ADDRESS", env = "YUNHENG_LISTEN")]
    pub(crate) listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, the newest first
    List(JobListArgs),
    /// Stop a job: one that waits at once, one that runs at its next step
    Cancel {
        /// Its id
        id: String,
    },
    /// Begin a job again that failed or was cancelled
    Retry {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JobListArgs {
    /// Only in this state: queued, running, done, failed or cancelled
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only of this kind, as order.run
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only about this matter
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make the three administrators and print a one-time link for each; only once
    First {
        /// Code of the organisation that runs the platform
        #[arg(long, value_name = "CODE")]
        organisation: String,
    },
    /// Set a password by a one-time link; link and password are read from stdin, a line each
    Accept,
    /// Let one of the three administrators in again, by a new link and without codes
    Rescue {
        /// Login name of the administrator
        login: String,
    },
    /// Make a token for commands; login name, password and code are read from stdin
    Token(TokenArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// What it is for
    #[arg(long)]
    pub(crate) name: String,
    /// An action it may ask for, as month.run; may be repeated
    #[arg(long = "scope", value_name = "ACTION", required = true)]
    pub(crate) scope: Vec<String>,
    /// How many days it is good for
    #[arg(long, default_value_t = 30)]
    pub(crate) days: i64,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder of the demo city; an earlier one in it is replaced
    #[arg(long, default_value = "demo", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Last full month of its history (default: the month before today)
    #[arg(long, value_name = "MONTH")]
    pub(crate) until: Option<Month>,
    /// Seed of all chance: the same seed makes the same city
    #[arg(long, default_value_t = 20_260_101)]
    pub(crate) seed: u64,
    /// Months of history
    #[arg(long, default_value_t = 13)]
    pub(crate) months: usize,
    /// A small city, for a quick look
    #[arg(long)]
    pub(crate) small: bool,
    /// A city of about this many resources instead, to measure with
    #[arg(long, value_name = "N", conflicts_with = "small")]
    pub(crate) resources: Option<usize>,
    /// Without its people: no accounts, no applications, and commands need no token
    #[arg(long)]
    pub(crate) no_people: bool,
    /// Its people open on this OpenStack instead of the built-in node; with --config for its accounts
    #[arg(long, value_name = "URL", requires = "projects", conflicts_with = "no_people")]
    pub(crate) openstack: Option<String>,
    /// Two projects of that OpenStack to open in
    #[arg(long, value_name = "ID", value_delimiter = ',', requires = "openstack")]
    pub(crate) projects: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Remove files that nothing refers to
    #[arg(long)]
    pub(crate) clean: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Code of a node (default: all)
    pub(crate) node: Option<String>,
    /// Accept an empty list after one that was not
    #[arg(long)]
    pub(crate) confirm_empty: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What the file is: organisations, systems, platforms, projects, catalogue, contracts, prices, allocations, declared-work, provider-bill, outages
    pub(crate) kind: String,
    /// The file, CSV or XLSX
    #[arg(required_unless_present = "template")]
    pub(crate) file: Option<PathBuf>,
    /// Check everything, store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write an empty form (.csv or .xlsx) instead of importing
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) template: Option<PathBuf>,
    /// Write every fault of the file, by row, to this CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InventoryArgs {
    /// The moment (default: now)
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<Instant>,
    /// Only this node
    #[arg(long)]
    pub(crate) node: Option<String>,
    /// Only this system
    #[arg(long)]
    pub(crate) system: Option<String>,
    /// Only this organisation
    #[arg(long)]
    pub(crate) organisation: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MonthCommand {
    /// Where the month stands
    Show {
        /// The month, as 2026-03
        month: Month,
    },
    /// Meter what was approved and existed
    Meter {
        /// The month, as 2026-03
        month: Month,
    },
    /// Rate the usage by the prices in force
    Rate {
        /// The month, as 2026-03
        month: Month,
    },
    /// Reconcile with the providers' bills
    Reconcile {
        /// The month, as 2026-03
        month: Month,
        /// Write the differences of each provider into this folder (XLSX)
        #[arg(long, value_name = "DIR")]
        document: Option<PathBuf>,
    },
    /// Record a provider's answer to a difference
    Answer(AnswerArgs),
    /// Close the month and make the statements
    Close {
        /// The month, as 2026-03
        month: Month,
    },
    /// Rate a closed month again: shows the differences, posts them only with --commit
    Rerate {
        /// The month, as 2026-03
        month: Month,
        /// Why
        #[arg(long)]
        reason: String,
        /// Post the differences into the open month
        #[arg(long)]
        commit: bool,
        /// Write the differences to this XLSX
        #[arg(long, value_name = "FILE")]
        document: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The month, as 2026-03
    pub(crate) month: Month,
    /// Code of the provider
    #[arg(long)]
    pub(crate) provider: String,
    /// Resource of the difference
    #[arg(long)]
    pub(crate) resource: String,
    /// Item of the difference
    #[arg(long)]
    pub(crate) item: String,
    /// The provider accepts our figure
    #[arg(long, conflicts_with_all = ["dispute", "settle"], required_unless_present_any = ["dispute", "settle"])]
    pub(crate) accept: bool,
    /// The provider disputes our figure
    #[arg(long, conflicts_with = "settle")]
    pub(crate) dispute: bool,
    /// Both sides settled on this figure (yuan) for the resource, item and month
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) settle: Option<Money>,
    /// In its words
    #[arg(long, default_value = "")]
    pub(crate) text: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StatementCommand {
    /// List the statements of a month
    List {
        /// The month, as 2026-03
        month: Month,
    },
    /// Show a statement
    Show {
        /// Its number
        number: String,
    },
    /// Write statements as PDF and XLSX
    Render {
        /// The month, as 2026-03
        month: Month,
        /// Numbers of the statements (default: all of the month)
        numbers: Vec<String>,
        /// Folder to write to
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Only this form: pdf or xlsx (default: both)
        #[arg(long)]
        format: Option<String>,
    },
    /// Hand a statement on to the next side, or back
    Advance {
        /// Its number
        number: String,
        /// For which side: unit (a department's statement) or provider (a provider's own), supervisor, cost_assessor, authority
        #[arg(long, value_parser = |s: &str| s.parse::<Side>())]
        side: Side,
        /// Return it to the side before
        #[arg(long = "return")]
        give_back: bool,
        /// Opinion; required when returning
        #[arg(long, default_value = "")]
        opinion: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Number of the line, as 202603-000123
    pub(crate) line: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Charge lines as CSV or XLSX
    Charges(ExportArgs),
    /// Charge lines as FOCUS 1.2, CSV or Parquet
    Focus {
        #[command(flatten)]
        what: ExportArgs,
        /// Codes instead of Chinese names
        #[arg(long)]
        ascii: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// First month
    pub(crate) from: Month,
    /// Last month (default: the first)
    pub(crate) to: Option<Month>,
    /// Only this provider
    #[arg(long)]
    pub(crate) provider: Option<String>,
    /// Only this organisation
    #[arg(long)]
    pub(crate) organisation: Option<String>,
    /// File to write; its ending says the form
    #[arg(long, value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CaseArgs {
    #[command(flatten)]
    pub(crate) list: CaseListArgs,
    #[command(subcommand)]
    pub(crate) command: Option<CaseCommand>,
}

/// Which cases to list (default: the open ones).
#[derive(Debug, Args)]
pub(crate) struct CaseListArgs {
    /// Settled ones too
    #[arg(long, conflicts_with = "settled")]
    pub(crate) all: bool,
    /// Only settled ones
    #[arg(long)]
    pub(crate) settled: bool,
    /// Only of this kind, as not_approved
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only of this owner: code of an organisation
    #[arg(long, value_name = "CODE")]
    pub(crate) owner: Option<String>,
    /// Only open ones whose deadline has passed
    #[arg(long, conflicts_with = "settled")]
    pub(crate) overdue: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PriceCommand {
    /// List the versions, and which of them wait for an approval
    List,
    /// Approve a version that somebody else imported
    Approve {
        /// Number of the contract
        contract: String,
        /// Version of its prices
        version: u32,
        /// Opinion, for example the number of the decision
        #[arg(long)]
        opinion: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// Settle a case, with an outcome and a reason
    Settle {
        /// Its id, as `case` lists it
        id: String,
        /// corrected, accepted or mistaken
        #[arg(long)]
        outcome: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check the whole chain, or a file of it
    Verify {
        /// A head that was kept outside, as NUMBER:DIGEST
        #[arg(long, value_name = "HEAD")]
        head: Option<String>,
        /// Check this file, made by `audit export`; no store is needed
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Seal the chain for today: one page to print, sign and keep outside
    Seal {
        /// Write the page to this file too
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Write the whole chain into a file that can be checked by itself
    Export {
        /// The file
        file: PathBuf,
    },
    /// Show entries
    Show {
        /// From this number on (default: the last ones)
        #[arg(long)]
        from: Option<i64>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration file
    Check,
    /// Print the default configuration, with explanations
    PrintDefault,
}
