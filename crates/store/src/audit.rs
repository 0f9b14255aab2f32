//! The audit chain's table. Entries are only ever appended.

use crate::{Connection, Row, StoreError, Value};
use domain::audit::AuditEntry;
use kernel::{Day, Digest, Instant};

const TABLE: &str = "audit_entry";

/// Which entries are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// From this number on; the last ones if not given.
    pub from: Option<i64>,
    /// Only by this one.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only about this object.
    pub object: Option<String>,
    /// Not before this moment.
    pub since: Option<Instant>,
    /// Before this moment.
    pub before: Option<Instant>,
}

fn entry(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        number: row.int("number")?,
        at: Instant::from_unix_s(row.int("at_s")?),
        actor: row.text("actor")?,
        action: row.text("action")?,
        object: row.text("object")?,
        detail: row.text("detail")?,
        previous: row.parsed(TABLE, "previous")?,
        digest: row.parsed(TABLE, "digest")?,
    })
}

impl Connection {
    /// Number and digest of the last entry.
    pub async fn audit_head(&mut self) -> Result<Option<(i64, Digest)>, StoreError> {
        let row = self
            .first(
                "SELECT number, digest FROM audit_entry ORDER BY number DESC LIMIT 1",
                &[],
            )
            .await?;
        row.map(|row| Ok((row.int("number")?, row.parsed(TABLE, "digest")?)))
            .transpose()
    }

    pub(crate) async fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let values = [
            entry.number.into(),
            entry.at.unix_s().into(),
            entry.actor.clone().into(),
            entry.action.clone().into(),
            entry.object.clone().into(),
            entry.detail.clone().into(),
            entry.previous.to_string().into(),
            entry.digest.to_string().into(),
        ];
        let sql = "INSERT INTO audit_entry (number, at_s, actor, action, object, detail, previous, digest) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
        self.execute_one(sql, &values, "审计链").await
    }

    /// Entries from `first` on, at most `limit`, in order.
    pub async fn audit_entries(&mut self, first: i64, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT * FROM audit_entry WHERE number >= $1 ORDER BY number LIMIT $2";
        self.all(sql, &[first.into(), limit.into()])
            .await?
            .iter()
            .map(entry)
            .collect()
    }

    /// The entries that fit, at most `limit`, in order: the first ones from a number on, else the last ones.
    pub async fn audit_found(&mut self, filter: &EntryFilter, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let mut values: Vec<Value> = vec![limit.into()];
        let mut conditions = Vec::new();
        let texts = [
            ("actor =", &filter.actor),
            ("action =", &filter.action),
            ("object =", &filter.object),
        ];
        let texts = texts.map(|(test, text)| (test, text.clone().map(Value::from)));
        let numbers = [
            ("number >=", filter.from),
            ("at_s >=", filter.since.map(Instant::unix_s)),
            ("at_s <", filter.before.map(Instant::unix_s)),
        ];
        let numbers = numbers.map(|(test, number)| (test, number.map(Value::from)));
        for (test, value) in texts.into_iter().chain(numbers) {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{test} ${}", values.len()));
            }
        }
        let fits = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        };
        let order = if filter.from.is_some() { "ASC" } else { "DESC" };
        let sql = format!("SELECT * FROM audit_entry{fits} ORDER BY number {order} LIMIT $1");
        let rows = self.all(&sql, &values).await?;
        let mut found = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        if filter.from.is_none() {
            found.reverse();
        }
        Ok(found)
    }

    /// The entries about some objects, in order.
    pub async fn audit_about(&mut self, objects: &[String]) -> Result<Vec<AuditEntry>, StoreError> {
        let places: Vec<String> = (1..=objects.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "SELECT * FROM audit_entry WHERE object IN ({}) ORDER BY number",
            places.join(",")
        );
        let values: Vec<Value> = objects.iter().map(Into::into).collect();
        self.all(&sql, &values).await?.iter().map(entry).collect()
    }

    /// How many entries there are.
    pub async fn audit_count(&mut self) -> Result<i64, StoreError> {
        let row = self.first("SELECT count(*) AS n FROM audit_entry", &[]).await?;
        row.map_or(Ok(0), |row| row.int("n"))
    }

    /// Rows from number `first` on, at most `limit`, in order, with every field as the text it is stored as: for whoever
    /// checks the chain and trusts nothing. Errors: a row of them cannot be read as text.
    pub async fn audit_texts(&mut self, first: i64, limit: i64) -> Result<Vec<[String; 8]>, StoreError> {
        let sql = "SELECT CAST(number AS TEXT) AS number_text, CAST(at_s AS TEXT) AS at_text, actor, action, object, \
                   detail, previous, digest FROM audit_entry WHERE number >= $1 ORDER BY number LIMIT $2";
        let rows = self.all(sql, &[first.into(), limit.into()]).await?;
        let texts = |row: &Row| {
            Ok([
                row.text("number_text")?,
                row.text("at_text")?,
                row.text("actor")?,
                row.text("action")?,
                row.text("object")?,
                row.text("detail")?,
                row.text("previous")?,
                row.text("digest")?,
            ])
        };
        rows.iter().map(texts).collect()
    }

    /// What a row that stands outside of the numbering has for a number, if there is one.
    pub async fn audit_stray(&mut self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT COALESCE(CAST(number AS TEXT), '') AS number_text FROM audit_entry \
                   WHERE number IS NULL OR number < 1 LIMIT 1";
        self.first(sql, &[])
            .await?
            .map(|row| row.text("number_text"))
            .transpose()
    }

    /// The entry that seals a day, if it is sealed.
    pub async fn seal_of(&mut self, day: Day) -> Result<Option<AuditEntry>, StoreError> {
        let sql = "SELECT * FROM audit_entry WHERE action = 'audit.seal' AND object = $1";
        let row = self.first(sql, &[day.to_string().into()]).await?;
        row.as_ref().map(entry).transpose()
    }

    /// The entries that seal days, the newest first, at most `limit`.
    pub async fn seals(&mut self, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT * FROM audit_entry WHERE action = 'audit.seal' ORDER BY number DESC LIMIT $1";
        let rows = self.all(sql, &[limit.into()]).await?;
        rows.iter().map(entry).collect()
    }
}
