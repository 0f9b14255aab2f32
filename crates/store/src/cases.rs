//! Cases: what a person must look at. At most one open case of a kind and subject.

use crate::{Connection, Row, StoreError, Value};
use domain::meter::{CaseKind, Finding};
use kernel::{CaseId, Day, Instant, Month};

const TABLE: &str = "case_file";

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFile {
    /// Its id.
    pub id: CaseId,
    /// What was found.
    pub finding: Finding,
    /// When it was opened.
    pub opened_at: Instant,
    /// By when it must be answered.
    pub deadline: Day,
    /// The month whose run found it.
    pub month: Month,
    /// When it was closed, if it was.
    pub closed_at: Option<Instant>,
}

fn case(row: &Row) -> Result<CaseFile, StoreError> {
    Ok(CaseFile {
        id: row.parsed(TABLE, "id")?,
        finding: Finding {
            kind: row.parsed::<CaseKind>(TABLE, "kind")?,
            subject: row.text("subject")?,
            owner: row.text("owner")?,
            detail: row.text("detail")?,
            since: Instant::from_unix_s(row.int("since_s")?),
        },
        opened_at: Instant::from_unix_s(row.int("opened_s")?),
        deadline: Day::from_epoch_days(row.int("deadline")?),
        month: row.parsed(TABLE, "month")?,
        closed_at: row.int_or_none("closed_s")?.map(Instant::from_unix_s),
    })
}

impl Connection {
    /// Opens cases; one that is open already for the same subject is left as it is. Returns how many are new.
    pub async fn open_cases(&mut self, cases: &[CaseFile]) -> Result<u64, StoreError> {
        let rows: Vec<Vec<Value>> = cases
            .iter()
            .map(|c| {
                vec![
                    c.id.to_string().into(),
                    c.finding.kind.word().into(),
                    c.finding.subject.clone().into(),
                    c.finding.owner.clone().into(),
                    c.finding.detail.clone().into(),
                    c.finding.since.unix_s().into(),
                    c.opened_at.unix_s().into(),
                    c.deadline.epoch_days().into(),
                    c.month.to_string().into(),
                ]
            })
            .collect();
        let into = "case_file (id, kind, subject, owner, detail, since_s, opened_s, deadline, month)";
        self.insert_many(
            into,
            " ON CONFLICT (kind, subject) WHERE closed_s IS NULL DO NOTHING",
            &rows,
        )
        .await
    }

    /// All cases, the oldest first.
    pub async fn cases(&mut self) -> Result<Vec<CaseFile>, StoreError> {
        self.all("SELECT * FROM case_file ORDER BY opened_s, kind, subject", &[])
            .await?
            .iter()
            .map(case)
            .collect()
    }
}
