//! Accepting a reduction: the lines are cut to what the rules allow, by one click of the applicant.

use super::RequestError;
use super::check::judge;
use super::draft::{rewrite, writable};
use super::sight::same_version;
use crate::{AppError, OpContext};
use domain::registry::Spec;
use domain::request::{Declaration, RequestKind, RequestLine, ResourceRequest};
use domain::rules::{Check, Outcome, ReducedLine, Stock};
use kernel::{AllocationCode, Quantity};
use std::collections::{BTreeMap, BTreeSet};

/// Cuts the lines of a draft to what the rules allow now. It is handed in afterwards. Errors: nothing is to be cut.
pub async fn accept_reduction(ctx: &OpContext, number: &str, version: i64) -> Result<ResourceRequest, AppError> {
    let seen = writable(ctx, number).await?;
    same_version(&seen, version)?;
    let (checks, stock, had) = {
        let mut read = ctx.store().read().await?;
        let judged = judge(ctx, &mut read, &seen).await?;
        let mut had = BTreeMap::new();
        for code in seen.named() {
            let newest = read.allocations_of(code.as_str()).await?.pop();
            had.extend(newest.map(|allocation| (code.clone(), allocation.spec)));
        }
        (judged.checks, judged.facts.stock, had)
    };
    let to = allowed(&checks);
    if to.is_empty() {
        return Err(RequestError::NothingToReduce.into());
    }
    let takes_up = taken_up(&seen, &to, &stock);
    let change = |request: &ResourceRequest| {
        let left = reduced(request, &to, &had);
        ResourceRequest {
            declared: Declaration {
                takes_up: takes_up.clone(),
                own_purchases: follow(&left, &request.declared.own_purchases),
                ..request.declared.clone()
            },
            lines: super::draft::numbered(left),
            ..request.clone()
        }
    };
    rewrite(ctx, (number, version), "request.reduce", change).await
}

/// The idle resources that are used instead of what was cut, beside those of a reduction before.
fn taken_up(request: &ResourceRequest, to: &BTreeMap<u32, Spec>, stock: &[Stock]) -> BTreeSet<AllocationCode> {
    let cut = request.lines.iter().filter(|line| to.contains_key(&line.line));
    let kinds: BTreeSet<_> = cut.map(|line| line.kind).collect();
    let idle = stock.iter().filter(|entry| kinds.contains(&entry.kind));
    let idle = idle
        .flat_map(|entry| &entry.resources)
        .filter_map(|code| code.parse().ok());
    idle.chain(request.declared.takes_up.iter().cloned()).collect()
}

/// What the rules leave of each line; of several rules the one that leaves least.
fn allowed(checks: &[Check]) -> BTreeMap<u32, Spec> {
    let mut allowed: BTreeMap<u32, Spec> = BTreeMap::new();
    for check in checks {
        let Outcome::Reduce { to } = &check.outcome else {
            continue;
        };
        for ReducedLine { line, quantities } in to {
            let known = allowed.entry(*line).or_insert_with(|| quantities.clone());
            *known = quantities.iter().fold(Spec::new(), |least, (measure, quantity)| {
                let other = known.get(measure).unwrap_or(quantity);
                least.with(measure, quantity.min(other))
            });
        }
    }
    allowed
}

/// The lines that are left, under the numbers they had.
fn reduced(
    request: &ResourceRequest,
    to: &BTreeMap<u32, Spec>,
    had: &BTreeMap<AllocationCode, Spec>,
) -> Vec<RequestLine> {
    let cut = |line: &RequestLine| match to.get(&line.line) {
        None => Some(line.clone()),
        Some(left) if request.kind == RequestKind::Change => cut_change(line, left, had),
        Some(left) => cut_new(line, left),
    };
    request.lines.iter().filter_map(cut).collect()
}

/// What was declared of lines, by the numbers they get now.
fn follow(left: &[RequestLine], declared: &BTreeMap<u32, String>) -> BTreeMap<u32, String> {
    let moved = |(line, number): (&RequestLine, u32)| Some((number, declared.get(&line.line)?.clone()));
    left.iter().zip(1..).filter_map(moved).collect()
}

/// A line of several pieces keeps whole pieces; one piece keeps as much of its size as is left. None: nothing is left.
fn cut_new(line: &RequestLine, left: &Spec) -> Option<RequestLine> {
    if line.count == 1 {
        let spec = line.spec.iter().fold(Spec::new(), |spec, (measure, had)| {
            spec.with(measure, left.get(measure).unwrap_or(had))
        });
        let is_something = spec.iter().all(|(_, quantity)| quantity > Quantity::ZERO);
        return is_something.then(|| RequestLine { spec, ..line.clone() });
    }
    let pieces = |(measure, each): (_, Quantity)| left.get(measure)?.micros().checked_div(each.micros());
    let count = line.spec.iter().filter_map(pieces).min()?;
    let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
    Some(RequestLine { count, ..line.clone() })
}

/// What is left of a change comes on top of what there is. None: nothing is left of it.
fn cut_change(line: &RequestLine, left: &Spec, had: &BTreeMap<AllocationCode, Spec>) -> Option<RequestLine> {
    let there = had.get(line.allocation.as_ref()?)?;
    let spec = line.spec.iter().fold(Spec::new(), |spec, (measure, wanted)| {
        let base = there.get(measure).unwrap_or(Quantity::ZERO);
        let cut = left.get(measure).and_then(|more| base.checked_add(more));
        spec.with(measure, cut.unwrap_or(wanted))
    });
    let differs = spec
        .iter()
        .any(|(measure, quantity)| there.get(measure) != Some(quantity));
    differs.then(|| RequestLine { spec, ..line.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::catalogue::ServiceForm;
    use domain::registry::ResourceKind;
    use domain::rules::Purpose;

    fn line(spec: &str, count: u32) -> RequestLine {
        RequestLine {
            line: 1,
            kind: ResourceKind::Server,
            class: String::new(),
            form: ServiceForm::SharedCloud,
            pool: None,
            spec: spec.parse().unwrap(),
            count,
            purpose: Purpose::Production,
            until: None,
            allocation: None,
        }
    }

    fn left(text: &str) -> Spec {
        text.parse().unwrap()
    }

    #[test]
    fn pieces_are_cut_whole() {
        // Four servers of 4 and 8; three of them are left: 12 and 24.
        let cut = cut_new(&line("vcpu=4 memory_gib=8", 4), &left("vcpu=12 memory_gib=24 count=3")).unwrap();
        assert_eq!((cut.count, cut.spec.to_string().as_str()), (3, "vcpu=4 memory_gib=8"));
        assert_eq!(cut_new(&line("vcpu=4", 4), &left("vcpu=0 count=0")), None);
        // 11 processors are two servers of 4, not three.
        assert_eq!(cut_new(&line("vcpu=4", 4), &left("vcpu=11")).unwrap().count, 2);
    }

    #[test]
    fn one_piece_is_cut_in_size() {
        let cut = cut_new(&line("storage_gib=500", 1), &left("storage_gib=120")).unwrap();
        assert_eq!((cut.count, cut.spec.to_string().as_str()), (1, "storage_gib=120"));
        assert_eq!(cut_new(&line("storage_gib=500", 1), &left("storage_gib=0")), None);
    }

    #[test]
    fn what_was_declared_of_a_line_stays_with_it() {
        let left = [
            line("vcpu=4", 1),
            RequestLine {
                line: 3,
                ..line("vcpu=4", 1)
            },
        ];
        let declared = BTreeMap::from([(2, "小型机".to_owned()), (3, "存储一体机".to_owned())]);
        // The second line is gone, so the third is the second now.
        assert_eq!(follow(&left, &declared), BTreeMap::from([(2, "存储一体机".to_owned())]));
    }

    #[test]
    fn a_change_keeps_what_there_is() {
        let code: AllocationCode = "FP-1".parse().unwrap();
        let had = BTreeMap::from([(code.clone(), left("vcpu=4 memory_gib=8"))]);
        let wanted = RequestLine {
            allocation: Some(code),
            ..line("vcpu=16 memory_gib=8", 1)
        };
        // Twelve more were asked for, five are allowed: nine in all.
        let cut = cut_change(&wanted, &left("vcpu=5"), &had).unwrap();
        assert_eq!(cut.spec.to_string(), "vcpu=9 memory_gib=8");
        assert_eq!(cut_change(&wanted, &left("vcpu=0"), &had), None);
    }
}
