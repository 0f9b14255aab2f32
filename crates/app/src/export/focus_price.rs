//! What a charge line priced and used, in the terms of FOCUS: quantities with English units, and prices of a unit.

use super::focus_service::unit_of;
use crate::price_clause::list_price;
use documents::focus::FocusConsumption;
use domain::catalogue::{PriceLine, PriceModel, ServiceItem};
use domain::rate::{ChargeKind, ChargeRow};
use kernel::ratio::div_half_up;
use kernel::{Money, MoneyError, Quantity, UnitPrice};

const MICRO: i128 = 1_000_000;
/// Millionths of a yuan in a fen.
const MICROS_PER_FEN: i128 = 10_000;
const HOUR_S: i128 = 3_600;

/// What was priced, and at which prices of a unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Priced {
    pub(super) quantity: Quantity,
    pub(super) unit: String,
    pub(super) list: UnitPrice,
    pub(super) contracted: UnitPrice,
    pub(super) model: &'static str,
}

impl Priced {
    /// Prices of a unit are those of the clause where it has one price; else the mean of what the line costs.
    /// Rounding: half up to millionths.
    pub(super) fn of(row: &ChargeRow, item: &ServiceItem, clause: Option<&PriceLine>) -> Result<Self, MoneyError> {
        let unit = unit_of(item.kind, item.measure);
        let months = |unit: &str| format!("{unit}-Months");
        let charged = share(row.quantity, row.part)?;
        let package = || Ok::<_, MoneyError>((share(Quantity::ONE, row.part)?, months("Package"), "package"));
        let (quantity, unit, model) = match clause.map(|clause| &clause.model) {
            Some(PriceModel::OneOff { .. }) => (charged, once(item), "one_off"),
            Some(PriceModel::Flat { .. }) => (charged, months(unit), "flat"),
            Some(PriceModel::Graduated { .. }) => (charged, months(unit), "graduated"),
            Some(PriceModel::Volume { .. }) => (charged, months(unit), "volume"),
            Some(PriceModel::Package { .. }) => package()?,
            None if row.kind == ChargeKind::OneOff => (charged, once(item), "one_off"),
            None => (charged, months(unit), "unknown"),
        };
        let (list, contracted) = match clause.and_then(list_price) {
            Some(price) => (price, discounted(price, row)?),
            None => (mean(row.list, quantity)?, mean(row.amount, quantity)?),
        };
        Ok(Self {
            quantity,
            unit,
            list,
            contracted,
            model,
        })
    }
}

/// The unit of what is charged once.
fn once(item: &ServiceItem) -> String {
    match unit_of(item.kind, item.measure) {
        "Person" => "Person-Days".to_owned(),
        unit => format!("{unit}s"),
    }
}

/// What was used: quantity x hours; of work its quantity. Rounding: half up to millionths.
pub(super) fn consumption(row: &ChargeRow, item: &ServiceItem) -> Result<FocusConsumption, MoneyError> {
    if row.kind == ChargeKind::OneOff {
        return Ok(FocusConsumption {
            quantity: row.quantity,
            unit: once(item),
        });
    }
    let seconds = i128::from(row.to.unix_s() - row.from.unix_s());
    let quantity = micros(i128::from(row.quantity.micros()).checked_mul(seconds), HOUR_S)?;
    Ok(FocusConsumption {
        quantity: Quantity::from_micros(quantity),
        unit: format!("{}-Hours", unit_of(item.kind, item.measure)),
    })
}

fn share(quantity: Quantity, part: kernel::Ratio) -> Result<Quantity, MoneyError> {
    let whole = i128::from(quantity.micros()).checked_mul(part.num().into());
    micros(whole, part.den().into()).map(Quantity::from_micros)
}

fn discounted(price: UnitPrice, row: &ChargeRow) -> Result<UnitPrice, MoneyError> {
    let whole = i128::from(price.micros()).checked_mul(row.factor.micros().into());
    micros(whole, MICRO).map(UnitPrice::from_micros)
}

/// The mean price of a unit; nothing of nothing costs nothing.
fn mean(amount: Money, quantity: Quantity) -> Result<UnitPrice, MoneyError> {
    if quantity.is_zero() {
        return Ok(UnitPrice::ZERO);
    }
    let whole = i128::from(amount.fen()).checked_mul(MICROS_PER_FEN * MICRO);
    micros(whole, quantity.micros().into()).map(UnitPrice::from_micros)
}

fn micros(numerator: Option<i128>, denominator: i128) -> Result<i64, MoneyError> {
    let quotient = numerator
        .and_then(|numerator| div_half_up(numerator, denominator))
        .ok_or(MoneyError)?;
    i64::try_from(quotient).map_err(|_| MoneyError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::sample;
    use domain::catalogue::{Tier, TierScope};

    fn priced(row: &ChargeRow, item: &ServiceItem, clause: Option<&PriceLine>) -> [String; 5] {
        let p = Priced::of(row, item, clause).unwrap();
        [
            p.quantity.to_string(),
            p.unit,
            p.list.to_string(),
            p.contracted.to_string(),
            p.model.to_owned(),
        ]
    }

    #[test]
    fn a_flat_price_stands_as_agreed() {
        let row = sample::table().rows[0];
        let clause = sample::price(
            "ECS-CPU",
            PriceModel::Flat {
                price: "46".parse().unwrap(),
            },
            "0.85",
        );
        // 4 cores x 10/31 = 1.290323 core months; x 46 = 59.35, x 39.1 = 50.45.
        assert_eq!(
            priced(&row, &sample::cores(), Some(&clause)),
            ["1.290323", "Core-Months", "46", "39.1", "flat"]
        );
        let used = consumption(&row, &sample::cores()).unwrap();
        assert_eq!(
            (used.quantity.to_string().as_str(), used.unit.as_str()),
            ("960", "Core-Hours")
        );
    }

    #[test]
    fn models_without_a_unit_price_get_the_mean() {
        let row = sample::table().rows[0];
        let tiers = vec![Tier {
            up_to: None,
            price: "1".parse().unwrap(),
        }];
        let tiered = sample::price(
            "ECS-CPU",
            PriceModel::Graduated {
                tiers,
                scope: TierScope::System,
            },
            "0.85",
        );
        // 59.35 / 1.290323 = 45.996235..., 50.45 / 1.290323 = 39.098737...
        assert_eq!(
            priced(&row, &sample::cores(), Some(&tiered)),
            ["1.290323", "Core-Months", "45.996235", "39.098737", "graduated"]
        );
        let price = "1020".parse().unwrap();
        let package = sample::price(
            "ECS-CPU",
            PriceModel::Package {
                price,
                included: Quantity::ONE,
                beyond: price,
            },
            "1",
        );
        let nothing = ChargeRow {
            quantity: Quantity::ZERO,
            ..row
        };
        // The package costs something although nothing was used: 59.35 / 0.322581.
        assert_eq!(
            priced(&nothing, &sample::cores(), Some(&package)),
            ["0.322581", "Package-Months", "183.984798", "156.394828", "package"]
        );
        let free = ChargeRow {
            quantity: Quantity::ZERO,
            list: Money::ZERO,
            amount: Money::ZERO,
            ..row
        };
        assert_eq!(priced(&free, &sample::cores(), None)[2..4], ["0", "0"]);
    }

    #[test]
    fn work_is_counted_not_timed() {
        let row = sample::table().rows[1];
        let clause = sample::price(
            "MIG",
            PriceModel::OneOff {
                price: "1200".parse().unwrap(),
            },
            "1",
        );
        assert_eq!(
            priced(&row, &sample::migration(), Some(&clause)),
            ["12.5", "Person-Days", "1200", "1200", "one_off"]
        );
        let used = consumption(&row, &sample::migration()).unwrap();
        assert_eq!(
            (used.quantity.to_string().as_str(), used.unit.as_str()),
            ("12.5", "Person-Days")
        );
    }
}
