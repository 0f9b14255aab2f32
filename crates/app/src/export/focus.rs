//! Charge lines in the FOCUS 1.2 format, as CSV and Parquet.
//!
//! One way for each thing: usage and accepted work are Usage (work once, with its consumed quantity), what is missing
//! to a minimum commitment is an Adjustment, a deduction for service levels on a closed month's statement a Credit,
//! and what corrects a closed month carries the class Correction and nothing but its amount. So billed costs sum to
//! charges, corrections and deductions of the statements; what is withheld is still a cost and is not taken off.

use super::focus_price::{Priced, consumption};
use super::focus_service::focus_service;
use super::month_lines::{Deducted, MonthLines};
use super::{ExportOutcome, ExportSelection};
use crate::line_number::LineNumber;
use crate::names::Names;
use crate::price_clause::ClauseFinder;
use crate::whole_file::write_whole;
use crate::{AppError, OpContext, audit};
use documents::DocumentError;
use documents::focus::{
    ChargeCategory, ChargeFrequency, FocusAccount, FocusCsvWriter, FocusParquetWriter, FocusPricing, FocusRegion,
    FocusResource, FocusRow, PricingCategory, SkuDetail,
};
use domain::catalogue::{MeteringBasis, PriceLine, ServiceItem};
use domain::rate::{ChargeKind, ChargeRow};
use domain::registry::ResourceKind;
use kernel::{Interner, Money, MoneyError, Period};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// A form of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocusFormat {
    /// Comma separated text.
    Csv,
    /// Parquet.
    Parquet,
}

impl FocusFormat {
    /// The ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// How the export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FocusOptions {
    /// Codes in place of Chinese names, for tools that take nothing but ASCII.
    pub ascii_names: bool,
}

/// Exports charge lines into a file, which appears complete or not at all.
pub async fn focus(
    ctx: &OpContext,
    selection: &ExportSelection,
    (format, options): (FocusFormat, FocusOptions),
    path: &Path,
) -> Result<ExportOutcome, AppError> {
    let work = write(ctx, selection, (format, options), path);
    let detail = selection.detail(&json!({ "format": format.ending(), "ascii_names": options.ascii_names }));
    audit::around(ctx, ("focus.export", &selection.object()), &detail, work).await
}

async fn write(
    ctx: &OpContext,
    selection: &ExportSelection,
    (format, options): (FocusFormat, FocusOptions),
    path: &Path,
) -> Result<ExportOutcome, AppError> {
    let mut outcome = ExportOutcome::default();
    let mut months = Vec::new();
    for month in selection.months()? {
        months.extend(MonthLines::load(ctx, month, &mut outcome).await?);
    }
    write_whole(path, |file| {
        let mut writer = Writer::new(format, file)?;
        let all = u64::try_from(months.len()).unwrap_or(u64::MAX);
        for (done, month) in (0..).zip(&months) {
            ctx.progress().at("导出 FOCUS", done, all);
            let mut put = |row: &FocusRow| {
                outcome.add(row.billed_cost)?;
                writer.row(row).map_err(AppError::from)
            };
            one_month(ctx, selection, options, month, &mut put)?;
        }
        ctx.progress().at("导出 FOCUS", all, all);
        Ok(writer.finish()?)
    })?;
    Ok(outcome)
}

fn one_month(
    ctx: &OpContext,
    selection: &ExportSelection,
    options: FocusOptions,
    month: &MonthLines,
    put: &mut dyn FnMut(&FocusRow) -> Result<(), AppError>,
) -> Result<(), AppError> {
    let credits = Credits::of(month);
    let mut patterns: HashMap<usize, FocusRow> = HashMap::new();
    month.scan(ctx, selection, |table, rows| {
        let mut finder = ClauseFinder::new(&month.clauses, &month.names);
        for (line, row) in rows {
            let described = Described {
                names: &month.names,
                texts: &table.names,
                row,
                clause: finder.find(&table.names, row),
                item: month.names.item(table.names.text(row.item)),
                invoice: month.statement(table.names.text(row.provider), table.names.text(row.organisation)),
                ascii: options.ascii_names,
            };
            let focus = described.focus(LineNumber::new(month.month, line))?;
            for place in credits.on(&table.names, row) {
                patterns.entry(*place).or_insert_with(|| focus.clone());
            }
            put(&focus)?;
        }
        Ok(())
    })?;
    for (place, deducted) in month.deducted.iter().enumerate() {
        if let Some(pattern) = patterns.remove(&place) {
            put(&credit(deducted, pattern, options.ascii_names)?)?;
        }
    }
    Ok(())
}

/// Deductions of a month, by provider, organisation and resource.
struct Credits<'m>(HashMap<(&'m str, &'m str, &'m str), Vec<usize>>);

impl<'m> Credits<'m> {
    fn of(month: &'m MonthLines) -> Self {
        let mut credits: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, deducted) in month.deducted.iter().enumerate() {
            let key = (
                deducted.provider.as_str(),
                deducted.organisation.as_str(),
                deducted.deduction.resource.as_str(),
            );
            credits.entry(key).or_default().push(place);
        }
        Self(credits)
    }

    /// Places of the deductions that a line's resource has.
    fn on<'a>(&'a self, texts: &'a Interner, row: &ChargeRow) -> &'a [usize] {
        if self.0.is_empty() || row.kind != ChargeKind::Usage {
            return &[];
        }
        let key = (
            texts.text(row.provider),
            texts.text(row.organisation),
            texts.text(row.resource),
        );
        self.0.get(&key).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A deduction as a row, after a line of the same resource.
fn credit(deducted: &Deducted, pattern: FocusRow, ascii: bool) -> Result<FocusRow, MoneyError> {
    let amount = Money::ZERO.minus(deducted.deduction.amount)?;
    let availability = deducted.deduction.availability;
    let description = if ascii {
        "Service level deduction, availability"
    } else {
        "服务级别扣减，可用性"
    };
    Ok(FocusRow {
        line_id: format!("{}-D{}", deducted.statement, deducted.place),
        charge_period: pattern.billing_month.period(),
        category: ChargeCategory::Credit,
        frequency: ChargeFrequency::OneTime,
        description: Some(format!("{description} {availability}")),
        billed_cost: amount,
        effective_cost: amount,
        pricing: None,
        consumed: None,
        ..pattern
    })
}

/// A line with everything that describes it.
struct Described<'a> {
    names: &'a Names,
    texts: &'a Interner,
    row: &'a ChargeRow,
    clause: Option<&'a PriceLine>,
    item: Option<&'a ServiceItem>,
    invoice: Option<&'a String>,
    ascii: bool,
}

impl Described<'_> {
    fn focus(&self, line: LineNumber) -> Result<FocusRow, AppError> {
        let row = self.row;
        let is_correction = row.kind == ChargeKind::Correction;
        let nameless = || {
            AppError::Document(DocumentError::Focus {
                row: line.line,
                reason: "没有对应的服务类别".to_owned(),
            })
        };
        let provider = self.organisation_name(self.text(row.provider));
        let category = if self.item.is_some() {
            ChargeCategory::Usage
        } else {
            ChargeCategory::Adjustment
        };
        let priced = self.item.filter(|_| !is_correction);
        Ok(FocusRow {
            line_id: line.to_string(),
            contract_number: self.text(row.contract).to_owned(),
            billing_month: line.month,
            charge_period: Period::new(row.from, row.to).unwrap_or_else(|_| row.month.period()),
            category,
            is_correction,
            frequency: self.frequency(),
            description: Some(self.description()),
            billed_cost: row.amount,
            effective_cost: row.amount,
            pricing: priced.map(|item| self.pricing(item)).transpose()?,
            consumed: priced.map(|item| consumption(row, item)).transpose()?,
            billing_account: self.billing_account(),
            sub_account: Some(self.sub_account()),
            provider_name: provider.clone(),
            publisher_name: provider.clone(),
            invoice_issuer_name: provider,
            invoice_id: self.invoice.cloned(),
            region: self.region(),
            availability_zone: self.zone(),
            resource: self.resource(),
            service: focus_service(self.item, self.ascii).ok_or_else(nameless)?,
            tags: self.tags(),
        })
    }

    fn text(&self, name: u32) -> &str {
        self.texts.text(name)
    }

    fn organisation_name(&self, code: &str) -> String {
        if self.ascii {
            code.to_owned()
        } else {
            self.names.organisation(code)
        }
    }

    fn word(&self, english: &str, chinese: &str) -> String {
        if self.ascii { english } else { chinese }.to_owned()
    }

    fn frequency(&self) -> ChargeFrequency {
        match (self.row.kind, self.item) {
            (ChargeKind::OneOff, _) => ChargeFrequency::OneTime,
            (_, Some(item)) if item.kind == ResourceKind::Work => ChargeFrequency::OneTime,
            (_, Some(item)) if matches!(item.basis, MeteringBasis::MeasuredMean | MeteringBasis::MeasuredP95) => {
                ChargeFrequency::UsageBased
            }
            _ => ChargeFrequency::Recurring,
        }
    }

    fn description(&self) -> String {
        let row = self.row;
        let item = self.text(row.item);
        match (row.kind, self.ascii) {
            (ChargeKind::Commitment, true) => "Rest to the minimum commitment".to_owned(),
            (ChargeKind::Commitment, false) => row.kind.zh().to_owned(),
            (ChargeKind::Correction, true) => format!("Correction of {} {item}", row.month),
            (ChargeKind::Correction, false) => {
                format!(
                    "更正 {} {}：{}",
                    row.month,
                    self.names.item_name(item),
                    self.text(row.cause)
                )
            }
            (_, true) => format!("{item} {} x {}", row.quantity, row.part),
            (_, false) => {
                let unit = self.item.map_or("", |item| item.unit.as_str());
                format!(
                    "{} {} {unit}，折算 {}",
                    self.names.item_name(item),
                    row.quantity,
                    row.part
                )
            }
        }
    }

    fn billing_account(&self) -> FocusAccount {
        let kind = self.word("Authority", "主管部门");
        match self.names.authority() {
            Some(authority) => FocusAccount {
                id: authority.code.to_string(),
                name: self.organisation_name(authority.code.as_str()),
                kind,
            },
            None => FocusAccount {
                id: "authority".to_owned(),
                name: kind.clone(),
                kind,
            },
        }
    }

    fn sub_account(&self) -> FocusAccount {
        let code = self.text(self.row.organisation);
        let is_authority = self
            .names
            .authority()
            .is_some_and(|authority| authority.code.as_str() == code);
        let kind = if is_authority {
            self.word("Authority", "主管部门")
        } else {
            self.word("Department", "使用单位")
        };
        FocusAccount {
            id: code.to_owned(),
            name: self.organisation_name(code),
            kind,
        }
    }

    fn region(&self) -> Option<FocusRegion> {
        let node = Some(self.text(self.row.node)).filter(|node| !node.is_empty())?;
        let name = if self.ascii {
            node.to_owned()
        } else {
            self.names.node(node)
        };
        Some(FocusRegion {
            id: node.to_owned(),
            name,
        })
    }

    /// The zone of the node, if the pool lies in one zone only.
    fn zone(&self) -> Option<String> {
        match self.names.pool(self.text(self.row.pool))?.zones.as_slice() {
            [zone] if !self.ascii || zone.is_ascii() => Some(zone.clone()),
            _ => None,
        }
    }

    fn resource(&self) -> Option<FocusResource> {
        let kind = self.item?.kind;
        let kind = self.word(kind.word(), kind.zh());
        Some(FocusResource {
            id: self.text(self.row.resource).to_owned(),
            name: None,
            kind,
        })
    }

    fn tags(&self) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        let texts = [
            ("system", self.row.system),
            ("allocation", self.row.allocation),
            ("pool", self.row.pool),
        ];
        for (tag, name) in texts {
            if !self.text(name).is_empty() {
                tags.insert(tag.to_owned(), self.text(name).to_owned());
            }
        }
        if let Some(item) = self.item {
            tags.insert("service_form".to_owned(), item.form.word().to_owned());
        }
        if self.row.kind == ChargeKind::Correction {
            tags.insert("corrects".to_owned(), self.row.month.to_string());
        }
        tags
    }

    fn pricing(&self, item: &ServiceItem) -> Result<FocusPricing, MoneyError> {
        let row = self.row;
        let priced = Priced::of(row, item, self.clause)?;
        let mut details = BTreeMap::new();
        let mut detail = |name: &str, text: String| details.insert(name.to_owned(), SkuDetail::Text(text));
        if let Some(kind) = self.names.pool_kind(self.text(row.pool), row.from) {
            detail("Pool", kind.word().to_owned());
        }
        detail("PriceModel", priced.model.to_owned());
        if let Some((_, clause)) = self.text(row.price).split_once('#').filter(|_| !self.ascii) {
            detail("Clause", clause.to_owned());
        }
        Ok(FocusPricing {
            sku_id: item.code.to_string(),
            sku_price_id: self.sku_price_id(item),
            meter: self.word(item.basis.word(), item.basis.zh()),
            details,
            category: PricingCategory::Standard,
            quantity: priced.quantity,
            unit: priced.unit,
            list_unit_price: priced.list,
            contracted_unit_price: priced.contracted,
        })
    }

    /// Version of the price book, item and place: exactly one price.
    fn sku_price_id(&self, item: &ServiceItem) -> String {
        let label = self.text(self.row.price);
        let version = label.split_once('#').map_or(label, |(version, _)| version);
        let mut id = format!("{version}#{}", item.code);
        let scope = self.clause.map(|clause| &clause.scope);
        if let Some(node) = scope.and_then(|scope| scope.node.as_ref()) {
            id += &format!("@{node}");
        }
        if let Some(pool) = scope.and_then(|scope| scope.pool) {
            id += &format!("@{}", pool.word());
        }
        id
    }
}

enum Writer<'f> {
    Csv(Box<FocusCsvWriter<&'f mut BufWriter<File>>>),
    Parquet(Box<FocusParquetWriter<&'f mut BufWriter<File>>>),
}

impl<'f> Writer<'f> {
    fn new(format: FocusFormat, file: &'f mut BufWriter<File>) -> Result<Self, DocumentError> {
        Ok(match format {
            FocusFormat::Csv => Self::Csv(Box::new(FocusCsvWriter::new(file)?)),
            FocusFormat::Parquet => Self::Parquet(Box::new(FocusParquetWriter::new(file)?)),
        })
    }

    fn row(&mut self, row: &FocusRow) -> Result<(), DocumentError> {
        match self {
            Self::Csv(writer) => writer.write(row),
            Self::Parquet(writer) => writer.write(row),
        }
    }

    fn finish(self) -> Result<(), DocumentError> {
        match self {
            Self::Csv(writer) => writer.finish().map(drop),
            Self::Parquet(writer) => writer.finish().map(drop),
        }
    }
}
