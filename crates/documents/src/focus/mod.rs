//! Charges in the FOCUS 1.2 format (FinOps Open Cost and Usage Specification), as CSV and Parquet.
//!
//! Owns what a row may say together: which columns are null when, and that unit price times quantity is the cost.
//! Computes no charge. Amounts are yuan (CNY); list and contracted cost are exact products and may have more
//! decimals than fen, billed and effective cost are what was rounded and charged. Times are UTC; a billing period is
//! a month of Beijing time. Columns for capacity reservations, commitment discounts and foreign pricing currencies
//! are left out, because there are none.
//!
//! This is a format between machines: texts stand as they are, without the apostrophe of [`crate::table_csv`].

mod columns;
mod service;
mod writer;

pub use columns::{COLUMNS, ColumnType};
pub use service::FocusService;
pub use writer::{FocusCsvWriter, FocusParquetWriter};

use crate::error::DocumentError;
use kernel::{Money, Month, Period, Quantity, UnitPrice};
use std::collections::BTreeMap;

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeCategory {
    /// Use of a resource or service; accepted one-off work too, with the frequency [`ChargeFrequency::OneTime`].
    Usage,
    /// Something paid ahead that covers later charges; its effective cost is zero.
    Purchase,
    /// Taxes shown apart.
    Tax,
    /// Money given back: service level deductions.
    Credit,
    /// Anything else that changes the sum.
    Adjustment,
}

impl ChargeCategory {
    /// The word of the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::Purchase => "Purchase",
            Self::Tax => "Tax",
            Self::Credit => "Credit",
            Self::Adjustment => "Adjustment",
        }
    }
}

/// How often a charge comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeFrequency {
    /// Once.
    OneTime,
    /// Each month as long as it is held.
    Recurring,
    /// By what was measured.
    UsageBased,
}

impl ChargeFrequency {
    /// The word of the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "One-Time",
            Self::Recurring => "Recurring",
            Self::UsageBased => "Usage-Based",
        }
    }
}

/// How a price came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricingCategory {
    /// Agreed beforehand.
    Standard,
    /// Under a commitment.
    Committed,
    /// Set by the provider from time to time.
    Dynamic,
    /// Any other way.
    Other,
}

impl PricingCategory {
    /// The word of the specification.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Committed => "Committed",
            Self::Dynamic => "Dynamic",
            Self::Other => "Other",
        }
    }
}

/// An account: the authority that pays (billing account) or a department or system under it (sub account).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusAccount {
    /// Code.
    pub id: String,
    /// Name at the time.
    pub name: String,
    /// Kind of account, a readable word.
    pub kind: String,
}

/// A place: an id and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusRegion {
    /// Code of the node.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusResource {
    /// Id with the provider.
    pub id: String,
    /// Its name; none if it has none of its own.
    pub name: Option<String>,
    /// Its type, a readable word.
    pub kind: String,
}

/// A property of a service item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkuDetail {
    /// In words: `InstanceType`, `DiskType`.
    Text(String),
    /// In numbers, in the unit FOCUS gives it: `CoreCount`, `MemorySize` (GiB), `DiskSpace` (GiB).
    Number(Quantity),
}

/// What was priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusPricing {
    /// Code of the service item.
    pub sku_id: String,
    /// Price version and clause; of one item only.
    pub sku_price_id: String,
    /// What is metered, in a word.
    pub meter: String,
    /// Properties of the item by name; names that FOCUS does not define get `x_` in front.
    pub details: BTreeMap<String, SkuDetail>,
    /// How the price came about.
    pub category: PricingCategory,
    /// Quantity priced, proration included: 2 servers for 10 of 31 days are 0.645161.
    pub quantity: Quantity,
    /// Unit of that quantity.
    pub unit: String,
    /// Price before discounts, yuan.
    pub list_unit_price: UnitPrice,
    /// Price agreed, yuan.
    pub contracted_unit_price: UnitPrice,
}

/// What was used, in the unit it was measured in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusConsumption {
    /// How much.
    pub quantity: Quantity,
    /// Unit.
    pub unit: String,
}

/// One charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FocusRow {
    /// Id of the charge line (column `x_ChargeLineId`).
    pub line_id: String,
    /// Number of the contract (column `x_ContractNumber`).
    pub contract_number: String,
    /// The month it is settled in.
    pub billing_month: Month,
    /// When the use was; for corrections in an earlier month than the billing month.
    pub charge_period: Period,
    /// What it is for.
    pub category: ChargeCategory,
    /// Whether it corrects a month that was settled before.
    pub is_correction: bool,
    /// How often it comes.
    pub frequency: ChargeFrequency,
    /// In a sentence.
    pub description: Option<String>,
    /// What is charged. Rounding: fen.
    pub billed_cost: Money,
    /// What is charged, spread over the time it is for. Rounding: fen.
    pub effective_cost: Money,
    /// What was priced; required for usage and purchases that are no corrections, not permitted for taxes.
    pub pricing: Option<FocusPricing>,
    /// What was used; required for usage that is no correction, not permitted otherwise than for usage.
    pub consumed: Option<FocusConsumption>,
    /// Who pays.
    pub billing_account: FocusAccount,
    /// For whom.
    pub sub_account: Option<FocusAccount>,
    /// Who made the service available.
    pub provider_name: String,
    /// Who produced it.
    pub publisher_name: String,
    /// Who sends the bill.
    pub invoice_issuer_name: String,
    /// Number of the statement; none before there is one.
    pub invoice_id: Option<String>,
    /// The node.
    pub region: Option<FocusRegion>,
    /// The zone in it.
    pub availability_zone: Option<String>,
    /// The resource.
    pub resource: Option<FocusResource>,
    /// The service.
    pub service: FocusService,
    /// Tags; empty is null.
    pub tags: BTreeMap<String, String>,
}

impl FocusRow {
    /// The cost before discounts, in 10^-12 yuan: list price times quantity; what was billed where there is no price
    /// or the row is a correction.
    pub fn list_cost_e12(&self) -> i128 {
        self.cost_e12(|pricing| pricing.list_unit_price)
    }

    /// The cost as agreed, in 10^-12 yuan: contracted price times quantity, else as [`FocusRow::list_cost_e12`].
    pub fn contracted_cost_e12(&self) -> i128 {
        self.cost_e12(|pricing| pricing.contracted_unit_price)
    }

    fn cost_e12(&self, price: impl Fn(&FocusPricing) -> UnitPrice) -> i128 {
        const FEN_E12: i128 = 10_000_000_000;
        match &self.pricing {
            Some(pricing) if !self.is_correction => {
                i128::from(price(pricing).micros()) * i128::from(pricing.quantity.micros())
            }
            _ => i128::from(self.billed_cost.fen()) * FEN_E12,
        }
    }

    /// Checks what the types do not hold. `row` counts rows of data from 1.
    fn check(&self, row: u64) -> Result<(), DocumentError> {
        use ChargeCategory as C;
        let priced = matches!(self.category, C::Usage | C::Purchase) && !self.is_correction;
        let negative_price = self
            .pricing
            .as_ref()
            .is_some_and(|p| p.list_unit_price < UnitPrice::ZERO || p.contracted_unit_price < UnitPrice::ZERO);
        let faults = [
            (priced && self.pricing.is_none(), "用量和采购类费用必须有价格和计价数量"),
            (self.category == C::Tax && self.pricing.is_some(), "税费不能有价格"),
            (negative_price, "单价不能为负"),
            (
                self.category == C::Usage && !self.is_correction && self.consumed.is_none(),
                "用量类费用必须有使用数量",
            ),
            (
                self.category != C::Usage && self.consumed.is_some(),
                "只有用量类费用可以有使用数量",
            ),
            (
                self.category == C::Purchase && self.frequency == ChargeFrequency::UsageBased,
                "采购类费用的频率不能是按用量",
            ),
            (
                self.category == C::Purchase && !self.effective_cost.is_zero(),
                "预付的采购类费用，其有效成本必须为零",
            ),
            (self.has_blank(), "有必填文本为空"),
        ];
        match faults.iter().find(|(broken, _)| *broken) {
            Some((_, reason)) => Err(DocumentError::Focus {
                row,
                reason: (*reason).to_owned(),
            }),
            None => Ok(()),
        }
    }

    fn has_blank(&self) -> bool {
        let account = |a: &FocusAccount| [a.id.clone(), a.name.clone(), a.kind.clone()];
        let mut texts = vec![
            self.line_id.clone(),
            self.provider_name.clone(),
            self.publisher_name.clone(),
            self.invoice_issuer_name.clone(),
        ];
        texts.extend(account(&self.billing_account));
        texts.extend(self.sub_account.iter().flat_map(account));
        texts.extend(self.region.iter().flat_map(|r| [r.id.clone(), r.name.clone()]));
        texts.extend(self.resource.iter().flat_map(|r| [r.id.clone(), r.kind.clone()]));
        texts.extend(self.consumed.iter().map(|c| c.unit.clone()));
        let pricing = |p: &FocusPricing| {
            [
                p.sku_id.clone(),
                p.sku_price_id.clone(),
                p.meter.clone(),
                p.unit.clone(),
            ]
        };
        texts.extend(self.pricing.iter().flat_map(pricing));
        texts.iter().any(|text| text.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Decimal128Type, TimestampMillisecondType};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    fn rows() -> Vec<FocusRow> {
        specimen::focus_rows().unwrap()
    }

    fn csv(rows: &[FocusRow]) -> Vec<csv::StringRecord> {
        let mut writer = FocusCsvWriter::new(Vec::new()).unwrap();
        rows.iter().for_each(|row| writer.write(row).unwrap());
        let file = writer.finish().unwrap();
        csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(file.as_slice())
            .records()
            .map(Result::unwrap)
            .collect()
    }

    fn place(name: &str) -> usize {
        COLUMNS.iter().position(|(column, _)| *column == name).unwrap()
    }

    #[test]
    fn a_server_for_ten_days_of_march() {
        // 1280 yuan a month x 0.322581 = 412.90368 yuan, charged as 412.90; list 1500 x 0.322581 = 483.8715.
        let records = csv(&rows());
        let at = |name: &str| records[1].get(place(name)).unwrap();
        assert_eq!((at("ContractedUnitPrice"), at("PricingQuantity")), ("1280", "0.322581"));
        assert_eq!(
            (at("ContractedCost"), at("ListCost"), at("BilledCost")),
            ("412.90368", "483.8715", "412.9")
        );
        assert_eq!(
            (at("BillingPeriodStart"), at("BillingPeriodEnd")),
            ("2026-02-28T16:00:00Z", "2026-03-31T16:00:00Z")
        );
        assert_eq!(
            (at("BillingCurrency"), at("ChargeClass"), at("InvoiceId")),
            ("CNY", "", "JS-2026-03-0017")
        );
        assert_eq!(at("SkuPriceDetails"), r#"{"CoreCount":8,"x_Pool":"X86"}"#);
        assert_eq!(
            (at("ServiceCategory"), at("ServiceSubcategory")),
            ("Compute", "Virtual Machines")
        );
    }

    #[test]
    fn a_correction_keeps_the_period_it_corrects() {
        let records = csv(&rows());
        let at = |name: &str| records.last().unwrap().get(place(name)).unwrap();
        assert_eq!(
            (at("ChargeClass"), at("BilledCost"), at("ListCost")),
            ("Correction", "-1188.57", "-1188.57")
        );
        assert_eq!(
            (at("ChargePeriodStart"), at("BillingPeriodStart")),
            ("2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z")
        );
        assert_eq!((at("PricingQuantity"), at("PricingUnit"), at("SkuId")), ("", "", ""));
    }

    #[test]
    fn parquet_holds_the_same_exact_values() {
        let rows = rows();
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = FocusParquetWriter::new(&mut file).unwrap();
        rows.iter().for_each(|row| writer.write(row).unwrap());
        writer.finish().unwrap();
        let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let (mut seen, mut fen) = (0, 0_i128);
        for batch in batches {
            let batch = batch.unwrap();
            let billed = batch
                .column_by_name("BilledCost")
                .unwrap()
                .as_primitive::<Decimal128Type>();
            fen += billed.values().iter().sum::<i128>();
            let list = batch
                .column_by_name("ListCost")
                .unwrap()
                .as_primitive::<Decimal128Type>();
            assert_eq!((list.value(0), list.scale()), (483_871_500_000_000, 12));
            let start = batch
                .column_by_name("BillingPeriodStart")
                .unwrap()
                .as_primitive::<TimestampMillisecondType>();
            assert_eq!(start.value(0), rows[0].billing_month.period().from().unix_s() * 1000);
            seen += batch.num_rows();
        }
        assert_eq!(seen, rows.len());
        assert_eq!(
            fen,
            rows.iter().map(|row| i128::from(row.billed_cost.fen())).sum::<i128>()
        );
    }

    #[test]
    fn rows_that_break_a_rule_are_refused() {
        let fault = |change: fn(&mut FocusRow)| {
            let mut row = rows().remove(0);
            change(&mut row);
            FocusCsvWriter::new(Vec::new())
                .unwrap()
                .write(&row)
                .unwrap_err()
                .to_string()
        };
        assert!(fault(|r| r.pricing = None).contains("计价数量"));
        assert!(fault(|r| r.consumed = None).contains("使用数量"));
        assert!(fault(|r| r.category = ChargeCategory::Tax).contains("税费"));
        assert!(fault(|r| r.category = ChargeCategory::Credit).contains("只有用量类"));
        assert!(fault(|r| r.provider_name = " ".to_owned()).contains("为空"));
        assert!(fault(|r| (r.category, r.consumed) = (ChargeCategory::Purchase, None)).contains("有效成本"));
        assert!(
            fault(|r| {
                (r.category, r.consumed) = (ChargeCategory::Purchase, None);
                (r.frequency, r.effective_cost) = (ChargeFrequency::UsageBased, Money::ZERO);
            })
            .contains("频率")
        );
    }
}
