//! Accepted work: migration, assessment, adaptation. Charged once, on the day of acceptance.

use super::approved::put_in;
use super::cells::{Words, may, must, optional, required};
use super::job::{Job, Line};
use super::registers::listed;
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::meter::Allocation;
use domain::registry::ResourceKind;
use kernel::{Day, Faults, Period};
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::DeclaredWork.word(),
    title_zh: ImportKind::DeclaredWork.zh(),
    columns: &[
        required("code", "工作单号", "一项工作一个单号，不重复使用", "GZ-0001"),
        required("system", "系统代码", "为哪个信息系统", "S001"),
        required("form", "服务形式", "以何种形式购买", "迁移服务"),
        optional(
            "class",
            "工作类别",
            "与服务目录条目的规格类别一致，没有则留空",
            "系统迁移",
        ),
        required("spec", "工作量", "计量项=数量", "person_day=12"),
        required("node", "云节点", "由哪个云节点的云服务商承担", "N1"),
        optional(
            "contract",
            "合同编号",
            "在哪份合同下；留空则为该云服务商当时有效的合同",
            "ZWY-2026-01",
        ),
        required("accepted_at", "验收日期", "验收合格的日期", "2026-03-10"),
    ],
};

pub(super) struct DeclaredWork;

impl Sheet for DeclaredWork {
    type Row = Allocation;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Allocation> {
        let code = must(record, "code", faults);
        let system = must(record, "system", faults);
        let form = must(record, "form", faults);
        let class = may::<Words>(record, "class", faults).map_or_else(String::new, |class| class.0);
        let spec = must(record, "spec", faults);
        let node = must(record, "node", faults);
        let contract = may(record, "contract", faults);
        let accepted: Day = must(record, "accepted_at", faults)?;
        Some(Allocation {
            code: code?,
            system: system?,
            form: form?,
            kind: ResourceKind::Work,
            class,
            spec: spec?,
            node: node?,
            pool: None,
            native_id: None,
            contract,
            parent: None,
            period: Period::new(accepted.start(), accepted.plus(1).start()).ok()?,
        })
    }

    async fn take(job: &mut Job<'_>, records: &Records<'_>, rows: Vec<Line<'_, Allocation>>) -> Result<(), AppError> {
        put_in(job, &listed(records, "code"), rows, "迟到的服务工作").await
    }
}
