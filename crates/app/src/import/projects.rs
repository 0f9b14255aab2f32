//! Which project (tenant) of a cloud node belongs to which information system.

use super::cells::{Words, may, must, optional, required};
use super::job::{Job, Line};
use super::registers::{put_in, refer};
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::registry::{CloudNode, History, InformationSystem, ProjectMapping, Version};
use kernel::Faults;
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Projects.word(),
    title_zh: ImportKind::Projects.zh(),
    columns: &[
        required("node", "云节点", "已登记的云节点代码", "N1"),
        required(
            "project",
            "项目",
            "云节点上项目（租户）的名称或标识，按节点原样填写",
            "gov-s001",
        ),
        optional(
            "system",
            "系统代码",
            "项目所属信息系统的代码；不再属于任何系统时留空",
            "S001",
        ),
        required(
            "valid_from",
            "生效日期",
            "自哪天起是这样；变更另起一行，填变更日期",
            "2026-01-01",
        ),
    ],
};

pub(super) struct Projects;

impl Sheet for Projects {
    type Row = Version<ProjectMapping>;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row> {
        let node = must(record, "node", faults);
        let project = must::<Words>(record, "project", faults);
        let system = may(record, "system", faults);
        let valid_from = must(record, "valid_from", faults);
        let body = ProjectMapping {
            node: node?,
            project: project?.0,
            system,
        };
        Some(Version {
            valid_from: valid_from?,
            body,
        })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError> {
        let nodes: History<CloudNode> = job.work.history().await?;
        let systems: History<InformationSystem> = job.work.history().await?;
        for line in &rows {
            let body = &line.value.body;
            refer(line, "node", "云节点", nodes.knows(body.node.as_str()), &mut job.faults);
            let known = body.system.as_ref().is_none_or(|system| systems.knows(system.as_str()));
            refer(line, "system", "信息系统", known, &mut job.faults);
        }
        let mut history: History<ProjectMapping> = job.work.history().await?;
        // What is charged follows from allocations; a mapping only says whether what exists is where it was approved.
        let new = put_in(job, &mut history, rows, "追溯登记的项目对应", |_, _| None)?;
        job.refuse_faults()?;
        Ok(job.work.add_versions(&new, Some(job.id)).await?)
    }
}
