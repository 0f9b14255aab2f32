//! Recorded outages of resources. One that is corrected keeps what it was recorded as before.

use crate::{Connection, Row, StoreError, Value};
use domain::settle::Outage;
use kernel::{ImportId, Instant, Period};

/// Why and when an outage was corrected, and by which import.
#[derive(Debug, Clone, Copy)]
pub struct OutageCorrection<'c> {
    /// The import that says so.
    pub import: ImportId,
    /// When.
    pub at: Instant,
    /// In somebody's words.
    pub reason: &'c str,
}

fn outage(row: &Row) -> Result<Outage, StoreError> {
    Ok(Outage {
        resource: row.text("resource")?,
        from: Instant::from_unix_s(row.int("from_s")?),
        to: Instant::from_unix_s(row.int("to_s")?),
        excluded: row.text_or_none("excluded")?,
        source: row.text("source")?,
    })
}

impl Connection {
    /// Outages that share time with a period, by resource and start.
    pub async fn outages_within(&mut self, period: Period) -> Result<Vec<Outage>, StoreError> {
        let sql = "SELECT * FROM outage WHERE from_s < $1 AND to_s > $2 ORDER BY resource, from_s";
        let rows = self
            .all(sql, &[period.to().unix_s().into(), period.from().unix_s().into()])
            .await?;
        rows.iter().map(outage).collect()
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

    /// Puts an outage in the place of the one with the same resource and start, and keeps what that was.
    ///
    /// Errors: `Conflict` if it is not `before` any more.
    pub async fn correct_outage(
        &mut self,
        before: &Outage,
        right: &Outage,
        correction: &OutageCorrection<'_>,
    ) -> Result<(), StoreError> {
        let key: [Value; 2] = [before.resource.clone().into(), before.from.unix_s().into()];
        let sql = "SELECT count(*) AS n FROM outage_before WHERE resource = $1 AND from_s = $2";
        let place = self.first(sql, &key).await?.map_or(Ok(0), |row| row.int("n"))?;
        let values = [
            before.resource.clone().into(),
            before.from.unix_s().into(),
            place.into(),
            before.to.unix_s().into(),
            before.excluded.clone().into(),
            before.source.clone().into(),
            correction.at.unix_s().into(),
            correction.import.to_string().into(),
            correction.reason.into(),
        ];
        let sql = "INSERT INTO outage_before                    (resource, from_s, place, to_s, excluded, source, replaced_s, replaced_by, reason)                    VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)";
        self.execute_one(sql, &values, &before.resource).await?;
        let sql = "UPDATE outage_before SET import_id =                    (SELECT o.import_id FROM outage o WHERE o.resource = $1 AND o.from_s = $2)                    WHERE resource = $1 AND from_s = $2 AND place = $3";
        self.execute_one(sql, values.get(..3).unwrap_or_default(), &before.resource)
            .await?;
        let values = [
            right.to.unix_s().into(),
            right.excluded.clone().into(),
            right.source.clone().into(),
            correction.import.to_string().into(),
            before.resource.clone().into(),
            before.from.unix_s().into(),
            before.to.unix_s().into(),
            before.source.clone().into(),
            before.excluded.clone().unwrap_or_default().into(),
        ];
        let sql = "UPDATE outage SET to_s = $1, excluded = $2, source = $3, import_id = $4 WHERE resource = $5                    AND from_s = $6 AND to_s = $7 AND source = $8 AND COALESCE(excluded, '') = $9";
        self.execute_one(sql, &values, &before.resource).await
    }

    /// What outages were recorded as before they were corrected, with the reason, by resource and start, oldest first.
    pub async fn corrected_outages(&mut self) -> Result<Vec<(Outage, String)>, StoreError> {
        let sql = "SELECT * FROM outage_before ORDER BY resource, from_s, place";
        let rows = self.all(sql, &[]).await?;
        rows.iter().map(|row| Ok((outage(row)?, row.text("reason")?))).collect()
    }
}
