//! Allocations: what was approved and opened, changed and released.

use super::approved::put_in;
use super::cells::{End, Words, may, must, optional, required};
use super::job::{Job, Line};
use super::registers::listed;
use super::{ImportKind, Sheet};
use crate::AppError;
use domain::meter::Allocation;
use domain::registry::ResourceKind;
use kernel::{Faults, Period};
use sources::tabular::{Record, Records, Template};

pub(super) static TEMPLATE: Template = Template {
    kind: ImportKind::Allocations.word(),
    title_zh: ImportKind::Allocations.zh(),
    columns: &[
        required(
            "code",
            "分配单号",
            "同一资源的各段（扩缩容、划转）用同一单号，各占一行",
            "FP-000001",
        ),
        required("system", "系统代码", "批准给哪个信息系统", "S001"),
        required("form", "服务形式", "以何种形式批准", "共享云"),
        required("kind", "资源类型", "资源的类型", "云主机"),
        optional("class", "规格类别", "云硬盘类型、产品等，没有则留空", "通用型"),
        required("spec", "规格", "计量项=数量，用空格隔开", "vcpu=4 memory_gib=8"),
        required("node", "云节点", "在哪个云节点开通", "N1"),
        optional("pool", "资源池代码", "在哪个资源池开通，没有则留空", "N1-X86"),
        optional(
            "native_id",
            "云资源标识",
            "云节点上的资源标识；机柜、专线等没有标识的留空",
            "i-0001",
        ),
        optional(
            "contract",
            "合同编号",
            "在哪份合同下；留空则为该云服务商当时有效的合同",
            "ZWY-2026-01",
        ),
        optional("parent", "上级分配单号", "随哪个分配单一同结束，没有则留空", ""),
        required(
            "from",
            "计费开始",
            "验收（或变更）的时刻，北京时间",
            "2026-03-01 10:30:00",
        ),
        optional("to", "计费终止", "释放（或变更）的时刻，不含该时刻；仍在使用则留空", ""),
    ],
};

pub(super) struct Allocations;

impl Sheet for Allocations {
    type Row = Allocation;

    fn read(record: &Record<'_>, faults: &mut Faults) -> Option<Allocation> {
        let code = must(record, "code", faults);
        let system = must(record, "system", faults);
        let form = must(record, "form", faults);
        let kind = must(record, "kind", faults);
        if kind == Some(ResourceKind::Work) {
            record.fault(
                "kind",
                "服务工作不是资源，请用 declared-work（服务工作）的模板另行导入",
                faults,
            );
        }
        let class = may::<Words>(record, "class", faults).map_or_else(String::new, |class| class.0);
        let spec = must(record, "spec", faults);
        let node = must(record, "node", faults);
        let pool = may(record, "pool", faults);
        let native_id = may::<Words>(record, "native_id", faults).map(|id| id.0);
        let contract = may(record, "contract", faults);
        let parent = may(record, "parent", faults);
        let from = must(record, "from", faults);
        let to = may::<End>(record, "to", faults).and_then(|end| end.0);
        let Ok(period) = Period::open(from?, to) else {
            record.fault("to", "计费终止必须晚于计费开始", faults);
            return None;
        };
        Some(Allocation {
            code: code?,
            system: system?,
            form: form?,
            kind: kind?,
            class,
            spec: spec?,
            node: node?,
            pool,
            native_id,
            contract,
            parent,
            period,
        })
    }

    async fn take(job: &mut Job<'_>, records: &Records<'_>, rows: Vec<Line<'_, Allocation>>) -> Result<(), AppError> {
        put_in(job, &listed(records, "code"), rows, "迟到的资源分配").await
    }
}
