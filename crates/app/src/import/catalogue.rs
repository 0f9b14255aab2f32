//! The service catalogue.

use super::cells::{Words, may, must, optional, required};
use super::job::{Cause, Job, Line};
use super::registers::put_in;
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::catalogue::{CatalogueError, ServiceForm, ServiceItem, ServiceUse, match_item};
use domain::registry::{History, Measure, NetworkZone, PoolKind, ResourceKind, Version};
use kernel::{Faults, Instant, ItemCode};
use sources::tabular::{Record, Records, Template};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Catalogue.word(),
    title_zh: ImportKind::Catalogue.zh(),
    columns: &[
        required("code", "代码", "条目的代码，一经登记不变", "ECS-X86-CPU"),
        required("name", "名称", "条目在生效日期起的名称", "x86 通用云主机 vCPU"),
        required("layer", "层级", "所在的目录层级", "基础设施层"),
        required("form", "服务形式", "购买的形式", "共享云"),
        required("kind", "资源类型", "按哪类资源计费", "云主机"),
        optional(
            "class",
            "规格类别",
            "只计此类别的资源（云硬盘类型、产品等）；不限则留空",
            "",
        ),
        required("measure", "计量项", "计量资源的哪一项", "vcpu"),
        required("unit", "单位", "单据上写的单位", "核"),
        required("basis", "计量依据", "计费数量取自何处", "取批准与实际之小者"),
        optional("pool", "资源池类型", "只计此类资源池；不限则留空", "X86池"),
        optional("zone", "网络区域", "只计此区域的系统；不限则留空", ""),
        optional("tenancy", "适用形式", "只计以此形式批准的资源；不限则留空", ""),
        required(
            "valid_from",
            "生效日期",
            "自哪天起是这样；变更另起一行，填变更日期",
            "2026-01-01",
        ),
    ],
};

pub(super) struct Catalogue;

impl Sheet for Catalogue {
    type Row = Version<ServiceItem>;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row> {
        let code = must(record, "code", faults);
        let name = must::<Words>(record, "name", faults);
        let layer = must(record, "layer", faults);
        let form = must(record, "form", faults);
        let kind = must(record, "kind", faults);
        let class = may::<Words>(record, "class", faults).map(|class| class.0);
        let measure = must(record, "measure", faults);
        let unit = must::<Words>(record, "unit", faults);
        let basis = must(record, "basis", faults);
        let pool = may(record, "pool", faults);
        let zone = may(record, "zone", faults);
        let tenancy = may(record, "tenancy", faults);
        let valid_from = must(record, "valid_from", faults);
        let body = ServiceItem {
            code: code?,
            name: name?.0,
            layer: layer?,
            form: form?,
            kind: kind?,
            measure: measure?,
            unit: unit?.0,
            basis: basis?,
            class,
            pool,
            zone,
            tenancy,
        };
        Some(Version {
            valid_from: valid_from?,
            body,
        })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError> {
        let mut history: History<ServiceItem> = job.work.history().await?;
        let touched = touched(&history, &rows);
        let places: BTreeMap<ItemCode, Record<'_>> = rows
            .iter()
            .map(|line| (line.value.body.code.clone(), line.record))
            .collect();
        let new = put_in(
            job,
            &mut history,
            rows,
            "追溯生效的服务目录变更",
            |before, after| {
                let other = before.is_none_or(|b| terms(b) != terms(after));
                other.then_some(Cause::BackdatedPrice)
            },
        )?;
        let mut told = BTreeSet::new();
        for (group, (from, record)) in touched {
            let moments = moments(&history, group).into_iter().filter(|at| *at >= from);
            for (a, b) in moments.flat_map(|at| rivals(&history, at, group)) {
                // Where a row of this file takes a third item from between two others, the fault is that row's.
                let place = places.get(&b).or_else(|| places.get(&a)).copied().unwrap_or(record);
                if told.insert((a.clone(), b.clone())) {
                    place.fault("code", CatalogueError::Ambiguous(a, b), &mut job.faults);
                }
            }
        }
        job.refuse_faults()?;
        Ok(job.work.add_versions(&new, Some(job.id)).await?)
    }
}

/// What decides the charge, apart from names.
fn terms(item: &ServiceItem) -> impl PartialEq + '_ {
    let conditions = (&item.class, item.pool, item.zone, item.tenancy);
    (item.form, item.kind, item.measure, item.basis, conditions)
}

/// Items compete only with those of the same kind and measure.
type Group = (ResourceKind, Measure);

const fn group(item: &ServiceItem) -> Group {
    (item.kind, item.measure)
}

/// The groups that these rows change, with the first moment and row that does. A group that an item leaves counts:
/// what it leaves behind must be clear as well.
fn touched<'r>(
    history: &History<ServiceItem>,
    rows: &[Line<'r, Version<ServiceItem>>],
) -> BTreeMap<Group, (Instant, Record<'r>)> {
    let mut touched: BTreeMap<Group, (Instant, Record<'r>)> = BTreeMap::new();
    for line in rows {
        let Version { valid_from, body } = &line.value;
        let before = history.at(body.code.as_str(), *valid_from).map(group);
        for group in before.into_iter().chain([group(body)]) {
            let first = touched.entry(group).or_insert((*valid_from, line.record));
            if *valid_from < first.0 {
                *first = (*valid_from, line.record);
            }
        }
    }
    touched
}

/// The moments at which items of a group change.
fn moments(history: &History<ServiceItem>, wanted: Group) -> BTreeSet<Instant> {
    let of_group = history
        .iter()
        .filter(|(_, versions)| versions.iter().any(|v| group(&v.body) == wanted));
    of_group
        .flat_map(|(_, versions)| versions)
        .map(|version| version.valid_from)
        .collect()
}

/// Pairs of items of a group of which neither goes before the other for some use, at a moment.
fn rivals(history: &History<ServiceItem>, at: Instant, group: Group) -> BTreeSet<(ItemCode, ItemCode)> {
    let mut by_class: BTreeMap<Option<&str>, Vec<&ServiceItem>> = BTreeMap::new();
    for item in history.all_at(at).filter(|item| (item.kind, item.measure) == group) {
        by_class.entry(item.class.as_deref()).or_default().push(item);
    }
    let any_class = by_class.remove(&None).unwrap_or_default();
    let mut rivals = BTreeSet::new();
    for (class, of_class) in by_class
        .iter()
        .map(|(class, items)| (class.unwrap_or_default(), items.as_slice()))
        .chain([("", [].as_slice())])
    {
        for (pool, zone, form) in uses() {
            let wanted = ServiceUse {
                kind: group.0,
                measure: group.1,
                class,
                pool,
                zone,
                form,
            };
            let candidates = any_class.iter().chain(of_class).copied();
            if let Err(CatalogueError::Ambiguous(a, b)) = match_item(candidates, &wanted) {
                rivals.insert(if a < b { (a, b) } else { (b, a) });
            }
        }
    }
    rivals
}

/// Every place a resource can be used in.
fn uses() -> impl Iterator<Item = (Option<PoolKind>, NetworkZone, ServiceForm)> {
    let pools = [None].into_iter().chain(PoolKind::ALL.iter().copied().map(Some));
    pools.flat_map(|pool| {
        NetworkZone::ALL
            .iter()
            .flat_map(move |zone| ServiceForm::ALL.iter().map(move |form| (pool, *zone, *form)))
    })
}
