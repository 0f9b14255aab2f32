//! W1p, usage-point rating: an hourly price for every point, exact to 10^-8 yuan, no rounding.
//!
//! Prices are [`domain::rate::full_term_gross`], which gives 10^-12 yuan without rounding. The unit of the volumes is
//! ten GiB here: 0.000350 x 0.95 yuan for one is finer than a price may be, for ten it is 0.003325.

use crate::BenchError;
use crate::columns::{Batch, Table};
use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type};
use domain::catalogue::{PriceModel, Tier, TierScope};
use domain::rate::full_term_gross;
use kernel::{Quantity, UnitPrice};
use rayon::prelude::*;

const COLUMNS: [&str; 4] = ["project", "service", "flavor", "qty"];
/// 10^-12 yuan in 10^-8 yuan.
const GROSS_PER_E8: i128 = 10_000;
/// Millionths of ten GiB in a GiB.
const MICROS_PER_GIB: i64 = 100_000;

struct Models {
    flavors: Vec<PriceModel>,
    volume: PriceModel,
    floating: PriceModel,
}

#[derive(Default)]
struct Answer {
    points: usize,
    gross: i128,
    weighted: i128,
}

/// Prints `points total_yuan s2_e8`.
pub fn rate_points(folder: &str) -> Result<String, BenchError> {
    let models = Models::read(folder)?;
    let points = Table::open(folder, "points")?;
    let answers: Result<Vec<Answer>, BenchError> = (0..points.groups())
        .into_par_iter()
        .map(|group| {
            let mut answer = Answer::default();
            points.scan(group, &COLUMNS, |batch| models.rate(batch, &mut answer))?;
            Ok(answer)
        })
        .collect();
    let total = answers?.into_iter().fold(Answer::default(), |a, b| Answer {
        points: a.points + b.points,
        gross: a.gross + b.gross,
        weighted: a.weighted + b.weighted,
    });
    let whole = |gross: i128| {
        let exact = gross % GROSS_PER_E8 == 0;
        exact
            .then_some(gross / GROSS_PER_E8)
            .ok_or_else(|| wrong(folder, "a price is finer than 10^-8 yuan"))
    };
    let (e8, s2_e8) = (whole(total.gross)?, whole(total.weighted)?);
    Ok(format!(
        "{} {}.{:08} {s2_e8}",
        total.points,
        e8 / 100_000_000,
        e8 % 100_000_000
    ))
}

/// Only decodes the same columns: what of the cost is not rating.
pub fn decode_only(folder: &str) -> Result<String, BenchError> {
    let points = Table::open(folder, "points")?;
    let mut rows = 0;
    points.scan_all(&COLUMNS, |batch| {
        rows += std::hint::black_box(batch).rows();
        Ok(())
    })?;
    Ok(format!("{rows} rows decoded"))
}

fn wrong(path: &str, what: &str) -> BenchError {
    BenchError::Input {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

impl Models {
    fn read(folder: &str) -> Result<Self, BenchError> {
        let flat = |micros| PriceModel::Flat {
            price: UnitPrice::from_micros(micros),
        };
        let mut flavors = Vec::new();
        Table::open(folder, "flavors")?.scan_all(&["price_e6"], |batch| {
            flavors.extend(
                batch
                    .values::<Int64Type>("price_e6")?
                    .iter()
                    .map(|micros| flat(*micros)),
            );
            Ok(())
        })?;
        // A bound belongs to the tier below it, so the last millionth before each threshold is the bound.
        let below = |gib: i64| Some(Quantity::from_micros(gib * MICROS_PER_GIB - 1));
        let tier = |up_to, micros| Tier {
            up_to,
            price: UnitPrice::from_micros(micros),
        };
        let tiers = vec![
            tier(below(500), 3500),
            tier(below(1000), 3325),
            tier(below(3000), 3150),
            tier(None, 2800),
        ];
        Ok(Self {
            flavors,
            volume: PriceModel::Volume {
                tiers,
                scope: TierScope::Resource,
            },
            floating: flat(30_000),
        })
    }

    fn rate(&self, batch: &Batch<'_>, answer: &mut Answer) -> Result<(), BenchError> {
        let (projects, services) = (
            batch.values::<Int16Type>("project")?,
            batch.values::<Int8Type>("service")?,
        );
        let (flavors, quantities) = (batch.values::<Int16Type>("flavor")?, batch.values::<Int32Type>("qty")?);
        answer.points += batch.rows();
        for (((project, service), flavor), quantity) in projects.iter().zip(services).zip(flavors).zip(quantities) {
            let quantity = i64::from(*quantity);
            let (model, micros) = match service {
                0 => (
                    usize::try_from(*flavor).ok().and_then(|f| self.flavors.get(f)),
                    quantity * 1_000_000,
                ),
                1 => (Some(&self.volume), quantity * MICROS_PER_GIB),
                2 => (Some(&self.floating), quantity * 1_000_000),
                _ => return Err(batch.wrong("service")),
            };
            let gross = full_term_gross(
                model.ok_or_else(|| batch.wrong("flavor"))?,
                Quantity::from_micros(micros),
            );
            answer.gross += gross;
            answer.weighted += gross * (i128::from(*project) + 1);
        }
        Ok(())
    }
}
