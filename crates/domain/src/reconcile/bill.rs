//! What a provider bills.

use kernel::{ItemCode, Money, MoneyError, Month, OrganisationCode, Period, Quantity, UnitPrice};

/// One line of a provider's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// Number of the line in the bill; unique in it.
    pub line: u32,
    /// `node/native id` of the resource, or the allocation's code for what no node lists.
    pub resource: String,
    /// Item of the catalogue.
    pub item: ItemCode,
    /// The department it is billed to.
    pub organisation: OrganisationCode,
    /// The interval that is billed.
    pub period: Period,
    /// How much.
    pub quantity: Quantity,
    /// At which price of a unit and term, after discount.
    pub unit_price: UnitPrice,
    /// What is billed.
    pub amount: Money,
}

/// A bill as a provider handed it in. A later version replaces an earlier one; all are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderBill {
    /// The provider.
    pub provider: OrganisationCode,
    /// The month.
    pub month: Month,
    /// Version, from 1.
    pub version: u32,
    /// Its lines.
    pub lines: Vec<BillLine>,
}

impl ProviderBill {
    /// The sum of its lines.
    pub fn total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.lines.iter().map(|line| line.amount))
    }
}
