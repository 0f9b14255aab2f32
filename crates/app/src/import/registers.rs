//! What all registers share: versions that begin to hold on a day, and codes that refer to each other.

use super::cells::clip;
use super::job::{Cause, Job, Line};
use crate::AppError;
use domain::registry::{History, Organisation, Registered, Side, Version};
use kernel::{Faults, OrganisationCode};
use sources::tabular::Records;
use std::collections::HashSet;

/// The texts of a field in all rows of the file, faulty rows included: what a row may refer to although it is not
/// stored yet. So a fault in one row is not repeated in every row that names it.
pub(super) fn listed<'r>(records: &'r Records<'_>, field: &str) -> HashSet<&'r str> {
    records.iter().map(|record| record.text(field)).collect()
}

/// Notes a fault if a code that a row refers to is not known.
pub(super) fn refer<T>(line: &Line<'_, T>, field: &str, what: &str, known: bool, faults: &mut Faults) {
    if !known {
        let text = clip(line.record.text(field));
        line.fault(
            field,
            format!("没有登记代码为「{text}」的{what}，请先导入，或改正代码"),
            faults,
        );
    }
}

/// Notes a fault at `provider` if the code there is of nobody registered, or of no provider.
pub(super) fn refer_provider<T>(
    line: &Line<'_, T>,
    code: &OrganisationCode,
    organisations: &History<Organisation>,
    faults: &mut Faults,
) {
    match organisations.latest(code.as_str()) {
        None => refer(line, "provider", "云服务商", false, faults),
        Some(other) if other.side != Side::Provider => {
            let why = format!("「{code}」登记的类别是{}，不是云服务商", other.side.zh());
            line.fault("provider", why, faults);
        }
        Some(_) => {}
    }
}

/// Puts the rows into the history, in order of their days, and counts what they do. Returns what is new, to be stored.
///
/// `concern` tells whether a change from what held before matters to a month that is closed.
pub(super) fn put_in<T: Registered>(
    job: &mut Job<'_>,
    history: &mut History<T>,
    mut rows: Vec<Line<'_, Version<T>>>,
    subject: &'static str,
    concern: impl Fn(Option<&T>, &T) -> Option<Cause>,
) -> Result<Vec<Version<T>>, AppError> {
    rows.sort_by_key(|line| line.value.valid_from);
    let mut new = Vec::new();
    for line in rows {
        let version = &line.value;
        let code = version.body.code();
        let was_known = history.knows(&code);
        let held = history.at(&code, version.valid_from);
        let cause = concern(held, &version.body);
        let repeats = held == Some(&version.body);
        if let Some(held) = held.filter(|_| !repeats) {
            job.changed((&code, version.valid_from), held, &version.body)?;
        }
        match history.add(version.clone()) {
            Ok(false) => job.counts.unchanged += 1,
            Ok(true) => {
                match (was_known, repeats) {
                    (_, true) => job.counts.unchanged += 1,
                    (true, _) => job.counts.changed += 1,
                    (false, _) => job.counts.new += 1,
                }
                if let Some((cause, holds)) = cause.zip(history.holds(&code, version.valid_from)) {
                    job.concerns(holds, cause, subject, 1);
                }
                new.push(line.value);
            }
            Err(why) => line.fault("valid_from", why, &mut job.faults),
        }
    }
    Ok(new)
}
