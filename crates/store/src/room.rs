//! Limits of quotas, budgets and ceilings, and what is held and used of them.

use crate::{Connection, StoreError, Value};
use domain::budget::{Balance, Demand, HoldState, Purse};
use kernel::Instant;

/// A limit as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRecord {
    /// Of what.
    pub purse: Purse,
    /// How often it was set, this time included.
    pub version: i64,
    /// The limit.
    pub amount: i64,
    /// Where it comes from.
    pub source: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub at: Instant,
}

/// A purse as it is stored: JSON with its fields in the order of their definition.
fn key(purse: &Purse) -> Result<Value, StoreError> {
    Value::json("room_limit", &purse.to_string(), purse)
}

impl Connection {
    /// Sets a limit; what it was before stays readable.
    pub async fn set_limit(
        &mut self,
        purse: &Purse,
        amount: i64,
        (source, set_by, at): (&str, &str, Instant),
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO room_limit (purse, version, amount, source, set_by, at_s) \
                   SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 FROM room_limit WHERE purse = $1";
        let values = [
            key(purse)?,
            amount.into(),
            source.into(),
            set_by.into(),
            at.unix_s().into(),
        ];
        self.execute_one(sql, &values, &purse.to_string()).await
    }

    /// All limits there ever were, by purse and version.
    pub async fn limits(&mut self) -> Result<Vec<LimitRecord>, StoreError> {
        let rows = self
            .all("SELECT * FROM room_limit ORDER BY purse, version", &[])
            .await?;
        let record = |row: &crate::Row| {
            Ok(LimitRecord {
                purse: row.json("room_limit", "purse")?,
                version: row.int("version")?,
                amount: row.int("amount")?,
                source: row.text("source")?,
                set_by: row.text("set_by")?,
                at: Instant::from_unix_s(row.int("at_s")?),
            })
        };
        rows.iter().map(record).collect()
    }

    /// The limit of a purse and what is held and used of it by others than `subject`.
    pub async fn balance(&mut self, purse: &Purse, subject: &str) -> Result<Balance, StoreError> {
        let purse = key(purse)?;
        let sql = "SELECT amount FROM room_limit WHERE purse = $1 ORDER BY version DESC LIMIT 1";
        let limit = self.first(sql, std::slice::from_ref(&purse)).await?;
        let sql = "SELECT state, CAST(sum(amount) AS BIGINT) AS amount FROM room_hold \
                   WHERE purse = $1 AND subject <> $2 AND state <> 'freed' GROUP BY state";
        let mut balance = Balance {
            limit: limit.map(|row| row.int("amount")).transpose()?,
            ..Balance::default()
        };
        for row in self.all(sql, &[purse, subject.into()]).await? {
            match row.parsed::<HoldState>("room_hold", "state")? {
                HoldState::Held => balance.held = row.int("amount")?,
                HoldState::Used => balance.used = row.int("amount")?,
                HoldState::Freed => {}
            }
        }
        Ok(balance)
    }

    /// Holds what a matter asks for, in place of what it held before, or held until that was freed.
    pub async fn hold(&mut self, subject: &str, demand: &Demand, at: Instant) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM room_hold WHERE subject = $1 AND state <> 'used'",
            &[subject.into()],
        )
        .await?;
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(demand.len());
        for (purse, amount) in demand {
            rows.push(vec![
                subject.into(),
                key(purse)?,
                (*amount).into(),
                HoldState::Held.word().into(),
                at.unix_s().into(),
            ]);
        }
        self.insert_many("room_hold (subject, purse, amount, state, at_s)", "", &rows)
            .await?;
        Ok(())
    }

    /// Uses or frees what a matter holds. What it uses can be freed later; what is freed stays so.
    pub async fn turn_hold(&mut self, subject: &str, to: HoldState, at: Instant) -> Result<u64, StoreError> {
        let sql = "UPDATE room_hold SET state = $1, at_s = $2 WHERE subject = $3 AND state <> 'freed' AND state <> $1";
        self.execute(sql, &[to.word().into(), at.unix_s().into(), subject.into()])
            .await
    }

    /// Gives a part of what a matter holds or used of a purse back; never more than that.
    pub async fn lessen_hold(
        &mut self,
        (subject, purse): (&str, &Purse),
        by: i64,
        at: Instant,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE room_hold SET amount = CASE WHEN amount > $1 THEN amount - $1 ELSE 0 END, at_s = $2 \
                   WHERE subject = $3 AND purse = $4 AND state <> 'freed'";
        let values = [by.into(), at.unix_s().into(), subject.into(), key(purse)?];
        self.execute(sql, &values).await?;
        Ok(())
    }

    /// What a matter holds or used, by purse.
    pub async fn holds_of(&mut self, subject: &str) -> Result<Vec<(Purse, i64, HoldState)>, StoreError> {
        let sql = "SELECT * FROM room_hold WHERE subject = $1 ORDER BY purse";
        let rows = self.all(sql, &[subject.into()]).await?;
        let hold = |row: &crate::Row| {
            Ok((
                row.json("room_hold", "purse")?,
                row.int("amount")?,
                row.parsed("room_hold", "state")?,
            ))
        };
        rows.iter().map(hold).collect()
    }
}
