//! The workloads: production code over generated input, with what it cost.
//!
//! Prints the answer on one line, then the cost as JSON. Owns no arithmetic of money: amounts come from
//! [`domain::rate`], and an answer that differs from the reference is a fault of the product.

mod columns;
mod cost;
mod desk;
mod lake_lines;
mod production;
mod w1;
mod w1p;

use std::process::ExitCode;
use thiserror::Error;

const USAGE: &str = "usage: bench w1 DIR [--lines OUT.parquet | --decode-only]
       bench w1p DIR [--decode-only]
       bench lake DIR LINES
       bench path PROGRAM DIR RESOURCES
       bench desk PROGRAM DATABASE DIR APPLICATIONS USERS";

/// Why a workload did not come to an answer.
#[derive(Debug, Error)]
enum BenchError {
    #[error("{0}")]
    Usage(&'static str),
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path}: {source}")]
    Parquet {
        path: String,
        source: parquet::errors::ParquetError,
    },
    #[error("{path}: {what}")]
    Input { path: String, what: String },
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    #[error(transparent)]
    Amount(#[from] domain::rate::AmountError),
}

impl BenchError {
    fn file(path: &str, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

fn run(arguments: &[&str]) -> Result<String, BenchError> {
    match arguments {
        ["w1", folder] => w1::aggregate(folder),
        ["w1", folder, "--lines", lines] => w1::write_lines(folder, lines),
        ["w1", folder, "--decode-only"] => w1::decode_only(folder),
        ["w1p", folder, "--decode-only"] => w1p::decode_only(folder),
        ["lake", folder, lines] => lake_lines::write_and_read(folder, lines),
        ["path", program, folder, resources] => production::play(program, folder, resources),
        ["desk", program, database, folder, applications, users] => {
            desk::measure(program, (database, folder), applications, users)
        }
        ["w1p", folder] => w1p::rate_points(folder),
        _ => Err(BenchError::Usage(USAGE)),
    }
}

fn main() -> ExitCode {
    let clock = cost::Clock::start();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(answer) => {
            println!("{answer}\n{}", clock.stop());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
