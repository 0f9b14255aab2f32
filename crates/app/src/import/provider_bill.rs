//! A provider's bill of a month. What it bills need not make sense to us: reconciling shows that.

use super::cells::{Number, Words, may, must, optional, required};
use super::job::{Job, Line};
use super::registers::refer_provider;
use super::{ImportKind, Sheet};
use crate::AppError;
use crate::collect::{case, manifest};
use crate::month::paid_above;
use domain::meter::{CaseKind, Finding};
use domain::reconcile::{BillLine, ProviderBill};
use domain::registry::{History, Organisation};
use kernel::{Faults, Instant, Month, NodeCode, OrganisationCode, Period};
use lake::{Dataset, LakeName};
use sources::tabular::{Record, Records, Template};
use std::collections::{BTreeSet, HashMap};
use store::BillRecord;

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::ProviderBill.word(),
    title_zh: ImportKind::ProviderBill.zh(),
    columns: &[
        required("provider", "云服务商代码", "谁的账单；一个文件只有一家", "P1"),
        required("month", "账期", "哪个月的账单；一个文件只有一个月", "2026-03"),
        required(
            "version",
            "账单版本",
            "从 1 起，更正重报时加 1；一个文件只有一个版本",
            "1",
        ),
        required("line", "行号", "账单内不重复的整数", "1"),
        optional("node", "云节点", "资源所在的云节点；机柜、专线、工作等留空", "N1"),
        required(
            "resource",
            "云资源标识",
            "云节点上的资源标识；没有云节点的填分配单号或工作单号",
            "i-0001",
        ),
        required("item", "条目代码", "服务目录条目", "ECS-X86-CPU"),
        required("organisation", "使用单位代码", "向谁计费", "D001"),
        required("from", "起", "计费起始时刻，北京时间", "2026-03-01"),
        required(
            "to",
            "止",
            "计费终止时刻，不含该时刻；计到月底的填次月 1 日",
            "2026-04-01",
        ),
        required("quantity", "数量", "计费数量", "4"),
        required("unit_price", "单价（元）", "折后单价", "36.8"),
        required("amount", "金额（元）", "本行金额，冲减填负数", "147.20"),
    ],
};

pub(super) struct Bill;

/// A row: the head of the bill and one line.
pub(super) struct BillRow {
    head: Head,
    line: BillLine,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    provider: OrganisationCode,
    month: Month,
    version: u32,
}

impl Sheet for Bill {
    type Row = BillRow;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<BillRow> {
        let provider = must(record, "provider", faults);
        let month = must(record, "month", faults);
        let version = must::<Number>(record, "version", faults);
        let line = must::<Number>(record, "line", faults);
        let node = may::<NodeCode>(record, "node", faults);
        let resource = must::<Words>(record, "resource", faults);
        let item = must(record, "item", faults);
        let organisation = must(record, "organisation", faults);
        let from = must::<Instant>(record, "from", faults);
        let to = must::<Instant>(record, "to", faults);
        let quantity = must(record, "quantity", faults);
        let unit_price = must(record, "unit_price", faults);
        let amount = must(record, "amount", faults);
        let Ok(period) = Period::new(from?, to?) else {
            record.fault("to", "止必须晚于起", faults);
            return None;
        };
        let resource = resource?.0;
        let line = BillLine {
            line: line?.0,
            resource: node.map_or_else(|| resource.clone(), |node| format!("{node}/{resource}")),
            item: item?,
            organisation: organisation?,
            period,
            quantity: quantity?,
            unit_price: unit_price?,
            amount: amount?,
        };
        Some(BillRow {
            head: Head {
                provider: provider?,
                month: month?,
                version: version?.0,
            },
            line,
        })
    }

    /// A provider hands in its own bills only (I8).
    fn providers<'l>(rows: &'l [Line<'_, BillRow>]) -> BTreeSet<&'l OrganisationCode> {
        rows.iter().map(|row| &row.value.head.provider).collect()
    }

    async fn take(job: &mut Job<'_>, _records: &Records<'_>, rows: Vec<Line<'_, BillRow>>) -> Result<(), AppError> {
        let organisations: History<Organisation> = job.work.history().await?;
        check(&rows, &organisations, &mut job.faults);
        job.refuse_faults()?;
        let Some(first) = rows.first() else { return Ok(()) };
        let (record, head) = (first.record, first.value.head.clone());
        let unlisted = job.work.unlisted_allocations().await?;
        let mut lines: Vec<BillLine> = rows
            .into_iter()
            .map(|row| known_as(row.value.line, &unlisted))
            .collect();
        lines.sort_by_key(|line| line.line);
        let bill = ProviderBill {
            provider: head.provider,
            month: head.month,
            version: head.version,
            lines,
        };
        put_in(job, record, bill).await
    }
}

/// What no node lists (cabinets, lines, work) is known by its allocation's code alone, whatever node is named.
fn known_as(line: BillLine, unlisted: &BTreeSet<String>) -> BillLine {
    match line.resource.split_once('/') {
        Some((_, code)) if unlisted.contains(code) => BillLine {
            resource: code.to_owned(),
            ..line
        },
        _ => line,
    }
}

/// One bill in a file, each line once, from a provider.
fn check(rows: &[Line<'_, BillRow>], organisations: &History<Organisation>, faults: &mut Faults) {
    let mut numbers: HashMap<u32, u64> = HashMap::with_capacity(rows.len());
    let Some(first) = rows.first() else { return };
    let head = &first.value.head;
    refer_provider(first, &head.provider, organisations, faults);
    for row in rows {
        let own = &row.value.head;
        let same = [
            ("provider", own.provider == head.provider),
            ("month", own.month == head.month),
            ("version", own.version == head.version),
        ];
        for (field, _) in same.iter().filter(|(_, same)| !same) {
            let why = format!(
                "与第 {} 行不同；一个文件只能有一家云服务商一个月的一个版本，请分开导入",
                first.record.row()
            );
            row.fault(field, why, faults);
        }
        if let Some(before) = numbers.insert(row.value.line.line, row.record.row()) {
            row.fault("line", format!("行号与第 {before} 行重复"), faults);
        }
    }
}

/// Puts a bill to the versions that were handed in before, and stores it if it is the next one.
async fn put_in(job: &mut Job<'_>, record: Record<'_>, bill: ProviderBill) -> Result<(), AppError> {
    let count = u64::try_from(bill.lines.len()).unwrap_or(u64::MAX);
    let mut before = job.work.bills(bill.month).await?;
    before.retain(|there| there.provider == bill.provider);
    let version = i64::from(bill.version);
    let next = before.iter().map(|there| there.version).max().unwrap_or(0) + 1;
    if let Some(there) = before.iter().find(|there| there.version == version) {
        if job.ctx.lake().read_bill(&there.path)? == bill {
            job.counts.unchanged += count;
            return Ok(());
        }
        return Err(AppError::Contradiction(format!(
            "{} 的 {} 账单第 {version} 版已经收到过，内容与这次不同；如系更正，请云服务商以第 {next} 版重新报送",
            bill.provider, bill.month
        )));
    }
    if version != next {
        let why = format!("{} 的 {} 账单下一个版本应为 {next}", bill.provider, bill.month);
        record.fault("version", why, &mut job.faults);
        return job.refuse_faults();
    }
    let total = bill.total()?;
    job.counts.new += count;
    job.note(format!("账单共 {count} 行，合计 {} 元", total.grouped()));
    if job.work.is_closed(bill.month).await? {
        job.note(format!(
            "{} 已关账，结算单不再变动；该月暂缓的款项，凡与这版账单一致的，在下次关账时释放",
            bill.month
        ));
        check_paid(job, &bill).await?;
    }
    if job.only_try {
        return Ok(());
    }
    let part = job.id.to_string();
    let file = job.ctx.lake().write_bill(&LakeName::new(bill.month, &part)?, &bill)?;
    job.work
        .publish(&manifest(Dataset::Bills, bill.month, &part, &file))
        .await?;
    let record = BillRecord {
        provider: bill.provider,
        month: bill.month,
        version,
        digest: job.digest,
        lines: i64::try_from(count).unwrap_or(i64::MAX),
        total,
        path: file.path,
        received_at: job.now,
    };
    Ok(job.work.add_bill(&record).await?)
}

/// Opens a case if more was paid for a closed month than a bill that comes now asks for. Nothing is claimed back by
/// itself: people settle it, and what they settle is posted in an open month.
async fn check_paid(job: &mut Job<'_>, bill: &ProviderBill) -> Result<(), AppError> {
    let Some(above) = paid_above(job.ctx, &mut job.work, bill).await? else {
        return Ok(());
    };
    let (resource, item, most) = &above.largest;
    let detail = format!(
        "{} 的 {} 账单第 {} 版低于已付的金额，共 {} 项、{} 元，最大一项为 {resource} 的 {item}，{} 元；\
         已付的不自动追回，请与云服务商核实后更正分配或计价依据，差额作为更正行计入未关账月份",
        bill.provider,
        bill.month,
        bill.version,
        above.items,
        above.sum.grouped(),
        most.grouped()
    );
    job.note(detail.clone());
    let finding = Finding {
        kind: CaseKind::BillDifference,
        subject: format!("{}@{}#{}", bill.provider, bill.month, bill.version),
        owner: bill.provider.to_string(),
        detail,
        since: bill.month.period().from(),
    };
    job.work.open_cases(&[case(job.ctx, finding)]).await?;
    Ok(())
}
