//! Step 3: usage x the price book in force = charge lines, each with what explains it.
//!
//! Pure (invariant I2): the same usage, books and terms give the same lines in the same order. Rounded once per
//! line, half up; no rounding before or after. Sums are sums of lines (I3).

mod amount;
mod charge;
mod commitment;
mod correction;
mod draft;
mod error;
mod explain;
mod month;
mod proration;
mod shared_tier;
mod tariff;

pub use amount::{AmountError, FlatRate, full_term_gross};
pub use charge::{ChargeKey, ChargeKind, ChargeMethod, ChargeRow, ChargeTable};
pub use correction::{Correction, correct};
pub use error::{MissingPrice, RateError};
pub use explain::{ExactAmount, model_in_words};
pub use month::{RateInput, rate_month};
pub use tariff::{Tariff, TariffPart, Tariffs};
