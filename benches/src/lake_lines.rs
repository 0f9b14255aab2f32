//! The lake on its own: charge lines as a city has them, written, read back whole, and one of them looked up.

use crate::BenchError;
use crate::cost::peak_mib;
use domain::rate::{ChargeKind, ChargeMethod, ChargeRow, ChargeTable, FlatRate};
use kernel::{Factor, Interner, Money, Month, Quantity, Ratio, UnitPrice};
use lake::{Lake, LakeName};
use std::time::Duration;

/// Prints `lines bytes write_s read_s line_s`, and the peak memory once the lines were made, written, and read.
pub fn write_and_read(folder: &str, lines: &str) -> Result<String, BenchError> {
    let wrong = |what: &str| BenchError::Input {
        path: folder.to_owned(),
        what: what.to_owned(),
    };
    let count: u32 = lines.parse().map_err(|_| wrong("LINES must be a number"))?;
    let month = Month::new(2026, 3).ok_or_else(|| wrong("no such month"))?;
    let table = charges(count, month)?;
    let made = peak_mib();
    let lake = Lake::open(std::path::Path::new(folder))?;
    let (file, write) = timed(|| lake.write_charges(&LakeName::new(month, &format!("bench-{count}"))?, &table))?;
    drop(table);
    let written = peak_mib();
    let (back, read) = timed(|| lake.read_charges(&file.path))?;
    let read_mib = peak_mib();
    if back.digest() != file.digest {
        return Err(wrong("the lines read are not the lines written"));
    }
    drop(back);
    let middle = file.rows / 2;
    let (found, line) = timed(|| lake.read_charge_lines(&file.path, middle..=middle))?;
    if found.lines != [middle] {
        return Err(wrong("the line was not found"));
    }
    lake.remove([&file.path])?;
    let seconds = |time: Duration| format!("{:.3}", time.as_secs_f64());
    let times = [write, read, line].map(seconds).join(" ");
    let peaks = [made, written, read_mib]
        .map(|mib| mib.unwrap_or_default().to_string())
        .join(" ");
    Ok(format!("{} {} {times} {peaks}", file.rows, file.bytes))
}

fn timed<T>(work: impl FnOnce() -> Result<T, lake::LakeError>) -> Result<(T, Duration), BenchError> {
    let start = crate::cost::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}

/// Lines whose names repeat as a city's do: many resources, with two lines each, and few of everything else.
fn charges(count: u32, month: Month) -> Result<ChargeTable, BenchError> {
    let mut names = Interner::new();
    let period = month.period();
    let mut rows = Vec::new();
    for n in 0..count {
        let mut name = |kind: &str, of: u32| names.intern(&format!("{kind}-{of}"));
        let quantity = Quantity::from_micros(i64::from(n % 64 + 1) * 1_000_000);
        let (part, price) = (Ratio::ONE, UnitPrice::from_micros(i64::from(n % 977 + 1) * 10_000));
        rows.push(ChargeRow {
            kind: ChargeKind::Usage,
            method: ChargeMethod::Direct,
            resource: name("node-1/8f14e45f-ceea-467f-a7cb-000000000000", n / 2),
            allocation: name("order-2026-0301", n / 2),
            system: name("system", n / 2 % 293),
            organisation: name("department", n / 2 % 52),
            provider: name("provider", n % 3),
            contract: name("contract", n % 3),
            node: name("node", n % 3),
            pool: name("pool", n % 6),
            item: name("item", n % 40),
            price: name("contract-1/v2#clause", n % 40),
            cause: 0,
            month,
            quantity,
            from: period.from(),
            to: period.to(),
            part,
            factor: Factor::ONE,
            list: Money::ZERO,
            amount: FlatRate::new(price, Factor::ONE).amount(quantity, part)?,
        });
    }
    Ok(ChargeTable { names, rows })
}
