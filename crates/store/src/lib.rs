//! The system of record, on SQLite or PostgreSQL, by one code path.
//!
//! Owns the tables, what is read from and written to them, and the unit of work: everything an operation writes is
//! committed together with its audit entry, or not at all (invariant I7). Owns no rule. The SQL is the same on both;
//! where the two differ, `connection` and `migrate` say so.

mod accounts;
mod allocations;
mod answers;
mod audit;
mod bills;
mod cases;
mod command;
mod connection;
mod error;
mod imports;
mod jobs;
mod lake_files;
mod late_facts;
mod logins;
mod looks;
mod migrate;
mod months;
mod orders;
mod outages;
mod papers;
mod price_books;
mod registry;
mod requests;
mod room;
mod runs;
mod sightings;
mod statements;
mod unit_of_work;

pub use accounts::RoleRecord;
pub use answers::Answer;
pub use bills::BillRecord;
pub use cases::{CaseEnding, CaseFile};
pub use command::Command;
pub use connection::{Connection, Row, Store, Value};
pub use error::StoreError;
pub use imports::ImportRecord;
pub use jobs::Job;
pub use lake_files::LakeFileRecord;
pub use late_facts::LateFact;
pub use logins::{ApiToken, Session};
pub use looks::LookRecord;
pub use months::MonthRecord;
pub use outages::OutageCorrection;
pub use papers::{EvidenceRecord, KeptAnswer, Message};
pub use requests::{RequestFilter, Sight, ToDo};
pub use room::LimitRecord;
pub use runs::{ChargeSum, RunRecord};
pub use statements::StatementRecord;
pub use unit_of_work::UnitOfWork;
