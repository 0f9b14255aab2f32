//! How the lines of one system and item become one row of the paper form: quantity, days and unit price in words.
//!
//! Rule: where all lines are for the same days, the row says how many units were charged for those days; else it
//! says unit months, which is quantity x part of the month added up, and 多段. Either way quantity x part x price is
//! the amount, but for rounding, wherever there is one price of a unit.

use documents::statement::ChargeItem;
use domain::rate::{ChargeKind, ChargeMethod, ChargeRow};
use domain::settle::UnitMonths;
use kernel::time::DAY_S;
use kernel::{Money, MoneyError, Month, Quantity};

/// What stands where a figure has no meaning.
pub(super) const NONE: &str = "—";
const SEVERAL_STRETCHES: &str = "多段";
const SEVERAL_PRICES: &str = "多价";

/// Lines added up.
#[derive(Debug)]
pub(super) struct ItemSum {
    kind: ChargeKind,
    quantity_micros: i128,
    unit_months: UnitMonths,
    /// From, to and part of the first line, as long as all lines share them.
    stretch: Option<(i64, i64, kernel::Ratio)>,
    days: String,
    price: Option<String>,
    capped: bool,
    lines: u64,
    amount: Money,
}

impl ItemSum {
    /// Of no line yet.
    pub(super) fn new(kind: ChargeKind) -> Self {
        Self {
            kind,
            quantity_micros: 0,
            unit_months: UnitMonths::default(),
            stretch: None,
            days: String::new(),
            price: None,
            capped: false,
            lines: 0,
            amount: Money::ZERO,
        }
    }

    /// Adds a line with its price in words.
    pub(super) fn add(&mut self, row: &ChargeRow, price: &str) -> Result<(), MoneyError> {
        let stretch = (row.from.day().epoch_days(), row.to.day().epoch_days(), row.part);
        if self.lines == 0 {
            (self.stretch, self.days, self.price) = (Some(stretch), days_words(row), Some(price.to_owned()));
        } else {
            self.stretch = self.stretch.filter(|first| *first == stretch);
            self.price = self.price.take().filter(|first| first == price);
        }
        self.quantity_micros += i128::from(row.quantity.micros());
        self.unit_months.add(row.quantity, row.part)?;
        self.capped |= row.method == ChargeMethod::Capped;
        self.lines += 1;
        self.amount = self.amount.plus(row.amount)?;
        Ok(())
    }

    /// The row, for an item with this code, name and unit.
    pub(super) fn finish(self, code: &str, name: &str, unit: &str) -> Result<ChargeItem, MoneyError> {
        let (quantity, days) = self.quantity_and_days()?;
        let price = match self.price {
            _ if self.kind == ChargeKind::Commitment => NONE.to_owned(),
            Some(price) if self.capped => format!("{price}（封顶）"),
            Some(price) => price,
            None => SEVERAL_PRICES.to_owned(),
        };
        Ok(ChargeItem {
            item_code: code.to_owned(),
            item_name: name.to_owned(),
            unit: unit_words(self.kind, unit),
            quantity,
            days,
            unit_price: price,
            amount: self.amount,
        })
    }

    fn quantity_and_days(&self) -> Result<(String, String), MoneyError> {
        let text = |micros: i128| {
            let micros = i64::try_from(micros).map_err(|_| MoneyError)?;
            Ok::<_, MoneyError>(Quantity::from_micros(micros).to_string())
        };
        match self.kind {
            ChargeKind::Commitment => Ok((NONE.to_owned(), NONE.to_owned())),
            ChargeKind::OneOff => Ok((text(self.quantity_micros)?, NONE.to_owned())),
            _ if self.stretch.is_some() => Ok((text(self.quantity_micros)?, self.days.clone())),
            _ => Ok((self.unit_months.sum()?.to_string(), SEVERAL_STRETCHES.to_owned())),
        }
    }
}

fn unit_words(kind: ChargeKind, unit: &str) -> String {
    match kind {
        ChargeKind::Commitment => NONE.to_owned(),
        ChargeKind::OneOff => unit.to_owned(),
        ChargeKind::Usage | ChargeKind::Correction => format!("{unit}·月"),
    }
}

/// The days a line is charged for: `31` for a full month, `10/31` for a part, `整月` where the contract charges all of
/// the month for less.
pub(super) fn days_words(row: &ChargeRow) -> String {
    let (month, part) = (row.month, row.part);
    if matches!(row.kind, ChargeKind::OneOff | ChargeKind::Commitment) {
        return NONE.to_owned();
    }
    if part.num() == part.den() {
        let whole = row.from <= month.period().from() && row.to >= month.period().to();
        return if whole {
            month.days().to_string()
        } else {
            "整月".to_owned()
        };
    }
    if part.den() == month.period().seconds() {
        return seconds_words(part.num(), month);
    }
    part.to_string()
}

/// Seconds as days of the month, to hundredths where they are no whole days.
fn seconds_words(seconds: i64, month: Month) -> String {
    let days = month.days();
    if seconds % DAY_S == 0 {
        return format!("{}/{days}", seconds / DAY_S);
    }
    let hundredths = (seconds * 100 + DAY_S / 2) / DAY_S;
    format!("≈{}.{:02}/{days}", hundredths / 100, hundredths % 100)
}

/// The part of the price term as the annex shows it: `1`, `10/31`.
pub(super) fn part_words(row: &ChargeRow) -> String {
    if row.part.num() == row.part.den() {
        "1".to_owned()
    } else {
        row.part.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Factor, Instant, Ratio};

    fn row(quantity: &str, from: &str, to: &str, part: (i64, i64), fen: i64) -> ChargeRow {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        ChargeRow {
            kind: ChargeKind::Usage,
            method: ChargeMethod::Direct,
            resource: 0,
            allocation: 0,
            system: 0,
            organisation: 0,
            provider: 0,
            contract: 0,
            node: 0,
            pool: 0,
            item: 0,
            price: 0,
            cause: 0,
            month: "2026-03".parse().unwrap(),
            quantity: quantity.parse().unwrap(),
            from: at(from),
            to: at(to),
            part: Ratio::new(part.0, part.1).unwrap(),
            factor: Factor::ONE,
            list: Money::from_fen(fen),
            amount: Money::from_fen(fen),
        }
    }

    fn sum(lines: &[(ChargeRow, &str)]) -> [String; 4] {
        let mut sum = ItemSum::new(lines[0].0.kind);
        lines.iter().for_each(|(row, price)| sum.add(row, price).unwrap());
        let item = sum.finish("ECS-CPU", "云主机处理器", "核").unwrap();
        assert_eq!(
            item.amount,
            Money::sum(lines.iter().map(|(row, _)| row.amount)).unwrap()
        );
        [item.unit, item.quantity, item.days, item.unit_price]
    }

    #[test]
    fn full_months_show_units_and_days() {
        let full = |quantity| row(quantity, "2026-03-01", "2026-04-01", (31, 31), 100);
        // 4 + 8 cores x 39.1 = 469.20 for the month.
        assert_eq!(
            sum(&[(full("4"), "39.1"), (full("8"), "39.1")]),
            ["核·月", "12", "31", "39.1"]
        );
        assert_eq!(sum(&[(full("4"), "39.1"), (full("8"), "46")])[3], "多价");
        let capped = ChargeRow {
            method: ChargeMethod::Capped,
            ..full("4")
        };
        assert_eq!(sum(&[(capped, "阶梯")])[3], "阶梯（封顶）");
    }

    #[test]
    fn different_stretches_show_unit_months() {
        let first = row("4", "2026-03-01", "2026-03-11", (10, 31), 0);
        let second = row("8", "2026-03-11", "2026-04-01", (21, 31), 0);
        // 4 x 10/31 + 8 x 21/31 = 208/31 = 6.709677...
        assert_eq!(
            sum(&[(first, "46"), (second, "46")]),
            ["核·月", "6.709677", "多段", "46"]
        );
        assert_eq!(sum(&[(first, "46"), (first, "46")]), ["核·月", "8", "10/31", "46"]);
    }

    #[test]
    fn work_and_commitments_have_no_days() {
        let work = ChargeRow {
            kind: ChargeKind::OneOff,
            ..row("12.5", "2026-03-05", "2026-03-06", (1, 1), 0)
        };
        assert_eq!(sum(&[(work, "1200")]), ["核", "12.5", "—", "1200"]);
        let commitment = ChargeRow {
            kind: ChargeKind::Commitment,
            ..row("1", "2026-03-01", "2026-04-01", (31, 31), 0)
        };
        assert_eq!(sum(&[(commitment, "—")]), ["—", "—", "—", "—"]);
    }

    #[test]
    fn days_in_each_way_of_proration() {
        let days = |from, to, part| days_words(&row("1", from, to, part, 0));
        assert_eq!(days("2026-03-01", "2026-04-01", (31, 31)), "31");
        assert_eq!(days("2026-03-10 08:00:00", "2026-03-20", (10, 31)), "10/31");
        assert_eq!(days("2026-03-10", "2026-04-01", (22, 22)), "整月");
        assert_eq!(days("2026-03-10", "2026-03-20", (10 * 86_400, 31 * 86_400)), "10/31");
        // 10 days and 7 hours are 10.2916.. days.
        assert_eq!(
            days(
                "2026-03-10",
                "2026-03-20 07:00:00",
                (10 * 86_400 + 7 * 3600, 31 * 86_400)
            ),
            "≈10.29/31"
        );
        assert_eq!(days("2026-03-05 10:00:00", "2026-03-05 15:00:00", (0, 31)), "0/31");
        assert_eq!(part_words(&row("1", "2026-03-01", "2026-04-01", (31, 31), 0)), "1");
    }
}
