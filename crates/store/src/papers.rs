//! What stands around an application: evidence, expert reviews, offers and other papers.

use crate::{Connection, Row, StoreError, Value};
use kernel::{Digest, EvidenceId, Instant};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A file that proves something. The file lies outside the database, under its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// Its id.
    pub id: EvidenceId,
    /// About which matter.
    pub subject: String,
    /// Its name, as it was handed in.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// Its size. Units: bytes.
    pub size_bytes: i64,
    /// Its digest.
    pub digest: Digest,
    /// Who handed it in.
    pub given_by: String,
    /// When.
    pub at: Instant,
}

fn evidence(row: &Row) -> Result<EvidenceRecord, StoreError> {
    let table = "evidence";
    Ok(EvidenceRecord {
        id: row.parsed(table, "id")?,
        subject: row.text("subject")?,
        name: row.text("name")?,
        media_type: row.text("media_type")?,
        size_bytes: row.int("size_bytes")?,
        digest: row.parsed(table, "digest")?,
        given_by: row.text("given_by")?,
        at: Instant::from_unix_s(row.int("at_s")?),
    })
}

impl Connection {
    /// Records a file of evidence.
    pub async fn add_evidence(&mut self, new: &EvidenceRecord) -> Result<(), StoreError> {
        let values = [
            new.id.to_string().into(),
            new.subject.clone().into(),
            new.name.clone().into(),
            new.media_type.clone().into(),
            new.size_bytes.into(),
            new.digest.to_string().into(),
            new.given_by.clone().into(),
            new.at.unix_s().into(),
        ];
        let sql = "INSERT INTO evidence (id, subject, name, media_type, size_bytes, digest, given_by, at_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
        self.execute_one(sql, &values, &new.name).await
    }

    /// The evidence of a matter, in the order in which it came.
    pub async fn evidence_of(&mut self, subject: &str) -> Result<Vec<EvidenceRecord>, StoreError> {
        let sql = "SELECT * FROM evidence WHERE subject = $1 ORDER BY at_s, id";
        self.all(sql, &[subject.into()]).await?.iter().map(evidence).collect()
    }

    /// The digests of all files of evidence.
    pub async fn evidence_digests(&mut self) -> Result<Vec<Digest>, StoreError> {
        let sql = "SELECT DISTINCT digest FROM evidence";
        let rows = self.all(sql, &[]).await?;
        rows.iter().map(|row| row.parsed("evidence", "digest")).collect()
    }

    /// A file of evidence.
    pub async fn evidence(&mut self, id: EvidenceId) -> Result<Option<EvidenceRecord>, StoreError> {
        let sql = "SELECT * FROM evidence WHERE id = $1";
        self.first(sql, &[id.to_string().into()])
            .await?
            .as_ref()
            .map(evidence)
            .transpose()
    }

    /// Records an expert review of an application.
    pub async fn add_expert_review(
        &mut self,
        (number, request): (&str, &str),
        body: &impl Serialize,
        (by, at): (&str, Instant),
    ) -> Result<(), StoreError> {
        let body = Value::json("expert_review", number, body)?;
        let values = [number.into(), request.into(), body, by.into(), at.unix_s().into()];
        let sql = "INSERT INTO expert_review (number, request, body, recorded_by, at_s) VALUES ($1,$2,$3,$4,$5)";
        self.execute_one(sql, &values, number).await
    }

    /// The expert reviews of an application, in the order in which they were recorded.
    pub async fn expert_reviews<T: DeserializeOwned>(&mut self, request: &str) -> Result<Vec<T>, StoreError> {
        let sql = "SELECT body FROM expert_review WHERE request = $1 ORDER BY at_s, number";
        let rows = self.all(sql, &[request.into()]).await?;
        rows.iter().map(|row| row.json("expert_review", "body")).collect()
    }

    /// Saves what was noted of an expert review since it was recorded.
    pub async fn save_expert_review(&mut self, number: &str, body: &impl Serialize) -> Result<(), StoreError> {
        let values = [Value::json("expert_review", number, body)?, number.into()];
        let sql = "UPDATE expert_review SET body = $1 WHERE number = $2";
        self.execute_one(sql, &values, number).await
    }

    /// Records a provider's offer, in place of an earlier one.
    pub async fn set_offer(
        &mut self,
        (request, provider): (&str, &str),
        body: &impl Serialize,
        at: Instant,
    ) -> Result<(), StoreError> {
        let body = Value::json("offer", request, body)?;
        let values = [request.into(), provider.into(), body, at.unix_s().into()];
        let sql = "INSERT INTO offer (request, provider, body, at_s) VALUES ($1,$2,$3,$4) \
                   ON CONFLICT (request, provider) DO UPDATE SET body = $3, at_s = $4";
        self.execute_one(sql, &values, request).await
    }

    /// The offers for an application, by provider.
    pub async fn offers<T: DeserializeOwned>(&mut self, request: &str) -> Result<Vec<(String, T)>, StoreError> {
        let sql = "SELECT provider, body FROM offer WHERE request = $1 ORDER BY provider";
        let rows = self.all(sql, &[request.into()]).await?;
        rows.iter()
            .map(|row| Ok((row.text("provider")?, row.json("offer", "body")?)))
            .collect()
    }

    /// Stores or saves a paper of an application, by kind. `version` is the one that was read; 0 for a new one.
    pub async fn set_paper(
        &mut self,
        (request, kind): (&str, &str),
        body: &impl Serialize,
        version: i64,
    ) -> Result<(), StoreError> {
        let body = Value::json("request_paper", request, body)?;
        let values = [request.into(), kind.into(), body, version.into()];
        let sql = if version == 0 {
            "INSERT INTO request_paper (request, kind, body, version) VALUES ($1,$2,$3,$4 + 1)"
        } else {
            "UPDATE request_paper SET body = $3, version = version + 1 WHERE request = $1 AND kind = $2 AND version = $4"
        };
        self.execute_one(sql, &values, request).await
    }

    /// A paper of an application, and its version.
    pub async fn paper<T: DeserializeOwned>(
        &mut self,
        (request, kind): (&str, &str),
    ) -> Result<Option<(T, i64)>, StoreError> {
        let sql = "SELECT body, version FROM request_paper WHERE request = $1 AND kind = $2";
        let row = self.first(sql, &[request.into(), kind.into()]).await?;
        row.map(|row| Ok((row.json("request_paper", "body")?, row.int("version")?)))
            .transpose()
    }
}
