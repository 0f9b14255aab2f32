//! Recorded outages of resources.

use super::cells::{Words, may, must, optional, required};
use super::job::{Job, Line};
use super::registers::refer;
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::registry::{CloudNode, History};
use domain::settle::Outage;
use kernel::{Faults, Instant, NodeCode, Period};
use sources::tabular::{Record, Records, Template};
use std::collections::{BTreeSet, HashMap};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Outages.word(),
    title_zh: ImportKind::Outages.zh(),
    columns: &[
        optional("node", "云节点", "资源所在的云节点；机柜、专线等留空", "N1"),
        required(
            "resource",
            "云资源标识",
            "云节点上的资源标识；没有云节点的填分配单号",
            "i-0001",
        ),
        required("from", "开始", "开始不能使用的时刻，北京时间", "2026-03-02 10:00:00"),
        required("to", "结束", "恢复使用的时刻", "2026-03-02 12:00:00"),
        optional(
            "excluded",
            "免责原因",
            "已公告的维护、使用方原因、不可抗力等；计入停机的留空",
            "",
        ),
        required("source", "依据", "记录的来源", "监理月报"),
    ],
};

pub(super) struct Outages;

/// A row: the node, to be looked up, and the outage.
pub(super) struct OutageRow {
    node: Option<NodeCode>,
    outage: Outage,
    period: Period,
}

impl Sheet for Outages {
    type Row = OutageRow;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<OutageRow> {
        let node = may::<NodeCode>(record, "node", faults);
        let resource = must::<Words>(record, "resource", faults);
        let from = must::<Instant>(record, "from", faults);
        let to = must::<Instant>(record, "to", faults);
        let excluded = may::<Words>(record, "excluded", faults).map(|words| words.0);
        let source = must::<Words>(record, "source", faults);
        let (from, to) = (from?, to?);
        let Ok(period) = Period::new(from, to) else {
            record.fault("to", "结束必须晚于开始", faults);
            return None;
        };
        let resource = resource?.0;
        let resource = node
            .as_ref()
            .map_or_else(|| resource.clone(), |node| format!("{node}/{resource}"));
        Some(OutageRow {
            node,
            outage: Outage {
                resource,
                from,
                to,
                excluded,
                source: source?.0,
            },
            period,
        })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, OutageRow>>) -> Result<(), AppError> {
        let nodes: History<CloudNode> = job.work.history().await?;
        for line in &rows {
            let known = line.value.node.as_ref().is_none_or(|node| nodes.knows(node.as_str()));
            refer(line, "node", "云节点", known, &mut job.faults);
        }
        let stored = match span(&rows) {
            Some(span) => job.work.outages_within(span).await?,
            None => Vec::new(),
        };
        let mut there: HashMap<(&str, Instant), &Outage> =
            stored.iter().map(|o| ((o.resource.as_str(), o.from), o)).collect();
        let mut new = Vec::new();
        let mut closed = BTreeSet::new();
        for line in &rows {
            let outage = &line.value.outage;
            match there.get(&(outage.resource.as_str(), outage.from)).copied() {
                None => {
                    there.insert((&outage.resource, outage.from), outage);
                    new.push(outage.clone());
                    closed.extend(job.closed_within(line.value.period));
                }
                Some(before) if before == outage => job.counts.unchanged += 1,
                Some(before) => {
                    let why = format!(
                        "资源「{}」自该时刻起的中断已登记（至 {}，{}），内容不同；已登记的内容不能改动",
                        before.resource,
                        before.to,
                        before.excluded.as_deref().unwrap_or("计入停机")
                    );
                    line.fault("from", why, &mut job.faults);
                }
            }
        }
        job.refuse_faults()?;
        job.counts.new += job.work.add_outages(&new, job.id).await?;
        if !closed.is_empty() {
            let months = closed.iter().map(ToString::to_string).collect::<Vec<_>>().join("、");
            job.note(format!(
                "有中断发生在已关账的月份 {months}：这些月份的结算单不再变动，如应扣减请与云服务商另行商定"
            ));
        }
        Ok(())
    }
}

/// From the first to the last moment of all rows.
fn span(rows: &[Line<'_, OutageRow>]) -> Option<Period> {
    let from = rows.iter().map(|line| line.value.period.from()).min()?;
    let to = rows.iter().map(|line| line.value.period.to()).max()?;
    Period::new(from, to).ok()
}
