//! Writing deliveries: what a simulated node does, and the counterpart that reading is tested against.

use super::{Delivery, FORMAT, INVENTORY, Manifest, ManifestFile, SAMPLES};
use crate::tabular::Template;
use crate::tabular::text::bare;
use domain::collect::{Look, Observation, Sample};
use kernel::code::NodeCode;
use kernel::{Digest, Instant};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a look as a numbered delivery, the manifest last, and tells the manifest's path.
///
/// Writing the same again changes nothing. Nothing is flushed to the disk: after a power cut the digests show what is
/// incomplete.
///
/// Errors: another delivery has this number (`AlreadyExists`); something could not be read back as it is
/// (`InvalidInput`); the folder cannot be written.
pub fn deliver(folder: &Path, node: &NodeCode, sequence: u64, look: &Look) -> io::Result<PathBuf> {
    let delivery = Delivery::new(folder, node, sequence).map_err(io::Error::other)?;
    check_readable(look)?;
    let mut files = vec![(
        delivery.inventory_name(),
        inventory_csv(&look.observations)?,
        look.observations.len(),
    )];
    if !look.samples.is_empty() {
        files.push((delivery.samples_name(), samples_csv(&look.samples)?, look.samples.len()));
    }
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        node: node.clone(),
        sequence,
        kind: look.kind,
        taken_at: look.taken_at,
        files: files
            .iter()
            .map(|(name, bytes, rows)| listed(name, bytes, *rows))
            .collect(),
    };
    let mut manifest_bytes = serde_json::to_vec_pretty(&manifest)?;
    manifest_bytes.push(b'\n');
    let manifest_path = delivery.path(&delivery.manifest_name());
    if manifest_path.exists() && std::fs::read(&manifest_path)? != manifest_bytes {
        let message = format!(
            "批次「{}」已经交付过，内容不同，请用新的批次号",
            delivery.manifest_name()
        );
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    for (name, bytes, _) in &files {
        put(&delivery, name, bytes)?;
    }
    put(&delivery, &delivery.manifest_name(), &manifest_bytes)
}

/// Writes a file of a delivery under another name first, so that under its own it is whole or not there.
pub(super) fn put(delivery: &Delivery, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = delivery.path(name);
    let part = delivery.path(&format!(".{name}.part"));
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, &path)?;
    Ok(path)
}

fn listed(name: &str, bytes: &[u8], rows: usize) -> ManifestFile {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    ManifestFile {
        name: name.to_owned(),
        rows: count(rows),
        bytes: count(bytes.len()),
        sm3: Digest::of(bytes),
    }
}

fn inventory_csv(observations: &[Observation]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(observations.len() * 200));
    write_heading(&mut writer, &INVENTORY)?;
    let moment = |at: Option<Instant>| at.map_or_else(String::new, |at| at.to_string());
    for seen in observations {
        writer.write_record([
            seen.native_id.as_str(),
            seen.kind.word(),
            &seen.class,
            &seen.name,
            &seen.project,
            &seen.zone,
            seen.state.word(),
            &seen.native_state,
            &seen.spec.to_string(),
            &moment(seen.created_at),
            &moment(seen.changed_at),
            &moment(seen.deleted_at),
            seen.parent.as_deref().unwrap_or_default(),
            seen.system_tag.as_deref().unwrap_or_default(),
        ])?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}

fn samples_csv(samples: &[Sample]) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(samples.len() * 100));
    write_heading(&mut writer, &SAMPLES)?;
    for sample in samples {
        let (at, value) = (sample.at.to_string(), sample.value.to_string());
        writer.write_record([sample.native_id.as_str(), sample.measure.word(), &at, &value])?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}

fn write_heading(writer: &mut csv::Writer<Vec<u8>>, template: &Template) -> io::Result<()> {
    Ok(writer.write_record(template.columns.iter().map(|column| column.field))?)
}

/// Refuses what reading would refuse or change: better here than at the other end.
fn check_readable(look: &Look) -> io::Result<()> {
    let refuse = |row: usize, what: &str| {
        let message = format!("第 {} 条{what}", row + 1);
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    };
    let in_range = |at: Instant| (Instant::MIN..=Instant::MAX).contains(&at);
    if !in_range(look.taken_at) {
        return refuse(0, "的时间超出范围");
    }
    let mut known = HashSet::new();
    for (row, seen) in look.observations.iter().enumerate() {
        let texts = [&seen.class, &seen.name, &seen.zone, &seen.native_state];
        let ids = [
            Some(&seen.native_id),
            Some(&seen.project),
            seen.parent.as_ref(),
            seen.system_tag.as_ref(),
        ];
        let times = [seen.created_at, seen.changed_at, seen.deleted_at];
        if !ids.into_iter().flatten().all(|text| is_sound(text) && !text.is_empty()) {
            return refuse(row, "资源的编号或项目为空，或首尾有空白");
        }
        if !texts.into_iter().all(|text| is_sound(text)) {
            return refuse(row, "资源的文字首尾有空白");
        }
        if !times.into_iter().flatten().all(in_range) || seen.spec.iter().any(|(_, q)| q.micros() < 0) {
            return refuse(row, "资源的时间或规格超出范围");
        }
        if !known.insert(seen.native_id.as_str()) {
            return refuse(row, "资源的编号重复");
        }
    }
    let mut known = HashSet::new();
    for (row, sample) in look.samples.iter().enumerate() {
        if !is_sound(&sample.native_id) || sample.native_id.is_empty() {
            return refuse(row, "采样的资源编号为空，或首尾有空白");
        }
        if !in_range(sample.at) || sample.value.micros() < 0 {
            return refuse(row, "采样的时间或数值超出范围");
        }
        if !known.insert((sample.native_id.as_str(), sample.measure, sample.at)) {
            return refuse(row, "采样重复");
        }
    }
    Ok(())
}

fn is_sound(text: &str) -> bool {
    bare(text).len() == text.len() && !text.contains('\0')
}
