//! Recorded outages of resources.

use crate::{Connection, StoreError, Value};
use domain::settle::Outage;
use kernel::{ImportId, Instant, Period};

impl Connection {
    /// Outages that share time with a period, by resource and start.
    pub async fn outages_within(&mut self, period: Period) -> Result<Vec<Outage>, StoreError> {
        let sql = "SELECT * FROM outage WHERE from_s < $1 AND to_s > $2 ORDER BY resource, from_s";
        let rows = self
            .all(sql, &[period.to().unix_s().into(), period.from().unix_s().into()])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Outage {
                    resource: row.text("resource")?,
                    from: Instant::from_unix_s(row.int("from_s")?),
                    to: Instant::from_unix_s(row.int("to_s")?),
                    excluded: row.text_or_none("excluded")?,
                    source: row.text("source")?,
                })
            })
            .collect()
    }

    /// Stores outages; one that is there already with the same start is left as it is. Returns how many are new.
    pub async fn add_outages(&mut self, outages: &[Outage], import: ImportId) -> Result<u64, StoreError> {
        let rows: Vec<Vec<Value>> = outages
            .iter()
            .map(|o| {
                vec![
                    o.resource.clone().into(),
                    o.from.unix_s().into(),
                    o.to.unix_s().into(),
                    o.excluded.clone().into(),
                    o.source.clone().into(),
                    import.to_string().into(),
                ]
            })
            .collect();
        let into = "outage (resource, from_s, to_s, excluded, source, import_id)";
        self.insert_many(into, " ON CONFLICT (resource, from_s) DO NOTHING", &rows)
            .await
    }
}
