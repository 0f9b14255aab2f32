//! The system of record, on SQLite or PostgreSQL, by one code path.
//!
//! Owns the tables, what is read from and written to them, and the unit of work: everything an operation writes is
//! committed together with its audit entry, or not at all (invariant I7). Owns no rule. The SQL is the same on both;
//! where the two differ, `connection` and `migrate` say so.

mod absences;
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
mod kept_answers;
mod lake_files;
mod late_facts;
mod logins;
mod looks;
mod messages;
mod migrate;
mod months;
mod order_list;
mod orders;
mod outages;
mod papers;
mod price_books;
mod registry;
mod requests;
mod room;
mod row;
mod runs;
mod sightings;
mod sqlite;
mod statements;
mod unit_of_work;
mod value;

pub use absences::AbsenceRecord;
pub use accounts::RoleRecord;
pub use answers::Answer;
pub use bills::BillRecord;
pub use cases::{CaseEnding, CaseFile};
pub use command::Command;
pub use connection::{Connection, Store};
pub use error::StoreError;
pub use imports::ImportRecord;
pub use jobs::{Job, JobFilter};
pub use kept_answers::KeptAnswer;
pub use lake_files::LakeFileRecord;
pub use late_facts::LateFact;
pub use logins::{ApiToken, Invitation, Session, SignIn};
pub use looks::LookRecord;
pub use messages::{Delivery, Message, Webhook};
pub use months::MonthRecord;
pub use order_list::OrderFilter;
pub use outages::OutageCorrection;
pub use papers::EvidenceRecord;
pub use requests::{RequestFilter, Sight, ToDo};
pub use room::LimitRecord;
pub use row::Row;
pub use runs::{ChargeSum, RunRecord};
pub use statements::StatementRecord;
pub use unit_of_work::UnitOfWork;
pub use value::Value;
