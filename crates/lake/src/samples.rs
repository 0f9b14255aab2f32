//! Measured values, as the nodes gave them.

use crate::batch::Batch;
use crate::column::{Column, schema_of};
use crate::reading::Reading;
use crate::writing::Content;
use crate::{Dataset, Lake, LakeError, LakeFile, LakeName};
use domain::collect::Sample;
use domain::registry::Measure;
use kernel::{Digest, Digester, Instant, NodeCode, Quantity};

type NodeSample = (NodeCode, Sample);

fn columns(rows: &[NodeSample]) -> Vec<Column<'_>> {
    vec![
        Column::text("node", rows, |(node, _)| node.as_str()),
        Column::text("native_id", rows, |(_, sample)| &sample.native_id),
        Column::text("measure", rows, |(_, sample)| sample.measure.word()),
        Column::long("at_s", rows, |(_, sample)| sample.at.unix_s()),
        Column::long("value_micros", rows, |(_, sample)| sample.value.micros()),
    ]
}

fn decode(batch: &Batch<'_>) -> Result<Vec<NodeSample>, LakeError> {
    let nodes = batch.words("node", |text| text.parse::<NodeCode>().ok())?;
    let ids = batch.words("native_id", |text| Some(text.to_owned()))?;
    let measures = batch.words("measure", |text| text.parse::<Measure>().ok())?;
    let values = batch.longs("at_s")?.iter().zip(batch.longs("value_micros")?);
    let who = nodes.into_iter().zip(ids).zip(measures);
    let rows = who.zip(values).map(|(((node, native_id), measure), (at, value))| {
        let (at, value) = (Instant::from_unix_s(*at), Quantity::from_micros(*value));
        (
            node,
            Sample {
                native_id,
                measure,
                at,
                value,
            },
        )
    });
    Ok(rows.collect())
}

fn digest(rows: &[NodeSample]) -> Digest {
    let mut digester = Digester::new();
    for (node, sample) in rows {
        digester
            .text(node.as_str())
            .text(&sample.native_id)
            .text(sample.measure.word());
        digester.number(sample.at.unix_s()).number(sample.value.micros());
    }
    digester.finish()
}

impl Lake {
    /// Writes samples, each with the node it comes from, in the order they have.
    pub fn write_samples(&self, name: &LakeName, rows: &[(NodeCode, Sample)]) -> Result<LakeFile, LakeError> {
        let (count, digest) = (rows.len(), digest(rows));
        let columns = columns(rows);
        self.write(
            name,
            &Content {
                dataset: Dataset::Samples,
                columns,
                rows: count,
                digest,
                notes: Vec::new(),
            },
        )
    }

    /// Reads samples and checks their digest.
    pub fn read_samples(&self, path: &str) -> Result<Vec<(NodeCode, Sample)>, LakeError> {
        let reading = Reading::open(self.root(), path, Dataset::Samples, &schema_of(&columns(&[])))?;
        let mut rows = Vec::with_capacity(reading.rows());
        for group in reading.groups() {
            rows.append(&mut decode(&reading.group(group)?)?);
        }
        reading.check(digest(&rows))?;
        Ok(rows)
    }
}
