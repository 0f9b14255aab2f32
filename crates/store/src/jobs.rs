//! The queue of background work. Several workers take from it; a lease keeps two from doing the same.

use crate::requests::going;
use crate::{Connection, Row, Store, StoreError, Value};
use domain::work::JobState;
use kernel::{Instant, JobId};
use std::collections::BTreeMap;

const TABLE: &str = "job";
/// Work that can be taken at `$1`.
const DUE: &str = "((state = 'queued' AND run_s <= $1) OR (state = 'running' AND lease_until_s < $1))";

/// A piece of background work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// About which matter. Of a kind and subject at most one is waiting or running.
    pub subject: String,
    /// What else the work needs, as JSON.
    pub payload: String,
    /// Where it stands.
    pub state: JobState,
    /// Not before then.
    pub run: Instant,
    /// How often it was begun.
    pub attempts: i64,
    /// How often it may be begun.
    pub attempts_max: i64,
    /// Who is at it, until when.
    pub lease: Option<(String, Instant)>,
    /// Whether somebody wants it to stop.
    pub cancel: bool,
    /// Pieces done, of how many (0 while not known), of what.
    pub progress: (i64, i64, String),
    /// How it ended, in words.
    pub outcome: Option<String>,
    /// Who asked for it.
    pub asked_by: String,
    /// When it was asked for.
    pub created: Instant,
    /// When it ended.
    pub ended: Option<Instant>,
}

fn job(row: &Row) -> Result<Job, StoreError> {
    let owner = row.text_or_none("lease_owner")?;
    let until = row.int_or_none("lease_until_s")?.map(Instant::from_unix_s);
    Ok(Job {
        id: row.parsed(TABLE, "id")?,
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        payload: row.text("payload")?,
        state: row.parsed(TABLE, "state")?,
        run: Instant::from_unix_s(row.int("run_s")?),
        attempts: row.int("attempts")?,
        attempts_max: row.int("attempts_max")?,
        lease: owner.zip(until),
        cancel: row.int("cancel")? != 0,
        progress: (row.int("done")?, row.int("total")?, row.text("stage")?),
        outcome: row.text_or_none("outcome")?,
        asked_by: row.text("asked_by")?,
        created: Instant::from_unix_s(row.int("created_s")?),
        ended: row.int_or_none("ended_s")?.map(Instant::from_unix_s),
    })
}

impl Connection {
    /// Queues work, unless the same is waiting or running. Returns whether it was queued.
    pub async fn queue_job(&mut self, new: &Job) -> Result<bool, StoreError> {
        let values = [
            new.id.to_string().into(),
            new.kind.clone().into(),
            new.subject.clone().into(),
            new.payload.clone().into(),
            new.run.unix_s().into(),
            new.attempts_max.into(),
            new.asked_by.clone().into(),
            new.created.unix_s().into(),
        ];
        let sql = "INSERT INTO job (id, kind, subject, payload, state, run_s, attempts, attempts_max, cancel, done, \
                   total, stage, asked_by, created_s) VALUES ($1,$2,$3,$4,'queued',$5,0,$6,0,0,0,'',$7,$8) \
                   ON CONFLICT (kind, subject) WHERE state IN ('queued', 'running') DO NOTHING";
        Ok(self.execute(sql, &values).await? == 1)
    }

    /// Takes the next job that is due, or whose worker has gone silent, and leases it to `worker` until a moment.
    /// Writers stand in line, so that no two workers get the same.
    pub async fn take_job(
        &mut self,
        worker: &str,
        (now, until): (Instant, Instant),
    ) -> Result<Option<Job>, StoreError> {
        let sql = format!("SELECT * FROM job WHERE {DUE} ORDER BY run_s, id LIMIT 1");
        let Some(row) = self.first(&sql, &[now.unix_s().into()]).await? else {
            return Ok(None);
        };
        let mut job = job(&row)?;
        let values = [
            worker.into(),
            until.unix_s().into(),
            job.id.to_string().into(),
            job.attempts.into(),
        ];
        let sql = "UPDATE job SET state = 'running', lease_owner = $1, lease_until_s = $2, attempts = attempts + 1 \
                   WHERE id = $3 AND attempts = $4";
        self.execute_one(sql, &values, "后台任务").await?;
        job.state = JobState::Running;
        job.attempts += 1;
        job.lease = Some((worker.to_owned(), until));
        Ok(Some(job))
    }

    /// Renews a lease and notes progress. Returns whether the work may go on: the lease is still the worker's and
    /// nobody wants it to stop.
    pub async fn renew_job(
        &mut self,
        (id, worker): (JobId, &str),
        until: Instant,
        (done, total, stage): (i64, i64, &str),
    ) -> Result<bool, StoreError> {
        let values = [
            until.unix_s().into(),
            done.into(),
            total.into(),
            stage.into(),
            id.to_string().into(),
            worker.into(),
        ];
        let sql = "UPDATE job SET lease_until_s = $1, done = $2, total = $3, stage = $4 \
                   WHERE id = $5 AND lease_owner = $6 AND state = 'running' AND cancel = 0";
        Ok(self.execute(sql, &values).await? == 1)
    }

    /// Ends a job, or queues it again for `again`. Errors: the lease is no longer the worker's.
    pub async fn end_job(
        &mut self,
        (id, worker): (JobId, &str),
        (state, outcome): (JobState, &str),
        (at, again): (Instant, Option<Instant>),
    ) -> Result<(), StoreError> {
        let ended = again.is_none().then(|| at.unix_s());
        let values = [
            again.map_or(state, |_| JobState::Queued).word().into(),
            outcome.into(),
            again.unwrap_or(at).unix_s().into(),
            ended.into(),
            id.to_string().into(),
            worker.into(),
        ];
        let sql = "UPDATE job SET state = $1, outcome = $2, run_s = $3, ended_s = $4, lease_owner = NULL, \
                   lease_until_s = NULL WHERE id = $5 AND lease_owner = $6 AND state = 'running'";
        self.execute_one(sql, &values, "后台任务").await
    }

    /// Asks for a job to stop: one that waits is over, one that runs is told.
    pub async fn cancel_job(&mut self, id: JobId, at: Instant) -> Result<(), StoreError> {
        let sql = "UPDATE job SET cancel = 1, ended_s = CASE WHEN state = 'queued' THEN $1 ELSE ended_s END, \
                   state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END \
                   WHERE id = $2 AND state IN ('queued', 'running')";
        self.execute_one(sql, &[at.unix_s().into(), id.to_string().into()], "后台任务")
            .await
    }

    /// A job.
    pub async fn job(&mut self, id: JobId) -> Result<Option<Job>, StoreError> {
        let sql = "SELECT * FROM job WHERE id = $1";
        self.first(sql, &[id.to_string().into()])
            .await?
            .as_ref()
            .map(job)
            .transpose()
    }

    /// The job of a kind about a matter that waits or runs, if there is one.
    pub async fn open_job(&mut self, kind: &str, subject: &str) -> Result<Option<Job>, StoreError> {
        let sql = "SELECT * FROM job WHERE kind = $1 AND subject = $2 AND state IN ('queued', 'running')";
        let row = self.first(sql, &[kind.into(), subject.into()]).await?;
        row.as_ref().map(job).transpose()
    }

    /// The newest jobs that fit, at most `limit`.
    pub async fn jobs(&mut self, filter: &JobFilter, limit: i64) -> Result<Vec<Job>, StoreError> {
        let (on, order) = going(filter.oldest_first);
        let before_all = if filter.oldest_first { "" } else { "job_~" };
        let after = filter.after.map_or_else(|| before_all.to_owned(), |id| id.to_string());
        let mut values: Vec<Value> = vec![after.into(), limit.into()];
        let mut conditions = String::new();
        let wanted = [
            ("state", filter.state.map(|state| state.word().to_owned())),
            ("kind", filter.kind.clone()),
            ("subject", filter.subject.clone()),
        ];
        for (column, value) in wanted {
            if let Some(value) = value {
                values.push(value.into());
                conditions.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        let sql = format!("SELECT * FROM job WHERE id {on} $1{conditions} ORDER BY id {order} LIMIT $2");
        self.all(&sql, &values).await?.iter().map(job).collect()
    }

    /// Forgets jobs that ended as wanted before a moment, and those that ended otherwise before an earlier one; and
    /// deliveries likewise.
    pub async fn forget_jobs(&mut self, done: Instant, failed: Instant) -> Result<u64, StoreError> {
        let values = [done.unix_s().into(), failed.unix_s().into()];
        let jobs = "DELETE FROM job WHERE (state = 'done' AND ended_s < $1) \
                    OR (state IN ('failed', 'cancelled') AND ended_s < $2)";
        let deliveries = "DELETE FROM delivery WHERE (state = 'delivered' AND ended_s < $1) \
                          OR (state = 'dead' AND ended_s < $2)";
        Ok(self.execute(jobs, &values).await? + self.execute(deliveries, &values).await?)
    }

    /// When each recurring work was last queued.
    pub async fn rhythms(&mut self) -> Result<BTreeMap<String, Instant>, StoreError> {
        let rows = self.all("SELECT * FROM rhythm", &[]).await?;
        let last = |row: &Row| Ok((row.text("kind")?, Instant::from_unix_s(row.int("last_s")?)));
        rows.iter().map(last).collect()
    }

    /// Whether work waits that is due, or whose worker has gone silent.
    pub async fn job_waits(&mut self, now: Instant) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 AS one FROM job WHERE {DUE} LIMIT 1");
        Ok(self.first(&sql, &[now.unix_s().into()]).await?.is_some())
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only about this matter.
    pub subject: Option<String>,
    /// Only those after this one in the order of the list.
    pub after: Option<JobId>,
    /// The oldest first; else the newest.
    pub oldest_first: bool,
}

/// What workers note about their own work: no act of anybody, so not audited. What a job does is audited by itself.
impl Store {
    /// Takes the next job that is due; see [`Connection::take_job`].
    pub async fn lease_job(&self, worker: &str, times: (Instant, Instant)) -> Result<Option<Job>, StoreError> {
        // Looking costs no turn in the line of writers.
        if !self.read().await?.job_waits(times.0).await? {
            return Ok(None);
        }
        let mut write = self.write().await?;
        let job = write.take_job(worker, times).await?;
        write.commit().await?;
        Ok(job)
    }

    /// Renews a lease; see [`Connection::renew_job`].
    pub async fn renew_lease(
        &self,
        of: (JobId, &str),
        until: Instant,
        progress: (i64, i64, &str),
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let goes_on = write.renew_job(of, until, progress).await?;
        write.commit().await?;
        Ok(goes_on)
    }

    /// Keeps a lease while a step takes long, also of work that is to stop: it may not yet have. Returns whether the
    /// lease is still the worker's and nobody wants it to stop.
    pub async fn keep_lease(&self, (id, worker): (JobId, &str), until: Instant) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let sql = "UPDATE job SET lease_until_s = $1 WHERE id = $2 AND lease_owner = $3 AND state = 'running'";
        let values = [until.unix_s().into(), id.to_string().into(), worker.into()];
        let kept = write.execute(sql, &values).await? == 1;
        let goes_on = kept && write.job(id).await?.is_some_and(|job| !job.cancel);
        write.commit().await?;
        Ok(goes_on)
    }

    /// Queues recurring work for a moment, if `last` is still the one it was last queued for. Returns whether it was.
    pub async fn queue_recurring(
        &self,
        new: &Job,
        (last, moment): (Option<Instant>, Instant),
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let (kind, moment) = (Value::from(&new.kind), Value::from(moment.unix_s()));
        let noted = match last {
            None => {
                let sql = "INSERT INTO rhythm (kind, last_s) VALUES ($1,$2) ON CONFLICT (kind) DO NOTHING";
                write.execute(sql, &[kind, moment]).await?
            }
            Some(last) => {
                let sql = "UPDATE rhythm SET last_s = $2 WHERE kind = $1 AND last_s = $3";
                write.execute(sql, &[kind, moment, last.unix_s().into()]).await?
            }
        };
        let queued = noted == 1 && write.queue_job(new).await?;
        write.commit().await?;
        Ok(queued)
    }

    /// Ends a job, or queues it again; see [`Connection::end_job`].
    pub async fn end_lease(
        &self,
        of: (JobId, &str),
        outcome: (JobState, &str),
        times: (Instant, Option<Instant>),
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        write.end_job(of, outcome, times).await?;
        write.commit().await
    }
}
