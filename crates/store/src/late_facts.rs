//! Facts that arrived for a month after it was closed, and reasons to rate one again.

use crate::{Connection, Row, StoreError};
use kernel::{CaseId, ImportId, Instant, Month};

/// Something that changes what a closed month should have cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateFact {
    /// Its id.
    pub id: CaseId,
    /// The closed month.
    pub month: Month,
    /// Word of the cause: `late_data`, `late_outage`, `backdated_price`, `rerate`.
    pub cause: String,
    /// What it is, in a Chinese sentence.
    pub detail: String,
    /// When it was noted.
    pub at: Instant,
    /// Whether it may be posted: late data always, other causes once somebody gave a reason.
    pub approved: bool,
    /// The month whose rating posted it; none while it is open.
    pub posted_in: Option<Month>,
    /// The import it came from, if it came from one and that is known.
    pub import: Option<ImportId>,
}

impl LateFact {
    /// Cause: something that was so then and is known only now. Posted without being asked for.
    pub const LATE_DATA: &str = "late_data";
    /// Cause: an outage that was recorded or corrected after the close. Changes no charge, but what is deducted.
    pub const LATE_OUTAGE: &str = "late_outage";
    /// Cause: prices or terms dated back behind the close. Waits for somebody's reason.
    pub const BACKDATED_PRICE: &str = "backdated_price";
    /// Cause: somebody had the month rated again, and gave a reason.
    pub const RERATE: &str = "rerate";
}

fn fact(row: &Row) -> Result<LateFact, StoreError> {
    Ok(LateFact {
        id: row.parsed("late_fact", "id")?,
        month: row.parsed("late_fact", "month")?,
        cause: row.text("cause")?,
        detail: row.text("detail")?,
        at: Instant::from_unix_s(row.int("at_s")?),
        approved: row.int("approved")? == 1,
        posted_in: row.parsed_or_none("late_fact", "posted_in")?,
        import: row.parsed_or_none("late_fact", "import_id")?,
    })
}

impl Connection {
    /// Notes a fact.
    pub async fn add_late_fact(&mut self, fact: &LateFact) -> Result<(), StoreError> {
        let values = [
            fact.id.to_string().into(),
            fact.month.to_string().into(),
            fact.cause.clone().into(),
            fact.detail.clone().into(),
            fact.at.unix_s().into(),
            i64::from(fact.approved).into(),
            fact.posted_in.map(|month| month.to_string()).into(),
            fact.import.map(|id| id.to_string()).into(),
        ];
        let sql = "INSERT INTO late_fact (id, month, cause, detail, at_s, approved, posted_in, import_id) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
        self.execute_one(sql, &values, &fact.detail).await
    }

    /// Facts that no closed month has posted yet, in order of their ids.
    pub async fn open_late_facts(&mut self) -> Result<Vec<LateFact>, StoreError> {
        self.all("SELECT * FROM late_fact WHERE posted_in IS NULL ORDER BY id", &[])
            .await?
            .iter()
            .map(fact)
            .collect()
    }

    /// Approves the open facts of a month that wait for a reason.
    pub async fn approve_late_facts(&mut self, month: Month) -> Result<u64, StoreError> {
        let sql = "UPDATE late_fact SET approved = 1 WHERE month = $1 AND posted_in IS NULL AND approved = 0";
        self.execute(sql, &[month.to_string().into()]).await
    }

    /// Marks the approved open facts as posted in a month that is being closed.
    pub async fn post_late_facts(&mut self, posted_in: Month) -> Result<u64, StoreError> {
        let sql = "UPDATE late_fact SET posted_in = $1 WHERE posted_in IS NULL AND approved = 1 AND month < $1";
        self.execute(sql, &[posted_in.to_string().into()]).await
    }
}
