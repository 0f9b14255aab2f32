//! Use cases. The only place that opens and commits a transaction.
//!
//! Each file is one thing a person can do. It reads what it needs, lets the domain decide, writes, audits and commits;
//! it holds no rule of the field itself and knows neither HTTP nor a terminal.

mod authorise;
mod commands;
mod context;
mod error;
mod leftovers;
mod line_number;
mod names;
mod price_clause;
mod reach;
mod series;
mod whole_file;

pub mod absences;
pub mod accounts;
pub mod audit;
pub mod cases;
pub mod collect;
pub mod evidence;
pub mod explain;
pub mod export;
pub mod health;
pub mod import;
pub mod inventory;
pub mod jobs;
pub mod messages;
pub mod month;
pub mod nodes;
pub mod orders;
pub mod price_books;
pub mod registers;
pub mod requests;
pub mod statements;

pub use commands::Sent;
pub use context::{Clock, Entropy, OpContext, PLATFORM, Progress, Silent};
pub use error::AppError;
pub use leftovers::{UPLOADS, forget_leftovers};
pub use line_number::{LineNumber, LineNumberError};
pub use reach::Reach;
