//! Real utilisation, replayed: which value a meter of the demo shows at an hour.

/// Hours of the trace.
const HOURS: usize = 720;
const TRACE: &str = include_str!("../traces/bitbrains-hourly.csv");

/// The curves of the trace, one a machine. Units: ten-thousandths of the capacity, by hour; none if not measured.
#[derive(Debug)]
pub(crate) struct Traces(Vec<Vec<Option<i64>>>);

impl Traces {
    pub(crate) fn load() -> Self {
        let mut lines = TRACE.lines();
        let machines = lines.next().map_or(0, |heading| heading.split(',').count() - 1);
        let mut curves = vec![Vec::with_capacity(HOURS); machines];
        for line in lines {
            for (curve, cell) in curves.iter_mut().zip(line.split(',').skip(1)) {
                curve.push(cell.parse().ok());
            }
        }
        Self(curves)
    }

    /// The use at an hour since 1970, on the curve that `shape` chooses, shifted by `shape` as well so that two
    /// resources on one curve do not move together.
    pub(crate) fn permyriad(&self, shape: u64, hour: i64) -> Option<i64> {
        let machines = u64::try_from(self.0.len()).ok()?;
        let curve = self.0.get(usize::try_from(shape.checked_rem(machines)?).ok()?)?;
        // Whole days only: the hour of the day stays what it is.
        let shift = i64::try_from((shape >> 8) % 30).ok()? * 24;
        let length = i64::try_from(curve.len()).ok()?;
        curve
            .get(usize::try_from((hour + shift).checked_rem_euclid(length)?).ok()?)
            .copied()
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_is_whole_and_has_its_gaps() {
        let traces = Traces::load();
        assert_eq!(traces.0.len(), 13);
        assert!(traces.0.iter().all(|curve| curve.len() == HOURS));
        assert!(
            traces
                .0
                .iter()
                .flatten()
                .flatten()
                .all(|value| (0..=10_000).contains(value))
        );
        let missing = traces.0.iter().flatten().filter(|value| value.is_none()).count();
        assert!(missing > 0 && missing < HOURS * 13 / 10, "{missing}");
        // The hour of the day is kept: a shift is by days, and the trace is thirty days long.
        assert_eq!(traces.permyriad(3, 100), traces.permyriad(3, 100 + 720));
    }
}
