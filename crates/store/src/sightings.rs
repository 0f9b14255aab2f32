//! Sightings: for each resource of a node, from when to when it was seen to be what.

use crate::{Connection, Row, StoreError, Value};
use domain::collect::{Observation, Sighting, SightingChange};
use kernel::{Instant, NodeCode, Period};

const TABLE: &str = "sighting";
const COLUMNS: &str = "sighting (node, native_id, from_s, to_s, kind, class, name, project, zone, state, native_state, spec, created_s, parent, system_tag)";

fn sighting(row: &Row) -> Result<Sighting, StoreError> {
    let from = Instant::from_unix_s(row.int("from_s")?);
    let to = row.int_or_none("to_s")?.map(Instant::from_unix_s);
    let native_id = row.text("native_id")?;
    let period = Period::open(from, to).map_err(|why| StoreError::BadRow {
        table: TABLE,
        key: native_id.clone(),
        why: why.to_string(),
    })?;
    let seen = Observation {
        kind: row.parsed(TABLE, "kind")?,
        class: row.text("class")?,
        name: row.text("name")?,
        project: row.text("project")?,
        zone: row.text("zone")?,
        state: row.parsed(TABLE, "state")?,
        native_state: row.text("native_state")?,
        spec: row.parsed(TABLE, "spec")?,
        created_at: row.int_or_none("created_s")?.map(Instant::from_unix_s),
        changed_at: None,
        deleted_at: None,
        parent: row.text_or_none("parent")?,
        system_tag: row.text_or_none("system_tag")?,
        native_id,
    };
    Ok(Sighting { period, seen })
}

impl Connection {
    /// Sightings of a node that share time with a period, by resource and start.
    pub async fn sightings_within(&mut self, node: &NodeCode, period: Period) -> Result<Vec<Sighting>, StoreError> {
        let sql = "SELECT * FROM sighting WHERE node = $1 AND from_s < $2 AND (to_s IS NULL OR to_s > $3) \
                   ORDER BY native_id, from_s";
        let values = [
            node.to_string().into(),
            period.to().unix_s().into(),
            period.from().unix_s().into(),
        ];
        self.all(sql, &values).await?.iter().map(sighting).collect()
    }

    /// Sightings of a node that hold at a moment or begin after it: all that a look of that moment can change.
    pub async fn sightings_from(&mut self, node: &NodeCode, at: Instant) -> Result<Vec<Sighting>, StoreError> {
        let sql = "SELECT * FROM sighting WHERE node = $1 AND (to_s IS NULL OR to_s > $2) ORDER BY native_id, from_s";
        self.all(sql, &[node.to_string().into(), at.unix_s().into()])
            .await?
            .iter()
            .map(sighting)
            .collect()
    }

    /// The same for some resources only; enough for a look that tells of changes.
    pub async fn sightings_of(
        &mut self,
        node: &NodeCode,
        native_ids: &[&str],
        at: Instant,
    ) -> Result<Vec<Sighting>, StoreError> {
        let mut found = Vec::new();
        for ids in native_ids.chunks(500) {
            let places: Vec<String> = (3..ids.len() + 3).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT * FROM sighting WHERE node = $1 AND (to_s IS NULL OR to_s > $2) AND native_id IN ({}) \
                 ORDER BY native_id, from_s",
                places.join(",")
            );
            let mut values = vec![node.to_string().into(), at.unix_s().into()];
            values.extend(ids.iter().map(|id| Value::from(*id)));
            for row in self.all(&sql, &values).await? {
                found.push(sighting(&row)?);
            }
        }
        Ok(found)
    }

    /// Carries out what a look changes.
    pub async fn apply_sightings(&mut self, node: &NodeCode, changes: &[SightingChange]) -> Result<(), StoreError> {
        // Ends first, so that a resource never has two open stretches.
        for change in changes {
            let (sql, native_id, from, to) = match change {
                SightingChange::Add(_) => continue,
                SightingChange::End { native_id, from, to } => (
                    "UPDATE sighting SET to_s = $4 WHERE node = $1 AND native_id = $2 AND from_s = $3",
                    native_id,
                    from,
                    Some(to.unix_s()),
                ),
                SightingChange::Drop { native_id, from } => (
                    "DELETE FROM sighting WHERE node = $1 AND native_id = $2 AND from_s = $3",
                    native_id,
                    from,
                    None,
                ),
            };
            let mut values = vec![node.to_string().into(), native_id.clone().into(), from.unix_s().into()];
            values.extend(to.map(Value::from));
            self.execute_one(sql, &values, native_id).await?;
        }
        let added = changes.iter().filter_map(|change| match change {
            SightingChange::Add(sighting) => Some(row_of(node, sighting)),
            SightingChange::End { .. } | SightingChange::Drop { .. } => None,
        });
        let rows: Vec<Vec<Value>> = added.collect();
        self.insert_many(COLUMNS, "", &rows).await?;
        Ok(())
    }
}

fn row_of(node: &NodeCode, sighting: &Sighting) -> Vec<Value> {
    let seen = &sighting.seen;
    vec![
        node.to_string().into(),
        seen.native_id.clone().into(),
        sighting.period.from().unix_s().into(),
        sighting.period.end().map(Instant::unix_s).into(),
        seen.kind.word().into(),
        seen.class.clone().into(),
        seen.name.clone().into(),
        seen.project.clone().into(),
        seen.zone.clone().into(),
        seen.state.word().into(),
        seen.native_state.clone().into(),
        seen.spec.to_string().into(),
        seen.created_at.map(Instant::unix_s).into(),
        seen.parent.clone().into(),
        seen.system_tag.clone().into(),
    ]
}
