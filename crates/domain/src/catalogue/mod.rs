//! What can be bought, from whom, under which terms and at what price.
//!
//! Owns the service catalogue, contracts and price books. A price book version in force never changes; what is
//! needed is looked up by moment, never copied to a resource.

mod contract;
mod item;
mod price;
mod price_approval;
mod price_book;

pub use contract::{Commitment, Contract, OutageRounding, Proration, SlaTerms, SlaTier, TermsError};
pub use item::{CatalogueError, MeteringBasis, ServiceForm, ServiceItem, ServiceLayer, ServiceUse, match_item};
pub use price::{PriceModel, PriceModelError, Tier, TierScope};
pub use price_approval::{PriceApproval, PriceBookRecord};
pub use price_book::{PriceBook, PriceBookError, PriceLine, PriceScope};
