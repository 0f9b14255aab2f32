//! What providers answered to differences. Answers are kept; the last one counts.

use crate::{Connection, StoreError};
use domain::reconcile::AnswerOutcome;
use kernel::{Instant, Money, Month};

/// A provider's answer to one difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The provider.
    pub provider: String,
    /// The month.
    pub month: Month,
    /// Resource.
    pub resource: String,
    /// Item.
    pub item: String,
    /// What it comes to.
    pub outcome: AnswerOutcome,
    /// The figure that both sides settled on; only if they did.
    pub agreed: Option<Money>,
    /// In its words.
    pub words: String,
    /// Who recorded it.
    pub actor: String,
    /// When.
    pub at: Instant,
}

impl Connection {
    /// Stores an answer.
    pub async fn add_answer(&mut self, answer: &Answer) -> Result<(), StoreError> {
        let values = [
            answer.provider.clone().into(),
            answer.month.to_string().into(),
            answer.resource.clone().into(),
            answer.item.clone().into(),
            answer.outcome.word().into(),
            answer.words.clone().into(),
            answer.actor.clone().into(),
            answer.at.unix_s().into(),
            answer.agreed.map(Money::fen).into(),
        ];
        let sql = "INSERT INTO answer (provider, month, resource, item, outcome, words, actor, at_s, agreed_fen) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)";
        self.execute_one(sql, &values, "答复").await
    }

    /// The answers of a month, oldest first.
    pub async fn answers(&mut self, month: Month) -> Result<Vec<Answer>, StoreError> {
        let sql = "SELECT * FROM answer WHERE month = $1 ORDER BY at_s, provider, resource, item";
        let rows = self.all(sql, &[month.to_string().into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(Answer {
                    provider: row.text("provider")?,
                    month: row.parsed("answer", "month")?,
                    resource: row.text("resource")?,
                    item: row.text("item")?,
                    outcome: row.parsed("answer", "outcome")?,
                    agreed: row.int_or_none("agreed_fen")?.map(Money::from_fen),
                    words: row.text("words")?,
                    actor: row.text("actor")?,
                    at: Instant::from_unix_s(row.int("at_s")?),
                })
            })
            .collect()
    }
}
