//! Our charges against the provider's bill, as a statement shows them.
//!
//! A difference belongs to one organisation: the one we charge, or, for what we do not charge, the one that is
//! billed. So the comparisons of the departments sum to the provider's (I3).

use documents::statement::{BillComparison, DifferenceClass as PrintedClass};
use domain::reconcile::{AnswerOutcome, Difference, DifferenceClass};
use kernel::{Money, MoneyError};
use std::collections::BTreeMap;
use store::Answer;

/// A version of a provider's bill.
#[derive(Debug, Clone)]
pub(super) struct BillVersion {
    pub(super) number: String,
    pub(super) version: u32,
}

/// What became of the differences of one class.
#[derive(Debug, Clone, Copy, Default)]
struct Outcomes {
    count: u64,
    amount: Money,
    tolerated: u64,
    accepted: u64,
    disputed: u64,
    settled: u64,
}

/// Compares `ours` with the bill, by the differences that belong to the statement and the answers to them, oldest
/// first.
pub(super) fn compare<'a>(
    bill: BillVersion,
    ours: Money,
    differences: impl IntoIterator<Item = &'a Difference>,
    answers: &[&Answer],
) -> Result<BillComparison, MoneyError> {
    let last: BTreeMap<(&str, &str), &Answer> = answers
        .iter()
        .map(|answer| ((answer.resource.as_str(), answer.item.as_str()), *answer))
        .collect();
    let mut classes: BTreeMap<DifferenceClass, Outcomes> = BTreeMap::new();
    let mut theirs = ours;
    for difference in differences {
        theirs = theirs.plus(difference.difference)?;
        let answer = last
            .get(&(difference.resource.as_str(), difference.item.as_str()))
            .map(|a| a.outcome);
        for (class, part) in &difference.parts {
            let outcomes = classes.entry(*class).or_default();
            outcomes.count += 1;
            outcomes.amount = outcomes.amount.plus(*part)?;
            match answer {
                Some(AnswerOutcome::Accepted) => outcomes.accepted += 1,
                Some(AnswerOutcome::Disputed) => outcomes.disputed += 1,
                Some(AnswerOutcome::Settled) => outcomes.settled += 1,
                None if difference.tolerated => outcomes.tolerated += 1,
                None => {}
            }
        }
    }
    let classes = classes.into_iter().map(|(class, outcomes)| PrintedClass {
        class: class.zh().to_owned(),
        count: outcomes.count,
        amount: outcomes.amount,
        outcome: outcomes.words(),
    });
    Ok(BillComparison {
        number: bill.number,
        version: bill.version,
        ours,
        theirs,
        classes: classes.collect(),
    })
}

impl Outcomes {
    fn words(self) -> String {
        let open = self.count - self.tolerated - self.accepted - self.disputed - self.settled;
        let parts = [
            (self.tolerated, "容差以内，以平台计量为准"),
            (self.accepted, "服务商认可平台计费"),
            (self.disputed, "服务商有异议"),
            (self.settled, "双方已商定金额"),
            (open, "待服务商答复"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        parts
            .map(|(count, what)| format!("{count} 笔{what}"))
            .collect::<Vec<_>>()
            .join("；")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Instant, Month};

    fn difference(resource: &str, parts: &[(DifferenceClass, i64)], tolerated: bool) -> Difference {
        let fen = parts.iter().map(|(_, fen)| fen).sum();
        Difference {
            resource: resource.into(),
            item: "VOL".into(),
            organisation: "D1".into(),
            billed_to: None,
            ours: Some(Money::from_fen(100)),
            billed: Some(Money::from_fen(100 + fen)),
            difference: Money::from_fen(fen),
            parts: parts
                .iter()
                .map(|(class, fen)| (*class, Money::from_fen(*fen)))
                .collect(),
            tolerated,
        }
    }

    fn answer(resource: &str, outcome: &str) -> Answer {
        Answer {
            provider: "P1".into(),
            month: Month::new(2026, 3).unwrap(),
            resource: resource.into(),
            item: "VOL".into(),
            outcome: outcome.parse().unwrap(),
            agreed: None,
            words: String::new(),
            actor: "甲".into(),
            at: Instant::from_unix_s(0),
        }
    }

    #[test]
    fn classes_sum_to_the_whole_and_say_what_became_of_them() {
        let differences = [
            difference(
                "n/a",
                &[(DifferenceClass::Period, 30), (DifferenceClass::Price, 12)],
                false,
            ),
            difference("n/b", &[(DifferenceClass::Period, -5)], true),
            difference("n/c", &[(DifferenceClass::Extra, 100)], false),
        ];
        let answers = [
            answer("n/a", "disputed"),
            answer("n/a", "accepted"),
            answer("n/c", "disputed"),
        ];
        let bill = BillVersion {
            number: "P1 2026-03".into(),
            version: 2,
        };
        let refs: Vec<&Answer> = answers.iter().collect();
        let compared = compare(bill, Money::from_fen(1000), &differences, &refs).unwrap();
        assert_eq!((compared.ours.fen(), compared.theirs.fen()), (1000, 1137));
        let rows: Vec<_> = compared
            .classes
            .iter()
            .map(|c| (c.class.as_str(), c.count, c.amount.fen(), c.outcome.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("期间", 2, 25, "1 笔容差以内，以平台计量为准；1 笔服务商认可平台计费"),
                ("单价", 1, 12, "1 笔服务商认可平台计费"),
                ("账单多出", 1, 100, "1 笔服务商有异议"),
            ]
        );
    }
}
