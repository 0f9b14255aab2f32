//! Cases: what a person must look at, and how they ended. At most one open case of a kind and subject.

use crate::{Connection, Row, StoreError, Value};
use domain::meter::{CaseKind, CaseOutcome, Finding};
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
    /// How it ended; none while it is open.
    pub ended: Option<CaseEnding>,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseEnding {
    /// With what.
    pub outcome: CaseOutcome,
    /// Why, in somebody's words.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Instant,
    /// The month that it holds for: of a person the month of their word, of a run the month it metered.
    pub month: Month,
}

fn ending(row: &Row) -> Result<Option<CaseEnding>, StoreError> {
    let Some(at) = row.int_or_none("closed_s")?.map(Instant::from_unix_s) else {
        return Ok(None);
    };
    Ok(Some(CaseEnding {
        outcome: row.parsed(TABLE, "outcome")?,
        reason: row.text("reason")?,
        by: row.text("closed_by")?,
        at,
        month: row.parsed(TABLE, "closed_in")?,
    }))
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
        ended: ending(row)?,
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
        self.cases_where("", &[]).await
    }

    /// The open cases, and those whose ending holds for a month or a later one, the oldest first.
    pub async fn cases_for(&mut self, month: Month) -> Result<Vec<CaseFile>, StoreError> {
        let condition = "WHERE closed_s IS NULL OR closed_in >= $1";
        self.cases_where(condition, &[month.to_string().into()]).await
    }

    /// The case with an id.
    pub async fn case(&mut self, id: CaseId) -> Result<Option<CaseFile>, StoreError> {
        let cases = self.cases_where("WHERE id = $1", &[id.to_string().into()]).await?;
        Ok(cases.into_iter().next())
    }

    async fn cases_where(&mut self, condition: &str, values: &[Value]) -> Result<Vec<CaseFile>, StoreError> {
        let sql = format!("SELECT * FROM case_file {condition} ORDER BY opened_s, kind, subject, id");
        self.all(&sql, values).await?.iter().map(case).collect()
    }

    /// Ends a case. Errors: `Conflict` if it has ended already.
    pub async fn end_case(&mut self, id: CaseId, ending: &CaseEnding) -> Result<(), StoreError> {
        let values = [
            ending.at.unix_s().into(),
            ending.outcome.word().into(),
            ending.reason.clone().into(),
            ending.by.clone().into(),
            ending.month.to_string().into(),
            id.to_string().into(),
        ];
        let sql = "UPDATE case_file SET closed_s = $1, outcome = $2, reason = $3, closed_by = $4, closed_in = $5                    WHERE id = $6 AND closed_s IS NULL";
        self.execute_one(sql, &values, &id.to_string()).await
    }
}
