//! Who is away, and who acts for them; and reminders, each once.

use crate::{Connection, Row, StoreError};
use kernel::{AbsenceId, AccountId, Instant};

/// Somebody is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsenceRecord {
    /// Its id.
    pub id: AbsenceId,
    /// Who is away.
    pub account: AccountId,
    /// Who acts for them.
    pub deputy: AccountId,
    /// From when.
    pub from: Instant,
    /// Until when, this moment not included.
    pub to: Instant,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// When it was said.
    pub created: Instant,
    /// When it was taken back.
    pub ended: Option<Instant>,
}

fn absence(row: &Row) -> Result<AbsenceRecord, StoreError> {
    let table = "absence";
    Ok(AbsenceRecord {
        id: row.parsed(table, "id")?,
        account: row.parsed(table, "account")?,
        deputy: row.parsed(table, "deputy")?,
        from: Instant::from_unix_s(row.int("from_s")?),
        to: Instant::from_unix_s(row.int("to_s")?),
        reason: row.text("reason")?,
        created: Instant::from_unix_s(row.int("created_s")?),
        ended: row.int_or_none("ended_s")?.map(Instant::from_unix_s),
    })
}

impl Connection {
    /// Stores an absence.
    pub async fn add_absence(&mut self, new: &AbsenceRecord) -> Result<(), StoreError> {
        let values = [
            new.id.to_string().into(),
            new.account.to_string().into(),
            new.deputy.to_string().into(),
            new.from.unix_s().into(),
            new.to.unix_s().into(),
            new.reason.clone().into(),
            new.created.unix_s().into(),
        ];
        let sql = "INSERT INTO absence (id, account, deputy, from_s, to_s, reason, created_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7)";
        self.execute_one(sql, &values, "外出登记").await
    }

    /// The absences of an account, and those in which it acts for somebody, the newest first.
    pub async fn absences_of(&mut self, account: AccountId) -> Result<Vec<AbsenceRecord>, StoreError> {
        let sql = "SELECT * FROM absence WHERE account = $1 OR deputy = $1 ORDER BY id DESC";
        let rows = self.all(sql, &[account.to_string().into()]).await?;
        rows.iter().map(absence).collect()
    }

    /// Absences that hold at a moment, in order.
    pub async fn absences_at(&mut self, at: Instant) -> Result<Vec<AbsenceRecord>, StoreError> {
        let sql = "SELECT * FROM absence WHERE ended_s IS NULL AND from_s <= $1 AND to_s > $1 ORDER BY id";
        let rows = self.all(sql, &[at.unix_s().into()]).await?;
        rows.iter().map(absence).collect()
    }

    /// Takes an absence of an account back. Errors: there is none that has not ended.
    pub async fn end_absence(&mut self, account: AccountId, id: AbsenceId, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE absence SET ended_s = $1 WHERE id = $2 AND account = $3 AND ended_s IS NULL AND to_s > $1";
        let values = [at.unix_s().into(), id.to_string().into(), account.to_string().into()];
        self.execute_one(sql, &values, "外出登记").await
    }

    /// Whether somebody was reminded of a moment of a matter. Looking costs no turn in the line of writers.
    pub async fn is_reminded(&mut self, (kind, subject): (&str, &str), moment: Instant) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS one FROM reminder WHERE kind = $1 AND subject = $2 AND moment_s = $3";
        let values = [kind.into(), subject.into(), moment.unix_s().into()];
        Ok(self.first(sql, &values).await?.is_some())
    }

    /// Notes that somebody is reminded of a moment of a matter. Returns whether that is new.
    pub async fn note_reminder(
        &mut self,
        (kind, subject): (&str, &str),
        moment: Instant,
        at: Instant,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO reminder (kind, subject, moment_s, at_s) VALUES ($1,$2,$3,$4) \
                   ON CONFLICT (kind, subject, moment_s) DO NOTHING";
        let values = [kind.into(), subject.into(), moment.unix_s().into(), at.unix_s().into()];
        Ok(self.execute(sql, &values).await? == 1)
    }
}
