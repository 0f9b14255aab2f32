//! What is registered of the platforms of cloud nodes: level of protection, filing, places; and which pools are apart.
//!
//! A row is about a node, or about one pool of it. Nodes and pools are registered elsewhere, with what only a person at
//! the house may say: addresses and accounts never come by file.

use super::cells::{PlatformLevel, Words, YesNo, may, must, optional, required};
use super::job::{Job, Line};
use super::registers::{put_in, refer};
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::registry::{CloudNode, History, Platform, ResourcePool, Version};
use kernel::{Faults, Instant, NodeCode, Period, PoolCode};
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Platforms.word(),
    title_zh: ImportKind::Platforms.zh(),
    columns: &[
        required("node", "云节点", "已登记的云节点代码", "N1"),
        optional(
            "pool",
            "资源池",
            "这一行说明云平台时留空；说明资源池时填其代码，只填独立资源池一栏",
            "",
        ),
        optional("mlps_level", "等保级别", "云平台的等保级别，1 至 5，不知道留空", "3"),
        optional("filing", "备案证明编号", "该级别的备案证明编号，不知道留空", "示例编号"),
        optional("operated_in_china", "境内运维", "是否在境内运维，不知道留空", "是"),
        optional(
            "data_in_china",
            "数据在境内",
            "数据和备份是否都在境内，不知道留空",
            "是",
        ),
        optional(
            "separate",
            "独立资源池",
            "资源池是否独立于通用云，供超过通用云级别的系统使用；只在填写了资源池的行填写",
            "",
        ),
        required(
            "valid_from",
            "生效日期",
            "自哪天起是这样；变更另起一行，填变更日期，各栏都按变更后填写",
            "2026-02-01",
        ),
    ],
};

/// The columns of a row about a platform.
const OF_PLATFORM: [&str; 4] = ["mlps_level", "filing", "operated_in_china", "data_in_china"];

pub(super) struct Platforms;

/// What a row says of a node from a moment on.
pub(super) struct Fact {
    node: NodeCode,
    about: About,
    valid_from: Instant,
}

/// What it is about.
enum About {
    Platform(Platform),
    /// The pool, and whether it is apart.
    Pool(PoolCode, bool),
}

impl Sheet for Platforms {
    type Row = Fact;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row> {
        let node = must(record, "node", faults);
        let about = if record.text("pool").is_empty() {
            platform(record, faults)
        } else {
            pool(record, faults)
        };
        let valid_from = must(record, "valid_from", faults);
        Some(Fact {
            node: node?,
            about: about?,
            valid_from: valid_from?,
        })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError> {
        let mut nodes: History<CloudNode> = job.work.history().await?;
        let mut pools: History<ResourcePool> = job.work.history().await?;
        let (mut of_nodes, mut of_pools) = (Vec::new(), Vec::new());
        for line in rows {
            let known = nodes.knows(line.value.node.as_str());
            refer(&line, "node", "云节点", known, &mut job.faults);
            let Line { record, value } = line;
            let Fact {
                node,
                about,
                valid_from,
            } = value;
            let mut early = |field: &str| {
                let why = format!("「{}」在这一天尚未登记，生效日期不能早于其登记", record.text(field));
                record.fault("valid_from", why, &mut job.faults);
            };
            match about {
                About::Platform(platform) => match nodes.at(node.as_str(), valid_from) {
                    Some(held) => {
                        let held = held.clone();
                        let body = CloudNode { platform, ..held };
                        let value = Version { valid_from, body };
                        of_nodes.push(Line { record, value });
                    }
                    None if known => early("node"),
                    None => {}
                },
                About::Pool(pool, separate) => match pools.at(pool.as_str(), valid_from) {
                    Some(held) if held.node != node => {
                        let why = format!("资源池「{pool}」属于云节点「{}」，不属于「{node}」", held.node);
                        record.fault("pool", why, &mut job.faults);
                    }
                    Some(held) => {
                        let body = ResourcePool {
                            separate: Some(separate),
                            ..held.clone()
                        };
                        let value = Version { valid_from, body };
                        of_pools.push(Line { record, value });
                    }
                    None if pools.knows(pool.as_str()) => early("pool"),
                    None => {
                        let why = format!("没有登记代码为「{pool}」的资源池，请随云节点登记，或改正代码");
                        record.fault("pool", why, &mut job.faults);
                    }
                },
            }
        }
        let overtaken = overtaken(&nodes, &of_nodes);
        // Nothing is charged by these: they say what may be placed where, from a day on.
        let new_nodes = put_in(job, &mut nodes, of_nodes, "追溯登记的云平台情况", |_, _| None)?;
        let new_pools = put_in(job, &mut pools, of_pools, "追溯登记的资源池情况", |_, _| None)?;
        job.refuse_faults()?;
        overtaken.into_iter().for_each(|sentence| job.note(sentence));
        job.work.add_versions(&new_nodes, Some(job.id)).await?;
        Ok(job.work.add_versions(&new_pools, Some(job.id)).await?)
    }
}

/// A row about a platform. What it leaves blank is not known.
fn platform(record: &Record<'_>, faults: &mut Faults) -> Option<About> {
    let before = faults.len();
    let platform = Platform {
        mlps_level: may::<PlatformLevel>(record, "mlps_level", faults).map(|level| level.0),
        filing: may::<Words>(record, "filing", faults).map(|words| words.0),
        operated_in_china: may::<YesNo>(record, "operated_in_china", faults).map(|is| is.0),
        data_in_china: may::<YesNo>(record, "data_in_china", faults).map(|is| is.0),
    };
    if !record.text("separate").is_empty() {
        record.fault("pool", "说明独立资源池时，须填写资源池代码", faults);
    } else if OF_PLATFORM.iter().all(|field| record.text(field).is_empty()) {
        record.fault(
            "mlps_level",
            "这一行没有说明任何情况，请至少填写等保级别、备案证明编号、境内运维、数据在境内之一",
            faults,
        );
    }
    (faults.len() == before).then_some(About::Platform(platform))
}

/// A row about a pool.
fn pool(record: &Record<'_>, faults: &mut Faults) -> Option<About> {
    let before = faults.len();
    let pool = must(record, "pool", faults);
    let separate = must::<YesNo>(record, "separate", faults);
    for field in OF_PLATFORM {
        if !record.text(field).is_empty() {
            record.fault(field, "这一行说明资源池；云平台的情况请另起一行，资源池留空", faults);
        }
    }
    let about = About::Pool(pool?, separate?.0);
    (faults.len() == before).then_some(about)
}

/// A sentence for every row behind which the node was registered again with something else: from that day on the row
/// does not count.
fn overtaken(nodes: &History<CloudNode>, rows: &[Line<'_, Version<CloudNode>>]) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in rows {
        let Version { valid_from, body } = &line.value;
        let Ok(after) = Period::open(*valid_from, None) else {
            continue;
        };
        let stretches = nodes.stretches(body.code.as_str(), after);
        let other = stretches
            .iter()
            .skip(1)
            .find(|(_, node)| node.platform != body.platform);
        if let Some((period, _)) = other {
            sentences.push(format!(
                "云节点「{}」自 {} 起另有登记，其云平台情况与第 {} 行不同，从那天起以它为准；如仍应按这一行，请以那天以后的生效日期再登记一行",
                body.code,
                period.from().day(),
                line.record.row()
            ));
        }
    }
    sentences
}
