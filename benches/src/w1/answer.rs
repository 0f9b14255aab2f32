//! The answer: how many lines and groups, their sum, and a sum that depends on every single line.

use super::prices::Prices;
use super::segments::Line;
use kernel::Money;
use std::fmt;

/// Weight of a line in `s2`: its segment's number modulo this, plus one.
const WEIGHTS: i64 = 9973;

pub struct Answer {
    /// Lines and amount by department and item.
    groups: Vec<(u32, Money)>,
    items: usize,
    weighted: i64,
}

impl Answer {
    pub fn new(prices: &Prices) -> Self {
        let items = prices.items();
        Self {
            groups: vec![(0, Money::ZERO); prices.departments() * items],
            items,
            weighted: 0,
        }
    }

    /// Adds a line; none if a sum leaves its range.
    #[inline]
    pub fn add(&mut self, line: &Line) -> Option<()> {
        let (department, item) = (usize::try_from(line.department).ok()?, usize::try_from(line.item).ok()?);
        let (lines, amount) = self.groups.get_mut(department * self.items + item)?;
        *lines += 1;
        *amount = amount.plus(line.amount).ok()?;
        let weighted = line.amount.fen().checked_mul(line.segment % WEIGHTS + 1)?;
        self.weighted = self.weighted.checked_add(weighted)?;
        Some(())
    }

    /// All answers in one.
    pub fn sum(answers: Vec<Self>) -> Total {
        let (mut total, mut groups) = (Total::default(), Vec::new());
        for answer in answers {
            groups.resize(answer.groups.len(), 0_u64);
            for (lines_of_group, (lines, amount)) in groups.iter_mut().zip(answer.groups) {
                *lines_of_group += u64::from(lines);
                total.fen += i128::from(amount.fen());
            }
            total.s2 += i128::from(answer.weighted);
        }
        total.groups = groups.iter().filter(|lines| **lines > 0).count();
        total.lines = groups.iter().sum();
        total
    }
}

#[derive(Default)]
pub struct Total {
    lines: u64,
    groups: usize,
    fen: i128,
    s2: i128,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.lines, self.groups, self.fen, self.s2)
    }
}
