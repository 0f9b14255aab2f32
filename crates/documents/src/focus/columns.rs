//! The columns of a FOCUS row, in the order in which they are written, and what a row puts into each.

use super::{FocusRow, SkuDetail};
use kernel::time::LAW_OFFSET_S;
use kernel::{Instant, Quantity};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A moment.
    Time,
    /// A decimal number with this many decimals.
    Decimal(u8),
}

use ColumnType::{Decimal, Text, Time};

/// Name and type of every column. Names that begin with `x_` are ours.
pub const COLUMNS: [(&str, ColumnType); 46] = [
    ("AvailabilityZone", Text),
    ("BilledCost", Decimal(2)),
    ("BillingAccountId", Text),
    ("BillingAccountName", Text),
    ("BillingAccountType", Text),
    ("BillingCurrency", Text),
    ("BillingPeriodEnd", Time),
    ("BillingPeriodStart", Time),
    ("ChargeCategory", Text),
    ("ChargeClass", Text),
    ("ChargeDescription", Text),
    ("ChargeFrequency", Text),
    ("ChargePeriodEnd", Time),
    ("ChargePeriodStart", Time),
    ("ConsumedQuantity", Decimal(6)),
    ("ConsumedUnit", Text),
    ("ContractedCost", Decimal(12)),
    ("ContractedUnitPrice", Decimal(6)),
    ("EffectiveCost", Decimal(2)),
    ("InvoiceId", Text),
    ("InvoiceIssuerName", Text),
    ("ListCost", Decimal(12)),
    ("ListUnitPrice", Decimal(6)),
    ("PricingCategory", Text),
    ("PricingQuantity", Decimal(6)),
    ("PricingUnit", Text),
    ("ProviderName", Text),
    ("PublisherName", Text),
    ("RegionId", Text),
    ("RegionName", Text),
    ("ResourceId", Text),
    ("ResourceName", Text),
    ("ResourceType", Text),
    ("ServiceCategory", Text),
    ("ServiceName", Text),
    ("ServiceSubcategory", Text),
    ("SkuId", Text),
    ("SkuMeter", Text),
    ("SkuPriceDetails", Text),
    ("SkuPriceId", Text),
    ("SubAccountId", Text),
    ("SubAccountName", Text),
    ("SubAccountType", Text),
    ("Tags", Text),
    ("x_ChargeLineId", Text),
    ("x_ContractNumber", Text),
];

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Text(String),
    Time(Instant),
    /// In units of 10^-decimals of the column.
    Number(i128),
}

impl Value {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn some_text(text: Option<&String>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// The value as CSV has it; null is empty.
    pub(super) fn csv(&self, kind: ColumnType) -> String {
        match (self, kind) {
            (Self::Null, _) => String::new(),
            (Self::Text(text), _) => text.clone(),
            (Self::Time(at), _) => utc(*at),
            (Self::Number(number), Decimal(decimals)) => decimal(*number, usize::from(decimals)),
            (Self::Number(number), Text | Time) => number.to_string(),
        }
    }
}

/// The values of a row, one for each of [`COLUMNS`].
pub(super) fn values(row: &FocusRow) -> Vec<Value> {
    let pricing = row.pricing.as_ref();
    let (account, sub) = (&row.billing_account, row.sub_account.as_ref());
    let (region, resource) = (row.region.as_ref(), row.resource.as_ref());
    let month = row.billing_month.period();
    let micros = |n: Option<i64>| n.map_or(Value::Null, |n| Value::Number(n.into()));
    vec![
        Value::some_text(row.availability_zone.as_ref()),
        Value::Number(row.billed_cost.fen().into()),
        Value::text(&account.id),
        Value::text(&account.name),
        Value::text(&account.kind),
        Value::text("CNY"),
        Value::Time(month.to()),
        Value::Time(month.from()),
        Value::text(row.category.as_str()),
        if row.is_correction {
            Value::text("Correction")
        } else {
            Value::Null
        },
        Value::some_text(row.description.as_ref()),
        Value::text(row.frequency.as_str()),
        Value::Time(row.charge_period.to()),
        Value::Time(row.charge_period.from()),
        micros(row.consumed.as_ref().map(|c| c.quantity.micros())),
        Value::some_text(row.consumed.as_ref().map(|c| &c.unit)),
        Value::Number(row.contracted_cost_e12()),
        micros(pricing.map(|p| p.contracted_unit_price.micros())),
        Value::Number(row.effective_cost.fen().into()),
        Value::some_text(row.invoice_id.as_ref()),
        Value::text(&row.invoice_issuer_name),
        Value::Number(row.list_cost_e12()),
        micros(pricing.map(|p| p.list_unit_price.micros())),
        pricing.map_or(Value::Null, |p| Value::text(p.category.as_str())),
        micros(pricing.map(|p| p.quantity.micros())),
        Value::some_text(pricing.map(|p| &p.unit)),
        Value::text(&row.provider_name),
        Value::text(&row.publisher_name),
        Value::some_text(region.map(|r| &r.id)),
        Value::some_text(region.map(|r| &r.name)),
        Value::some_text(resource.map(|r| &r.id)),
        Value::some_text(resource.and_then(|r| r.name.as_ref())),
        Value::some_text(resource.map(|r| &r.kind)),
        Value::text(row.service.category()),
        Value::text(row.service.name()),
        Value::text(row.service.subcategory()),
        Value::some_text(pricing.map(|p| &p.sku_id)),
        Value::some_text(pricing.map(|p| &p.meter)),
        pricing.map_or(Value::Null, |p| details(&p.details)),
        Value::some_text(pricing.map(|p| &p.sku_price_id)),
        Value::some_text(sub.map(|s| &s.id)),
        Value::some_text(sub.map(|s| &s.name)),
        Value::some_text(sub.map(|s| &s.kind)),
        object(
            row.tags
                .iter()
                .map(|(key, value)| (key.clone(), Json::from(value.as_str()))),
        ),
        Value::text(&row.line_id),
        Value::text(&row.contract_number),
    ]
}

/// Names of properties that FOCUS 1.2 defines itself; all others begin with `x_`.
const DEFINED_DETAILS: [&str; 13] = [
    "CoreCount",
    "DiskMaxIops",
    "DiskSpace",
    "DiskType",
    "GpuCount",
    "InstanceSeries",
    "InstanceType",
    "MemorySize",
    "NetworkMaxIops",
    "NetworkMaxThroughput",
    "OperatingSystem",
    "Redundancy",
    "StorageClass",
];

fn details(details: &BTreeMap<String, SkuDetail>) -> Value {
    object(details.iter().map(|(key, value)| {
        let ours = !DEFINED_DETAILS.contains(&key.as_str()) && !key.starts_with("x_");
        let key = if ours { format!("x_{key}") } else { key.clone() };
        match value {
            SkuDetail::Text(text) => (key, Json::from(text.as_str())),
            SkuDetail::Number(number) => (key, json_number(*number)),
        }
    }))
}

/// Shortest form of the number; up to 15 digits it is the same number again when read.
fn json_number(number: Quantity) -> Json {
    let text = number.to_string();
    text.parse::<i64>()
        .map(Json::from)
        .or_else(|_| text.parse::<f64>().map(Json::from))
        .unwrap_or(Json::Null)
}

fn object(pairs: impl Iterator<Item = (String, Json)>) -> Value {
    let object: Map<String, Json> = pairs.collect();
    if object.is_empty() {
        Value::Null
    } else {
        Value::Text(Json::Object(object).to_string())
    }
}

/// `2026-02-28T16:00:00Z`.
fn utc(at: Instant) -> String {
    let shifted = at.plus_s(-LAW_OFFSET_S).to_string();
    format!("{}Z", shifted.trim_end_matches("+08:00"))
}

/// A plain decimal with all its digits and no zeros behind them.
fn decimal(value: i128, decimals: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}
