//! What a provider says to a difference, and what follows from it for the sum that is in question.

use crate::registry::words;
use kernel::Money;

words! {
    /// How a provider answers to a difference.
    AnswerOutcome {
        /// Our figure holds.
        Accepted = "accepted", "认可平台计费";
        /// It does not; what is in question stays so.
        Disputed = "disputed", "有异议";
        /// Both sides settled on a figure of their own.
        Settled = "settled", "双方商定金额";
    }
}

/// What both sides agree has to be paid for a resource, an item and a month, whatever the bill says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// What we charge, whatever that comes to.
    Ours,
    /// This much.
    Figure(Money),
}

impl AnswerOutcome {
    /// What an answer settles; nothing if it is disputed, or if a settlement names no figure.
    pub const fn agreed(self, figure: Option<Money>) -> Option<Agreed> {
        match (self, figure) {
            (Self::Accepted, _) => Some(Agreed::Ours),
            (Self::Settled, Some(figure)) => Some(Agreed::Figure(figure)),
            (Self::Settled, None) | (Self::Disputed, _) => None,
        }
    }
}
