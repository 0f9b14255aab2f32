//! What allocations and accepted work share: intervals put to those that are stored.
//!
//! An interval is known by its number and start. It is never overwritten; the only change is that an open one ends.

use super::job::{Cause, Job, Line};
use super::registers::refer;
use crate::AppError;
use domain::catalogue::Contract;
use domain::meter::{Allocation, AllocationError, check_allocations};
use domain::registry::{History, Registry, ResourceKind};
use kernel::{AllocationCode, Faults, Instant, Period};
use std::collections::{HashMap, HashSet};

type Row<'r> = Line<'r, Allocation>;

/// Checks, stores and counts intervals. `listed` are the numbers in the file; `subject` is what they are called where
/// they concern a closed month.
pub(super) async fn put_in(
    job: &mut Job<'_>,
    listed: &HashSet<&str>,
    rows: Vec<Row<'_>>,
    subject: &'static str,
) -> Result<(), AppError> {
    let registry = job.work.registry().await?;
    let contracts: History<Contract> = job.work.history().await?;
    let stored = job.work.allocations().await?;
    let codes: HashSet<&AllocationCode> = stored.iter().map(|a| &a.code).collect();
    for line in &rows {
        check(line, &registry, &contracts, &mut job.faults);
        let parent = line.value.parent.as_ref();
        let known = parent.is_none_or(|code| codes.contains(code) || listed.contains(code.as_str()));
        refer(line, "parent", "分配单", known, &mut job.faults);
    }
    let sorted = sort_out(job, &stored, &rows);
    check_together(&stored, &sorted, &mut job.faults);
    job.refuse_faults()?;

    let new: Vec<Allocation> = sorted.new.iter().map(|line| line.value.clone()).collect();
    for allocation in &new {
        job.concerns(allocation.period, Cause::LateData, subject, 1);
    }
    job.work.add_allocations(&new, Some(job.id)).await?;
    for line in &sorted.ended {
        let end = line.value.period.to();
        job.work.end_allocation(&line.value, end).await?;
        // Before its end nothing is other than it was.
        if let Ok(after) = Period::open(end, None) {
            job.concerns(after, Cause::LateData, subject, 1);
        }
    }
    job.counts.new += u64::try_from(sorted.new.len()).unwrap_or(u64::MAX);
    job.counts.changed += u64::try_from(sorted.ended.len()).unwrap_or(u64::MAX);
    Ok(())
}

/// Whether everything exists that a row refers to, and fits together.
fn check(line: &Row<'_>, registry: &Registry, contracts: &History<Contract>, faults: &mut Faults) {
    let allocation = &line.value;
    let from = allocation.period.from();
    refer(
        line,
        "system",
        "信息系统",
        registry.systems.knows(allocation.system.as_str()),
        faults,
    );
    let node = registry
        .nodes
        .at(allocation.node.as_str(), from)
        .or_else(|| registry.nodes.latest(allocation.node.as_str()));
    refer(line, "node", "云节点", node.is_some(), faults);
    if let Some(code) = &allocation.pool {
        match registry.pools.latest(code.as_str()) {
            None => refer(line, "pool", "资源池", false, faults),
            Some(pool) if pool.node != allocation.node => {
                line.fault(
                    "pool",
                    format!("资源池「{code}」在云节点 {}，不在 {}", pool.node, allocation.node),
                    faults,
                );
            }
            Some(_) => {}
        }
    }
    if let Some(code) = &allocation.contract {
        match contracts.latest(code.as_str()).zip(node) {
            None => refer(line, "contract", "合同", contracts.knows(code.as_str()), faults),
            Some((contract, node)) if contract.provider != node.provider => {
                let why = format!(
                    "合同「{code}」的云服务商是 {}，而云节点由 {} 运营",
                    contract.provider, node.provider
                );
                line.fault("contract", why, faults);
            }
            Some(_) => {}
        }
    }
}

/// The rows by what they do.
struct Sorted<'l, 'r> {
    new: Vec<&'l Row<'r>>,
    ended: Vec<&'l Row<'r>>,
}

fn sort_out<'l, 'r>(job: &mut Job<'_>, stored: &'l [Allocation], rows: &'l [Row<'r>]) -> Sorted<'l, 'r> {
    let key = |a: &'l Allocation| (&a.code, a.period.from());
    let there: HashMap<_, &Allocation> = stored.iter().map(|a| (key(a), a)).collect();
    // Work is charged once: its number stands for one acceptance, and for nothing else.
    let mut work: HashMap<&AllocationCode, (bool, Instant)> = HashMap::new();
    for a in stored {
        work.entry(&a.code)
            .or_insert((a.kind == ResourceKind::Work, a.period.from()));
    }
    let mut in_file: HashMap<_, &Row<'r>> = HashMap::new();
    let mut sorted = Sorted {
        new: Vec::new(),
        ended: Vec::new(),
    };
    for line in rows {
        let row = &line.value;
        let is_work = row.kind == ResourceKind::Work;
        let (was_work, since) = *work.entry(&row.code).or_insert((is_work, row.period.from()));
        if was_work != is_work || (is_work && since != row.period.from()) {
            let what = if was_work { "服务工作" } else { "资源分配" };
            let why = format!(
                "单号「{}」已用于 {} 的{what}，一个单号不能重复使用",
                row.code,
                since.day()
            );
            line.fault("code", why, &mut job.faults);
            continue;
        }
        if let Some(first) = in_file.insert(key(row), line) {
            if first.value == *row {
                job.counts.unchanged += 1;
            } else {
                let why = format!(
                    "与第 {} 行的单号和开始时间相同，内容却不同（{}）",
                    first.record.row(),
                    differing(&first.value, row)
                );
                line.fault("code", why, &mut job.faults);
            }
            continue;
        }
        match there.get(&key(row)) {
            None => sorted.new.push(line),
            Some(before) if *before == row => job.counts.unchanged += 1,
            Some(before) if before.period.end().is_none() && is_same_but_for_its_end(before, row) => {
                sorted.ended.push(line)
            }
            Some(before) => {
                let why = format!(
                    "单号「{}」自 {} 起的一段已登记，内容不同（{}）；已登记的内容不能改动，变更请以变更时间为开始另起一行",
                    row.code,
                    row.period.from(),
                    differing(before, row)
                );
                line.fault("code", why, &mut job.faults);
            }
        }
    }
    sorted
}

fn is_same_but_for_its_end(before: &Allocation, row: &Allocation) -> bool {
    Allocation {
        period: before.period,
        ..row.clone()
    } == *before
}

/// The columns in which two rows differ.
fn differing(a: &Allocation, b: &Allocation) -> String {
    let columns = [
        ("系统代码", a.system == b.system),
        ("服务形式", a.form == b.form),
        ("资源类型", a.kind == b.kind),
        ("类别", a.class == b.class),
        ("规格", a.spec == b.spec),
        ("云节点", a.node == b.node),
        ("资源池代码", a.pool == b.pool),
        ("云资源标识", a.native_id == b.native_id),
        ("合同编号", a.contract == b.contract),
        ("上级分配单号", a.parent == b.parent),
        ("计费终止", a.period == b.period),
    ];
    columns
        .iter()
        .filter(|(_, same)| !same)
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join("、")
}

/// Checks all intervals as they will be (invariant I4), and notes each fault at the row it comes from.
fn check_together(stored: &[Allocation], sorted: &Sorted<'_, '_>, faults: &mut Faults) {
    let ended: HashMap<_, &Allocation> = sorted
        .ended
        .iter()
        .map(|line| ((&line.value.code, line.value.period.from()), &line.value))
        .collect();
    let kept = stored
        .iter()
        .map(|a| ended.get(&(&a.code, a.period.from())).copied().unwrap_or(a));
    let all: Vec<Allocation> = kept.chain(sorted.new.iter().map(|line| &line.value)).cloned().collect();
    let errors = check_allocations(&all);
    if errors.is_empty() {
        return;
    }
    let mut rows: HashMap<&AllocationCode, Vec<&Row<'_>>> = HashMap::new();
    for line in sorted.new.iter().chain(&sorted.ended) {
        rows.entry(&line.value.code).or_default().push(line);
    }
    for error in errors {
        let (place, field) = match &error {
            AllocationError::Overlap { code, a, b } => {
                let here = |from| rows.get(code)?.iter().find(|line| line.value.period.from() == from);
                (here(b.from()).or_else(|| here(a.from())), "from")
            }
            AllocationError::Shared {
                node,
                native_id,
                at,
                a,
                b,
            } => {
                let is_it =
                    |line: &&&Row<'_>| line.value.node == *node && line.value.native_id.as_ref() == Some(native_id);
                let begins = rows.get(b).and_then(|lines| {
                    lines
                        .iter()
                        .filter(is_it)
                        .find(|line| line.value.period.from().day() == *at)
                });
                let other = || [b, a].into_iter().find_map(|code| rows.get(code)?.iter().find(is_it));
                (begins.or_else(other), "native_id")
            }
        };
        match place {
            Some(line) => line.fault(field, error, faults),
            None => faults.push(0, "", error),
        }
    }
}
