//! Step 4: our charges against the provider's bill. Differences by class, in yuan, whose sum is the whole difference.

mod answer;
mod bill;
mod classify;

pub use answer::{Agreed, AnswerOutcome};
pub use bill::{BillLine, ProviderBill};
pub use classify::{ClassSum, Difference, DifferenceClass, Reconciliation, reconcile};
