//! Step 5: agreed lines minus deductions = a statement that several sides sign, one after the other.

mod availability;
mod deductions;
mod flow;
mod ledger;
mod signing;
mod statement;
mod unit_months;
mod withheld;

pub use availability::{
    AvailabilityError, CorrectedDeduction, Outage, ResourceAvailability, SlaDeduction, availability,
};
pub use deductions::{DeductedMonth, assess_outages, sla_deductions};
pub use flow::{FlowError, Opinion, StatementStatus, Step, advance};
pub use ledger::{LedgerError, Position, Review, WithheldLedger, WithheldSums};
pub use signing::{SIGNING_ORDER, standing_opinions};
pub use statement::{
    Release, ReleaseCause, Settled, Statement, StatementItem, StatementScope, make_statements, number,
};
pub use unit_months::UnitMonths;
pub use withheld::{Agreements, Standing, Withheld};
