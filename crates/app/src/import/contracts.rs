//! Contracts and the terms that are theirs.

use super::cells::{Amount, Cell, Seconds, Words, may, must, optional, plain, required};
use super::job::{Cause, Job, Line};
use super::registers::{put_in, refer_provider};
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::catalogue::{Commitment, Contract, ServiceItem, SlaTerms, SlaTier, TermsError};
use domain::registry::{History, Organisation, Version};
use kernel::{Factor, Faults, ItemCode, OrganisationCode};
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Contracts.word(),
    title_zh: ImportKind::Contracts.zh(),
    columns: &[
        required("code", "合同编号", "合同的编号，一经登记不变", "ZWY-2026-01"),
        required("title", "合同名称", "合同全称", "政务云服务采购合同"),
        required("provider", "云服务商代码", "已登记的云服务商代码", "P1"),
        required("round", "采购批次", "哪一次采购", "2026年政务云服务采购"),
        required("lot", "分包", "采购的哪一分包", "第一分包"),
        required("starts", "服务开始日", "服务的第一天", "2026-01-01"),
        required("ends", "服务终止日", "不再服务的第一天（不含当日）", "2029-01-01"),
        optional("ceiling", "合同上限（元）", "合同暂定总价，没有则留空", "60000000.00"),
        required(
            "proration",
            "折算方式",
            "不足一月如何计费：按天、按秒、整月或 full_month_after_15_days",
            "按天",
        ),
        required(
            "tolerance",
            "对账容差（元）",
            "每资源每条目每月差额不超过此数不争议",
            "0.05",
        ),
        optional(
            "sla_counted_from_s",
            "计入停机最短秒数",
            "短于此数的停机不计；四项服务级别条款要么都填，要么都留空",
            "300",
        ),
        optional("sla_rounding", "停机取整", "按秒 或 进到整分钟", "按秒"),
        optional(
            "sla_tiers",
            "可用性扣减阶梯",
            "低于的可用性:扣减比例，从轻到重，用分号隔开",
            "0.999:0.10;0.95:0.25;0.90:1",
        ),
        optional("sla_cap", "扣减封顶比例", "扣减最多占当月费用的比例", "1"),
        optional(
            "commitments",
            "最低承诺",
            "每月最低金额@承担单位，可加 :条目,条目 限定条目；几项用分号隔开",
            "50000.00@D001",
        ),
        required("source", "依据", "条款出自何处", "合同第八条"),
        required(
            "valid_from",
            "生效日期",
            "条款自哪天起如此；变更另起一行，填变更日期",
            "2026-01-01",
        ),
    ],
};

pub(super) struct Contracts;

impl Sheet for Contracts {
    type Row = Version<Contract>;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Self::Row> {
        let before = faults.len();
        let code = must(record, "code", faults);
        let title = must::<Words>(record, "title", faults);
        let provider = must(record, "provider", faults);
        let round = must::<Words>(record, "round", faults);
        let lot = must::<Words>(record, "lot", faults);
        let starts = must(record, "starts", faults);
        let ends = must(record, "ends", faults);
        let ceiling = may::<Amount>(record, "ceiling", faults).map(|amount| amount.0);
        let proration = must(record, "proration", faults);
        let tolerance = must::<Amount>(record, "tolerance", faults);
        let sla = sla(record, faults);
        let commitments = may::<Commitments>(record, "commitments", faults).map_or_else(Vec::new, |list| list.0);
        let source = must::<Words>(record, "source", faults);
        let valid_from = must(record, "valid_from", faults);
        let body = Contract {
            code: code?,
            title: title?.0,
            provider: provider?,
            round: round?.0,
            lot: lot?.0,
            starts: starts?,
            ends: ends?,
            ceiling,
            proration: proration?,
            tolerance: tolerance?.0,
            sla,
            commitments,
            source: source?.0,
        };
        if faults.len() == before
            && let Err(why) = body.check()
        {
            let field = match why {
                TermsError::Term(..) => "ends",
                TermsError::SlaTiers => "sla_tiers",
            };
            record.fault(field, why, faults);
        }
        Some(Version {
            valid_from: valid_from?,
            body,
        })
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, Self::Row>>) -> Result<(), AppError> {
        let organisations: History<Organisation> = job.work.history().await?;
        let items: History<ServiceItem> = job.work.history().await?;
        for line in &rows {
            check(line, &organisations, &items, &mut job.faults);
        }
        let mut history: History<Contract> = job.work.history().await?;
        let new = put_in(
            job,
            &mut history,
            rows,
            "追溯生效的合同条款",
            |before, after| {
                let other = before.is_some_and(|b| {
                    b.proration != after.proration || b.commitments != after.commitments || b.sla != after.sla
                });
                other.then_some(Cause::BackdatedPrice)
            },
        )?;
        job.refuse_faults()?;
        Ok(job.work.add_versions(&new, Some(job.id)).await?)
    }
}

fn check(
    line: &Line<'_, Version<Contract>>,
    organisations: &History<Organisation>,
    items: &History<ServiceItem>,
    faults: &mut Faults,
) {
    let contract = &line.value.body;
    refer_provider(line, &contract.provider, organisations, faults);
    for commitment in &contract.commitments {
        if !organisations.knows(commitment.payer.as_str()) {
            line.fault(
                "commitments",
                format!("没有登记代码为「{}」的单位，请先导入，或改正代码", commitment.payer),
                faults,
            );
        }
        for item in commitment.items.iter().filter(|item| !items.knows(item.as_str())) {
            line.fault(
                "commitments",
                format!("服务目录中没有条目「{item}」，请先导入，或改正代码"),
                faults,
            );
        }
    }
}

/// The terms of service level; none if none is agreed. What is agreed only in part is a fault: nothing is guessed
/// where money follows from it.
fn sla(record: &Record<'_>, faults: &mut Faults) -> Option<SlaTerms> {
    const FIELDS: [&str; 4] = ["sla_counted_from_s", "sla_rounding", "sla_tiers", "sla_cap"];
    if FIELDS.iter().all(|field| record.text(field).is_empty()) {
        return None;
    }
    for field in FIELDS.iter().filter(|field| record.text(field).is_empty()) {
        record.fault(field, "约定了服务级别，这一格也必须填写", faults);
    }
    let counted_from_s = may::<Seconds>(record, "sla_counted_from_s", faults);
    let rounding = may(record, "sla_rounding", faults);
    let tiers = may::<Tiers>(record, "sla_tiers", faults);
    let cap = may::<Part>(record, "sla_cap", faults);
    Some(SlaTerms {
        counted_from_s: counted_from_s?.0,
        rounding: rounding?,
        tiers: tiers?.0,
        cap: cap?.0,
    })
}

/// A part of a whole, at most the whole.
struct Part(Factor);

impl Cell for Part {
    fn read(text: &str) -> Result<Self, String> {
        let factor = Factor::read(text)?;
        if factor > Factor::ONE {
            Err("应是不超过 1 的比例，如 0.95".to_owned())
        } else {
            Ok(Self(factor))
        }
    }
}

struct Tiers(Vec<SlaTier>);

impl Cell for Tiers {
    fn read(text: &str) -> Result<Self, String> {
        let tier = |part: &str| {
            let (below, deduct) = part
                .split_once(':')
                .ok_or_else(|| format!("中的「{part}」应写成 可用性:扣减比例"))?;
            let read = |text: &str| Part::read(text.trim()).map_err(|why| format!("中的「{}」{why}", text.trim()));
            Ok(SlaTier {
                below: read(below)?.0,
                deduct: read(deduct)?.0,
            })
        };
        parts(text)
            .iter()
            .map(|part| tier(part))
            .collect::<Result<_, String>>()
            .map(Self)
    }
}

struct Commitments(Vec<Commitment>);

impl Cell for Commitments {
    fn read(text: &str) -> Result<Self, String> {
        let commitment = |part: &str| {
            let (minimum, who) = part
                .split_once('@')
                .ok_or_else(|| format!("中的「{part}」应写成 金额@单位代码"))?;
            let (payer, items) = who.split_once(':').unwrap_or((who, ""));
            let inside = |text: &str, why: String| format!("中的「{}」{why}", text.trim());
            let items = items.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Commitment {
                items: items
                    .map(|item| ItemCode::read(item).map_err(|why| inside(item, why)))
                    .collect::<Result<_, _>>()?,
                minimum: Amount::read(minimum.trim()).map_err(|why| inside(minimum, why))?.0,
                payer: OrganisationCode::read(payer.trim()).map_err(|why| inside(payer, why))?,
            })
        };
        parts(text)
            .iter()
            .map(|part| commitment(part))
            .collect::<Result<_, String>>()
            .map(Self)
    }
}

/// The parts between semicolons.
pub(super) fn parts(text: &str) -> Vec<String> {
    plain(text)
        .split(';')
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}
