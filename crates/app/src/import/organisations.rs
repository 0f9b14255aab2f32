//! Organisations of every side.

use super::cells::{Words, YesNo, may, must, optional, required};
use super::job::{Cause, Job, Line};
use super::registers::{listed, put_in, refer};
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::registry::{History, Organisation, Version};
use kernel::{Faults, Instant, OrganisationCode};
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Organisations.word(),
    title_zh: ImportKind::Organisations.zh(),
    columns: &[
        required("code", "代码", "单位的代码，一经登记不变", "D001"),
        required("name", "名称", "单位在生效日期起的名称", "春城市教育局"),
        required("side", "类别", "单位在政务云中的一方", "使用单位"),
        optional("parent", "上级代码", "上级单位的代码，没有则留空", "A001"),
        optional("merged_into", "并入代码", "被撤并时填并入单位的代码，没有则留空", ""),
        optional(
            "municipal",
            "市级单位",
            "是或否；信创等只约束市级单位的规则据此判断，不清楚则留空",
            "是",
        ),
        required(
            "valid_from",
            "生效日期",
            "自哪天起是这样；变更另起一行，填变更日期",
            "2026-01-01",
        ),
    ],
};

pub(super) struct Organisations;

impl Sheet for Organisations {
    type Row = Version<Organisation>;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row> {
        let code = must(record, "code", faults);
        let name = must::<Words>(record, "name", faults);
        let side = must(record, "side", faults);
        let parent = may(record, "parent", faults);
        let merged_into = may(record, "merged_into", faults);
        let municipal = may::<YesNo>(record, "municipal", faults).map(|answer| answer.0);
        let valid_from = must(record, "valid_from", faults);
        let body = Organisation {
            code: code?,
            name: name?.0,
            side: side?,
            parent,
            merged_into,
            municipal,
        };
        Some(Version {
            valid_from: valid_from?,
            body,
        })
    }

    async fn take(job: &mut Job<'_>, records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError> {
        let mut history: History<Organisation> = job.work.history().await?;
        let listed = listed(records, "code");
        let known = |code: &OrganisationCode| history.knows(code.as_str()) || listed.contains(code.as_str());
        for line in &rows {
            let body = &line.value.body;
            for (field, other) in [("parent", &body.parent), ("merged_into", &body.merged_into)] {
                let Some(other) = other else { continue };
                refer(line, field, "单位", known(other), &mut job.faults);
            }
        }
        let places: Vec<_> = rows
            .iter()
            .map(|line| (line.record, line.value.body.code.clone(), line.value.valid_from))
            .collect();
        let new = put_in(
            job,
            &mut history,
            rows,
            "追溯登记的单位撤并",
            |before, after| {
                let moved = before.is_some_and(|before| before.merged_into != after.merged_into);
                moved.then_some(Cause::LateData)
            },
        )?;
        for (record, code, at) in places {
            for (field, what) in [("parent", "上级"), ("merged_into", "并入")] {
                if leads_back(&history, &code, at, field) {
                    record.fault(
                        field,
                        format!("{what}关系绕成了圈，最后又回到「{code}」"),
                        &mut job.faults,
                    );
                }
            }
        }
        job.refuse_faults()?;
        Ok(job.work.add_versions(&new, Some(job.id)).await?)
    }
}

/// Whether whoever follows a field from one organisation to the next comes back to it.
fn leads_back(history: &History<Organisation>, code: &OrganisationCode, at: Instant, field: &str) -> bool {
    /// No tree of offices is deeper.
    const STEPS_MAX: usize = 64;
    let next = |code: &OrganisationCode| {
        let body = history.at(code.as_str(), at)?;
        if field == "parent" {
            body.parent.clone()
        } else {
            body.merged_into.clone()
        }
    };
    let mut here = next(code);
    for _ in 0..STEPS_MAX {
        match here {
            None => return false,
            Some(other) if other == *code => return true,
            Some(other) => here = next(&other),
        }
    }
    false
}
