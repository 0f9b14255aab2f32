//! Recorded outages of resources, and corrections of what was recorded.

use super::cells::{Words, may, must, optional, required};
use super::job::{Cause, Job, Line};
use super::registers::refer;
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::registry::{CloudNode, History};
use domain::settle::Outage;
use kernel::{Faults, Instant, NodeCode, Period};
use sources::tabular::{Record, Records, Template};
use std::collections::HashMap;
use store::OutageCorrection;

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
        optional(
            "correction",
            "更正理由",
            "更正已登记的中断（资源和开始时刻相同）时填写；原登记保留。登记有误的，在免责原因中写明",
            "",
        ),
    ],
};

pub(super) struct Outages;

/// A row: the node, to be looked up, and the outage.
pub(super) struct OutageRow {
    node: Option<NodeCode>,
    outage: Outage,
    period: Period,
    /// Why it takes the place of what was recorded.
    correction: Option<String>,
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
        let correction = may::<Words>(record, "correction", faults).map(|words| words.0);
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
            correction,
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
        let mut there: HashMap<(&str, Instant), (&Outage, Recorded)> = stored
            .iter()
            .map(|o| ((o.resource.as_str(), o.from), (o, Recorded::Before)))
            .collect();
        let (mut new, mut corrected) = (Vec::new(), Vec::new());
        for line in &rows {
            let OutageRow { outage, correction, .. } = &line.value;
            let key = (outage.resource.as_str(), outage.from);
            match (there.get(&key).copied(), correction) {
                (None, Some(_)) => {
                    let why = "没有可更正的登记：该资源没有自该时刻起的中断；新的中断请把更正理由留空";
                    line.fault("correction", why, &mut job.faults);
                }
                (None, None) => {
                    there.insert(key, (outage, Recorded::Here));
                    new.push(outage.clone());
                    job.concerns(line.value.period, Cause::LateOutage, "关账后登记的中断", 1);
                }
                (Some((before, _)), _) if before == outage => job.counts.unchanged += 1,
                (Some((before, Recorded::Before)), Some(reason)) => {
                    there.insert(key, (outage, Recorded::Here));
                    let longer = Period::new(before.from, before.to.max(outage.to)).unwrap_or(line.value.period);
                    job.concerns(longer, Cause::LateOutage, "关账后更正的中断", 1);
                    corrected.push((before, outage, reason));
                }
                (Some((before, recorded)), _) => {
                    let why = format!(
                        "资源「{}」自该时刻起的中断{}（至 {}，{}），内容不同；如系更正已登记的内容，请填写更正理由",
                        before.resource,
                        if recorded == Recorded::Before {
                            "已登记"
                        } else {
                            "在本文件中已有一行"
                        },
                        before.to,
                        before.excluded.as_deref().unwrap_or("计入停机")
                    );
                    line.fault("from", why, &mut job.faults);
                }
            }
        }
        job.refuse_faults()?;
        job.counts.new += job.work.add_outages(&new, job.id).await?;
        for (before, right, reason) in corrected {
            let correction = OutageCorrection {
                import: job.id,
                at: job.now,
                reason,
            };
            job.work.correct_outage(before, right, &correction).await?;
            job.counts.changed += 1;
        }
        Ok(())
    }
}

/// Where an outage was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recorded {
    /// Before this file.
    Before,
    /// In this file.
    Here,
}

/// From the first to the last moment of all rows.
fn span(rows: &[Line<'_, OutageRow>]) -> Option<Period> {
    let from = rows.iter().map(|line| line.value.period.from()).min()?;
    let to = rows.iter().map(|line| line.value.period.to()).max()?;
    Period::new(from, to).ok()
}
