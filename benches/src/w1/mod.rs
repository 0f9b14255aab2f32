//! W1, month-end settlement: every segment under every price version in force in the month.
//!
//! Amounts are [`domain::rate::FlatRate`]; which version holds when is [`domain::rate::Tariffs`]; parts of the month
//! are [`kernel::Period`]. Row groups are rated in parallel, each batch while it is in the cache.

mod answer;
mod lines;
mod prices;
mod segments;

use crate::BenchError;
use crate::columns::Table;
use answer::Answer;
use prices::Prices;
use rayon::prelude::*;
use segments::{COLUMNS, rate_batch};
use std::hint::black_box;

/// Prints `lines groups fen s2`.
pub fn aggregate(folder: &str) -> Result<String, BenchError> {
    let prices = Prices::read(folder)?;
    let segments = Table::open(folder, "segments")?;
    let answers: Result<Vec<Answer>, BenchError> = (0..segments.groups())
        .into_par_iter()
        .map(|group| {
            let mut answer = Answer::new(&prices);
            segments.scan(group, &COLUMNS, |batch| {
                rate_batch(batch, &prices, |line| answer.add(line))
            })?;
            Ok(answer)
        })
        .collect();
    Ok(Answer::sum(answers?).to_string())
}

/// The same, and writes every line to a Parquet file.
pub fn write_lines(folder: &str, path: &str) -> Result<String, BenchError> {
    let prices = Prices::read(folder)?;
    let segments = Table::open(folder, "segments")?;
    let mut writer = lines::Writer::create(path)?;
    let rated: Result<Vec<_>, BenchError> = (0..segments.groups())
        .into_par_iter()
        .map(|group| {
            let mut answer = Answer::new(&prices);
            let mut encoder = writer.encoder(group)?;
            segments.scan(group, &COLUMNS, |batch| {
                rate_batch(batch, &prices, |line| {
                    answer.add(line)?;
                    encoder.push(line);
                    Some(())
                })?;
                encoder.flush()
            })?;
            Ok((answer, encoder.finish()?))
        })
        .collect();
    let (answers, chunks): (Vec<_>, Vec<_>) = rated?.into_iter().unzip();
    chunks.into_iter().try_for_each(|chunks| writer.append(chunks))?;
    writer.close()?;
    Ok(Answer::sum(answers).to_string())
}

/// Only decodes the same columns: what the others are measured against.
pub fn decode_only(folder: &str) -> Result<String, BenchError> {
    let segments = Table::open(folder, "segments")?;
    let rows: Result<Vec<usize>, BenchError> = (0..segments.groups())
        .into_par_iter()
        .map(|group| {
            let mut rows = 0;
            segments.scan(group, &COLUMNS, |batch| {
                rows += black_box(batch).rows();
                Ok(())
            })?;
            Ok(rows)
        })
        .collect();
    Ok(format!("{} rows decoded", rows?.into_iter().sum::<usize>()))
}
