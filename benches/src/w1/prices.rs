//! Price versions and discounts, made ready by the product's own resolution.
//!
//! The workload gives every item versions of its own, the product every contract. So an item stands here as a
//! contract with one price line, and the discount of a provider and department as the factor of the rate.

use crate::BenchError;
use crate::columns::Table;
use arrow_array::types::{Date32Type, Int16Type, Int32Type, Int64Type};
use domain::catalogue::{PriceBook, PriceLine, PriceModel, PriceScope};
use domain::rate::Tariffs;
use kernel::{Day, Factor, Month, Period, UnitPrice};

/// Ten-thousandths to the product's millionths.
const MICROS_PER_E4: i64 = 100;

/// A stretch of the month with one price of one item.
pub struct Stretch {
    pub version: i32,
    pub period: Period,
    pub price: UnitPrice,
}

pub struct Prices {
    pub month: Period,
    /// By item.
    stretches: Vec<Vec<Stretch>>,
    /// By provider, then department.
    factors: Vec<Factor>,
    departments: usize,
}

impl Prices {
    pub fn read(folder: &str) -> Result<Self, BenchError> {
        let wrong = |what: String| BenchError::Input {
            path: folder.to_owned(),
            what,
        };
        let month = Month::new(2026, 3)
            .ok_or_else(|| wrong("no such month".to_owned()))?
            .period();
        let (items, books) = read_books(folder)?;
        let tariffs = Tariffs::new(books, Vec::new());
        let mut stretches = Vec::with_capacity(items);
        for item in 0..items {
            let code = code(item);
            let tariff = tariffs.resolve((&code, &code, "", ""), month);
            let mut of_item = Vec::with_capacity(tariff.parts.len());
            for part in tariff.parts {
                let PriceModel::Flat { price } = part.line.model else {
                    continue;
                };
                let version = part
                    .line
                    .clause
                    .parse()
                    .map_err(|_| wrong(format!("version {}", part.line.clause)))?;
                of_item.push(Stretch {
                    version,
                    period: part.period,
                    price,
                });
            }
            stretches.push(of_item);
        }
        let (departments, factors) = read_discounts(folder)?;
        Ok(Self {
            month,
            stretches,
            factors,
            departments,
        })
    }

    /// The factor of a provider and department.
    pub fn factor(&self, provider: usize, department: usize) -> Option<Factor> {
        self.factors.get(provider * self.departments + department).copied()
    }

    /// The stretches of an item.
    pub fn stretches(&self, item: usize) -> &[Stretch] {
        self.stretches.get(item).map(Vec::as_slice).unwrap_or_default()
    }

    pub const fn departments(&self) -> usize {
        self.departments
    }

    pub const fn items(&self) -> usize {
        self.stretches.len()
    }
}

fn code(item: usize) -> String {
    format!("item-{item}")
}

/// A book for each version: as many items as there are, and the books.
fn read_books(folder: &str) -> Result<(usize, Vec<PriceBook>), BenchError> {
    let table = Table::open(folder, "prices")?;
    let (mut items, mut books) = (0, Vec::new());
    // `valid_to` is not read: versions leave no gap, and in the product one holds until the next of its contract.
    table.scan_all(&["item_id", "version", "valid_from", "unit_price_e4"], |batch| {
        let (item, version) = (
            batch.values::<Int32Type>("item_id")?,
            batch.values::<Int32Type>("version")?,
        );
        let (from, prices) = (
            batch.values::<Date32Type>("valid_from")?,
            batch.values::<Int64Type>("unit_price_e4")?,
        );
        for (((item, version), from), price) in item.iter().zip(version).zip(from).zip(prices) {
            let item = usize::try_from(*item).map_err(|_| batch.wrong("item_id"))?;
            items = items.max(item + 1);
            let code = code(item);
            let line = PriceLine {
                item: code.parse().map_err(|_| batch.wrong("item_id"))?,
                scope: PriceScope::default(),
                model: PriceModel::Flat {
                    price: UnitPrice::from_micros(*price * MICROS_PER_E4),
                },
                discount: Factor::ONE,
                ceiling: None,
                cap: None,
                clause: version.to_string(),
            };
            books.push(PriceBook {
                contract: code.parse().map_err(|_| batch.wrong("item_id"))?,
                version: u32::try_from(*version).map_err(|_| batch.wrong("version"))?,
                effective_from: Day::from_epoch_days(i64::from(*from)),
                source: String::new(),
                approver: String::new(),
                lines: vec![line],
            });
        }
        Ok(())
    })?;
    Ok((items, books))
}

/// How many departments there are, and the factors by provider, then department.
fn read_discounts(folder: &str) -> Result<(usize, Vec<Factor>), BenchError> {
    let table = Table::open(folder, "discounts")?;
    let mut read = Vec::new();
    table.scan_all(&["provider_id", "dept_id", "discount_e4"], |batch| {
        let (provider, department) = (
            batch.values::<Int16Type>("provider_id")?,
            batch.values::<Int16Type>("dept_id")?,
        );
        for ((provider, department), e4) in provider
            .iter()
            .zip(department)
            .zip(batch.values::<Int64Type>("discount_e4")?)
        {
            read.push((*provider, *department, Factor::from_micros(*e4 * MICROS_PER_E4)));
        }
        Ok(())
    })?;
    read.sort_unstable_by_key(|(provider, department, _)| (*provider, *department));
    let departments = read.iter().filter(|(provider, _, _)| *provider == 0).count();
    let dense = read.iter().enumerate().all(|(place, (provider, department, _))| {
        let at = |n: &i16| usize::try_from(*n).unwrap_or(usize::MAX);
        at(department) < departments && at(provider).checked_mul(departments).map(|p| p + at(department)) == Some(place)
    });
    if !dense {
        let what = "discounts have gaps".to_owned();
        return Err(BenchError::Input {
            path: folder.to_owned(),
            what,
        });
    }
    Ok((departments, read.into_iter().map(|(_, _, factor)| factor).collect()))
}
