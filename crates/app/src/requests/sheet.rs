//! A batch of lines from a spreadsheet: all of them, or every fault by row.

use super::RequestError;
use super::draft::{numbered, rewrite, writable};
use crate::import::cells::{Cell, Number, Words, may, must, optional, required};
use crate::{AppError, OpContext};
use domain::catalogue::ServiceForm;
use domain::registry::{PoolKind, ResourceKind, Spec};
use domain::request::{Declaration, RequestLine, ResourceRequest};
use domain::rules::Purpose;
use kernel::{AllocationCode, Day, Faults};
use sources::tabular::{Limits, Record, Template, read_for, records};
use std::collections::{BTreeMap, BTreeSet};

static TEMPLATE: Template = Template {
    kind: "request_lines",
    title_zh: "申请明细",
    columns: &[
        required("kind", "资源类型", "云主机、云硬盘等", "云主机"),
        optional("class", "类别", "卷类型、规格族或产品，没有则留空", ""),
        required("form", "服务形态", "共享云、专享云等", "共享云"),
        optional("pool", "资源池", "信创池或X86池，不在资源池中的留空", "信创池"),
        optional(
            "spec",
            "规格",
            "每个资源的规格；释放和延期可留空",
            "vcpu=4 memory_gib=8",
        ),
        required("count", "数量", "1 至 1000", "2"),
        required("purpose", "用途", "生产、开发、测试、应急", "生产"),
        optional("until", "到期日", "从哪天起不再需要；生产用途可留空", "2027-01-01"),
        optional("allocation", "分配单号", "变更、延期、释放时填已有资源的分配单号", ""),
    ],
};

/// Lines that one file may have.
const ROWS_MAX: usize = 2_000;

/// The columns of a file of lines.
pub const fn line_template() -> &'static Template {
    &TEMPLATE
}

impl Cell for Purpose {
    fn read(text: &str) -> Result<Self, String> {
        let bad = |_| "不是可用的取值，请填写其中之一: 生产、开发、测试、应急".to_owned();
        text.parse().map_err(bad)
    }
}

fn line(record: &Record<'_>, faults: &mut Faults) -> Option<RequestLine> {
    let kind = must::<ResourceKind>(record, "kind", faults);
    let class = may::<Words>(record, "class", faults);
    let form = must::<ServiceForm>(record, "form", faults);
    let pool = may::<PoolKind>(record, "pool", faults);
    let spec = may::<Spec>(record, "spec", faults);
    let count = must::<Number>(record, "count", faults);
    let purpose = must::<Purpose>(record, "purpose", faults);
    let until = may::<Day>(record, "until", faults);
    let allocation = may::<AllocationCode>(record, "allocation", faults);
    Some(RequestLine {
        line: 0,
        kind: kind?,
        class: class.map_or_else(String::new, |class| class.0),
        form: form?,
        pool,
        spec: spec.unwrap_or_default(),
        count: count?.0,
        purpose: purpose?,
        until,
        allocation,
    })
}

/// The lines of a CSV or XLSX file, numbered from 1. Errors: it is no table, or has faults; all of them, by row.
pub fn lines_of_sheet(name: &str, bytes: &[u8]) -> Result<Vec<RequestLine>, AppError> {
    let limits = Limits {
        rows: ROWS_MAX,
        ..Limits::default()
    };
    let table = read_for(&TEMPLATE, name, bytes, limits)?;
    let mut faults = Faults::new();
    let Some(rows) = records(&table, &TEMPLATE, &mut faults) else {
        return Err(AppError::Faults(faults));
    };
    let mut lines = Vec::with_capacity(rows.len());
    for record in rows.iter() {
        lines.extend(line(&record, &mut faults));
    }
    if lines.is_empty() && faults.is_empty() {
        return Err(RequestError::Invalid(format!("文件「{name}」没有任何明细行")).into());
    }
    Ok(numbered(faults.or(lines).map_err(AppError::Faults)?))
}

/// Puts the lines of a file in place of those of a draft, and of what was declared about them. Errors: as [`lines_of_sheet`]; the draft stays as it is.
pub async fn fill_from_sheet(
    ctx: &OpContext,
    (number, version): (&str, i64),
    (name, bytes): (&str, &[u8]),
) -> Result<ResourceRequest, AppError> {
    writable(ctx, number).await?;
    let lines = lines_of_sheet(name, bytes)?;
    let change = |request: &ResourceRequest| ResourceRequest {
        lines,
        // What was declared about the lines, and a reduction of them, falls with them.
        declared: Declaration {
            own_purchases: BTreeMap::new(),
            takes_up: BTreeSet::new(),
            ..request.declared.clone()
        },
        ..request.clone()
    };
    rewrite(ctx, (number, version), "request.sheet", change).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use sources::tabular::template_csv;

    #[test]
    fn the_template_can_be_read_back() {
        let lines = lines_of_sheet("明细.csv", &template_csv(&TEMPLATE)).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (lines[0].line, lines[0].count, lines[0].kind),
            (1, 2, ResourceKind::Server)
        );
        assert_eq!(lines[0].spec.to_string(), "vcpu=4 memory_gib=8");
    }

    #[test]
    fn every_fault_is_told_by_row() {
        let text = "资源类型,服务形态,规格,数量,用途\n云主机,共享云,vcpu=x,0,生产\n飞船,共享云,vcpu=1,1,游戏\n";
        let Err(AppError::Faults(faults)) = lines_of_sheet("明细.csv", text.as_bytes()) else {
            panic!("faults are expected");
        };
        let rows: Vec<(u64, &str)> = faults.sorted().iter().map(|f| (f.row, f.column.as_str())).collect();
        assert_eq!(rows, [(2, "规格"), (2, "数量"), (3, "资源类型"), (3, "用途")]);
    }
}
