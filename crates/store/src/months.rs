//! Closed months. A month that is not here is open.

use crate::{Connection, Row, StoreError};
use kernel::{Instant, Month};

/// A closed month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRecord {
    /// The month.
    pub month: Month,
    /// When it was closed.
    pub closed_at: Instant,
    /// By whom.
    pub actor: String,
}

fn record(row: &Row) -> Result<MonthRecord, StoreError> {
    Ok(MonthRecord {
        month: row.parsed("month", "month")?,
        closed_at: Instant::from_unix_s(row.int("closed_s")?),
        actor: row.text("actor")?,
    })
}

impl Connection {
    /// All closed months, in order.
    pub async fn closed_months(&mut self) -> Result<Vec<MonthRecord>, StoreError> {
        self.all("SELECT * FROM month ORDER BY month", &[])
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// Whether a month is closed.
    pub async fn is_closed(&mut self, month: Month) -> Result<bool, StoreError> {
        Ok(self
            .first("SELECT month FROM month WHERE month = $1", &[month.to_string().into()])
            .await?
            .is_some())
    }

    /// Closes a month.
    pub async fn close_month(&mut self, record: &MonthRecord) -> Result<(), StoreError> {
        let values = [
            record.month.to_string().into(),
            record.closed_at.unix_s().into(),
            record.actor.clone().into(),
        ];
        self.execute_one(
            "INSERT INTO month (month, closed_s, actor) VALUES ($1,$2,$3)",
            &values,
            "结算月",
        )
        .await
    }
}
