//! Step 5: agreed lines minus deductions = a statement that five sides sign, one after the other.

mod availability;
mod flow;
mod statement;

pub use availability::{AvailabilityError, Outage, ResourceAvailability, SlaDeduction, availability, sla_deduction};
pub use flow::{FlowError, Opinion, StatementStatus, Step, advance};
pub use statement::{Statement, StatementItem, StatementScope, Withheld, make_statements, number};
