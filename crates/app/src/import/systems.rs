//! Information systems.

use super::cells::{MlpsLevel, Words, may, must, optional, required};
use super::job::{Cause, Job, Line};
use super::registers::{put_in, refer};
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::registry::{History, InformationSystem, Organisation, Version};
use kernel::Faults;
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Systems.word(),
    title_zh: ImportKind::Systems.zh(),
    columns: &[
        required("code", "代码", "信息系统的代码，一经登记不变", "S001"),
        required("name", "名称", "系统在生效日期起的名称", "综合业务系统"),
        required("organisation", "所属单位代码", "已登记的单位代码", "D001"),
        optional("mlps_level", "等保级别", "1 至 4，未定级留空", "3"),
        required("zone", "网络区域", "系统所在的网络区域", "政务外网区"),
        optional("data_grade", "数据分级", "未分级留空", "一般数据"),
        required("status", "状态", "系统所处阶段", "运行"),
        required("origin", "来源", "上云前已有还是新建", "存量系统"),
        required(
            "valid_from",
            "生效日期",
            "自哪天起是这样；变更（如划转）另起一行，填变更日期",
            "2026-01-01",
        ),
    ],
};

pub(super) struct Systems;

impl Sheet for Systems {
    type Row = Version<InformationSystem>;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row> {
        let code = must(record, "code", faults);
        let name = must::<Words>(record, "name", faults);
        let organisation = must(record, "organisation", faults);
        let mlps_level = may::<MlpsLevel>(record, "mlps_level", faults).map(|level| level.0);
        let zone = must(record, "zone", faults);
        let data_grade = may(record, "data_grade", faults);
        let status = must(record, "status", faults);
        let origin = must(record, "origin", faults);
        let valid_from = must(record, "valid_from", faults);
        let body = InformationSystem {
            code: code?,
            name: name?.0,
            organisation: organisation?,
            mlps_level,
            zone: zone?,
            data_grade,
            status: status?,
            origin: origin?,
        };
        Some(Version {
            valid_from: valid_from?,
            body,
        })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError> {
        let organisations: History<Organisation> = job.work.history().await?;
        for line in &rows {
            let known = organisations.knows(line.value.body.organisation.as_str());
            refer(line, "organisation", "单位", known, &mut job.faults);
        }
        let mut history: History<InformationSystem> = job.work.history().await?;
        let new = put_in(
            job,
            &mut history,
            rows,
            "追溯登记的信息系统变更",
            |before, after| {
                let moved = before.is_some_and(|b| b.organisation != after.organisation || b.zone != after.zone);
                moved.then_some(Cause::LateData)
            },
        )?;
        job.refuse_faults()?;
        Ok(job.work.add_versions(&new, Some(job.id)).await?)
    }
}
