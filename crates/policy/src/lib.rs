//! Policies written as data: who may do what (Cedar), own rules (CEL), and the files of rules, flows and calendars.
//!
//! Owns reading and evaluating them, and the versions shipped with the program. Owns no rule itself, stores nothing.
//! Invariants: what no policy allows is refused; a policy that does not fit the schema, or a file with a fault, is
//! refused as a whole with every fault named; an expression sees the documented facts and nothing else.

mod authority;
mod book;
mod error;
mod expression;

pub use authority::{Denied, Judge};
pub use book::{PolicyFiles, shipped, shipped_account_policy};
pub use error::PolicyError;
pub use expression::{check_expression, evaluate};
