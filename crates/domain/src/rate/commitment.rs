//! Minimum commitments: what is missing to the minimum becomes a line of its own.

use super::amount::prorated;
use super::{ChargeKind, ChargeMethod, ChargeRow, ChargeTable, RateError, Tariffs};
use kernel::{Factor, Money, Month, Quantity, Ratio};

/// The item of such a line, under which a provider bills it too.
pub const COMMITMENT_ITEM: &str = "COMMITMENT";

/// Adds a line for each commitment that was not reached. The minimum is prorated by the days of the month on which
/// the contract runs.
pub(super) fn top_up(table: &mut ChargeTable, tariffs: &Tariffs, month: Month) -> Result<(), RateError> {
    for (code, contract) in tariffs.contracts() {
        let Some(period) = contract.term().and_then(|term| term.and(month.period())) else {
            continue;
        };
        let Some(part) = Ratio::new(period.days(), month.days()) else {
            continue;
        };
        for (place, commitment) in contract.commitments.iter().enumerate() {
            let counts =
                |item: &str| commitment.items.is_empty() || commitment.items.iter().any(|i| i.as_str() == item);
            let number = table.names.get(code);
            let of_contract = table.rows.iter().filter(|row| Some(row.contract) == number);
            let counted = of_contract.filter(|row| counts(table.names.text(row.item)));
            let spent = Money::sum(counted.map(|row| row.amount))?;
            let gross = i128::from(commitment.minimum.fen()) * 10_000_000_000;
            let minimum = prorated(gross, Factor::ONE, part).map_err(|source| RateError::Amount {
                resource: code.clone(),
                item: String::new(),
                source,
            })?;
            if spent >= minimum {
                continue;
            }
            let names = &mut table.names;
            let empty = names.intern("");
            let row = ChargeRow {
                kind: ChargeKind::Commitment,
                method: ChargeMethod::Shortfall,
                resource: names.intern(&format!("{code}:commitment{}", place + 1)),
                allocation: empty,
                system: empty,
                organisation: names.intern(commitment.payer.as_str()),
                provider: names.intern(contract.provider.as_str()),
                contract: names.intern(code),
                node: empty,
                pool: empty,
                item: names.intern(COMMITMENT_ITEM),
                price: names.intern(&format!("{code}#commitment{}", place + 1)),
                cause: empty,
                month,
                quantity: Quantity::ONE,
                from: period.from(),
                to: period.to(),
                part,
                factor: Factor::ONE,
                list: minimum.minus(spent)?,
                amount: minimum.minus(spent)?,
            };
            table.rows.push(row);
        }
    }
    Ok(())
}
