//! Runs of metering, rating and reconciling. The current one of a step and month counts, the others are history.

use crate::{Connection, Row, StoreError, Value};
use kernel::{Digest, Instant, Money, Month, RunId};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// `meter`, `rate` or `reconcile`.
    pub step: String,
    /// The month.
    pub month: Month,
    /// What of the month: empty, or a provider.
    pub scope: String,
    /// Digest of all it was made from.
    pub input: Digest,
    /// Digest of what it made.
    pub output: Digest,
    /// Its file in the lake.
    pub path: Option<String>,
    /// Its figures, as JSON.
    pub summary: String,
    /// When it was made.
    pub at: Instant,
}

/// A sum of charge lines of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeSum {
    /// Provider.
    pub provider: String,
    /// Organisation.
    pub organisation: String,
    /// Item; empty for commitments.
    pub item: String,
    /// Word of the kind of charge.
    pub kind: String,
    /// The month that is corrected; none for charges of the month itself.
    pub corrects: Option<Month>,
    /// Lines.
    pub lines: i64,
    /// At list price.
    pub list: Money,
    /// What is charged.
    pub amount: Money,
}

fn record(row: &Row) -> Result<RunRecord, StoreError> {
    Ok(RunRecord {
        id: row.parsed("run", "id")?,
        step: row.text("step")?,
        month: row.parsed("run", "month")?,
        scope: row.text("scope")?,
        input: row.parsed("run", "input_digest")?,
        output: row.parsed("run", "output_digest")?,
        path: row.text_or_none("path")?,
        summary: row.text("summary")?,
        at: Instant::from_unix_s(row.int("at_s")?),
    })
}

impl Connection {
    /// The current run of a step and month.
    pub async fn current_run(
        &mut self,
        step: &str,
        month: Month,
        scope: &str,
    ) -> Result<Option<RunRecord>, StoreError> {
        let sql = "SELECT * FROM run WHERE step = $1 AND month = $2 AND scope = $3 AND current = 1";
        let row = self
            .first(sql, &[step.into(), month.to_string().into(), scope.into()])
            .await?;
        row.as_ref().map(record).transpose()
    }

    /// The current runs of a month, by step and scope.
    pub async fn current_runs(&mut self, month: Month) -> Result<Vec<RunRecord>, StoreError> {
        let sql = "SELECT * FROM run WHERE month = $1 AND current = 1 ORDER BY step, scope";
        self.all(sql, &[month.to_string().into()])
            .await?
            .iter()
            .map(record)
            .collect()
    }

    /// Makes a run the current one; the one before becomes history.
    pub async fn set_current_run(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        let key: [Value; 3] = [
            run.step.clone().into(),
            run.month.to_string().into(),
            run.scope.clone().into(),
        ];
        let sql = "UPDATE run SET current = 0 WHERE step = $1 AND month = $2 AND scope = $3 AND current = 1";
        self.execute(sql, &key).await?;
        let values = [
            run.id.to_string().into(),
            run.step.clone().into(),
            run.month.to_string().into(),
            run.scope.clone().into(),
            run.input.to_string().into(),
            run.output.to_string().into(),
            run.path.clone().into(),
            run.summary.clone().into(),
            run.at.unix_s().into(),
        ];
        let sql = "INSERT INTO run (id, step, month, scope, input_digest, output_digest, path, summary, at_s, current) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,1)";
        self.execute_one(sql, &values, &run.step).await
    }

    /// Stores the sums of a run.
    pub async fn add_charge_sums(&mut self, run: RunId, sums: &[ChargeSum]) -> Result<(), StoreError> {
        let rows: Vec<Vec<Value>> = sums
            .iter()
            .map(|s| {
                vec![
                    run.to_string().into(),
                    s.provider.clone().into(),
                    s.organisation.clone().into(),
                    s.item.clone().into(),
                    s.kind.clone().into(),
                    s.corrects.map(|m| m.to_string()).unwrap_or_default().into(),
                    s.lines.into(),
                    s.list.fen().into(),
                    s.amount.fen().into(),
                ]
            })
            .collect();
        let into =
            "charge_sum (run_id, provider, organisation, item, kind, corrects, line_count, list_fen, amount_fen)";
        self.insert_many(into, "", &rows).await?;
        Ok(())
    }

    /// The sums of a run, by provider, organisation and item.
    pub async fn charge_sums(&mut self, run: RunId) -> Result<Vec<ChargeSum>, StoreError> {
        let sql = "SELECT * FROM charge_sum WHERE run_id = $1 ORDER BY provider, organisation, item, kind, corrects";
        let rows = self.all(sql, &[run.to_string().into()]).await?;
        rows.iter()
            .map(|row| {
                let corrects = row.text("corrects")?;
                Ok(ChargeSum {
                    provider: row.text("provider")?,
                    organisation: row.text("organisation")?,
                    item: row.text("item")?,
                    kind: row.text("kind")?,
                    corrects: if corrects.is_empty() {
                        None
                    } else {
                        Some(row.parsed("charge_sum", "corrects")?)
                    },
                    lines: row.int("line_count")?,
                    list: Money::from_fen(row.int("list_fen")?),
                    amount: Money::from_fen(row.int("amount_fen")?),
                })
            })
            .collect()
    }
}
