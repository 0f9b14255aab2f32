//! Lines on their way, each with the price that made it.

use super::{ChargeRow, Tariff, TariffPart};
use crate::meter::UsageTable;
use kernel::{Interner, Month};

/// A row, and the price that made it: number of the tariff and place of its part.
pub(super) struct Draft {
    pub(super) row: ChargeRow,
    pub(super) tariff: u32,
    pub(super) part: u32,
    /// Whether its price is reckoned together with others.
    pub(super) shares: bool,
}

/// What a month's lines are made from.
pub(super) struct Rating<'a> {
    pub(super) month: Month,
    pub(super) usage: &'a UsageTable,
    pub(super) tariffs: &'a [Tariff],
    pub(super) labels: &'a [Vec<u32>],
    pub(super) tariff_of: &'a [usize],
    pub(super) names: &'a Interner,
}

impl<'a> Rating<'a> {
    /// The price that made a draft.
    pub(super) fn price_of(&self, draft: &Draft) -> Option<(&'a Tariff, &'a TariffPart)> {
        let tariff = self.tariffs.get(usize::try_from(draft.tariff).ok()?)?;
        Some((tariff, tariff.parts.get(usize::try_from(draft.part).ok()?)?))
    }
}
