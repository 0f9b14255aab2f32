//! The words everybody uses: money, prices, quantities, time, codes, ids, digests and kinds of error.
//!
//! Owns exact arithmetic and the law's calendar. Owns no rule of the field, does no I/O, reads no clock, and knows
//! no floating point number: a value that reaches money is an integer of fixed scale from end to end.

#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

pub mod code;
pub mod decimal;
pub mod digest;
pub mod error;
pub mod id;
pub mod intern;
pub mod money;
pub mod ratio;
pub mod time;

pub use code::{
    AllocationCode, Code, CodeError, ContractCode, ItemCode, NodeCode, OrganisationCode, PoolCode, SystemCode,
};
pub use decimal::{DecimalError, Factor, Quantity, UnitPrice};
pub use digest::{Digest, Digester};
pub use error::{ErrorKind, Fault, Faults, Kinded, io_reason};
pub use id::{
    AbsenceId, AccountId, CaseId, DeliveryId, EvidenceId, Id, ImportId, JobId, MessageId, RunId, SessionId, TokenId,
    WebhookId,
};
pub use intern::Interner;
pub use money::{Money, MoneyError};
pub use ratio::Ratio;
pub use time::{Day, Instant, Month, Period, TimeError};
