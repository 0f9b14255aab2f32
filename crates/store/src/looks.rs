//! Looks that were taken in, each once.

use crate::{Connection, Row, StoreError};
use domain::collect::LookKind;
use kernel::{Digest, Instant, NodeCode, Period};

const TABLE: &str = "look";

/// One look that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookRecord {
    /// The node.
    pub node: NodeCode,
    /// The moment it speaks of.
    pub taken_at: Instant,
    /// Number of the file, for nodes that deliver numbered files.
    pub sequence: Option<i64>,
    /// Everything, or changes.
    pub kind: LookKind,
    /// Digest of what was received.
    pub digest: Digest,
    /// Resources in it.
    pub observations: i64,
    /// Measured values in it.
    pub samples: i64,
    /// Sightings it changed.
    pub changes: i64,
    /// Where the raw payload is kept, below the data folder.
    pub payload: String,
    /// When it was taken in.
    pub received_at: Instant,
}

fn look(row: &Row) -> Result<LookRecord, StoreError> {
    Ok(LookRecord {
        node: row.parsed(TABLE, "node")?,
        taken_at: Instant::from_unix_s(row.int("taken_s")?),
        sequence: row.int_or_none("sequence")?,
        kind: row.parsed(TABLE, "kind")?,
        digest: row.parsed(TABLE, "digest")?,
        observations: row.int("observations")?,
        samples: row.int("samples")?,
        changes: row.int("changes")?,
        payload: row.text("payload")?,
        received_at: Instant::from_unix_s(row.int("received_s")?),
    })
}

impl Connection {
    /// All looks at a node, in order of their moments.
    pub async fn looks(&mut self, node: &NodeCode) -> Result<Vec<LookRecord>, StoreError> {
        self.all(
            "SELECT * FROM look WHERE node = $1 ORDER BY taken_s",
            &[node.to_string().into()],
        )
        .await?
        .iter()
        .map(look)
        .collect()
    }

    /// The moments of the looks at a node that may matter to a period: those inside, and one on either side.
    pub async fn look_moments(&mut self, node: &NodeCode, period: Period) -> Result<Vec<Instant>, StoreError> {
        let sql = "SELECT taken_s FROM look WHERE node = $1 \
                   AND taken_s >= COALESCE((SELECT max(taken_s) FROM look WHERE node = $1 AND taken_s <= $2), $2) \
                   AND taken_s <= COALESCE((SELECT min(taken_s) FROM look WHERE node = $1 AND taken_s >= $3), $3) \
                   ORDER BY taken_s";
        let values = [
            node.to_string().into(),
            period.from().unix_s().into(),
            period.to().unix_s().into(),
        ];
        self.all(sql, &values)
            .await?
            .iter()
            .map(|row| Ok(Instant::from_unix_s(row.int("taken_s")?)))
            .collect()
    }

    /// The last look before a moment.
    pub async fn look_before(&mut self, node: &NodeCode, at: Instant) -> Result<Option<LookRecord>, StoreError> {
        let sql = "SELECT * FROM look WHERE node = $1 AND taken_s < $2 ORDER BY taken_s DESC LIMIT 1";
        self.first(sql, &[node.to_string().into(), at.unix_s().into()])
            .await?
            .as_ref()
            .map(look)
            .transpose()
    }

    /// The moment of the first full look after a moment.
    pub async fn full_look_after(&mut self, node: &NodeCode, at: Instant) -> Result<Option<Instant>, StoreError> {
        let sql = "SELECT min(taken_s) AS taken_s FROM look WHERE node = $1 AND taken_s > $2 AND kind = $3";
        let values = [
            node.to_string().into(),
            at.unix_s().into(),
            LookKind::Full.word().into(),
        ];
        let row = self.first(sql, &values).await?;
        row.map_or(Ok(None), |row| {
            Ok(row.int_or_none("taken_s")?.map(Instant::from_unix_s))
        })
    }

    /// The look with a moment or a number, if it was taken in already.
    pub async fn find_look(
        &mut self,
        node: &NodeCode,
        taken_at: Instant,
        sequence: Option<i64>,
    ) -> Result<Option<LookRecord>, StoreError> {
        let sql = "SELECT * FROM look WHERE node = $1 AND (taken_s = $2 OR sequence = $3) LIMIT 1";
        let values = [node.to_string().into(), taken_at.unix_s().into(), sequence.into()];
        self.first(sql, &values).await?.as_ref().map(look).transpose()
    }

    /// Stores a look.
    pub async fn add_look(&mut self, look: &LookRecord) -> Result<(), StoreError> {
        let values = [
            look.node.to_string().into(),
            look.taken_at.unix_s().into(),
            look.sequence.into(),
            look.kind.word().into(),
            look.digest.to_string().into(),
            look.observations.into(),
            look.samples.into(),
            look.changes.into(),
            look.payload.clone().into(),
            look.received_at.unix_s().into(),
        ];
        let sql = "INSERT INTO look (node, taken_s, sequence, kind, digest, observations, samples, changes, payload, received_s) \
                   VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)";
        self.execute_one(sql, &values, look.node.as_str()).await
    }
}
